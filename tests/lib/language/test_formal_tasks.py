"""Formal tasks: values by an exact parse, and by Python's own arithmetic."""

import numpy as np
import pytest

from lib.language.formal_tasks import (
    IGNORE,
    MODULUS,
    cyclic_sum,
    evaluate,
    modular_arithmetic,
    parity,
    scaled_accuracy,
    symbols,
)


def test_parity_is_the_number_of_ones_modulo_two():
    tokens, targets = parity(50, 9, np.random.default_rng(0))
    assert bool((tokens[:, 0] == 2).all())
    assert bool((targets[:, 0] == IGNORE).all())
    for row, target in zip(tokens[:, 1:], targets[:, 1:]):
        assert target.tolist() == [int(row[: i + 1].sum()) % 2 for i in range(9)]


def test_cyclic_sum_runs_modulo_its_modulus():
    tokens, targets = cyclic_sum(20, 30, 5, np.random.default_rng(0))
    assert tokens.max() == 5
    assert int(targets[0, -1]) == int(tokens[0, 1:].sum()) % 5


@pytest.mark.parametrize("brackets", [False, True])
@pytest.mark.parametrize("mult", [False, True])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 9, 20, 21])
def test_expressions_have_their_length_and_their_value(brackets, mult, length):
    if not brackets and length % 2 == 0:
        with pytest.raises(ValueError, match="odd"):
            modular_arithmetic(3, length, MODULUS, brackets, mult, np.random.default_rng(0))
        return
    tokens, targets = modular_arithmetic(30, length, MODULUS, brackets, mult, np.random.default_rng(length))
    names = symbols()
    assert tokens.shape == (30, length + 2)
    assert bool((targets[:, :-1] == IGNORE).all())
    characters = set()
    for row, value in zip(tokens, targets[:, -1]):
        text = "".join(names[token] for token in row)
        assert text[0] == "^"
        assert text[-1] == "="
        assert eval(text[1:-1]) % MODULUS == value == evaluate(row)
        characters |= set(text)
    assert mult or "*" not in characters
    assert brackets or "(" not in characters


@pytest.mark.parametrize("text", ["", "1+", "(1", "1)", "12", "*2", "7"])
def test_what_is_not_an_expression_is_refused(text):
    with pytest.raises(ValueError, match="expression"):
        evaluate(text)


def test_scaled_accuracy_has_chance_at_zero():
    assert scaled_accuracy(0.5, 0.5) == 0
    assert scaled_accuracy(1.0, 0.2) == 1
    assert scaled_accuracy(0.6, 0.2) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="chance"):
        scaled_accuracy(0.5, 1.0)
