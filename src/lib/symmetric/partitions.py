"""Partitions and the passage from augmented monomials to power sums, in exact integers.

A symmetric function of degree n is a dictionary from partitions (weakly decreasing tuples) to integers.
"""

from collections.abc import Iterator
from functools import cache
from math import comb, factorial


@cache
def partitions(n: int) -> tuple[tuple[int, ...], ...]:
    """Partitions of n in reverse lexicographic order."""

    def parts(left: int, largest: int) -> Iterator[tuple[int, ...]]:
        if left == 0:
            yield ()
        for first in range(min(left, largest), 0, -1):
            for rest in parts(left - first, first):
                yield (first, *rest)

    return tuple(parts(n, n))


@cache
def set_partitions(number: int) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Set partitions of 0..number-1."""
    if number == 0:
        return ((),)
    last = number - 1
    found = []
    for smaller in set_partitions(last):
        found.append((*smaller, (last,)))
        found.extend((*smaller[:i], (*smaller[i], last), *smaller[i + 1 :]) for i in range(len(smaller)))
    return tuple(found)


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
    found: dict[tuple[int, ...], int] = {}
    for blocks in set_partitions(len(kind)):
        sign = 1
        for block in blocks:
            sign *= (-1) ** (len(block) - 1) * factorial(len(block) - 1)
        key = tuple(sorted((sum(kind[i] for i in block) for block in blocks), reverse=True))
        found[key] = found.get(key, 0) + sign
    return tuple(found.items())


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
    found: dict[tuple[int, ...], int] = {}
    for kind, coefficient in function.items():
        for key, value in _to_power(kind):
            found[key] = found.get(key, 0) + coefficient * value
    return {key: value for key, value in found.items() if value}


def omega(power: dict) -> dict:
    """The involution omega on a power-sum expansion: p_mu is multiplied by (-1)^(n - l(mu))."""
    n = _degree(power)
    return {kind: value * (-1) ** (n - len(kind)) for kind, value in power.items()}


def is_monotone(power: dict) -> bool:
    """Whether all non-zero coefficients have one sign."""
    return len({value > 0 for value in power.values() if value}) <= 1


def times(f: dict, g: dict) -> dict:
    """Product of two power-sum expansions."""
    found: dict[tuple[int, ...], int] = {}
    for a, x in f.items():
        for b, y in g.items():
            key = tuple(sorted(a + b, reverse=True))
            found[key] = found.get(key, 0) + x * y
    return {key: value for key, value in found.items() if value}


def chromatic(types: dict, vertices: int) -> dict:
    """X_G^H in augmented monomials from the fibre counts h_lambda: factors (N - l)!, N = number of vertices of H."""
    return {kind: factorial(vertices - len(kind)) * count for kind, count in types.items() if count}


def bipartite_types(r: int, s: int, a: int, b: int) -> dict:
    """h_lambda(G, K_{a,b}) for a connected bipartite G with classes of r and s vertices, in closed form.

    A homomorphism is a map of one class into one side and of the other into the other side (our reconstruction).
    """
    found: dict[tuple[int, ...], int] = {}
    for left, right in ((r, s), (s, r)):
        for mu in partitions(left):
            for nu in partitions(right):
                ways = partition_count(mu) * partition_count(nu)
                ways *= factorial(len(mu)) * comb(a, len(mu)) * factorial(len(nu)) * comb(b, len(nu))
                if ways:
                    key = tuple(sorted(mu + nu, reverse=True))
                    found[key] = found.get(key, 0) + ways
    return found


def bipartite_power(r: int, s: int, a: int, b: int) -> dict:
    """Power sums of X_G^{K_{a,b}} for a connected bipartite G with classes r, s (closed form, then conversion)."""
    return augmented_to_power(chromatic(bipartite_types(r, s, a, b), a + b))


def star_power(r: int, s: int) -> dict:
    """X_G^{K_{1,m}} / m! in power sums for connected bipartite G with classes r, s and m + 1 >= r + s (ours)."""
    found: dict[tuple[int, ...], int] = {}
    for x, y in ((r, s), (s, r)):
        for j in range(y + 1):
            key = tuple(sorted((x + j, *[1] * (y - j)), reverse=True))
            found[key] = found.get(key, 0) + (-1) ** j * comb(y, j)
    return {key: value for key, value in found.items() if value}


def multipartite_types(sizes: tuple[int, ...]) -> dict:
    """h_lambda(K, K) for the complete multipartite graph K with at least two parts of the given sizes, in closed form.

    The parts of a homomorphism are permuted: a sum over all permutations, the maps of a part being surjections onto its
    fibres (our reconstruction). With a single part K has no edges and every map counts.
    """
    from itertools import permutations

    found: dict[tuple[int, ...], int] = {}
    for order in permutations(range(len(sizes))):
        product = {(): 1}
        for part, image in zip(sizes, order):
            grown: dict[tuple[int, ...], int] = {}
            for nu in partitions(part):
                room = sizes[image]
                ways = partition_count(nu) * factorial(len(nu)) * comb(room, len(nu))
                if ways:
                    for kind, count in product.items():
                        key = tuple(sorted(kind + nu, reverse=True))
                        grown[key] = grown.get(key, 0) + count * ways
            product = grown
        for kind, count in product.items():
            found[kind] = found.get(kind, 0) + count
    return found
