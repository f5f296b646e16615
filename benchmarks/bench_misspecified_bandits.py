"""CPU time of ranking a net, of designs and of packings, over that of one vectorised call or the plain algorithm."""

import time

import numpy as np

from lib.bandits.designs import g_optimal_design
from lib.bandits.hard import pack
from lib.bandits.instances import sphere_actions
from lib.bandits.net import rank_net, sparse_net


def cpu(function, repeat: int = 5):
    """Smallest CPU time of a few calls, and what they return."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        result = function()
        times.append(time.process_time() - start)
    return min(times), result


def dense_ranking(actions, net):
    """Scores by one product with all net points written out."""
    points = np.zeros((len(net.supports), len(net.grid), actions.shape[1]))
    for c, support in enumerate(net.supports):
        points[c][:, support] = net.grid
    values = points.reshape(-1, actions.shape[1]) @ actions.T
    return values.max(axis=1), values.argmax(axis=1)


def plain_design(actions, tolerance=0.05):
    """Frank-Wolfe from the same start, with V inverted and all variances computed anew in each step."""
    from lib.bandits.designs import _spanning

    n, d = actions.shape
    weights = np.zeros(n)
    weights[_spanning(actions)] = 1 / d
    while True:
        inverse = np.linalg.inv(actions.T @ (weights[:, None] * actions))
        variance = np.einsum("nd,nd->n", actions @ inverse, actions)
        worst = variance.argmax()
        g = variance[worst]
        if g <= (1 + tolerance) * d:
            return weights
        gamma = (g / d - 1) / (g - 1)
        weights *= 1 - gamma
        weights[worst] += gamma


def plain_packing(s, tau, tries, rng):
    """Greedy packing, one candidate after the other against all accepted ones in one product."""
    accepted = np.zeros((0, s), np.float32)
    for _ in range(tries):
        candidate = (2 * rng.integers(0, 2, s) - 1).astype(np.float32)
        if not len(accepted) or np.abs(accepted @ candidate).max() <= tau * s:
            accepted = np.vstack([accepted, candidate])
    return accepted


def main() -> None:
    """Print the ratios, ours over the peer."""
    rng = np.random.default_rng(0)
    for d, s, eps, n in ((8, 2, 0.05, 2000), (64, 1, 0.05, 3000), (12, 2, 0.1, 3000)):
        actions, net = sphere_actions(n, d, rng), sparse_net(d, s, eps)
        ours, ranked = cpu(lambda: rank_net(actions, net))  # noqa: B023
        peer, (score, action) = cpu(lambda: dense_ranking(actions, net))  # noqa: B023
        assert np.allclose(ranked.score.ravel(), score, atol=1e-12)
        assert np.mean(ranked.action.ravel() == action) > 0.99  # rounding may exchange equal actions
        words = f"{ours * 1e3:.1f} ms, one dense product {peer * 1e3:.1f} ms"
        print(f"net, d = {d}, s = {s}: {words}, ratio {ours / peer:.2f}")
    for n, d in ((800, 16), (8000, 64)):
        actions = sphere_actions(n, d, rng)
        ours, design = cpu(lambda: g_optimal_design(actions), 3)  # noqa: B023
        peer, weights = cpu(lambda: plain_design(actions), 1)  # noqa: B023
        assert np.abs(weights[design.support] - design.weights).max() < 1e-4
        print(
            f"design, N = {n}, d = {d}: {ours * 1e3:.1f} ms, inverse anew {peer * 1e3:.1f} ms, ratio {ours / peer:.2f}"
        )
    for s in (120, 300):
        ours, packing = cpu(lambda: pack(s, 0.2, 4000, rng), 3)  # noqa: B023
        peer, accepted = cpu(lambda: plain_packing(s, 0.2, 4000, rng), 1)  # noqa: B023
        words = f"packing, s = {s}: N = {len(packing.signs)} and {len(accepted)}"
        print(f"{words}, {ours * 1e3:.0f} ms, candidate by candidate {peer * 1e3:.0f} ms, ratio {ours / peer:.2f}")


if __name__ == "__main__":
    main()
