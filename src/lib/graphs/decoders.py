"""Reading a tree's shape off its self-chromatic symmetric function.

A tree is connected and bipartite with classes of a >= b vertices, so every fibre of an endomorphism lies in one class.
All formulas are our reconstruction; they are tested on every small tree.
"""

from math import comb, factorial

from lib.symmetric.partitions import partition_count, partitions


def classes(types: dict) -> tuple[int, int]:
    """Sizes a >= b of the two classes: the only type with two parts.

    Raises:
        ValueError: no type, or more than one, has two parts.
    """
    pairs = [kind for kind in types if len(kind) == 2]
    if len(pairs) != 1:
        raise ValueError(f"types: got {len(pairs)} types with two parts, expected one: not a tree's")
    return pairs[0]


def cherries(three_part_sum: int, a: int, b: int) -> int:
    """S = sum over vertices of C(degree, 2), from the number of endomorphisms whose image has three vertices.

    Raises:
        ValueError: no tree with classes of a and b vertices has this number.
    """
    value, rest = divmod(three_part_sum, 2 * (2 ** (a - 1) + 2 ** (b - 1) - 2))
    if rest:
        raise ValueError(
            f"three_part_sum: got {three_part_sum}, which no tree with classes of {a} and {b} vertices has"
        )
    return value


def spider_legs(three_part_sum: int, a: int, b: int) -> int:
    """Number L of legs of a spider: the root of C(L, 2) + n - 1 - L = S.

    Raises:
        ValueError: no L >= 3 solves it.
    """
    n, pairs = a + b, cherries(three_part_sum, a, b)
    for legs in range(3, n):
        if comb(legs, 2) + n - 1 - legs == pairs:
            return legs
    raise ValueError(f"no number of legs gives {pairs} cherries on {n} vertices")


def degree_moments(types: dict) -> list[int]:
    """F_k = sum of C(degree, k), k = 1..b, from the types (a) + mu with mu a partition of b into k parts."""
    a, b = classes(types)
    moments = {}
    for mu in partitions(b):
        k = len(mu)
        twice = 2 if a == b and k > 1 else 1
        value = types.get(tuple(sorted((a, *mu), reverse=True)), 0)
        moments.setdefault(k, value // (partition_count(mu) * factorial(k) * twice))
    return [moments[k] for k in range(1, b + 1)]


def moment_violations(types: dict, degrees: list[int]) -> tuple[int, int]:
    """Number of coefficients (a) + mu, and of those that differ from the formula with the true degrees."""
    a, b = classes(types)
    number = violations = 0
    for mu in partitions(b):
        k = len(mu)
        twice = 2 if a == b and k > 1 else 1
        expected = partition_count(mu) * factorial(k) * twice * sum(comb(d, k) for d in degrees)
        number += 1
        violations += types.get(tuple(sorted((a, *mu), reverse=True)), 0) != expected
    return number, violations


def caterpillar_degrees(types: dict, n: int, spine: int) -> list[list[int]]:
    """All degree sequences of caterpillars on n vertices, `spine` of them inner, that fit the moments."""
    moments = degree_moments(types)
    sequences = []
    for kind in partitions(2 * (n - 1) - (n - spine) - spine):
        if len(kind) != spine:
            continue
        degrees = [part + 1 for part in kind] + [1] * (n - spine)
        if [sum(comb(d, k) for d in degrees) for k in range(1, len(moments) + 1)] == moments:
            sequences.append(degrees)
    return sequences
