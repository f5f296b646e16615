"""Operations that a call makes, counted from its tensor operations."""

import pytest
import torch

from lib.bench.counts import decode_count
from lib.bench.mamba3 import step_work
from lib.bench.work import count_operations, tensor_bytes


def test_products_and_elementwise_results_are_counted():
    a, b = torch.ones(3, 4, 5), torch.ones(3, 5, 6)
    assert count_operations(lambda: a @ b) == 2 * 3 * 4 * 5 * 6
    assert count_operations(lambda: torch.exp(a) * a + 1) == 3 * a.numel()
    assert count_operations(lambda: a.sum()) == a.numel()
    c = torch.ones(7, dtype=torch.complex64)
    assert count_operations(lambda: c * c) == 6 * 7
    assert count_operations(lambda: a.transpose(0, 1).reshape(-1)) == 0


def test_bytes_pass_over_what_is_not_there():
    assert tensor_bytes([torch.ones(3), None, torch.ones(2, dtype=torch.bfloat16)]) == 16


@pytest.mark.parametrize("rank", [1, 4])
def test_a_decode_step_makes_the_operations_of_the_formula_and_little_else(rank):
    operations, size = step_work((2, 8, 1, 64), rank, 128, torch.float32, "cpu")
    formula = decode_count(8, 64, 128, rank, io_bytes=4)
    assert 1 <= operations / (2 * formula.flops) < 1.06
    assert 1 <= size / (2 * formula.bytes) < 1.25  # weights come on top
