"""Programs by templates: integers in, integers out, for all operands; and what the network computes in a step."""

import numpy as np
import pytest

from lib.ntk.kernels import KERNELS, trained_limit
from lib.ntk.templates import addition, carry_template, limit_step, matching, multiplication, run


def operands(bits):
    return np.divmod(np.arange(4**bits), 2**bits)


def add(kernel, program, bits, **options):
    first, second = operands(bits)
    states = run(limit_step(kernel, program, **options), program, program.load(p=first, q=second)).states
    start, length = program.fields["c"]
    return program.field(states, "p") + (states[:, start + length - 1].astype(int) << bits), first + second


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_all_sums_and_products_are_right(kernel, bits):
    got, expected = add(kernel, addition(bits), bits)
    np.testing.assert_array_equal(got, expected)
    program, (first, second) = multiplication(bits), operands(bits)
    assert len(program.writes) == 20 * bits + 2
    for padding in (0, bits):
        result = run(limit_step(kernel, program, padding=padding), program, program.load(a=first, b=second, test=1))
        np.testing.assert_array_equal(program.field(result.states, "p"), first * second)
        assert result.largest_zero <= 1e-10 < 0.1 < result.least_one


def test_a_step_is_the_mean_of_a_trained_network():
    """Against the limit solved for the templates' own targets, input by input."""
    program = addition(2)
    states = program.load(p=np.array([3, 2, 1]), q=np.array([1, 2, 3]))
    matches = matching(program, states)
    inputs = matches / np.sqrt(matches.sum(axis=1, keepdims=True))
    limit = trained_limit("ntk", np.eye(len(program.writes)), program.writes.astype(float), inputs)
    np.testing.assert_allclose(limit_step("ntk", program)(states)[0], limit.mean, atol=1e-12)


def test_matching_is_the_conditions():
    program = multiplication(2)
    rng = np.random.default_rng(0)
    states = rng.integers(0, 2, (50, program.bits)).astype(np.int8)
    rows = program.conditions
    expected = [[all(need in (-1, bit) for need, bit in zip(row, state)) for row in rows] for state in states]
    np.testing.assert_array_equal(matching(program, states) > 0, expected)


def test_padding_is_training_inputs_that_nothing_matches():
    program = addition(2)
    states = program.load(p=np.array([3, 2]), q=np.array([1, 2]))
    matches = matching(program, states)
    inputs = np.pad(matches / np.sqrt(matches.sum(axis=1, keepdims=True)), ((0, 0), (0, 3)))
    targets = np.pad(program.writes.astype(float), ((0, 3), (0, 0)))
    limit = trained_limit("last_layer", np.eye(len(targets)), targets, inputs)
    np.testing.assert_allclose(limit_step("last_layer", program, padding=3)(states)[0], limit.mean, atol=1e-12)


def test_states_that_match_nothing_become_zero():
    program = addition(2)
    outputs, states = limit_step("ntk", program)(np.zeros((1, program.bits), np.int8))
    assert not outputs.any()
    assert not states.any()


@pytest.mark.parametrize("position", range(3))
def test_without_a_carry_exactly_the_pairs_that_carry_are_wrong(position):
    got, expected = add("ntk", addition(3).without(carry_template(position)), 3)
    first, second = operands(3)
    low = 2 ** (position + 1)
    np.testing.assert_array_equal(got != expected, first % low + second % low >= low)


def test_a_threshold_of_a_half_is_wrong_often():
    got, expected = add("ntk", addition(3), 3, threshold=0.5)
    assert (got != expected).sum() >= 10
