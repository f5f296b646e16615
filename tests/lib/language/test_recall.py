"""Associative recall: each query's answer is the value that followed its key."""

import json

import numpy as np
import pytest
import torch

from lib.language.choices import choose, load_choices
from lib.language.formal_tasks import IGNORE
from lib.language.recall import mqar


@pytest.mark.parametrize("gaps", [None, (40, 0.1)])
def test_queries_ask_for_the_value_after_their_key(gaps):
    tokens, targets = mqar(20, 6, 10, np.random.default_rng(0), gaps)
    assert tokens.shape == (20, 18 if gaps is None else 40)
    for row, target in zip(tokens, targets):
        keys, values = row[:12:2], row[1:12:2]
        assert len(set(keys.tolist())) == 6
        assert bool((keys < 10).all())
        assert bool(((values >= 10) & (values < 20)).all())
        table = dict(zip(keys.tolist(), values.tolist()))
        places = np.flatnonzero(target != IGNORE)
        assert places.min() >= 12
        assert sorted(row[places].tolist()) == sorted(keys.tolist())
        assert [table[key] for key in row[places].tolist()] == target[places].tolist()


def test_close_queries_are_more_frequent_with_gaps():
    _, targets = mqar(400, 4, 10, np.random.default_rng(0), (68, 0.1))
    asked = (targets != IGNORE).sum(0)[8:]
    assert asked[:10].sum() > 3 * asked[-10:].sum()


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="pairs"):
        mqar(1, 11, 10, np.random.default_rng(0))
    with pytest.raises(ValueError, match="gaps"):
        mqar(1, 5, 10, np.random.default_rng(0), (14, 0.1))


class Bigram(torch.nn.Module):
    """A model that expects token t + 1 after token t."""

    def __init__(self, vocabulary: int):
        super().__init__()
        self.table = torch.nn.Parameter(torch.roll(5 * torch.eye(vocabulary), 1, 1)[None])

    def forward(self, tokens):
        return self.table[0][tokens]


def test_choices_are_scored_by_likelihood_for_their_length(tmp_path):
    path = tmp_path / "items.json"
    items = [
        {"context": [1, 2], "choices": [[3, 4, 5], [3, 3]], "answer": 0},
        {"context": [4], "choices": [[1], [5], [2, 3, 4]], "answer": 1},
        {"context": [4], "choices": [[5], [1]], "answer": 1},
    ]
    path.write_text(json.dumps({"toy": items}))
    hits = choose(Bigram(8), load_choices(path)["toy"])
    assert hits.tolist() == [[True, True, False]]
    path.write_text(json.dumps({"toy": [{"context": [1], "choices": [[1]], "answer": 1}]}))
    with pytest.raises(ValueError, match=r"toy\[0\]"):
        load_choices(path)
