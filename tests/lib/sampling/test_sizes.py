"""Search for the number of points: candidates, and success of designs that are drawn afresh."""

import numpy as np
import pytest

from lib.sampling.bases import Legendre
from lib.sampling.designs import STRATEGIES, draws, has_designs, sample_blocks, sample_design
from lib.sampling.sizes import candidate_sizes, search_sizes


def test_candidates_are_multiples_or_geometric():
    assert candidate_sizes("rep", 4, 1.3, 4) == [4, 8, 12, 16]
    assert candidate_sizes("rvol", 4, 1.3, 4) == [8, 16]
    assert candidate_sizes("iid", 4, 1.0, 3) == [4, 8, 12]
    assert candidate_sizes("vol", 10, 2.0, 8) == [10, 20, 40, 80]
    steps = np.array(candidate_sizes("iid", 50, 1.15, 20))
    assert steps[0] == 50
    assert steps[-1] >= 1000
    np.testing.assert_allclose(steps[1:] / steps[:-1], 1.15, atol=0.02)
    with pytest.raises(ValueError, match="step"):
        candidate_sizes("iid", 4, 0.5, 3)
    with pytest.raises(ValueError, match="strategy"):
        candidate_sizes("other", 4, 1.0, 3)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_has_designs_where_it_can_be_drawn(strategy):
    basis = Legendre(3)
    for n in range(1, 14):
        try:
            draws(strategy, basis, n)
        except ValueError:
            drawable = False
        else:
            drawable = n >= basis.size
        assert has_designs(strategy, 3, n) == has_designs(f"{strategy}_cond", 3, n) == drawable


def test_needed_sizes_succeed_in_fresh_designs():
    basis, level = Legendre(5), 0.8
    search = search_sizes("rep", basis, range(5, 100, 5), [0.2, level], 400, 0.5, np.random.default_rng(0))
    assert search.needed[0] <= search.needed[1] == search.path[-1][0]
    assert dict(search.path)[search.needed[1]] >= level
    assert all(probability < level for _, probability in search.path[:-1])
    design = sample_design("rep", basis, int(search.needed[1]), np.random.default_rng(1), 400)
    assert np.mean(design.eigenvalues[:, 0] >= 0.5) == pytest.approx(search.path[-1][1], abs=0.1)


def test_levels_that_are_not_reached_are_nan():
    search = search_sizes("iid", Legendre(5), [5, 6], [0.99], 20, 0.5, np.random.default_rng(0))
    assert np.isnan(search.needed).all()
    assert [n for n, _ in search.path] == [5, 6]


def test_blocks_cover_all_designs_once():
    basis, places = Legendre(4), []
    for block, design in sample_blocks("vol", basis, 10, np.random.default_rng(0), 23, values=400_000):
        assert len(design.x) == block.stop - block.start <= 10
        places.extend(range(block.start, block.stop))
    assert places == list(range(23))
