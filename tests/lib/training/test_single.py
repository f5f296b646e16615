"""Training of single modules: against torch's own AdamW, with groups, and interrupted."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from lib.training.loop import rate
from lib.training.single import train_parameters


def problem(seed: int = 0):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1))
    stream = np.random.default_rng(seed)

    def loss(step: int) -> torch.Tensor:
        x = torch.from_numpy(stream.standard_normal((8, 4))).float()
        return (model(x)[:, 0] - 3 * x.sum(1)).square().mean()

    return model, stream, loss


def test_steps_are_those_of_torch():
    model, stream, loss = problem()
    trace = train_parameters(
        [(list(model[0].parameters()), 0.01), (list(model[2].parameters()), 0.1), ([], 1.0)], loss, steps=12, warmup=3,
        clip=0.5, weight_decay=0.1, streams=[stream],
    )  # fmt: skip
    other, _, loss = problem()
    optimiser = torch.optim.AdamW(
        [{"params": other[0].parameters(), "lr": 0.01}, {"params": other[2].parameters(), "lr": 0.1}],
        betas=(0.9, 0.95), weight_decay=0.1,
    )  # fmt: skip
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step, 12, 3))
    expected = []
    for step in range(12):
        optimiser.zero_grad()
        value = loss(step)
        value.backward()
        torch.nn.utils.clip_grad_norm_(other.parameters(), 0.5)
        optimiser.step()
        schedule.step()
        expected.append(value.item())
    np.testing.assert_allclose(trace, expected, rtol=1e-5)
    for own, theirs in zip(model.parameters(), other.parameters()):
        torch.testing.assert_close(own, theirs, rtol=1e-5, atol=1e-6)


def test_parts_have_their_mean_gradient():
    fixed = torch.randn(2, 8, 4)
    ends = []
    for parts in (1, 2):
        model, _, _ = problem()
        calls = itertools.count()

        def loss(step: int, model=model, parts=parts, calls=calls) -> torch.Tensor:
            x = fixed.flatten(0, 1) if parts == 1 else fixed[next(calls) % 2]
            return (model(x)[:, 0] - x.sum(1)).square().mean()

        train_parameters([(list(model.parameters()), 0.01)], loss, steps=3, parts=parts)
        ends.append(torch.cat([p.flatten() for p in model.parameters()]))
    torch.testing.assert_close(*ends, rtol=1e-4, atol=1e-5)


class Stops:
    """A checkpoint in memory whose second save interrupts."""

    def __init__(self):
        self.state, self.saves = None, 0

    def load(self):
        return self.state

    def save_if_due(self, state) -> bool:
        self.state, self.saves = {key: np.array(value) for key, value in state().items()}, self.saves + 1
        if self.saves == 2:
            raise KeyboardInterrupt
        return True


def test_an_interrupted_training_ends_alike(monkeypatch):
    monkeypatch.setattr("lib.training.single.LEAST_BETWEEN_SAVES", 0)
    model, stream, loss = problem()
    expected = train_parameters([(list(model.parameters()), 0.01)], loss, steps=6, streams=[stream])
    checkpoint = Stops()
    other, stream, loss = problem()
    with pytest.raises(KeyboardInterrupt):
        train_parameters([(list(other.parameters()), 0.01)], loss, steps=6, streams=[stream], checkpoint=checkpoint)
    other, stream, loss = problem(1)  # other weights and stream, which the checkpoint replaces
    trace = train_parameters([(list(other.parameters()), 0.01)], loss, steps=6, streams=[stream], checkpoint=checkpoint)
    np.testing.assert_array_equal(trace, expected)
    for own, theirs in zip(model.parameters(), other.parameters()):
        torch.testing.assert_close(own, theirs, rtol=0, atol=0)


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(ValueError, match="groups"):
        train_parameters([([], 0.1)], lambda step: torch.zeros(()), steps=1)
    model, _, _ = problem()
    with pytest.raises(ValueError, match="step 0"):
        train_parameters(
            [(list(model.parameters()), 0.1)], lambda step: torch.nan * model(torch.ones(1, 4)).sum(), steps=1
        )
