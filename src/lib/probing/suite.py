"""Heads compared on one set of tokens: each tuned on a backbone of its own, then trained on those that are judged.

Tokens of several seeds are stacked, `(S, n, 1 + N, D)`: each seed has a backbone, samples and heads of its own. The
last seed is for tuning alone: a fifth of its training samples chooses learning rates, scales and penalties.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from lib.probing import moments
from lib.probing.fitting import accuracy, fit_heads, last_fall, predict

LINEAR = ("cls", "gap", "cls+gap")
CONVERGED = ("lbfgs cls", "lbfgs gap", "lbfgs cls+gap")  # multinomial logistic regression to convergence
SCALES = (0.125, 0.25, 0.5, 1.0)  # of the frequencies of the empirical characteristic function
FREQUENCIES = 256
PENALTIES = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
LEAST_DEVIATION = 1e-3  # added to deviations before one divides by them
VALIDATION = 0.2  # share of the tuning seed's training samples
# what differs from the standard moment head
VARIANTS = {
    "mp": {},
    "second alone": {"first": False},
    "covariance centring": {"centring": "channel"},
    "no centring": {"centring": "none"},
    "2 heads": {"heads": 2},
    "8 heads": {"heads": 8},
    "half pairs": {"pairing": "half"},
    "all pairs": {"pairing": "all"},
    "first with each": {"pairing": "one"},
    "twice the width": {"double": True},
}
COVARIANCES = ("covariance", "covariance, equal features", "covariance, equal parameters", "matrix root")


class Recipe(NamedTuple):
    """How heads are built and trained.

    `hidden`, `layout`: of the moment head; `rates`: learning rates to choose from; `epochs`, `batch`, `weight_decay`:
    of the training.
    """

    hidden: int
    layout: str
    rates: tuple[float, ...]
    epochs: int
    batch: int = 64
    weight_decay: float = 0.05


class Choice(NamedTuple):
    """What tuning chose: learning rate or penalty, scale of frequencies (NaN for most heads), validation accuracy."""

    rate: float
    scale: float
    validation: float


class Result(NamedTuple):
    """A head trained for each judged seed.

    `accuracy` (S,) on the test samples, `parameters` of one head, `fall` (S,) of the loss over the last tenth of the
    steps (NaN for a solver), `predict`: tokens `(S, n, 1 + N, D)` to classes `(S, n)`.
    """

    accuracy: np.ndarray
    parameters: int
    fall: np.ndarray
    predict: Callable[[torch.Tensor], torch.Tensor]


def head_builder(name: str, width: int, classes: int, recipe: Recipe) -> Callable[[], nn.Module]:
    """What makes a head of tokens, or of features for `two moments` and `characteristic function`.

    Args:
        name: one of `LINEAR`, `VARIANTS`, `COVARIANCES`, `perceptron`, `two moments`, `characteristic function`.
        width: D.
        classes: K.
        recipe: of the moment head, which the sizes of others follow.

    Raises:
        ValueError: another name.
    """
    size = moments.moment_probe_parameters(width, classes, recipe.hidden)
    if name in LINEAR:
        return lambda: moments.LinearProbe(width, classes, name)
    if name == "perceptron":
        hidden = moments.perceptron_width(width, classes, size["total"])
        return lambda: moments.PerceptronProbe(width, classes, hidden)
    if name == "two moments":
        return lambda: moments.classifier(width * (width + 3) // 2, classes)
    if name == "characteristic function":
        return lambda: moments.classifier(2 * FREQUENCIES, classes)
    if name in COVARIANCES:
        features = size["second"] // classes - 1
        projected = {
            "covariance, equal features": round((np.sqrt(1 + 8 * features) - 1) / 2),
            "covariance, equal parameters": moments.covariance_width(width, classes, size["total"]),
            "matrix root": moments.covariance_width(width, classes, size["total"]),
        }.get(name, recipe.hidden)
        power = "matrix" if name == "matrix root" else "element"
        return lambda: moments.CovarianceProbe(width, classes, projected, power)
    if name in VARIANTS:
        options = dict(VARIANTS[name])
        hidden = recipe.hidden * (2 if options.pop("double", False) else 1)
        return lambda: moments.MomentProbe(width, classes, hidden=hidden, head_layout=recipe.layout, **options)
    raise ValueError(f"head: got {name!r}")


def standardiser(tokens: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """Centre and scale each channel of class tokens and of word tokens, by the training tokens of each seed.

    Every head begins with a linear map and a bias, or is standardised itself, so that this changes how fast it trains
    and not which functions it can be.

    Args:
        tokens: (S, n, 1 + N, D).
    """
    first, words = tokens[:, :, :1], tokens[:, :, 1:]
    mean = torch.cat([part.mean((1, 2), keepdim=True).expand_as(part[:, :1]) for part in (first, words)], 2)
    deviation = torch.cat([part.std((1, 2), keepdim=True).expand_as(part[:, :1]) for part in (first, words)], 2)
    return lambda others: (others - mean) / (deviation + LEAST_DEVIATION)


class _View:
    """What a head takes of tokens, by transformations that are fitted to the training tokens of each seed."""

    def __init__(self, name: str, tokens: torch.Tensor, scale: float, seeds: Sequence[int]):
        self.name, self.standardise = name, standardiser(tokens)
        if name == "characteristic function":
            shape = (FREQUENCIES, tokens.shape[-1])
            draws = [np.random.default_rng([int(seed), 7]).normal(size=shape) for seed in seeds]
            self.frequencies = scale * torch.from_numpy(np.stack(draws)).float()
        self.mean, self.deviation = 0.0, 1.0
        if name in ("two moments", "characteristic function"):
            features = self(tokens)
            self.mean, self.deviation = features.mean(1, keepdim=True), features.std(1, keepdim=True) + LEAST_DEVIATION

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        tokens = self.standardise(tokens)
        if self.name in LINEAR or self.name == "perceptron":  # a class token and the mean word stand for all
            return torch.stack([tokens[:, :, 0], tokens[:, :, 1:].mean(2)], 2)
        if self.name == "two moments":
            features = torch.stack([moments.two_moments(own[:, 1:]) for own in tokens])
        elif self.name == "characteristic function":
            features = torch.stack(
                [moments.characteristic_features(own[:, 1:], t) for own, t in zip(tokens, self.frequencies)]
            )
        else:
            return tokens
        return (features - self.mean) / self.deviation


def summary(tokens: torch.Tensor, parts: str) -> np.ndarray:
    """Class tokens, mean words or both (`cls`, `gap`, `cls+gap`) of tokens `(n, 1 + N, D)`, side by side."""
    columns = {"cls": tokens[:, 0], "gap": tokens[:, 1:].mean(1)}
    return torch.cat([columns[part] for part in parts.split("+")], 1).numpy()


def _logistic(x: np.ndarray, y: np.ndarray, penalty: float):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=2000, tol=1e-4)).fit(x, y)


def split_validation(samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows for fitting and for validation, a fifth of all."""
    order = np.random.default_rng([seed, 11]).permutation(samples)
    size = max(1, round(VALIDATION * samples))
    return order[size:], order[:size]


