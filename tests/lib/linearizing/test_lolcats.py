"""The two-stage baseline: its outputs by hand, what its first stage trains, and that it learns."""

import pytest
import torch

from lib.linearizing.adapters import add_adapters, trainable_parameters
from lib.linearizing.attention import rotate
from lib.linearizing.convert import liger_layers, linearize, new_parameters
from lib.linearizing.lolcats import linearize_lolcats, transfer_loss
from tests.lib.linearizing.models import KINDS, tiny, tokens


def test_outputs_are_those_of_the_formula():
    layer = liger_layers(linearize_lolcats(tiny()))[0]
    source = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(1, 9, heads, 8, generator=source) for heads in (4, 2, 2))
    angles = torch.arange(9.0)[None, :, None] * torch.tensor([1.0, 0.3, 0.1, 0.01] * 2)
    places = angles.cos(), angles.sin()
    expected = torch.empty(1, 9, 4, 8)
    rotated_q, rotated_k = rotate(q, *places), rotate(k, *places)
    for h in range(4):
        y = rotated_q[0, :, h] @ layer.query_map.weight[h]
        z = rotated_k[0, :, h // 2] @ layer.key_map.weight[h]
        queries = torch.cat((y.softmax(1), (-y).softmax(1)), 1)
        keys = torch.cat((z.softmax(1), (-z).softmax(1)), 1)
        scores = (queries @ keys.T).tril()
        expected[0, :, h] = scores @ v[0, :, h // 2] / scores.sum(1, keepdim=True)
    torch.testing.assert_close(layer.attend(q, k, v, places), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_the_teacher_is_the_softmax_model(kind):
    """A student that is softmax attention has no loss in any layer, because its inputs are the teacher's."""
    model = linearize(tiny(kind), mix=(0, 1), window=64)
    assert transfer_loss(model, tokens()) < 1e-12
    model = linearize(tiny(kind), mix=(0, 1), window=5)
    assert transfer_loss(model, tokens()) > 1e-5


def test_targets_come_from_the_hidden_states_of_the_softmax_model():
    """The second layer's input in the transfer is what the softmax model hands to it."""
    x, seen = tokens(), []
    base = tiny()
    expected = base(x, output_hidden_states=True, use_cache=False).hidden_states[1]
    model = linearize_lolcats(base)
    model.get_decoder().layers[1].input_layernorm.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    transfer_loss(model, x)
    torch.testing.assert_close(seen[0], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("window", [None, 6])
def test_both_stages_train_what_they_should_and_learn(window):
    model, x = linearize_lolcats(tiny(), window=window), tokens(4, 32)
    assert set(map(id, trainable_parameters(model).values())) == set(map(id, new_parameters(model)))
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = transfer_loss(model, x)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    adapted = add_adapters(model, train_new=False)
    assert all("lora" in name for name in trainable_parameters(adapted))
    adapted(x, labels=x).loss.backward()
    assert all(parameter.grad is not None for parameter in trainable_parameters(adapted).values())


def test_kept_layers_are_refused():
    model = linearize(tiny(), keep_softmax=(0,))
    with pytest.raises(ValueError, match="expected all layers linearized"):
        transfer_loss(model, tokens())
