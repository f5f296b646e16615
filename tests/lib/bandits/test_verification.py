import numpy as np
import pytest

from lib.bandits.verification import verification_bandit, verification_bound, verify_by_elimination


def test_bandits_and_their_bound():
    assert verification_bandit(3, 0.1).tolist() == pytest.approx([0.5, 0.3, 0.3])
    assert verification_bandit(3, 0.1, 2).tolist() == pytest.approx([0.5, 0.3, 0.7])
    # kl(1/2 - 2 e, 1/2 + e) is near 2 (3 e)^2
    assert verification_bound(5, 1e-4, 0.05) == pytest.approx(4 * np.log(1 / 0.12) / (2 * 9e-8), rel=1e-3)


@pytest.mark.parametrize("union", ["rounds", "looks"])
@pytest.mark.parametrize("better", [None, 3])
def test_the_verifier_is_right_and_above_the_bound(union, better):
    eps, arms = 0.05, 6
    means = verification_bandit(arms, eps, better)
    outcome = verify_by_elimination(means, 20_000, eps, 0.05, 100, np.random.default_rng(0), union=union)
    assert (means.max() - means[outcome.arm] <= eps).all()
    assert (outcome.pulls.min() if better else outcome.pulls.mean()) > verification_bound(arms, eps, 0.05)


def test_a_union_over_looks_needs_fewer_pulls():
    means = verification_bandit(5, 0.05)
    rounds, looks = (
        verify_by_elimination(means, 20_000, 0.05, 0.05, 50, np.random.default_rng(1), union=union).pulls.mean()
        for union in ("rounds", "looks")
    )
    assert looks < rounds


def test_few_offline_pulls_of_the_reference_cost_pulls():
    means = verification_bandit(4, 0.1)
    few, many = (
        verify_by_elimination(means, n, 0.1, 0.05, 100, np.random.default_rng(2)).pulls.mean() for n in (2000, 10**7)
    )
    assert many < few


def test_one_arm_is_verified_at_once_and_bad_input_is_refused():
    assert verify_by_elimination([0.5], 10, 0.1, 0.05, 3, np.random.default_rng(0)).pulls.tolist() == [0, 0, 0]
    for change in ({"eps": 0}, {"offline": 0}, {"union": "steps"}):
        arguments = {"means": [0.5, 0.4], "offline": 10, "eps": 0.1, "delta": 0.05, "runs": 2} | change
        with pytest.raises(ValueError, match="eps, offline, union"):
            verify_by_elimination(**arguments, rng=np.random.default_rng(0))
