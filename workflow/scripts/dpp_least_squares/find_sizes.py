"""Number of points that each strategy needs for a well conditioned Gram matrix, space by space."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.problems import space
from lib.sampling.sizes import candidate_sizes, search_sizes


def find_sizes(
    *,
    bases: list[dict],
    strategies: list[str],
    levels: list[float],
    repetitions: int,
    delta: float,
    step: float,
    largest: float,
    root_seed: int,
) -> xr.Dataset:
    """Return `needed (basis, strategy, level)`, the first n with Pr(lambda_min >= 1 - delta) at or above the level.

    Args:
        bases: `name`, `family`, `dim`, `degree`, `index_set`, `atoms`; other keys are not read.
        strategies: names of strategies.
        levels: ascending probabilities.
        repetitions: designs, each of which grows with n.
        delta: asked of lambda_min(G).
        step: ratio of neighbouring n, for strategies that take any n; 1: multiples of m.
        largest: highest n over m; what is not reached by then is NaN.
        root_seed: root of the random streams.
    """
    names = [spec["name"] for spec in bases]
    needed = np.full((len(names), len(strategies), len(levels)), np.nan)
    paths, sizes = {}, np.zeros(len(names), dtype=int)
    for b, s in progress([(b, s) for b in range(len(names)) for s in range(len(strategies))], "searches"):
        basis = space(**{key: value for key, value in bases[b].items() if key not in ("name", "function", "cut")})
        rng = generator(root_seed, "dpp_least_squares", "sizes", names[b], strategies[s])
        candidates = candidate_sizes(strategies[s], basis.size, step, largest)
        needed[b, s], paths[b, s] = search_sizes(strategies[s], basis, candidates, levels, repetitions, delta, rng)
        sizes[b] = basis.size
    length = max(map(len, paths.values()))
    steps = np.full((len(names), len(strategies), length, 2), np.nan)
    for (b, s), path in paths.items():
        steps[b, s, : len(path)] = np.reshape(path, (-1, 2))
    return xr.Dataset(
        {
            "needed": (("basis", "strategy", "level"), needed, {"long_name": "number of points"}),
            "tried": (("basis", "strategy", "step"), steps[..., 0], {"long_name": "number of points"}),
            "probability": (("basis", "strategy", "step"), steps[..., 1], {"long_name": "Pr(lambda_min >= 1 - delta)"}),
            "size": ("basis", sizes, {"long_name": "number of functions m"}),
        },
        coords={"basis": names, "strategy": strategies, "level": levels},
        attrs={"delta": delta, "repetitions": repetitions},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(find_sizes, snakemake)
