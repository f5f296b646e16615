"""The mixture of memories against its definition token by token, its routing, and the capacity of random memories."""

import numpy as np
import pytest
import torch

from lib.attention.capacity import simulate_recall
from lib.attention.layers import SoftmaxAttention
from lib.attention.memories import CONVOLUTIONS, FORMS, RULES, MixtureOfMemories
from lib.attention.memory_forms import form_errors, interference, recurrent_mixture, routing_identities
from lib.attention.published import load_published
from lib.attention.routing import load_balance_loss, memory_load, pack_by_memory, topk_router, unpack
from lib.training.stacked import generators

SIZES = (
    {"memories": 3, "chosen": 2, "shared": True, "own": True, "heads": 2},
    {"memories": 4, "chosen": 1, "shared": False, "own": True, "heads": 1},
    {"memories": 3, "chosen": 3, "shared": True, "own": False, "heads": 1},
    {"memories": 0, "chosen": 0, "shared": True, "own": True, "heads": 2},
)


def build(**options) -> MixtureOfMemories:
    options = {"memories": 3, "chosen": 2, "d_key": 3, "d_value": 5, "rule": "gated_delta"} | options
    return MixtureOfMemories(8, generators([1, 2]), **options).double()


def draw(tokens=13, batch=3, seed=0):
    return torch.randn(2, batch, tokens, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("form", "convolution"),
    [pair for pair in ((f, c) for f in FORMS for c in CONVOLUTIONS) if pair != ("masked", "memory")],
)
def test_every_form_is_the_definition(rule, form, convolution):
    for sizes in SIZES:
        errors = form_errors(build(rule=rule, convolution=convolution, form=form, **sizes), draw(), draw(seed=1))
        assert max(errors.values()) < 1e-12, (sizes, errors)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_decoding_continues_a_prefill(rule, convolution):
    layer, x = build(rule=rule, convolution=convolution), draw()
    expected, memory = recurrent_mixture(layer, x)
    _, state = layer.prefill(x[:, :, :6])
    for t in range(6, 13):
        y, state = layer.step(x[:, :, t], state)
        torch.testing.assert_close(y, expected[:, :, t], rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(state.memory, memory, rtol=1e-11, atol=1e-12)
    empty = layer.begin(2, 3, 0)
    assert [part.shape for part in empty] == [part.shape for part in state]
    y, _ = layer.step(x[:, :, 0], empty)
    torch.testing.assert_close(y, expected[:, :, 0], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_memories_that_are_not_chosen_do_not_move(rule):
    assert set(interference(rule, 30, 4, np.random.default_rng(0), "cpu").values()) == {0.0}


def test_relabelled_memories_and_one_wide_key_give_the_same():
    assert max(routing_identities(np.random.default_rng(0), "cpu").values()) < 1e-12


def test_one_memory_for_all_tokens_is_the_shared_one():
    routed, shared = build(memories=1, chosen=1, shared=False), build(memories=0, chosen=0)
    state = shared.state_dict()
    routed.load_state_dict(routed.state_dict() | {name: state[name] for name in state})
    torch.testing.assert_close(routed(draw()), shared(draw()), rtol=0, atol=0)


def test_a_routing_from_outside_replaces_the_router():
    layer, x = build(chosen=1), draw()
    logits = layer.mix(x)[1]
    y, _ = layer.mix(x, logits.argmax(-1, keepdim=True))
    torch.testing.assert_close(y, layer(x), rtol=1e-12, atol=1e-12)


def test_shares_of_the_chosen_sum_to_one():
    logits = torch.tensor([[1.0, 3.0, 2.0, -1.0]], dtype=torch.float64)
    weights, index = topk_router(logits, 2)
    assert index.tolist() == [[1, 2]]
    torch.testing.assert_close(weights, torch.softmax(torch.tensor([[3.0, 2.0]], dtype=torch.float64), -1))
    with pytest.raises(ValueError, match="k: got 5"):
        topk_router(logits, 5)


def test_the_balance_is_k_where_the_load_is_even_and_grows_with_its_skew():
    even = torch.eye(4).repeat(8, 1)[None, None] * 1e-3
    torch.testing.assert_close(load_balance_loss([even], 1), torch.ones(1), rtol=1e-3, atol=1e-3)
    skewed = torch.tensor([9.0, 0.0, 0.0, 0.0]).expand(1, 1, 32, 4)
    assert load_balance_loss([skewed], 1) > 3.9
    with pytest.raises(ValueError, match="logits: got none"):
        load_balance_loss([], 1)


def test_tokens_are_sorted_by_memory_and_keep_their_order():
    index = torch.tensor([2, 0, 2, 1, 0]).view(1, 1, 5, 1)
    packing = pack_by_memory(index, 4)
    assert packing.order.tolist() == [1, 4, 3, 0, 2]
    assert packing.bounds.tolist() == [0, 2, 3, 5, 5]
    tokens = torch.arange(5)
    assert unpack(tokens[packing.order], packing, index.shape).flatten().tolist() == tokens.tolist()
    assert memory_load(index, 4).tolist() == [[0.4, 0.2, 0.4, 0.0]]
    with pytest.raises(ValueError, match="at least one token"):
        pack_by_memory(index[:, :, :0], 4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": "delta"},
        {"convolution": "both"},
        {"form": "masked", "convolution": "memory"},
        {"chosen": 4},
        {"chosen": 0},
        {"memories": 0, "chosen": 0, "shared": False},
    ],
)
def test_bad_options_are_refused(wrong):
    with pytest.raises(ValueError, match="got"):
        build(**wrong)


def test_crosstalk_is_that_of_random_keys():
    for memories, d_key in ((1, 16), (4, 16), (1, 64)):
        result = simulate_recall(64, d_key, 32, memories, 100, np.random.default_rng(0))
        np.testing.assert_allclose(result.crosstalk.mean(), 63 / (memories * d_key), rtol=0.05)
    assert simulate_recall(1, 4, 4, 2, 3, np.random.default_rng(0)).accuracy.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="pairs: got 0"):
        simulate_recall(0, 4, 4, 1, 1, np.random.default_rng(0))


