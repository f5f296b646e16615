"""Errors of linear rules around the number of samples at which they fall below a target, on Gaussian mixtures."""

from math import ceil

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.probing.mixtures import Mixture, best_linear_rule, dilute_mixture, linear_rule_error, power_mixture
from lib.probing.rules import learn_rule
from lib.probing.sample_complexity import first_below, geometric_sizes, search_crossing
from lib.progress import progress

PAPER = "generative_vs_discriminative"
STRENGTH = 2.0  # of the dilute mixture: its best error is Phi(-2)


def search_crossings(
    *,
    setting: str,
    classes: int,
    dims: list[int],
    matrices: list[int],
    estimators: list[str],
    largest_dim: dict[str, int],
    m_grid_ratio: float,
    few: int,
    draws: int,
    margin: float,
    replications: int,
    single_dim: int,
    test_size: int,
    C: float,
    epsilon: float,
    root_seed: int,
) -> xr.Dataset:
    """Return errors (dim, matrix, estimator, draw, step) of training sets of `m` samples, NaN where none was drawn.

    Errors are exact for two and three classes. The target is a margin above the best error, for naive Bayes in the hard
    setting above its own error with all moments known, for the others there above 0. An estimator whose error with all
    moments known is not below the target is not searched. `single` is the authors' search, one training set for each m.

    Args:
        setting: `easy`, `hard` or `dilute`.
        classes: number K of classes.
        dims: numbers n of features.
        matrices: seeds of the hard setting's matrix; others have one entry that is not used.
        estimators: of `lib.probing.rules`.
        largest_dim: largest n at which an estimator is searched, for those that have one.
        m_grid_ratio: of neighbouring numbers of samples.
        few: draws of each number that the search looks at.
        draws: of the numbers around the crossing.
        margin: of the target.
        replications: searches with one draw for each m; none where it is 0.
        single_dim: n of these searches.
        test_size: draws of score differences for the error of more than three classes.
        C: of logistic regression.
        epsilon: of naive Bayes.
        root_seed: root of the random streams, one for each training set.
    """
    grid = geometric_sizes(2 * classes, 100 * max(dims), m_grid_ratio)
    shape = (len(dims), len(matrices), len(estimators))
    errors = np.full((*shape, draws, len(grid)), np.nan)
    target, limit, single = (
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.full((len(estimators), replications), np.nan),
    )
    cases = [(d, k, e) for d in range(len(dims)) for k in range(len(matrices)) for e in range(len(estimators))]
    for d, k, e in progress(cases, "searches"):
        dim, estimator = dims[d], estimators[e]
        mixture = _mixture(setting, classes, dim, matrices[k])

        def error(size, draw, mixture=mixture, estimator=estimator, key=(setting, classes, dim, matrices[k])):
            rng = generator(root_seed, PAPER, *key, size, draw)
            labels = mixture.draw_labels(size, rng)
            rule = learn_rule(estimator, mixture, labels, rng, C=C, epsilon=epsilon)
            return linear_rule_error(mixture, *rule, draws=test_size)

        limit[d, k, e] = _limit(mixture, estimator, test_size)
        own = estimator == "nb" or setting != "hard"
        target[d, k, e] = margin + (_limit(mixture, "nb", test_size) if own else 0.0)
        if limit[d, k, e] >= target[d, k, e] or dim > largest_dim.get(estimator, dim):
            continue
        sizes = grid[: np.searchsorted(grid, 100 * dim) + 1]
        curve = search_crossing(error, target[d, k, e], sizes, few=few, many=draws)
        errors[d, k, e, :, : len(sizes)] = curve.errors
        if dim == single_dim:
            steps = range(2 * classes, 100 * dim, ceil(np.log(dim)))
            for search in range(replications):
                # numbers of draws beyond those of the curve: other training sets
                single[e, search] = first_below(error, target[d, k, e], steps, draws + search)
    over = ("dim", "matrix", "estimator")
    return xr.Dataset(
        {
            "error": ((*over, "draw", "step"), errors, {"long_name": "probability of error"}),
            "target": (over, target, {"long_name": "margin above the error that is approached"}),
            "limit": (over, limit, {"long_name": "error with all moments known"}),
            "m": ("step", grid, {"long_name": "number of samples"}),
            "single": (("estimator", "search"), single, {"long_name": "first m below the target, one draw for each m"}),
        },
        coords={"dim": dims, "matrix": matrices, "estimator": estimators},
        attrs={
            "setting": setting,
            "classes": classes,
            "margin": margin,
            "strength": STRENGTH,
            "single_dim": single_dim,
        },
    )


def _mixture(setting: str, classes: int, dim: int, matrix: int) -> Mixture:
    return dilute_mixture(dim, STRENGTH) if setting == "dilute" else power_mixture(classes, dim, setting, matrix)


def _limit(mixture: Mixture, estimator: str, test_size: int) -> float:
    """Error of the estimator with all moments known; that of logistic regression is the best error.

    In the hard setting the projected covariance is singular and classes are apart in its null space.
    """
    if estimator.startswith("lr") and mixture.factor is not None:
        return 0.0
    variances = np.ones_like(mixture.variances) if estimator == "ncm" else None
    return linear_rule_error(mixture, *best_linear_rule(mixture, variances), draws=test_size)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(search_crossings, snakemake)
