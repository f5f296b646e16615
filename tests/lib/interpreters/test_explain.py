"""Explanations of classifiers, residual shares and deletions, where linear models tell the answer; peak memory."""

import numpy as np
import pytest
import torch
from torch import nn

from lib.bench.memory import peak_tensor_bytes
from lib.interpreters.classifying import RANKINGS, centred, deletion_drops, margins, residual_share
from lib.interpreters.explain import explain, read_photograph
from lib.interpreters.networks import classifier, randomise
from lib.interpreters.scope import linear_scope


def linear(classes=3, bias=True):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, classes, bias=bias)).double().eval()


def images(count, seed=1):
    return torch.rand((count, 1, 4, 4), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_linear_model_is_its_own_interpreter():
    model, image = linear(), images(1)
    told = explain(model, image, classes=3)
    np.testing.assert_allclose(told.agreement, 1)
    np.testing.assert_allclose(told.residual, model[1].bias.detach()[told.classes.tolist()])
    np.testing.assert_allclose(told.votes.sum((1, 2, 3)) + told.residual, told.logits)
    assert (np.diff(told.logits) <= 0).all()
    assert explain(linear(bias=False), image).share == 0
    with pytest.raises(ValueError, match="classes"):
        explain(model, image, classes=4)


def test_agreement_falls_with_the_distance_where_decisions_change():
    model = randomise(classifier("vgg"), 0).double().eval()
    told = explain(model, torch.rand(1, 1, 8, 8, dtype=torch.float64), distances=(1e-4, 1.0), changes=16)
    assert told.agreement[0] > 0.999
    assert told.agreement[1] < 0.99


def test_share_of_the_residual_does_not_see_a_constant():
    output, residual = np.array([[3.0, 1.0, -1.0]]), np.array([[2.0, 0.0, 1.0]])
    share = residual_share(output, residual)
    assert residual_share(output + 5, residual + 5) == pytest.approx(share)
    r, linear_part = np.array([1.0, -1.0, 0.0]), np.array([1.0, 1.0, -2.0])
    assert share == pytest.approx(np.sqrt(2) / (np.sqrt(2) + np.linalg.norm(linear_part)))
    np.testing.assert_allclose(centred(residual)[0], r)


def test_the_vote_is_the_best_deletion_of_a_linear_model_of_two_classes():
    model, batch, baseline = linear(2), images(5), 0.3
    labels = torch.tensor([0, 1, 0, 1, 1])
    with linear_scope(model) as scope:
        drops = deletion_drops(scope, model, batch, labels, baseline, 4, np.random.default_rng(0))
    weight = model[1].weight.detach()
    for k, (image, label) in enumerate(zip(batch, labels)):
        change = (weight[label] - weight[1 - label]) * (image.flatten() - baseline)
        assert drops[RANKINGS.index("vote"), k] == pytest.approx(float(change.topk(4).values.sum()))
    assert (drops[0] >= drops[1:] - 1e-12).all()


def test_margins():
    logits = torch.tensor([[1.0, 4.0, 2.0], [0.0, -1.0, 3.0]])
    assert margins(logits, torch.tensor([1, 0])).tolist() == [2.0, -3.0]


def test_peak_memory_of_a_chain_and_of_its_graph():
    x, size = torch.ones(1000), 4000

    def chain(x, steps=6):
        for _ in range(steps):
            x = torch.sin(x)
        return x

    with torch.no_grad():
        assert peak_tensor_bytes(lambda: chain(x)) == 2 * size
    assert peak_tensor_bytes(lambda: chain(x.clone().requires_grad_())) >= 6 * size
    assert peak_tensor_bytes(lambda: x.view(10, 100)[:5]) == 0


def test_photographs_are_read_square(tmp_path):
    from PIL import Image

    Image.fromarray(np.full((10, 30, 3), 128, np.uint8)).save(tmp_path / "a.png")
    image = read_photograph(tmp_path / "a.png", 8)
    assert image.shape == (1, 3, 8, 8)
    torch.testing.assert_close(image, torch.full_like(image, 128 / 255))
    (tmp_path / "b.png").write_text("no image")
    with pytest.raises(ValueError, match="not an image"):
        read_photograph(tmp_path / "b.png", 8)
