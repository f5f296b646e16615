"""Permutation nulls and false discovery rates by brute force."""

import numpy as np

from lib.compositional.inference import permutation_fdr, permutation_null
from lib.compositional.partial import partial


def test_null_has_the_trace_of_the_constraint_and_no_more():
    L = np.random.default_rng(0).standard_normal((400, 6)) @ np.random.default_rng(1).standard_normal((6, 6))
    L /= L.std(axis=0)
    null = permutation_null(L, 60, np.random.default_rng(2))
    off = ~np.eye(6, dtype=bool)
    np.testing.assert_allclose(null.mean(axis=0)[off], 1 / 5, atol=0.03)


def test_rates_are_counted_pairs():
    rng = np.random.default_rng(3)
    r, null = np.zeros((5, 5)), np.zeros((7, 5, 5))
    upper = np.triu_indices(5, 1)
    r[upper] = np.round(rng.uniform(-1, 1, 10), 1)
    null[:, upper[0], upper[1]] = np.round(rng.uniform(-0.7, 0.7, (7, 10)), 1)
    q = permutation_fdr(r + r.T, null)

    def rate(c):
        return min(1, np.mean(np.sum(np.abs(null[:, upper[0], upper[1]]) >= c, axis=1)) / np.sum(np.abs(r[upper]) >= c))

    for i, j in zip(*upper):
        cuts = [c for c in np.abs(r[upper]) if c <= abs(r[i, j])]
        assert np.isclose(q[i, j], min(rate(c) for c in cuts))
        assert q[i, j] == q[j, i]


def test_a_strong_pair_is_called_and_noise_is_not():
    rng = np.random.default_rng(4)
    L = rng.standard_normal((60, 8))
    L[:, 1] = L[:, 0] + 0.2 * rng.standard_normal(60)
    q = permutation_fdr(partial(np.exp(L)).correlation, permutation_null(L, 200, rng))
    assert q[0, 1] < 0.01
    rest = q[2:, 2:][np.triu_indices(6, 1)]
    assert np.all(rest > 0.05)
