"""Coding rates, projections, subspace and spectral clustering against closed forms, brute force and other libraries."""

import itertools

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.cluster import SpectralClustering
from sklearn.linear_model import ElasticNet

from lib.clustering.coding_rate import block_membership, coding_rate, compressed_rate, numerical_rank, one_hot
from lib.clustering.elastic_net import expression_affinity, self_expression
from lib.clustering.free_representation import (
    energy_shares,
    maximise_coding_rate,
    minimise_self_expression,
    self_expressive_value,
)
from lib.clustering.geometry import class_cosines, energy_rank
from lib.clustering.images import load_images, read_own
from lib.clustering.membership import marginal_error, project, project_blocks, sinkhorn
from lib.clustering.spectral import (
    clustering_accuracy,
    kmeans_labels,
    leading_eigenvectors,
    match_clusters,
    neighbour_affinity,
    spectral_labels,
    unit_rows,
)
from lib.clustering.toys import circles, lift, spirals


def _unit(n, d, seed=0):
    return unit_rows(np.random.default_rng(seed).standard_normal((n, d)))


def _rate(z, weights, eps2):
    """log det by LU in NumPy, one group at a time."""
    total = 0.0
    for column in weights.T:
        if column.sum() > 0:
            matrix = np.eye(z.shape[1]) + z.shape[1] / (column.sum() * eps2) * (z.T * column) @ z
            total += column.sum() / (2 * len(z)) * np.linalg.slogdet(matrix)[1]
    return total


@pytest.mark.parametrize(("n", "d"), [(20, 5), (5, 20), (7, 7), (1, 3)])
def test_coding_rate_is_the_log_determinant_on_either_side(n, d):
    z = _unit(n, d)
    expected = 0.5 * np.linalg.slogdet(np.eye(d) + d / (n * 0.2) * z.T @ z)[1]
    assert float(coding_rate(torch.from_numpy(z), 0.2)) == pytest.approx(expected, rel=1e-12)


def test_compressed_rate_sums_groups_of_unequal_weight():
    z, p = _unit(9, 4), np.random.default_rng(1).uniform(size=(9, 3))
    p[:, 1] = 0
    assert float(compressed_rate(torch.from_numpy(z), torch.from_numpy(p), 0.3)) == pytest.approx(_rate(z, p, 0.3))


def test_gradients_of_the_rates():
    z = torch.from_numpy(_unit(5, 3)).requires_grad_()
    p = torch.from_numpy(np.random.default_rng(2).uniform(0.1, 1, (5, 5))).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: compressed_rate(a, b, 0.2) - coding_rate(a, 0.2), (z, p))


def test_block_membership_is_hard_labels_and_uniform_is_one_group():
    z, labels = torch.from_numpy(_unit(12, 4)), torch.arange(12) % 3
    hard = compressed_rate(z, one_hot(labels, z.dtype), 0.2)
    assert float(compressed_rate(z, block_membership(labels, z.dtype), 0.2) - hard) == pytest.approx(0, abs=1e-13)
    uniform = torch.full((12, 12), 1 / 12, dtype=z.dtype)
    assert float(compressed_rate(z, uniform, 0.2) - coding_rate(z, 0.2)) == pytest.approx(0, abs=1e-13)


