"""Exact ranks and determinants: known values, and SymPy as an independent route."""

import numpy as np
import pytest
import sympy

from lib.linalg.exact import PRIME, determinant, null_vectors, rank_mod_p


def test_known_values():
    matrix = [[2, 1, 0], [1, 3, 1], [0, 1, 4]]
    assert determinant(matrix) == 18
    assert rank_mod_p(matrix) == 3
    assert rank_mod_p([[1, 2], [2, 4], [3, 6]]) == 1
    assert rank_mod_p([]) == 0
    assert determinant([]) == 1
    assert determinant([[0, 1], [1, 0]]) == -1


def test_no_digit_is_lost():
    assert determinant([[10**30, 1], [1, 10**30]]) == 10**60 - 1
    assert rank_mod_p([[10**30, 10**30 + 1], [10**30, 10**30]]) == 2


@pytest.mark.parametrize("rank", [2, 4, 6])
def test_products_of_thin_factors_have_the_rank_of_their_width(rank):
    rng = np.random.default_rng(rank)
    matrix = (rng.integers(-9, 10, (6, rank)) @ rng.integers(-9, 10, (rank, 8))).tolist()
    assert rank_mod_p(matrix) == sympy.Matrix(matrix).rank() == rank


def test_determinants_are_those_of_sympy():
    rng = np.random.default_rng(0)
    for size in range(1, 7):
        matrix = rng.integers(-50, 51, (size, size)).tolist()
        assert determinant(matrix) == sympy.Matrix(matrix).det()


def test_vandermonde_determinant_is_the_product_of_differences():
    points = [3, 7, 11, 13, 20]
    vandermonde = [[x**power for power in range(5)] for x in points]
    assert determinant(vandermonde) == np.prod([b - a for i, a in enumerate(points) for b in points[i + 1 :]])


def test_a_matrix_that_is_not_square_has_no_determinant():
    with pytest.raises(ValueError, match="lengths"):
        determinant([[1, 2]])


@pytest.mark.parametrize(("rows", "columns", "rank"), [(9, 6, 4), (4, 7, 3), (6, 6, 6), (12, 5, 1), (3, 4, 0)])
def test_null_vectors_are_a_basis_of_the_null_space(rows, columns, rank):
    rng = np.random.default_rng(rows)
    factors = rng.integers(-9, 10, (rows, rank)), rng.integers(-9, 10, (rank, columns))
    matrix = (factors[0].astype(object) @ factors[1].astype(object)) if rank else np.zeros((rows, columns), dtype=int)
    vectors = null_vectors(matrix.tolist(), columns)
    assert columns - len(vectors) == sympy.Matrix(matrix).rank()
    assert not vectors or sympy.Matrix(vectors).rank() == len(vectors)
    assert all(sum(int(a) * b for a, b in zip(row, vector)) == 0 for row in matrix for vector in vectors)


def test_null_vectors_see_a_rank_that_a_prime_hides():
    matrix = [[1, 2], [3, 6 + PRIME]]
    assert rank_mod_p(matrix) == 1
    assert null_vectors(matrix, 2) == []
