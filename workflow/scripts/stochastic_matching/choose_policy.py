"""Which policy to use on a user's own graph."""

import xarray as xr

from lib.atlas.job.seeds import generator
from lib.matching.advice import advise, read_edges


def choose_policy(edges, *, replicates: int, root_seed: int) -> xr.Dataset:
    """Return the expected successes of each policy with intervals, and the bound that no policy exceeds.

    Args:
        edges: CSV of edges with columns `offline`, `online`, `probability`; online vertices arrive in its order.
        replicates: runs of each policy.
        root_seed: root of the random streams.
    """
    graph = read_edges(edges)
    advice = advise(graph.probabilities, replicates, generator(root_seed, "stochastic_matching", "choice"))
    return xr.Dataset(
        {
            "value": ("policy", advice.value, {"long_name": "expected successes"}),
            "low": ("policy", advice.low),
            "high": ("policy", advice.high),
            "ahead_low": ("policy", advice.ahead_low, {"long_name": "lower end of the best policy's lead over it"}),
            "bound": ((), advice.bound, {"long_name": "stochastic configuration program, which no policy exceeds"}),
            "probabilities": (("offline", "online"), graph.probabilities),
        },
        coords={"policy": advice.policies, "offline": graph.offline, "online": graph.online},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(choose_policy, snakemake)
