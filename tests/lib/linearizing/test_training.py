"""Fine-tuning on packed rows: its losses, its rates, and that an interrupted run goes on to the same bits."""

import numpy as np
import pytest
import torch

from lib.atlas.job.checkpoint import Checkpoint
from lib.linearizing import training
from lib.linearizing.adapters import add_adapters, trainable_parameters
from lib.linearizing.convert import linearize, new_parameters
from lib.linearizing.training import fine_tune, mean_loss, next_token_loss
from tests.lib.linearizing.models import tiny, tokens

OPTIONS = {"epochs": 2, "batch": 4, "every": 3, "learning_rate": 0.01}


def adapted(**options):
    """A linearized model with adapters."""
    return add_adapters(linearize(tiny(), window=5, **options))


def test_losses_are_those_of_transformers():
    model, x = tiny(), tokens(3, 20)
    torch.testing.assert_close(next_token_loss(model, x), model(x, labels=x).loss)
    assert mean_loss(model, x, 2) == pytest.approx(model(x, labels=x).loss.item(), rel=1e-6)


def test_training_lowers_the_loss_on_what_repeats():
    rows = tokens(1, 16).repeat(16, 1)
    model = adapted()
    result = fine_tune(model, rows, rows[:2], **OPTIONS | {"epochs": 8})
    assert result["loss"].shape == (32,)
    assert result["evaluated"].tolist() == [0, *range(3, 32, 3), 32]
    assert result["held_out_loss"].shape == result["evaluated"].shape
    assert result["held_out_loss"][-1] < result["held_out_loss"][0] - 0.1
    assert result["held_out_loss"][-1] == pytest.approx(mean_loss(model, rows[:2]))
    assert not model.training


def test_parts_of_a_batch_are_the_batch():
    rows = tokens(8, 16)
    results = [fine_tune(adapted(), rows, rows[:2], **OPTIONS, parts=parts) for parts in (1, 4)]
    np.testing.assert_allclose(results[0]["loss"], results[1]["loss"], rtol=1e-4)


def test_every_row_comes_once_in_an_epoch():
    orders = [torch.cat([training._batch(3 * epoch + i, 12, 4, 0) for i in range(3)]).tolist() for epoch in range(2)]
    assert all(sorted(order) == list(range(12)) for order in orders)
    assert orders[0] != orders[1]
    assert training._batch(0, 12, 4, 0).tolist() != training._batch(0, 12, 4, 1).tolist()


def test_new_parameters_have_their_own_rate():
    rows = tokens(4, 16)
    model = adapted(gate_source="projection")
    new = new_parameters(model)
    before = [parameter.clone() for parameter in new]
    fine_tune(model, rows, rows, **OPTIONS, new=new, new_rate=0.0)
    assert all(torch.equal(a, b) for a, b in zip(before, new))
    lora = [value for name, value in trainable_parameters(model).items() if "lora_B" in name]
    assert all(value.abs().max() > 0 for value in lora)


def test_the_rate_falls_when_the_loss_does_not(monkeypatch):
    """Losses that never fall: after `patience` evaluations the rate is a tenth, down to the floor."""
    seen = []
    monkeypatch.setattr(training, "mean_loss", lambda *_: 1.0)
    step = training.AdamW.step
    monkeypatch.setattr(training.AdamW, "step", lambda self: (seen.append(self.param_groups[0]["lr"]), step(self))[1])
    rows = tokens(4, 8)
    fine_tune(adapted(), rows, rows, **OPTIONS | {"epochs": 9, "every": 1}, patience=1, floor=1e-4)
    np.testing.assert_allclose(seen, [1e-2] * 3 + [1e-3] * 2 + [1e-4] * 4)


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_plateaus_are_those_of_torch(patience):
    losses = np.random.default_rng(patience).normal(5, 1, 60) - np.linspace(0, 2, 60)
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=patience, eps=0.0)
    for count in range(60):
        schedule.step(losses[count])
        rate = optimiser.param_groups[0]["lr"]
        assert rate == 0.5 ** training.count_plateaus(losses[: count + 1], patience)
    assert rate < 0.1


class Killed(Exception):
    """The end of a run that is interrupted."""


@pytest.mark.parametrize("stop", [1, 3])
def test_an_interrupted_run_ends_with_the_same_bits(stop, tmp_path, monkeypatch):
    rows = tokens(8, 16)
    whole = adapted()
    expected = fine_tune(whole, rows, rows[:2], **OPTIONS | {"every": 1}, patience=0)
    steps = []
    clip = torch.nn.utils.clip_grad_norm_

    def interrupt(*arguments):
        steps.append(len(steps))
        if len(steps) == stop + 1:
            raise Killed
        return clip(*arguments)

    checkpoint = Checkpoint(tmp_path / "state.zarr.zip", {}, every=0.0)
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", interrupt)
    with pytest.raises(Killed):
        fine_tune(adapted(), rows, rows[:2], **OPTIONS | {"every": 1}, patience=0, checkpoint=checkpoint)
    again = adapted()
    result = fine_tune(again, rows, rows[:2], **OPTIONS | {"every": 1}, patience=0, checkpoint=checkpoint)
    assert len(steps) == 1 + len(expected["loss"])
    assert all(np.array_equal(result[name], expected[name]) for name in expected)
    pairs = zip(trainable_parameters(again).values(), trainable_parameters(whole).values())
    assert all(torch.equal(a, b) for a, b in pairs)


def test_gradient_checkpointing_gives_the_same_gradients():
    """Activations computed again, as at the paper's scale; the layers' mask and settings go along."""
    x, gradients = tokens(), []
    for again in (False, True):
        model = adapted().train()
        if again:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        next_token_loss(model, x).backward()
        gradients.append([value.grad for value in trainable_parameters(model).values()])
    assert all(torch.allclose(a, b, atol=1e-7) for a, b in zip(*gradients))
    assert any(gradient.any() for gradient in gradients[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"batch": 9}, "rows: got 8"), ({"epochs": 0}, "rows: got 8"), ({"parts": 3}, "parts: got 3")],
)
def test_refusals(options, message):
    rows = tokens(8, 16)
    with pytest.raises(ValueError, match=message):
        fine_tune(adapted(), rows, rows, **OPTIONS | options)


def test_a_loss_that_is_not_finite_is_an_error():
    rows, model = tokens(8, 16), adapted()
    with torch.no_grad():
        model.get_output_embeddings().weight.fill_(torch.nan)
    with pytest.raises(ValueError, match="fine-tuning: got the loss nan at step 0"):
        fine_tune(model, rows, rows, **OPTIONS)
