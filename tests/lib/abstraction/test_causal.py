"""Algorithms against labels from raw vectors, and the law of interventions against redrawing."""

import numpy as np
import pytest

from lib.abstraction.causal import (
    ALGORITHMS,
    Sampler,
    counterfactual_labels,
    draw_inputs,
    equality_bits,
    input_probabilities,
    intervention_patterns,
    majority_share,
    solve,
    vectors_of,
)


def _by_hand(name, base, sources, flags):
    """Label of one intervention, from the definition in words."""

    def equal(x, pair):
        return np.array_equal(x[8 * pair : 8 * pair + 4], x[8 * pair + 4 : 8 * pair + 8])

    one = sources[0] if flags[0] else base
    two = sources[1] if len(flags) > 1 and flags[1] else base
    if name == "both_equality":
        return equal(one, 0) == equal(two, 1)
    if name == "left_equality":
        return equal(one, 0) == equal(base, 1)
    if name == "first_argument":
        return np.array_equal(one[:4], base[4:8]) == equal(base, 1)
    if name == "and_or_and":
        return (equal(one, 0) and equal(one, 1)) or (equal(two, 1) and equal(two, 2))
    return equal(one, 1) and (equal(two, 0) or equal(two, 2))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_labels_of_interventions_follow_from_the_raw_vectors(name):
    drawn = Sampler(name)(400, np.random.default_rng(0))
    expected = [_by_hand(name, b, s, f) for b, s, f in zip(drawn.base, drawn.sources, drawn.flags)]
    np.testing.assert_array_equal(drawn.label, np.array(expected).astype(int))
    assert drawn.flags.any(axis=1).all()
    assert 0.35 < drawn.label.mean() < 0.65


@pytest.mark.parametrize("name", ALGORITHMS)
def test_without_an_intervention_every_algorithm_solves_its_task(name):
    task = ALGORITHMS[name].task
    x, y = draw_inputs(task, 500, np.random.default_rng(1))
    sources = np.stack([x[::-1]] * len(ALGORITHMS[name].variables), 1)
    flags = np.zeros(sources.shape[:2], bool)
    np.testing.assert_array_equal(counterfactual_labels(name, x, sources, flags), y)
    np.testing.assert_array_equal(solve(task, equality_bits(x)), y == 1)


def test_tasks_are_balanced_and_their_vectors_lie_in_the_cube():
    for task, bits in (("equality", 0.25), ("distributive", 1 / 6)):
        x, y = draw_inputs(task, 20000, np.random.default_rng(2))
        assert abs(y.mean() - 0.5) < 0.015
        assert np.abs(x).max() <= 0.5
        assert input_probabilities(task).max() == pytest.approx(bits)
    assert vectors_of(x).shape == (20000, 6, 4)


@pytest.mark.parametrize("name", ["and_or", "and_or_and"])
def test_intervention_probabilities_agree_with_redrawing(name):
    """The generator in words: draw a wanted effect, redraw base and sources until the intervention has it."""
    rng, method = np.random.default_rng(3), ALGORITHMS[name]
    patterns = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], bool)
    weight = input_probabilities("distributive")
    law, flags, shares = intervention_patterns(name)
    able = {
        (tuple(f), tuple(b), bool(e))
        for f, b, e in zip(flags, law[:, 0], _labels(method, law, flags) != solve("distributive", law[:, 0]))
    }
    assert shares.sum() == pytest.approx(1)
    ones = total = 0
    for _ in range(3000):
        flag = [(True, False), (False, True), (True, True)][rng.integers(3)]
        effect = bool(rng.integers(2))
        while True:
            base = patterns[rng.choice(8, p=weight)]
            if (flag, tuple(base), effect) in able:
                break
        while True:
            sources = patterns[rng.choice(8, 2, p=weight)]
            label = _labels(method, np.stack([base, *sources])[None], np.array([flag]))[0]
            if (label != solve("distributive", base[None])[0]) == effect:
                break
        ones, total = ones + label, total + 1
    expected = shares @ _labels(method, law, flags)
    assert abs(ones / total - expected) < 4 * np.sqrt(0.25 / total)


def _labels(method, bits, flags):
    def variable(k, b):
        first, middle, last = b.T
        if method.words == "And-Or":
            return (middle, first | last)[k]
        return (first & middle, middle & last)[k]

    one = np.where(flags[:, 0], variable(0, bits[:, 1]), variable(0, bits[:, 0]))
    two = np.where(flags[:, 1], variable(1, bits[:, 2]), variable(1, bits[:, 0]))
    return one & two if method.words == "And-Or" else one | two


def test_shares_of_labels_are_those_of_the_authors_generator():
    """58.4 % ones for And-Or-And, 57.7 % zeros for And-Or, of finitely many draws."""
    assert majority_share("and_or_and") == pytest.approx(0.584, abs=0.005)
    assert majority_share("and_or") == pytest.approx(0.577, abs=0.005)
    assert majority_share("both_equality") == pytest.approx(0.5)


def test_bad_names_are_refused():
    with pytest.raises(ValueError, match="algorithm: got 'xor'"):
        Sampler("xor")
    with pytest.raises(ValueError, match="task: got 'parity'"):
        draw_inputs("parity", 4, np.random.default_rng(0))


@pytest.mark.parametrize("name", [name for name in ALGORITHMS if name != "first_argument"])
def test_interventions_among_few_inputs_have_the_same_law(name):
    sampler = Sampler(name)
    shared = sampler.among(4000, 200, np.random.default_rng(0))
    base, sources = shared.inputs[shared.index[0]], shared.inputs[shared.index[1:]].swapaxes(0, 1)
    np.testing.assert_array_equal(shared.label, counterfactual_labels(name, base, sources, shared.flags))
    free = sampler(4000, np.random.default_rng(1))
    for one, other in ((base, free.base), (sources[:, 0], free.sources[:, 0])):
        shares = [equality_bits(part).mean(0) for part in (one, other)]
        np.testing.assert_allclose(*shares, atol=0.045)
    assert abs(shared.label.mean() - free.label.mean()) < 0.045
    assert len(np.unique(shared.index[0])) > 150
    with pytest.raises(ValueError, match="few: got 3"):
        sampler.among(10, 3, np.random.default_rng(0))
