"""CPU time of simulation over one vectorised call a step, and of column generation over HiGHS on all columns."""

import numpy as np

from lib.bench.ratios import cpu_ratio
from lib.matching.benchmarks import stochastic_configuration_program
from lib.matching.classes import classes_of, stochastic_configuration_lp, vertices_of
from lib.matching.instances import arrivals_of, trap
from lib.matching.linear import solve_lp
from lib.matching.policies import simulate, thresholds_and_ranks


def vectorised_balance(p, arrivals, theta, rank):
    """Balance with the split exp(-load), all replicates at once: one NumPy step for each arrival."""
    load, free = np.zeros_like(theta), np.ones(theta.shape, dtype=bool)
    discount = np.ones_like(theta)
    added, everyone = -np.log1p(-p), np.arange(len(theta))
    for c in arrivals:
        near = np.flatnonzero(p[:, c])
        score = np.where(free[:, near], p[near, c] * discount[:, near], -1.0)
        tied = np.where(score == score.max(axis=1, keepdims=True), rank[:, near], -1.0)
        chosen = near[tied.argmax(axis=1)]
        live = everyone[free[everyone, chosen]]
        chosen = chosen[live]
        load[live, chosen] += added[chosen, c]
        discount[live, chosen] = np.exp(-load[live, chosen])
        free[live, chosen] = load[live, chosen] < theta[live, chosen]
    return (~free).sum(axis=1)


def main():
    """Print both ratios; below 1 ours is faster."""
    probabilities, masses = trap(6)
    p, arrivals = 0.02 * probabilities, arrivals_of(vertices_of(masses, 0.02))
    theta, rank = thresholds_and_ranks(4000, len(p), np.random.default_rng(0))
    ours = simulate(p, arrivals, "balance", theta, rank)
    peer = vectorised_balance(p, arrivals, theta, rank)
    print(f"runs that agree {np.mean(ours == peer):.4f}")
    ratio = cpu_ratio(
        lambda: simulate(p, arrivals, "balance", theta, rank), lambda: vectorised_balance(p, arrivals, theta, rank), 3
    )
    print(f"balance, 4000 replicates, {len(arrivals)} arrivals: {ratio:.3f} of one vectorised step for each arrival")
    p = np.random.default_rng(1).uniform(0.05, 0.9, (6, 12))
    arrays = stochastic_configuration_program(p).arrays()
    graph = classes_of(p, np.ones(12), eps=1.0)
    print(f"optima apart {abs(solve_lp(*arrays).value - stochastic_configuration_lp(graph).upper):.1e}")
    ratio = cpu_ratio(lambda: stochastic_configuration_lp(graph), lambda: solve_lp(*arrays), 2)
    print(f"column generation, 6 x 12: {ratio:.3f} of HiGHS on all {len(arrays[0])} columns, their listing not counted")


if __name__ == "__main__":
    main()
