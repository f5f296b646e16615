"""The language of topics: frequencies, tasks, hidden words, and the best classifier."""

import numpy as np
import pytest
import torch

from lib.language.encoders import Encoder, pretrain_encoder, pretraining_loss
from lib.language.topics import TopicWorld, bayes_topic_scores, draw_documents, draw_task, hide_words

WORLD = TopicWorld(domains=3, topics=4, words=5, function_words=6, length=10)


def test_tokens_have_their_frequencies():
    documents = draw_documents(WORLD, 4000, [0, 2], 1, 0.6, np.random.default_rng(0))
    tokens = documents.tokens[:, :-1]
    assert (documents.tokens[:, -1] == WORLD.summary).all()
    content = tokens < WORLD.content
    assert content.mean() == pytest.approx(0.6, abs=0.01)
    domain = np.where(content, tokens // (WORLD.topics * WORLD.words), -1)
    assert set(np.unique(domain)) == {-1, 0, 2}
    one = np.array([len(set(row[row >= 0])) <= 1 for row in domain])
    assert one.all()
    topic = tokens // WORLD.words % WORLD.topics
    own = (topic == documents.topics[:, None])[content].mean()
    assert own == pytest.approx(0.6 + 0.4 / 4, abs=0.01)


def test_documents_mix_domains():
    tokens = draw_documents(WORLD, 500, [0, 1, 2], 2, 0.6, np.random.default_rng(1)).tokens[:, :-1]
    domain = np.where(tokens < WORLD.content, tokens // (WORLD.topics * WORLD.words), -1)
    counts = [len(set(row[row >= 0])) for row in domain]
    assert max(counts) == 2
    assert np.mean(counts) > 1.8


def test_a_task_is_in_one_domain_and_its_shifted_test_in_the_others():
    task = draw_task(WORLD, 30, 20, 40, 50, 0.5, np.random.default_rng(2))
    assert [len(part.labels) for part in task] == [30, 20, 40, 50]
    size = WORLD.topics * WORLD.words
    for part, allowed in ((task.test, {0}), (task.shifted, {1, 2})):
        content = part.tokens[part.tokens < WORLD.content]
        assert set(np.unique(content // size)) == allowed
    assert set(np.unique(task.train.labels)) <= {0, 1}


def test_hidden_words_come_back_as_targets():
    tokens = draw_documents(WORLD, 300, [0], 1, 0.5, np.random.default_rng(3)).tokens
    shown, targets = hide_words(WORLD, tokens, 0.25, np.random.default_rng(4))
    hidden = targets != -100
    assert hidden[:, :-1].mean() == pytest.approx(0.25, abs=0.02)
    assert not hidden[:, -1].any()
    assert (shown[hidden] == WORLD.mask).all()
    assert np.array_equal(np.where(hidden, targets, shown), tokens)


def test_the_best_classifier_against_brute_force():
    """Posterior by the product of word probabilities."""
    tokens = draw_documents(WORLD, 5, [1], 1, 0.5, np.random.default_rng(5)).tokens
    scores = bayes_topic_scores(WORLD, tokens, 0.5)
    for row, score in zip(tokens, scores):
        logs = np.zeros(WORLD.topics)
        for token in row[row < WORLD.content]:
            for topic in range(WORLD.topics):
                own = token // WORLD.words % WORLD.topics == topic
                logs[topic] += np.log((0.5 * own + 0.5 / WORLD.topics) / WORLD.words)
        np.testing.assert_allclose(score - score.max(), logs - logs.max(), atol=1e-10)


def test_domains_that_do_not_exist_are_refused():
    for domains, mixed in (([3], 1), ([0], 2), ([0], 0)):
        with pytest.raises(ValueError, match="domains: got"):
            draw_documents(WORLD, 1, domains, mixed, 0.5, np.random.default_rng(0))


def test_pretraining_learns_and_repeats():
    options = {"width": 8, "layers": 1, "heads": 2, "steps": 40, "batch": 16, "learning_rate": 1e-2, "purity": 0.8}
    encoder, losses = pretrain_encoder(WORLD, seed=1, **options)
    _again, repeated = pretrain_encoder(WORLD, seed=1, **options)
    assert np.array_equal(losses, repeated)
    assert losses[-5:].mean() < losses[:3].mean() - 0.2
    assert not encoder.training


def test_the_loss_of_pretraining_is_that_of_its_two_parts():
    torch.manual_seed(0)
    encoder = Encoder(WORLD.vocabulary, 11, 8, 1, 2).eval()
    tokens = draw_documents(WORLD, 3, [0], 1, 0.5, np.random.default_rng(6)).tokens
    shown, targets = hide_words(WORLD, tokens, 0.5, np.random.default_rng(7))
    logits = torch.log_softmax(encoder.all_tokens(torch.from_numpy(shown)) @ encoder.embedding.weight.mT, dim=-1)
    rows, places = np.nonzero(targets != -100)
    words = -logits[rows, places, targets[rows, places]].mean()
    summary = -logits[range(3), -1, tokens[:, 0]].mean()
    loss = pretraining_loss(encoder, shown, targets, tokens[:, 0])
    assert float(loss) == pytest.approx(float(words + summary), rel=1e-5)
