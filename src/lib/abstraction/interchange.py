"""Interchange interventions: swap what variables own of a network's hidden state, and see what it answers.

Written once, for any network that can be cut in two: `upper(states, context)` continues from hidden states. A stack of
networks is cut by slices (`lib.abstraction.networks`), any PyTorch module by hooks (`lib.abstraction.hooks`).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.utils import parametrize

from lib.stats.intervals import Estimate, estimate_proportion


class Batch(NamedTuple):
    """Interventions at a hidden layer.

    Args:
        states: `(models, 1 + variables, rows, d)`, hidden states of the base and of each variable's source; or with
            an index `(models, states, d)`, the states that interventions share.
        flags: `(models, rows, variables)` or `(1, rows, variables)` bool, which variables are swapped.
        label: `(models, rows)` integers, the counterfactual answer.
        other: `(models, rows)` where only two answers compete, the other one; None: all answers compete.
        context: what `upper` needs beside the states.
        index: `(models, 1 + variables, rows)` integers, which of the shared states each intervention takes.
    """

    states: torch.Tensor
    flags: torch.Tensor
    label: torch.Tensor
    other: torch.Tensor | None = None
    context: object = None
    index: torch.Tensor | None = None


def owned_coordinates(d: int, sizes: list[int]) -> torch.Tensor:
    """Masks `(variables, d)`: the first `sizes[0]` coordinates for the first variable, the next for the second, ...

    Raises:
        ValueError: sizes that are not positive, or more coordinates than there are.
    """
    if min(sizes) < 1 or sum(sizes) > d:
        raise ValueError(f"sizes: got {sizes}, expected positive ones with a sum of at most {d}")
    return owned_masks(d, [range(sum(sizes[:k]), sum(sizes[: k + 1])) for k in range(len(sizes))])


def owned_masks(d: int, coordinates) -> torch.Tensor:
    """Masks `(variables, d)` from the coordinates of each variable.

    Raises:
        ValueError: coordinates outside [0, d), or owned twice.
    """
    masks = torch.zeros(len(coordinates), d, dtype=torch.bool)
    for k, own in enumerate(coordinates):
        index = list(own)
        if any(not 0 <= i < d for i in index):
            raise ValueError(f"coordinates: got {index}, expected numbers from 0 to {d - 1}")
        masks[k, index] = True
    if (masks.sum(0) > 1).any():
        raise ValueError(f"coordinates: got {[list(own) for own in coordinates]}, expected no coordinate twice")
    return masks


def interchange(
    phi, states: torch.Tensor, flags: torch.Tensor, owned: torch.Tensor, index: torch.Tensor | None = None
) -> torch.Tensor:
    """Hidden states after interventions: z = phi(base), z_D <- phi(source)_D for each swapped variable, phi^-1(z).

    Args:
        phi: alignment map with `forward` and `inverse` on `(models, rows, d)`.
        states: `(models, 1 + variables, rows, d)`, or with an index `(models, states, d)`.
        flags: `(models or 1, rows, variables)`.
        owned: `(variables, d)`, or `(models, variables, d)`: coordinates of each variable.
        index: `(models, 1 + variables, rows)`, see `Batch`; each shared state goes through the map once.

    Returns:
        `(models, rows, d)`.
    """
    with parametrize.cached():  # a rotation is computed once for both directions
        if index is None:
            models, inputs, rows, d = states.shape
            codes = phi(states.reshape(models, inputs * rows, d)).unflatten(1, (inputs, rows))
        else:
            models, inputs, rows = index.shape
            shared, d = states.shape[1:]
            flat = (index + shared * torch.arange(models, device=index.device)[:, None, None]).flatten()
            codes = phi(states).reshape(-1, d).index_select(0, flat).view(models, inputs, rows, d)
        code = codes[:, 0]
        for k in range(inputs - 1):
            swapped = flags[..., k, None] & owned[..., k, :].reshape(-1, 1, d)
            code = torch.where(swapped, codes[:, 1 + k], code)
        return phi.inverse(code)


def intervention_loss(phi, batch: Batch, upper: Callable, owned: torch.Tensor) -> torch.Tensor:
    """Cross-entropy to the counterfactual answers of each model, `(models,)` in nats."""
    logits = upper(interchange(phi, batch.states, batch.flags, owned, batch.index), batch.context)
    losses = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), batch.label.expand(logits.shape[:2]).flatten(), reduction="none"
    )
    return losses.view(logits.shape[:2]).mean(1)


def hits(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Whether the answers are the counterfactual ones, `(models, rows)`.

    Raises:
        ValueError: logits that are not finite: the arg-max of NaN is no answer.
    """
    if not torch.isfinite(logits).all():
        raise ValueError("logits: got values that are not finite after an intervention, expected numbers")
    label = batch.label.expand(logits.shape[:2])
    if batch.other is None:
        return logits.argmax(-1) == label
    wanted, rival = (
        logits.gather(-1, index.expand(logits.shape[:2])[..., None])[..., 0] for index in (label, batch.other)
    )
    return wanted > rival


@torch.no_grad()
def intervention_accuracy(phi, batch: Batch, upper: Callable, owned: torch.Tensor, part: int = 4096) -> np.ndarray:
    """Interchange intervention accuracy of each model, `(models,)`.

    Args:
        phi, upper, owned: see `interchange`.
        batch: interventions that the map was not trained on, for a measure of what it generalises.
        part: rows that go through the network at once, where there is neither context nor index.
    """
    rows = batch.label.shape[-1]
    if batch.context is not None or batch.index is not None:
        part = rows
    right = 0
    for start in range(0, rows, part):
        cut = slice(start, start + part)
        piece = batch if part == rows else _rows(batch, cut)
        logits = upper(interchange(phi, piece.states, piece.flags, owned, piece.index), piece.context)
        right = right + hits(logits, piece).double().sum(1)
    return (right / rows).numpy(force=True)


def _rows(batch: Batch, cut: slice) -> Batch:
    other = None if batch.other is None else batch.other[:, cut]
    return Batch(batch.states[:, :, cut], batch.flags[:, cut], batch.label[:, cut], other)


def accuracy_estimate(value: float, n: int) -> Estimate:
    """An accuracy over n independent interventions with its exact binomial interval."""
    return estimate_proportion(round(value * n), n)


@torch.no_grad()
def round_trip_error(phi, states: torch.Tensor) -> float:
    """Largest absolute difference between hidden states `(models, rows, d)` and their codes' inverse."""
    return float((phi.inverse(phi(states)) - states).abs().max())
