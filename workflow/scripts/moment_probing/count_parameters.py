"""Count the trainable parameters of heads and adapters, from their sizes and from modules without weights."""

import torch
import xarray as xr

from lib.probing import moments
from lib.probing.adapters import psrp_parameters
from lib.probing.backbones import VisionTransformer
from lib.probing.tuning import prepare

PARTS = ("first", "second", "projection", "norm", "convolutions", "total")


def count_parameters(*, transformer: dict, classes: int, hidden: int, bottleneck: int) -> xr.Dataset:
    """Return trainable parameters of linear probing, MP and MP+, by formula and by module.

    Args:
        transformer: sizes of the backbone.
        classes: K.
        hidden: width of the projection of the moment head.
        bottleneck: of PSRP.
    """
    width = transformer["width"]
    parts = moments.moment_probe_parameters(width, classes, hidden)
    with torch.device("meta"):
        counted = [
            moments.count_trainable(
                prepare(method, VisionTransformer(**transformer), width, classes, bottleneck, **options)
            )
            for method, options in (("lp", {}), ("mp", {"hidden": hidden}), ("mp+", {"hidden": hidden}))
        ]
    recalibration = psrp_parameters(width, transformer["depth"], bottleneck)
    formula = [parts["first"], parts["total"], parts["total"] + recalibration]
    return xr.Dataset(
        {
            "part": ("name", [parts[name] for name in PARTS], {"long_name": "parameters of a moment head"}),
            "recalibration": recalibration,
            "formula": ("tuning", formula, {"long_name": "parameters by formula"}),
            "module": ("tuning", counted, {"long_name": "trainable parameters of the module"}),
        },
        coords={"name": list(PARTS), "tuning": ["lp", "mp", "mp+"]},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(count_parameters, snakemake)