@pytest.mark.parametrize("positions", ["rope", "alibi"])
def test_softmax_attention_decodes_what_it_computes(positions):
    layer = SoftmaxAttention(8, 2, generators([0]), positions).double()
    x = torch.randn(1, 2, 7, 8, dtype=torch.float64)
    expected, state = layer(x), layer.begin(1, 2, 0)
    for t in range(7):
        y, state = layer.step(x[:, :, t], state)
        torch.testing.assert_close(y, expected[:, :, t], rtol=1e-10, atol=1e-12)


def test_a_penalty_on_distance_is_subtracted_from_the_scores():
    layer = SoftmaxAttention(4, 2, generators([0]), "alibi").double()
    x = torch.randn(1, 1, 5, 4, dtype=torch.float64)
    q, k, v = (part(x)[0, 0].view(5, 2, 2).transpose(0, 1) for part in (layer.query, layer.key, layer.value))
    distance = torch.arange(5)[:, None] - torch.arange(5)
    scores = q @ k.mT / 2**0.5 - torch.tensor([2.0**-4, 2.0**-8])[:, None, None] * distance
    scores = scores.masked_fill(distance < 0, -torch.inf)
    expected = layer.out((torch.softmax(scores, -1) @ v).transpose(0, 1).reshape(1, 1, 5, 4))
    torch.testing.assert_close(layer(x), expected)
    with pytest.raises(ValueError, match="positions"):
        SoftmaxAttention(4, 2, generators([0]), "none")


def test_weights_of_the_authors_layers_land_in_their_places():
    layer = MixtureOfMemories(
        8, generators([0]), memories=2, chosen=1, heads=2, d_key=3, d_value=4, rule="gated_delta", convolution="memory"
    )
    sizes = {"k": 6, "v": 8, "a": 2, "b": 2}
    shapes = {f"{name}_proj.{i}.weight": (size, 8) for name, size in sizes.items() for i in range(2)}
    shapes |= {f"shared_{name}.weight": (size, 8) for name, size in sizes.items()}
    shapes |= {"gate.weight": (2, 8), "q_proj.weight": (6, 8), "g_proj.weight": (8, 8), "o_proj.weight": (8, 8)}
    shapes |= {"o_norm.weight": (4,), "A_log": (2,), "dt_bias": (2,)}
    shapes |= {f"{name}_conv1d.weight": (size, 1, 4) for name, size in (("q", 6), ("k", 6), ("v", 8))}
    state = {f"attn.{name}": torch.randn(shape) for name, shape in shapes.items()}
    load_published(layer, state, "attn.")
    u = torch.randn(1, 1, 1, 8)
    second = layer._writes(u)[0, 0, 0, 1]
    expected = torch.cat([u[0, 0, 0] @ state[f"attn.{name}_proj.1.weight"].T for name in sizes])
    torch.testing.assert_close(second, expected)
    shared = layer._writes(u)[0, 0, 0, 2]
    torch.testing.assert_close(shared[:6], u[0, 0, 0] @ state["attn.shared_k.weight"].T)
    speed, strength = layer._gates(shared[None, 14:], torch.tensor([0]), torch.tensor([2]))
    rate = torch.exp(state["attn.A_log"])
    raw = u[0, 0, 0] @ state["attn.shared_a.weight"].T + state["attn.dt_bias"]
    torch.testing.assert_close(speed[0], -rate * torch.nn.functional.softplus(raw))
    torch.testing.assert_close(strength[0], torch.sigmoid(u[0, 0, 0] @ state["attn.shared_b.weight"].T))
    with pytest.raises(ValueError, match=r"has no attn\.A_log"):
        load_published(layer, {name: value for name, value in state.items() if "A_log" not in name}, "attn.")
    with pytest.raises(ValueError, match=r"gate\.weight shape"):
        load_published(layer, state | {"attn.gate.weight": torch.zeros(3, 8)}, "attn.")
    with pytest.raises(ValueError, match="layer: expected"):
        load_published(build(), state)
