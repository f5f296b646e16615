import numpy as np
import pytest

from lib.mdp.counts import draw_episodes, fit_counts, policy_covariances
from lib.mdp.exploration import fewest_episodes
from lib.mdp.optcov import _smoothed, collect_covariance
from lib.mdp.pedel import true_prediction
from lib.mdp.random_linear import random_problem


def setting(seed=0, policies=10, dim=3):
    rng = np.random.default_rng(seed)
    problem = random_problem(4, 3, 2, dim, rng, policies=policies)
    truth = true_prediction(problem)
    covariances = policy_covariances(truth.occupancy, problem.policies, problem.features)[:, -1]

    def play(rows, chosen, each):
        numbers = np.eye(policies, dtype=np.int64)[chosen] * each
        counts = draw_episodes(problem.process, problem.reward, problem.policies, numbers, rng)
        return fit_counts(counts, problem.features).covariance[:, -1] - np.eye(dim)

    return truth.features[:, -1], covariances, play


def test_the_tolerance_is_reached_within_the_guarantee():
    features, covariances, play = setting()
    targets = np.array([0.02, 0.004])
    outcome = collect_covariance(
        np.repeat(features[None], 2, 0),
        np.repeat(covariances[None], 2, 0),
        play,
        np.repeat(np.eye(3)[None], 2, 0),
        targets,
    )
    assert (outcome.largest <= targets).all()
    spread = np.einsum("pd,bde,pe->bp", features, np.linalg.inv(outcome.covariance), features).max(axis=1)
    np.testing.assert_allclose(spread, outcome.largest)
    sixth = fewest_episodes(
        features[:, None], covariances[:, None], np.eye(3)[None], (targets / 6)[:, None] * np.ones(10)
    ).value
    least = fewest_episodes(
        features[:, None], covariances[:, None], np.eye(3)[None], targets[:, None] * np.ones(10)
    ).value
    assert (least <= outcome.episodes).all()
    assert (outcome.episodes <= 16 * sixth).all()
    total = sum((2**number + 1) * 2**number for number in range(1, outcome.rounds[1] + 1))
    assert outcome.episodes[1] == total


def test_the_gradient_by_differences():
    features, covariances, _ = setting(1)
    matrix, eta, step = covariances.mean(axis=0) + np.eye(3), 5.0, 1e-6
    _, gradient = _smoothed(features[None], matrix[None], eta)
    for i, j in ((0, 0), (0, 1), (2, 1)):
        bump = np.zeros((3, 3))
        bump[i, j] += step / 2
        bump[j, i] += step / 2
        up, down = (_smoothed(features[None], (matrix + sign * bump)[None], eta)[0][0] for sign in (1, -1))
        assert (up - down) / (2 * step) == pytest.approx(-gradient[0, i, j], rel=1e-5)


def test_smoothing_lies_above_the_largest_norm():
    features, covariances, _ = setting(2)
    matrix = covariances[0] + np.eye(3)
    largest = np.einsum("pd,de,pe->p", features, np.linalg.inv(matrix), features).max()
    smooth = _smoothed(features[None], matrix[None], 50.0)[0][0]
    assert largest <= smooth <= largest + np.log(len(features)) / 50


def test_bad_tolerances_and_too_few_rounds():
    features, covariances, play = setting(3)
    one = features[None], covariances[None], play, np.eye(3)[None]
    with pytest.raises(ValueError, match="tolerance"):
        collect_covariance(*one, np.array([0.0]))
    with pytest.raises(RuntimeError, match="not reached"):
        collect_covariance(*one, np.array([1e-4]), most_rounds=2)
