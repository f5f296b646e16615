"""Exact values and benchmarks of random nested families."""

import xarray as xr

from lib.atlas.job.seeds import generator
from lib.matching.classes import nested_classes, nested_matching, nested_value, stochastic_configuration_lp
from lib.matching.instances import random_nested
from lib.progress import progress


def evaluate_families(*, families: int, most: int, root_seed: int) -> xr.Dataset:
    """Return `value`, `matching` and `configuration (family)`, in the limit of small probabilities.

    Args:
        families: number of families.
        most: largest number of offline vertices.
        root_seed: root of the random streams.
    """
    value, matching, configuration, offline = [], [], [], []
    for i in progress(range(families), "families"):
        sizes, masses = random_nested(most, generator(root_seed, "stochastic_matching", "family", i))
        value.append(nested_value(sizes, masses))
        matching.append(nested_matching(sizes, masses))
        configuration.append(stochastic_configuration_lp(nested_classes(sizes, masses)).upper)
        offline.append(int(sizes[0]))
    return xr.Dataset(
        {
            "value": ("family", value, {"long_name": "expected successes"}),
            "matching": ("family", matching, {"long_name": "matching program"}),
            "configuration": ("family", configuration, {"long_name": "stochastic configuration program"}),
            "offline": ("family", offline, {"long_name": "offline vertices"}),
        }
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(evaluate_families, snakemake)
