"""What an analysis says about a tent map, whose regions, fixed points, words and exponent are known."""

import numpy as np
import pytest

from lib.dynamics.almost_linear import AlmostLinearRNN, codes, generate
from lib.dynamics.analysis import graph_of, lobes_and_middle, region_table, score_free_run, symbolic_portrait
from lib.dynamics.measures import Scorer


@pytest.fixture(scope="module")
def tent():
    """z -> s z + 1 for z < 0, -s z + 1 for z > 0 with s = 1.8, seen by a unit that contracts; and its orbit."""
    slope = 1.8
    w = np.array([[0.0, 0.1], [0.0, -2 * slope]])
    model = AlmostLinearRNN(np.array([0.2, slope]), w, np.array([0.0, 1.0]), np.zeros((1, 1)), 1)
    return model, generate(model, np.array([0.0, 0.3]), 20_000)


def test_regions_of_the_tent_map(tent):
    model, z = tent
    code = codes(model, z)
    table = region_table(model, code, regions=4)
    assert sorted(table.symbol.values[:2]) == [0, 1]
    np.testing.assert_array_equal(table.symbol[2:], -1)
    np.testing.assert_allclose(table.fraction, [*sorted([(code == s).mean() for s in (0, 1)], reverse=True), 0, 0])
    assert table.kept.values.tolist() == [True, True, False, False]
    assert table.is_real.values.tolist() == [True, True, False, False]
    slope = {0: 1.8, 1: -1.8}
    for region in range(2):
        symbol = int(table.symbol[region])
        assert float(table.eigenvalue_real[region, 0]) == pytest.approx(slope[symbol])
        fixed = 1 / (1 - slope[symbol])
        observed = (0.1 * max(fixed, 0)) / 0.8  # z_1 = 0.2 z_1 + 0.1 max(z_2, 0)
        assert float(table.point[region, 0]) == pytest.approx(observed)
    assert np.isnan(table.point[2:]).all()
    assert np.isnan(table.eigenvalue_imag[:, 2:]).all()


def test_the_portrait_has_the_exponent_and_fewer_words_than_the_full_shift(tent):
    model, z = tent
    portrait = symbolic_portrait(model, codes(model, z), regions=4, exponents=2, lyapunov_steps=5000)
    np.testing.assert_allclose(portrait.lyapunov, [np.log(1.8), np.log(0.2)], atol=1e-3)
    assert (portrait.words[4:] < 2 ** portrait.length[4:]).all()  # the full shift needs a slope of 2
    assert float(portrait.word_growth) == pytest.approx(np.log(1.8), abs=0.05)  # entropy of the tent of this slope
    assert float(portrait.graph_entropy) == pytest.approx(np.log(2))
    symbols, adjacency = graph_of(portrait)
    assert sorted(symbols) == [0, 1]
    np.testing.assert_array_equal(adjacency, 1)


def test_a_run_is_close_to_itself_and_a_run_that_diverged_has_no_score(tent):
    model, z = tent
    score = Scorer(z[:, :1], bins=20, smoothing=5.0, steps=10_000)
    own = score_free_run(model, z, len(z), score, len(z))
    assert float(own.D_stsp) == pytest.approx(0, abs=1e-12)
    assert float(own.D_H) == pytest.approx(0, abs=1e-7)
    assert (int(own.raw), int(own.used), int(own.n95)) == (2, 2, 2)
    short = score_free_run(model, z[:-1], len(z), score, len(z))
    assert np.isnan(short.D_stsp)
    assert float(short.D_H) == 1
    assert (int(short.raw), int(short.used), int(short.n95)) == (0, 0, 0)


def test_lobes_are_recognised_in_any_order_of_the_regions():
    centres = np.array([[1.0, 1.1, 0.5], [-1.1, -1.0, 0.5]])
    saddle = np.array([0.0, 0.1, -2.0])
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        points = np.array([*centres, saddle])[order]
        np.testing.assert_array_equal(points[list(lobes_and_middle(points, centres))], [*centres, saddle])
    points = np.array([[1.0, 1.2, 0.0], [0.9, 1.0, 0.0], [np.nan] * 3])  # both near the first lobe
    assert lobes_and_middle(points, centres) == (0, 1, 2)
