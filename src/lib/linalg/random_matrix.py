"""Spectra of a Wishart matrix plus Gaussian noise, the optimal denoiser, and the Bayes error that follows from it.

Notation of Maillard, Troiani, Martin, Krzakala and Zdeborova (2024, arXiv:2408.03733): S = W^T W / m with W: (m, d)
standard Gaussian, kappa = m / d; Z a GOE matrix of off-diagonal variance 1/d; mu_t is the limiting spectrum of
S + sqrt(t) Z, the free convolution of a Marchenko-Pastur and a semicircle law. Its Stieltjes transform
g(z) = int mu_t(dx) / (z - x) solves

    t g^3 - (z + kappa t) g^2 + (1 - kappa + kappa z) g - kappa = 0.

All functions broadcast over their arguments; no root finder is called for one point at a time.
"""

from functools import lru_cache

import numpy as np

_TWO_THIRDS_PI = 2 * np.pi / 3
_legendre = lru_cache(maxsize=16)(np.polynomial.legendre.leggauss)


def _check(kappa, t) -> None:
    for name, value in (("kappa", kappa), ("t", t)):
        value = np.asarray(value)
        if not (np.all(np.isfinite(value)) and np.all(value > 0)):
            raise ValueError(f"{name}: got {value.min() if value.size else value}, expected finite numbers > 0")


def stieltjes(x, kappa, t) -> np.ndarray:
    """Boundary value g(x + i0) of the Stieltjes transform of mu_t.

    One real root of the cubic has a closed form and is refined by Newton's method; the other two follow from
    the sum and product of the roots without cancellation, and so does whether they are real: the discriminant of
    the cubic would lose all its digits at small t. Where all three are real (outside the support) the
    physical branch is the one with dz/dg = t + kappa/(kappa - g)^2 - 1/g^2 < 0 (our reconstruction; the authors
    take a point just below the real axis, which selects the same root).

    Args:
        x: points of the real line.
        kappa: ratio m / d > 0.
        t: variance of the semicircle > 0.

    Returns:
        Complex array of the broadcast shape, imaginary part <= 0.

    Raises:
        ValueError: kappa or t is not positive.
    """
    _check(kappa, t)
    x, kappa, t = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (x, kappa, t)))
    a2, a1, a0 = -(x + kappa * t) / t, (1 - kappa + kappa * x) / t, -kappa / t
    p, q = a1 - a2**2 / 3, 2 * a2**3 / 27 - a2 * a1 / 3 + a0
    discriminant = (q / 2) ** 2 + (p / 3) ** 3

    # one real root without cancellation: Cardano's where it is alone, else the largest of the three
    cube = -np.copysign(np.cbrt(np.abs(q) / 2 + np.sqrt(np.maximum(discriminant, 0))), q)
    single = np.array(cube - np.divide(p, 3 * cube, out=np.zeros_like(p), where=cube != 0) - a2 / 3)
    several = np.asarray(discriminant <= 0)
    if np.any(several):
        single[several] = _largest_of_three(p[several], q[several], a2[several])
    for _ in range(2):
        slope = (3 * single + 2 * a2) * single + a1
        change = ((single + a2) * single + a1) * single + a0
        single = single - np.divide(change, slope, out=np.zeros_like(slope), where=slope != 0)
    half_sum = ((1 - kappa + kappa * x) - kappa / single) / (2 * t * single)
    product = kappa / (t * single)
    gap = np.asarray(product - half_sum**2)
    result = np.array(half_sum - 1j * np.sqrt(np.maximum(gap, 0)))
    outside = gap <= 0
    if np.any(outside):
        result[outside] = _physical_root(*(v[outside] for v in map(np.asarray, (single, half_sum, product, kappa, t))))
    return result


