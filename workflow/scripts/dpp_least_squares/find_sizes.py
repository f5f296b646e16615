"""Number of points that each strategy needs for a well conditioned Gram matrix, space by space."""

import math

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.problems import space
from lib.sampling.designs import growing_gram

UNIT = {"rep": 1, "rvol": 2}  # what the number of points must be a multiple of, over m


def candidates(strategy: str, m: int, step: float, largest: float) -> list[int]:
    """Ascending numbers of points: multiples of m, or geometric steps where the strategy takes any number.

    Args:
        strategy: name of the strategy.
        m: number of functions.
        step: ratio of neighbours; 1 asks for multiples of m.
        largest: highest number of points over m.
    """
    unit = UNIT.get(strategy, 0 if step > 1 else 1) * m
    if unit:
        return list(range(unit, int(largest * m) + 1, unit))
    count = math.ceil(math.log(largest) / math.log(step))
    return sorted({round(m * step**k) for k in range(count + 1)})


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
    walks, sizes = {}, np.zeros(len(names), dtype=int)
    for b, s in progress([(b, s) for b in range(len(names)) for s in range(len(strategies))], "searches"):
        spec = {k: v for k, v in bases[b].items() if k not in ("name", "function", "cut")}
        basis = space(**spec)
        sizes[b], walk = basis.size, []
        rng = generator(root_seed, "dpp_least_squares", "sizes", names[b], strategies[s])
        sweep = candidates(strategies[s], basis.size, step, largest)
        for n, matrices in growing_gram(strategies[s], basis, sweep, rng, repetitions):
            good = int(np.sum(np.linalg.eigvalsh(matrices)[:, 0] >= 1 - delta))
            walk.append((n, good / repetitions))
            for i, level in enumerate(levels):
                if np.isnan(needed[b, s, i]) and good >= level * repetitions:
                    needed[b, s, i] = n
            if not np.any(np.isnan(needed[b, s])):
                break
        walks[b, s] = walk
    length = max(map(len, walks.values()))
    path = np.full((len(names), len(strategies), length, 2), np.nan)
    for (b, s), walk in walks.items():
        path[b, s, : len(walk)] = np.reshape(walk, (-1, 2))
    return xr.Dataset(
        {
            "needed": (("basis", "strategy", "level"), needed, {"long_name": "number of points"}),
            "tried": (("basis", "strategy", "step"), path[..., 0], {"long_name": "number of points"}),
            "probability": (("basis", "strategy", "step"), path[..., 1], {"long_name": "Pr(lambda_min >= 1 - delta)"}),
            "size": ("basis", sizes, {"long_name": "number of functions m"}),
        },
        coords={"basis": names, "strategy": strategies, "level": levels},
        attrs={"delta": delta, "repetitions": repetitions},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(find_sizes, snakemake)
