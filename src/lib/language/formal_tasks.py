"""Formal languages that need a state to be tracked: parity, sums and arithmetic modulo a number.

Sequences begin with a token BOS. Targets hold the class to predict at each position, and `IGNORE` where nothing is
asked (Delétang et al. 2023 for the arithmetic tasks).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

IGNORE = -100
MODULUS = 5
OPERATORS = "+-*"


def symbols(modulus: int = MODULUS) -> list[str]:
    """Vocabulary of the arithmetic tasks: digits, operators, brackets, equals sign, BOS."""
    return [str(d) for d in range(modulus)] + [*OPERATORS, "(", ")", "=", "^"]


def cyclic_sum(n: int, length: int, modulus: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Running sums of random digits.

    Args:
        n: sequences.
        length: digits in each.
        modulus: digits are 0 .. modulus - 1, BOS is `modulus`.
        rng: source of randomness.

    Returns:
        tokens and targets, `[n, length + 1]` int64; the target at a digit is the sum so far modulo `modulus`.
    """
    digits = rng.integers(0, modulus, (n, length))
    tokens = np.concatenate([np.full((n, 1), modulus), digits], 1)
    targets = np.concatenate([np.full((n, 1), IGNORE), np.cumsum(digits, 1) % modulus], 1)
    return tokens, targets


def parity(n: int, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Running parity of random bits: `cyclic_sum` modulo 2."""
    return cyclic_sum(n, length, 2, rng)


def _flat(n: int, length: int, modulus: int, mult: bool, rng) -> tuple[np.ndarray, np.ndarray]:
    """Expressions without brackets, digits and operators in turn; values by one pass with a running term."""
    if length % 2 == 0:
        raise ValueError(f"length: got {length}, expected an odd length where there are no brackets")
    tokens = np.empty((n, length), dtype=np.int64)
    tokens[:, ::2] = rng.integers(0, modulus, (n, (length + 1) // 2))
    tokens[:, 1::2] = modulus + rng.integers(0, 3 if mult else 2, (n, length // 2))
    total, term = np.zeros(n, dtype=np.int64), tokens[:, 0].copy()
    for i in range(1, length, 2):
        operator, digit = tokens[:, i] - modulus, tokens[:, i + 1]
        times = operator == 2
        total = np.where(times, total, total + term) % modulus
        term = np.where(times, term * digit, np.where(operator == 0, digit, -digit)) % modulus
    return tokens, (total + term) % modulus


def _nested(length: int, modulus: int, operators: int, rng) -> tuple[list[int], int]:
    """One bracketed expression of exactly `length` tokens, and its value."""
    plus, left_bracket, right_bracket = modulus, modulus + 3, modulus + 4
    minus = plus + 1
    if length <= 4:
        digit = int(rng.integers(modulus))
        inner = [digit] if length in (1, 3) else [minus, digit]
        value = digit if length in (1, 3) else -digit % modulus
        return (inner if length <= 2 else [left_bracket, *inner, right_bracket]), value
    size = int(rng.integers(1, length - 3))
    left, a = _nested(size, modulus, operators, rng)
    right, b = _nested(length - 3 - size, modulus, operators, rng)
    operator = int(rng.integers(operators))
    value = (a + b, a - b, a * b)[operator] % modulus
    return [left_bracket, *left, plus + operator, *right, right_bracket], value


def modular_arithmetic(
    n: int, length: int, modulus: int, brackets: bool, mult: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Random arithmetic expressions, their value asked for at the closing equals sign.

    Args:
        n: expressions.
        length: tokens of each expression; odd where there are no brackets.
        modulus: of digits and value.
        brackets: nested expressions with brackets and negated digits, or digits and operators in turn.
        mult: whether `*` occurs besides `+` and `-`.
        rng: source of randomness.

    Returns:
        tokens and targets, `[n, length + 2]` int64: BOS, expression, `=`; token i is `symbols(modulus)[i]`.

    Raises:
        ValueError: an even length without brackets, or a length under 1.
    """
    if length < 1:
        raise ValueError(f"length: got {length}, expected at least 1")
    if brackets:
        draws = [_nested(length, modulus, 3 if mult else 2, rng) for _ in range(n)]
        expressions, values = np.array([d[0] for d in draws]), np.array([d[1] for d in draws])
    else:
        expressions, values = _flat(n, length, modulus, mult, rng)
    equals = modulus + 5
    tokens = np.concatenate([np.full((n, 1), equals + 1), expressions, np.full((n, 1), equals)], 1)
    targets = np.full_like(tokens, IGNORE)
    targets[:, -1] = values
    return tokens, targets


def evaluate(expression: str | Sequence[int], modulus: int = MODULUS) -> int:
    """Value of an expression by an exact parse with the usual precedence.

    Args:
        expression: text over digits, `+ - * ( )`, or token numbers; BOS and `=` around it are skipped.
        modulus: of the value.

    Raises:
        ValueError: not an expression.
    """
    names = symbols(modulus)
    text = [*expression] if isinstance(expression, str) else [names[int(token)] for token in expression]
    text = [character for character in text if character not in "^="]
    position = 0

    def peek() -> str:
        return text[position] if position < len(text) else ""

    def take(expected: str = "") -> str:
        nonlocal position
        character = peek()
        if not character or (expected and character != expected):
            raise ValueError(f"expression: got {''.join(text)!r}, expected {expected or 'more'} at {position}")
        position += 1
        return character

    def factor() -> int:
        character = take()
        if character == "(":
            value = total()
            take(")")
            return value
        if character == "-":
            return -factor()
        if character not in names[:modulus]:
            raise ValueError(f"expression: got {''.join(text)!r}, expected a digit at {position - 1}")
        return int(character)

    def product() -> int:
        value = factor()
        while peek() == "*":
            take()
            value *= factor()
        return value

    def total() -> int:
        value = product()
        while peek() in ("+", "-"):
            value = value + product() if take() == "+" else value - product()
        return value

    value = total()
    if position != len(text):
        raise ValueError(f"expression: got {''.join(text)!r}, expected its end at {position}")
    return value % modulus


def scaled_accuracy(accuracy, chance: float):
    """Accuracy with chance at 0 and perfection at 1.

    Args:
        accuracy: number or array in [0, 1].
        chance: accuracy of guessing, below 1.
    """
    if not 0 <= chance < 1:
        raise ValueError(f"chance: got {chance}, expected at least 0 and below 1")
    return (accuracy - chance) / (1 - chance)


@dataclass(frozen=True)
class Task:
    """A formal task.

    Args:
        draw: takes the number of sequences, their length and a generator; returns tokens and targets.
        vocabulary: number of tokens.
        chance: accuracy of guessing.
        dense: whether every position asks for a class; otherwise only the last one does.
        odd: whether lengths must be odd.
    """

    draw: Callable[[int, int, np.random.Generator], tuple[np.ndarray, np.ndarray]]
    vocabulary: int
    chance: float
    dense: bool = False
    odd: bool = False


def _arithmetic(brackets: bool, n: int, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return modular_arithmetic(n, length, MODULUS, brackets, not brackets, rng)


def _cyclic_sum(n: int, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return cyclic_sum(n, length, MODULUS, rng)


TASKS = {
    "parity": Task(parity, 3, 1 / 2, dense=True),
    "cyclic_sum": Task(_cyclic_sum, MODULUS + 1, 1 / MODULUS, dense=True),
    "arithmetic": Task(partial(_arithmetic, False), len(symbols()), 1 / MODULUS, odd=True),  # with products
    "brackets": Task(partial(_arithmetic, True), len(symbols()), 1 / MODULUS),  # sums and differences
}
