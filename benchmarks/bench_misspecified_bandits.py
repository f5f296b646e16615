"""CPU time of ranking a net, of designs and of packings, over that of one vectorised call or the plain algorithm."""

import numpy as np

from lib.bandits.designs import _spanning, g_optimal_design
from lib.bandits.hard import pack
from lib.bandits.instances import sphere_actions
from lib.bandits.net import rank_net, sparse_net
from lib.bench.ratios import cpu_ratio


def dense_ranking(actions, net):
    """Scores by one product with all net points written out."""
    points = np.zeros((len(net.supports), len(net.grid), actions.shape[1]))
    for c, support in enumerate(net.supports):
        points[c][:, support] = net.grid
    values = points.reshape(-1, actions.shape[1]) @ actions.T
    return values.max(axis=1), values.argmax(axis=1)


def plain_design(actions, tolerance=0.05):
    """Frank-Wolfe from the same start, with V inverted and all variances computed anew in each step."""
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
        ranked, (score, action) = rank_net(actions, net), dense_ranking(actions, net)
        assert np.allclose(ranked.score.ravel(), score, atol=1e-12)
        assert np.mean(ranked.action.ravel() == action) > 0.99  # rounding may exchange equal actions
        ratio = cpu_ratio(lambda: rank_net(actions, net), lambda: dense_ranking(actions, net))  # noqa: B023
        print(f"net, d = {d}, s = {s}: {ratio:.2f} of one dense product")
    for n, d in ((800, 16), (8000, 64)):
        actions = sphere_actions(n, d, rng)
        design, weights = g_optimal_design(actions), plain_design(actions)
        assert np.abs(weights[design.support] - design.weights).max() < 1e-4
        ratio = cpu_ratio(lambda: g_optimal_design(actions), lambda: plain_design(actions), 2)  # noqa: B023
        print(f"design, N = {n}, d = {d}: {ratio:.2f} of inverting anew")
    for s in (120, 300):
        ratio = cpu_ratio(lambda: pack(s, 0.2, 4000, rng), lambda: plain_packing(s, 0.2, 4000, rng), 2)  # noqa: B023
        print(f"packing, s = {s}: {ratio:.2f} of candidate by candidate")


if __name__ == "__main__":
    main()
