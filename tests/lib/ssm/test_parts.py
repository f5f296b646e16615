"""Discretisation, segment sums, rotation, counts: known values and limits."""

import math

import numpy as np
import pytest
import torch

from lib.bench.counts import decode_count, paper_intensity
from lib.ssm import exp_trapezoid_coeffs, parts, rotate_pairs, segsum
from lib.ssm.discretization import exact, integrate


def test_segsum_holds_the_sums_of_all_segments():
    x = torch.randn(3, 6, dtype=torch.float64)
    result = segsum(x)
    for i in range(6):
        for j in range(6):
            expected = x[:, j + 1 : i + 1].sum(-1) if j <= i else torch.full((3,), -math.inf)
            torch.testing.assert_close(result[:, i, j], expected.double())


def test_rotations_keep_length_and_add_up():
    x = torch.randn(5, 8, dtype=torch.float64)
    a, b = torch.randn(2, 5, 3, dtype=torch.float64)
    torch.testing.assert_close(rotate_pairs(rotate_pairs(x, a), b), rotate_pairs(x, a + b))
    torch.testing.assert_close(rotate_pairs(x, a).norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(rotate_pairs(x, a)[:, 6:], x[:, 6:])
    quarter = rotate_pairs(torch.tensor([[1.0, 0.0]]), torch.tensor([[math.pi / 2]]))
    torch.testing.assert_close(quarter, torch.tensor([[0.0, 1.0]]), atol=1e-6, rtol=0)
    half = rotate_pairs(x.half(), a.half())
    torch.testing.assert_close(half.double(), rotate_pairs(x, a), rtol=0.02, atol=0.02)
    with pytest.raises(ValueError, match="angle"):
        rotate_pairs(x, torch.zeros(5, 5))


def test_step_coefficients_integrate_constants_and_limits():
    dt, A = torch.tensor(0.1, dtype=torch.float64), torch.tensor(-2.0, dtype=torch.float64)
    alpha, beta, gamma = exp_trapezoid_coeffs(dt, A, torch.tensor(1.0))
    assert (float(alpha), float(beta), float(gamma)) == (pytest.approx(math.exp(-0.2)), 0.0, pytest.approx(0.1))
    alpha, beta, gamma = exp_trapezoid_coeffs(dt, A * 0, torch.tensor(0.5))
    assert float(beta + gamma) == pytest.approx(0.1)  # without decay a step adds dt times the mean input


@pytest.mark.parametrize(("lam", "order"), [(0.5, 2.0), (1.0, 1.0), (0.3, 1.0)])
def test_order_of_the_step_with_a_constant_rate(lam, order):
    def rate(t):
        return -3.0 + 0.0 * np.asarray(t)

    target = (math.sin(1) * 3 - math.cos(1) + math.exp(-3)) / 10  # of h' = -3 h + sin t
    assert exact(rate, np.sin) == pytest.approx(target, abs=1e-12)
    errors = [abs(integrate(rate, np.sin, n, lam) - target) for n in (200, 400)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.05)


def test_a_varying_rate_costs_an_order_unless_the_exponent_is_averaged():
    def rate(t):
        return -2 - np.cos(4 * np.asarray(t))

    target = exact(rate, np.cos)
    orders = {}
    for exponent in ("right", "average"):
        errors = [abs(integrate(rate, np.cos, n, 0.5, exponent) - target) for n in (200, 400)]
        orders[exponent] = math.log2(errors[0] / errors[1])
    assert orders["right"] == pytest.approx(1, abs=0.15)
    assert orders["average"] == pytest.approx(2, abs=0.05)
    with pytest.raises(ValueError, match="exponent"):
        integrate(rate, np.cos, 10, 0.5, "left")


def test_decode_count_is_that_of_loops_over_the_state():
    P, N, R = 3, 4, 2
    flops = 0
    for _ in range(P):
        for _ in range(N):
            flops += 1  # decay
            for _ in range(R):
                flops += 2 + 2 + 2  # new input, previous input, read-out: a product and a sum each
    count = decode_count(5, P, N, R)
    assert count.flops == 5 * flops
    assert decode_count(64, 64, 128, 1, io_bytes=0).intensity == pytest.approx(7 / 8, rel=0.05)
    assert decode_count(64, 64, 128, 4).intensity / decode_count(64, 64, 128, 1).intensity > 3
    with pytest.raises(ValueError, match="rank"):
        decode_count(1, 1, 1, 0)


def test_decay_rates():
    raw = torch.tensor([-99.0, -1.0, 0.0, 2.0])
    torch.testing.assert_close(parts.decay_rate(raw, "heavy_tail"), -torch.tensor([0.01, 0.5, 1.0, 3.0]))
    assert float(parts.decay_rate(torch.tensor(-40.0), "softplus")) == pytest.approx(-1e-4)


def test_short_convolution_is_causal_and_goes_on():
    x = torch.randn(2, 3, 10, 4, dtype=torch.float64)
    weight = torch.randn(2, 4, 3, dtype=torch.float64)
    result, tail = parts.short_convolution(x, weight)
    padded = torch.cat((torch.zeros(2, 3, 2, 4, dtype=torch.float64), x), 2)
    expected = sum(padded[:, :, i : i + 10] * weight[:, None, None, :, i] for i in range(3))
    torch.testing.assert_close(result, expected)
    first, before = parts.short_convolution(x[:, :, :4], weight)
    second, last = parts.short_convolution(x[:, :, 4:], weight, before)
    torch.testing.assert_close(torch.cat((first, second), 2), result)
    torch.testing.assert_close(last, tail)


def test_the_papers_count_of_a_decode_step_gives_its_table():
    """Table 2 at P = 64, N = 128: 40896 operations over 17026 bytes, and 139008 over 18946 with rank 4."""
    assert paper_intensity(64, 128, 1) == pytest.approx(40896 / 17026)
    assert paper_intensity(64, 128, 4) == pytest.approx(139008 / 18946)
