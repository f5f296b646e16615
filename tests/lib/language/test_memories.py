"""Models with memories: routing of recall, counts, information, sizes."""

import numpy as np
import pytest
import torch

from lib.language.evaluation import recall_accuracy
from lib.language.memories import (
    active_parameters,
    memory_model,
    recall_load,
    recall_routes,
    routed_tokens,
    state_numbers,
    tail_losses,
    text_loss,
    with_ideal_routes,
)
from lib.language.recall import mqar
from lib.stats.correlation import mutual_information
from lib.training.loop import language_loss
from lib.training.stacked import count_parameters, generators

OPTIONS = {"hidden": 8, "memories": 4, "chosen": 2, "rule": "scalar", "d_key": 4, "d_value": 4}


def build(layers=("memories", "memories"), seeds=(0, 1), vocabulary=16, **options):
    return memory_model(vocabulary, 8, list(layers), generators(seeds), **(OPTIONS | options))


def test_key_value_and_query_of_a_pair_go_to_the_same_memory():
    tokens, targets = mqar(3, 5, 8, np.random.default_rng(0))
    index = recall_routes(torch.from_numpy(tokens)[None], 5, 4)[0, :, :, 0].numpy()
    for row, places, answers in zip(tokens, index, targets):
        for i in range(5):
            key, query = row[2 * i], 10 + list(row[10:]).index(row[2 * i])
            assert {places[2 * i], places[2 * i + 1], places[query]} == {key % 4}
            assert answers[query] == row[2 * i + 1]


def test_mutual_information_is_that_of_the_joint_counts():
    assert mutual_information(np.outer([1, 3], [2, 5, 3])) == pytest.approx(0, abs=1e-15)
    assert mutual_information(np.diag([5, 5, 5, 5])) == pytest.approx(np.log(4))
    joint = np.array([[2.0, 1.0], [1.0, 4.0]])
    p = joint / 8
    entropy = lambda q: -np.sum(q[q > 0] * np.log(q[q > 0]))  # noqa: E731
    expected = entropy(p.sum(0)) + entropy(p.sum(1)) - entropy(p.ravel())
    assert mutual_information(joint) == pytest.approx(expected)


def test_active_parameters_leave_the_memories_out_that_a_token_does_not_choose():
    routed, single = build(), build(memories=0, chosen=0)
    each = 8 * (4 + 4 + 1) + 1  # keys, values, gate and its bias of one memory
    assert count_parameters(routed) - active_parameters(routed) == 2 * 2 * each
    assert active_parameters(single) == count_parameters(single)
    assert active_parameters(routed) - active_parameters(single) == 2 * (2 * each + 8 * 4)
    assert state_numbers(routed) == 2 * 5 * 16
    assert state_numbers(build(["softmax", "memories"], softmax_heads=2)) == 5 * 16


def test_counts_of_routed_tokens_are_those_of_the_windows():
    windows = torch.randint(16, (20, 9), generator=torch.Generator().manual_seed(0))
    counts = routed_tokens(build(), windows, 16, 1)
    assert counts.shape == (2, 4, 16)
    np.testing.assert_array_equal(counts.sum(1), np.tile(2 * np.bincount(windows.flatten(), minlength=16), (2, 1)))


def test_loads_sum_to_the_chosen():
    load = recall_load(build(), 3, 8, 32, [np.random.default_rng(i) for i in range(2)], False)
    np.testing.assert_allclose(load.sum(-1), 2)
    assert load.shape == (2, 2, 4)


def test_losses_of_text_and_of_its_end():
    model = build(memories=0, chosen=0)
    windows = torch.randint(16, (2, 4, 65), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(text_loss(model, windows, 0.1), language_loss(model, windows))
    routed = build()
    assert (text_loss(routed, windows, 0.1) > text_loss(routed, windows, 0.0)).all()
    same = windows[:1].expand(2, -1, -1)
    whole = tail_losses(model, windows[0].numpy(), 64)
    np.testing.assert_allclose(whole, language_loss(model, same).detach(), rtol=1e-5)


def test_ideal_routes_are_a_model_for_the_evaluation():
    model = build(chosen=1)
    rngs = [np.random.default_rng(i) for i in range(2)]
    assert recall_accuracy(with_ideal_routes(model), 3, 8, 32, rngs).shape == (2,)


def test_other_layers_are_refused():
    for wrong, message in (({"layers": ["convolution"]}, "layers"), ({"channel": "relu"}, "channel")):
        with pytest.raises(ValueError, match=message):
            build(**wrong)
