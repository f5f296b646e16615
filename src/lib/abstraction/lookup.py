"""The theorem's alignment map as a table: any algorithm abstracts any network on finitely many inputs.

Natural hidden states get codes that carry the variables and the input's name. A code that only an intervention reaches
is sent to an unused hidden state that the network answers as the algorithm would. Sutter, Minder, Hofmann and Pimentel
(2025), theorem 1 and its proof; the finite construction is ours.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lib.abstraction.causal import algorithm, counterfactual_labels, vectors_of


class Table(NamedTuple):
    """A bijection between codes and hidden states, on the finite set that interventions reach.

    Args:
        codes: `(entries, code)` integers; the first `inputs` are those of the natural states.
        hidden: `(entries, d)` float64, the hidden state of each code.
        label: `(entries,)`, the algorithm's answer to each code.
        inputs: number of natural states.
        variables: `(inputs, variables)`, numbers of the variables' values on each input.
    """

    codes: np.ndarray
    hidden: np.ndarray
    label: np.ndarray
    inputs: int
    variables: np.ndarray


class Exhaustive(NamedTuple):
    """Counts over all interventions: how many, how many the network answers as the algorithm, and the table's size."""

    interventions: int
    right: int
    entries: int
    one_to_one: bool


def solved_inputs(
    draw: Callable[[int], tuple[np.ndarray, np.ndarray]], answer: Callable[[np.ndarray], np.ndarray],
    hidden: Callable[[np.ndarray], np.ndarray], n: int, most: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Inputs that a network answers correctly, n / 2 of each label.

    Args:
        draw: gives inputs `(k, d)` and labels `(k,)`.
        answer: the network's classes `(k,)` of inputs.
        hidden: its hidden states `(k, d)`.
        n: even number of inputs.
        most: draws, 100 n where None.

    Raises:
        ValueError: an odd n, too few correct inputs among the draws, or equal hidden states.
    """
    if n % 2:
        raise ValueError(f"n: got {n}, expected an even number")
    most = 100 * n if most is None else most
    x, y = draw(most)
    right = answer(x) == y
    chosen = [np.flatnonzero(right & (y == label))[: n // 2] for label in (0, 1)]
    if min(map(len, chosen)) < n // 2:
        raise ValueError(
            f"network: got {[len(c) for c in chosen]} correct inputs of the two labels among {most}, expected "
            f"{n // 2} of each; it does not solve the task"
        )
    index = np.sort(np.concatenate(chosen))
    if len(np.unique(hidden(x[index]), axis=0)) < n:
        raise ValueError("network: got equal hidden states of different inputs, expected an injective layer")
    return x[index], y[index]


def value_numbers(name: str, inputs: np.ndarray) -> np.ndarray:
    """Numbers of the variables' values on inputs `(n, d)`: `(n, variables)` integers."""
    rows = []
    for variable in algorithm(name).variables:
        values = variable(vectors_of(inputs))
        rows.append(np.unique(values.reshape(len(values), -1), axis=0, return_inverse=True)[1].ravel())
    return np.stack(rows, 1)


def spare_states(
    natural: np.ndarray, answer: Callable[[np.ndarray], np.ndarray], counts: tuple[int, int], rng: np.random.Generator,
    most: int = 100_000,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Unused hidden states that the network answers with each class, by rejection.

    Half of the draws are a natural state times a uniform number in (0, 2), the other half absolute values of standard
    normal numbers times the natural states' mean norm / sqrt(d): both lie in the cone that a ReLU leads to.

    Args:
        natural: `(n, d)` hidden states that are in use.
        answer: the network's classes of hidden states.
        counts: how many states are wanted of class 0 and 1.
        rng: random generator.
        most: draws for each class.

    Raises:
        ValueError: too few states of a class.
    """
    n, d = natural.shape
    size = np.linalg.norm(natural, axis=1).mean() / np.sqrt(d)
    pools: list[list[np.ndarray]] = [[], []]
    drawn = 0
    while any(sum(map(len, pool)) < count for pool, count in zip(pools, counts)):
        if drawn >= 2 * most:
            raise ValueError(
                f"network: got {[sum(map(len, p)) for p in pools]} spare states of its classes in {drawn} draws, "
                f"expected {counts}"
            )
        part = min(20_000, 2 * most - drawn)
        scaled = natural[rng.integers(0, n, part - part // 2)] * rng.uniform(0, 2, (part - part // 2, 1))
        states = np.concatenate([scaled, np.abs(rng.standard_normal((part // 2, d))) * size])
        classes = answer(states)
        for label in (0, 1):
            pools[label].append(states[classes == label])
        drawn += part
    return tuple(np.concatenate(pool)[:count] for pool, count in zip(pools, counts))


def build_table(
    name: str, inputs: np.ndarray, natural: np.ndarray, answer: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator, *, per_coordinate: bool = False,
) -> Table:  # fmt: skip
    """The table of an algorithm on finitely many inputs.

    Args:
        name: algorithm with two Boolean variables or one variable.
        inputs: `(n, d)`.
        natural: `(n, d)` their hidden states.
        answer: the network's classes `(k,)` of hidden states `(k, d)`.
        rng: random generator.
        per_coordinate: codes as in the proof, where each coordinate that a variable owns carries the whole input
            (n^(1 + variables) of them); otherwise a coordinate carries the variable's value, and one that no variable
            owns the input.

    Raises:
        ValueError: states that cannot be had (`spare_states`).
    """
    n, own = len(inputs), value_numbers(name, inputs)
    count = own.shape[1]
    if per_coordinate:
        codes = np.stack(np.meshgrid(*[np.arange(n)] * (count + 1), indexing="ij"), -1).reshape(-1, count + 1)
        is_natural = (codes == codes[:, -1:]).all(1)
    else:
        values = np.array(list(itertools.product(*(range(own[:, k].max() + 1) for k in range(count)))))
        codes = np.concatenate([np.repeat(values, n, 0), np.tile(np.arange(n), len(values))[:, None]], 1)
        is_natural = (codes[:, :-1] == own[codes[:, -1]]).all(1)
    carriers = [np.unique(own[:, k], return_index=True)[1] for k in range(count)]  # of each value the first input
    sources = codes[:, :-1] if per_coordinate else np.stack([carriers[k][codes[:, k]] for k in range(count)], 1)
    label = counterfactual_labels(name, inputs[codes[:, -1]], inputs[sources], np.ones((len(codes), count), bool))
    order = np.concatenate([np.flatnonzero(is_natural), np.flatnonzero(~is_natural)])
    codes, label = codes[order], label[order]
    hidden = np.zeros((len(codes), natural.shape[1]))
    hidden[:n] = natural[codes[:n, -1]]
    spare = spare_states(natural, answer, (int((label[n:] == 0).sum()), int((label[n:] == 1).sum())), rng)
    for cls in (0, 1):
        hidden[n:][label[n:] == cls] = spare[cls]
    return Table(codes, hidden, label, n, own)


def _positions(table: Table, n: int) -> np.ndarray:
    """Row of the table for each code, as an array with an axis for each part of the code."""
    shape = tuple(table.codes.max(0) + 1)
    rows = np.full(shape, -1)
    rows[tuple(table.codes.T)] = np.arange(len(table.codes))
    return rows


def count_all(
    name: str,
    table: Table,
    inputs: np.ndarray,
    answer: Callable[[np.ndarray], np.ndarray],
    *,
    per_coordinate: bool = False,
) -> Exhaustive:
    """Answers of the network to all interventions that the inputs make: every base, sources, and set of variables.

    Labels come from the raw inputs, answers from the network's own pass on each hidden state of the table.

    Args:
        name: algorithm.
        table: of `build_table`.
        inputs: those of the table.
        answer: the network's classes of hidden states.
        per_coordinate: as the table was built.
    """
    n, count = table.inputs, table.codes.shape[1] - 1
    classes, rows = answer(table.hidden), _positions(table, table.inputs)
    base, *sources = (axis.ravel() for axis in np.meshgrid(*[np.arange(n)] * (count + 1), indexing="ij"))
    total = right = 0
    for flags in itertools.product((False, True), repeat=count):
        if not any(flags):
            continue
        numbers = []
        for k in range(count):
            carrier = sources[k] if flags[k] else base
            numbers.append(carrier if per_coordinate else table.variables[carrier, k])
        answers = classes[rows[(*numbers, base)]]
        for start in range(0, len(base), 1 << 17):
            cut = slice(start, start + (1 << 17))
            chosen = np.stack([inputs[source[cut]] for source in sources], 1)
            wanted = counterfactual_labels(name, inputs[base[cut]], chosen, np.tile(flags, (len(chosen), 1)))
            right += int((answers[cut] == wanted).sum())
        total += len(base)
    unique = len(np.unique(table.hidden, axis=0)) == len(np.unique(table.codes, axis=0)) == len(table.codes)
    return Exhaustive(total, right, len(table.codes), bool(unique))


def shuffled(table: Table, rng: np.random.Generator) -> Table:
    """The control: hidden states of the codes that only interventions reach, in random order."""
    order = np.concatenate([np.arange(table.inputs), table.inputs + rng.permutation(len(table.codes) - table.inputs)])
    return table._replace(hidden=table.hidden[order])


def held_out_accuracy(
    table: Table, natural: np.ndarray, states: np.ndarray, flags: np.ndarray, label: np.ndarray,
    answer: Callable[[np.ndarray], np.ndarray], *, per_coordinate: bool = False,
) -> tuple[int, int]:  # fmt: skip
    """Interventions of inputs outside the table, each input's code taken from the nearest hidden state inside.

    Args:
        table: of `build_table`.
        natural: `(n, d)` hidden states of the table's inputs.
        states: `(1 + variables, rows, d)` hidden states of bases and sources.
        flags: `(rows, variables)`.
        label: `(rows,)`.
        answer: the network's classes of hidden states.
        per_coordinate: as the table was built.

    Returns:
        Number of right answers, and of interventions.
    """
    from scipy.spatial import cKDTree

    nearest = cKDTree(natural).query(states)[1]
    numbers = []
    for k in range(states.shape[0] - 1):
        carrier = np.where(flags[:, k], nearest[1 + k], nearest[0])
        numbers.append(carrier if per_coordinate else table.variables[carrier, k])
    rows = _positions(table, table.inputs)[(*numbers, nearest[0])]
    return int((answer(table.hidden[rows]) == label).sum()), len(label)
