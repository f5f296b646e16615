"""Linear structural equation models: exact covariances, and interventions of several kinds, many at once."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class LinearSEM:
    """V = B V + N with independent N of mean zero and given variances, nodes in an order in which causes come first.

    Args:
        coefficients: B (n, n); entry (i, j) is the effect of node j on node i, and the graph has no cycle.
        variances: (n,) of the noises, positive.
        names: of the nodes; numbers by default.

    Raises:
        ValueError: shapes that do not fit, a cycle, or a variance that is not positive.
    """

    coefficients: np.ndarray
    variances: np.ndarray
    names: tuple[str, ...] = field(default=())

    def __post_init__(self):
        b, v = np.asarray(self.coefficients, float), np.asarray(self.variances, float)
        n = len(v)
        if b.shape != (n, n) or v.ndim != 1:
            raise ValueError(f"coefficients, variances: got shapes {b.shape} and {v.shape}, expected (n, n) and (n,)")
        if not (np.isfinite(b).all() and (v > 0).all() and np.isfinite(v).all()):
            raise ValueError("coefficients, variances: got values that are not finite or no positive variances")
        reached = (b != 0).astype(float)
        for _ in range(max(1, int(np.ceil(np.log2(n + 1))))):  # paths of up to 2^t edges
            reached = np.minimum(reached + reached @ reached, 1)
        if np.trace(reached) > 0:
            raise ValueError(f"coefficients: got a cycle through {self._label(int(np.argmax(np.diag(reached))))}")
        names = tuple(self.names) or tuple(map(str, range(n)))
        if len(set(names)) != n:
            raise ValueError(f"names: got {len(set(names))} different ones, expected {n}")
        for key, value in (("coefficients", b), ("variances", v), ("names", names)):
            object.__setattr__(self, key, value)

    def _label(self, node: int) -> str:
        return self.names[node] if self.names else str(node)

    def __len__(self) -> int:
        return len(self.variances)

    def total_effects(self) -> np.ndarray:
        """(I - B)^-1 (n, n): what a unit of each noise adds to each node."""
        return np.linalg.inv(np.eye(len(self)) - self.coefficients)

    def covariance(self) -> np.ndarray:
        """Second moments (n, n) of the nodes."""
        effects = self.total_effects()
        return (effects * self.variances) @ effects.T

    def parents(self, node: int) -> np.ndarray:
        """Nodes with a direct effect on a node."""
        return np.flatnonzero(self.coefficients[node])

    def sample(self, rows: int, rng: np.random.Generator) -> np.ndarray:
        """Draw (rows, n) with Gaussian noise."""
        return (rng.standard_normal((rows, len(self))) * np.sqrt(self.variances)) @ self.total_effects().T

    def intervened(self, sites, coefficients, variances, shifts=None) -> np.ndarray:
        """Second moments about zero under many interventions on the same sites, each of which replaces their equations.

        Args:
            sites: (s,) nodes.
            coefficients: (E, s, n) new rows of B, which must not close a cycle.
            variances: (E, s) new variances of the noises, at least 0.
            shifts: (E, s) constants that are added, 0 by default.

        Returns:
            (E, n, n).

        Raises:
            ValueError: shapes that do not fit, or an equation in which a node causes itself through its descendants.
        """
        sites = np.asarray(sites, int)
        coefficients, variances = np.asarray(coefficients, float), np.asarray(variances, float)
        n, s = len(self), len(sites)
        if coefficients.shape[1:] != (s, n) or variances.shape != coefficients.shape[:2]:
            raise ValueError(
                f"coefficients, variances: got shapes {coefficients.shape} and {variances.shape}, "
                f"expected (E, {s}, {n}) and (E, {s})"
            )
        effects = self.total_effects()
        # one inverse, and a correction of rank s for each environment
        difference = coefficients - self.coefficients[sites]
        into = effects[:, sites]
        inner = np.eye(s) - difference @ into
        if np.any(np.abs(np.linalg.det(inner) - 1) > 1e-8):  # 1 where causes still come first
            raise ValueError("coefficients: got an equation that closes a cycle")
        changed = effects + into @ np.linalg.solve(inner, difference @ effects)
        noise = np.broadcast_to(self.variances, (len(coefficients), n)).copy()
        noise[:, sites] = variances
        covariance = (changed * noise[:, None, :]) @ np.swapaxes(changed, 1, 2)
        if shifts is not None:
            mean = np.einsum("ens,es->en", changed[:, :, sites], np.asarray(shifts, float))
            covariance = covariance + mean[:, :, None] * mean[:, None, :]
        return covariance

    def soft(
        self, sites, count: int, rng: np.random.Generator, *, coefficient: float = 2.0, variance=(0.5, 2.0)
    ) -> np.ndarray:
        """Second moments (count, n, n) under random mechanisms of the sites on the parents they have.

        Args:
            sites: nodes.
            count: number of interventions.
            rng: source of randomness.
            coefficient: new effects are uniform on [-coefficient, coefficient].
            variance: new variances are uniform between these.
        """
        sites = np.asarray(sites, int)
        drawn = rng.uniform(-coefficient, coefficient, (count, len(sites), len(self)))
        drawn *= self.coefficients[sites] != 0
        return self.intervened(sites, drawn, rng.uniform(*variance, (count, len(sites))))

    def hard(self, sites, variances, shifts=None) -> np.ndarray:
        """Second moments (E, n, n) where the sites are set: no causes, given variances (E, s), given shifts (E, s)."""
        variances = np.asarray(variances, float)
        return self.intervened(sites, np.zeros((*variances.shape, len(self))), variances, shifts)

    def scaled(self, sites, factors) -> np.ndarray:
        """Second moments (E, n, n) where effects on the sites and their noises' deviations are times factors (E, s)."""
        sites, factors = np.asarray(sites, int), np.asarray(factors, float)
        rows = self.coefficients[sites] * factors[:, :, None]
        return self.intervened(sites, rows, self.variances[sites] * factors**2)

    def shifted(self, sites, shifts) -> np.ndarray:
        """Second moments about zero (E, n, n) where constants (E, s) are added to the sites."""
        sites, shifts = np.asarray(sites, int), np.asarray(shifts, float)
        count = len(shifts)
        rows = np.broadcast_to(self.coefficients[sites], (count, len(sites), len(self)))
        return self.intervened(sites, rows, np.tile(self.variances[sites], (count, 1)), shifts)


