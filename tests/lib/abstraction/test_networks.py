"""Networks cut by slices and by hooks give the same interventions; transformers, sentences, modules of one's own."""

import numpy as np
import pytest
import torch
from torch import nn

from lib.abstraction.hooks import HookedCut, Site, read_states, write_states
from lib.abstraction.interchange import Batch, interchange, owned_coordinates
from lib.abstraction.maps import RevNet
from lib.abstraction.networks import Cut, StackedMLP, task_accuracy, train_fitted, train_networks
from lib.abstraction.own import align_module
from lib.abstraction.sentences import small_world, split_names, split_sentences
from lib.abstraction.transformer import LastTokenCut, SmallTransformer, train_transformer
from lib.training.stacked import generators


def test_cuts_of_a_stack_give_back_the_network_and_gradients_of_states_alone():
    network = StackedMLP(8, generators([1, 2])).requires_grad_(False)
    x = torch.randn(2, 5, 8)
    cut = Cut(network, [(0, 1), (1, 1), (1, 3)])
    hidden = cut.lower(x).requires_grad_()
    scores = cut.upper(hidden)
    torch.testing.assert_close(scores, network(x)[[0, 1, 1]])
    scores.sum().backward()
    assert hidden.grad.abs().sum() > 0
    with pytest.raises(ValueError, match="places: got"):
        Cut(network, [(0, 2), (0, 1)])


def test_hooks_and_slices_make_the_same_interventions():
    stack = StackedMLP(8, generators([4])).requires_grad_(False)
    module = nn.Sequential()
    for layer in [*stack.blocks, stack.score]:
        linear = nn.Linear(*layer.weight.shape[1:])
        linear.weight.data, linear.bias.data = layer.weight[0].T.clone(), layer.bias[0, 0].clone()
        module.extend([linear, nn.ReLU()])
    module = module[:-1]
    x = torch.randn(2, 3, 8)  # base and source
    phi, owned, flags = (
        RevNet(8, 2, 5, generators([0])),
        owned_coordinates(8, [4]),
        torch.ones(1, 3, 1, dtype=torch.bool),
    )
    sliced = Cut(stack, [(0, 2)])
    hooked = HookedCut(module, Site("3"))
    states = torch.stack([hooked.lower(x[0]), hooked.lower(x[1])], 1)
    torch.testing.assert_close(states[:, 1], sliced.lower(x[1:]))
    changed = interchange(phi, states, flags, owned)
    torch.testing.assert_close(hooked.upper(changed, x[0]), sliced.upper(changed))
    with pytest.raises(ValueError, match="module: got 'nine'"):
        read_states(module, Site("nine"), x[0])


def test_networks_learn_the_task_and_keep_their_snapshots():
    network = StackedMLP(16, generators([0, 1]))
    start = network.arrays()["weight"].copy()
    rngs = [np.random.default_rng(i) for i in range(2)]
    at, curve, kept = train_networks(
        network, "equality", rngs, steps=60, batch=64, learning_rate=3e-3, keep=(0, 30), tests=200, every=20
    )
    np.testing.assert_array_equal(kept[0]["weight"], start)
    assert at.tolist() == [0, 20, 40, 60]
    assert curve.shape == (4, 2)
    assert not np.array_equal(kept[1]["weight"], start)
    again = StackedMLP(16, generators([1]))
    train_networks(
        again, "equality", [np.random.default_rng(1)], steps=60, batch=64, learning_rate=3e-3, tests=200, every=20
    )
    np.testing.assert_allclose(again.arrays()["weight"][0], network.arrays()["weight"][1], atol=2e-6)


def test_stored_inputs_end_with_patience():
    network = StackedMLP(16, generators([0]))
    at, *_ = train_networks(
        network, "equality", [np.random.default_rng(0)], steps=500, batch=32, learning_rate=1e-5, tests=64, every=1,
        patience=3, samples=96,
    )  # fmt: skip
    assert at[-1] < 500


def test_fitted_networks_learn_their_algorithm():
    network = StackedMLP(24, generators([0]))
    before = task_accuracy(network, "distributive", 2000, np.random.default_rng(1))[0]
    train_fitted(network, "and_or", [np.random.default_rng(0)], steps=150, batch=64, learning_rate=5e-3)
    assert task_accuracy(network, "distributive", 2000, np.random.default_rng(1))[0] > before + 0.1


def _transformer(**options):
    sentences, vocabulary = small_world(np.random.default_rng(0), places=2, objects=2)
    model = SmallTransformer(vocabulary, 11, 3, 16, 2, generators([3]), **options).requires_grad_(False)
    return sentences, vocabulary, model, torch.from_numpy(sentences.tokens)


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_transformers_continue_from_the_last_token(layer):
    _, _, model, tokens = _transformer()
    cut = LastTokenCut(model, tokens[:40], layer)
    rows = torch.tensor([3, 11, 7])
    torch.testing.assert_close(cut.upper(cut.hidden[:, rows], rows), model(tokens[rows]))
    new = torch.randn(1, 3, 16)
    stream = model.states(tokens[rows])[layer - 1].clone()
    stream[..., -1, :] = new
    for block in model.layers[layer:]:
        stream = block(stream)
    torch.testing.assert_close(cut.upper(new, rows), model.logits(stream[..., -1, :]))


