"""Errors of the closed form on private moments, over settings and seeds."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.privacy.minimax import nldp_sparse_lower_bound
from lib.privacy.moments import MomentNoise, cross_noise, mean_noise, moment_noise, symmetric_noise
from lib.progress import progress
from lib.regression.designs import rademacher_sums, spread_parameter
from lib.regression.private import ClosedForm, solve_private, theory_level
from lib.regression.sparse import best_threshold_error

DESCRIPTIONS = {
    "total": "l2 error at the level of the theory",
    "oracle": "l2 error at the best level",
    "nu": "largest error of a coordinate before the threshold",
    "level": "threshold of the theory",
}


def sweep_closed_form(
    *, points: list[dict], methods: list[str], exact: bool, seeds: int, delta: float, noise: float, public_rows: float,
    root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return errors (method, point, seed), NaN where the sample was too small, and the lower bound (point,).

    Methods: calibrations of `lib.privacy.moments`, `projected` (classical, small eigenvalues raised), `public` (cross
    moments alone are private), `central` (one classical noise on both means), `none` (no privacy).

    Args:
        points: `users`, `dim`, `sparsity`, `epsilon`, and `first`, the first coordinate of theta if not 1 / sparsity.
        methods: see above.
        exact: draw the sums over users too (d <= 16); otherwise they are at their means, and noise alone is drawn.
        seeds: independent repetitions.
        delta: of the Gaussian releases.
        noise: size C of the errors of y.
        public_rows: rows of public features, for `public`.
        root_seed: root of the random streams.
    """
    errors = np.full((len(DESCRIPTIONS), len(methods), len(points), seeds), np.nan)
    bounds = np.zeros(len(points))
    for p, point in enumerate(progress(points, "settings")):
        theta = spread_parameter(point["dim"], point["sparsity"], point.get("first"))
        bounds[p] = nldp_sparse_lower_bound(point["users"], point["dim"], point["sparsity"], point["epsilon"]).bound
        for m, method in enumerate(methods):
            rng = generator(root_seed, "private_sparse_regression", "closed form", point, method, exact)
            sums = _means(theta, point["users"], noise, seeds, exact, rng)
            result = _estimate(method, *sums, point, delta, 1 + noise, public_rows, exact, rng)
            errors[:, m, p] = _errors(result, theta)
    dims = ("estimator", "point", "seed")
    return xr.Dataset(
        {
            **{name: (dims, errors[i], {"long_name": words}) for i, (name, words) in enumerate(DESCRIPTIONS.items())},
            "bound": ("point", bounds, {"long_name": "lower bound without interaction, pure privacy"}),
            **{key: ("point", [point[key] for point in points]) for key in ("users", "dim", "sparsity", "epsilon")},
            "length": ("point", [float(np.linalg.norm(_theta(point))) for point in points], {"long_name": "|theta|_2"}),
        },
        coords={"estimator": methods},
        attrs={"exact": int(exact), "delta": delta, "public_rows": public_rows},
    )


def _theta(point: dict) -> np.ndarray:
    return spread_parameter(point["dim"], point["sparsity"], point.get("first"))


def _means(theta, users, noise, seeds, exact, rng) -> tuple[np.ndarray, np.ndarray]:
    """Means of x x^T and x y over users, for each seed, of the Rademacher design."""
    if not exact:
        return np.broadcast_to(np.eye(len(theta)), (seeds, len(theta), len(theta))), np.tile(theta, (seeds, 1))
    sums = [rademacher_sums(users, theta, noise, rng) for _ in range(seeds)]
    return np.stack([one[0] for one in sums]), np.stack([one[1] for one in sums])


def _estimate(method, square, cross, point, delta, bound_y, public_rows, exact, rng) -> ClosedForm:
    n, dim, epsilon = point["users"], point["dim"], point["epsilon"]
    size = square.shape[:1]
    sampling = bound_y**2 / n if exact else 0.0
    if method == "public":
        deviation = cross_noise(dim, 1.0, bound_y, epsilon, delta) / np.sqrt(n)
        # products of independent signs are uncorrelated, so their means over many rows are independent Gaussians
        square = np.eye(dim) + symmetric_noise(dim, 0.0, public_rows**-0.5, size, rng)
        cross = cross + deviation * rng.standard_normal(cross.shape)
        public = np.sqrt(2 * np.log(2 * dim) / public_rows)
        return solve_private(square, cross, theory_level(dim, 0.0, deviation**2, sampling) + public)
    if method == "none":
        return solve_private(square, cross, theory_level(dim, 0.0, 0.0, bound_y**2 / n))
    noise = moment_noise(
        "classical" if method in ("central", "projected") else method, dim, 1.0, bound_y, epsilon, delta
    )
    if method == "central":  # the sensitivity of a mean is that of one record over n: the noise of one user over n
        noise = MomentNoise(*(one / np.sqrt(n) for one in noise))
        sampling = bound_y**2 / n
    added = mean_noise(noise, dim, n, size, rng)
    level = theory_level(dim, max(noise.diagonal, noise.off_diagonal) ** 2 / n, noise.cross**2 / n, sampling)
    return solve_private(square + added[0], cross + added[1], level, floor=0.1, project=method == "projected")


def _errors(result: ClosedForm, theta) -> list[np.ndarray]:
    return [
        np.where(result.valid, np.linalg.norm(result.theta - theta, axis=1), np.nan),
        np.where(result.valid, best_threshold_error(result.unpenalised, theta), np.nan),
        np.abs(result.unpenalised - theta).max(axis=1),
        result.level,
    ]


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(sweep_closed_form, snakemake)
