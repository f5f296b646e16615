"""Chains of blocks: the closed form of ReLU networks, transformers, language models."""

import numpy as np
import pytest
import torch
from torch import nn

from lib.interaction.addition import AdditionTransformer, addition_chain, all_sums, train_transformers
from lib.interaction.basis import Basis
from lib.interaction.chain import (
    Chain,
    accuracy,
    analyse_chain,
    edge_strengths,
    fewest_edges,
    jacobian_gram,
    moments,
    run_kept_edges,
)
from lib.interaction.language import decoder_blocks, language_chain, load_tokens
from lib.interaction.relu import ReluNetwork, bases, record
from lib.interaction.relu import edge_strengths as closed_strengths


def _signs():
    return torch.Generator().manual_seed(0)


def test_a_chain_of_layers_has_the_bases_and_edges_of_the_closed_form():
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((6, 5)), rng.standard_normal((3, 6))]
    network = ReluNetwork(weights, [rng.standard_normal(6), rng.standard_normal(3)])
    inputs = rng.standard_normal((50, 5))
    seen = record(network, inputs)
    w, b = (list(map(torch.from_numpy, part)) for part in network)
    chain = Chain([lambda x: (x @ w[0].T + b[0]).relu(), lambda x: x @ w[1].T + b[1]])
    starts = list(torch.from_numpy(inputs).split(20))
    analysed = analyse_chain(chain, starts, "local")
    for layer, expected in enumerate(bases(network, seen, "local")):
        np.testing.assert_allclose(analysed.bases[layer].values, expected.values, rtol=1e-8)
        np.testing.assert_allclose(np.abs(analysed.bases[layer].matrix), np.abs(expected.matrix), atol=1e-7)
    for layer in range(2):
        expected = closed_strengths(network, seen, layer, *analysed.bases[layer : layer + 2])
        np.testing.assert_allclose(analysed.strengths[layer], expected, rtol=1e-7, atol=1e-10)
    labels = list(torch.from_numpy(seen.activations[-1].argmax(1)).split(20))
    assert accuracy(chain.run, iter(starts), labels) == 1
    number = fewest_edges(chain, analysed, 0, starts, labels, 0.0)
    assert 0 < number <= analysed.strengths[0].size
    with pytest.raises(ValueError, match="kind"):
        analyse_chain(chain, starts, "ica")


def test_signs_sum_over_output_positions():
    # every output position reads every input position: J[t, s] = m[t, s] w
    rng = np.random.default_rng(1)
    mixing, weight = torch.from_numpy(rng.standard_normal((3, 3))), torch.from_numpy(rng.standard_normal((4, 5)))
    chain = Chain([lambda x: mixing @ x @ weight.T])
    starts = [torch.from_numpy(rng.standard_normal((4000, 3, 5)))]
    ours = jacobian_gram(chain, starts, 0, np.eye(4), _signs())
    expected = float((mixing**2).sum() / 3) * (weight.T @ weight).numpy()
    np.testing.assert_allclose(ours, expected, rtol=0.1, atol=0.1 * np.abs(expected).max())
    mean, matrix = moments(chain, starts, 0)
    rows = starts[0].flatten(0, 1).numpy()
    np.testing.assert_allclose(mean, rows.mean(0), atol=1e-12)
    np.testing.assert_allclose(matrix, np.cov(rows.T, bias=True), atol=1e-10)
    same = Basis(np.eye(5), np.eye(5), np.ones(5)), Basis(np.eye(4), np.eye(4), np.ones(4))
    strengths = edge_strengths(chain, starts, 0, mean, *same, _signs())
    expected = (weight**2).numpy() * float((mixing**2).sum() / 3)
    np.testing.assert_allclose(strengths, expected, rtol=0.1, atol=0.02 * expected.max())


def test_a_transformer_learns_small_sums_and_is_a_chain():
    splits = np.tile(np.arange(25), (2, 1))
    model = train_transformers(
        5, [0, 1], splits, epochs=150, learning_rate=1e-2, weight_decay=0.1, width=16, heads=2, hidden=32
    )
    contexts, sums = all_sums(5)
    with torch.no_grad():
        logits = model(contexts)
    assert logits.shape == (2, 25, 6)
    assert (logits.argmax(-1) == sums).all()
    one = AdditionTransformer(5, [0], width=16, heads=2, hidden=32)
    one.load_state_dict({name: value[1:] for name, value in model.state_dict().items()})
    one.requires_grad_(False)
    chain, starts = addition_chain(one), [one.embed(part)[0] for part in contexts.split(10)]
    torch.testing.assert_close(torch.cat([chain.run(part) for part in starts]), logits[1])
    analysed = analyse_chain(chain, starts, "local")
    whole = [np.ones(strengths.shape, dtype=bool) for strengths in analysed.strengths]
    for layer, mask in enumerate(whole):
        values = next(iter(chain.up_to(starts, layer)))
        torch.testing.assert_close(
            run_kept_edges(chain, analysed, layer, mask, values), logits[1, :10], atol=1e-2, rtol=0.01
        )
    counts = [fewest_edges(chain, analysed, layer, starts, list(sums.split(10)), 0.001) for layer in range(3)]
    assert all(0 < count < mask.size for count, mask in zip(counts, whole))
    with pytest.raises(ValueError, match="stack of 2"):
        addition_chain(model)


def test_attention_reads_the_last_position_alone():
    model = AdditionTransformer(7, [3], width=8, heads=2, hidden=8)
    x = torch.randn(1, 4, 3, 8)
    layer = nn.MultiheadAttention(8, 2, bias=False, batch_first=True)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat([model.query[0].T, model.key[0].T, model.value[0].T]))
        layer.out_proj.weight.copy_(model.output[0].T)
        expected = x[0, :, -1] + layer(x[0], x[0], x[0])[0][:, -1]
        torch.testing.assert_close(model.attend(x)[0], expected)


@pytest.fixture(scope="module")
def language_model(tmp_path_factory):
    """A folder with a small untrained language model, and tokens."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("language")
    config = GPT2Config(vocab_size=17, n_positions=8, n_embd=12, n_layer=3, n_head=2)
    GPT2LMHeadModel(config).save_pretrained(folder / "model")
    np.save(folder / "tokens.npy", np.random.default_rng(0).integers(0, 17, 100))
    return folder


def test_the_last_blocks_of_a_language_model_are_a_chain(language_model):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(language_model / "model", local_files_only=True).eval()
    model.requires_grad_(False)
    tokens = load_tokens(language_model / "tokens.npy", 8, 100)
    assert tokens.shape == (12, 8)
    assert len(decoder_blocks(model)) == 3
    chain, sequences = language_chain(model, 2, tokens, 4)
    for part, start in zip(tokens.split(4), sequences.starts):
        torch.testing.assert_close(chain.run(start), model(part).logits, atol=1e-4, rtol=1e-4)
    assert (sequences.labels[0][:, :-1] == tokens[:4, 1:]).all()
    assert (sequences.labels[0][:, -1] == -100).all()
    with pytest.raises(ValueError, match="at most 3 layers"):
        language_chain(model, 4, tokens, 4)
    np.save(language_model / "few.npy", np.zeros(3))
    with pytest.raises(ValueError, match="integers"):
        load_tokens(language_model / "few.npy", 8, 100)
