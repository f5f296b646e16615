"""What the success of an offline vertex does to its neighbours, on random graphs, for balance and for ranking."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.matching.alternating import NEVER, compare_balance, compare_ranking, random_graph
from lib.progress import progress

COMPARE = {"balance": compare_balance, "ranking": compare_ranking}


def compare_neighbours(*, runs: int, root_seed: int) -> xr.Dataset:
    """Return `attempts` L, `attempt` k, `used`, `hurt`, `excess` and `reversed (algorithm, run)`, and one profile L(y).

    Args:
        runs: random graphs for each algorithm.
        root_seed: root of the random streams.
    """
    names = ("attempts", "attempt", "used", "hurt", "excess", "reversed")
    table = np.zeros((len(names), len(COMPARE), runs), dtype=np.int64)
    for a, (name, compare) in enumerate(COMPARE.items()):
        for i in progress(range(runs), name):
            rng = generator(root_seed, "stochastic_matching", "neighbours", name, i)
            adjacent, tries, order = random_graph(rng)
            u = int(rng.integers(len(adjacent)))
            attempts = compare(adjacent, tries, order, u, NEVER).attempts
            k = int(rng.integers(0, attempts + 2))
            result = compare(adjacent, tries, order, u, k)
            table[:, a, i] = result.attempts, k, result.used, result.hurt, result.excess, result.reversed
    rng = generator(root_seed, "stochastic_matching", "profile")
    adjacent, tries, order = rng.random((6, 40)) < 0.6, rng.geometric(0.1, 6), rng.random(6)
    ranks, profile = np.linspace(0.005, 0.995, 100), []
    for y in ranks:
        order[0] = y
        profile.append(compare_ranking(adjacent, tries, order, 0, 0).attempts)
    return xr.Dataset(
        {
            **{name: (("algorithm", "run"), values) for name, values in zip(names, table)},
            "profile": ("rank", profile, {"long_name": "attempts L(y) of one vertex if it never succeeds"}),
        },
        coords={"algorithm": list(COMPARE), "rank": ranks},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(compare_neighbours, snakemake)
