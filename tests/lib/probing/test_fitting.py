"""Stacked training against training alone, and against a solver of the same convex problem."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from lib.probing import fitting, moments


def _problem(models=3, n=90, classes=3):
    rng = np.random.default_rng(0)
    labels = np.stack([rng.integers(classes, size=n) for _ in range(models)])
    tokens = rng.normal(size=(models, n, 6, 12)) + 0.5 * labels[..., None, None]
    return torch.from_numpy(tokens).float(), torch.from_numpy(labels)


def _probe():
    return moments.MomentProbe(12, 3, hidden=32)


def test_stacked_heads_score_as_each_alone():
    tokens, _ = _problem()
    heads = fitting.StackedHeads(_probe, [5, 6, 7])
    scores = heads(tokens)
    for i, seed in enumerate((5, 6, 7)):
        torch.manual_seed(seed)
        torch.testing.assert_close(scores[i], _probe()(tokens[i]), atol=1e-5, rtol=1e-4)
    assert heads.parameters_each == moments.count_trainable(_probe())


def test_a_head_trains_the_same_beside_others():
    tokens, labels = _problem()
    options = {"epochs": 2, "batch": 32}
    together = fitting.fit_heads(_probe, tokens, labels, [5, 6, 7], rates=[1e-3, 3e-3, 1e-2], **options)
    alone = fitting.fit_heads(_probe, tokens[1:2], labels[1:2], [6], rates=3e-3, **options)
    np.testing.assert_allclose(together.losses[:, 1:2], alone.losses, rtol=1e-3)
    for ours, own in zip(together.heads.stack, alone.heads.stack):
        torch.testing.assert_close(ours[1:2], own, atol=2e-4, rtol=1e-2)


def test_a_long_training_of_a_linear_head_reaches_the_optimum_of_scikit_learn():
    tokens, labels = _problem(models=1, n=60)
    x = tokens[:, :, 0, :3]
    fit = fitting.fit_heads(lambda: nn.Linear(3, 3), x, labels, [0], rates=0.05, steps=1500, batch=60, weight_decay=0.0)
    reference = LogisticRegression(C=1e8, tol=1e-8, max_iter=2000).fit(x[0].numpy(), labels[0].numpy())
    best = -np.log(reference.predict_proba(x[0].numpy())[np.arange(60), labels[0].numpy()]).mean()
    assert best - 1e-6 < fit.losses[-1, 0] < best + 1e-3
    assert fitting.last_fall(fit.losses)[0] < 1e-3
    predicted = fitting.predict(fit.heads, x)[0].numpy()
    assert (predicted == reference.predict(x[0].numpy())).mean() > 0.98


def test_decay_spares_biases_and_gains():
    heads = fitting.StackedHeads(_probe, [0, 1])
    free = {name for name, parameter in zip(heads.names, heads.stack) if parameter.no_weight_decay}
    assert free == {name for name, parameter in _probe().named_parameters() if parameter.ndim == 1}


def test_all_samples_are_used_once_an_epoch():
    seen = []

    class Spy(nn.Linear):
        def forward(self, x):
            seen.append(x.shape)
            return super().forward(x)

    x = torch.arange(10.0).view(1, 10, 1)
    fitting.fit_heads(lambda: Spy(1, 2), x, torch.zeros(1, 10, dtype=torch.int64), [0], rates=1e-3, epochs=2, batch=4)
    assert [shape[-2] for shape in seen] == [4, 4, 2] * 2


def test_fall_of_the_last_tenth():
    losses = np.linspace(1, 0.1, 100)[:, None]
    assert fitting.last_fall(losses)[0] == pytest.approx(1 - losses[-5:].mean() / losses[-10:-5].mean())
    assert np.isnan(fitting.last_fall(np.ones((1, 2)))).all()
    assert fitting.last_fall(np.exp(-np.arange(100.0))[:, None])[0] == 0


def test_sizes_that_do_not_fit():
    tokens, labels = _problem()
    for options in ({"epochs": 1, "steps": 1}, {}):
        with pytest.raises(ValueError, match="one of them"):
            fitting.fit_heads(_probe, tokens, labels, [0, 1, 2], rates=1e-3, **options)
    with pytest.raises(ValueError, match="as many"):
        fitting.fit_heads(_probe, tokens, labels, [0, 1], rates=1e-3, epochs=1)
