"""Adapters by peft: nothing changes before training, only they move, and they merge into the base's own names."""

import pytest
import torch

from lib.linearizing.adapters import add_adapters, merge_adapters, trainable_parameters
from lib.linearizing.convert import linearize, new_parameters
from tests.lib.linearizing.models import KINDS, tiny, tokens


def steps(model, count: int = 3, learning_rate: float = 0.01):
    """A few steps of AdamW on all parameters, as the authors' code has it: those without a gradient stay."""
    x = tokens()
    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    for _ in range(count):
        optimiser.zero_grad()
        model(x, labels=x, use_cache=False).loss.backward()
        optimiser.step()
    return model


@torch.no_grad()
def logits(model):
    """On fixed tokens."""
    return model(tokens(), use_cache=False).logits


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("linear", [True, False])
def test_nothing_changes_before_training(kind, linear):
    model = linearize(tiny(kind), window=5) if linear else tiny(kind)
    before = logits(model)
    torch.testing.assert_close(logits(add_adapters(model)), before, rtol=0, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_merged_is_unmerged_with_the_names_and_shapes_of_the_base(kind):
    base = {name: tuple(value.shape) for name, value in tiny(kind).state_dict().items()}
    model = steps(add_adapters(linearize(tiny(kind), window=5)))
    adapted = logits(model)
    merged = merge_adapters(model)
    assert {name: tuple(value.shape) for name, value in merged.state_dict().items()} == base
    torch.testing.assert_close(logits(merged), adapted, rtol=0, atol=1e-5)
    assert not torch.allclose(adapted, logits(linearize(tiny(kind), window=5)), atol=1e-3)
    assert merge_adapters(merged) is merged


def test_only_the_adapters_move():
    """Norms, perceptrons, embeddings and the output map keep every bit, though the optimiser has them all."""
    model = add_adapters(linearize(tiny(), window=5))
    names = set(trainable_parameters(model))
    assert len(names) == 2 * 3 * 2
    assert all("lora_A" in name or "lora_B" in name for name in names)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    steps(model)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) != (name in names), name
        assert (parameter.grad is not None) == (name in names), name


def test_full_training_moves_the_three_projections_alone():
    model = linearize(tiny(), window=5)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    assert add_adapters(model, full=True) is model
    steps(model)
    moved = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    assert moved == {
        f"model.layers.{i}.self_attn.{name}.weight" for i in range(2) for name in ("q_proj", "k_proj", "v_proj")
    }
    assert merge_adapters(model) is model


def test_new_modules_are_trained_fully():
    model = linearize(tiny(), window=5, gate_source="projection", feature_map="learned")
    adapted = add_adapters(model)
    names = {name for name in trainable_parameters(adapted) if "lora" not in name}
    assert len(names) == len(new_parameters(model)) == 6
    assert all("forget_proj" in name or "_map" in name for name in names)
    before = [parameter.clone() for parameter in new_parameters(model)]
    steps(adapted)
    assert not any(torch.equal(a, b) for a, b in zip(before, new_parameters(model)))


def test_the_seed_draws_the_adapters():
    one, same, other = (add_adapters(linearize(tiny()), seed=seed) for seed in (1, 1, 2))
    pairs = [list(trainable_parameters(model).values()) for model in (one, same, other)]
    assert all(torch.equal(a, b) for a, b in zip(pairs[0], pairs[1]))
    assert not torch.equal(pairs[0][0], pairs[2][0])


def test_the_global_generator_is_left_alone():
    model = linearize(tiny())
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    add_adapters(model)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": ("q_proj", "w_pack")}, "targets: got"),
        ({"targets": ()}, "targets: got"),
        ({"rank": 0}, "rank: got 0"),
        ({"rank": 2.5}, "rank: got 2.5"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        add_adapters(linearize(tiny()), **options)


def test_adapters_are_not_added_twice():
    with pytest.raises(ValueError, match="model: got one with adapters"):
        add_adapters(add_adapters(linearize(tiny())))
