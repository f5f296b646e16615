"""Methods on a user's own design, with signals that are planted on random supports."""

from pathlib import Path

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.regression.comparison import method_error
from lib.regression.ill_conditioned import Problem, cancelling_signal, random_support, unit_columns
from lib.regression.preconditioner import default_size

PAPER = "sparse_regression_random_support"


def plant_signals(matrix, *, sparsity: int, noise: float, methods: list[str], seeds: int, root_seed: int) -> xr.Dataset:
    """Return errors (estimator, seed) for signals of mean square 1.

    Args:
        matrix: file `.npy` of a real matrix (n, d).
        sparsity: k.
        noise: deviation of the noise.
        methods: of `lib.regression.comparison`.
        seeds: planted signals, each with a support, noise and a preconditioner of its own.
        root_seed: root of the random streams.
    """
    x, _ = unit_columns(np.load(Path(matrix).expanduser(), allow_pickle=False))
    rows, dim = x.shape
    size = min(default_size(rows, sparsity), dim)
    errors = np.zeros((len(methods), seeds))
    for seed in range(seeds):
        streams = {
            part: generator(root_seed, PAPER, "own design", part, seed)
            for part in ("support", "signal", "noise", "preconditioner", "folds")
        }
        support = random_support(dim, sparsity, streams["support"])
        weights, signal = cancelling_signal(x, support, streams["signal"])
        y = signal + noise * streams["noise"].standard_normal(rows)
        chosen = np.sort(streams["preconditioner"].choice(dim, size, replace=False))
        problem = Problem(x, signal, y, support, weights)
        errors[:, seed] = [method_error(method, problem, chosen, noise, streams["folds"]) for method in methods]
    return xr.Dataset(
        {"error": (("estimator", "seed"), errors, {"units": "1", "long_name": "mean square of fit less signal"})},
        coords={"estimator": methods, "seed": np.arange(seeds)},
        attrs={"rows": rows, "dim": dim, "size": size},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(plant_signals, snakemake)
