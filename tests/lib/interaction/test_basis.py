"""Interaction bases: hand-made cases, invariance to nine digits, linear networks, closed Jacobian Grams."""

from itertools import pairwise

import mpmath
import numpy as np
import pytest
import torch

from lib.interaction.basis import basis_of, basis_of_factors, gradient_basis, gram, interaction_basis, principal_basis
from lib.interaction.planted import block_shares, planted_network
from lib.interaction.relu import (
    ReluNetwork,
    bases,
    edge_strengths,
    explicit_jacobian_gram,
    local_jacobian_factor,
    local_jacobian_gram,
    output_jacobian_grams,
    record,
    run_kept_edges,
    run_kept_nodes,
)


def _network(rng, widths=(5, 6, 4, 3)):
    shapes = list(pairwise(widths))
    return ReluNetwork([rng.standard_normal((b, a)) for a, b in shapes], [rng.standard_normal(b) for _, b in shapes])


def test_importance_weighs_variance_and_gradient():
    basis = interaction_basis(np.diag([4.0, 1.0]), np.diag([1.0, 9.0]))
    np.testing.assert_allclose(basis.values, [9, 4])
    np.testing.assert_allclose(np.abs(basis.matrix), [[0, 3], [1, 0]], atol=1e-12)
    np.testing.assert_allclose(principal_basis(np.diag([4.0, 1.0])).values, [4, 1])


def test_grams_in_the_basis_are_diagonal_and_identity():
    rng = np.random.default_rng(0)
    g, k = (gram(rng.standard_normal((30, 6)) @ rng.standard_normal((6, 6))) for _ in range(2))
    basis = interaction_basis(g, k)
    np.testing.assert_allclose(basis.matrix @ g @ basis.matrix.T, np.diag(basis.values), atol=1e-10)
    np.testing.assert_allclose(basis.inverse.T @ k @ basis.inverse, np.eye(6), atol=1e-10)
    np.testing.assert_allclose(basis.matrix @ basis.inverse, np.eye(6), atol=1e-10)
    np.testing.assert_allclose(np.sort(np.linalg.eigvals(g @ k).real)[::-1], basis.values, rtol=1e-9)


def test_factors_give_the_same_basis_and_keep_small_importances():
    rng = np.random.default_rng(9)
    f, j = rng.standard_normal((40, 5)) * [1, 1e-1, 1e-2, 1e-3, 1e-4], rng.standard_normal((30, 5))
    exact = basis_of_factors(f, j)
    ours = interaction_basis(f.T @ f, j.T @ j)
    np.testing.assert_allclose(exact.values, ours.values, rtol=1e-6)
    np.testing.assert_allclose(np.abs(exact.matrix[:3]), np.abs(ours.matrix[:3]), atol=1e-5)
    np.testing.assert_allclose(exact.inverse.T @ j.T @ j @ exact.inverse, np.eye(5), atol=1e-7)
    with mpmath.workdps(40):
        matrix = mpmath.matrix(f.T @ f) * mpmath.matrix(j.T @ j)
        expected = sorted((float(mpmath.re(value)) for value in mpmath.eig(matrix)[0]), reverse=True)
    np.testing.assert_allclose(exact.values, expected, rtol=1e-7)
    with pytest.raises(ValueError, match="shapes"):
        basis_of_factors(f, j[:, :4])
    with pytest.raises(ValueError, match="dead"):
        basis_of_factors(f, 0 * j)


@pytest.mark.parametrize("seed", range(5))
def test_invariance_under_linear_maps(seed):
    rng = np.random.default_rng(seed)
    f, weight = rng.standard_normal((200, 7)), rng.standard_normal((9, 7))
    change = np.linalg.qr(rng.standard_normal((7, 7)))[0] * np.geomspace(1, 50, 7) @ rng.standard_normal((7, 7))
    firing = (f @ weight.T > 0).astype(float)
    coordinates = []
    for values, matrix in ((f, weight), (f @ change.T, weight @ np.linalg.inv(change))):
        centred = values - values.mean(0)
        basis = basis_of_factors(centred / np.sqrt(200), local_jacobian_factor(matrix, firing, np.eye(9)))
        coordinates.append((basis.values, np.abs(centred @ basis.matrix.T)))
    np.testing.assert_allclose(coordinates[0][0], coordinates[1][0], rtol=1e-9)
    np.testing.assert_allclose(coordinates[0][1], coordinates[1][1], atol=1e-9 * coordinates[0][1].max())


