"""Fixed points, cycles and exponents of piecewise linear maps, on tent maps and by counting."""

import numpy as np
import pytest

from lib.dynamics import orbits, small_maps
from lib.dynamics.almost_linear import AlmostLinearRNN, codes, generate, step


def _tent(slope, h=1.0):
    """z -> slope z + h for z < 0, -slope z + h for z > 0, beside a unit that contracts."""
    w = np.array([[0.0, 0.1], [0.0, -2 * slope]])
    return AlmostLinearRNN(np.array([0.2, slope]), w, np.array([0.0, h]), np.zeros((1, 1)), 1)


def test_fixed_points_of_the_tent_map():
    left, right = orbits.fixed_points(_tent(1.8), [0, 1])
    assert left.real
    assert left.point[1] == pytest.approx(1 / (1 - 1.8))
    assert right.real
    assert right.point[1] == pytest.approx(1 / (1 + 1.8))
    assert left.eigenvalues[0] == pytest.approx(1.8)
    assert right.eigenvalues[0] == pytest.approx(-1.8)
    assert not orbits.fixed_points(_tent(0.5), [0])[0].real


def test_cycles_of_the_tent_map():
    """The full tent has one cycle for each necklace; a flatter one loses those that climb too high."""
    full = _tent(2.0 - 1e-9)
    for n, number in ((1, 2), (2, 1), (3, 2), (4, 3), (5, 6)):
        words = orbits.admissible_necklaces(np.ones((2, 2)), n)
        assert len(words) == number
        for word in words:
            cycle = orbits.cycle_of_word(full, word)
            assert cycle.real
            assert np.abs(cycle.eigenvalues).max() == pytest.approx(2.0**n, rel=1e-6)
            assert orbits.return_error(full, cycle) < 1e-12
    assert [len(cycle.points) for cycle in orbits.real_cycles(full, 3)] == [1, 1, 2, 3, 3]
    golden = (np.array([1, 0]), np.array([[1, 1], [1, 0]]))  # symbol 0 never follows itself
    assert [len(cycle.points) for cycle in orbits.real_cycles(full, 4, golden)] == [1, 2, 3, 4]
    flat = _tent(1.2)
    real = [orbits.cycle_of_word(flat, w).real for w in orbits.admissible_necklaces(np.ones((2, 2)), 3)]
    assert not any(real)  # period three needs a slope above the golden ratio
    steep = [orbits.cycle_of_word(_tent(1.7), w).real for w in orbits.admissible_necklaces(np.ones((2, 2)), 3)]
    assert all(steep)


def test_necklaces_of_a_graph_are_its_primitive_closed_walks():
    adjacency = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    for n in range(1, 9):
        walks = sum(d * len(orbits.admissible_necklaces(adjacency, d)) for d in range(1, n + 1) if n % d == 0)
        assert walks == round(np.trace(np.linalg.matrix_power(adjacency, n)))


def test_exponents():
    tent = _tent(1.7)
    orbit = generate(tent, np.array([0.0, 0.3]), 3000)
    exponents = orbits.lyapunov_spectrum(tent, codes(tent, orbit), 2)
    np.testing.assert_allclose(exponents, [np.log(1.7), np.log(0.2)], atol=1e-3)
    turn = 0.99 * np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    model = AlmostLinearRNN(np.zeros(2), turn, np.zeros(2), np.zeros((1, 1)), 0)
    np.testing.assert_allclose(orbits.lyapunov_spectrum(model, np.zeros(2000, int), 2), np.log(0.99), atol=1e-10)


def test_expanding_maps_stay_bounded_and_never_settle():
    maps = small_maps.expanding_maps(20, 4, np.random.default_rng(0))
    z = small_maps.run_maps(maps, np.full((20, 4), 0.1), 500, 600)
    assert np.abs(z).max() < 100
    for i, m in enumerate(maps):
        assert small_maps.orbit_period(z[:, i], 200) == 0
        assert orbits.lyapunov_spectrum(m, codes(m, z[:, i]), 1, transient=50)[0] > np.log(1.04)
        np.testing.assert_allclose(step(m, z[-2, i]), z[-1, i], atol=1e-12)


def test_period_of_an_orbit():
    z = np.tile(np.arange(5.0), 40)[:, None]
    assert small_maps.orbit_period(z, 30) == 5
    assert small_maps.orbit_period(z + 1e-11, 30) == 5
    assert small_maps.orbit_period(np.arange(200.0)[:, None], 30) == 0
    slow = 1e-7 * (-0.999) ** np.arange(400.0)[:, None]  # close to a period of two, on its way to a fixed point
    assert small_maps.orbit_period(slow, 30) == 0
    assert small_maps.orbit_period(slow, 30, tolerance=1e-6) == 1


def test_the_cycle_of_an_orbit_is_where_the_orbit_is():
    """The tent of slope 0.8 settles at its stable fixed point h / (1 + slope)."""
    model = _tent(0.8)
    z = generate(model, np.array([0.0, 0.1]), 400)
    assert orbits.distance_to_cycle(model, z[-1:]) < 1e-12
    assert z[-1, 1] == pytest.approx(1 / 1.8)
    assert orbits.distance_to_cycle(model, z[-1:] + 0.01) == pytest.approx(0.01)
    assert orbits.distance_to_cycle(_tent(1.2), np.array([[0.0, 0.5], [0.0, 0.6], [0.0, -1.0]])) == np.inf


def test_orbits_of_known_maps_are_classified():
    """Slopes of 0.8 and 1.7 settle and are chaotic; a map that grows by 3 diverges; a rotation never repeats."""
    linear = AlmostLinearRNN(np.array([3.0, 3.0]), np.zeros((2, 2)), np.ones(2), np.zeros((1, 1)), 1)
    flip = AlmostLinearRNN(np.array([0.2, -1.0]), np.zeros((2, 2)), np.zeros(2), np.zeros((1, 1)), 1)
    maps = [_tent(0.8), _tent(1.7), linear, flip]
    z, ends = small_maps.follow_maps(maps, np.full((4, 2), 0.3), 1000, 400, 20)
    assert [end.kind for end in ends] == ["fixed point", "chaotic", "diverged", "cycle"]
    assert [end.period for end in ends] == [1, 0, 0, 2]
    assert ends[1].exponent == pytest.approx(np.log(1.7), abs=1e-4)
    assert z.shape == (400, 4, 2)
    turn = np.array([[np.cos(1.0), -np.sin(1.0)], [np.sin(1.0), np.cos(1.0)]])
    rotation = AlmostLinearRNN(np.zeros(2), turn, np.zeros(2), np.zeros((1, 1)), 0)
    assert small_maps.classify_orbit(rotation, generate(rotation, np.array([1.0, 0.0]), 400), 20).kind == "unresolved"


def test_patience_settles_a_slow_orbit():
    """A contraction by 0.99 from 0.3 is within 1e-9 of its fixed point after 1900 steps, not after 500."""
    slow = AlmostLinearRNN(np.array([0.2, 0.99]), np.zeros((2, 2)), np.zeros(2), np.zeros((1, 1)), 1)
    start = np.full((1, 2), 0.3)
    assert small_maps.follow_maps([slow], start, 500, 400, 20)[1][0].kind == "unresolved"
    assert small_maps.follow_maps([slow], start, 500, 400, 20, patience=10)[1][0].kind == "fixed point"
