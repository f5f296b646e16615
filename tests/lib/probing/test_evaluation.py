"""Probes of features beside scikit-learn's own estimators; subsamples, scaling and files."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import NearestCentroid
from sklearn.preprocessing import MinMaxScaler

from lib.probing.digits import digits, hidden_features, read_features, split_rows, train_backbone
from lib.probing.evaluation import (
    STRENGTHS,
    Sample,
    choose_strength,
    draw_rows,
    likelihood_gaps,
    linear_eval,
    probe_predictions,
    scale_features,
    shrunk_discriminant,
    variance_deciles,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def blobs(rng):
    codes = np.arange(120) % 4
    return rng.normal(size=(120, 10)) + 2 * np.eye(4, 10)[codes], codes


def test_a_subsample_has_every_label(rng):
    labels = np.r_[np.zeros(50, int), [1, 2]]
    for _ in range(20):
        rows = draw_rows(labels, 10, rng)
        assert len(set(rows)) == 10
        assert set(labels[rows]) == {0, 1, 2}
    with pytest.raises(ValueError, match="size: got 2"):
        draw_rows(labels, 2, rng)


def test_features_are_scaled_by_the_sample_alone(rng):
    x, test = rng.normal(size=(30, 4)), 5 * rng.normal(size=(20, 4))
    peer = MinMaxScaler().fit(x)
    for own, other in zip(scale_features(x, test), (x, test)):
        np.testing.assert_allclose(own, peer.transform(other), atol=1e-12)
    constant = np.column_stack([x, np.full(30, 3.0)])
    assert scale_features(constant, np.column_stack([test, test[:, 0]]))[1].shape == (20, 4)
    with pytest.raises(ValueError, match="constant"):
        scale_features(np.ones((3, 2)), np.ones((3, 2)))


def test_probes_are_those_of_scikit_learn(blobs, rng):
    x, codes = blobs
    test = rng.normal(size=(500, 10))
    predictions = probe_predictions(Sample(x, codes, test), [1e-3], STRENGTHS, rng, tol=1e-6)
    assert set(predictions) == {"nb 0.001", "ncm", "slda", "ridge", "lr cv", *(f"lr {C:g}" for C in STRENGTHS)}
    np.testing.assert_array_equal(predictions["ncm"], NearestCentroid().fit(x, codes).predict(test))


def test_the_chosen_strength_is_that_of_the_same_folds_in_scikit_learn(rng):
    codes = np.arange(600) % 2
    x = rng.normal(size=(600, 100)) + 0.15 * codes[:, None]
    ours = choose_strength(x, codes, STRENGTHS, np.random.default_rng(1))
    folds = StratifiedKFold(5, shuffle=True, random_state=int(np.random.default_rng(1).integers(2**31)))
    shares = [cross_val_score(LogisticRegression(C=C), x, codes, cv=folds).mean() for C in STRENGTHS]
    assert ours == STRENGTHS[int(np.argmax(shares))] == 0.01
    assert choose_strength(x[:3], np.array([0, 0, 1]), STRENGTHS, rng) == 1.0


def test_a_shrunk_discriminant_of_many_rows_is_the_best_rule(rng):
    covariance = np.array([[2.0, 0.8], [0.8, 1.0]])
    codes = np.arange(200_000) % 2
    x = rng.multivariate_normal([0, 0], covariance, len(codes)) + codes[:, None] * [1.0, -1.0]
    rule = shrunk_discriminant(x, codes)
    np.testing.assert_allclose(rule.weights[1] - rule.weights[0], np.linalg.solve(covariance, [1, -1]), atol=0.03)
    one_each = shrunk_discriminant(np.array([[0.0, 1], [1, 0], [2, 2]]), np.array([0, 1, 1]))
    assert np.isfinite(one_each.weights).all()


def test_all_probes_learn_separate_classes_and_none_learns_shuffled_labels(blobs, rng):
    x, codes = blobs
    x = x + 8 * np.eye(4, 10)[codes]
    errors = linear_eval(x[:80], codes[:80], x[80:], codes[80:], 40, rng)
    assert max(error for name, error in errors.items() if name not in ("lr 0.01", "lr 0.1")) < 0.05
    shuffled = linear_eval(x[:80], rng.permutation(codes[:80]), x[80:], codes[80:], 60, rng)
    assert min(shuffled.values()) > 0.3
    with pytest.raises(ValueError, match="test_labels: got 9"):
        linear_eval(x[:80], codes[:80], x[80:], np.full(40, 9), 40, rng)


def test_labels_need_not_be_codes(blobs):
    x, codes = blobs
    one, other = (
        linear_eval(x[:80], labels[:80], x[80:], labels[80:], 40, np.random.default_rng(1))
        for labels in (codes, np.array(["a", "b", "c", "d"])[codes])
    )
    assert one == other


def test_diagnostics_are_those_of_the_densities(blobs):
    x, codes = blobs
    gaps = likelihood_gaps(x, codes, x, codes, 1e-3)
    scaled = (x - x.min(axis=0)) / np.ptp(x, axis=0)
    variance = np.mean([scaled[codes == k].var(axis=0) for k in range(4)], axis=0) + 1e-3
    scores = np.array(
        [stats.norm(scaled[codes == k].mean(axis=0), variance**0.5).logpdf(scaled).sum(1) for k in range(4)]
    )
    own = scores[codes, np.arange(120)]
    scores[codes, np.arange(120)] = -np.inf
    np.testing.assert_allclose(gaps, [(own - scores.max(axis=0))[codes == k].mean() for k in range(4)])
    np.testing.assert_allclose(
        variance_deciles(x, codes), np.quantile(variance - 1e-3, np.arange(1, 10) / 10), rtol=1e-6
    )


def test_backbones_learn_what_they_are_trained_for(rng):
    x, labels = digits()
    assert x.dtype == np.float32
    assert x.min() == 0
    assert x.max() == 1
    split = split_rows(len(x), [300, 100, 100], rng)
    assert len(np.unique(np.concatenate(split))) == 500
    network = train_backbone("supervised", x[split.pretrain], labels[split.pretrain], width=32, epochs=40, rng=rng)
    features = hidden_features(network, x)
    assert features.shape == (1797, 32)
    np.testing.assert_array_equal(
        network.predict(x), np.argmax(features @ network.coefs_[2] + network.intercepts_[2], axis=1)
    )
    subset = train_backbone("supervised_subset", x[split.pretrain], labels[split.pretrain], width=8, epochs=2, rng=rng)
    assert set(subset.classes_) == set(range(7))
    encoder = train_backbone("masked_ae", x[split.pretrain], labels[split.pretrain], width=64, epochs=60, rng=rng)
    masked = x[split.test] * (rng.random((100, 64)) < 0.5)
    restored = encoder.predict(masked)
    assert np.mean((restored - x[split.test]) ** 2) < 0.7 * np.mean((masked - x[split.test]) ** 2)
    assert train_backbone("raw", x, labels, width=8, epochs=1, rng=rng) is None
    with pytest.raises(ValueError, match="name: got 'vit'"):
        train_backbone("vit", x, labels, width=8, epochs=1, rng=rng)
    with pytest.raises(ValueError, match="sizes"):
        split_rows(10, [5, 5, 5], rng)


def test_files_of_features_are_checked(tmp_path):
    table = np.array([[0.5, 1.0, 0], [0.1, 0.2, 2]], np.float32)
    np.save(tmp_path / "train.npy", table)
    features, labels = read_features(tmp_path, "train", 3)
    np.testing.assert_array_equal(features, table[:, :2])
    assert list(labels) == [0, 2]
    for change, message in (((0, 0, np.nan), "not finite"), ((0, 2, 0.5), "labels from"), ((1, 2, 3.0), "labels from")):
        wrong = table.copy()
        wrong[change[:2]] = change[2]
        np.save(tmp_path / "val.npy", wrong)
        with pytest.raises(ValueError, match=message):
            read_features(tmp_path, "val", 3)
    np.save(tmp_path / "val.npy", table.astype(int))
    with pytest.raises(ValueError, match="expected floats"):
        read_features(tmp_path, "val", 3)
