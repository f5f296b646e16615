"""Needles in constant-weight codes of polynomials: how far the best action stands out below s eps."""

import math

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.bandits.designs import coordinates_in_span
from lib.bandits.hard import evaluate_polynomials, indicator_actions, is_permutation, polynomial_code
from lib.bandits.needles import SEARCHES, all_first_hits
from lib.progress import progress


def hide_in_codes(
    *, primes: list[int], deltas: list[float], all_pairs_limit: int, pairs: int, needle_limit: int, root_seed: int
) -> xr.Dataset:
    """Return the largest overlap of two sets, the needle's gain, and whether searches are exact, by prime and delta.

    Sets are graphs of polynomials of degree at most k = floor(s^(1 - delta)) over the integers modulo s, actions their
    indicators / sqrt(s) in R^(s^2), and the needle's reward is eps s / k.

    Args:
        primes: sparsities s.
        deltas: exponents delta in (0, 1).
        all_pairs_limit: most sets of which all pairs are compared.
        pairs: random pairs of larger codes.
        needle_limit: most sets among which every secret is searched for.
        root_seed: root of the random streams.
    """
    shape = len(primes), len(deltas)
    degree, overlap = np.zeros(shape, dtype=int), np.zeros(shape, dtype=int)
    compared = np.zeros(shape, dtype=int)
    exact, searched = np.zeros((len(SEARCHES), *shape), dtype=bool), np.zeros(shape, dtype=bool)
    for i, j in progress(list(np.ndindex(shape)), "codes"):
        s, k = primes[i], _floor_power(primes[i], deltas[j])
        rng = generator(root_seed, "misspecified_bandits", "codes", s, k)
        size, degree[i, j] = s ** (k + 1), k
        if size <= all_pairs_limit:
            flat = indicator_actions(polynomial_code(s, k)).astype(np.float32) * np.float32(math.sqrt(s))
            products = np.rint(flat @ flat.T).astype(int)
            overlap[i, j] = products[~np.eye(size, dtype=bool)].max()
            compared[i, j] = size * (size - 1) // 2
        else:
            a, b = rng.integers(0, s, (2, pairs, k + 1))
            different = np.any(a != b, axis=1)
            agree = (evaluate_polynomials(a[different], s) == evaluate_polynomials(b[different], s)).sum(axis=1)
            overlap[i, j], compared[i, j] = agree.max(), different.sum()
        if size <= needle_limit:
            actions = coordinates_in_span(indicator_actions(polynomial_code(s, k)))
            exact[:, i, j] = [is_permutation(hits) for hits in all_first_hits(actions, k / s, rng)]
            searched[i, j] = True
    s = np.array(primes)[:, None]
    grid = ("prime", "delta")
    return xr.Dataset(
        {
            "degree": (grid, degree, {"long_name": "k"}),
            "log_size": (grid, (degree + 1) * np.log(s), {"long_name": "log of the number of actions"}),
            "overlap": (grid, overlap, {"long_name": "largest overlap of two sets"}),
            "compared": (grid, compared, {"long_name": "pairs compared"}),
            "height": (grid, s / degree, {"long_name": "reward of the needle", "units": "eps"}),
            "misspecification": (grid, overlap / degree, {"long_name": "largest error of the model", "units": "eps"}),
            "exact": (("search", *grid), exact, {"long_name": "first hits are 1 to N, each once"}),
            "searched": (grid, searched, {"long_name": "every secret was searched for"}),
        },
        coords={"prime": primes, "delta": deltas, "search": list(SEARCHES)},
    )


def _floor_power(s: int, delta: float) -> int:
    """floor(s^(1 - delta)), also where the power is a whole number."""
    return math.floor(s ** (1 - delta) * (1 + 1e-12))


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(hide_in_codes, snakemake)
