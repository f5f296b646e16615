"""Heads, stacked fine-tuning and adapters against scikit-learn, plain PyTorch and closed forms."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

from lib.language.encoders import Encoder
from lib.probing.fine_tuning import batch_orders, feature_change, features_of, fine_tune, fisher_ratio
from lib.probing.heads import (
    Head,
    descend_cross_entropy,
    descend_squares,
    least_squares_norm,
    penalised_norms,
    probe_head,
    random_head,
)
from lib.probing.pipeline import noisy_labels
from lib.training.low_rank import draw_adapters, merge_adapters
from lib.training.stacked import generators


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return Encoder(20, 5, 8, 2, 2).eval()


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    tokens, labels = rng.integers(20, size=(2, 24, 5)), rng.integers(3, size=(2, 24))
    heads = rng.standard_normal((2, 3, 8))
    orders = np.stack([batch_orders(24, 2, np.random.default_rng(seed)) for seed in (1, 2)])
    return heads, np.zeros((2, 3)), tokens, labels, orders


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(3)
    labels = np.arange(60) % 3
    return rng.standard_normal((60, 4)) + np.eye(3, 4)[labels], labels


def test_a_stack_trains_as_each_run_alone(encoder, data):
    together = fine_tune(encoder, *data, learning_rate=1e-2, batch=10)
    for run in range(2):
        alone = fine_tune(encoder, *(part[run : run + 1] for part in data), learning_rate=1e-2, batch=10)
        np.testing.assert_allclose(together.losses[:, run], alone.losses[:, 0], rtol=2e-4)
        for name, value in alone.weights.items():
            torch.testing.assert_close(together.weights[name][run], value[0], rtol=1e-3, atol=2e-4)


def test_a_run_is_that_of_torch(encoder, data):
    """torch.optim.AdamW on a plain copy with the same batches and a linear decay."""
    heads, biases, tokens, labels, orders = (part[:1] for part in data)
    tuned = fine_tune(encoder, heads, biases, tokens, labels, orders, learning_rate=1e-2, batch=10)
    torch.manual_seed(0)
    copy, head = Encoder(20, 5, 8, 2, 2), torch.nn.Linear(8, 3)
    copy.load_state_dict(encoder.state_dict())
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(heads[0]))
        head.bias.zero_()
    optimiser = torch.optim.AdamW([*copy.parameters(), *head.parameters()], lr=1e-2, weight_decay=0)
    x, y = torch.from_numpy(tokens[0]), torch.from_numpy(labels[0])
    batches = [part for epoch in torch.from_numpy(orders[0]) for part in epoch.split(10)]
    for step, rows in enumerate(batches):
        optimiser.param_groups[0]["lr"] = 1e-2 * (1 - step / len(batches))
        loss = torch.nn.functional.cross_entropy(head(copy(x[rows])), y[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        assert tuned.losses[step, 0] == pytest.approx(loss.item(), rel=1e-3)


def test_a_rate_of_zero_leaves_the_probed_model(encoder, data):
    tuned = fine_tune(encoder, *data, learning_rate=0.0, batch=10)
    for name, value in encoder.named_parameters():
        assert torch.equal(tuned.weights[name], value.detach().expand(2, *value.shape))
    assert np.array_equal(tuned.heads.numpy(), data[0].astype(np.float32))


def test_adapters_start_as_the_encoder_and_change_their_layers_alone(encoder, data):
    adapters = draw_adapters(encoder, ("query", "value"), 2, generators([0, 1]))
    base = {name: value.detach() for name, value in encoder.named_parameters()}
    merged = merge_adapters(base, adapters, 1.0)
    assert all(
        torch.equal(merged[name].expand(2, *value.shape), value.expand(2, *value.shape)) for name, value in base.items()
    )
    tuned = fine_tune(encoder, *data, learning_rate=1e-2, batch=10, adapters=adapters)
    moved = {name for name, value in base.items() if not torch.equal(tuned.weights[name][0], value)}
    assert moved == {f"blocks.{i}.{part}.weight" for i in (0, 1) for part in ("query", "value")}
    change = tuned.weights["blocks.0.query.weight"][0] - base["blocks.0.query.weight"]
    assert torch.linalg.matrix_rank(change, rtol=1e-4) == 2


def test_adapters_start_with_the_library_s_variance():
    adapters = draw_adapters(torch.nn.ModuleDict({"query": torch.nn.Linear(400, 3)}), ("query",), 50, generators([0]))
    down = adapters["query"].down
    assert float(down.detach().var()) == pytest.approx(1 / 1200, rel=0.05)
    with pytest.raises(ValueError, match="expected names of linear layers"):
        draw_adapters(torch.nn.Linear(2, 2), ("key",), 1, generators([0]))


def test_features_under_other_weights(encoder, data):
    plain = features_of(encoder, data[2][0])
    doubled = {name: value.detach() for name, value in encoder.named_parameters()}
    doubled["norm.weight"] = 2 * doubled["norm.weight"]
    np.testing.assert_allclose(features_of(encoder, data[2][0], doubled), 2 * plain, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(plain, encoder.all_tokens(torch.from_numpy(data[2][0]))[:, -1].detach(), atol=1e-5)


def test_changes_of_known_features():
    before = np.array([[3.0, 4.0], [1.0, 0.0]])
    change, cosine = feature_change(before, 2 * before)
    assert (change, cosine) == (3.0, pytest.approx(1))
    assert fisher_ratio(np.array([[0.0], [2.0], [10.0], [12.0]]), np.array([0, 0, 1, 1])) == pytest.approx(25)


def test_training_that_diverges_is_an_error(encoder, data):
    heads = data[0] * np.nan
    with pytest.raises(ValueError, match="expected finite ones"):
        fine_tune(encoder, heads, *data[1:], learning_rate=1e-2, batch=10)
    with pytest.raises(ValueError, match="training mode"):
        fine_tune(Encoder(20, 5, 8, 1, 2), *data, learning_rate=1e-2, batch=10)


def cross_validated(x, labels):
    """scikit-learn's own defaults, spelt out where a coming version changes them."""
    options = {"scoring": "accuracy", "l1_ratios": (0.0,), "use_legacy_attributes": False}
    return LogisticRegressionCV(max_iter=5000, cv=5, **options).fit(x, labels)


