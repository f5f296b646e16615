"""Causal models of two Boolean tasks on vectors: inputs, algorithms that solve them, and interventions with their
labels.

Pairs of vectors are equal or not. *Hierarchical equality* asks whether both pairs (a, b) and (c, e) agree in that;
the *distributive law* is B and (A or C) for three pairs. An algorithm computes the label from variables, each a
function of the input; an intervention replaces variables of a base input by those of source inputs. Sutter, Minder,
Hofmann and Pimentel (2025), section 4, and the generators of their code.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

WIDTH = 4  # entries of a vector


class Algorithm(NamedTuple):
    """An algorithm for a task.

    Args:
        task: `equality` or `distributive`.
        words: its name in words.
        variables: one function for each variable, of an input's vectors `(n, vectors, 4)`.
        label: function of the variables' values, of the base's vectors where `rest` says so.
        rest: whether the label needs the base beside the variables.
    """

    task: str
    words: str
    variables: tuple[Callable, ...]
    label: Callable
    rest: bool = False


class Shared(NamedTuple):
    """Interventions among a few inputs: these `(few, d)`, index `(1 + variables, n)`, flags and label as usual."""

    inputs: np.ndarray
    index: np.ndarray
    flags: np.ndarray
    label: np.ndarray


class Interventions(NamedTuple):
    """Interventions: base `(n, d)`, sources `(n, variables, d)`, flags `(n, variables)` bool, label `(n,)` integers."""

    base: np.ndarray
    sources: np.ndarray
    flags: np.ndarray
    label: np.ndarray


def _equal(pair: int) -> Callable:
    return lambda vectors: (vectors[:, 2 * pair] == vectors[:, 2 * pair + 1]).all(-1)


ALGORITHMS = {
    "both_equality": Algorithm(
        "equality", "both equality relations", (_equal(0), _equal(1)), lambda left, right: left == right
    ),
    "left_equality": Algorithm(
        "equality", "left equality relation", (_equal(0),), lambda base, left: left == _equal(1)(base), True
    ),
    "first_argument": Algorithm(
        "equality",
        "identity of the first argument",
        (lambda vectors: vectors[:, 0],),
        lambda base, first: (first == base[:, 1]).all(-1) == _equal(1)(base),
        True,
    ),
    "and_or_and": Algorithm(
        "distributive",
        "And-Or-And",
        (lambda v: _equal(0)(v) & _equal(1)(v), lambda v: _equal(1)(v) & _equal(2)(v)),
        lambda left, right: left | right,
    ),
    "and_or": Algorithm(
        "distributive",
        "And-Or",
        (_equal(1), lambda v: _equal(0)(v) | _equal(2)(v)),
        lambda middle, outer: middle & outer,
    ),
}
PAIRS = {"equality": 2, "distributive": 3}


def algorithm(name: str) -> Algorithm:
    """The algorithm of a name.

    Raises:
        ValueError: a name that is not in `ALGORITHMS`.
    """
    if name not in ALGORITHMS:
        raise ValueError(f"algorithm: got {name!r}, expected one of {', '.join(ALGORITHMS)}")
    return ALGORITHMS[name]


def vectors_of(inputs: np.ndarray) -> np.ndarray:
    """Vectors `(..., vectors, 4)` of inputs `(..., d)`."""
    return inputs.reshape(*inputs.shape[:-1], -1, WIDTH)


def solve(task: str, bits: np.ndarray) -> np.ndarray:
    """Labels `(n,)` from equality bits `(n, pairs)`.

    Raises:
        ValueError: another task.
    """
    if task == "equality":
        return bits[:, 0] == bits[:, 1]
    if task == "distributive":
        return bits[:, 1] & (bits[:, 0] | bits[:, 2])
    raise ValueError(f"task: got {task!r}, expected equality or distributive")


def equality_bits(inputs: np.ndarray) -> np.ndarray:
    """Which pairs of vectors are exactly equal, `(n, pairs)`, of inputs `(n, d)`."""
    vectors = vectors_of(inputs)
    return (vectors[:, 0::2] == vectors[:, 1::2]).all(-1)


def draw_vectors(bits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Inputs `(n, d)` in single precision with these equality bits `(n, pairs)`; entries uniform in [-1/2, 1/2)."""
    n, pairs = bits.shape
    vectors = rng.random((n, pairs, 2, WIDTH), dtype=np.float32) - np.float32(0.5)
    vectors[:, :, 1][bits] = vectors[:, :, 0][bits]
    return vectors.reshape(n, -1)


