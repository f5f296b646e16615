"""Decoding from a cache is prefilling, across the edge of the window, padded, in `generate`; its size is fixed."""

import pytest
import torch
from transformers import DynamicCache

from lib.linearizing.adapters import add_adapters
from lib.linearizing.cache import LigerCache
from lib.linearizing.convert import linearize
from lib.linearizing.lolcats import linearize_lolcats
from lib.linearizing.recurrence import FORMS
from tests.lib.linearizing.models import KINDS, tiny, tokens

WINDOW = 7


def model_of(name: str):
    """A linearized model by what is special about it."""
    if name == "lolcats":
        return linearize_lolcats(tiny(), window=WINDOW)
    options = {"hybrid": {"keep_softmax": (1,)}, "window": {"mix": (0, 1)}, "memory": {"mix": (1, 0)}}
    options |= {"projection": {"gate_source": "projection"}, "query": {"gate_source": "query"}}
    if name in FORMS:
        return linearize(tiny(), window=WINDOW, form=name)
    if name in options:
        return linearize(tiny(), window=WINDOW, **options[name])
    return linearize(tiny(name), window=WINDOW)


@pytest.mark.parametrize("pieces", [[5, *[1] * 35], [1] * 40, [3, 2, 9, 1, 1, 20, 4]])
@pytest.mark.parametrize(
    "name", [*FORMS, *list(KINDS)[1:], "hybrid", "window", "memory", "projection", "query", "lolcats"]
)
@torch.no_grad()
def test_decoding_is_prefilling(name, pieces):
    model, x, cache = model_of(name), tokens(), None
    whole = model(x, use_cache=False).logits
    outputs = []
    for piece in x.split(pieces, 1):
        out = model(piece, past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        outputs.append(out.logits)
    assert isinstance(cache, LigerCache)
    assert cache.get_seq_length() == 40
    torch.testing.assert_close(torch.cat(outputs, 1), whole, rtol=0, atol=2e-5)


@pytest.mark.parametrize("name", [*FORMS, "hybrid", "window", "memory", "lolcats"])
@torch.no_grad()
def test_left_padding_changes_nothing(name):
    """Rows of 12, 3 and 20 tokens, padded on the left, prefilled and decoded together, and each alone."""
    model, lengths, steps = model_of(name), (12, 3, 20), 15
    x = tokens(3, max(lengths) + steps)
    mask = torch.ones_like(x)
    rows = []
    for row, length in enumerate(lengths):
        padding = max(lengths) - length
        mask[row, :padding] = 0
        x[row, :padding] = 1
        rows.append(model(x[row : row + 1, padding:], use_cache=False).logits[0, length - 1 :])
    places = (mask.cumsum(1) - 1).clamp_min(0)
    start = max(lengths)
    out = model(x[:, :start], attention_mask=mask[:, :start], position_ids=places[:, :start], use_cache=True)
    outputs = [out.logits[:, -1]]
    for t in range(start, start + steps):
        cache = out.past_key_values
        here = {"attention_mask": mask[:, : t + 1], "position_ids": places[:, t : t + 1]}
        out = model(x[:, t : t + 1], past_key_values=cache, use_cache=True, **here)
        outputs.append(out.logits[:, -1])
    torch.testing.assert_close(torch.stack(outputs, 1), torch.stack(rows), rtol=0, atol=3e-5)


@pytest.mark.parametrize("options", [{}, {"num_beams": 3}, {"do_sample": True, "num_return_sequences": 2}])
@pytest.mark.parametrize("name", ["gla", "gsa", "hybrid", "qwen3"])
def test_generate_with_its_cache_is_generate_without(name, options):
    model, x = model_of(name), tokens(2, 12)
    x[0, :4] = 1
    inputs = {"input_ids": x, "attention_mask": (x != 1).long(), "max_new_tokens": 12, "do_sample": False} | options
    results = []
    for use_cache in (True, False):
        torch.manual_seed(0)
        results.append(model.generate(**inputs, use_cache=use_cache))
    assert results[0].shape[1] == 24
    assert torch.equal(*results)


def test_generate_takes_a_cache_and_hands_it_back():
    model, x = model_of("gla"), tokens(2, 12)
    cache = LigerCache(model)
    out = model.generate(x, max_new_tokens=5, past_key_values=cache, return_dict_in_generate=True, do_sample=False)
    assert out.past_key_values is cache
    assert cache.get_seq_length() == 16
    adapted = add_adapters(model)
    again = adapted.generate(input_ids=x, max_new_tokens=5, return_dict_in_generate=True, do_sample=False)
    assert isinstance(again.past_key_values, LigerCache)
    assert torch.equal(again.sequences, out.sequences)


@torch.no_grad()
def test_the_cache_has_a_fixed_size():
    """For each of 2 layers: 2 groups of heads with 8 x 8 in float32, and 2 x 7 keys and values of 2 groups of 8."""
    model, expected = model_of("gla"), 2 * (2 * 8 * 8 + 2 * 7 * 2 * 8) * 4
    x, cache, sizes = tokens(1, 60), LigerCache(model), set()
    assert cache.count_bytes() == 0
    for piece in x.split([3, 1, 1, 20, *[1] * 35], 1):
        model(piece, past_key_values=cache, use_cache=True)
        sizes.add(cache.count_bytes())
    assert sizes == {expected}
    growing = model_of("hybrid")
    lengths = [growing(x[:, :t], use_cache=True).past_key_values.count_bytes() for t in (10, 20)]
    assert lengths[1] - lengths[0] == 10 * 2 * 2 * 8 * 4
    cache.reset()
    assert cache.count_bytes() == cache.get_seq_length() == 0


@pytest.mark.parametrize("name", [*FORMS, "hybrid"])
def test_inference_mode(name):
    model, x = model_of(name), tokens()
    with torch.no_grad():
        expected = model(x, use_cache=False).logits
    with torch.inference_mode():
        out = model(x[:, :30], use_cache=True)
        again = model(x[:, 30:], past_key_values=out.past_key_values, use_cache=True)
        last = model(x[:, :1], past_key_values=out.past_key_values, use_cache=True)
    torch.testing.assert_close(torch.cat((out.logits, again.logits), 1), expected, rtol=0, atol=2e-5)
    assert torch.isfinite(last.logits).all()


def test_keys_of_softmax_layers_are_refused():
    base, x = tiny(), tokens()
    cache = LigerCache(model_of("gla"))
    with pytest.raises(TypeError, match="keys of a softmax layer"):
        base(x, past_key_values=cache)
    assert isinstance(base(x, past_key_values=DynamicCache()).past_key_values, DynamicCache)
