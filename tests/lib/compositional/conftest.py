"""Random compositions shared by the tests of this folder."""

import numpy as np
import pytest


@pytest.fixture
def composition():
    """`composition(n, D, *leading, seed=0)`: dense random covariance, spread over orders of magnitude."""

    def one(n, parts, *leading, seed=0):
        rng = np.random.default_rng([seed, n, parts])
        root = rng.standard_normal((parts, parts)) / np.sqrt(parts)
        return np.exp(rng.standard_normal((*leading, n, parts)) @ root + rng.uniform(-3, 3, parts))

    return one
