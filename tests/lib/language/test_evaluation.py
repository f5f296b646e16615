"""Accuracies of models whose answers are known."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import one_hot

from lib.language.evaluation import recall_accuracy, tracking_accuracy
from lib.language.formal_tasks import IGNORE, TASKS


class RunningParity(nn.Module):
    """One model that knows the parity and one that always says the opposite."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(2))

    def forward(self, tokens):
        bits = (tokens == 1).cumsum(-1) % 2
        bits[1] = 1 - bits[1]
        return one_hot(bits, 2).float()


class LookUp(nn.Module):
    """A model that looks its key up among the pairs, and one that answers with a key."""

    def __init__(self, pairs: int, n_keys: int):
        super().__init__()
        self.pairs, self.n_keys = pairs, n_keys

    def forward(self, tokens):
        keys, values = tokens[..., : 2 * self.pairs : 2], tokens[..., 1 : 2 * self.pairs : 2]
        place = (tokens[..., None] == keys[..., None, :]).float().argmax(-1)
        answer = values.gather(-1, place)
        answer[1] = 0
        return one_hot(answer, 2 * self.n_keys).float()


def test_who_tracks_the_state_has_accuracy_one_and_who_inverts_it_minus_one():
    rngs = [np.random.default_rng(seed) for seed in (0, 1)]
    accuracy = tracking_accuracy(RunningParity(), TASKS["parity"], 10, 64, rngs)
    np.testing.assert_allclose(accuracy, [1.0, -1.0])  # chance is 0


def test_who_looks_up_recalls_everything():
    rngs = [np.random.default_rng(seed) for seed in (0, 1)]
    assert recall_accuracy(LookUp(4, 8), 4, 8, 64, rngs).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("name", TASKS)
def test_tasks_ask_for_what_they_say(name):
    task, rng = TASKS[name], np.random.default_rng(0)
    tokens, targets = task.draw(200, 9, rng)
    assert tokens.min() >= 0
    assert tokens.max() < task.vocabulary
    asked = targets != IGNORE
    assert asked[:, 1:].all() if task.dense else asked.sum() == len(asked)
    classes = len(np.unique(targets[asked]))
    assert task.chance == 1 / classes
    if task.odd:
        with pytest.raises(ValueError, match="odd"):
            task.draw(1, 8, rng)
