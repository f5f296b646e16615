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


def _fit(networks, run: dict, tests: int, searched: int, device: str, part, root_seed: int) -> dict:
    places, seeds = _places(run), run["seeds"]
    stack = unpack_networks(networks, run["group"], run["snapshots"], seeds)
    cut = Cut(stack.to(device), [(run["snapshots"].index(b) * seeds + c, a) for a, b, c in places])
    d, sampler = stack.d, Sampler(run["algorithm"])
    size = run.get("size") or d // 2
    owned = owned_coordinates(d, [size] * len(sampler.method.variables)).to(device)
    owner = torch.tensor([c for *_, c in places])

    def streams(purpose: str) -> list[np.random.Generator]:
        return [generator(root_seed, PAPER, purpose, run["group"], run["algorithm"], c) for c in range(seeds)]

    def batch_of(drawn: list[Interventions], labels: list[np.ndarray]) -> Batch:
        inputs = torch.from_numpy(
            np.stack([np.concatenate([one.base[None], one.sources.swapaxes(0, 1)]) for one in drawn])
        )
        stacked = inputs.repeat(len(run["snapshots"]), 1, 1, 1).to(device)  # snapshots of a seed see the same inputs
        states = cut.lower(stacked.flatten(1, 2)).unflatten(1, inputs.shape[1:3])
        flags, label = (
            torch.from_numpy(np.stack(rows))[owner].to(device) for rows in ([one.flags for one in drawn], labels)
        )
        return Batch(states, flags, label)

    def among(n: int, rngs) -> Batch:
        drawn = [sampler.among(n, run["shared"], rng) for rng in rngs]
        inputs, index, flags, label = (torch.from_numpy(np.stack(part)) for part in zip(*drawn))
        states = cut.lower(inputs.repeat(len(run["snapshots"]), 1, 1).to(device))
        flags, label, index = (part[owner].to(device) for part in (flags, label, index))
        return Batch(states, flags, label, index=index)

    def draw(n: int, rngs) -> Batch:
        drawn = [sampler(n, rng) for rng in rngs]
        shuffle = run.get("control") == "shuffled"
        return batch_of(drawn, [rng.permutation(one.label) if shuffle else one.label for one, rng in zip(drawn, rngs)])

    test = draw(tests, streams("test"))
    empty = np.full(len(places), np.nan)
    result = {name: empty.copy() for name in NUMBERS} | {"loss": np.full((len(places), POINTS), np.nan)}
    if run["map"] == "probe":
        result["iia"] = variable_probes(sampler, cut, owner.numpy(), searched, tests, streams("probe"))
        return result
    if run["map"] == "neurons":
        search, masks = draw(searched, streams("search")), []
        for i in range(len(places)):
            alone = Cut(stack, [(run["snapshots"].index(places[i][1]) * seeds + places[i][2], places[i][0])])
            masks.append(_neurons(search, i, alone, size))
        result["iia"] = intervention_accuracy(Identity(), test, cut.upper, torch.stack(masks))
        result["parameters"], result["round_trip"] = np.zeros(len(places)), np.zeros(len(places))
        return result
    key = (PAPER, "map", run["map"], run["group"], run["algorithm"])
    sources = generators(seed_sequence(root_seed, *key, a, b, c) for a, b, c in places)
    if run["map"] in ("revnet", "untrained"):
        phi = RevNet(d, run["blocks"], run["hidden"], sources).to(device)
    else:
        phi = (Orthogonal if run["map"] == "orthogonal" else random_rotation)(d, sources).to(device)
    if run["map"] in ("revnet", "orthogonal"):
        rngs = streams("train")
        pools = [sampler(run["stored"], rng) for rng in streams("stored")] if run["stored"] else []

        sharing = run["algorithm"] != "first_argument" and run.get("control") is None

        def chosen(rows: list) -> Batch:
            parts = [Interventions(*(part[index] for part in pool)) for pool, index in zip(pools, rows)]
            return batch_of(parts, [one.label for one in parts])

        def sample() -> Batch:
            if run["shared"] and not pools and sharing:
                return among(run["batch"], rngs)
            if not pools:
                return draw(run["batch"], rngs)
            return chosen([rng.integers(0, run["stored"], run["batch"]) for rng in rngs])

        stopping = {}
        if run["evaluation"]:
            held_out = draw(run["evaluation"], streams("evaluation"))
            stopping = {"evaluation": held_out, "every": run["every"], "patience": run["patience"]}
        history = train_maps(
            phi, sample, cut.upper, owned, test, steps=run["steps"],
            learning_rate=run["learning_rate"], warmup=run["warmup"], decay=run["decay"], streams=rngs,
            checkpoint=part, label=f"steps, {run['map']}, {run['algorithm']}", **stopping,
        )  # fmt: skip
        result["iia"], result["moved"] = history.accuracy, history.moved
        result["loss"] = loss_curve(history.loss, POINTS)
        result["steps"] = np.full(len(places), float(history.steps))
        if pools:
            seen = chosen([slice(0, tests)] * seeds)
            result["iia_train"] = intervention_accuracy(phi, seen, cut.upper, owned)
    else:
        result["iia"] = intervention_accuracy(phi, test, cut.upper, owned)
    trained = run["map"] in ("revnet", "orthogonal")
    result["parameters"] = np.full(len(places), float(count_map_parameters(phi)) if trained else 0.0)
    result["round_trip"] = np.array([round_trip_error(phi, test.states[:, 0, :1000])] * len(places))
    return result


def _neurons(search: Batch, i: int, alone: Cut, size: int) -> torch.Tensor:
    def upper(hidden, context=None):
        # many choices for one network: they go through it as rows
        return alone.upper(hidden.flatten(0, 1)[None])[0].unflatten(0, hidden.shape[:2])

    return pick_neurons(search.states[i], search.flags[i], search.label[i], upper, size)[0]


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(align, snakemake)
