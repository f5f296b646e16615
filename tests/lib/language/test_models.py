"""Language models: causality, decoding, equal forms, equal sizes."""

import pytest
import torch

from lib.language import models
from lib.training.stacked import count_parameters, generators


def build(name, seeds=(0, 1), dtype=torch.float64):
    sources = generators(seeds)
    if name == "softmax":
        return models.transformer(11, 12, 2, 3, sources, 8).to(dtype)
    return models.transnormer(11, 12, 2, 3, sources, name, chunk_size=8).to(dtype)


def text(models_, batch, length):
    return torch.randint(11, (models_, batch, length), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("name", ["chunked", "quadratic", "softmax"])
def test_logits_do_not_see_the_future_and_decoding_repeats_them(name):
    model, tokens = build(name), text(2, 3, 21)
    with torch.no_grad():
        logits = model(tokens)
        assert logits.shape == (2, 3, 21, 11)
        changed = tokens.clone()
        changed[..., 13:] = (changed[..., 13:] + 1) % 11
        torch.testing.assert_close(model(changed)[:, :, :13], logits[:, :, :13], atol=1e-12, rtol=1e-12)
        states = model.begin(2, 3)
        for t in range(21):
            step, states = model.step(tokens[..., t], states)
            torch.testing.assert_close(step, logits[:, :, t], atol=1e-10, rtol=1e-10)


def test_both_forms_are_one_function():
    chunked, quadratic = build("chunked"), build("quadratic")
    quadratic.load_state_dict(chunked.state_dict())
    tokens = text(2, 2, 30)
    torch.testing.assert_close(chunked(tokens), quadratic(tokens), atol=1e-11, rtol=1e-11)


def test_the_hidden_width_brings_equal_parameters():
    for width, layers, heads in ((96, 3, 4), (64, 2, 4)):
        hidden = models.matched_hidden(104, width, layers, heads)
        sources = generators([0])
        sizes = [
            count_parameters(models.transnormer(104, width, layers, heads, sources)),
            count_parameters(models.transformer(104, width, layers, heads, sources, hidden)),
        ]
        assert abs(sizes[1] / sizes[0] - 1) < 0.05


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="heads: got 5"):
        models.transnormer(11, 12, 1, 5, generators([0]))
    with pytest.raises(ValueError, match="form"):
        models.transnormer(11, 12, 1, 3, generators([0]), "other")
    model = build("softmax")
    tokens, states = text(2, 1, 65), model.begin(2, 1)
    for t in range(64):
        _, states = model.step(tokens[..., t], states)
    with pytest.raises(ValueError, match="full at 64"):
        model.step(tokens[..., 64], states)
