"""Ensembles of fresh networks with a permutation of their own: are they right on every input with two ones and more?"""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.checkpoint import Checkpoint
from lib.atlas.job.seeds import generator
from lib.ntk.networks import block_size, draw, fit_networks, permutation, predict
from lib.ntk.samples import binary_inputs, input_thresholds, right_inputs, unit
from lib.progress import progress


def count_exact(*, cases: list[dict], width: int, checkpoint: Checkpoint | None, root_seed: int) -> xr.Dataset:
    """Return whether each ensemble is right everywhere, with all its networks and with half of them.

    Args:
        cases: kernel, size, threshold, networks and ensembles of each; the first three ensembles get the identity, the
            reversal and a cycle, the others random permutations.
        width: hidden units.
        checkpoint: where finished ensembles are kept.
        root_seed: root of the random streams.
    """
    most = max(case["ensembles"] for case in cases)
    state = (checkpoint.load() if checkpoint else None) or {
        "right": np.full((len(cases), 2, most), np.nan),
        "share": np.full((len(cases), 2, most), np.nan),
        "error": np.full((len(cases), most), np.nan),
        "done": np.array(0),
    }
    units = [(a, e) for a, case in enumerate(cases) for e in range(case["ensembles"])]
    for unit_number in progress(range(int(state["done"]), len(units)), "ensembles"):
        a, e = units[unit_number]
        case = cases[a]
        rng = generator(root_seed, "permutation_learning", "exact", case["name"], e)
        outputs, state["error"][a, e], inputs = _ensemble(case, e, width, rng)
        cut = input_thresholds(case["kernel"], inputs, case["threshold"])
        for half in (0, 1):
            right = right_inputs(outputs[half], inputs, cut)
            state["right"][a, half, e], state["share"][a, half, e] = right.all(), right.mean()
        state["done"] = np.array(unit_number + 1)
        if checkpoint:
            checkpoint.save_if_due(lambda: state)
    return xr.Dataset(
        {
            "right": (("case", "part", "ensemble"), state["right"], {"long_name": "right on all inputs"}),
            "share": (("case", "part", "ensemble"), state["share"], {"long_name": "share of right inputs"}),
            "error": (("case", "ensemble"), state["error"], {"long_name": "largest error at a training input"}),
        },
        coords={
            "case": [case["name"] for case in cases],
            "part": ["all", "half"],
            **{key: ("case", [case[key] for case in cases]) for key in ("kernel", "size", "threshold", "models")},
        },
        attrs={"width": width},
    )


def _ensemble(case: dict, kind: int, width: int, rng) -> tuple[np.ndarray, float, np.ndarray]:
    """Mean outputs of all networks and of half (2, inputs, size), the permutation undone; largest training error."""
    size, models = case["size"], case["models"]
    inputs = binary_inputs(size, least=2)
    order = permutation(kind, size, rng)
    tests = torch.from_numpy(np.concatenate([np.eye(size), unit(inputs)])).float()
    sums, error = np.zeros((2, len(inputs), size)), 0.0
    block = block_size(width, size)
    for start in range(0, models, block):
        networks = fit_networks(case["kernel"], draw(min(block, models - start), width, size, size, rng), order[None])
        outputs = predict(networks, tests) @ order  # (models, inputs, size): coordinate j is that of bit j
        error = float(
            np.maximum(error, (outputs[:, :size] - torch.eye(size)).abs().max())
        )  # keeps what is not a number
        outputs = outputs[:, size:].double().numpy()
        sums[0] += outputs.sum(axis=0)
        sums[1] += outputs[: max(0, models // 2 - start)].sum(axis=0)
    return sums / np.array([models, models // 2])[:, None, None], error, inputs


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(count_exact, snakemake)
