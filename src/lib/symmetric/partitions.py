"""Partitions and the passage from augmented monomials to power sums, in exact integers.

A symmetric function of degree n is a dictionary from partitions (weakly decreasing tuples) to integers.
"""

from collections.abc import Iterator
from functools import cache
from itertools import permutations
from math import comb, factorial, perm

import numpy as np


@cache
def partitions(n: int) -> tuple[tuple[int, ...], ...]:
    """Partitions of n in reverse lexicographic order."""

    def parts(total: int, largest: int) -> Iterator[tuple[int, ...]]:
        if total == 0:
            yield ()
        for first in range(min(total, largest), 0, -1):
            for rest in parts(total - first, first):
                yield (first, *rest)

    return tuple(parts(n, n))


def partition_label(kind: tuple[int, ...]) -> str:
    """Text of a partition, its parts between commas: `2,1,1`."""
    return ",".join(map(str, kind))


def parse_partition(label: str) -> tuple[int, ...]:
    """The partition that `partition_label` wrote."""
    return tuple(map(int, label.split(",")))


def random_composition(total: int, parts: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Positive integers of that number and sum, every sequence equally likely.

    Raises:
        ValueError: parts outside 1..total.
    """
    if not 1 <= parts <= total:
        raise ValueError(f"parts: got {parts}, expected 1 to {total}")
    cuts = np.sort(rng.choice(np.arange(1, total), parts - 1, replace=False))
    return tuple(np.diff(np.concatenate([[0], cuts, [total]])).tolist())


@cache
def set_partitions(number: int) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Set partitions of 0..number-1."""
    if number == 0:
        return ((),)
    last = number - 1
    result = []
    for smaller in set_partitions(last):
        result.append((*smaller, (last,)))
        result.extend((*smaller[:i], (*smaller[i], last), *smaller[i + 1 :]) for i in range(len(smaller)))
    return tuple(result)


def partition_count(kind: tuple[int, ...]) -> int:
    """sp(mu): number of set partitions of a set of |mu| elements into blocks of the sizes mu."""
    value = factorial(sum(kind))
    for part in kind:
        value //= factorial(part)
    for part in set(kind):
        value //= factorial(kind.count(part))
    return value


@cache
def _to_power(kind: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], int], ...]:
    terms: dict[tuple[int, ...], int] = {}
    for blocks in set_partitions(len(kind)):
        sign = 1
        for block in blocks:
            sign *= (-1) ** (len(block) - 1) * factorial(len(block) - 1)
        key = tuple(sorted((sum(kind[i] for i in block) for block in blocks), reverse=True))
        terms[key] = terms.get(key, 0) + sign
    return tuple(terms.items())


def _degree(function: dict) -> int:
    degrees = {sum(kind) for kind in function}
    if len(degrees) > 1:
        raise ValueError(f"degrees differ: {sorted(degrees)}, expected a homogeneous function")
    return degrees.pop() if degrees else 0


def augmented_to_power(function: dict) -> dict:
    """Power-sum expansion of a sum of augmented monomials m~_lambda = (prod m_i(lambda)!) m_lambda.

    Raises:
        ValueError: the degrees of the terms differ.
    """
    _degree(function)
    terms: dict[tuple[int, ...], int] = {}
    for kind, coefficient in function.items():
        for key, value in _to_power(kind):
            terms[key] = terms.get(key, 0) + coefficient * value
    return {key: value for key, value in terms.items() if value}


def omega(power: dict) -> dict:
    """The involution omega on a power-sum expansion: p_mu is multiplied by (-1)^(n - l(mu))."""
    n = _degree(power)
    return {kind: value * (-1) ** (n - len(kind)) for kind, value in power.items()}


def is_monotone(power: dict) -> bool:
    """Whether all non-zero coefficients have one sign."""
    return len({value > 0 for value in power.values() if value}) <= 1


def times(f: dict, g: dict) -> dict:
    """Product of two power-sum expansions."""
    terms: dict[tuple[int, ...], int] = {}
    for a, x in f.items():
        for b, y in g.items():
            key = tuple(sorted(a + b, reverse=True))
            terms[key] = terms.get(key, 0) + x * y
    return {key: value for key, value in terms.items() if value}


def chromatic(types: dict, vertices: int) -> dict:
    """X_G^H in augmented monomials from the fibre counts h_lambda: factors (N - l)!, N = number of vertices of H."""
    return {kind: factorial(vertices - len(kind)) * count for kind, count in types.items() if count}


def polynomial_values(types: dict, vertices: int, points: int) -> list[int]:
    """H-chromatic polynomial at k = 0, ..., points - 1: X_G^H at k variables 1 and all others 0.

    The sum over types of (N - l)! h k (k - 1) ... (k - l + 1).

    Args:
        types: fibre counts h_lambda(G, H).
        vertices: number N of vertices of H.
        points: number of values.
    """
    terms = [(len(kind), factorial(vertices - len(kind)) * count) for kind, count in types.items() if count]
    return [sum(coefficient * perm(k, length) for length, coefficient in terms) for k in range(points)]


def bipartite_types(r: int, s: int, a: int, b: int) -> dict:
    """h_lambda(G, K_{a,b}) for a connected bipartite G with classes of r and s vertices, in closed form.

    A homomorphism is a map of one class into one side and of the other into the other side (our reconstruction).
    """
    types: dict[tuple[int, ...], int] = {}
    for first, second in ((r, s), (s, r)):
        for mu in partitions(first):
            for nu in partitions(second):
                ways = partition_count(mu) * partition_count(nu)
                ways *= factorial(len(mu)) * comb(a, len(mu)) * factorial(len(nu)) * comb(b, len(nu))
                if ways:
                    key = tuple(sorted(mu + nu, reverse=True))
                    types[key] = types.get(key, 0) + ways
    return types


def bipartite_power(r: int, s: int, a: int, b: int) -> dict:
    """Power sums of X_G^{K_{a,b}} for a connected bipartite G with classes r, s (closed form, then conversion)."""
    return augmented_to_power(chromatic(bipartite_types(r, s, a, b), a + b))


def star_power(r: int, s: int) -> dict:
    """X_G^{K_{1,m}} / m! in power sums for connected bipartite G with classes r, s and m + 1 >= r + s (ours)."""
    terms: dict[tuple[int, ...], int] = {}
    for x, y in ((r, s), (s, r)):
        for j in range(y + 1):
            key = tuple(sorted((x + j, *[1] * (y - j)), reverse=True))
            terms[key] = terms.get(key, 0) + (-1) ** j * comb(y, j)
    return {key: value for key, value in terms.items() if value}


def multipartite_types(sizes: tuple[int, ...]) -> dict:
    """h_lambda(K, K) for the complete multipartite graph K with parts of these sizes, in closed form.

    A homomorphism permutes the parts: a sum over all permutations, the maps of a part being surjections onto its
    fibres (our reconstruction). With a single part K has no edges and every map counts.
    """
    types: dict[tuple[int, ...], int] = {}
    for order in permutations(range(len(sizes))):
        product = {(): 1}
        for part, image in zip(sizes, order):
            longer: dict[tuple[int, ...], int] = {}
            for nu in partitions(part):
                room = sizes[image]
                ways = partition_count(nu) * factorial(len(nu)) * comb(room, len(nu))
                if ways:
                    for kind, count in product.items():
                        key = tuple(sorted(kind + nu, reverse=True))
                        longer[key] = longer.get(key, 0) + count * ways
            product = longer
        for kind, count in product.items():
            types[kind] = types.get(kind, 0) + count
    return types
