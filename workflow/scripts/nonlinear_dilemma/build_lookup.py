"""The theorem's map as a table: every intervention of finitely many inputs, and what the table says of other inputs."""

import numpy as np
import torch
import xarray as xr

from lib.abstraction.causal import Sampler, algorithm, draw_inputs
from lib.abstraction.lookup import build_table, count_all, held_out_accuracy, shuffled, solved_inputs
from lib.abstraction.networks import StackedMLP, unpack_networks
from lib.atlas.job.seeds import generator
from lib.progress import progress

PAPER = "nonlinear_dilemma"
NETWORKS = ("trained", "random, recentred")


def build(
    networks: xr.Dataset, *, algorithms: list[str], sizes: list[int], layers: list[int], per_coordinate: list[int],
    held_out: int, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return counts over all interventions, of the same with shuffled states, and of held-out ones.

    Args:
        networks: weights (`train_networks`), with snapshots `0` and `trained`.
        algorithms: with two Boolean variables.
        sizes: numbers of inputs.
        layers: where tables are built.
        per_coordinate: numbers of inputs for which codes are those of the proof.
        held_out: interventions of inputs outside the table.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    cases = [(False, n) for n in sizes] + [(True, n) for n in per_coordinate]
    rows: list[dict] = []
    refusals = {}
    for name in algorithms:
        group = algorithm(name).task
        for network in NETWORKS:
            model = _network(networks, group, network, root_seed)
            for layer in progress(layers, f"layers, {name}, {network}"):
                for proof, n in cases:
                    rng = generator(root_seed, PAPER, "lookup", name, network, layer, n, proof)
                    rows.append(
                        {"algorithm": name, "network": network, "place": layer, "inputs": n, "per_coordinate": proof}
                        | _case(name, model, layer, n, proof, held_out, rng)
                    )
        refusals[name] = _refuses(
            _network(networks, group, "random", root_seed),
            group,
            min(sizes),
            generator(root_seed, PAPER, "refusal", name),
        )
    words = {
        "interventions": "all interventions of the inputs",
        "right": "that the network answers as the algorithm",
        "shuffled": "the same with hidden states of the other codes in random order",
        "entries": "codes in the table",
        "one_to_one": "whether codes and hidden states are all different",
        "held_out_right": "right answers to interventions of other inputs",
    }
    keys = ("algorithm", "network", "place", "inputs", "per_coordinate")
    return xr.Dataset(
        {name: ("case", [row[name] for row in rows], {"long_name": text}) for name, text in words.items()}
        | {"refused": ("refusal", list(refusals.values()), {"long_name": "whether an untrained network was refused"})},
        coords={**{key: ("case", [row[key] for row in rows]) for key in keys}, "refusal": list(refusals)},
        attrs={"held_out": held_out},
    )


def _network(networks, group: str, kind: str, root_seed: int) -> StackedMLP:
    """One network in double precision; recentred, its median difference of scores is 0."""
    model = unpack_networks(networks, group, ["trained" if kind == "trained" else "0"], 1).double()
    if kind == "random, recentred":
        x, _ = draw_inputs(group, 4096, generator(root_seed, PAPER, "centre", group))
        scores = model(torch.from_numpy(x).double()[None])[0]
        model.score.bias[0, 0, 1] -= (scores[:, 1] - scores[:, 0]).median()
    return model


def _functions(model: StackedMLP, layer: int):
    def hidden(x):
        return model.lower(torch.from_numpy(np.ascontiguousarray(x)).double()[None], layer)[0].numpy()

    def answer(states):
        return model.upper(torch.from_numpy(np.ascontiguousarray(states))[None], layer)[0].argmax(-1).numpy()

    return hidden, answer


def _case(name: str, model: StackedMLP, layer: int, n: int, proof: bool, held_out: int, rng) -> dict:
    hidden, answer = _functions(model, layer)
    task = algorithm(name).task
    inputs, _ = solved_inputs(lambda k: draw_inputs(task, k, rng), lambda x: answer(hidden(x)), hidden, n)
    natural = hidden(inputs)
    table = build_table(name, inputs, natural, answer, rng, per_coordinate=proof)
    whole = count_all(name, table, inputs, answer, per_coordinate=proof)
    control = count_all(name, shuffled(table, rng), inputs, answer, per_coordinate=proof)
    drawn = Sampler(name)(held_out, rng)
    states = np.stack([hidden(x) for x in (drawn.base, *drawn.sources.swapaxes(0, 1))])
    right, _ = held_out_accuracy(table, natural, states, drawn.flags, drawn.label, answer, per_coordinate=proof)
    return {
        "interventions": whole.interventions,
        "right": whole.right,
        "shuffled": control.right,
        "entries": whole.entries,
        "one_to_one": whole.one_to_one,
        "held_out_right": right,
    }


def _refuses(model: StackedMLP, task: str, n: int, rng) -> bool:
    hidden, answer = _functions(model, 3)
    try:
        solved_inputs(lambda k: draw_inputs(task, k, rng), lambda x: answer(hidden(x)), hidden, n)
    except ValueError:
        return True
    return False


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(build, snakemake)
