"""Orthonormal bases of one variable, with exact samplers of their Christoffel densities."""

from functools import cached_property

import numpy as np
from scipy import special

from lib.sampling.basis import OrthonormalBasis, check_components, check_points


class EnvelopeError(RuntimeError):
    """A rejection sampler met a density above its bound: its draws would not have the right law."""


def accept(ratio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Accept with probability `ratio`, entry by entry.

    Raises:
        EnvelopeError: a ratio above 1 by more than rounding.
    """
    if ratio.size and (top := ratio.max()) > 1 + 1e-10:
        raise EnvelopeError(f"acceptance ratio {top:.12g} is above 1: the envelope does not bound the density")
    return rng.random(ratio.shape) < ratio


class _Univariate:
    """Common part of the families; a family states its measure, its values and a bounded proposal.

    `BOUND` is a constant C with phi_j(x)^2 (dmu/dq)(x) <= C for every j, where q is the law of `_propose`. `MEDIAN` is
    the median of mu, where the panels of the quadrature meet.
    """

    dim = 1
    BOUND = 2.0
    MEDIAN = 0.0

    def __init__(self, size: int):
        if int(size) != size or size < 1:
            raise ValueError(f"size: got {size!r}, expected an integer of at least 1")
        self.size = int(size)

    def __repr__(self):
        return f"{type(self).__name__}({self.size})"

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Values (..., size) of the functions at points (..., 1)."""
        return self._values(check_points(x, 1)[..., 0])

    def sample_component(self, j: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Points of phi_j^2 dmu by rejection, one for each index of j: (*j.shape, 1)."""
        j = check_components(j, self.size)
        flat, x = j.ravel(), np.empty(j.size)
        waiting = np.arange(j.size)
        while waiting.size:
            proposal, ratio = self._propose(waiting.size, rng)
            keep = accept(self._value(flat[waiting], proposal) ** 2 * (ratio / self.BOUND), rng)
            x[waiting[keep]] = proposal[keep]
            waiting = waiting[~keep]
        return x.reshape(*j.shape, 1)

    def draw_christoffel(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, 1) of k_m / m dmu by rejection, and the functions' values (n, size) there.

        The mean over j of the acceptance of `sample_component`, so that each proposal serves all j at once.
        """
        points, values, count = [np.empty(0)], [np.empty((0, self.size))], 0
        while count < n:
            proposal, ratio = self._propose(int((n - count) * self.BOUND * 1.1) + 16, rng)
            phi = self._values(proposal)
            keep = accept(np.sum(phi**2, axis=-1) * (ratio / (self.BOUND * self.size)), rng)
            points.append(proposal[keep])
            values.append(phi[keep])
            count += len(points[-1])
        return np.concatenate(points)[:n, None], np.concatenate(values)[:n]

    def half_space_gram(self, cut: float) -> np.ndarray:
        """Integral of phi phi^T dmu over {x < cut}.

        Raises:
            ValueError: a cut other than the median of mu, which would go through a panel of the quadrature.
        """
        if cut != self.MEDIAN:
            raise ValueError(f"cut: got {cut}, expected {self.MEDIAN}, the median of the reference measure")
        x, weight = self.quadrature()
        below = x[:, 0] < cut
        phi = self.evaluate(x[below])
        return phi.T @ (weight[below, None] * phi)

    def coordinates(self, x: np.ndarray) -> np.ndarray:
        """The points themselves."""
        return x

    def component_cdfs(self, x: np.ndarray) -> np.ndarray:
        """Distribution functions of all phi_j^2 dmu at points (..., 1): (..., size)."""
        raise NotImplementedError

    def _propose(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Points (n,) of the law q, and dmu/dq there."""
        raise NotImplementedError

    def _value(self, j: np.ndarray, x: np.ndarray) -> np.ndarray:
        """phi_j(x), entry by entry."""
        raise NotImplementedError

    def _values(self, x: np.ndarray) -> np.ndarray:
        """phi(x), (..., size)."""
        raise NotImplementedError


class _Polynomials(_Univariate):
    """Orthonormal polynomials of a symmetric measure: x phi_j = a_{j+1} phi_{j+1} + a_j phi_{j-1}."""

    @staticmethod
    def _coefficients(j: np.ndarray) -> np.ndarray:
        """a_j for j = 1, 2, ..."""
        raise NotImplementedError

    def _recurrence(self, x: np.ndarray, size: int, first=1.0):
        """phi_0(x), phi_1(x), ..., phi_{size-1}(x), one after the other, times a factor `first`."""
        a = self._coefficients(np.arange(1.0, size + 1))
        previous, current = np.zeros_like(x), np.ones_like(x) * first
        for j in range(size):
            yield current
            previous, current = current, (x * current - (a[j - 1] if j else 0.0) * previous) / a[j]

    def _values(self, x):
        phi = np.empty((self.size, *x.shape))
        for j, value in enumerate(self._recurrence(x, self.size)):
            phi[j] = value
        return np.moveaxis(phi, 0, -1)

    def _value(self, j, x):
        result = np.empty(x.shape)
        for degree, value in enumerate(self._recurrence(x, int(j.max(initial=0)) + 1)):
            np.copyto(result, value, where=j == degree)
        return result


def _split_gauss(low: float, middle: float, high: float, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights for Lebesgue measure on [low, middle] and [middle, high]."""
    t, w = special.roots_legendre(nodes)
    parts = [((a + b) / 2 + (b - a) / 2 * t, (b - a) / 2 * w) for a, b in ((low, middle), (middle, high))]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _jacobi_recurrence(m: int, exponent: float, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random Jacobi matrices whose eigenvalues are the DPP of the weight (1 - x^2)^exponent on [-1, 1].

    Independent beta variables as canonical moments (Killip and Nenciu 2004, beta = 2), on [0, 1] and then stretched.

    Returns:
        Diagonals (size, m) and the entries beside them (size, m - 1).
    """
    left = np.arange(m - 1.0, -1.0, -1.0)  # m - k for k = 1, ..., m
    moment = np.zeros((size, 2 * m))  # moment[:, i] is canonical moment i
    moment[:, 1::2] = rng.beta(left + exponent + 1, left + exponent + 1, (size, m))
    moment[:, 2::2] = rng.beta(left[:-1], left[1:] + 2 * exponent + 2, (size, m - 1))
    chain = moment[:, 1:]
    chain[:, 1:] *= 1 - moment[:, 1:-1]
    diagonal = chain[:, ::2].copy()
    diagonal[:, 1:] += chain[:, 1::2]
    return 2 * diagonal - 1, 2 * np.sqrt(chain[:, :-1:2] * chain[:, 1::2])


class Legendre(_Polynomials):
    """Legendre polynomials, sqrt(2j+1) P_j; mu is uniform on [-1, 1].

    Components: arcsine proposals; Bernstein's inequality bounds (2j+1) P_j(x)^2 (pi/2) sqrt(1-x^2) by 2.
    """

    @staticmethod
    def _coefficients(j):
        return j / np.sqrt(4 * j**2 - 1)

    def _propose(self, n, rng):
        angle = np.pi * rng.random(n)
        return np.cos(angle), np.pi / 2 * np.sin(angle)

    def random_recurrence(self, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Tridiagonal matrices whose eigenvalues are draws of the projection DPP: (size, m) and (size, m - 1)."""
        return _jacobi_recurrence(self.size, 0.0, size, rng)

    def sample_reference(self, shape, rng):
        """Uniform points, (*shape, 1)."""
        return rng.uniform(-1, 1, (*shape, 1))

    def component_cdfs(self, x: np.ndarray) -> np.ndarray:
        """Distribution functions of all phi_j^2 dmu at points (..., 1), by Gauss quadrature on [-1, x]: exact."""
        t, w = special.roots_legendre(self.size)
        length = check_points(x, 1) + 1
        phi = self._values(-1 + length / 2 * (t + 1))
        return np.sum(phi**2 * (length / 4 * w)[..., None], axis=-2)

    def quadrature(self, nodes: int = 200):
        """Gauss-Legendre on each side of 0, where |x| has its kink."""
        x, weight = _split_gauss(-1, 0, 1, max(nodes, self.size))
        return x[:, None], weight / 2


class Chebyshev(_Polynomials):
    """Chebyshev polynomials 1, sqrt(2) T_j; mu is the arcsine law on [-1, 1]. Components: proposals of mu, bound 2."""

    @staticmethod
    def _coefficients(j):
        return np.where(j == 1, np.sqrt(0.5), 0.5)

    def _propose(self, n, rng):
        return np.cos(np.pi * rng.random(n)), np.ones(n)

    def random_recurrence(self, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Tridiagonal matrices whose eigenvalues are draws of the projection DPP: (size, m) and (size, m - 1)."""
        return _jacobi_recurrence(self.size, -0.5, size, rng)

    def sample_reference(self, shape, rng):
        """Arcsine points, (*shape, 1)."""
        return np.cos(np.pi * rng.random((*shape, 1)))

    def component_cdfs(self, x: np.ndarray) -> np.ndarray:
        """Distribution functions of all phi_j^2 dmu at points (..., 1), in closed form in the angle."""
        angle, j = np.arccos(check_points(x, 1)), np.arange(1, self.size)
        return np.concatenate([1 - angle / np.pi, 1 - angle / np.pi - np.sin(2 * j * angle) / (2 * np.pi * j)], axis=-1)

    def quadrature(self, nodes: int = 200):
        """Gauss-Legendre in the angle, on each side of x = 0."""
        angle, weight = _split_gauss(0, np.pi / 2, np.pi, max(nodes, 2 * self.size))
        return np.cos(angle)[:, None], weight / np.pi


class Trigonometric(_Univariate):
    """1, sqrt(2) cos(2 pi k x), sqrt(2) sin(2 pi k x), k = 1, 2, ...; mu is uniform on [0, 1). Proposals of mu."""

    MEDIAN = 0.5

    def _propose(self, n, rng):
        return rng.random(n), np.ones(n)

    def sample_reference(self, shape, rng):
        """Uniform points, (*shape, 1)."""
        return rng.random((*shape, 1))

    def _value(self, j, x):
        angle = 2 * np.pi * ((j + 1) // 2) * x
        return np.where(j == 0, 1.0, np.sqrt(2) * np.where(j % 2 == 1, np.cos(angle), np.sin(angle)))

    def _values(self, x):
        phi = np.empty((*x.shape, self.size))
        phi[..., 0] = 1
        # powers of one complex exponential: a product for each frequency instead of a sine and a cosine
        wave = turn = np.sqrt(2) * np.exp(2j * np.pi * x)
        turn = turn / np.sqrt(2)
        for j in range(1, self.size, 2):
            phi[..., j] = wave.real
            if j + 1 < self.size:
                phi[..., j + 1] = wave.imag
            wave = wave * turn
        return phi

    def component_cdfs(self, x: np.ndarray) -> np.ndarray:
        """Distribution functions of all phi_j^2 dmu at points (..., 1), in closed form."""
        x, j = check_points(x, 1), np.arange(1, self.size)
        k = (j + 1) // 2
        wave = np.sin(4 * np.pi * k * x) / (4 * np.pi * k)
        return np.concatenate([x, x + np.where(j % 2 == 1, wave, -wave)], axis=-1)

    def quadrature(self, nodes: int = 200):
        """Gauss-Legendre on both halves of the period."""
        x, weight = _split_gauss(0, 0.5, 1, max(nodes, 4 * self.size))
        return x[:, None], weight


class Hermite(_Polynomials):
    """Hermite polynomials He_j / sqrt(j!); mu is the standard normal law.

    Components: the distribution function of phi_j^2 dmu is, with the normal density g,
    F_j(x) = Phi(x) - g(x) sum_{i=1..j} phi_i(x) phi_{i-1}(x) / sqrt(i)   (integrate the recurrence),
    and is inverted from a table by Newton steps safeguarded by bisection until the bracket or the step is below 1e-13.

    Everything that samples works with phi_j(x) exp(-x^2 / 4), which never exceeds double precision.
    """

    LARGEST_QUADRATURE = 320  # beyond, weights of the outermost nodes are below the smallest double

    @cached_property
    def _grid(self) -> np.ndarray:
        reach = np.sqrt(4 * self.size + 2) + 9.0  # less than 1e-16 of the mass lies beyond
        return np.linspace(-reach, reach, 1001 + 40 * self.size)

    @cached_property
    def _table(self) -> np.ndarray:
        return self.component_cdfs(self._grid[:, None])

    @staticmethod
    def _coefficients(j):
        return np.sqrt(j)

    def random_recurrence(self, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Tridiagonal matrices whose eigenvalues are draws of the projection DPP: (size, m) and (size, m - 1).

        The Gaussian unitary ensemble in tridiagonal form (Dumitriu and Edelman 2002).
        """
        shape = np.arange(self.size - 1.0, 0.0, -1.0)
        return rng.standard_normal((size, self.size)), np.sqrt(rng.gamma(shape, size=(size, self.size - 1)))

    def sample_reference(self, shape, rng):
        """Normal points, (*shape, 1)."""
        return rng.standard_normal((*shape, 1))

    def component_cdfs(self, x: np.ndarray) -> np.ndarray:
        """Distribution functions of all phi_j^2 dmu at points (..., 1): (..., size)."""
        x = check_points(x, 1)[..., 0]
        result = np.empty((self.size, *x.shape))
        running, previous = special.ndtr(x), None
        for degree, current in enumerate(self._scaled(x, self.size)):
            if degree:
                running = running - current * previous / np.sqrt(degree)
            result[degree], previous = running, current
        return np.moveaxis(result, 0, -1)

    def _scaled(self, x: np.ndarray, size: int):
        """phi_j(x) times the root of the normal density, for j = 0, 1, ..., size - 1."""
        return self._recurrence(x, size, np.exp(-(x**2) / 4) / (2 * np.pi) ** 0.25)

    def _cdf_and_density(self, j: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distribution function and density of phi_j^2 dmu at x, entry by entry."""
        total, value = np.zeros_like(x), np.zeros_like(x)
        running, previous = np.zeros_like(x), None
        for degree, current in enumerate(self._scaled(x, int(np.max(j, initial=0)) + 1)):
            if degree:
                running = running + current * previous / np.sqrt(degree)
            np.copyto(total, running, where=j == degree)
            np.copyto(value, current, where=j == degree)
            previous = current
        return special.ndtr(x) - total, value**2

    def sample_component(self, j: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Points of phi_j^2 dmu by inversion, one for each index of j: (*j.shape, 1)."""
        j = check_components(j, self.size)
        flat, u = j.ravel(), rng.random(j.size)
        cell = np.empty(j.size, dtype=int)
        for index in np.unique(flat):
            members = flat == index
            cell[members] = np.searchsorted(self._table[:, index], u[members])
        cell = np.clip(cell, 1, len(self._grid) - 1)
        low, high = self._grid[cell - 1], self._grid[cell]
        x = (low + high) / 2
        waiting = np.arange(j.size)
        for _ in range(200):
            if not waiting.size:
                return x.reshape(*j.shape, 1)
            at = x[waiting]
            cdf, density = self._cdf_and_density(flat[waiting], at)
            gap = cdf - u[waiting]
            low[waiting] = np.where(gap < 0, at, low[waiting])
            high[waiting] = np.where(gap < 0, high[waiting], at)
            a, b = low[waiting], high[waiting]
            with np.errstate(divide="ignore", invalid="ignore"):
                step = at - gap / density
            step = np.where((step > a) & (step < b), step, (a + b) / 2)
            x[waiting] = step
            # a gap of 1e-15 is what the distribution function resolves; near a zero of the density no step can do more
            waiting = waiting[(np.abs(gap) > 1e-15) & (np.abs(step - at) > 1e-13 * (1 + np.abs(at))) & (b - a > 1e-13)]
        raise RuntimeError(f"inversion of the Hermite density did not converge at {waiting.size} point(s)")

    def draw_christoffel(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, 1) of k_m / m dmu, a uniform index and then its component; and the functions' values there."""
        x = self.sample_component(rng.integers(self.size, size=n), rng)
        return x, self.evaluate(x)

    def quadrature(self, nodes: int = 200):
        """Gauss-Legendre on each side of 0 up to where the weighted functions are below 1e-16.

        Raises:
            ValueError: a size above 320, where weights are below the smallest double.
        """
        if self.size > self.LARGEST_QUADRATURE:
            raise ValueError(f"size: got {self.size}, expected at most {self.LARGEST_QUADRATURE} for a quadrature")
        reach = np.sqrt(4 * self.size + 2) + 9
        x, weight = _split_gauss(-reach, 0, reach, max(nodes, 4 * self.size))
        return x[:, None], weight * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


FAMILIES = {"legendre": Legendre, "chebyshev": Chebyshev, "hermite": Hermite, "trigonometric": Trigonometric}


def univariate(family: str, size: int) -> OrthonormalBasis:
    """The basis of one variable with that name and size.

    Raises:
        ValueError: an unknown family, or a size below 1.
    """
    if family not in FAMILIES:
        raise ValueError(f"family: got {family!r}, expected one of {', '.join(FAMILIES)}")
    return FAMILIES[family](size)
