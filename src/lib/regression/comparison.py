"""Methods of sparse regression beside each other on one problem, each with the tuning that knows the truth.

Ours stands at fixed levels, which need the noise alone, and at the best one of its path. `METHODS` names all.
"""

import numpy as np

from lib.regression.greedy import (
    component_path,
    deflating_basis,
    elastic_net_path,
    greedy_path,
    hard_thresholding_path,
    leading_basis,
    project,
    ridge_path,
)
from lib.regression.homotopy import LassoPath, lasso_homotopy, lasso_levels
from lib.regression.ill_conditioned import Problem
from lib.regression.preconditioner import distances_from, residualise, spanning_basis
from lib.regression.random_support import levels_outside, noise_level, outside, path_outside, validation_errors

FIXED = {"ours": 0.7, "ours_proof": 1.0, "ours_double": 2.0}  # factors of noise sqrt(2 log(2 d) / n)
ONE_SCALE = ("lasso", "elastic_net", "omp", "iht", "ridge", "pcr", "span_only")
ADAPTIVE = ("forward", "pc_adjusted", "deflate")
ABLATIONS = ("no_reweight", "penalised_span")
TUNED = ("ours_oracle", *ONE_SCALE, *ADAPTIVE, *ABLATIONS)
VALIDATED = ("ours_cv", "lasso_cv")
METHODS = (*FIXED, *TUNED, *VALIDATED)
PATHS = ("ours_oracle", "lasso", "elastic_net", "pc_adjusted", "deflate", *ABLATIONS)  # methods that follow a path

LEVELS, SPAN = 100, 1e-9  # of a path
ENDS = (
    0.25,
    0.01,
)  # of a path: mean square of the residual over that of the noise; the second where the first is early
LARGEST_GAP = 1e-6  # of a level that counts, over |y|^2 / n
STEPS = 32  # most columns of a greedy path
RIDGES = (1e-4, 1e-2)  # of the elastic net, beside none
PENALTIES = np.geomspace(1e-14, 1e4, 91)  # of ridge regression
FOLDS = 5


def errors_of(fits, signal) -> np.ndarray:
    """Prediction errors (L,), mean square of fit less signal; infinite where there is no fit."""
    errors = np.mean((np.asarray(fits) - signal) ** 2, axis=-1)
    return np.where(np.isfinite(errors), errors, np.inf)


def _fits(path: LassoPath) -> np.ndarray:
    """Fits of a path; not numbers at levels whose fit is not the minimiser, and the log says how many those are.

    Raises:
        RuntimeError: no level whose fit is the minimiser.
    """
    lost = path.gaps > LARGEST_GAP
    if not np.any(path.gaps <= LARGEST_GAP):
        raise RuntimeError(f"path of the Lasso: duality gap {np.nanmin(path.gaps):.1e}, expected {LARGEST_GAP:g}")
    if lost.any():
        print(f"path of the Lasso: {lost.sum()} of {lost.size} levels dropped, duality gap {np.nanmax(path.gaps):.1e}")
    return np.where(lost[:, None], np.nan, path.fits)


def _lasso(x, y, until: float, weights=None) -> np.ndarray:
    return _fits(lasso_homotopy(x, y, lasso_levels(x, y, LEVELS, SPAN, weights), weights=weights, until=until))


def _beside(x, basis, y, until: float, rescale: bool = True) -> np.ndarray:
    rest = outside(x, basis, rescale=rescale)
    return _fits(path_outside(rest, y, levels_outside(rest, y, LEVELS, SPAN), until=until))


