"""CPU time of the homotopy, of fits with many right-hand sides, and of all subsets, over that of a peer."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import lars_path, lasso_path
from threadpoolctl import threadpool_limits

from lib.bench.ratios import cpu_ratio
from lib.regression.greedy import best_subset
from lib.regression.homotopy import duality_gaps, lasso_homotopy, lasso_levels
from lib.regression.ill_conditioned import draw_problem
from lib.regression.preconditioner import random_column_preconditioner
from lib.regression.random_support import fit_preconditioned, noise_level, outside


def draw(design, rows=300, dim=600):
    """A problem of the laptop's size."""
    return draw_problem(design, rows, dim, 1e6, 4, 1.0, lambda part: np.random.default_rng([len(part), 7]))


def descend(x, y, levels, tolerance, sweeps=500):
    """Coordinate descent to a duality gap; the gaps that it reached."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        _, coefficients, _ = lasso_path(x, y, alphas=levels, tol=tolerance, max_iter=sweeps)
    return duality_gaps(np.ascontiguousarray(x.T), y, coefficients.T, coefficients.T @ x.T, levels, np.ones(x.shape[1]))


def compare_paths(name, x, y, span):
    """Print ratios to coordinate descent at a gap of 1e-6 or 500 sweeps a level, and to least-angle regression."""
    levels = lasso_levels(x, y, 15, span)
    ours = lasso_homotopy(x, y, levels)
    reached = descend(x, y, levels, 1e-6)
    known = np.isfinite(ours.gaps)

    def follow():
        return lasso_homotopy(x, y, levels)

    descent = cpu_ratio(follow, lambda: descend(x, y, levels, 1e-6), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        angle = cpu_ratio(follow, lambda: lars_path(x, y, method="lasso", alpha_min=levels[-1]), 1)
    print(
        f"15 levels to {span:g}, {name}: {descent:.3f} of coordinate descent (gaps {np.nanmax(ours.gaps):.0e} and "
        f"{reached[known].max():.0e}), {angle:.3f} of least-angle regression"
    )


def all_pairs(x, y):
    """All pairs at once by closed forms from the Gram matrix."""
    gram, cross = x.T @ x, x.T @ y
    square = np.diag(gram)
    determinant = np.outer(square, square) - gram**2
    gain = np.outer(cross**2, square) + np.outer(square, cross**2) - 2 * np.outer(cross, cross) * gram
    np.fill_diagonal(determinant, np.inf)
    return np.unravel_index(np.argmax(gain / np.maximum(determinant, 1e-13 * np.outer(square, square))), gram.shape)


def main() -> None:
    """Print the ratios, ours over the peer."""
    with threadpool_limits(1):
        for design in ("iid", "factor", "ar"):
            problem = draw(design)
            compare_paths(design, problem.x, problem.y, 0.05)
        problem = draw("factor")
        chosen = random_column_preconditioner(problem.x, 32, np.random.default_rng(0))
        compare_paths("factor behind the preconditioner", outside(problem.x, chosen.basis).columns, problem.y, 0.05)
        targets = problem.signal[:, None] + np.random.default_rng(1).standard_normal((300, 20))
        level = noise_level(1.0, 300, 600, 0.7)
        ratio = cpu_ratio(
            lambda: fit_preconditioned(problem.x, targets, chosen, level),
            lambda: [fit_preconditioned(problem.x, targets[:, m], chosen, level) for m in range(20)],
        )
        print(f"20 right-hand sides at once: {ratio:.2f} of one after the other")
        for dim in (200, 800):
            problem = draw("iid", dim=dim)
            ratio = cpu_ratio(lambda p=problem: best_subset(p.x, p.y, 2), lambda p=problem: all_pairs(p.x, p.y))
            print(f"all pairs of {dim}: {ratio:.2f} of vectorised NumPy")


if __name__ == "__main__":
    main()
