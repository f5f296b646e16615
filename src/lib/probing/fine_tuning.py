"""Fine-tuning of an encoder from given heads, many runs as one: whole, or through low-rank adapters."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lib.training.adamw import AdamW
from lib.training.loop import rate
from lib.training.low_rank import Adapter, merge_adapters

CHUNK = 1024  # documents that are encoded at once


class Tuned(NamedTuple):
    """Runs after training.

    Attributes:
        weights: of the encoder, each (runs, ...), adapters merged.
        heads: (runs, C, h).
        biases: (runs, C).
        losses: (steps, runs), of each batch before its step.
    """

    weights: dict[str, torch.Tensor]
    heads: torch.Tensor
    biases: torch.Tensor
    losses: np.ndarray


def weights_of(module: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers of a module by name, detached."""
    return {name: value.detach() for name, value in (*module.named_parameters(), *module.named_buffers())}


def batch_orders(samples: int, epochs: int, rng: np.random.Generator) -> np.ndarray:
    """The order in which samples are seen, (epochs, samples)."""
    return np.stack([rng.permutation(samples) for _ in range(epochs)])


def fine_tune(
    module: nn.Module, heads: np.ndarray, biases: np.ndarray, inputs: np.ndarray, labels: np.ndarray,
    orders: np.ndarray, *, learning_rate: float, batch: int, adapters: Mapping[str, Adapter] | None = None,
    scale: float = 1.0,
) -> Tuned:  # fmt: skip
    """Train copies of an encoder with heads on the cross-entropy; each run is as if it were alone.

    AdamW without weight decay, whose learning rate falls linearly to zero. With adapters, these and the head are
    trained; otherwise all parameters are.

    Args:
        module: gives features (n, h) of inputs; in evaluation mode, and left as it is.
        heads, biases: at the start, (runs, C, h) and (runs, C).
        inputs, labels: (runs, n, ...) and (runs, n) integers.
        orders: of the samples, (runs, epochs, n).
        learning_rate, batch: of the training; the last batch of an epoch is smaller where they do not divide.
        adapters: of all runs.
        scale: of the adapters.

    Raises:
        ValueError: a loss is not finite, shapes that do not fit, a module in training mode, or a padded embedding.
    """
    runs, samples = labels.shape
    if not (len(heads) == len(biases) == len(inputs) == len(orders) == runs and orders.shape[2] == samples):
        raise ValueError(f"heads, inputs, orders: got {heads.shape}, {inputs.shape}, {orders.shape} for {runs} runs")
    if any(part.training for part in module.modules()):
        raise ValueError("module: got one in training mode, expected evaluation mode (dropout off)")
    if any(getattr(part, "padding_idx", None) is not None for part in module.modules()):
        raise ValueError(
            "module: got an embedding with padding_idx, whose row a stack of runs would train; expected none"
        )
    base = weights_of(module)
    trained = {name for name, _ in module.named_parameters()} if adapters is None else set()
    weights = {name: value.expand(runs, *value.shape).clone() for name, value in base.items() if name in trained}
    fixed = {name: value for name, value in base.items() if name not in trained}
    head = torch.as_tensor(heads, dtype=torch.float32).clone()
    bias = torch.as_tensor(biases, dtype=torch.float32).clone()
    pairs = dict(adapters or {})
    parameters = [*weights.values(), head, bias, *(part for pair in pairs.values() for part in pair)]
    for parameter in parameters:
        parameter.requires_grad_()
    optimiser = AdamW([{"params": parameters, "weight_decay": 0.0}], lr=learning_rate, betas=(0.9, 0.999))

    def loss(weights, pairs, head, bias, x, y):
        features = torch.func.functional_call(module, merge_adapters({**fixed, **weights}, pairs, scale), (x,))
        return functional.cross_entropy(features @ head.mT + bias, y)

    every = torch.func.vmap(loss)
    x, y, order = torch.as_tensor(inputs), torch.as_tensor(labels), torch.as_tensor(orders)
    rows = torch.arange(runs)[:, None]
    batches = [part for epoch in range(order.shape[1]) for part in order[:, epoch].split(batch, dim=1)]
    trace = np.empty((len(batches), runs))
    for step, chosen in enumerate(batches):
        optimiser.param_groups[0]["lr"] = learning_rate * rate(step, len(batches), 0, "linear", floor=0.0)
        optimiser.zero_grad()
        losses = every(weights, pairs, head, bias, x[rows, chosen], y[rows, chosen])
        losses.sum().backward()
        optimiser.step()
        trace[step] = losses.detach().numpy()
        if not np.isfinite(trace[step]).all():
            raise ValueError(f"training: got the losses {trace[step].tolist()} at step {step}, expected finite ones")
    merged = merge_adapters({**fixed, **weights}, pairs, scale)
    every_run = {
        name: (value if name in trained or value is not base[name] else value.expand(runs, *value.shape)).detach()
        for name, value in merged.items()
    }
    return Tuned(every_run, head.detach(), bias.detach(), trace)


@torch.no_grad()
def features_of(module: nn.Module, inputs: np.ndarray, weights: Mapping[str, torch.Tensor] | None = None) -> np.ndarray:
    """Features (n, h) of inputs, in slices; under other weights than the module's own where these are passed."""
    values = weights_of(module) if weights is None else dict(weights)
    parts = torch.as_tensor(inputs).split(CHUNK)
    return torch.cat([torch.func.functional_call(module, values, (part,)) for part in parts]).numpy()


def feature_change(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Mean over samples of |after - before|, and of their cosine; features (n, h)."""
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    return float(np.linalg.norm(after - before, axis=1).mean()), float(((before * after).sum(axis=1) / lengths).mean())


def fisher_ratio(features: np.ndarray, labels: np.ndarray) -> float:
    """Trace of the scatter between classes over that within them, of features (n, h)."""
    within = between = 0.0
    for label in np.unique(labels):
        own = features[labels == label]
        within += ((own - own.mean(axis=0)) ** 2).sum()
        between += len(own) * ((own.mean(axis=0) - features.mean(axis=0)) ** 2).sum()
    return float(between / within)
