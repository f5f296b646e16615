"""Models from local folders, memory-mapped; linearized models saved and loaded; damaged and foreign files."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from lib.linearizing.adapters import add_adapters, merge_adapters
from lib.linearizing.attention import LigerAttention
from lib.linearizing.checkpoints import load_linearized, load_model, load_tokeniser, save_linearized
from lib.linearizing.convert import linearize
from lib.linearizing.lolcats import linearize_lolcats
from tests.lib.linearizing.models import KINDS, tiny, tokens


@torch.no_grad()
def logits(model):
    """On fixed tokens."""
    return model(tokens(), use_cache=False).logits


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", ["5GB", "20KB"])
def test_a_folder_loads_as_transformers_loads_it(kind, size, tmp_path):
    model = tiny(kind)
    model.save_pretrained(tmp_path, max_shard_size=size)
    assert (len(list(tmp_path.glob("*.safetensors"))) > 1) == (size == "20KB")
    ours, theirs = load_model(tmp_path), AutoModelForCausalLM.from_pretrained(tmp_path, local_files_only=True)
    assert torch.equal(logits(ours), logits(theirs))
    assert torch.equal(logits(ours), logits(model))
    assert not ours.training


def test_types_and_writes_do_not_reach_the_file(tmp_path):
    tiny().bfloat16().save_pretrained(tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()
    model = load_model(tmp_path)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert (tmp_path / "model.safetensors").read_bytes() == before
    single = load_model(tmp_path, torch.float32)
    assert {parameter.dtype for parameter in single.parameters()} == {torch.float32}
    assert single.get_decoder().rotary_emb.inv_freq.dtype == torch.float32


@pytest.mark.parametrize(
    "options",
    [
        {"window": 5},
        {"form": "gsa", "slots": 4, "keep_softmax": (1,)},
        {"gate_source": "projection", "feature_map": "learned", "mix": (0.25, 1.0), "damping": 8.0, "seed": 3},
    ],
)
@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_linearized_models_come_back(kind, options, tmp_path):
    model = add_adapters(linearize(tiny(kind), **options))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1)
    merged = merge_adapters(model)
    save_linearized(merged, tmp_path / "out")
    again = load_linearized(tmp_path / "out")
    assert torch.equal(logits(again), logits(merged))
    assert list(again.state_dict()) == list(merged.state_dict())
    assert [m.settings for m in again.modules() if isinstance(m, LigerAttention)] == [
        m.settings for m in merged.modules() if isinstance(m, LigerAttention)
    ]
    out = again.generate(tokens(1, 5), max_new_tokens=4, do_sample=False)
    assert torch.equal(out, merged.generate(tokens(1, 5), max_new_tokens=4, do_sample=False))


def test_lolcats_comes_back(tmp_path):
    model = linearize_lolcats(tiny(), window=4)
    save_linearized(model, tmp_path)
    assert torch.equal(logits(load_linearized(tmp_path)), logits(model))


def test_a_linearized_folder_without_new_weights_is_one_of_the_base_too(tmp_path):
    """Names and shapes are the base's: the same file serves both."""
    base = logits(tiny())
    save_linearized(linearize(tiny(), window=3), tmp_path)
    assert torch.equal(logits(load_model(tmp_path)), base)


def test_what_cannot_be_saved(tmp_path):
    with pytest.raises(ValueError, match="without linearized layers"):
        save_linearized(tiny(), tmp_path)
    with pytest.raises(ValueError, match="with adapters"):
        save_linearized(add_adapters(linearize(tiny())), tmp_path)


def damage(folder, what):
    """Spoil one thing in a folder of a linearized model; return the name that the error gives."""
    weights, settings, config = folder / "model.safetensors", folder / "linearized.json", folder / "config.json"
    if what == "truncated":
        weights.write_bytes(weights.read_bytes()[:-100])
        return weights
    if what == "no weights":
        weights.unlink()
        return weights
    if what == "no settings":
        settings.unlink()
        return folder
    if what == "settings":
        settings.write_text("{")
        return settings
    if what == "unknown key":
        settings.write_text(json.dumps(json.loads(settings.read_text()) | {"heads": 3}))
        return settings
    if what == "unknown form":
        settings.write_text(json.dumps(json.loads(settings.read_text()) | {"form": "rwkv"}))
        return settings
    if what == "other shapes":
        config.write_text(json.dumps(json.loads(config.read_text()) | {"intermediate_size": 40}))
        return folder
    if what == "another model":
        config.write_text(json.dumps(json.loads(config.read_text()) | {"num_hidden_layers": 3}))
        return folder
    if what == "no layers":
        config.write_text(json.dumps(json.loads(config.read_text()) | {"num_hidden_layers": 1}))
        return folder
    config.write_text("{")
    return config


@pytest.mark.parametrize(
    "what",
    ["truncated", "no weights", "no settings", "settings", "unknown key", "unknown form", "other shapes"]
    + ["another model", "no layers", "configuration"],
)
def test_damage_is_named_in_one_error(what, tmp_path):
    save_linearized(linearize(tiny(), window=3), tmp_path)
    name = damage(tmp_path, what)
    with pytest.raises(ValueError, match=r"got|form") as caught:
        load_linearized(tmp_path)
    assert str(caught.value).startswith(str(name))
    assert "\n" not in str(caught.value)


def test_foreign_folders(tmp_path):
    with pytest.raises(ValueError, match=r"got no config\.json"):
        load_model(tmp_path)
    with pytest.raises(ValueError, match="got no readable tokeniser"):
        load_tokeniser(tmp_path)
    GPT2LMHeadModel(GPT2Config(vocab_size=30, n_embd=8, n_layer=1, n_head=1, n_positions=16)).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="got a model of the kind gpt2"):
        load_model(tmp_path)