def test_rates_are_largest_for_orthogonal_classes():
    def reduction(angle):
        second = np.array([np.cos(angle), np.sin(angle)])
        z = torch.from_numpy(np.repeat(np.stack([[1.0, 0.0], second]), 5, 0))
        return float(coding_rate(z, 0.2) - compressed_rate(z, one_hot(torch.arange(10) // 5, z.dtype), 0.2))

    values = [reduction(angle) for angle in np.linspace(0, np.pi / 2, 7)]
    assert np.all(np.diff(values) > 0)
    assert values[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("bad", [torch.zeros(0, 3), torch.zeros(3), torch.tensor([[float("nan")]])])
def test_rates_refuse_what_has_none(bad):
    with pytest.raises(ValueError, match="features"):
        coding_rate(bad, 0.1)
    with pytest.raises(ValueError, match="eps2"):
        coding_rate(torch.ones(2, 2), 0.0)


def test_rank_counts_directions():
    z = np.zeros((10, 5))
    z[:5, 0] = z[5:, 1] = 1
    assert numerical_rank(torch.from_numpy(z)) == 2
    assert energy_rank(np.linalg.svd(z, compute_uv=False)) == 2
    assert np.isnan(energy_rank(np.full(4, np.nan)))


@pytest.mark.parametrize("eta", [0.0008, 0.05, 0.5, 50.0])
def test_projection_has_unit_sums_and_the_form_of_a_scaling(eta):
    c = _unit(15, 3)
    result = project(c @ c.T, eta, tolerance=1e-10)
    assert result.error < 1e-9
    assert np.array_equal(result.membership, result.membership.T)
    with np.errstate(divide="ignore"):
        rest = np.log(result.membership) - c @ c.T / eta  # u_i + v_j where the entry is not zero
    if eta >= 0.05:
        cross = rest - rest[:1] - rest[:, :1] + rest[0, 0]
        assert np.abs(cross).max() < 1e-8


def test_both_ways_of_the_projection_agree(monkeypatch):
    c = _unit(20, 4)
    fast = project(c @ c.T, 0.1, tolerance=1e-12).membership
    monkeypatch.setattr("lib.clustering.membership.RANGE", 0.0)
    assert np.allclose(project(c @ c.T, 0.1, tolerance=1e-12).membership, fast, atol=1e-12)


def test_two_samples_have_a_closed_form():
    result = project(np.array([[1.0, 0.2], [0.2, 1.0]]), 0.3).membership
    share = 1 / (1 + np.exp(-0.8 / 0.3))
    assert np.allclose(result, [[share, 1 - share], [1 - share, share]], atol=1e-7)


def test_limits_of_the_temperature():
    c = _unit(12, 5)
    assert np.allclose(project(c @ c.T, 1e4).membership, 1 / 12, atol=1e-3)
    assert np.allclose(project(c @ c.T, 1e-3).membership, np.eye(12), atol=1e-6)


def test_half_steps_converge_to_the_projection_and_have_gradients():
    c = torch.from_numpy(_unit(10, 4))
    gram = c @ c.T
    assert np.allclose(sinkhorn(gram, 0.2, 401).numpy(), project(gram.numpy(), 0.2, tolerance=1e-12).membership)
    few = sinkhorn(gram, 0.2, 5)
    assert np.allclose(few.sum(1), 1)
    assert 0 < marginal_error(few)[0] < marginal_error(sinkhorn(gram, 0.2, 1))[0]
    assert torch.autograd.gradcheck(lambda k: sinkhorn(k, 0.3, 3), (gram[:4, :4].clone().requires_grad_(),))


def test_projection_in_blocks_is_the_dense_one():
    c = _unit(50, 4)
    blocks, error = project_blocks(torch.from_numpy(c), 0.1, top=50, block=16, tolerance=1e-10)
    assert error < 1e-10
    assert np.allclose(blocks.toarray(), project(c @ c.T, 0.1, tolerance=1e-12).membership, atol=1e-9)
    kept = project_blocks(torch.from_numpy(c), 0.1, top=5, block=16)[0]
    assert (kept.toarray() == kept.toarray().T).all()
    assert 50 * 5 <= kept.nnz <= 50 * 10


@pytest.mark.parametrize(("value", "eta"), [(np.ones((2, 3)), 0.1), (np.full((2, 2), np.nan), 0.1), (np.eye(2), 0.0)])
def test_projection_refuses(value, eta):
    with pytest.raises(ValueError, match=r"similarity|eta"):
        project(value, eta)
    with pytest.raises(ValueError, match=r"similarity|eta"):
        sinkhorn(torch.from_numpy(value), eta)
    with pytest.raises(ValueError, match="not symmetric"):
        project(np.array([[1.0, 0.0], [0.5, 1.0]]), 0.1)


def test_projection_that_does_not_converge_is_refused():
    c = _unit(12, 2)
    with pytest.raises(ValueError, match="2 steps"):
        project(c @ c.T, 0.01, most=2)


def test_accuracy_is_the_best_of_all_matches():
    rng = np.random.default_rng(0)
    for clusters in (2, 3, 5):
        classes, labels = rng.integers(3, size=30), rng.integers(clusters, size=30)
        width = max(3, clusters)
        best = max(np.mean(np.array(order)[labels] == classes) for order in itertools.permutations(range(width), width))
        assert clustering_accuracy(classes, labels) == pytest.approx(best)
        assert np.mean(match_clusters(classes, labels) == classes) == pytest.approx(best)
    with pytest.raises(ValueError, match="labels"):
        clustering_accuracy([0, 1], [0])


def test_eigenvectors_by_lanczos_are_those_of_the_dense_matrix():
    x = np.random.default_rng(0).standard_normal((500, 3))
    graph = neighbour_affinity(x, 8)
    values, vectors = leading_eigenvectors(graph, 4)
    dense = graph.toarray()
    scale = dense.sum(1) ** -0.5
    exact = np.linalg.eigvalsh(scale[:, None] * dense * scale)[::-1]
    assert np.allclose(values, exact[:5], atol=1e-7)
    assert np.allclose(vectors.T @ vectors, np.eye(4), atol=1e-7)


def test_spectral_clustering_finds_components_and_agrees_with_scikit_learn():
    blocks = sparse.block_diag([np.ones((n, n)) for n in (5, 8, 12)]).tocsr()
    truth = np.repeat([0, 1, 2], [5, 8, 12])
    assert clustering_accuracy(truth, spectral_labels(blocks, 3)[0]) == 1
    x = circles(200, np.random.default_rng(0))[0]
    graph = neighbour_affinity(x, 10)
    peer = SpectralClustering(2, affinity="precomputed", random_state=0).fit_predict(graph.toarray())
    assert clustering_accuracy(peer, spectral_labels(graph, 2)[0]) == 1
    with pytest.raises(ValueError, match="k: got 25"):
        spectral_labels(blocks, 25)
    with pytest.raises(ValueError, match="affinity"):
        spectral_labels(-blocks, 2)


@pytest.mark.parametrize("g", [2.0, 20.0, 200.0])
def test_self_expression_is_the_elastic_net_of_scikit_learn(g):
    x = _unit(60, 7, 3)
    ours = self_expression(x, g).toarray()
    assert not ours.diagonal().any()
    for j in (0, 17):
        others = np.delete(np.arange(60), j)
        alpha = g * 0.9 / np.abs(x[others] @ x[j]).max()
        peer = ElasticNet(alpha=1 / (7 * alpha), l1_ratio=0.9, fit_intercept=False, tol=1e-12, max_iter=200000)
        peer.fit(x[others].T, x[j])
        assert np.allclose(ours[j, others], peer.coef_, atol=1e-6)


def test_self_expression_separates_independent_subspaces():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.standard_normal((40, 2)) @ rng.standard_normal((2, 12)) for _ in range(3)])
    truth = np.repeat([0, 1, 2], 40)
    affinity = expression_affinity(self_expression(x, 50))
    assert clustering_accuracy(truth, spectral_labels(affinity, 3)[0]) == 1
    with pytest.raises(ValueError, match="rows that are zero"):
        self_expression(np.zeros((3, 2)), 5)
    with pytest.raises(ValueError, match="g, l1_ratio"):
        self_expression(x, 1)


def test_orthogonal_rows_are_expressed_by_nothing():
    assert self_expression(np.eye(3), 5).nnz == 0


def test_self_expression_without_a_decoder_collapses_and_the_rate_spreads():
    start = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 30, 5)))
    assert (energy_shares(minimise_self_expression(start, 5.0, 800, 0.05))[:, 0] > 0.999).all()
    assert (energy_shares(maximise_coding_rate(start, 0.2, 800, 0.05))[:, 0] < 0.21).all()


