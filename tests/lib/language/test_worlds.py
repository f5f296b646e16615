"""Small worlds for models of transformers: tasks, baselines, gates, and the models themselves."""

import math

import numpy as np
import pytest
import torch

from lib.language.formal_tasks import IGNORE
from lib.language.key_gates import collect_keys, count_memory_lengths
from lib.language.llama import load_arrays, recalled, small_llama, weights_as_arrays
from lib.language.spaced_recall import query_distances, spaced_recall
from lib.language.unigram import unigram_loss
from lib.language.worlds import make_world
from lib.linearizing.training import mean_loss

SIZES = {"width": 16, "layers": 2, "heads": 2, "groups": 1, "hidden": 32, "positions": 32}


@pytest.fixture(scope="module")
def model():
    return small_llama(13, **SIZES).eval()


def test_spaced_recall_has_its_answers_at_the_right_distance():
    tokens, targets = spaced_recall(50, 3, 6, 4, np.random.default_rng(0))
    assert tokens.shape == targets.shape == (50, 13)
    assert (tokens[:, 6:10] == 12).all()
    assert (targets[:, :10] == IGNORE).all()
    distances = query_distances(tokens, 3)
    for row, wanted, far in zip(tokens, targets, distances):
        for i, place in enumerate(range(10, 13)):
            assert row[place - far[i]] == wanted[place]
            assert row[place - far[i] - 1] == row[place]
    with pytest.raises(ValueError, match="gap"):
        spaced_recall(1, 3, 6, -1, np.random.default_rng(0))


def test_unigram_loss_by_hand():
    expected = -(2 * math.log(3 / 6) + math.log(1 / 6)) / 3
    assert unigram_loss(np.array([0, 0, 1]), np.array([0, 0, 2]), 3) == pytest.approx(expected)
    many = np.random.default_rng(0).choice(3, 200_000, p=[0.5, 0.3, 0.2])
    assert unigram_loss(many[:100_000], many[100_000:], 3) == pytest.approx(
        -(0.5 * math.log(0.5) + 0.3 * math.log(0.3) + 0.2 * math.log(0.2)), rel=0.01
    )
    for held_out, smoothing in (([], 1.0), ([0], 0.0)):
        with pytest.raises(ValueError, match="held_out"):
            unigram_loss(np.array([0]), np.array(held_out, int), 3, smoothing)


def test_weights_travel_as_arrays(model):
    other = small_llama(13, **SIZES, seed=1).eval()
    windows = torch.randint(13, (5, 9), generator=torch.Generator().manual_seed(0))
    before = mean_loss(other, windows, 2)
    load_arrays(other, weights_as_arrays(model))
    assert mean_loss(other, windows, 2) == pytest.approx(mean_loss(model, windows, 5), rel=1e-6)
    assert before != pytest.approx(mean_loss(model, windows, 5), rel=1e-4)
    with pytest.raises(ValueError, match="arrays"):
        load_arrays(other, {"weight": np.zeros(3)})


def test_the_same_seed_gives_the_same_model_and_leaves_torch_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second = small_llama(13, **SIZES, seed=3), small_llama(13, **SIZES, seed=3, theta=5e5)
    torch.testing.assert_close(torch.rand(3), expected)
    for own, theirs in zip(first.parameters(), second.parameters()):
        torch.testing.assert_close(own, theirs)
    x = torch.arange(10)[None]
    assert not torch.allclose(first(input_ids=x).logits, second(input_ids=x).logits)  # the base of the angles is used


def test_answers_are_those_of_the_most_likely_token(model):
    tokens, targets = spaced_recall(4, 3, 6, 4, np.random.default_rng(1))
    best = model(input_ids=torch.from_numpy(tokens)).logits.argmax(-1).numpy()
    wanted = np.where(targets == IGNORE, IGNORE, best)
    assert recalled(model, tokens, wanted).all()
    wanted[0, -1] = (wanted[0, -1] + 1) % 13
    assert recalled(model, tokens, wanted).tolist() == [True, True, False] + [True] * 9


def test_memory_lengths_are_those_of_the_keys(model):
    tokens = np.random.default_rng(0).integers(0, 13, (2, 6))
    keys = collect_keys(model, tokens)
    assert keys.shape == (2, 2, 6, 1, 8)
    hidden = model.model.layers[0].input_layernorm(model.model.embed_tokens(torch.from_numpy(tokens)))
    expected = model.model.layers[0].self_attn.k_proj(hidden)
    torch.testing.assert_close(keys[0, :, :, 0], expected)
    assert not model.model.layers[0].self_attn.k_proj._forward_hooks
    edges = np.geomspace(1, 1e4, 9)
    counts = count_memory_lengths(keys, edges)
    lengths = 16 / np.log1p(np.exp(-keys.double().numpy()))
    for layer in range(2):
        for channel in range(8):
            own, _ = np.histogram(lengths[layer, :, :, 0, channel], edges)
            np.testing.assert_array_equal(counts[layer, 0, channel], own)
    zero = count_memory_lengths(torch.zeros(1, 1, 1, 1, 1), np.array([23.0, 23.1, 24.0]))  # 16 / log 2 = 23.083
    assert zero.tolist() == [[[[1, 0]]]]


def test_worlds(model):
    rng = np.random.default_rng
    world = make_world("recall", pairs=3, n_keys=6, gap=4, first_pairs=2, growth=0.5, batch=4, held_out=40, near=4)
    assert (world.vocabulary, world.positions) == (13, 13)
    assert [world.draw(rng(0), done)[0].shape[1] for done in (0.0, 0.49, 0.5, 1.0)] == [10, 10, 13, 13]
    assert world.draw(rng(0))[0].shape == (4, 13)  # the whole task where nothing else is asked for
    right, near = world.score(model, rng(1))
    tokens, targets = spaced_recall(40, 3, 6, 4, rng(1))
    hits, classes = recalled(model, tokens, targets), query_distances(tokens, 3).ravel() // 4
    assert right == hits.mean()
    for number in range(4):
        own = hits[classes == number]
        assert np.isnan(near[number]) if not len(own) else near[number] == own.mean()
    text = make_world("text", tokens=20, batch=2, held_out=3)
    network = small_llama(text.vocabulary, **SIZES)
    assert -text.score(network, rng(0))[0] == pytest.approx(math.log(text.vocabulary), rel=0.05)
    assert 3 < -text.floor() < math.log(text.vocabulary)
    tokens, targets = text.draw(rng(0))
    np.testing.assert_array_equal(tokens[:, 1:], targets[:, :-1])
    with pytest.raises(ValueError, match="kind"):
        make_world("images")