def test_principal_components_are_not_invariant():
    f = np.random.default_rng(1).standard_normal((100, 3))
    assert abs(principal_basis(gram(f)).values[0] / principal_basis(gram(f * [5, 1, 1])).values[0] - 1) > 0.5


def test_directions_that_do_not_vary_or_do_not_matter_are_dropped():
    g, k = np.diag([1.0, 1.0, 0.0]), np.diag([1.0, 0.0, 1.0])
    basis = interaction_basis(g, k)
    assert basis.matrix.shape == (1, 3)
    np.testing.assert_allclose(np.abs(basis.matrix), [[1, 0, 0]], atol=1e-12)
    for dead in ((np.zeros((2, 2)), np.eye(2)), (np.eye(2), np.zeros((2, 2)))):
        with pytest.raises(ValueError, match="dead"):
            interaction_basis(*dead)
        if not dead[1].any():
            with pytest.raises(ValueError, match="dead"):
                basis_of("pca_scaled", *dead)
    with pytest.raises(ValueError, match="shapes"):
        interaction_basis(np.eye(2), np.eye(3))
    with pytest.raises(ValueError, match="kind"):
        basis_of("ica", np.eye(2), np.eye(2))


def test_scaled_components_and_gradients_have_unit_derivatives():
    rng = np.random.default_rng(2)
    g, k = (gram(rng.standard_normal((30, 4))) for _ in range(2))
    for kind in ("pca_scaled", "gradient"):
        basis = basis_of(kind, g, k)
        np.testing.assert_allclose(np.diag(basis.inverse.T @ k @ basis.inverse), 1, atol=1e-10)
    local = interaction_basis(np.eye(4), k)  # equal to that of gradients where activations are isotropic
    np.testing.assert_allclose(np.abs(local.matrix), np.abs(gradient_basis(k).matrix), atol=1e-10)


def test_closed_jacobian_grams_are_those_of_autodiff_and_of_the_definition():
    rng = np.random.default_rng(3)
    network, inputs = _network(rng), rng.standard_normal((40, 5))
    seen = record(network, inputs)
    following = rng.standard_normal((3, 6))
    closed = local_jacobian_gram(network.weights[0], seen.firing[0], following)
    np.testing.assert_allclose(
        closed, explicit_jacobian_gram(network.weights[0], seen.firing[0], following), rtol=1e-12, atol=1e-12
    )
    weights, biases = (list(map(torch.from_numpy, part)) for part in network)

    def run(x, first):
        for place in range(first, 3):
            x = weights[place] @ x + biases[place]
            x = x.relu() if place < 2 else x
        return x

    for layer, ours in enumerate(output_jacobian_grams(network, seen.firing)[:3]):
        jacobians = torch.func.vmap(torch.func.jacrev(lambda x, layer=layer: run(x, layer)))(
            torch.from_numpy(seen.activations[layer])
        )
        expected = torch.einsum("nij,nik->jk", jacobians, jacobians).numpy() / 40
        np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-10)


def test_edges_of_a_linear_map_are_products_of_weight_and_variance():
    rng = np.random.default_rng(4)
    network = ReluNetwork([rng.standard_normal((3, 4))], [np.zeros(3)])
    seen = record(network, rng.standard_normal((500, 4)))
    own = bases(network, seen, "neuron")
    expected = network.weights[0] ** 2 * seen.activations[0].var(axis=0)
    np.testing.assert_allclose(edge_strengths(network, seen, 0, *own), expected, rtol=1e-10)
    np.testing.assert_allclose(edge_strengths(network, seen, 0, *own, intervals=3), expected, rtol=1e-10)


