"""CPU time of exploration designs over that of generic solvers, and of drawn episodes over one draw a step."""

import numpy as np
from scipy.optimize import minimize

from lib.bench.ratios import cpu_ratio
from lib.mdp.counts import draw_episodes, policy_covariances
from lib.mdp.exploration import best_mixture, fewest_episodes, frank_wolfe_mixture, play, squared_norms
from lib.mdp.finite_horizon import simulate
from lib.mdp.pedel import true_prediction
from lib.mdp.random_linear import random_problem
from lib.mdp.rare_branch import rare_branch, visited_offline


def slsqp_episodes(features, covariances, offset, tolerances):
    """Fewest episodes by SLSQP in the logarithms of counts, with analytic derivatives."""
    scaled = features / np.sqrt(tolerances)[:, None, None]
    start = np.full(len(covariances), np.log(len(covariances) / tolerances.min()))
    unit = np.exp(start).sum()

    def slack(z):
        return 1 - squared_norms(scaled, play(offset, covariances, np.exp(z), one_hot=True), one_hot=True).ravel()

    def slope(z):
        covariance = play(offset, covariances, np.exp(z), one_hot=True)
        weights = (scaled / covariance) ** 2
        return np.einsum("phk,jhk,j->phj", weights, covariances, np.exp(z)).reshape(-1, len(z))

    result = minimize(
        lambda z: np.exp(z).sum() / unit, start, jac=lambda z: np.exp(z) / unit, method="SLSQP",
        bounds=[(-12, np.log(1e4 / tolerances.min()))] * len(start), options={"maxiter": 500, "ftol": 1e-10},
        constraints={"type": "ineq", "fun": slack, "jac": slope},
    )  # fmt: skip
    return np.exp(result.x).sum(), slack(result.x).min()


def stepped(process, policies, episodes, rng):
    """Transition counts of the same episodes, one vectorised draw a step for all of them."""
    runs = np.repeat(policies, episodes, axis=0)
    path = simulate(process, runs, rng)
    counts = np.zeros(process.transition.shape)
    for h in range(path.actions.shape[-1]):
        np.add.at(counts[h], (path.states[..., h], path.actions[..., h], path.states[..., h + 1]), 1)
    return counts


def main() -> None:
    """Print the ratios, ours over the peer."""
    for eps in (0.05, 0.0125):
        problem = rare_branch(eps)
        truth = true_prediction(problem)
        covariances = policy_covariances(truth.occupancy, problem.policies)
        offset = 1.0 + 32 / eps**2 * visited_offline().reshape(2, -1)
        limits = np.maximum(truth.values.max() - truth.values, eps) ** 2 / 8
        arguments = truth.features, covariances, offset, limits
        value, slack = slsqp_episodes(*arguments)
        ours = fewest_episodes(*arguments, one_hot=True)
        print(f"eps = {eps}: {ours.value:.1f} episodes, at least {ours.bound:.1f}")
        print(f"  SLSQP in the logarithms of counts: {value:.1f}, slack {slack:.1e}")
        for size in (1, 64):
            offsets = offset * np.linspace(1, 2, size)[:, None, None]
            ratio = cpu_ratio(
                lambda: fewest_episodes(truth.features, covariances, offsets, limits, one_hot=True),  # noqa: B023
                lambda: [slsqp_episodes(truth.features, covariances, one, limits) for one in offsets],  # noqa: B023
                3,
            )
            print(f"  {size} problems: {ratio:.2f} of SLSQP")
    rng = np.random.default_rng(0)
    problem = random_problem(6, 3, 2, 4, rng, policies=60)
    truth = true_prediction(problem)
    covariances = policy_covariances(truth.occupancy, problem.policies, problem.features)
    arguments = truth.features, covariances, np.repeat(np.eye(4)[None], 2, axis=0), 100.0
    ours, walked = best_mixture(*arguments), frank_wolfe_mixture(*arguments)
    ratio = cpu_ratio(lambda: best_mixture(*arguments), lambda: frank_wolfe_mixture(*arguments), 2)
    print(f"best mixture: {ours.value:.5f}, Frank-Wolfe {walked.value:.5f}")
    print(f"  {ratio:.3f} of Frank-Wolfe to a gap of 1 % (ours to 0.3 %)")
    few = problem.policies[:5]
    for number in (100, 2000, 20000):
        episodes = np.full(5, number)
        ratio = cpu_ratio(
            lambda: draw_episodes(problem.process, problem.reward, few, episodes, rng),  # noqa: B023
            lambda: stepped(problem.process, few, episodes, rng),  # noqa: B023
            2,
        )
        print(f"5 x {number} episodes: {ratio:.4f} of one vectorised draw a step")


if __name__ == "__main__":
    main()
