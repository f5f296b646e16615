"""Alignment maps of small networks, and baselines: every fit of a study, with its accuracy on fresh interventions."""

import numpy as np
import torch
import xarray as xr

from lib.abstraction.alignment import count_map_parameters, loss_curve, pick_neurons, train_maps
from lib.abstraction.causal import Interventions, Sampler, algorithm, majority_share
from lib.abstraction.interchange import Batch, intervention_accuracy, owned_coordinates, round_trip_error
from lib.abstraction.maps import Identity, Orthogonal, RevNet, random_rotation
from lib.abstraction.networks import Cut, unpack_networks
from lib.abstraction.probing import variable_probes
from lib.atlas.job.checkpoint import Checkpoint
from lib.atlas.job.seeds import generator, seed_sequence
from lib.training.stacked import generators
from lib.training.state import Part, as_results, results_so_far

PAPER = "nonlinear_dilemma"
POINTS = 60  # of a loss curve
NUMBERS = ("iia", "moved", "iia_train", "parameters", "round_trip", "steps")
ALWAYS = {"algorithm": "both_equality", "snapshots": ["trained"]}


def align(
    networks: xr.Dataset, *, runs: list[dict], training: dict, tests: int, searched: int, device: str,
    checkpoint: Checkpoint | None, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return one row for each fit: a map, of a network at a layer, for an algorithm.

    Args:
        networks: weights (`train_networks`).
        runs: fits that are trained as one stack. Each has `map` (`revnet` with `blocks` and `hidden`, `orthogonal`,
            `rotation` and `untrained`: random maps that stay as they are, `neurons`, `probe`), `layers` and `seeds`,
            and may have `algorithm` (both equality relations where absent), `group` of networks (those of the
            algorithm's task), `snapshots` (the trained networks), `size` (coordinates of a variable; half of all),
            `control: shuffled` (labels in random order), and keys of `training` that differ.
        training: `steps`, `batch`, `learning_rate`, `warmup` (steps), `decay`; `shared`: inputs among which the
            interventions of a step are drawn, null where each has inputs of its own, as those of the first argument's
            identity always have; `stored`: interventions that are drawn once, null for fresh ones at every step;
            `evaluation`: interventions for early stopping, null for none, every `every` steps with `patience`.
        tests: interventions on which accuracies are measured.
        searched: interventions of a step of the greedy search, and of the probes.
        device: where maps are trained.
        checkpoint: where finished runs and the state of the present one are kept.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    runs = [
        ALWAYS | {"group": algorithm(run.get("algorithm", ALWAYS["algorithm"])).task} | training | run for run in runs
    ]
    done = results_so_far(checkpoint)
    for number, run in enumerate(runs):
        if f"iia_{number}" in done:
            continue
        part = Part(checkpoint, f"run {number}", done) if checkpoint else None
        fits = _fit(networks, run, tests, searched, device, part, root_seed)
        done |= {f"{name}_{number}": value for name, value in fits.items()}
        if checkpoint:
            checkpoint.save_if_due(lambda done=done: as_results(done))
    columns = {
        name: np.concatenate([done[f"{name}_{number}"] for number in range(len(runs))]) for name in (*NUMBERS, "loss")
    }
    places = [(run, *place) for run in runs for place in _places(run)]
    words = {
        "iia": "interchange intervention accuracy; of probes, accuracy on the variables",
        "moved": "its change over the last quarter of the steps",
        "iia_train": "accuracy on the interventions of training where these were stored",
        "parameters": "degrees of freedom of the map",
        "round_trip": "largest error of the inverse",
        "steps": "of the training",
    }
    return xr.Dataset(
        {
            **{name: ("fit", columns[name], {"long_name": words[name]}) for name in NUMBERS},
            "loss": (
                ("fit", "point"),
                columns["loss"],
                {"long_name": "mean loss over a part of the steps", "units": "nat"},
            ),
            "se": (
                "fit",
                np.sqrt(columns["iia"] * (1 - columns["iia"]) / tests),
                {"long_name": "binomial standard error of the accuracy"},
            ),
            "majority": (
                "fit",
                [majority_share(run["algorithm"]) for run, *_ in places],
                {"long_name": "accuracy of a constant"},
            ),
        },
        coords={
            **{key: ("fit", [run[key] for run, *_ in places]) for key in ("map", "group", "algorithm")},
            **{
                key: ("fit", [int(run.get(key) or 0) for run, *_ in places])
                for key in ("blocks", "hidden", "size", "stored")
            },
            "control": ("fit", [run.get("control", "none") for run, *_ in places]),
            "rate": ("fit", [float(run["learning_rate"]) for run, *_ in places]),
            "snapshot": ("fit", [snapshot for _, _, snapshot, _ in places]),
            "place": ("fit", [layer for _, layer, _, _ in places]),
            "seed": ("fit", [seed for *_, seed in places]),
        },
        attrs={"tests": tests},
    )


def _places(run: dict) -> list[tuple[int, str, int]]:
    """Layer, snapshot and seed of each fit of a run, sorted by layer."""
    return [(a, b, c) for a in sorted(run["layers"]) for b in run["snapshots"] for c in range(run["seeds"])]


class _Problem:
    """Networks of one run, each cut at its layer, and interventions on them.

    Args:
        networks: weights.
        run: with all keys.
        device: where networks and states are.
        root_seed: root of the random streams; seeds of networks have streams of their own.
    """

    def __init__(self, networks: xr.Dataset, run: dict, device: str, root_seed: int):
        self.run, self.device, self.root_seed = run, device, root_seed
        self.places, self.sampler = _places(run), Sampler(run["algorithm"])
        self.stack = unpack_networks(networks, run["group"], run["snapshots"], run["seeds"]).to(device)
        self.cut = Cut(self.stack, [self.cut_of(i) for i in range(len(self.places))])
        self.owner = torch.tensor([seed for *_, seed in self.places])
        self.size = run.get("size") or self.stack.d // 2
        self.owned = owned_coordinates(self.stack.d, [self.size] * len(self.sampler.method.variables)).to(device)

    def cut_of(self, i: int) -> tuple[int, int]:
        """Model of the stack and layer of a fit."""
        layer, snapshot, seed = self.places[i]
        return self.run["snapshots"].index(snapshot) * self.run["seeds"] + seed, layer

    def streams(self, purpose: str) -> list[np.random.Generator]:
        key = (PAPER, purpose, self.run["group"], self.run["algorithm"])
        return [generator(self.root_seed, *key, seed) for seed in range(self.run["seeds"])]

    def _states(self, inputs: torch.Tensor) -> torch.Tensor:
        """Hidden states of all fits; snapshots of a seed see the same inputs `(seeds, rows, d)`."""
        return self.cut.lower(inputs.repeat(len(self.run["snapshots"]), 1, 1).to(self.device))

    def _owned(self, rows: list[np.ndarray]) -> torch.Tensor:
        return torch.from_numpy(np.stack(rows))[self.owner].to(self.device)

    def batch(self, drawn: list[Interventions], labels: list[np.ndarray] | None = None) -> Batch:
        """Interventions of each seed as a batch, perhaps with other labels."""
        inputs = np.stack([np.concatenate([one.base[None], one.sources.swapaxes(0, 1)]) for one in drawn])
        states = self._states(torch.from_numpy(inputs).flatten(1, 2)).unflatten(1, inputs.shape[1:3])
        return Batch(
            states, self._owned([one.flags for one in drawn]), self._owned(labels or [one.label for one in drawn])
        )

    def draw(self, n: int, rngs) -> Batch:
        """Interventions that have inputs of their own."""
        drawn = [self.sampler(n, rng) for rng in rngs]
        shuffle = self.run.get("control") == "shuffled"
        return self.batch(drawn, [rng.permutation(one.label) for one, rng in zip(drawn, rngs)] if shuffle else None)

    def among(self, n: int, rngs) -> Batch:
        """Interventions among a few inputs."""
        inputs, index, flags, label = zip(*(self.sampler.among(n, self.run["shared"], rng) for rng in rngs))
        states = self._states(torch.from_numpy(np.stack(inputs)))
        return Batch(states, self._owned(flags), self._owned(label), index=self._owned(index))


def _fit(networks, run: dict, tests: int, searched: int, device: str, part, root_seed: int) -> dict:
    """Columns of one run, a row for each fit."""
    problem = _Problem(networks, run, device, root_seed)
    count, d = len(problem.places), problem.stack.d
    result = {name: np.full(count, np.nan) for name in NUMBERS} | {"loss": np.full((count, POINTS), np.nan)}
    if run["map"] == "probe":
        rngs = problem.streams("probe")
        result["iia"] = variable_probes(problem.sampler, problem.cut, problem.owner.numpy(), searched, tests, rngs)
        return result
    test = problem.draw(tests, problem.streams("test"))
    if run["map"] == "neurons":
        search = problem.draw(searched, problem.streams("search"))
        masks = torch.stack([_neurons(problem, search, i) for i in range(count)])
        result["iia"] = intervention_accuracy(Identity(), test, problem.cut.upper, masks)
        return result | {"parameters": np.zeros(count), "round_trip": np.zeros(count)}
    key = (PAPER, "map", run["map"], run["group"], run["algorithm"])
    sources = generators(seed_sequence(root_seed, *key, *place) for place in problem.places)
    if run["map"] in ("revnet", "untrained"):
        phi = RevNet(d, run["blocks"], run["hidden"], sources).to(device)
    else:
        phi = (Orthogonal if run["map"] == "orthogonal" else random_rotation)(d, sources).to(device)
    if run["map"] in ("revnet", "orthogonal"):
        result |= _train(problem, phi, test, tests, part)
    else:
        accuracy = intervention_accuracy(phi, test, problem.cut.upper, problem.owned)
        result |= {"iia": accuracy, "parameters": np.zeros(count)}
    error = round_trip_error(phi, test.states[:, 0, :1000])
    return result | {"round_trip": np.full(count, error)}


def _train(problem: _Problem, phi, test: Batch, tests: int, part) -> dict:
    """Train the maps of a run; their columns."""
    run, rngs, stopping = problem.run, problem.streams("train"), {}
    pools = [problem.sampler(run["stored"], rng) for rng in problem.streams("stored")] if run["stored"] else []
    among = run["shared"] and run["algorithm"] != "first_argument" and run.get("control") is None

    def chosen(rows: list) -> Batch:
        return problem.batch([Interventions(*(one[index] for one in pool)) for pool, index in zip(pools, rows)])

    def sample() -> Batch:
        if pools:
            return chosen([rng.integers(0, run["stored"], run["batch"]) for rng in rngs])
        return (problem.among if among else problem.draw)(run["batch"], rngs)

    if run["evaluation"]:
        held_out = problem.draw(run["evaluation"], problem.streams("evaluation"))
        stopping = {"evaluation": held_out, "every": run["every"], "patience": run["patience"]}
    history = train_maps(
        phi, sample, problem.cut.upper, problem.owned, test, steps=run["steps"], learning_rate=run["learning_rate"],
        warmup=run["warmup"], decay=run["decay"], streams=rngs, checkpoint=part,
        label=f"steps, {run['map']}, {run['algorithm']}", **stopping,
    )  # fmt: skip
    count = len(problem.places)
    columns = {
        "iia": history.accuracy,
        "moved": history.moved,
        "loss": loss_curve(history.loss, POINTS),
        "steps": np.full(count, float(history.steps)),
        "parameters": np.full(count, float(count_map_parameters(phi))),
    }
    if pools:
        seen = chosen([slice(0, tests)] * run["seeds"])
        columns["iia_train"] = intervention_accuracy(phi, seen, problem.cut.upper, problem.owned)
    return columns


def _neurons(problem: _Problem, search: Batch, i: int) -> torch.Tensor:
    """Greedy neurons of one fit."""
    alone = Cut(problem.stack, [problem.cut_of(i)])

    def upper(hidden, context=None):
        # many choices for one network: they go through it as rows
        return alone.upper(hidden.flatten(0, 1)[None])[0].unflatten(0, hidden.shape[:2])

    return pick_neurons(search.states[i], search.flags[i], search.label[i], upper, problem.size)[0]


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(align, snakemake)
