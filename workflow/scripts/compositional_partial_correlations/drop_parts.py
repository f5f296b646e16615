"""Changes when one part is left out: partial correlations, proportionality, variation matrix, ordinary measures."""

import numpy as np
import xarray as xr

from lib.compositional.logratio import closure, clr_covariance, variation_matrix
from lib.compositional.pairwise import proportionality
from lib.compositional.partial import drop_parts as reduce_precision
from lib.compositional.partial import partial, partial_from_precision
from lib.compositional.simulate import spurious_size
from lib.stats.correlation import covariance, partial_correlation


def drop_parts(study, *, rng: np.random.Generator) -> xr.Dataset:
    """Return changes `(dropped, part, part2)`, NaN at the dropped part.

    Every subcomposition is closed again and estimated anew; `reduction_deviation` is the largest difference of that
    estimate from the elimination of the part in the precision of the whole.

    Args:
        study: data set with its measures.
        rng: random generator of the size effect.
    """
    X = study.X.values
    d = X.shape[1]
    whole = {"pcor": study.pcor.values, "rho_p": study.rho_p.values, "T": study["T"].values}
    S = covariance(spurious_size(np.log(X), rng))
    whole["unconstrained"] = partial_correlation(np.linalg.inv(S))
    delta = {name: np.full((d, d, d), np.nan) for name in whole}
    deviation = np.zeros(d)
    reduced = reduce_precision(study.precision.values)
    for k in range(d):
        rest = np.delete(np.arange(d), k)
        block = np.ix_(rest, rest)
        sub = closure(X[:, rest])
        estimate = partial(sub)
        measures = {
            "pcor": estimate.correlation,
            "rho_p": proportionality(clr_covariance(sub)),
            "T": variation_matrix(sub),
            "unconstrained": partial_correlation(np.linalg.inv(S[block])),
        }
        for name, value in measures.items():
            delta[name][k][block] = value - whole[name][block]
        deviation[k] = np.abs(partial_from_precision(reduced[k][block]).correlation - estimate.correlation).max()
    names = study.part.values
    return xr.Dataset(
        {name: (("dropped", "part", "part2"), value) for name, value in delta.items()}
        | {"reduction_deviation": ("dropped", deviation)},
        coords={"dropped": names, "part": names, "part2": names},
        attrs={"label": study.attrs["label"]},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(drop_parts, snakemake)
