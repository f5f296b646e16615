"""The comparison of heads: what tuning sees, what a linear probe can tell; pretraining and tuning of backbones."""

import numpy as np
import pytest
import torch
from torch import nn

from lib.probing import moments, pretraining, suite, textures, tokens, tuning

HEADS = (
    *suite.LINEAR, *suite.CONVERGED, *suite.VARIANTS, *suite.COVARIANCES, "perceptron", "two moments",
    "characteristic function",
)  # fmt: skip


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    labels = torch.from_numpy(np.stack([textures.balanced_labels(3, 60, rng) for _ in range(2)]))
    x = torch.from_numpy(rng.normal(size=(2, 60, 7, 10))).float()
    return x + labels[..., None, None], labels


RECIPE = suite.Recipe(64, "contiguous", (1e-2, 3e-2), 6, 20)


@pytest.mark.parametrize("name", HEADS)
def test_every_head_learns_what_is_easy(data, name):
    choice = suite.tune_head(name, data[0][0], data[1][0], 3, RECIPE, 0)
    result = suite.train_head(name, choice, data, data, 3, RECIPE, [0, 1])
    assert result.accuracy.shape == (2,)
    assert result.accuracy.min() > 0.6
    assert result.predict(data[0]).shape == (2, 60)
    if name not in suite.CONVERGED:
        built = suite.head_builder(name, 10, 3, RECIPE)()
        assert result.parameters == moments.count_trainable(built)


def test_heads_of_equal_size():
    sizes = {
        name: moments.count_trainable(suite.head_builder(name, 64, 30, suite.Recipe(128, "contiguous", (1e-3,), 1))())
        for name in ("mp", "perceptron", "covariance, equal parameters", "covariance, equal features", "covariance")
    }
    assert abs(sizes["perceptron"] / sizes["mp"] - 1) < 0.01
    assert 0.9 < sizes["covariance, equal parameters"] / sizes["mp"] <= 1
    assert sizes["covariance"] > 10 * sizes["mp"]
    with pytest.raises(ValueError, match="head"):
        suite.head_builder("third moment", 64, 30, RECIPE)


def test_tuning_does_not_fit_what_it_validates(data, monkeypatch):
    seen = []
    original = suite.fit_heads
    monkeypatch.setattr(
        suite, "fit_heads", lambda build, x, *a, **k: seen.append(x.shape) or original(build, x, *a, **k)
    )
    suite.tune_head("mp", data[0][0], data[1][0], 3, RECIPE, 0)
    assert [shape[1] for shape in seen] == [48]
    fit, held = suite.split_validation(60, 0)
    assert sorted([*fit, *held]) == list(range(60))


def test_tuning_takes_the_rate_that_validates_best(data):
    recipe = RECIPE._replace(rates=(1e-9, 3e-2))
    assert suite.tune_head("mp", data[0][0], data[1][0], 3, recipe, 0).rate == 3e-2
    choices = {"cls": suite.Choice(1, 1, 0.5), "lbfgs gap": suite.Choice(1, 1, 0.7), "mp": suite.Choice(1, 1, 0.9)}
    assert suite.best_linear(choices) == "lbfgs gap"


def test_standardised_tokens_and_affine_maps_of_them(data):
    x = data[0].double()
    scale, shift = torch.rand(10).double() + 0.5, torch.randn(10).double()
    standard = suite.standardiser(x)(x)
    assert standard[:, :, 1:].mean((1, 2)).abs().max() < 1e-10
    torch.testing.assert_close(standard[:, :, 0].std(1), torch.ones(2, 10).double(), atol=5e-3, rtol=0)
    changed = x * scale + shift
    torch.testing.assert_close(suite.standardiser(changed)(changed), standard, atol=1e-2, rtol=1e-2)


def test_linear_probes_are_blind_to_covariance_and_moment_heads_are_not():
    rng = np.random.default_rng(1)
    splits = textures.gaussian_token_set(2, 24, 8, [400, 400], rng)
    fit, held = ([torch.from_numpy(x)[None], torch.from_numpy(y)[None]] for x, y in splits)
    recipe = RECIPE._replace(epochs=8)
    score = {
        name: suite.train_head(name, suite.Choice(0.01, 0.5, 0), fit, held, 2, recipe, [0]).accuracy[0]
        for name in ("cls+gap", "lbfgs cls+gap", "perceptron", "mp", "two moments")
    }
    assert max(score[name] for name in ("cls+gap", "lbfgs cls+gap", "perceptron")) < 0.6
    assert min(score["mp"], score["two moments"]) > 0.85


def test_pretraining_learns_and_weights_come_back():
    for kind in ("vit", "cnn", "mae"):
        backbone, losses = pretraining.pretrain(kind, 8, 3, 60, 0)
        assert losses[-5:].mean() < 0.9 * losses[:5].mean()
        again = pretraining.load_weights(pretraining.build_backbone(kind, 8), pretraining.weights(backbone))
        images = torch.randn(3, 1, 8, 8)
        torch.testing.assert_close(again(images), backbone(images))
        assert moments.count_trainable(again) == 0
    with pytest.raises(ValueError, match="numbers"):
        pretraining.load_weights(pretraining.build_backbone("vit", 8), np.zeros(3))
    with pytest.raises(ValueError, match="kind"):
        pretraining.build_backbone("rnn", 8)


def test_tokens_of_an_image_set_do_not_depend_on_chunks(monkeypatch):
    backbone = pretraining.build_backbone("vit", 8).eval()
    whole = tokens.image_tokens(backbone, "textures", 60, 30, 8, np.random.default_rng(0))
    monkeypatch.setattr(pretraining, "CHUNK", 7)
    parts = tokens.image_tokens(backbone, "textures", 60, 30, 8, np.random.default_rng(0))
    torch.testing.assert_close(whole[0][0], parts[0][0], atol=1e-5, rtol=1e-4)
    assert whole[1][0].shape == (30, 5, 64)
    assert whole[2].shape == (30, 1, 8, 8)


@pytest.mark.parametrize("method", tuning.METHODS)
def test_a_method_changes_what_it_trains_and_nothing_else(method):
    torch.manual_seed(0)
    backbone = pretraining.build_backbone("vit", 8)
    model = tuning.prepare(
        method, backbone, 64, 3, 4, **({"hidden": 32} if tuning.METHODS[method][0] == "moment" else {})
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(12, 1, 8, 8)).astype(np.float32), np.arange(12) % 3
    losses = tuning.tune(model, images, labels, 4, 1e-2, rng, 6)
    assert losses.shape == (4,)
    free = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed <= free
    assert len(changed) > 0.9 * len(free)
    assert any(name.startswith("head") for name in changed)
    if method in ("lp", "mp"):
        assert not any(name.startswith("backbone") for name in changed)


def test_a_method_that_is_not_known():
    with pytest.raises(ValueError, match="method"):
        tuning.prepare("adapter", nn.Linear(2, 2), 64, 3)


def test_a_loss_that_is_not_finite_stops_the_training():
    layer = nn.Linear(1, 1)
    with pytest.raises(ValueError, match="finite"):
        pretraining.train_module(layer, lambda step: layer.weight.sum() * float("nan"), 2, 0.1)