def _largest_of_three(p, q, a2) -> np.ndarray:
    """Real root of largest magnitude of a cubic with three of them, from its depressed form and quadratic term."""
    radius = np.sqrt(np.maximum(-p / 3, 0))
    cosine = np.clip(np.divide(-q / 2, radius**3, out=np.zeros_like(q), where=radius > 0), -1, 1)
    turns = np.arccos(cosine) / 3 - _TWO_THIRDS_PI * np.arange(3)[:, None]
    three = 2 * radius * np.cos(turns) - a2 / 3
    return np.take_along_axis(three, np.argmax(np.abs(three), axis=0)[None], axis=0)[0]


def _physical_root(single, half_sum, product, kappa, t) -> np.ndarray:
    """Of three real roots, one and the half sum and product of the others, that on which z falls as g grows."""
    far = half_sum + np.copysign(np.sqrt(np.maximum(half_sum**2 - product, 0)), half_sum)
    roots = np.stack([single, far, np.divide(product, far, out=np.zeros_like(far), where=far != 0)])
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = t + kappa / (kappa - roots) ** 2 - 1 / roots**2
    choice = np.argmin(np.where(np.isnan(slope), np.inf, slope), axis=0)
    return np.take_along_axis(roots, choice[None], axis=0)[0]


def density(x, kappa, t) -> np.ndarray:
    """Density of mu_t at x; arguments and errors as for `stieltjes`."""
    return -stieltjes(x, kappa, t).imag / np.pi


def edges(kappa, t) -> np.ndarray:
    """Edges of the support of mu_t: the real roots of the discriminant of the cubic, a quartic in x.

    Args:
        kappa: ratio m / d > 0.
        t: variance of the semicircle > 0.

    Returns:
        Array (..., 2, 2) of panels and their lower and upper ends: the two bulks, or the one bulk in two parts that
        meet inside the support.

    Raises:
        ValueError: kappa or t is not positive, or the number of real roots is neither two nor four.
    """
    _check(kappa, t)
    k, t = np.broadcast_arrays(np.asarray(kappa, dtype=float), np.asarray(t, dtype=float))
    quartic = np.stack(
        [
            k**2,
            -2 * k - 2 * k**2 - 2 * k**3 * t,
            1 - 2 * k + k**2 - 2 * k**2 * t + 8 * k**3 * t + k**4 * t**2,
            8 * k * t + 2 * k**2 * t - 10 * k**3 * t + 8 * k**3 * t**2 - 2 * k**4 * t**2,
            -4 * t
            + 12 * k * t
            - 12 * k**2 * t
            + 4 * k**3 * t
            - 8 * k**2 * t**2
            - 20 * k**3 * t**2
            + k**4 * t**2
            - 4 * k**4 * t**3,
        ],
        axis=-1,
    )
    companion = np.zeros((*k.shape, 4, 4))
    companion[..., 0, :] = -quartic[..., 1:] / quartic[..., :1]
    companion[..., [1, 2, 3], [0, 1, 2]] = 1
    roots = np.linalg.eigvals(companion)
    real = np.abs(roots.imag) < 1e-5 * np.maximum(1e-3, np.abs(roots.real))
    number = real.sum(-1)
    if not np.all((number == 2) | (number == 4)):
        bad = np.argwhere((number != 2) & (number != 4))[0]
        where = f"kappa = {k[tuple(bad)]}, t = {t[tuple(bad)]}"
        raise ValueError(f"the discriminant has {number[tuple(bad)]} real roots at {where}, expected 2 or 4")
    # with one bulk, it is cut where the density dips (the real part of the complex pair), which keeps quadrature
    # accurate close to the point where the bulk splits
    ordered = np.sort(np.where(real, roots.real, np.inf), axis=-1)
    low, high = ordered[..., 0], ordered[..., 1]
    dip = np.clip(np.sum(np.where(real, 0, roots.real), axis=-1) / 2, low, high)
    single = np.stack([low, dip, dip, high], axis=-1)
    return np.where(number[..., None] == 4, ordered, single).reshape(*k.shape, 2, 2)