def tune_head(name: str, tokens: torch.Tensor, labels: torch.Tensor, classes: int, recipe: Recipe, seed: int) -> Choice:
    """Choose a head's learning rate (penalty of a solver, scale of frequencies) by validation on one seed.

    Args:
        name: of the head; see `head_builder` and `CONVERGED`.
        tokens, labels: (n, 1 + N, D) and (n,).
        classes: K.
        recipe: of the training.
        seed: of the split and of the training.

    Returns:
        The best choice; of equal ones the first.
    """
    fit, held = split_validation(len(labels), seed)
    if name in CONVERGED:
        x, y = summary(tokens, name.removeprefix("lbfgs ")), labels.numpy()
        scores = [_logistic(x[fit], y[fit], penalty).score(x[held], y[held]) for penalty in PENALTIES]
        best = int(np.argmax(scores))
        return Choice(PENALTIES[best], float("nan"), float(scores[best]))
    rates = recipe.rates
    best = Choice(rates[0], float("nan"), -1.0)
    for scale in SCALES if name == "characteristic function" else (float("nan"),):
        view = _View(name, tokens[None, fit], scale, [seed])
        trained = fit_heads(
            head_builder(name, tokens.shape[-1], classes, recipe),
            view(tokens[None, fit]).expand(len(rates), *[-1] * (view(tokens[None, :1]).ndim - 1)),
            labels[None, fit].expand(len(rates), -1),
            [seed] * len(rates),
            rates=rates,
            epochs=recipe.epochs,
            batch=recipe.batch,
            weight_decay=recipe.weight_decay,
        )
        inputs = view(tokens[None, held])
        scores = accuracy(
            trained.heads, inputs.expand(len(rates), *inputs.shape[1:]), labels[None, held].expand(len(rates), -1)
        )
        index = int(np.argmax(scores))
        if scores[index] > best.validation:
            best = Choice(rates[index], scale, float(scores[index]))
    return best


def train_head(
    name: str,
    choice: Choice,
    train: tuple[torch.Tensor, torch.Tensor],
    test: tuple[torch.Tensor, torch.Tensor],
    classes: int,
    recipe: Recipe,
    seeds: Sequence[int],
    steps: int | None = None,
) -> Result:
    """Train a head for each seed with what tuning chose, and test it.

    Args:
        name: of the head.
        choice: of `tune_head`.
        train, test: tokens `(S, n, 1 + N, D)` and labels `(S, n)`.
        classes: K.
        recipe: of the training.
        seeds: of each head.
        steps: in place of the recipe's epochs.
    """
    tokens, labels = train
    if name in CONVERGED:
        parts = name.removeprefix("lbfgs ")
        models = [_logistic(summary(x, parts), y.numpy(), choice.rate) for x, y in zip(tokens, labels)]

        def classify(others: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(np.stack([m.predict(summary(x, parts)) for m, x in zip(models, others)]))

        parameters = (tokens.shape[-1] * len(parts.split("+")) + 1) * classes
        share = (classify(test[0]) == test[1]).float().mean(1).numpy()
        return Result(share, parameters, np.full(len(seeds), np.nan), classify)
    view = _View(name, tokens, choice.scale, seeds)
    trained = fit_heads(
        head_builder(name, tokens.shape[-1], classes, recipe),
        view(tokens),
        labels,
        seeds,
        rates=choice.rate,
        epochs=None if steps else recipe.epochs,
        steps=steps,
        batch=recipe.batch,
        weight_decay=recipe.weight_decay,
    )

    def classify(others: torch.Tensor) -> torch.Tensor:
        return predict(trained.heads, view(others))

    share = (classify(test[0]) == test[1]).float().mean(1).numpy()
    return Result(share, trained.heads.parameters_each, last_fall(trained.losses), classify)


def best_linear(choices: dict[str, Choice]) -> str:
    """The linear probe that did best in validation: what `LP` is in every comparison."""
    linear = [name for name in (*LINEAR, *CONVERGED) if name in choices]
    return max(linear, key=lambda name: choices[name].validation)
