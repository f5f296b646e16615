"""CPU time of log-barrier steps and of magnitude reduction, over that of vectorised NumPy and of a generic solver."""

import numpy as np
from scipy.optimize import minimize

from lib.bandits.ftrl import log_barrier_leader
from lib.bench.ratios import cpu_ratio
from lib.mdp.policy_optimization import negative_means


def newton_in_numpy(losses, eta):
    """The same Newton steps, all rows in each NumPy call, until the slowest row is done."""
    excess = eta * (losses - losses.min(axis=-1, keepdims=True))
    lam = np.ones((*losses.shape[:-1], 1))
    for _ in range(100):
        p = 1 / (excess + lam)
        move = (p.sum(axis=-1, keepdims=True) - 1) / np.sum(p * p, axis=-1, keepdims=True)
        lam += move
        if np.abs(move).max() < 1e-13:
            break
    p = 1 / (excess + lam)
    return p / p.sum(axis=-1, keepdims=True)


def generic_solver(losses, eta):
    """SciPy's sequential quadratic programming, row by row, with gradients."""
    actions = losses.shape[-1]
    constraint = {"type": "eq", "fun": lambda p: p.sum() - 1, "jac": lambda p: np.ones(actions)}
    solutions = [
        minimize(
            lambda p, row=row: eta * p @ row - np.log(p).sum(),
            np.full(actions, 1 / actions),
            jac=lambda p, row=row: eta * row - 1 / p,
            method="SLSQP",
            bounds=[(1e-9, 1)] * actions,
            constraints=constraint,
            options={"ftol": 1e-12},
        ).x
        for row in losses
    ]
    return np.array(solutions)


def whole_matrix(features, inverse, weights):
    """All products at once."""
    products = np.matmul(np.matmul(features, inverse), np.swapaxes(features, -1, -2))
    return np.matmul(np.minimum(products, 0), weights[..., None])[..., 0]


def main() -> None:
    """Print the ratios, ours over the peer."""
    rng = np.random.default_rng(0)
    for rows, actions in ((768, 3), (768, 16)):
        losses = 30 * rng.standard_normal((rows, actions))
        assert np.allclose(log_barrier_leader(losses, 0.1), newton_in_numpy(losses, 0.1), atol=1e-10)
        ratio = cpu_ratio(lambda: log_barrier_leader(losses, 0.1), lambda: newton_in_numpy(losses, 0.1), 50)  # noqa: B023
        print(f"log-barrier, {rows} rows, A = {actions}: {ratio:.2f} of vectorised Newton steps")
        few = losses[:20]
        assert np.allclose(log_barrier_leader(few, 0.1), generic_solver(few, 0.1), atol=1e-3)
        ratio = cpu_ratio(lambda: log_barrier_leader(few, 0.1), lambda: generic_solver(few, 0.1), 3)  # noqa: B023
        print(f"log-barrier, 20 rows, A = {actions}: {ratio:.4f} of a generic solver")
    for states, actions, d in ((6, 3, 3), (96, 3, 3)):
        n = states * actions
        features = rng.dirichlet(np.full(d, 0.3), size=(16, 2, n))
        weights = rng.dirichlet(np.ones(n), size=(16, 2))
        inverse = np.linalg.inv(1e-3 * np.eye(d) + np.einsum("...n,...nd,...ne->...de", weights, features, features))
        ours, peer = negative_means(features, inverse, weights), whole_matrix(features, inverse, weights)
        assert np.allclose(ours, peer, rtol=1e-10, atol=1e-12)
        ratio = cpu_ratio(
            lambda: negative_means(features, inverse, weights),  # noqa: B023
            lambda: whole_matrix(features, inverse, weights),  # noqa: B023
            20,
        )
        print(f"negative means, S = {states}, A = {actions}, d = {d}: {ratio:.2f} of the whole matrix")


if __name__ == "__main__":
    main()
