"""Operators of Mamba-3 to be timed: they run, and their counts are the paper's."""

import pytest
import torch

from lib.bench.mamba3 import MAMBA3, scan_counts, step_counts
from lib.bench.operators import measure


def test_every_operator_runs_in_every_pass():
    shape = (1, 2, 20, 8)
    cases = [(name, way, shape) for name in MAMBA3 for way in ("forward", "both")]
    cases += [(name, "decode", shape) for name in ("chunked", "rank_4")]
    table = measure(MAMBA3, cases, device="cpu", dtype=torch.float32, repeats=1)
    assert set(table.operator.values) == {"chunked", "rank_4", "scalar_decay", "sdpa"}
    assert float(table.time_ms.min()) > 0


def test_counts_at_the_papers_size():
    (flops, moved), _ = scan_counts(1)((8, 64, 2048, 64), 2)
    assert flops == pytest.approx(60e9, rel=0.05)
    assert moved == pytest.approx(0.43e9, rel=0.05)
    (flops, moved), _ = scan_counts(4)((8, 64, 2048, 64), 2)
    assert flops == pytest.approx(240e9, rel=0.05)
    assert moved == pytest.approx(0.45e9, rel=0.05)
    flops, moved = step_counts(1)((32, 64, 1, 64), 2)
    assert moved == pytest.approx(134e6, rel=0.05)
    assert flops == 7 * 64 * 128 * 64 * 32
