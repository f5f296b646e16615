"""Fine-tune encoders from random and probed heads, whole or by low-rank adapters, and measure what became of them."""

from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from scipy import special

from lib.atlas.job.checkpoint import Checkpoint
from lib.atlas.job.seeds import generator
from lib.language.topics import bayes_topic_scores
from lib.ntk.linearised import residuals
from lib.probing.calibration import calibrate, reliability
from lib.probing.fine_tuning import batch_orders, feature_change, features_of, fine_tune, fisher_ratio
from lib.probing.heads import Head
from lib.probing.pipeline import (
    PAPER,
    TaskSizes,
    keyed_random_head,
    keyed_task,
    stored_encoder,
    stored_head,
    stored_world,
)
from lib.progress import progress
from lib.training.low_rank import draw_adapters

MEASURES = {
    "validation": "accuracy on held-out documents",
    "id": "accuracy on the training domain",
    "ood": "accuracy on other domains",
    "change": "mean change of a feature",
    "cosine": "mean cosine of a feature with its start",
    "fisher": "scatter between classes over within",
    "start_accuracy": "training accuracy before",
    "end_accuracy": "training accuracy after",
    "start_loss": "training loss before, nats",
    "end_loss": "training loss after, nats",
    "residual": "root mean square of |softmax - indicator| before",
    "start_norm": "norm of the head before",
    "end_norm": "norm of the head after",
    "head_change": "norm of the head's change",
    "ece": "expected calibration error",
    "mce": "largest calibration error",
    "temperature": "temperature of the validation documents",
    "scaled_ece": "expected calibration error, scaled",
    "scaled_mce": "largest calibration error, scaled",
    "bayes": "accuracy of the best classifier on the training domain",
}
BINS = 15


class Run(NamedTuple):
    """A training: LP leaves the encoder as it is, FT and LoRA start from a random head, LP-FT and LP-LoRA from LP's."""

    encoder: int
    seed: int
    documents: int
    procedure: str
    rate: float
    scale: float
    noise: float