def random_linear_sem(nodes: int, in_degree: int, rng: np.random.Generator) -> LinearSEM:
    """A random model: node i has min(i, in_degree) random earlier causes.

    Effects are +-U(.5, 1.5), variances U(.5, 1.5).
    """
    coefficients = np.zeros((nodes, nodes))
    for node in range(1, nodes):
        causes = rng.choice(node, min(node, in_degree), replace=False)
        coefficients[node, causes] = rng.choice([-1.0, 1.0], len(causes)) * rng.uniform(0.5, 1.5, len(causes))
    return LinearSEM(coefficients, rng.uniform(0.5, 1.5, nodes))


def cancelling_sem(nodes: int, rng: np.random.Generator, in_degree: int = 2) -> LinearSEM:
    """A model in which a child of node 1 is uncorrelated with it: two paths cancel.

    X1 = N1, Y = X1 + N_Y, X2 = Y - 2 X1 + N2 are nodes 0, 1 and 2; the others have random earlier causes.
    """
    sem = random_linear_sem(nodes, in_degree, rng)
    coefficients, variances = sem.coefficients.copy(), sem.variances.copy()
    coefficients[:3] = 0
    coefficients[1, 0], coefficients[2, 1], coefficients[2, 0] = 1, 1, -2
    variances[:3] = 1
    return LinearSEM(coefficients, variances)
