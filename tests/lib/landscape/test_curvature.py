"""Hessian-vector products, integrals of curvature and spectra against dense Hessians and closed forms."""

import math

import numpy as np
import pytest
import torch
from torch.func import functional_call, grad, jvp

from lib.landscape.curvature import (
    barrier_identity,
    directional_curvature,
    endpoint_estimate,
    fork_estimate,
    gradient,
    hvp,
    lanczos,
    layer_decomposition,
    layer_terms,
    quadratic_form,
    slope,
    trace,
)
from lib.landscape.lines import interpolate
from lib.landscape.losses import draw_mlps, mlp, mlp_losses
from lib.landscape.parameters import flatten, inner, layers_of, select, subtract, unflatten

X = torch.randn(40, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
Y = torch.arange(40) % 3


def stacked(seeds, activation="tanh"):
    parameters = {name: value.double() for name, value in draw_mlps([4, 5, 5, 3], seeds).items()}
    return lambda p: mlp_losses(p, X, Y.expand(len(p["0.bias"]), -1), activation), parameters


def single(activation="tanh"):
    module = mlp([4, 5, 5, 3], activation)

    def loss(parameters):
        return torch.nn.functional.cross_entropy(functional_call(module, parameters, (X,)), Y)

    return loss, *(select(stacked([seed])[1], 0) for seed in (0, 1))


def dense(loss, parameters):
    return torch.autograd.functional.hessian(lambda v: loss(unflatten(v, parameters)), flatten(parameters))


def test_products_are_those_of_the_dense_hessian_and_of_forward_over_reverse():
    loss, parameters, direction = single()
    product = hvp(loss, parameters, direction)
    torch.testing.assert_close(flatten(product), dense(loss, parameters) @ flatten(direction), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(product, jvp(grad(loss), (parameters,), (direction,))[1], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(gradient(loss, parameters), grad(loss)(parameters))
    torch.testing.assert_close(quadratic_form(loss, parameters, direction), inner(direction, product))
    torch.testing.assert_close(slope(loss, parameters, direction), inner(grad(loss)(parameters), direction))


def test_a_stack_has_the_products_of_each_network():
    loss, parameters = stacked([0, 1, 2])
    _, direction = stacked([3, 4, 5])
    alone, *_ = single()
    together = quadratic_form(loss, parameters, direction)
    each = [quadratic_form(alone, select(parameters, i), select(direction, i)) for i in range(3)]
    torch.testing.assert_close(together, torch.stack(each), rtol=1e-9, atol=1e-12)


def test_a_linear_loss_has_no_curvature():
    one, other = {"x": torch.tensor([1.0, 2.0])}, {"x": torch.tensor([3.0, 4.0])}
    assert hvp(lambda p: p["x"].sum(), one, other)["x"].tolist() == [0, 0]
    assert gradient(lambda p: torch.tensor(1.0), one)["x"].tolist() == [0, 0]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(("omega", "alpha"), [(1.0, 0.5), (5.0, 0.5), (20.0, 0.5), (5.0, 0.2), (12.0, 0.9)])
def test_the_identity_of_a_cosine(order, omega, alpha):
    one, other = {"t": torch.tensor(0.0).double()}, {"t": torch.tensor(1.0).double()}
    found = barrier_identity(lambda p: torch.cos(omega * p["t"]), one, other, nodes=16, order=order, alpha=alpha)
    expected = math.cos(alpha * omega) - (1 - alpha) - alpha * math.cos(omega)
    assert float(found) == pytest.approx(expected, abs=1e-11)


def test_the_identity_of_a_smooth_network_and_its_parts():
    loss, one, other = single()
    whole = loss(interpolate(one, other, 0.5)) - (loss(one) + loss(other)) / 2
    for order in (1, 2):
        torch.testing.assert_close(barrier_identity(loss, one, other, order=order), whole, rtol=1e-9, atol=1e-11)
    parts = layer_decomposition(loss, one, other, layers_of(one))
    torch.testing.assert_close(parts.sum(), whole, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(parts, parts.T, rtol=1e-8, atol=1e-12)
    with pytest.raises(ValueError, match="order"):
        barrier_identity(loss, one, other, order=3)
    with pytest.raises(ValueError, match="alpha"):
        barrier_identity(loss, one, other, alpha=1.0)


def test_the_barrier_is_bounded_by_the_most_negative_curvature_on_the_line():
    module = mlp([4, 5, 5, 3], "tanh")
    one = {name: 3 * value for name, value in select(stacked([0])[1], 0).items()}
    labels = functional_call(module, one, (X,)).argmax(1)  # as if it had been trained
    order = torch.tensor([1, 2, 3, 4, 0])
    other = one | {
        "0.weight": one["0.weight"][order],
        "0.bias": one["0.bias"][order],
        "2.weight": one["2.weight"][:, order],
    }

    def loss(parameters):
        return torch.nn.functional.cross_entropy(functional_call(module, parameters, (X,)), labels)

    rise = float(loss(interpolate(one, other, 0.5)) - (loss(one) + loss(other)) / 2)
    assert rise > 0.01
    alphas = np.linspace(0, 1, 41).tolist()
    assert rise <= float(directional_curvature(loss, one, other, alphas).abs().max()) / 8
    least = min(float(torch.linalg.eigvalsh(dense(loss, interpolate(one, other, t)))[0]) for t in alphas[::4])
    delta = flatten(subtract(other, one))
    assert rise <= float(delta @ delta) * max(-least, 0) / 8


def test_kinks_carry_the_curvature_of_relu_networks():
    one, other = {"t": torch.tensor(-1.0).double()}, {"t": torch.tensor(1.0).double()}
    rise = -0.5  # |t| at the midpoint, less 1 / 2 of both ends' 1, in units of the half
    found = barrier_identity(lambda p: p["t"].abs() / 2, one, other, order=1)
    assert float(found) == pytest.approx(rise, abs=1e-12)
    assert float(barrier_identity(lambda p: p["t"].abs() / 2, one, other, order=2)) == 0


def test_terms_of_layers_sum_to_the_curvature_of_each_network():
    loss, parameters = stacked([0, 1])
    _, other = stacked([2, 3])
    delta = subtract(other, parameters)
    terms = layer_terms(loss, parameters, delta, layers_of(parameters))
    assert terms.shape == (3, 3, 2)
    torch.testing.assert_close(terms.sum((0, 1)), quadratic_form(loss, parameters, delta), rtol=1e-9, atol=1e-12)


def test_endpoint_estimate_of_a_double_well():
    ends = [{"x": torch.tensor(value)} for value in (-1.0, 1.0)]
    assert float(endpoint_estimate(lambda p: (p["x"] ** 2 - 1) ** 2, *ends)) == 4  # 4 (8 + 8) / 16; the wall is 1 high


def test_fork_estimate_is_exact_for_a_quadratic_loss():
    matrix = torch.diag(torch.tensor([1.0, -2.0, 3.0]).double())

    def loss(p):
        return p["x"] @ matrix @ p["x"] + p["x"].sum()

    start, one, other = ({"x": torch.tensor(v).double()} for v in ([0.1, 0.2, 0.3], [1.0, -1.0, 2.0], [0.0, 3.0, 1.0]))
    assert float(fork_estimate(loss, start, one, other)) == pytest.approx(float(loss(interpolate(one, other, 0.5))))


def test_curvature_along_a_line_is_a_second_difference():
    loss, one, other = single()
    h = 1e-3
    found = directional_curvature(loss, one, other, [0.3])[0]
    values = [loss(interpolate(one, other, 0.3 + i * h)) for i in (-1, 0, 1)]
    assert float(found) == pytest.approx(float((values[0] - 2 * values[1] + values[2]) / h**2), rel=1e-4)


def test_lanczos_of_all_steps_has_the_dense_eigenvalues():
    loss, parameters, _ = single()
    eigenvalues = torch.linalg.eigvalsh(dense(loss, parameters)).numpy()
    spectrum = lanczos(loss, parameters, len(eigenvalues), torch.Generator().manual_seed(0))
    alive = spectrum.values[spectrum.weights > 1e-20]
    distance = np.abs(alive[:, None] - eigenvalues[None, :]).min(axis=1)
    assert distance.max() < 1e-8
    assert spectrum.values.max() == pytest.approx(eigenvalues.max(), abs=1e-10)
    assert spectrum.values.min() == pytest.approx(eigenvalues.min(), abs=1e-10)


def test_few_steps_of_lanczos_have_the_first_moments_and_the_largest_eigenvalue():
    loss, parameters, _ = single()
    hessian = dense(loss, parameters)
    spectrum = lanczos(loss, parameters, 12, torch.Generator().manual_seed(3))
    start = torch.randn(len(hessian), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    start = start / start.norm()
    for power in range(6):
        moment = float(start @ torch.linalg.matrix_power(hessian, power) @ start)
        assert float((spectrum.weights * spectrum.values**power).sum()) == pytest.approx(moment, rel=1e-9, abs=1e-14)
    largest = float(torch.linalg.eigvalsh(hessian)[-1])
    assert spectrum.values[-1] == pytest.approx(largest, rel=1e-3)
    with pytest.raises(ValueError, match="steps"):
        lanczos(loss, parameters, 1000, torch.Generator())


def test_lanczos_stops_where_the_space_is_exhausted_and_keeps_networks_apart():
    start = {"x": torch.zeros(2, 6, dtype=torch.float64)}
    scale = torch.tensor([2.0, 5.0]).double()

    def loss(p):
        return scale * (p["x"][:, 0] ** 2) / 2

    spectrum = lanczos(loss, start, 6, torch.Generator().manual_seed(0))
    assert spectrum.values.shape == (6, 2)
    np.testing.assert_allclose(spectrum.weights.sum(axis=0), 1)
    np.testing.assert_allclose(spectrum.values.max(axis=0), [2, 5], rtol=1e-10)
    inside = spectrum.weights > 1e-12
    assert inside.sum(axis=0).tolist() == [2, 2]  # the curved direction and all flat ones together


def test_signs_have_the_trace_of_a_diagonal_hessian_exactly():
    loss, parameters = stacked([0, 1])
    exact = [float(torch.trace(dense(single()[0], select(parameters, i)))) for i in range(2)]
    probes = trace(loss, parameters, 400, torch.Generator().manual_seed(0))
    assert probes.shape == (400, 2)
    error = probes.std(0) / 400**0.5
    assert ((probes.mean(0) - torch.tensor(exact)).abs() < 4 * error).all()
    diagonal = trace(lambda p: (p["x"] ** 2).sum(), {"x": torch.zeros(7)}, 1, torch.Generator())
    assert diagonal.tolist() == [14]