def tune_encoders(
    encoders, heads, *, cases: list[dict], adapters: dict, scales: list[float], scale_rate: float, seeds: int,
    batch: int, validation: int, test: int, shifted: int, purity: float, stack: int, pictured: int,
    checkpoint: Checkpoint | None, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return what each run reached, and features of some documents before and after.

    Args:
        encoders, heads: stores of weights.
        cases: documents, epochs and learning rates; adapters, scaled heads and noise use the first.
        adapters: rank, alpha, learning_rate, targets, seeds of low-rank adapters.
        scales: factors of heads on the first encoder; 1 alone is every other run's.
        scale_rate: learning rate of runs with scaled heads and with heads of noisy labels.
        seeds: tasks of each encoder.
        batch: documents of a step.
        validation, test, shifted: documents of the tests.
        purity: probability that a content word is of its document's topic.
        stack: runs that train as one.
        pictured: documents whose features are returned, of the first encoder and task.
        checkpoint: where finished groups are kept.
        root_seed: root of the random streams.
    """
    sizes = TaskSizes(validation, test, shifted, purity)
    epochs = {case["documents"]: case["epochs"] for case in cases}
    runs = _runs(encoders.sizes["encoder"], cases, adapters, scales, heads.noise.values, scale_rate, seeds)
    places = {run: i for i, run in enumerate(runs)}
    width, classes = int(encoders.attrs["width"]), stored_world(encoders).topics // 2
    main = cases[0]["documents"]
    shown = [Run(0, 0, main, name, scale_rate, 1.0, 0.0) for name in ("FT", "LP-FT")]
    shown += [Run(0, 0, main, name, adapters["learning_rate"], 1.0, 0.0) for name in ("LoRA", "LP-LoRA")]
    state = (checkpoint.load() if checkpoint else None) or {
        **{name: np.full(len(runs), np.nan) for name in MEASURES},
        "bins": np.full((len(runs), 2, 3, BINS), np.nan),
        "picture": np.full((1 + len(shown), pictured, width), np.nan, np.float32),
        "picture_labels": np.zeros(pictured, np.int64),
        "picture_heads": np.full((len(shown), classes, width), np.nan, np.float32),
        "done": np.array(0),
    }
    groups = _groups(runs, stack)
    for number in progress(range(int(state["done"]), len(groups)), "groups of runs"):
        group = groups[number]
        first = group[0]
        encoder = stored_encoder(encoders, first.encoder)
        tasks = [keyed_task(root_seed, encoders, run.encoder, run.seed, run.documents, sizes) for run in group]
        starts = [_start(run, heads, root_seed, classes, width) for run in group]
        ends = _train(encoder, group, tasks, starts, epochs, batch, adapters, root_seed)
        for run, task, start, (weights, end) in zip(group, tasks, starts, ends):
            before = features_of(encoder, task.test.tokens)
            after = before if weights is None else features_of(encoder, task.test.tokens, weights)
            measured, state["bins"][places[run]] = _measure(encoder, weights, task, start, end, before, after)
            measured["bayes"] = _best_accuracy(stored_world(encoders), task, purity)
            for name, value in measured.items():
                state[name][places[run]] = value
            if run in shown:
                state["picture"][0], state["picture"][1 + shown.index(run)] = before[:pictured], after[:pictured]
                state["picture_heads"][shown.index(run)] = end.weights
                state["picture_labels"] = task.test.labels[:pictured]
        state["done"] = np.array(number + 1)
        if checkpoint:
            checkpoint.save_if_due(lambda: state)
    return xr.Dataset(
        {
            **{name: ("run", state[name], {"long_name": words}) for name, words in MEASURES.items()},
            "bins": (("run", "when", "of_bin", "bin"), state["bins"], {"long_name": "bins of the largest probability"}),
            "picture": (("pictured", "document", "feature"), state["picture"], {"long_name": "features"}),
            "picture_labels": ("document", state["picture_labels"]),
            "picture_heads": (("tuned", "class", "feature"), state["picture_heads"]),
        },
        coords={
            **{key: ("run", np.array([getattr(run, key) for run in runs])) for key in Run._fields},
            "when": ["before", "after"],
            "of_bin": ["count", "confidence", "accuracy"],
            "pictured": ["before", *(run.procedure for run in shown)],
            "tuned": [run.procedure for run in shown],
        },
        attrs={"scale_rate": scale_rate, "adapter_rate": adapters["learning_rate"], "documents": list(epochs)},
    )


def _runs(encoders: int, cases, adapters, scales, noise, scale_rate: float, seeds: int) -> list[Run]:
    """All runs, each once."""
    main = cases[0]["documents"]
    runs: dict[Run, None] = {}
    for e in range(encoders):
        for case in cases:
            for s in range(seeds):
                runs[Run(e, s, case["documents"], "LP", 0.0, 1.0, 0.0)] = None
                for rate in case["rates"]:
                    for name in ("FT", "LP-FT"):
                        runs[Run(e, s, case["documents"], name, rate, 1.0, 0.0)] = None
        for s in range(adapters["seeds"]):
            for name in ("LoRA", "LP-LoRA"):
                runs[Run(e, s, main, name, adapters["learning_rate"], 1.0, 0.0)] = None
    for s in range(seeds):
        for scale in scales:
            for name in ("FT", "LP-FT"):
                runs[Run(0, s, main, name, scale_rate, scale, 0.0)] = None
        for share in noise:
            runs[Run(0, s, main, "LP-FT", scale_rate, 1.0, float(share))] = None
    return list(runs)


def _groups(runs: list[Run], stack: int) -> list[list[Run]]:
    """Runs that train together: of one encoder, number of documents, learning rate, and all or none with adapters."""
    alike: dict[tuple, list[Run]] = {}
    for run in runs:
        alike.setdefault((run.encoder, run.documents, run.rate, "LoRA" in run.procedure), []).append(run)
    return [group[i : i + stack] for group in alike.values() for i in range(0, len(group), stack)]


def _train(
    encoder, group: list[Run], tasks, starts: list[Head], epochs: dict, batch: int, adapters: dict, root_seed: int
):
    """Weights (None where the encoder stays as it is) and head of each run of a group after training."""
    first = group[0]
    if first.procedure == "LP":
        return [(None, start) for start in starts]
    orders = []
    for run in group:  # one order for all runs of a task, so that their differences are paired
        rng = generator(root_seed, PAPER, "order", run.encoder, run.seed, run.documents)
        orders.append(batch_orders(run.documents, epochs[run.documents], rng))
    tuned = fine_tune(
        encoder, np.stack([head.weights for head in starts]), np.stack([head.bias for head in starts]),
        np.stack([task.train.tokens for task in tasks]), np.stack([task.train.labels for task in tasks]),
        np.stack(orders), learning_rate=first.rate, batch=batch, scale=adapters["alpha"] / adapters["rank"],
        adapters=_adapters(encoder, group, adapters, root_seed) if "LoRA" in first.procedure else None,
    )  # fmt: skip
    return [
        (
            {name: value[i] for name, value in tuned.weights.items()},
            Head(tuned.heads[i].numpy(), tuned.biases[i].numpy()),
        )
        for i in range(len(group))
    ]


def _best_accuracy(world, task, purity: float) -> float:
    """Accuracy on the test documents of the classifier that knows the language: topics in pairs are the classes."""
    scores = bayes_topic_scores(world, task.test.tokens, purity)
    classes = special.logsumexp(scores.reshape(len(scores), -1, 2), axis=2)
    return float(np.mean(classes.argmax(axis=1) == task.test.labels))


def _start(run: Run, heads, root_seed: int, classes: int, width: int) -> Head:
    """The head of a run before training; one of noisy labels has the norm of that without."""
    if run.procedure in ("FT", "LoRA"):
        return keyed_random_head(root_seed, run.encoder, run.seed, classes, width).scaled(run.scale)
    head = stored_head(heads, run.encoder, run.seed, run.documents, run.noise)
    if run.noise:
        head = head.scaled(stored_head(heads, run.encoder, run.seed, run.documents).norm() / head.norm())
    return head.scaled(run.scale)


def _adapters(encoder, group: list[Run], adapters: dict, root_seed: int):
    seeds = [generator(root_seed, PAPER, "adapter", run.encoder, run.seed).integers(2**62) for run in group]
    sources = [torch.Generator().manual_seed(int(seed)) for seed in seeds]
    return draw_adapters(encoder, tuple(adapters["targets"]), adapters["rank"], sources)


def _measure(encoder, weights, task, start: Head, end: Head, before, after) -> tuple[dict, np.ndarray]:
    """All measures of one run, and its bins (before or after scaling; count, confidence, accuracy; bin)."""
    train_before = start.scores(features_of(encoder, task.train.tokens))
    train_after = end.scores(features_of(encoder, task.train.tokens, weights))
    held_out = end.scores(features_of(encoder, task.validation.tokens, weights))
    shifted = end.scores(features_of(encoder, task.shifted.tokens, weights))
    test = end.scores(after)
    calibration = calibrate(test, task.test.labels, held_out, task.validation.labels, BINS)
    change, cosine = feature_change(before, after)
    slopes = residuals(train_before, task.train.labels)
    measured = {
        "validation": _accuracy(held_out, task.validation.labels),
        "id": _accuracy(test, task.test.labels),
        "ood": _accuracy(shifted, task.shifted.labels),
        "change": change,
        "cosine": cosine,
        "fisher": fisher_ratio(after, task.test.labels),
        "start_accuracy": _accuracy(train_before, task.train.labels),
        "end_accuracy": _accuracy(train_after, task.train.labels),
        "start_loss": _loss(train_before, task.train.labels),
        "end_loss": _loss(train_after, task.train.labels),
        "residual": float(np.sqrt((slopes**2).sum(axis=1).mean())),
        "start_norm": start.norm(),
        "end_norm": end.norm(),
        "head_change": float(np.linalg.norm(end.weights - start.weights)),
        **calibration._asdict(),
    }
    bins = [
        reliability(special.softmax(test / t, axis=1), task.test.labels, BINS) for t in (1.0, calibration.temperature)
    ]
    return measured, np.array(bins, dtype=float)


def _accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(scores.argmax(axis=1) == labels))


def _loss(scores: np.ndarray, labels: np.ndarray) -> float:
    return float(-special.log_softmax(scores, axis=1)[np.arange(len(labels)), labels].mean())


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(tune_encoders, snakemake)
