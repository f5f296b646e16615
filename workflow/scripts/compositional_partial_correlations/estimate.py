"""One data set: its partial correlations by every reference, and pairwise measures of association."""

import numpy as np
import xarray as xr

from lib.compositional.identities import reference_deviations
from lib.compositional.logratio import clr_covariance, variation_matrix
from lib.compositional.pairwise import balance_correlation, proportionality, raw_correlation
from lib.compositional.partial import degrees_of_freedom, multiple_correlation, partial, unbiased_variance
from lib.compositional.simulate import logistic_normal, moment_matched
from lib.compositional.tables import read_composition, read_variation
from lib.graphs.gaussian import random_precision
from lib.stats.correlation import correlation, correlation_pvalue

OXIDES = ["Si", "Al", "Fe", "Mg", "Ca", "Na", "K", "Ti", "P", "Mn", "Sb"]
LABELS = {
    "cups_standin": "moment-matched stand-in",
    "cups": "Roman cups data",
    "iris_shape": "iris, lengths as parts",
    "dirichlet": "Dirichlet",
    "lognormal_graph": "logistic-normal on a random graph",
}


def _data(dataset, rng, variation, table, cups, dirichlet, lognormal):
    """Compositions (n, D) and the names of their parts."""
    if dataset == "cups_standin":
        T, names = read_variation(variation)
        return moment_matched(T, cups["samples"], rng, cups["total"]), names
    if dataset == "cups":
        return read_composition(table, OXIDES)
    if dataset == "iris_shape":
        from sklearn.datasets import load_iris

        iris = load_iris()
        return iris.data, [name.removesuffix(" (cm)") for name in iris.feature_names]
    if dataset == "dirichlet":
        parts = dirichlet["parts"]
        X = rng.dirichlet(np.full(parts, dirichlet["concentration"]), dirichlet["samples"])
    elif dataset == "lognormal_graph":
        parts, n = lognormal["parts"], lognormal["samples"]
        probability = min(1.0, lognormal["edges_per_part"] / parts)
        bounds = lognormal["weights"]
        omega, _ = random_precision(parts, probability, tuple(bounds), lognormal["smallest_eigenvalue"], rng)
        L = logistic_normal(np.linalg.inv(omega), n, rng)
        X = np.exp(L + lognormal["size_deviation"] * rng.standard_normal((n, 1)))
    else:
        raise ValueError(f"dataset: got {dataset!r}, expected one of {', '.join(LABELS)}")
    return X, [f"part {k}" for k in range(parts)]


def estimate(
    *,
    dataset: str,
    cups: dict,
    dirichlet: dict,
    lognormal: dict,
    rng: np.random.Generator,
    variation=None,
    table=None,
) -> xr.Dataset:
    """Return the data with all measures of association `(part, part2)` and what depends on the reference.

    Args:
        dataset: one of `LABELS`.
        cups: number of samples and row sum of the stand-in.
        dirichlet: parts, samples, concentration.
        lognormal: parts, samples, edges_per_part, weights, smallest_eigenvalue, size_deviation.
        rng: random generator.
        variation: file of the variation matrix behind the stand-in.
        table: the user's file of the cups.
    """
    X, names = _data(dataset, rng, variation, table, cups, dirichlet, lognormal)
    n, d = X.shape
    gamma, direct = clr_covariance(X), partial(X)
    by_reference = reference_deviations(X)
    by_part, by_mean = multiple_correlation(gamma, direct.precision)
    scaled = X * np.exp(rng.normal(0, 2, (n, 1))) * np.exp(rng.normal(0, 2, d))
    df = degrees_of_freedom(n, d)
    pair = ("part", "part2")
    return xr.Dataset(
        {
            "X": (("sample", "part"), X),
            "clr_cov": (pair, gamma, {"long_name": "covariance of centred log-ratios"}),
            "T": (pair, variation_matrix(S=gamma), {"long_name": "variation matrix"}),
            "precision": (pair, direct.precision),
            "pcor": (pair, direct.correlation, {"long_name": "partial correlation"}),
            "pvalue": (pair, correlation_pvalue(direct.correlation, df), {"long_name": "two-sided, t test"}),
            "pvar": ("part", direct.variance, {"long_name": "partial variance, RSS / (n - 1)"}),
            "pvar_unbiased": ("part", unbiased_variance(direct.variance, n), {"long_name": "RSS / (n - D + 1)"}),
            "rho_p": (pair, proportionality(gamma)),
            "phi_s": (pair, proportionality(gamma, "phi_s")),
            "clr_corr": (pair, correlation(gamma)),
            "raw_corr": (pair, raw_correlation(X)),
            "balance_corr": (pair, balance_correlation(gamma)),
            "R2": (("part", "ref"), by_part, {"long_name": "squared multiple correlation by reference part"}),
            "R2_mean": ("part", by_mean, {"long_name": "the same for the geometric mean as reference"}),
            "residual_deviation": (
                "part",
                by_reference.by_part(by_reference.residual),
                {"long_name": "largest spread of a residual over references"},
            ),
            "correlation_deviation": (
                "part",
                by_reference.by_part(by_reference.correlation),
                {"long_name": "residual route against precision"},
            ),
            "variance_deviation": ("part", by_reference.variance),
            "alr_deviation": ("ref", by_reference.additive, {"long_name": "additive against centred log-ratios"}),
            "invariance_deviation": ((), np.abs(partial(scaled).correlation - direct.correlation).max()),
            "df": ((), df),
        },
        coords={"part": names, "part2": names, "ref": names},
        attrs={"label": LABELS[dataset]},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(estimate, snakemake)