def test_integrated_gradients_add_up_to_the_change_of_the_output():
    rng = np.random.default_rng(5)
    network = ReluNetwork([np.array([[1.0]]), np.array([[1.0]])], [np.zeros(1)] * 2)
    seen = record(network, rng.standard_normal((200, 1)) + 0.3)
    own = bases(network, seen, "neuron")
    strength = edge_strengths(network, seen, 0, own[0], own[1], intervals=2000)[0, 0]
    change = seen.activations[1] - np.maximum(seen.means[0], 0)
    assert strength == pytest.approx(float(np.mean(change**2)), rel=1e-3)


@pytest.mark.parametrize("kind", ["neuron", "pca", "pca_scaled", "gradient", "local", "global"])
def test_all_nodes_and_all_edges_reproduce_the_network(kind):
    rng = np.random.default_rng(6)
    network, inputs = _network(rng), rng.standard_normal((60, 5))
    seen = record(network, inputs)
    own = bases(network, seen, kind)
    for layer in range(3):
        values, k = seen.activations[layer], len(own[layer].values)
        kept = run_kept_nodes(network, seen, layer, own[layer], k, values)
        np.testing.assert_allclose(kept, seen.activations[-1], atol=1e-8)
        mask = np.ones((len(own[layer + 1].values), k), dtype=bool)
        kept = run_kept_edges(network, seen, layer, own[layer], own[layer + 1], mask, values)
        np.testing.assert_allclose(kept, seen.activations[-1], atol=1e-8)


def test_without_edges_the_next_layer_does_not_depend_on_the_input():
    rng = np.random.default_rng(7)
    network = _network(rng)
    seen = record(network, rng.standard_normal((30, 5)))
    own = bases(network, seen, "local")
    none = np.zeros((len(own[1].values), len(own[0].values)), dtype=bool)
    outputs = run_kept_edges(network, seen, 0, own[0], own[1], none, seen.activations[0])
    np.testing.assert_allclose(outputs - outputs[0], 0, atol=1e-10)


def test_planted_blocks_do_not_meet_and_are_seen_by_the_local_basis():
    one = planted_network(np.random.default_rng(8), n=1000)
    for layer, weight in enumerate(one.network.weights):
        turned = one.frame(layer + 1) @ weight @ one.frame(layer).T
        np.testing.assert_allclose(turned[:4, 4:], 0, atol=1e-12)
        np.testing.assert_allclose(turned[4:, :4], 0, atol=1e-12)
    own = bases(one.network, one.seen, "local")
    shares = block_shares(one, 0, own[0])
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    assert shares.max(axis=0).mean() > 0.9
    dense = planted_network(np.random.default_rng(8), n=100, blocks=False)
    assert np.abs((dense.network.weights[1])[:4, 4:]).min() > 0


def test_dropped_importances_are_the_error_of_a_linear_map_and_no_basis_does_better():
    rng = np.random.default_rng(10)
    network = ReluNetwork([rng.standard_normal((4, 6))], [rng.standard_normal(4)])
    seen = record(network, rng.standard_normal((300, 6)) @ rng.standard_normal((6, 6)))
    outputs, errors = seen.activations[-1], {}
    for kind in ("local", "pca", "gradient"):
        basis = bases(network, seen, kind)[0]
        kept = [run_kept_nodes(network, seen, 0, basis, k, seen.activations[0]) for k in range(1, 4)]
        errors[kind] = [float(((one - outputs) ** 2).sum(axis=1).mean()) for one in kept]
    values = bases(network, seen, "local")[0].values
    np.testing.assert_allclose(errors["local"], [values[k:].sum() for k in range(1, 4)], rtol=1e-8)
    for kind in ("pca", "gradient"):
        assert (np.array(errors["local"]) <= np.array(errors[kind]) + 1e-12).all()