def quadrature(kappa, t, nodes: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes, weights and densities with which integrals against mu_t converge fast.

    x = middle + half width * sin(u) takes away the square-root edges; u has Gauss-Legendre nodes.

    Args:
        kappa: ratio m / d > 0.
        t: variance of the semicircle > 0.
        nodes: number of nodes for each bulk.

    Returns:
        `(x, weight, rho)`, each (..., 2 * nodes): int f(x, rho) dx = sum(weight * f(x, rho)).
    """
    bounds = edges(kappa, t)
    u, w = _legendre(nodes)
    u, w = u * np.pi / 2, w * np.pi / 2
    middle, half = bounds.mean(-1), (bounds[..., 1] - bounds[..., 0]) / 2
    x = middle[..., None] + half[..., None] * np.sin(u)
    weight = half[..., None] * (w * np.cos(u))
    shape = (*x.shape[:-2], -1)
    x, weight = x.reshape(shape), weight.reshape(shape)
    k, t = np.broadcast_arrays(np.asarray(kappa, dtype=float), np.asarray(t, dtype=float))
    return x, weight, density(x, k[..., None], t[..., None])


def spectral_moments(kappa, t, orders: int = 3, nodes: int = 300) -> np.ndarray:
    """Moments int x^p mu_t(dx), p = 0, ..., orders - 1, by quadrature: (orders, ...) for the broadcast shape."""
    x, weight, rho = quadrature(kappa, t, nodes)
    return np.stack([np.sum(weight * rho * x**power, axis=-1) for power in range(orders)])


def exact_moments(kappa, t) -> np.ndarray:
    """Moments of orders 0, 1 and 2 of mu_t: 1, 1 and 1 + 1 / kappa + t; (3, ...) for the broadcast shape."""
    second = 1 + 1 / np.asarray(kappa, dtype=float) + t
    return np.stack([np.ones_like(second), np.ones_like(second), second])


def cubed_density(kappa, t, nodes: int = 300) -> np.ndarray:
    """Integral of the third power of the density of mu_t, of the broadcast shape of kappa and t."""
    _, weight, rho = quadrature(kappa, t, nodes)
    return np.sum(weight * rho**3, axis=-1)


def rie_mse(kappa, t, nodes: int = 300) -> np.ndarray:
    """Asymptotic error F(t) = lim |S_hat - S|_F^2 / d of the optimal denoiser: t - (4 pi^2 / 3) t^2 int mu_t^3."""
    return t - 4 * np.pi**2 / 3 * np.asarray(t) ** 2 * cubed_density(kappa, t, nodes)


def rie_denoise(observed: np.ndarray, kappa: float, t: float) -> np.ndarray:
    """Rotationally invariant estimator of S from R = S + sqrt(t) Z: eigenvalues lambda - 2 t Re g(lambda).

    Args:
        observed: symmetric (d, d).
        kappa: ratio m / d > 0.
        t: noise variance > 0.

    Returns:
        The estimate, symmetric (d, d).

    Raises:
        ValueError: not a square matrix, not finite, or kappa or t is not positive.
    """
    if observed.ndim != 2 or observed.shape[0] != observed.shape[1]:
        raise ValueError(f"observed: got shape {observed.shape}, expected a square matrix")
    if not np.all(np.isfinite(observed)):
        raise ValueError("observed: got entries that are not finite")
    values, vectors = np.linalg.eigh((observed + observed.T) / 2)
    shrunk = values - 2 * t * stieltjes(values, kappa, t).real
    return (vectors * shrunk) @ vectors.T


def add_goe(signal: np.ndarray, t: float, rng: np.random.Generator) -> np.ndarray:
    """Observation R = S + sqrt(t) Z of a symmetric S (d, d), Z from the GOE with off-diagonal variance 1/d."""
    noise = rng.standard_normal(signal.shape)
    return signal + np.sqrt(t) * (noise + noise.T) / np.sqrt(2 * len(signal))


def linear_denoise(observed: np.ndarray, kappa: float, t: float) -> np.ndarray:
    """Best linear shrinkage towards I of R = S + sqrt(t) Z, (d, d): signal variance 1 / kappa, noise variance t."""
    identity = np.eye(len(observed))
    return identity + (observed - identity) / (1 + kappa * t)


def linear_mse(kappa, t) -> np.ndarray:
    """Asymptotic error lim |S_hat - S|_F^2 / d of the best linear shrinkage: t / (1 + kappa t)."""
    return t / (1 + kappa * t)


def recovery_threshold(kappa) -> np.ndarray:
    """Number of samples over d^2 beyond which noiseless recovery is perfect: kappa - kappa^2 / 2, at most 1/2."""
    kappa = np.asarray(kappa, dtype=float)
    return np.where(kappa <= 1, kappa - kappa**2 / 2, 0.5)


def mmse(alpha, kappa, noise=0.0, nodes: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Bayes-optimal error of a quadratic network learned from alpha d^2 samples (the paper's main result).

    The overlap q solves (4 pi^2 / 3q) int mu_{1/q}^3 = 1 - 2 alpha + noise q / 2, and the error is
    kappa (2 alpha / q - noise / 2). All points are bracketed by one walk and solved by one vectorised root finder.

    Args:
        alpha: samples over d^2, > 0.
        kappa: hidden units over d, > 0.
        noise: variance of the reduced linear model's noise, >= 0.
        nodes: quadrature nodes for each bulk.

    Returns:
        `(error, q)` of the broadcast shape; without noise and from the recovery threshold on, 0 and infinity.

    Raises:
        ValueError: an argument outside its range, or no solution below q = 1e12.
    """
    from scipy.optimize import elementwise

    alpha, kappa, noise = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (alpha, kappa, noise)))
    _check(kappa, alpha)
    if not np.all(noise >= 0):
        raise ValueError(f"noise: got {noise.min()}, expected numbers >= 0")

    def gap(log_q, a, k, n):
        q = np.exp(log_q)
        return 4 * np.pi**2 / 3 * cubed_density(k, 1 / q, nodes) / q - n * q / 2 - (1 - 2 * a)

    q = np.full(alpha.shape, np.inf)
    open_points = (noise > 0) | (alpha < recovery_threshold(kappa))
    points = [v[open_points] for v in (alpha, kappa, noise)]
    if points[0].size:
        a, k, n = points
        low = np.log(a * k / (1 + k * n / 2))  # half of q's lower bound: the error is at most that of S_hat = I
        high = low + 0.7
        below = np.ones(low.shape, dtype=bool)  # points whose root lies beyond `high`
        while np.any(below):
            value = gap(high[below], *(v[below] for v in points))
            index = np.flatnonzero(below)[value > 0]
            below[:] = False
            below[index] = True
            low[index], high[index] = high[index], high[index] + 0.7
            if np.any(high > np.log(1e12)):
                raise ValueError("no solution below q = 1e12: the point lies too close to the recovery threshold")
        root = elementwise.find_root(gap, (low, high), args=tuple(points), tolerances={"xatol": 1e-12, "xrtol": 1e-13})
        q[open_points] = np.exp(root.x)
    with np.errstate(invalid="ignore"):
        error = np.where(np.isinf(q), 0.0, kappa * (2 * alpha / q - noise / 2))
    return error, q


def mmse_narrow_limit(samples_per_parameter) -> np.ndarray:
    """Noiseless error as kappa -> 0 at fixed a = alpha / kappa: 1 up to a = 1/2, then 4 a (1 - a), 0 from a = 1."""
    a = np.asarray(samples_per_parameter, dtype=float)
    return np.where(a < 0.5, 1.0, np.maximum(4 * a * (1 - a), 0.0))
