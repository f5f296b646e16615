"""Models of transformers linearized in place: what stays the same, and what is refused."""

import copy

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from lib.linearizing.attention import LigerAttention
from lib.linearizing.cache import LigerCache
from lib.linearizing.convert import liger_layers, linearize, new_parameters
from lib.linearizing.recurrence import FORMS
from tests.lib.linearizing.models import KINDS, tiny, tokens


@torch.no_grad()
def logits(model, x, **options):
    """Of a model without a cache."""
    return model(x, use_cache=False, **options).logits


@pytest.mark.parametrize("kind", KINDS)
def test_a_wide_window_alone_is_the_softmax_model(kind):
    model, x = tiny(kind), tokens()
    before = logits(model, x)
    linearize(model, window=64, mix=(0, 1))
    torch.testing.assert_close(logits(model, x), before, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_is_that_of_a_masked_softmax_model(kind):
    """A short window against the same model with a mask of scores, by its own eager attention."""
    model, x = tiny(kind), tokens()
    place = torch.arange(x.shape[1])
    behind = place[:, None] - place
    mask = torch.zeros(x.shape[1], x.shape[1]).masked_fill((behind < 0) | (behind >= 7), torch.finfo(torch.float32).min)
    mask = mask.expand(len(x), 1, -1, -1)
    masks = {"full_attention": mask, "sliding_attention": mask} if "qwen" in kind else mask
    before = logits(model, x, attention_mask=masks)
    linearize(model, window=7, mix=(0, 1))
    torch.testing.assert_close(logits(model, x), before, rtol=0, atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_shared_and_keep_names_and_shapes(kind):
    model = tiny(kind)
    before = {name: (parameter, parameter.clone()) for name, parameter in model.named_parameters()}
    assert linearize(model) is model
    after = dict(model.named_parameters())
    assert list(after) == list(before)
    assert all(
        after[name] is parameter and torch.equal(parameter, value) for name, (parameter, value) in before.items()
    )
    assert not new_parameters(model)


def test_new_parameters_are_those_of_projections_and_maps():
    model = linearize(tiny(), gate_source="projection", feature_map="learned")
    shapes = [tuple(parameter.shape) for parameter in new_parameters(model)]
    assert shapes == [(16, 32), (4, 8, 8), (4, 8, 8)] * 2
    same = linearize(tiny(), gate_source="projection", feature_map="learned")
    other = linearize(tiny(), gate_source="projection", feature_map="learned", seed=1)
    pairs = zip(new_parameters(model), new_parameters(same), new_parameters(other))
    assert all(torch.equal(a, b) and not torch.equal(a, c) for a, b, c in pairs)


def test_rotary_positions_do_not_reach_the_recurrent_half():
    """Without a window, positions play no part: the same tokens at other positions give the same logits."""
    model, x = linearize(tiny(), mix=(1, 0)), tokens()
    places = torch.arange(x.shape[1])[None] + 50
    assert torch.equal(logits(model, x), logits(model, x, position_ids=places))
    rotary = linearize(tiny(), mix=(1, 0), rotary_features=True)
    assert not torch.allclose(logits(rotary, x), logits(rotary, x, position_ids=2 * places), atol=1e-4)


def test_the_mix_weighs_both_halves():
    """The layer is linear in its halves before the output map, which has no bias."""
    halves = []
    for mix in ((1, 0), (0, 1), (0.25, 0.5)):
        layer = liger_layers(linearize(tiny(), window=5, mix=mix))[0]
        x = torch.randn(2, 12, 32, generator=torch.Generator().manual_seed(0))
        angles = torch.arange(12.0)[None, :, None] * torch.ones(8)
        halves.append(layer(x, (angles.cos(), angles.sin()))[0])
    torch.testing.assert_close(halves[2], 0.25 * halves[0] + 0.5 * halves[1])


@pytest.mark.parametrize("source", ["key", "query", "value", "projection"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_runs_with_every_source_of_the_gate(form, source):
    model, x = linearize(tiny(), form=form, gate_source=source, window=4), tokens(1, 9)
    model(x, labels=x).loss.backward()
    for layer in liger_layers(model):
        weights = {"key": layer.k_proj, "query": layer.q_proj, "value": layer.v_proj}
        assert all(torch.isfinite(part.weight.grad).all() for part in weights.values())
        if source == "projection":
            assert (layer.forget_proj.weight.grad is not None) == (form in ("gla", "hgrn2", "gsa"))


def test_the_gate_reads_its_source():
    """With frozen features of keys, the loss moves with the gate's projection."""
    x = tokens(1, 9)
    values = {source: logits(linearize(tiny(), gate_source=source), x) for source in ("key", "query", "value")}
    assert not torch.allclose(values["key"], values["query"], atol=1e-5)
    assert not torch.allclose(values["key"], values["value"], atol=1e-5)


def test_layers_left_as_they_are():
    model, x = tiny(num_hidden_layers=3), tokens()
    before = logits(model, x)
    linearize(model, window=5, keep_softmax=(1,))
    kinds = [isinstance(layer.self_attn, LigerAttention) for layer in model.get_decoder().layers]
    assert kinds == [True, False, True]
    assert not torch.allclose(logits(model, x), before, atol=1e-3)
    hybrid = linearize(tiny(num_hidden_layers=3), window=50, mix=(0, 1), keep_softmax=(0, 2))
    torch.testing.assert_close(logits(hybrid, x), before, rtol=0, atol=1e-6)


def test_bfloat16_models_run_their_recurrence_in_float32():
    model, x = linearize(tiny(), window=6), tokens()
    single = logits(model, x)
    half = logits(model.bfloat16(), x)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), single, rtol=0, atol=0.05 * float(single.abs().max()))
    state = model(x, use_cache=True).past_key_values.layers[0].state
    assert state.dtype == torch.float32


def test_a_copy_is_independent_and_complete():
    model, x = linearize(tiny(), window=6), tokens()
    twin = copy.deepcopy(model)
    assert torch.equal(logits(twin, x), logits(model, x))
    mask = torch.ones_like(x)
    mask[0, :6] = 0
    assert torch.equal(logits(twin, x, attention_mask=mask), logits(model, x, attention_mask=mask))


def test_no_cache_is_made_in_training():
    model, x = linearize(tiny()), tokens()
    assert isinstance(model(x).past_key_values, LigerCache)
    assert model.train()(x).past_key_values is None


REFUSED = [
    ({"form": "mamba"}, "form: got 'mamba'"),
    ({"window": 0}, "window: got 0"),
    ({"window": 2.5}, "window: got 2.5"),
    ({"mix": (0, 0)}, "mix: got"),
    ({"mix": (-0.5, 1)}, "mix: got"),
    ({"mix": (1, 2, 3)}, "mix: got"),
    ({"mix": (float("nan"), 1)}, "mix: got"),
    ({"gate_source": "output"}, "gate_source: got 'output'"),
    ({"feature_map": "relu"}, "feature_map: got 'relu'"),
    ({"form": "gsa", "feature_map": "learned"}, "feature_map: got one for the form gsa"),
    ({"form": "gsa", "slots": 3}, "slots: got 3"),
    ({"keep_softmax": (2,)}, "keep_softmax: got"),
    ({"keep_softmax": (0, 1)}, "keep_softmax: got"),
    ({"damping": -1.0}, "damping: got -1.0"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_settings_that_are_refused_change_nothing(options, message):
    model, x = tiny(), tokens()
    before = logits(model, x)
    with pytest.raises(ValueError, match=message):
        linearize(model, **options)
    assert torch.equal(logits(model, x), before)
    assert not liger_layers(model)


def test_models_that_are_refused():
    gpt = GPT2LMHeadModel(GPT2Config(vocab_size=30, n_embd=8, n_layer=1, n_head=1, n_positions=16))
    with pytest.raises(ValueError, match="model: got gpt2"):
        linearize(gpt)
    with pytest.raises(ValueError, match="model: got Linear"):
        linearize(torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match="linearized already"):
        linearize(linearize(tiny()))
    with pytest.raises(ValueError, match="attention_dropout"):
        linearize(tiny(attention_dropout=0.1))
    with pytest.raises(ValueError, match="attn_logit_softcapping"):
        linearize(tiny(attn_logit_softcapping=30.0))
    with pytest.raises(ValueError, match="window: got 64, expected at most the model's own of 20"):
        linearize(tiny("mistral", sliding_window=20))
    with pytest.raises(ValueError, match="model: got a sliding_window of 0"):
        linearize(tiny("mistral", sliding_window=0))
    sliding = {"use_sliding_window": True, "sliding_window": 20, "max_window_layers": 1}
    with pytest.raises(ValueError, match="window: got 64, expected at most the model's own of 20"):
        linearize(tiny("qwen2", **sliding))
    linearize(tiny("mistral", sliding_window=20), mix=(1, 0))
    linearize(tiny("qwen2", sliding_window=20))  # which does not use it


def test_masks_of_scores_and_foreign_caches_are_refused():
    from transformers import DynamicCache

    model, x = tiny(), tokens()
    cache = model(x, past_key_values=DynamicCache()).past_key_values
    linearize(model)
    with pytest.raises(ValueError, match="attention_mask shape"):
        model(x, attention_mask=torch.zeros(2, 1, 40, 40))
    with pytest.raises(ValueError, match="past_key_values: got a DynamicCache"):
        model(x[:, :1], past_key_values=cache)
    with pytest.raises(ValueError, match="attention_mask: got"):
        liger_layers(model)[0](torch.zeros(1, 3, 32), attention_mask=torch.zeros(1, 1, 3, 3))