def _patterns(pairs: int) -> np.ndarray:
    return np.array(list(itertools.product((False, True), repeat=pairs)))


def input_probabilities(task: str) -> np.ndarray:
    """Probability of each pattern of equality bits, in the order of `itertools.product`, both labels at one half."""
    labels = solve(task, _patterns(PAIRS[task]))
    return np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())


def draw_inputs(task: str, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Inputs `(n, d)` of a task and their labels `(n,)`, balanced in expectation.

    Args:
        task: `equality` (d = 16; then all patterns of bits are equally likely) or `distributive` (d = 24).
        n: number of inputs.
        rng: random generator.

    Raises:
        ValueError: another task.
    """
    if task not in PAIRS:
        raise ValueError(f"task: got {task!r}, expected equality or distributive")
    patterns = _patterns(PAIRS[task])
    bits = patterns[rng.choice(len(patterns), n, p=input_probabilities(task))]
    return draw_vectors(bits, rng), solve(task, bits).astype(np.int64)


def intervention_patterns(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All interventions of a Boolean algorithm as patterns of bits, with their probabilities.

    Flags are uniform over the non-empty sets of variables. For `and_or` and `and_or_and` a fair coin decides whether
    the label must change; the base has a balanced label and is redrawn where no source can give that effect, and
    sources are redrawn until they do. For the equality relations bases and sources are independent.

    Args:
        name: any algorithm except `first_argument`.

    Returns:
        Equality bits `(patterns, 1 + variables, pairs)` of base and sources, flags `(patterns, variables)`, and
        probabilities `(patterns,)`.
    """
    method = algorithm(name)
    bits, weight = _patterns(PAIRS[method.task]), input_probabilities(method.task)
    count = len(method.variables)
    choices = _patterns(count)[1:]
    values = [
        variable(draw_vectors(bits, np.random.default_rng(0)).reshape(len(bits), -1, WIDTH))
        for variable in method.variables
    ]
    original = solve(method.task, bits)
    rows: list[tuple] = []
    shares: list[float] = []
    for flags in choices:
        cells: dict[tuple[int, bool], list] = {}
        for index in itertools.product(range(len(bits)), repeat=1 + count):
            swapped = [values[k][index[1 + k] if flags[k] else index[0]] for k in range(count)]
            label = _label_of_bits(method, bits[index[0]], swapped)
            effect = bool(label != original[index[0]]) if method.task == "distributive" else False
            cells.setdefault((index[0], effect), []).append(index)
        for effect in (False, True) if method.task == "distributive" else (False,):
            able = [base for base in range(len(bits)) if (base, effect) in cells]
            total = sum(weight[base] for base in able)
            for base in able:
                inside = np.array([np.prod(weight[list(index[1:])]) for index in cells[base, effect]])
                part = weight[base] / total / len(choices) / (2 if method.task == "distributive" else 1)
                rows += [(index, flags) for index in cells[base, effect]]
                shares += (part * inside / inside.sum()).tolist()
    return bits[[index for index, _ in rows]], np.array([flags for _, flags in rows]), np.array(shares)


def _label_of_bits(method: Algorithm, base: np.ndarray, values: list) -> bool:
    if method.rest:  # the left relation, beside the base's right one
        return bool(values[0] == base[1])
    return bool(method.label(*values))


def counterfactual_labels(name: str, base: np.ndarray, sources: np.ndarray, flags: np.ndarray) -> np.ndarray:
    """Labels after interventions, from the raw inputs.

    Args:
        name: algorithm.
        base: `(n, d)`.
        sources: `(n, variables, d)`, one for each variable.
        flags: `(n, variables)`, which variables come from their source.

    Returns:
        Integers `(n,)`.
    """
    method = algorithm(name)
    own, others = vectors_of(base), vectors_of(sources)
    values = []
    for k, variable in enumerate(method.variables):
        before, after = variable(own), variable(others[:, k])
        values.append(np.where(flags[:, k].reshape(-1, *[1] * (before.ndim - 1)), after, before))
    return np.asarray(method.label(own, *values) if method.rest else method.label(*values)).astype(np.int64)


class Sampler:
    """Draws interventions of an algorithm.

    Args:
        name: algorithm.

    Raises:
        ValueError: unknown algorithm.
    """

    def __init__(self, name: str):
        self.name = name
        self.method = algorithm(name)
        if name != "first_argument":
            self._bits, self._flags, shares = intervention_patterns(name)
            self._cumulative = np.cumsum(shares) / shares.sum()
            inputs = draw_vectors(self._bits.reshape(-1, self._bits.shape[-1]), np.random.default_rng(0))
            inputs = inputs.reshape(*self._bits.shape[:2], -1)
            self._labels = counterfactual_labels(name, inputs[:, 0], inputs[:, 1:], self._flags)

    def __call__(self, n: int, rng: np.random.Generator) -> Interventions:
        """Draw n interventions."""
        if self.name == "first_argument":
            return self._first_argument(n, rng)
        index = np.minimum(np.searchsorted(self._cumulative, rng.random(n), side="right"), len(self._cumulative) - 1)
        bits, flags = self._bits[index], self._flags[index]
        inputs = draw_vectors(bits.reshape(-1, bits.shape[-1]), rng).reshape(*bits.shape[:2], -1)
        base, sources = inputs[:, 0], inputs[:, 1:]
        return Interventions(base, sources, flags, counterfactual_labels(self.name, base, sources, flags))

    def among(self, n: int, few: int, rng: np.random.Generator) -> Shared:
        """Draw n interventions among a few inputs, each of which takes part in several.

        Bases, sources and flags follow the same law as those of `Interventions`, one intervention at a time.

        Args:
            n: interventions.
            few: inputs.
            rng: random generator.

        Raises:
            ValueError: the identity of the first argument, whose sources belong to their bases, or inputs among which
                a pattern of equality bits is missing.
        """
        if self.name == "first_argument":
            raise ValueError("algorithm: got first_argument, expected one whose sources do not depend on the base")
        patterns = _patterns(self._bits.shape[-1])
        own = rng.choice(len(patterns), few, p=input_probabilities(self.method.task))
        counts = np.bincount(own, minlength=len(patterns))
        if not counts.all():
            raise ValueError(
                f"few: got {few} inputs, expected so many that every pattern of equality bits is among them"
            )
        row = np.minimum(np.searchsorted(self._cumulative, rng.random(n), side="right"), len(self._cumulative) - 1)
        wanted = self._bits[row] @ (1 << np.arange(patterns.shape[1])[::-1])
        place = np.cumsum(counts) - counts
        index = np.argsort(own, kind="stable")[place[wanted] + (rng.random(wanted.shape) * counts[wanted]).astype(int)]
        return Shared(draw_vectors(patterns[own], rng), index.T, self._flags[row], self._labels[row])

    def _first_argument(self, n: int, rng: np.random.Generator) -> Interventions:
        """The source's first vector is the base's second one in half of the cases; its other vectors are fresh."""
        base, _ = draw_inputs("equality", n, rng)
        source, _ = draw_inputs("equality", n, rng)
        fresh = rng.random((n, WIDTH), dtype=np.float32) - np.float32(0.5)
        same = rng.random((n, 1)) < 0.5
        source[:, :WIDTH] = np.where(same, base[:, WIDTH : 2 * WIDTH], fresh)
        flags = np.ones((n, 1), bool)
        sources = source[:, None]
        return Interventions(base, sources, flags, counterfactual_labels(self.name, base, sources, flags))


def majority_share(name: str) -> float:
    """Share of the more frequent counterfactual label: what a constant answer reaches."""
    if name == "first_argument":
        return 0.5
    bits, flags, shares = intervention_patterns(name)
    inputs = draw_vectors(bits.reshape(-1, bits.shape[-1]), np.random.default_rng(0)).reshape(*bits.shape[:2], -1)
    ones = float(shares @ counterfactual_labels(name, inputs[:, 0], inputs[:, 1:], flags))
    return max(ones, 1 - ones)