def test_padded_embeddings_are_refused(data):
    padded = Encoder(20, 5, 8, 1, 2)
    padded.embedding = torch.nn.Embedding(20, 8, padding_idx=1)
    with pytest.raises(ValueError, match="padding_idx"):
        fine_tune(padded.eval(), *data, learning_rate=1e-2, batch=10)


def test_a_probed_head_is_that_of_scikit_learn(features):
    x, labels = features
    model = cross_validated(x, labels)
    head = probe_head(x, labels)
    np.testing.assert_allclose(head.scores(x), model.decision_function(x), atol=1e-8)
    assert head.strength == np.atleast_1d(model.C_)[0]


def test_of_two_classes_the_difference_is_the_decision_function(features):
    x, labels = features[0], features[1] % 2
    model = cross_validated(x, labels)
    scores = probe_head(x, labels).scores(x)
    np.testing.assert_allclose(scores[:, 1] - scores[:, 0], model.decision_function(x), atol=1e-8)


def test_one_class_is_refused(features):
    with pytest.raises(ValueError, match="C at least 2"):
        probe_head(features[0], np.zeros(60, int))
    with pytest.raises(ValueError, match="expected each of"):
        probe_head(features[0], np.where(features[1] == 1, 2, features[1]))


def test_norms_along_the_penalty_are_those_of_scikit_learn(features):
    x, labels = features
    norms = penalised_norms(x, labels, [0.1, 10.0])
    expected = [
        np.linalg.norm(LogisticRegression(C=C, tol=1e-8, max_iter=5000).fit(x, labels).coef_) for C in (0.1, 10.0)
    ]
    np.testing.assert_allclose(norms, expected, rtol=1e-3)


def test_descents_from_zero(features):
    x, labels = features
    ones = np.column_stack([x, np.ones(60)])
    top = np.linalg.eigvalsh(ones.T @ ones / 60)[-1]
    entropy, squares = np.zeros((5, 3)), np.zeros((5, 3))
    for _ in range(50):
        scores = np.exp(ones @ entropy)
        entropy -= 2 / top / 60 * ones.T @ (scores / scores.sum(1, keepdims=True) - np.eye(3)[labels])
        squares -= 1 / top / 60 * ones.T @ (ones @ squares - np.eye(3)[labels])
    assert descend_cross_entropy(x[None], labels[None], [50])[0, 0] == pytest.approx(np.linalg.norm(entropy[:-1]))
    assert descend_squares(x[None], labels[None], [50])[0, 0] == pytest.approx(np.linalg.norm(squares[:-1]))
    solved = np.linalg.lstsq(ones, np.eye(3)[labels], rcond=None)[0]
    assert least_squares_norm(x, labels) == pytest.approx(np.linalg.norm(solved[:-1]))
    assert descend_squares(x[None], labels[None], [10**6])[0, 0] == pytest.approx(least_squares_norm(x, labels))


def test_scaled_heads_predict_the_same():
    head = random_head(3, 8, np.random.default_rng(0))
    assert head.norm() == pytest.approx(0.02 * np.sqrt(24), rel=0.4)
    x = np.random.default_rng(1).standard_normal((5, 8))
    assert np.array_equal(head.scaled(10).scores(x).argmax(1), head.scores(x).argmax(1))
    assert head.scaled(10).norm() == pytest.approx(10 * head.norm())
    assert isinstance(head.scaled(2), Head)


def test_noise_replaces_a_share_of_labels():
    labels = np.arange(9000) % 3
    changed = [np.mean(noisy_labels(labels, q, 3, np.random.default_rng(0)) != labels) for q in (0.0, 0.5, 1.0)]
    assert changed[0] == 0
    np.testing.assert_allclose(changed[1:], [1 / 3, 2 / 3], atol=0.02)
