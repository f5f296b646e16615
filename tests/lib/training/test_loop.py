"""Curricula, gradients in parts and held-out losses of the training loop."""

import numpy as np
import pytest
import torch
from torch import nn

from lib.language.models import transnormer
from lib.training.loop import adamw, grow, held_out_loss, language_loss, rate, train
from lib.training.stacked import StackedLinear, generators


class Bigram(nn.Module):
    """Logits of the next token from the current one, for a stack of models."""

    def __init__(self, vocabulary: int, seeds: list[int]):
        super().__init__()
        self.vocabulary = vocabulary
        self.table = StackedLinear(vocabulary, vocabulary, generators(seeds))

    def forward(self, tokens):
        return self.table(nn.functional.one_hot(tokens, self.vocabulary).float())


def test_sizes_grow_to_their_end_and_stay():
    sizes = [grow(step, 100, 4, 64, 0.4) for step in (0, 20, 40, 99)]
    assert sizes == [4, 34, 64, 64]


def test_a_step_in_parts_is_a_step_on_the_whole_batch():
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 5, (2, 8, 7)))
    whole, parted = Bigram(5, [0, 1]), Bigram(5, [0, 1])
    options = {"steps": 3, "learning_rate": 0.1, "warmup": 1}
    losses = train(whole, lambda step: language_loss(whole, tokens), **options)
    parts = iter(range(100))

    def loss(step):
        start = 2 * (next(parts) % 4)
        return language_loss(parted, tokens[:, start : start + 2])

    np.testing.assert_allclose(train(parted, loss, parts=4, **options), losses, rtol=1e-5)
    torch.testing.assert_close(parted.table.weight, whole.table.weight, rtol=1e-4, atol=1e-6)


def test_held_out_losses_do_not_depend_on_the_batch():
    windows = torch.from_numpy(np.random.default_rng(0).integers(0, 5, (10, 7)))
    model = Bigram(5, [0, 1])
    together = language_loss(model, windows.expand(2, -1, -1)).detach().numpy()
    for batch in (1, 3, 10):
        np.testing.assert_allclose(held_out_loss(model, windows, batch), together, rtol=1e-6)


def test_each_model_has_a_learning_rate_of_its_own():
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 5, (2, 8, 7)))
    together = Bigram(5, [0, 1])
    losses = train(together, lambda step: language_loss(together, tokens), steps=5, learning_rate=[0.1, 0.02], warmup=2)
    for i, speed in enumerate((0.1, 0.02)):
        alone = Bigram(5, [i])
        model, one = alone, tokens[i : i + 1]
        trace = train(model, lambda step: language_loss(model, one), steps=5, learning_rate=speed, warmup=2)  # noqa: B023
        np.testing.assert_allclose(losses[:, i], trace[:, 0], rtol=1e-5)
        torch.testing.assert_close(together.table.weight[i], alone.table.weight[0], rtol=1e-4, atol=1e-6)


def test_a_loss_in_slices_and_layers_computed_again_have_the_same_gradients():
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 11, (2, 3, 14)))
    gradients, losses = [], []
    for slices, recompute in ((None, False), (5, True)):
        model = transnormer(11, 8, 2, 2, generators([0, 1]))
        model.recompute = recompute
        loss = language_loss(model, tokens, slices)
        loss.sum().backward()
        losses.append(loss.detach())
        gradients.append([parameter.grad for parameter in model.parameters()])
    torch.testing.assert_close(*losses)
    for first, second in zip(*gradients):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)


def test_steps_are_those_of_torch():
    models, optimisers = [Bigram(5, [0, 1]) for _ in range(2)], []
    unused = nn.Parameter(torch.ones(2, 3))
    for model in models:
        model.unused = unused
    optimisers.append(adamw(models[0], 0.1, weight_decay=0.3))
    optimisers.append(torch.optim.AdamW(models[1].parameters(), 0.1, betas=(0.9, 0.95), weight_decay=0.3, fused=True))
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 5, (2, 8, 7)))
    for step in range(4):
        for model, optimiser in zip(models, optimisers):
            optimiser.param_groups[0]["lr"] = 0.1 / (1 + step)
            optimiser.zero_grad()
            language_loss(model, tokens).sum().backward()
            optimiser.step()
        assert torch.equal(models[0].table.weight, models[1].table.weight)
    assert torch.equal(unused, torch.ones(2, 3))


def test_a_linear_decay_ends_one_step_before_its_floor():
    factors = [rate(step, 10, 2, "linear", floor=0.0) for step in range(10)]
    np.testing.assert_allclose(factors, [0.5, 1, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125])
    assert rate(10, 10, 0, "linear", floor=0.3) == pytest.approx(0.3)