def tuned_fits(method: str, problem: Problem, chosen, until: float) -> np.ndarray:
    """Fits (L, n) of a method over the range of its tuning; NaN where a path has ended.

    Args:
        method: one of `TUNED`.
        problem: what is fitted.
        chosen: (r,) columns of the preconditioner.
        until: mean square of the residual at which paths of the Lasso may end.

    Raises:
        ValueError: another method.
        RuntimeError: a fit that is not the minimiser.
    """
    x, y, sparsity = problem.x, problem.y, len(problem.support)
    if method == "lasso":
        return _lasso(x, y, until)
    if method == "elastic_net":
        levels = lasso_levels(x, y, LEVELS, SPAN)
        nets = [_fits(elastic_net_path(x, y, levels, ridge, until=until)) for ridge in RIDGES]
        return np.concatenate([_lasso(x, y, until), *nets])
    if method in ("omp", "forward"):
        return greedy_path(x, y, STEPS, renormalise=method == "forward")[0]
    if method == "iht":
        return hard_thresholding_path(x, y, [sparsity * factor for factor in (1, 2, 4)], 200)
    if method == "ridge":
        return ridge_path(x, y, PENALTIES)
    if method == "pcr":
        return component_path(x, y, 2 ** np.arange(7))
    if method == "pc_adjusted":
        leading = leading_basis(x, 16)
        return np.concatenate([_beside(x, leading[:, :count], y, until) for count in (1, 16)])
    if method == "deflate":
        return _beside(x, deflating_basis(x, 4), y, until)
    basis = spanning_basis(x[:, chosen])
    if method == "ours_oracle":
        return _beside(x, basis, y, until)
    if method == "no_reweight":
        return _beside(x, basis, y, until, rescale=False)
    if method == "span_only":
        return project(x[:, chosen], y)[None]
    if method == "penalised_span":
        weights = distances_from(x, residualise(x, basis)) / np.sqrt(len(x))
        weights[chosen] = 1.0
        places = np.flatnonzero(weights > 0)
        return _lasso(x[:, places], y, until, weights[places])
    raise ValueError(f"method: got {method!r}, expected one of {', '.join(TUNED)}")


def best_error(method: str, problem: Problem, chosen) -> float:
    """Smallest prediction error of a method over its tuning and the two trivial predictors, zero and y.

    Paths end early where that loses nothing: a residual smaller than the noise by a length leaves an error of at least
    the square of that length, and residuals shrink along a path.

    Args:
        method: one of `TUNED`.
        problem: what is fitted.
        chosen: (r,) columns of the preconditioner.
    """
    power = float(np.mean((problem.y - problem.signal) ** 2))
    best = min(float(np.mean(problem.signal**2)), power)
    for end in ENDS:
        fits = tuned_fits(method, problem, chosen, end * power)
        best = min(best, float(errors_of(fits, problem.signal).min(initial=np.inf)))
        if method not in PATHS or best <= power * (1 - np.sqrt(end)) ** 2:
            break
    return best


def method_error(method: str, problem: Problem, chosen, noise: float, rng: np.random.Generator) -> float:
    """Prediction error of a method on a problem.

    Tuned ones choose by the truth, from their own range and the two trivial predictors, zero and y. The others are at
    their fixed or cross-validated level.

    Args:
        method: one of `METHODS`.
        problem: what is fitted.
        chosen: (r,) columns of the preconditioner.
        noise: deviation of the noise.
        rng: source of the folds of cross-validation.

    Raises:
        ValueError: another method.
    """
    x, y, signal = problem.x, problem.y, problem.signal
    if method in FIXED:
        rest = outside(x, spanning_basis(x[:, chosen]))
        level = noise_level(noise, *x.shape, FIXED[method])
        return float(errors_of(path_outside(rest, y, [level]).fits, signal)[0])
    if method in VALIDATED:
        columns = chosen if method == "ours_cv" else []
        folds = np.array_split(rng.permutation(len(y)), FOLDS)
        rest = outside(x, spanning_basis(x[:, columns]))
        levels = levels_outside(rest, y, LEVELS, SPAN)
        scores = validation_errors(x, y, columns, levels, folds, until=ENDS[-1] * noise**2)
        level = levels[: int(np.argmin(scores)) + 1]
        return float(errors_of(path_outside(rest, y, level).fits, signal)[-1])
    return best_error(method, problem, chosen)
