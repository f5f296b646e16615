"""Random cases of the Mamba-3 scan: the forms agree on them, and with the complex recurrence."""

import numpy as np
import pytest
import torch

from kernels.agreement import largest_error
from lib.ssm.equivalence import GROUPS, complex_error, outcome, random_case

SIZES = {"b": 1, "T": 9, "H": 2, "P": 4, "N": 6}


@pytest.mark.parametrize("extra", [{}, {"R": 2, "initial": True}, {"G": 2, "S": 1}, {"S": 0}])
def test_forms_differ_by_rounding(extra):
    case = random_case({**SIZES, **extra}, np.random.default_rng(0))
    expected = outcome(case, "recurrent", torch.float64)
    for backend in ("quadratic", "chunked"):
        results = outcome(case, backend, torch.float64, chunk_size=4)
        assert set(results) == set(GROUPS)
        assert all(largest_error(results[group], expected[group]) < 1e-12 for group in GROUPS)


def test_the_rotated_real_scan_is_the_complex_one():
    assert complex_error(np.random.default_rng(0), SIZES) < 1e-12
