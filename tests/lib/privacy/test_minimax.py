"""The lower bound without interaction: counts by enumeration, the supremum, information of channels."""

import math

import numpy as np
import pytest
from scipy import special

from lib.privacy.minimax import (
    cells,
    channel_epsilon,
    distances,
    family,
    information,
    laws,
    nldp_sparse_lower_bound,
    random_channels,
    randomised_response,
    supremum,
)


@pytest.mark.parametrize(("dim", "sparsity"), [(3, 1), (4, 2), (5, 3), (4, 4)])
def test_distances_count_the_family(dim, sparsity):
    members = family(dim, sparsity)
    squares, counts = np.unique(np.sum((members - members[0]) ** 2, axis=1), return_counts=True)
    expected = distances(dim, sparsity)
    np.testing.assert_array_equal(expected[0], squares)
    np.testing.assert_array_equal(expected[1], counts)
    assert len(members) == math.comb(dim, sparsity) * 2**sparsity


@pytest.mark.parametrize(("dim", "sparsity"), [(2, 1), (2, 2), (3, 1), (3, 2)])
def test_supremum_is_k_over_d(dim, sparsity):
    assert supremum(dim, sparsity) == pytest.approx(sparsity / dim, abs=1e-12)


def test_laws_are_probabilities_with_the_stated_regression():
    x, y = cells(3)
    signal = 0.4
    for member, law in zip(family(3, 2), laws(3, 2, signal)):
        assert law.sum() == pytest.approx(1)
        np.testing.assert_allclose(law @ (x * y[:, None]), signal * member, atol=1e-15)
    with pytest.raises(ValueError, match="signal"):
        laws(3, 2, 0.6)


def test_information_of_a_channel_that_tells_all_and_of_one_that_tells_nothing():
    law = laws(2, 1, 0.999999)
    open_channel = np.eye(8)[None]
    blind = np.full((1, 8, 2), 0.5)
    joint = law / len(law)
    mean = joint.sum(0)
    expected = np.sum(special.rel_entr(joint, mean / len(law)))
    assert information(open_channel, law)[0] == pytest.approx(expected)
    assert information(blind, law)[0] == 0


def test_channels_are_private_and_below_the_bound():
    law = laws(2, 1, 0.5)
    for epsilon in (0.25, 1.0, 2.0):
        channels = random_channels(500, 8, 4, epsilon, np.random.default_rng(0))
        np.testing.assert_allclose(channels.sum(2), 1)
        levels = channel_epsilon(channels)
        assert levels.max() <= epsilon * (1 + 1e-12)
        assert np.all(information(channels, law) <= np.expm1(levels) ** 2 / 4 * 0.25 / 2)
        response = randomised_response(2, epsilon)
        assert channel_epsilon(response)[0] == pytest.approx(epsilon)


def test_bound_has_its_rates_and_needs_users():
    base = nldp_sparse_lower_bound(1e10, 64, 2, 0.5)
    assert nldp_sparse_lower_bound(4e10, 64, 2, 0.5).bound == pytest.approx(base.bound / 2)
    assert nldp_sparse_lower_bound(10, 64, 2, 0.5).delta == 0.5
    assert nldp_sparse_lower_bound(1e10, 1, 1, 0.5).bound == 0  # two members: Fano says nothing
    with pytest.raises(ValueError, match="sparsity"):
        nldp_sparse_lower_bound(10, 2, 3, 0.5)


def test_bound_holds_for_the_best_guess_without_any_data():
    """At a signal so small that nothing is learnt, guessing zero errs by the length of theta, above the bound."""
    for dim, sparsity in ((4, 1), (16, 2), (32, 4)):
        found = nldp_sparse_lower_bound(1e6, dim, sparsity, 1.0)
        assert found.bound <= found.delta * math.sqrt(sparsity)
