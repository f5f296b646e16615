"""Orthonormal bases of several variables and of finite sets."""

from collections.abc import Sequence

import numpy as np

from lib.sampling.bases import univariate
from lib.sampling.basis import OrthonormalBasis, check_components, check_points


def total_degree(dim: int, degree: int) -> np.ndarray:
    """Multi-indices with sum at most `degree`, ordered by their sum: (m, dim)."""
    return _indices(dim, degree, lambda j: j.sum(-1))


def hyperbolic_cross(dim: int, degree: int) -> np.ndarray:
    """Multi-indices with prod(j_i + 1) at most `degree` + 1, ordered by that product: (m, dim)."""
    return _indices(dim, degree, lambda j: np.prod(j + 1, axis=-1) - 1)


def tensor_degree(dim: int, degree: int) -> np.ndarray:
    """Multi-indices with every entry at most `degree`, ordered by the largest: (m, dim)."""
    return _indices(dim, degree, lambda j: j.max(-1))


def _indices(dim: int, degree: int, rank) -> np.ndarray:
    for name, value, least in (("dim", dim, 1), ("degree", degree, 0)):
        if int(value) != value or value < least:
            raise ValueError(f"{name}: got {value!r}, expected an integer of at least {least}")
    indices = np.zeros((1, 0), dtype=int)
    for _ in range(dim):  # one coordinate at a time: every rank grows with each entry, so prefixes can be cut early
        indices = np.repeat(indices, degree + 1, axis=0)
        indices = np.column_stack([indices, np.tile(np.arange(degree + 1), len(indices) // (degree + 1))])
        indices = indices[rank(indices) <= degree]
    return indices[np.argsort(rank(indices), kind="stable")]


INDEX_SETS = {"total_degree": total_degree, "hyperbolic_cross": hyperbolic_cross, "tensor": tensor_degree}


class TensorBasis:
    """Products of functions of one variable: phi_k(x) = prod_i phi^{(i)}_{k_i}(x_i), mu the product measure.

    Args:
        families: one family for all variables, or one for each (`lib.sampling.bases.FAMILIES`).
        indices: multi-indices, integers (m, dim).

    Raises:
        ValueError: indices that are negative, repeated or of the wrong shape.
    """

    def __init__(self, families: str | Sequence[str], indices: np.ndarray):
        indices = np.asarray(indices)
        if indices.ndim != 2 or not indices.size or indices.dtype.kind not in "iu" or indices.min() < 0:
            raise ValueError(f"indices: got shape {indices.shape}, expected integers >= 0 of shape (m, dim)")
        if len(np.unique(indices, axis=0)) < len(indices):
            raise ValueError("indices: got a multi-index twice, expected each once")
        self.size, self.dim = indices.shape
        self.indices = indices
        names = [families] * self.dim if isinstance(families, str) else list(families)
        if len(names) != self.dim:
            raise ValueError(f"families: got {len(names)} names, expected one or {self.dim}")
        self.factors = [univariate(name, int(top) + 1) for name, top in zip(names, indices.max(0))]

    def __repr__(self):
        return f"TensorBasis({self.factors}, {self.size} indices)"

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Values (..., size) at points (..., dim)."""
        x = check_points(x, self.dim)
        product = self.factors[0].evaluate(x[..., :1])[..., self.indices[:, 0]]
        for i in range(1, self.dim):
            product *= self.factors[i].evaluate(x[..., i : i + 1])[..., self.indices[:, i]]
        return product

    def sample_reference(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Points of the product measure, (*shape, dim)."""
        return np.concatenate([factor.sample_reference(shape, rng) for factor in self.factors], axis=-1)

    def sample_component(self, j: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Points of phi_j^2 dmu, coordinate by coordinate: (*j.shape, dim)."""
        index = self.indices[check_components(j, self.size)]
        return np.concatenate([f.sample_component(index[..., i], rng) for i, f in enumerate(self.factors)], axis=-1)

    def draw_christoffel(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, dim) of k_m / m dmu, a uniform multi-index and then its component; and the values there."""
        x = self.sample_component(rng.integers(self.size, size=n), rng)
        return x, self.evaluate(x)

    def half_space_gram(self, cut: float) -> np.ndarray:
        """Integral of phi phi^T dmu over {x_1 < cut}: the first factor's, where all other indices agree."""
        first, others = self.indices[:, 0], self.indices[:, 1:]
        agree = np.all(others[:, None] == others[None], axis=-1)
        return self.factors[0].half_space_gram(cut)[np.ix_(first, first)] * agree

    def coordinates(self, x: np.ndarray) -> np.ndarray:
        """The points themselves."""
        return x

    def component_cdfs(self, x: np.ndarray) -> np.ndarray:
        """Distribution functions of the first coordinate under all phi_j^2 dmu, at points (..., dim): (..., size)."""
        return self.factors[0].component_cdfs(x[..., :1])[..., self.indices[:, 0]]

    def quadrature(self, nodes: int = 24) -> tuple[np.ndarray, np.ndarray]:
        """Products of the factors' rules.

        Raises:
            ValueError: the grid would hold more than four million nodes.
        """
        rules = [factor.quadrature(nodes) for factor in self.factors]
        total = np.prod([float(len(weight)) for _, weight in rules])
        if total > 4e6:
            raise ValueError(f"nodes: got {nodes} in {self.dim} variables, {total:.2g} in all, expected at most 4e6")
        x = np.stack([g.ravel() for g in np.meshgrid(*(x[:, 0] for x, _ in rules), indexing="ij")], axis=-1)
        weight = np.ones(1)
        for _, w in rules:
            weight = np.multiply.outer(weight, w).ravel()
        return x, weight


class DiscreteBasis:
    """Functions on a finite set of N atoms, orthonormal for their probabilities.

    A point is the number of an atom: x (..., 1) holds integers 0..N-1.

    Args:
        table: values (N, m) of linearly independent functions; they are orthonormalised by QR.
        weight: probabilities (N,) of the atoms; uniform by default.
        points: coordinates (N, d) of the atoms; their numbers by default.

    Raises:
        ValueError: dependent functions, or weights that are not positive probabilities.
    """

    dim = 1

    def __init__(self, table: np.ndarray, weight: np.ndarray | None = None, points: np.ndarray | None = None):
        table = np.asarray(table, dtype=float)
        if table.ndim != 2 or not np.all(np.isfinite(table)):
            raise ValueError(f"table: got shape {table.shape}, expected finite numbers of shape (atoms, functions)")
        atoms, self.size = table.shape
        self.weight = np.full(atoms, 1 / atoms) if weight is None else np.asarray(weight, dtype=float)
        if self.weight.shape != (atoms,) or np.any(self.weight <= 0) or abs(self.weight.sum() - 1) > 1e-12:
            raise ValueError(f"weight: got shape {self.weight.shape}, expected {atoms} positive numbers that sum to 1")
        q, r = np.linalg.qr(np.sqrt(self.weight)[:, None] * table)
        if atoms < self.size or np.min(np.abs(np.diag(r))) <= 1e-12 * np.max(np.abs(r)):
            raise ValueError(f"table: got linearly dependent functions, expected {self.size} independent ones")
        self.table = q * np.sign(np.diag(r)) / np.sqrt(self.weight)[:, None]
        self.points = np.arange(atoms, dtype=float)[:, None] if points is None else np.asarray(points, dtype=float)
        if self.points.ndim != 2 or len(self.points) != atoms:
            raise ValueError(f"points: got shape {self.points.shape}, expected a row for each of the {atoms} atoms")
        mass = self.weight[:, None] * self.table**2
        self._component_cdf = np.cumsum(mass / mass.sum(0), axis=0)
        self._christoffel_cdf = np.cumsum(mass.sum(1) / mass.sum())
        self._reference_cdf = np.cumsum(self.weight)

    def __repr__(self):
        return f"DiscreteBasis({self.size} functions on {len(self.weight)} atoms)"

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Values (..., size) at atoms (..., 1).

        Raises:
            ValueError: a number that is no atom.
        """
        index = np.asarray(x)
        whole = check_points(index, 1)[..., 0].astype(int)
        if whole.size and (whole.min() < 0 or whole.max() >= len(self.weight) or np.any(whole != index[..., 0])):
            raise ValueError(f"x: got a number that is no atom, expected integers from 0 to {len(self.weight) - 1}")
        return self.table[whole]

    def _invert(self, cdf: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        atom = np.searchsorted(cdf, rng.random(shape), side="right")
        return np.minimum(atom, len(cdf) - 1).astype(float)[..., None]

    def sample_reference(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Atoms of the reference probability, (*shape, 1)."""
        return self._invert(self._reference_cdf, shape, rng)

    def sample_component(self, j: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Atoms of phi_j^2 dmu, (*j.shape, 1)."""
        j = check_components(j, self.size)
        x = np.empty((*j.shape, 1))
        for index in np.unique(j):
            x[j == index] = self._invert(self._component_cdf[:, index], (int(np.sum(j == index)),), rng)
        return x

    def draw_christoffel(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Atoms (n, 1) of k_m / m dmu, and the functions' values (n, size) there."""
        x = self._invert(self._christoffel_cdf, (n,), rng)
        return x, self.table[x[:, 0].astype(int)]

    def half_space_gram(self, cut: float) -> np.ndarray:
        """Sum of phi phi^T over the atoms whose first coordinate is below the cut, times their probabilities."""
        below = self.points[:, 0] < cut
        return self.table[below].T @ (self.weight[below, None] * self.table[below])

    def coordinates(self, x: np.ndarray) -> np.ndarray:
        """Coordinates (..., d) of atoms (..., 1)."""
        return self.points[np.asarray(x)[..., 0].astype(int)]

    def quadrature(self, nodes: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """All atoms and their probabilities."""
        return np.arange(len(self.weight), dtype=float)[:, None], self.weight


def polynomial_basis(family: str, dim: int, degree: int, index_set: str = "total_degree") -> OrthonormalBasis:
    """Polynomials (or trigonometric functions) of one or several variables.

    Args:
        family: name of the univariate family (`lib.sampling.bases.FAMILIES`).
        dim: number of variables.
        degree: highest index of the set; one variable has degree + 1 functions.
        index_set: `total_degree`, `hyperbolic_cross` or `tensor`.

    Raises:
        ValueError: an unknown family or index set, or numbers out of range.
    """
    if index_set not in INDEX_SETS:
        raise ValueError(f"index_set: got {index_set!r}, expected one of {', '.join(INDEX_SETS)}")
    indices = INDEX_SETS[index_set](dim, degree)
    return univariate(family, len(indices)) if dim == 1 else TensorBasis(family, indices)


def cloud_basis(points: np.ndarray, degree: int) -> DiscreteBasis:
    """Polynomials to a total degree on a cloud of equally likely points, orthonormalised by QR.

    Args:
        points: (N, d).
        degree: highest total degree.

    Raises:
        ValueError: too few different points for the degree.
    """
    points = np.asarray(points, dtype=float)
    powers = total_degree(points.shape[1], degree)
    return DiscreteBasis(np.prod(points[:, None, :] ** powers, axis=-1), points=points)


def next_function(basis: OrthonormalBasis):
    """A function orthogonal to the space and of norm 1: the next basis function, in the first variable.

    Raises:
        ValueError: a finite set, which has no next function.
    """
    if isinstance(basis, DiscreteBasis):
        raise ValueError(f"basis: got {basis}, expected polynomials or trigonometric functions")
    first = basis.factors[0] if isinstance(basis, TensorBasis) else basis
    longer = type(first)(first.size + 1)
    return lambda x: longer.evaluate(x[..., :1])[..., -1]
