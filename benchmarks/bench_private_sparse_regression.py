"""CPU time of the randomiser, of cross-validation from sums, and of the best threshold, over that of a peer."""

import numpy as np
from sklearn.linear_model import LassoCV

from lib.bench.ratios import cpu_ratio
from lib.privacy.local import l2_randomizer, randomizer_radius
from lib.regression.byproduct import Moments, fit
from lib.regression.designs import draw_design, random_parameter
from lib.regression.sparse import best_threshold_error, soft_threshold


def plain_randomizer(vectors, radius, epsilon, rng):
    """The same law in the order of the paper: round to +-radius, draw a point, reflect it into the chosen half."""
    n, dim = vectors.shape
    lengths = np.linalg.norm(vectors, axis=1)
    signs = np.where(rng.random(n) < 0.5 + lengths / (2 * radius), 1.0, -1.0)
    facing = signs[:, None] * vectors / np.maximum(lengths, 1e-300)[:, None]
    point = rng.standard_normal((n, dim))
    point /= np.linalg.norm(point, axis=1, keepdims=True)
    chosen = np.where(rng.random(n) < 1 / (1 + np.exp(-epsilon)), 1.0, -1.0)
    product = np.sum(point * facing, axis=1)
    return randomizer_radius(dim, radius, epsilon) * np.where((product > 0) == (chosen > 0), 1.0, -1.0)[:, None] * point


def grid_error(values, theta, levels):
    """Smallest error over a grid of thresholds."""
    return np.linalg.norm(soft_threshold(values[None], levels[:, None, None]) - theta, axis=-1).min(axis=0)


def compare_randomisers(dim, rng):
    """Print the ratio for vectors of one dimension."""
    vectors = draw_design("rademacher", 50_000, dim, rng) / np.sqrt(dim)
    ratio = cpu_ratio(lambda: l2_randomizer(vectors, 1.0, 1.0, rng), lambda: plain_randomizer(vectors, 1.0, 1.0, rng))
    print(f"randomiser, d = {dim}: {ratio:.2f} of the plain form")


def compare_cross_validation(rows, dim, rng):
    """Print ratios to scikit-learn's cross-validated Lasso on one data set, and the errors."""
    theta = random_parameter(dim, 5, rng)
    x = draw_design("gaussian_ar", rows, dim, rng)
    y = x @ theta + 0.5 * rng.standard_normal(rows)
    peer = LassoCV(alphas=100, cv=5, fit_intercept=False)

    def tuned(method):
        return fit(method, Moments.of(x, y), 0.5, 5, theta)

    methods = ("closed_form_cv", "lasso_cv")
    ratios = [cpu_ratio(lambda method=method: tuned(method), lambda: peer.fit(x, y), 2) for method in methods]
    errors = [np.linalg.norm(coefficients - theta) for coefficients in (*map(tuned, methods), peer.coef_)]
    print(
        f"cross-validation, n = {rows}, d = {dim}: closed form {ratios[0]:.2f}, Lasso {ratios[1]:.2f} of LassoCV, "
        "errors " + ", ".join(f"{error:.3f}" for error in errors)
    )


def main() -> None:
    """Print the ratios, ours over the peer."""
    rng = np.random.default_rng(0)
    for dim in (16, 64):
        compare_randomisers(dim, rng)
    for rows in (2000, 8000):
        compare_cross_validation(rows, 200, rng)
    values, theta = rng.normal(size=(200, 64)), random_parameter(64, 4, rng)
    levels = np.linspace(0, 4, 200)
    ratio = cpu_ratio(lambda: best_threshold_error(values, theta), lambda: grid_error(values, theta, levels))
    print(f"best threshold, d = 64: {ratio:.3f} of a grid of 200")


if __name__ == "__main__":
    main()
