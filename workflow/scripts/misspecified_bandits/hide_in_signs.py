"""Needles among random sign vectors: what polynomially many queries find, and how far the best action stands out."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.bandits.designs import g_optimal_design
from lib.bandits.elimination import design_and_fit
from lib.bandits.hard import largest_product
from lib.bandits.rewards import Rewards
from lib.progress import progress

ALGORITHMS = ("design", "design_best", "random")


def hide_in_signs(*, dims: list[int], needle_dims: list[int], multiple: int, draws: int, root_seed: int) -> xr.Dataset:
    """Return `hidden (draw, dim)` = 1 / tau, and for each algorithm the share of secrets it finds and its queries.

    Args:
        dims: dimensions d; N = multiple * d distinct sign vectors / sqrt(d) are drawn.
        needle_dims: those of them in which every secret is searched for.
        multiple: N / d.
        draws: independent draws.
        root_seed: root of the random streams.
    """
    hidden = np.zeros((draws, len(dims)))
    success = np.full((len(ALGORITHMS), draws, len(needle_dims)), np.nan)
    queries = np.full_like(success, np.nan)
    for t, k in progress([(t, k) for t in range(draws) for k in range(len(dims))], "draws"):
        d = dims[k]
        rng = generator(root_seed, "misspecified_bandits", "signs", d, t)
        signs = np.zeros((0, d), dtype=np.int8)
        while len(signs) < multiple * d:
            more = 2 * rng.integers(0, 2, (multiple * d, d), dtype=np.int8) - 1
            signs = np.unique(np.concatenate([signs, more]), axis=0)
        signs = rng.permutation(signs)[: multiple * d]
        height = d / largest_product(signs)
        hidden[t, k] = height
        if d in needle_dims:
            at = (slice(None), t, needle_dims.index(d))
            success[at], queries[at] = _search(signs / np.sqrt(d), height, rng)
    return xr.Dataset(
        {
            "hidden": (
                ("draw", "dim"),
                hidden,
                {"long_name": "1 / tau: how far the needle stands out", "units": "eps"},
            ),
            "success": (("algorithm", "draw", "needle_dim"), success, {"long_name": "share of secrets found"}),
            "queries": (("algorithm", "draw", "needle_dim"), queries, {"long_name": "distinct queries"}),
        },
        coords={"dim": dims, "needle_dim": needle_dims, "algorithm": list(ALGORITHMS)},
        attrs={"multiple": multiple},
    )


def _search(actions, height: float, rng) -> tuple[np.ndarray, np.ndarray]:
    """Share of secrets found, and queries, by algorithm; random order makes as many queries as the design."""
    n = len(actions)
    design = g_optimal_design(actions)
    order = rng.permutation(n)[: len(design.support)]
    success = np.zeros(3)
    for secret in range(n):
        query = Rewards(height * (np.arange(n) == secret))
        choice, _ = design_and_fit(actions, design, query)
        query(choice.action)
        success += [choice.action == secret, query.best() == secret, secret in order]
    return success / n, np.array([len(design.support), len(design.support) + 1, len(order)])


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(hide_in_signs, snakemake)
