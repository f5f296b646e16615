"""Programs as templates: what a network trained on one input for each rule computes when it is applied many times.

A state is a vector of bits. A template is a set of conditions on bits of the state and a set of bits that it writes.
The network sees the indicator vector of the templates that match, over the root of their number, and was trained on the
basis vectors to write each template's bits. Its output at infinite width has mean

    inside(m) * (bits written by matching templates) + outside(m) * (bits written by the others),

with the two values of `lib.ntk.bits.bit_limits`, and the next state has a bit where that mean is above 1e-10.

Source: Giapitzakis, Back de Luca and Fountoulakis 2025 (version 2); the layout of the fields of multiplication is ours.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from lib.ntk.bits import bit_limits

ZERO = 1e-10  # what an output must exceed to be a one


class Program(NamedTuple):
    """Templates of an algorithm.

    Attributes:
        fields: start and length of each named field of the state.
        conditions: (templates, bits) 1 where a bit must be one, 0 where it must be zero, -1 where it may be either.
        writes: (templates, bits) of 0 and 1.
        steps: how often the network is applied.
    """

    fields: dict[str, tuple[int, int]]
    conditions: np.ndarray
    writes: np.ndarray
    steps: int

    @property
    def bits(self) -> int:
        """Length of the state."""
        return self.writes.shape[1]

    def field(self, states: np.ndarray, name: str) -> np.ndarray:
        """Numbers that a field of the states (..., bits) holds, lowest bit first, int64."""
        start, length = self.fields[name]
        return states[..., start : start + length].astype(np.int64) @ (1 << np.arange(length, dtype=np.int64))

    def load(self, **values) -> np.ndarray:
        """States in which fields hold these numbers (arrays of one shape), all other bits zero."""
        values = {name: np.asarray(value) for name, value in values.items()}
        states = np.zeros((*np.broadcast_shapes(*(one.shape for one in values.values())), self.bits), np.int8)
        for name, value in values.items():
            start, length = self.fields[name]
            states[..., start : start + length] = (value[..., None] >> np.arange(length)) & 1
        return states

    def without(self, template: int) -> "Program":
        """The same program with one template fewer."""
        rest = np.arange(len(self.writes)) != template
        return self._replace(conditions=self.conditions[rest], writes=self.writes[rest])


def _program(
    fields: dict[str, int], rules: Iterable[tuple[dict[tuple[str, int], int], list[tuple[str, int]]]], steps: int
) -> Program:
    """A program of rules: conditions by (field, position), and bits that are written."""
    starts = np.concatenate([[0], np.cumsum(list(fields.values()))])
    places = {name: (int(start), length) for (name, length), start in zip(fields.items(), starts)}
    rules = list(rules)
    conditions = np.full((len(rules), starts[-1]), -1, np.int8)
    writes = np.zeros((len(rules), starts[-1]), np.int8)
    for row, (needs, written) in enumerate(rules):
        for (name, position), bit in needs.items():
            conditions[row, places[name][0] + position] = bit
        for name, position in written:
            writes[row, places[name][0] + position] = 1
    return Program(places, conditions, writes, steps)


def _adder(bits: int):
    """Rules that add q to p, a carry at a time."""
    for i in range(bits):
        yield {("p", i): 0, ("q", i): 1}, [("p", i)]
        yield {("p", i): 1, ("q", i): 0}, [("p", i)]
        yield {("p", i): 1, ("q", i): 1}, [("c", i)]
        yield {("c", i): 1}, [("q", i + 1) if i + 1 < bits else ("c", i)]


def addition(bits: int) -> Program:
    """P + q of numbers of so many bits: the sum in p, the carry out of the highest bit in the last bit of c."""
    return _program({"p": bits, "q": bits, "c": bits}, _adder(bits), 2 * bits)


def carry_template(bit: int) -> int:
    """Which template of `addition` carries out of a bit."""
    return 4 * bit + 2


def multiplication(bits: int) -> Program:
    """A b of numbers of so many bits, by shifts and additions: the product in p.

    The state starts with a, b and test = 1. A set lowest bit of a raises the copy flags, which move b to q and start a
    counter; while it runs q is added to p, and at its end it raises the shift flags. A lowest bit of zero raises these
    at once. Shifting halves a, doubles b and sets test again.
    """
    wide = 2 * bits
    shift = [("shift_a", i) for i in range(bits)] + [("shift_b", i) for i in range(wide)]
    copy = [("copy", i) for i in range(wide)]
    last = 2 * wide - 1

    def rules():
        for i in range(bits):
            yield {("a", i): 1, ("shift_a", i): 0}, [("a", i)]
            if i:
                yield {("a", i): 1, ("shift_a", i): 1}, [("a", i - 1)]
        yield {("shift_a", 0): 1}, [("test", 0)]
        for i in range(wide):
            yield {("b", i): 1, ("shift_b", i): 0, ("copy", i): 0}, [("b", i)]
            yield {("b", i): 1, ("shift_b", i): 0, ("copy", i): 1}, [("b", i), ("q", i)]
            if i + 1 < wide:
                yield {("b", i): 1, ("shift_b", i): 1, ("copy", i): 0}, [("b", i + 1)]
        yield {("copy", 0): 1}, [("count", 0)]
        yield from _adder(wide)
        for j in range(last):
            yield {("count", j): 1}, [("count", j + 1)]
        yield {("count", last): 1}, shift
        yield {("test", 0): 1, ("a", 0): 1}, copy
        yield {("test", 0): 1, ("a", 0): 0}, shift

    fields = {"a": bits, "shift_a": bits, "b": wide, "shift_b": wide, "copy": wide, "p": wide, "q": wide, "c": wide}
    return _program(fields | {"count": 2 * wide, "test": 1}, rules(), 4 * bits**2 + 3 * bits)


def matching(program: Program, states: np.ndarray) -> np.ndarray:
    """Templates that match each state: (..., templates), float64 of 0 and 1."""
    ones = (program.conditions == 1).astype(float)
    zeros = (program.conditions == 0).astype(float)
    unmet = ones.sum(axis=1) - states @ ones.T + states @ zeros.T
    return (unmet == 0).astype(float)


class Run(NamedTuple):
    """What became of states.

    Attributes:
        states: (..., bits) after the last step, int8.
        least_one: smallest output above `ZERO` of all steps.
        largest_zero: largest output of the others.
    """

    states: np.ndarray
    least_one: float
    largest_zero: float


def limit_step(kernel: str, program: Program, *, padding: int = 0, threshold: float = ZERO) -> Callable:
    """One step of a network of infinite width: from states to the mean output, and to the next states.

    Args:
        kernel: "ntk" or "last_layer".
        program: what the network was trained on.
        padding: training inputs more, whose target is zero and which no state matches.
        threshold: what an output must exceed to be a one.
    """
    size = len(program.writes) + padding
    limits = bit_limits(kernel, size, np.arange(1, size + 1))
    inside, outside = (np.concatenate([[0.0], one]) for one in limits[:2])
    writes = program.writes.astype(float)
    total = writes.sum(axis=0)

    def step(states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        matches = matching(program, states)
        number = matches.sum(axis=-1).astype(int)[..., None]
        written = matches @ writes
        outputs = inside[number] * written + outside[number] * (total - written)
        return outputs, (outputs > threshold).astype(np.int8)

    return step


def run(step: Callable, program: Program, states: np.ndarray) -> Run:
    """Apply a step as often as the program says.

    Args:
        step: from states to outputs and next states, as `limit_step` returns.
        program: the program.
        states: (..., bits) to start with.
    """
    least, largest = np.inf, -np.inf
    for _ in range(program.steps):
        outputs, states = step(states)
        ones = states > 0
        least = min(least, float(outputs.min(where=ones, initial=np.inf)))
        largest = max(largest, float(outputs.max(where=~ones, initial=-np.inf)))
    return Run(states, least, largest)
