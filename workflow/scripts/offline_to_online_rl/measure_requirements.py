"""Online episodes that the design asks for on the rare branch, by offline data and accuracy."""

import numpy as np
import xarray as xr

from lib.mdp.pedel import practical_beta, true_prediction
from lib.mdp.rare_branch import COMMON, START, rare_branch, visited_offline
from lib.mdp.requirements import required_episodes

COVERAGES = ("start state", "one common arm", "all but the rare state")


def _seen(coverage: str) -> np.ndarray:
    seen = visited_offline()
    if coverage == "start state":
        seen[-1] = False
    elif coverage == "one common arm":
        seen[-1, COMMON, 1] = False
    return seen


def measure_requirements(
    *, eps: list[float], beta: float, offline_factor: float, map_eps: list[float], sizes: list[int], delta: float
) -> xr.Dataset:
    """Return `samples (data, eps)` as one mixture and as the sum over layers, and `by_size (coverage, map_eps, size)`.

    Args:
        eps: accuracies.
        beta: accuracy of features over that of values.
        offline_factor: offline tuples of each action are this times beta / eps^2.
        map_eps: accuracies of the map.
        sizes: offline tuples of each action, of the map, where the practical beta holds.
        delta: chance of failure, in the practical beta.
    """
    seen = visited_offline().reshape(2, -1)
    samples, layered, bound = (np.zeros((2, len(eps))) for _ in range(3))
    for k, accuracy in enumerate(eps):
        problem = rare_branch(accuracy)
        tuples = [0, int(np.ceil(offline_factor * beta / accuracy**2))]
        offset = 1.0 + np.array(tuples)[:, None, None] * seen
        samples[:, k], bound[:, k], layered[:, k] = required_episodes(problem, offset, accuracy, beta)
    drawn = np.zeros((len(COVERAGES), len(map_eps), len(sizes)))
    for k, accuracy in enumerate(map_eps):
        problem = rare_branch(accuracy)
        own = practical_beta(len(problem.policies), delta)
        for c, coverage in enumerate(COVERAGES):
            offset = 1.0 + np.array(sizes)[:, None, None] * _seen(coverage).reshape(2, -1)
            drawn[c, k] = required_episodes(problem, offset, accuracy, own)[0]
    truth = true_prediction(rare_branch(eps[-1]))
    return xr.Dataset(
        {
            "samples": (("data", "eps"), samples, {"long_name": "online episodes, one mixture for both layers"}),
            "samples_layers": (("data", "eps"), layered, {"long_name": "online episodes, summed over layers"}),
            "bound": (("data", "eps"), bound, {"long_name": "lower bound of the solver"}),
            "by_size": (("coverage", "map_eps", "size"), drawn, {"long_name": "online episodes, one mixture"}),
            "gap": ("policy", truth.values.max() - truth.values, {"long_name": "gap at the last accuracy"}),
        },
        coords={
            "data": ["online", "offline and online"],
            "eps": eps,
            "coverage": list(COVERAGES),
            "map_eps": map_eps,
            "size": sizes,
        },
        attrs={"beta": beta, "start": START},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_requirements, snakemake)
