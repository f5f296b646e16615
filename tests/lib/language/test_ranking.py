"""Choices ranked by a causal language model, against log-likelihoods of whole sequences by hand."""

import numpy as np
import pytest
import torch

from lib.language.ranking import continuation_scores, encode_pair, rank_texts
from lib.linearizing.adapters import add_adapters
from lib.linearizing.convert import linearize
from tests.lib.linearizing.models import byte_tokeniser, tiny

ITEMS = [
    {"context": "Water is", "choices": [" wet", " a very dry stone"], "answer": 0},
    {"context": "Two and two ", "choices": ["is four", "is five", "is one"], "answer": 1},
    {"context": ["He saw the cat", "He saw the dog, later"], "choices": [" run.", " run."], "answer": 1},
]


def model_of(linear: bool):
    """A random model of bytes."""
    model = tiny(vocab_size=258)
    return add_adapters(linearize(model, window=5)) if linear else model


@torch.no_grad()
def by_hand(model, context, choice):
    """Log-likelihood of the bytes of a choice."""
    tokens = torch.tensor([byte_tokeniser()(context + choice)["input_ids"]])
    logits = model(input_ids=tokens, use_cache=False).logits[0].log_softmax(-1)
    count = len(choice)
    return logits[-count - 1 : -1].gather(1, tokens[0, -count:, None]).sum().item()


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("batch", [1, 4])
def test_ranks_are_those_of_the_likelihoods(linear, batch):
    model, expected = model_of(linear), []
    for item in ITEMS:
        contexts = item["context"] if isinstance(item["context"], list) else [item["context"]] * len(item["choices"])
        scores = np.array([by_hand(model, *pair) for pair in zip(contexts, item["choices"])])
        sizes = np.array([len(choice) for choice in item["choices"]])
        expected.append([scores.argmax() == item["answer"], (scores / sizes).argmax() == item["answer"]])
    hits = rank_texts(model, byte_tokeniser(), ITEMS, batch=batch)
    assert hits.tolist() == expected


def test_scores_do_not_depend_on_the_batch():
    model, tokeniser = model_of(True), byte_tokeniser()
    texts = [("abc", "de"), ("a", "bcdefghijkl"), ("abcdefghijklmnop", "q"), ("x", "y")]
    pairs = [encode_pair(tokeniser, *pair) for pair in texts]
    alone = continuation_scores(model, pairs, 1)
    np.testing.assert_allclose(continuation_scores(model, pairs, 3), alone, atol=1e-4)
    np.testing.assert_allclose(alone, [by_hand(model, *pair) for pair in texts], atol=1e-4)


def test_choices_by_letter_go_through_the_model_once():
    model, tokeniser, rows = model_of(False), byte_tokeniser(), []
    texts = [("Question: which? Answer: ", letter) for letter in "ABCD"] + [("Another, longer question: ", "AB")]
    pairs = [encode_pair(tokeniser, *pair) for pair in texts]
    pairs.append((pairs[0][0], 3))  # the same text, of which more counts
    hook = model.get_decoder().embed_tokens.register_forward_pre_hook(lambda _, args: rows.append(len(args[0])))
    scores = continuation_scores(model, pairs, 8)
    hook.remove()
    assert sum(rows) == 2
    expected = [by_hand(model, context.rstrip(), " " + choice) for context, choice in texts]
    expected.append(by_hand(model, "Question: which? Answer", ": A"))
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_a_model_that_knows_the_answers_scores_all():
    """Its output layer is replaced by one that prefers the bytes of the right answers."""
    model = model_of(False)
    items = [{"context": "q", "choices": ["zzz", "aaaa"], "answer": 1}] * 3

    class Prefers(torch.nn.Module):
        def forward(self, hidden):
            logits = torch.zeros(len(hidden), 258)
            logits[:, byte_tokeniser()("a")["input_ids"][0]] = 20.0
            return logits

    model.lm_head = Prefers()
    assert rank_texts(model, byte_tokeniser(), items).all()


def test_pairs_of_context_and_choice():
    tokeniser = byte_tokeniser()
    whole, count = encode_pair(tokeniser, "ab ", "cd")
    assert (tokeniser.decode(whole), count) == ("ab cd", 3)
    assert encode_pair(tokeniser, "", "cd") == ([256, *tokeniser("cd")["input_ids"]], 2)
    assert encode_pair(byte_tokeniser(True), "", "cd")[0][0] == 257
    cut, count = encode_pair(tokeniser, "abcdef", "gh", 4)
    assert (tokeniser.decode(cut), count) == ("efgh", 2)
    with pytest.raises(ValueError, match="longest: got 2"):
        encode_pair(tokeniser, "abcdef", "gh", 2)


@pytest.mark.parametrize("item", [{"context": ["a"], "choices": ["b", "c"], "answer": 0}])
def test_other_items_are_refused(item):
    with pytest.raises(ValueError, match=r"items\[0\]: got"):
        rank_texts(model_of(False), byte_tokeniser(), [item])
    with pytest.raises(ValueError, match=r"items\[0\]: got"):
        rank_texts(model_of(False), byte_tokeniser(), [{"context": [1], "choices": [[2], [3]], "answer": 0}])
