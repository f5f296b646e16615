"""Rank and determinant of integer matrices, exactly."""

from collections.abc import Sequence
from math import gcd

PRIME = 2**61 - 1


def rank_mod_p(matrix: Sequence[Sequence[int]], prime: int = PRIME) -> int:
    """Rank modulo a prime: a lower bound of the rank over the rationals, equal to it for all but few primes.

    Args:
        matrix: rows of integers of any size.
        prime: the modulus.
    """
    rows = [[int(entry) % prime for entry in row] for row in matrix]
    rank, columns = 0, len(rows[0]) if rows else 0
    for column in range(columns):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        inverse = pow(rows[rank][column], -1, prime)
        for i in range(rank + 1, len(rows)):
            if rows[i][column]:
                factor = rows[i][column] * inverse % prime
                rows[i] = [(x - factor * y) % prime for x, y in zip(rows[i], rows[rank])]
        rank += 1
        if rank == len(rows):
            break
    return rank


def null_vectors(matrix: Sequence[Sequence[int]], columns: int) -> list[list[int]]:
    """Integer vectors that span the null space over the rationals: the rank is `columns` less their number, exactly.

    Starts from the unit vectors. A row that does not vanish on all of them is independent of the rows before it; one
    vector is given up to make the others vanish on that row, without fractions.

    Args:
        matrix: rows of integers of any size.
        columns: length of the rows.

    Returns:
        Independent vectors with coprime entries; each row's product with each is zero.
    """
    vectors = [[int(i == j) for j in range(columns)] for i in range(columns)]
    for row in matrix:
        entries = [(j, int(entry)) for j, entry in enumerate(row) if entry]
        products = [sum(entry * vector[j] for j, entry in entries) for vector in vectors]
        pivot = next((i for i, product in enumerate(products) if product), None)
        if pivot is None:
            continue
        lead, scale = vectors.pop(pivot), products.pop(pivot)
        for i, product in enumerate(products):
            if product:
                combined = [scale * x - product * y for x, y in zip(vectors[i], lead)]
                divisor = gcd(*combined)
                vectors[i] = [x // divisor for x in combined]
        if not vectors:
            break
    return vectors


def determinant(matrix: Sequence[Sequence[int]]) -> int:
    """Determinant of a square integer matrix by Bareiss' fraction-free elimination.

    Raises:
        ValueError: the matrix is not square.
    """
    rows = [[int(entry) for entry in row] for row in matrix]
    n = len(rows)
    if any(len(row) != n for row in rows):
        raise ValueError(f"matrix: got rows of lengths {sorted({len(row) for row in rows})}, expected {n}")
    sign, previous = 1, 1
    for k in range(n - 1):
        if rows[k][k] == 0:
            swap = next((i for i in range(k + 1, n) if rows[i][k]), None)
            if swap is None:
                return 0
            rows[k], rows[swap], sign = rows[swap], rows[k], -sign
        for i in range(k + 1, n):
            for j in range(k + 1, n):
                rows[i][j] = (rows[i][j] * rows[k][k] - rows[i][k] * rows[k][j]) // previous
        previous = rows[k][k]
    return sign * rows[-1][-1] if n else 1
