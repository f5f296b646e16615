"""Effective numbers of parameters of losses whose volumes are known: in closed form, by quadrature, by Monte Carlo."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.degeneracy.volumes import LOSSES, effective_number, monte_carlo_number, quadrature_volume
from lib.progress import progress


def measure_volumes(*, levels: list[float], directions: int, few: int, root_seed: int) -> xr.Dataset:
    """Return N_eff by loss, level and way, and the standard error of Monte Carlo.

    Args:
        levels: epsilon; Monte Carlo in four dimensions, whose variance grows as epsilon falls, is done at the first.
        directions: of Monte Carlo.
        few: directions where the same power law holds along all of them.
        root_seed: root of the random streams.
    """
    ways = ["closed form", "quadrature", "Monte Carlo"]
    number = np.full((len(LOSSES), len(levels), len(ways)), np.nan)
    error = np.full(number.shape[:2], np.nan)
    for i, (name, loss) in enumerate(progress(LOSSES.items(), "losses")):
        for j, eps in enumerate(levels):
            rng = generator(root_seed, "loss_degeneracy", "volume", name, j)
            number[i, j, 0] = loss.effective(eps)
            number[i, j, 1] = effective_number(lambda e, loss=loss: quadrature_volume(loss, e), eps)
            if j == 0 or loss.dim == 2:
                count = few if name in ("quadratic", "quartic") else directions
                number[i, j, 2], error[i, j] = monte_carlo_number(loss.loss, loss.dim, eps, count, rng)
    return xr.Dataset(
        {
            "number": (("loss", "level", "way"), number, {"long_name": "effective number of parameters"}),
            "error": (("loss", "level"), error, {"long_name": "standard error of Monte Carlo"}),
        },
        coords={"loss": list(LOSSES), "level": levels, "way": ways},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_volumes, snakemake)