def test_transformers_are_causal_and_need_positions_to_see_order():
    _, _, model, tokens = _transformer()
    changed = tokens[:4].clone()
    changed[:, -1] = 0
    for before, after in zip(model.states(tokens[:4]), model.states(changed)):
        torch.testing.assert_close(before[..., :-1, :], after[..., :-1, :])
    _, _, blind, _ = _transformer(positions=False)
    one = torch.tensor([[0, 1, 2, 3], [2, 0, 1, 3]])
    first, second = blind.states(one)[0][0, :, -1]
    torch.testing.assert_close(first, second)


def test_hooks_reach_models_of_transformers():
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    torch.manual_seed(0)
    config = GPTNeoXConfig(
        vocab_size=30, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=16,
    )  # fmt: skip
    model = GPTNeoXForCausalLM(config)
    tokens = torch.randint(0, 30, (4, 7))
    last = torch.tensor([6, 4, 5, 6])
    mask = (torch.arange(7) <= last[:, None]).long()
    inputs = {"input_ids": tokens, "attention_mask": mask}
    site = Site("gpt_neox.layers.1", last)
    cut = HookedCut(model, site)
    states = cut.lower(inputs)
    hidden = model(**inputs, output_hidden_states=True).hidden_states[2]
    torch.testing.assert_close(states[0], hidden[torch.arange(4), last])
    logits = model(**inputs).logits[torch.arange(4), last]
    torch.testing.assert_close(cut.upper(states, inputs)[0], logits)
    assert (cut.upper(states + torch.randn(16), inputs)[0] - logits).abs().max() > 1e-3
    moved = write_states(model, site, inputs, states[0] + torch.randn(4, 16))
    early = torch.arange(7) < last[:, None]
    torch.testing.assert_close(moved[early], model(**inputs).logits[early])


def test_small_world_has_every_sentence_once():
    sentences, vocabulary = small_world(np.random.default_rng(0))
    assert (len(sentences.tokens), vocabulary) == (1200, 34)
    assert len(np.unique(sentences.tokens, axis=0)) == 1200
    for row, last, names, second in zip(*(part[::97] for part in sentences[:4])):
        words = [token for token in row if token < 4]
        assert words[:2] == names.tolist()
        assert words.count(names[1 if second else 0]) == 1  # the indirect object occurs once
        assert last == 10
    np.testing.assert_array_equal(sentences.answer(), np.where(sentences.order, *sentences.names.T[::-1]))
    inside, outside = split_sentences(sentences, 0.8, np.random.default_rng(1))
    assert sorted([*inside, *outside]) == list(range(1200))
    known, unseen = split_names(sentences, 0.5, np.random.default_rng(1))
    assert not set(sentences.pair[known].ravel()) & set(sentences.pair[unseen].ravel())
    assert len(known) == len(unseen) == 200


def test_small_transformers_learn_to_name_the_indirect_object():
    sentences, vocabulary, _, tokens = _transformer()
    model = SmallTransformer(vocabulary, 11, 2, 32, 2, generators([3]))
    answers = torch.from_numpy(sentences.answer())
    losses = train_transformer(model, tokens, answers, np.random.default_rng(0), steps=30, batch=32, learning_rate=5e-3)
    assert losses[-5:].mean() < 0.6 * losses[0].mean()


def test_a_module_of_ones_own_is_aligned():
    """A network that computes exclusive or of two signs: rotations fit where a rotation hides the variables."""
    torch.manual_seed(0)
    q = torch.linalg.qr(torch.randn(6, 6))[0]

    class Xor(nn.Module):
        def __init__(self):
            super().__init__()
            self.turn = nn.Linear(6, 6, bias=False)
            self.turn.weight.data = q

        def forward(self, x):
            z = self.turn(x) @ q
            score = 4 * torch.tanh(4 * z[:, 0]) * torch.tanh(4 * z[:, 1])
            return torch.stack([-score, score], 1)

    x = torch.randn(600, 6)
    variables = (x[:, :2] > 0).numpy()
    report = align_module(
        Xor(), Site("turn"), x, variables, lambda v: v[:, 0] == v[:, 1], blocks=(1,), hidden=8, size=1, steps=300,
        rotation_rate=0.05, tests=1000,
    )  # fmt: skip
    assert report.own > 0.95
    random, rotation, reversible = report.findings
    assert random.accuracy.value < 0.8
    assert rotation.accuracy.value > 0.9
    assert rotation.parameters == 15
    assert reversible.parameters > 15
    assert 0.45 < report.constant < 0.6
    with pytest.raises(ValueError, match="variables: got shape"):
        align_module(Xor(), Site("turn"), x, variables[:5], lambda v: v[:, 0])


def test_batches_are_independent_of_the_number_of_rows_at_once():
    from lib.abstraction.interchange import intervention_accuracy

    network = StackedMLP(8, generators([1, 2])).requires_grad_(False)
    cut = Cut(network, [(0, 1), (1, 2)])
    states = cut.lower(torch.randn(2, 900, 8)).view(2, 3, 300, 8)
    batch = Batch(states, torch.rand(2, 300, 2) < 0.5, torch.randint(0, 2, (2, 300)))
    phi, owned = RevNet(8, 1, 4, generators([1, 2])), owned_coordinates(8, [4, 4])
    whole = intervention_accuracy(phi, batch, cut.upper, owned)
    np.testing.assert_allclose(intervention_accuracy(phi, batch, cut.upper, owned, part=70), whole)
