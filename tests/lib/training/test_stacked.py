"""Stacked models train as if each were alone; schedules; losses."""

import numpy as np
import pytest
import torch
from torch import nn

from lib.language.models import transnormer
from lib.training import loop
from lib.training.stacked import StackedEmbedding, StackedLinear, StackedRMSNorm, count_parameters, generators


def run(seeds, **options):
    model = transnormer(7, 8, 1, 2, generators(seeds)).double()
    rngs = [np.random.default_rng(seed) for seed in seeds]

    def loss(step):
        tokens = torch.from_numpy(np.stack([rng.integers(0, 7, (4, 13)) for rng in rngs]))
        return loop.language_loss(model, tokens)

    return loop.train(model, loss, steps=12, learning_rate=1e-2, warmup=3, **options), model


def test_a_stack_is_its_members_alone():
    together, model = run([3, 5], clip=0.3)
    for place, seed in enumerate([3, 5]):
        alone, single = run([seed], clip=0.3)
        np.testing.assert_allclose(together[:, place], alone[:, 0], rtol=1e-10)
        for a, b in zip(model.parameters(), single.parameters()):
            torch.testing.assert_close(a[place], b[0], rtol=1e-8, atol=1e-10)


def test_one_step_is_that_of_pytorch_on_plain_modules():
    linear = StackedLinear(3, 2, generators([0]), bias=True)
    plain = nn.Linear(3, 2)
    with torch.no_grad():
        plain.weight.copy_(linear.weight[0].T)
        plain.bias.copy_(linear.bias[0, 0])
    x, y = torch.randn(1, 5, 3), torch.randn(1, 5, 2)
    losses = loop.train(
        linear,
        lambda step: (linear(x) - y).square().mean((1, 2)),
        steps=3,
        learning_rate=0.1,
        warmup=0,
        decay="constant",
        weight_decay=0.1,
        clip=0.5,
    )
    optimiser = torch.optim.AdamW(plain.parameters(), lr=0.1, betas=(0.9, 0.95), weight_decay=0.1)
    for step in range(3):
        optimiser.zero_grad()
        loss = (plain(x[0]) - y[0]).square().mean()
        loss.backward()
        nn.utils.clip_grad_norm_(plain.parameters(), 0.5)
        optimiser.step()
        assert losses[step, 0] == pytest.approx(loss.item(), rel=1e-5)
    torch.testing.assert_close(linear.weight[0].T, plain.weight, rtol=1e-5, atol=1e-6)


def test_parameters_may_be_free_of_decay():
    linear = StackedLinear(2, 2, generators([0]), bias=True)
    linear.bias.no_weight_decay = True
    groups = loop.adamw(linear, 0.1, weight_decay=0.3).param_groups
    assert [(group["weight_decay"], len(group["params"])) for group in groups] == [(0.3, 1), (0.0, 1)]


def test_layers_of_each_model_use_its_own_weights():
    sources = generators([0, 1])
    table, norm = StackedEmbedding(5, 3, sources), StackedRMSNorm(3, 2)
    index = torch.tensor([[0, 4], [1, 1]])
    torch.testing.assert_close(table(index)[1, 0], table.weight[1, 1])
    torch.testing.assert_close(table(index)[0, 1], table.weight[0, 4])
    x = torch.randn(2, 4, 3)
    plain = nn.RMSNorm(3, eps=1e-6)
    torch.testing.assert_close(norm(x), plain(x))
    assert count_parameters(table) == 15


def test_rates():
    assert [loop.rate(step, 100, 4) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert loop.rate(99, 100, 4) == pytest.approx(0.1)
    assert loop.rate(52 - 1, 100, 4) == pytest.approx(0.55)
    assert loop.rate(49, 100, 0, "linear_half") == 1.0
    assert loop.rate(75, 100, 0, "linear_half") == pytest.approx(0.5)
    assert loop.rate(99, 100, 0, "constant") == 1.0
    with pytest.raises(ValueError, match="decay"):
        loop.rate(0, 10, 1, "other")


def test_losses_are_means_over_counted_targets():
    logits = torch.randn(2, 3, 4, 5)
    targets = torch.randint(5, (2, 3, 4))
    targets[1, :2] = -100
    losses = loop.token_losses(logits, targets)
    expected = nn.functional.cross_entropy(logits[1, 2], targets[1, 2])
    assert losses[1] == pytest.approx(expected.item(), rel=1e-5)


def test_a_loss_that_is_not_finite_ends_training():
    linear = StackedLinear(2, 2, generators([0]))
    with pytest.raises(ValueError, match="expected finite"):
        loop.train(linear, lambda step: linear.weight.sum((1, 2)) * torch.nan, steps=1, learning_rate=0.1)