def test_inner_minimum_of_self_expression():
    z, mu = np.random.default_rng(1).standard_normal((8, 3)), 2.0
    gram = z @ z.T
    c = np.linalg.solve(np.eye(8) + mu * gram, mu * gram)
    value = 0.5 * np.sum(c**2) + mu / 2 * np.sum((z - c @ z) ** 2)
    assert self_expressive_value(z, mu) == pytest.approx(value, rel=1e-12)


def test_cosines_by_hand():
    between, within = class_cosines([[1, 0], [2, 0], [0, 1], [1, 1]], np.array([0, 0, 1, 1]))
    assert within == pytest.approx((1 + 0.5**0.5) / 2)
    assert between == pytest.approx(0.5**0.5 / 2)


def test_toys_lie_on_their_curves():
    rng = np.random.default_rng(0)
    points, classes = circles(100, rng, noise=0.0)
    assert np.allclose(np.linalg.norm(points, axis=1), 1 + classes)
    points, classes = spirals(100, rng, noise=0.0)
    radius = np.linalg.norm(points, axis=1)
    angle = 3 * np.pi * (radius - 0.2) / 2 + np.pi * classes
    assert np.allclose(points, radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))
    assert np.linalg.matrix_rank(lift(points, 20, rng)) > 2


def test_kmeans_has_one_row_for_each_seed():
    assert kmeans_labels(_unit(20, 2), 3, [0, 1], 2).shape == (2, 20)


def test_images_of_ones_own(tmp_path):
    from PIL import Image

    np.savez(tmp_path / "a.npz", images=np.zeros((3, 5, 5)))
    images, names = read_own(tmp_path / "a.npz")
    assert images.shape == (3, 1, 5, 5)
    assert names == ["0", "1", "2"]
    for name in "ab":
        Image.fromarray(np.full((9, 7, 3), 255, np.uint8)).save(tmp_path / f"{name}.png")
    images, names = read_own(tmp_path, side=6)
    assert images.shape == (2, 3, 6, 6)
    assert (images == 1).all()
    assert names == ["a.png", "b.png"]
    np.savez(tmp_path / "b.npz", images=np.full((3, 5, 5), 2.0))
    with pytest.raises(ValueError, match="0 to 1"):
        read_own(tmp_path / "b.npz")


def test_batches_of_cifar_and_nothing_but_arrays(tmp_path):
    import pickle

    data = {b"data": np.arange(2 * 3072).reshape(2, 3072).astype(np.uint8), b"fine_labels": [3, 7]}
    (tmp_path / "train").write_bytes(pickle.dumps(data))
    images, classes = load_images("cifar100", tmp_path)
    assert images.shape == (2, 3, 32, 32)
    assert images[0, 1, 0, 1] == np.float32(1025 % 256 / 255)
    assert classes.tolist() == [3, 7]
    (tmp_path / "train").write_bytes(pickle.dumps({b"data": pytest.approx}))
    with pytest.raises(ValueError, match="another object"):
        load_images("cifar100", tmp_path)
    with pytest.raises(ValueError, match="no file"):
        load_images("cifar10", tmp_path)
    with pytest.raises(ValueError, match="name"):
        load_images("mnist")
