"""Training of alignment maps: many at once, with a record of how far they came and whether they still move."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import nn

from lib.abstraction.interchange import Batch, intervention_accuracy, intervention_loss
from lib.progress import progress
from lib.training.loop import rate, update_each
from lib.training.state import load_torch, pack_generator, torch_arrays, unpack_generator

if TYPE_CHECKING:
    from lib.atlas.job.checkpoint import Checkpoint
    from lib.training.state import Part


class History(NamedTuple):
    """What is known of a training.

    Args:
        loss: cross-entropy in nats before each update, `(steps, models)`.
        moved: change of the accuracy over the last quarter of the steps, `(models,)`: on the test interventions, or
            with early stopping on those of the evaluation.
        accuracy: on the test interventions at the end, `(models,)`.
        steps: how many there were.
    """

    loss: np.ndarray
    moved: np.ndarray
    accuracy: np.ndarray
    steps: int


def train_maps(
    phi: nn.Module, sample: Callable[[], Batch], upper: Callable, owned: torch.Tensor, test: Batch, *, steps: int,
    learning_rate: float | Sequence[float], warmup: int = 0, decay: str = "constant", floor: float = 0.0,
    evaluation: Batch | None = None, every: int = 0, patience: int = 5, improvement: float = 0.001,
    streams: Sequence[np.random.Generator] = (), checkpoint: "Checkpoint | Part | None" = None, label: str = "steps",
) -> History:  # fmt: skip
    """Train a stack of alignment maps with Adam; each behaves as if it were alone.

    Args:
        phi: maps, changed in place; only their parameters are trained.
        sample: draws interventions to train on.
        upper, owned: see `lib.abstraction.interchange`.
        test: interventions for the accuracies of the history.
        steps: of Adam.
        learning_rate: one, or one for each model.
        warmup, decay, floor: of the learning rate (`lib.training.loop.rate`).
        evaluation: interventions for early stopping; None: all steps are taken. Each model keeps the map with the
            smallest evaluation loss.
        every: steps between two evaluations.
        patience: evaluations in a row without an improvement, after which a model counts as finished; the training
            ends when all are.
        improvement: smallest decrease of the loss that counts.
        streams: generators that `sample` draws from, so that a checkpoint can hold their states.
        checkpoint: where the state is saved, to resume after an interruption.
        label: what the steps are called in the stage's log.

    Raises:
        ValueError: a loss is not finite.
    """
    parameters = [parameter for parameter in phi.parameters() if parameter.requires_grad]
    models = len(parameters[0])
    rates = np.broadcast_to(np.asarray(learning_rate, float), models)
    highest = float(rates.max())
    shares = torch.from_numpy(rates / highest).float().to(parameters[0].device) if np.ptp(rates) else None
    optimiser = torch.optim.Adam(parameters, lr=highest, fused=True)
    trace: list[np.ndarray] = []
    before, best, least, since = np.full(models, np.nan), *np.full((2, models), np.inf), np.zeros(models)
    curve: list[np.ndarray] = []  # accuracies at the evaluations
    kept = {name: value.clone() for name, value in phi.state_dict().items()}
    state = checkpoint.load() if checkpoint else None
    if state:
        load_torch(state, model=phi, optimiser=optimiser)
        trace, curve = list(state["trace"]), list(state["curve"])
        before, best, least, since = (state[name].copy() for name in ("before", "best", "least", "since"))
        kept = {name: torch.from_numpy(state[f"kept_{name}"]).to(value) for name, value in kept.items()}
        for i, stream in enumerate(streams):
            stream.bit_generator.state = unpack_generator(state[f"stream_{i}"]).bit_generator.state

    def now() -> dict[str, np.ndarray]:
        drawn = {f"stream_{i}": pack_generator(stream) for i, stream in enumerate(streams)}
        best_maps = {f"kept_{name}": value.numpy(force=True) for name, value in kept.items()}
        numbers = {
            "trace": np.stack(trace),
            "curve": np.array(curve).reshape(-1, models),
            "before": before,
            "best": best,
            "least": least,
            "since": since,
        }
        return {**numbers, **drawn, **best_maps, **torch_arrays(model=phi, optimiser=optimiser)}

    for step in progress(range(len(trace), steps), label):
        for group in optimiser.param_groups:
            group["lr"] = highest * rate(step, steps, warmup, decay, floor)
        losses = intervention_loss(phi, sample(), upper, owned)
        optimiser.zero_grad()
        losses.sum().backward()
        update_each(optimiser, parameters, shares)
        trace.append(losses.detach().float().numpy(force=True))
        if not np.isfinite(trace[-1]).all():
            raise ValueError(f"training: got the losses {trace[-1].tolist()} at step {step}, expected finite ones")
        if evaluation is None and step + 1 == math.ceil(0.75 * steps):
            before = intervention_accuracy(phi, test, upper, owned)
        if evaluation is not None and (step + 1) % every == 0:
            with torch.no_grad():
                loss = intervention_loss(phi, evaluation, upper, owned).double().numpy(force=True)
            better = loss < least
            least = np.where(better, loss, least)
            since = np.where(loss < best - improvement, 0, since + 1)
            best = np.where(loss < best - improvement, loss, best)
            for name, value in phi.state_dict().items():
                kept[name][better] = value[better]
            curve.append(intervention_accuracy(phi, evaluation, upper, owned))
            if (since >= patience).all():
                break
        if checkpoint:
            checkpoint.save_if_due(now)
    if curve:
        phi.load_state_dict(kept)
    accuracy = intervention_accuracy(phi, test, upper, owned)
    moved = curve[-1] - curve[int(0.75 * (len(curve) - 1))] if curve else accuracy - before
    return History(np.stack(trace), moved, accuracy, len(trace))


def pick_neurons(
    states: torch.Tensor, flags: torch.Tensor, label: torch.Tensor, upper: Callable, size: int
) -> tuple[torch.Tensor, np.ndarray]:
    """Neurons for the variables by greedy search, the identity as alignment map.

    In every step each variable gets one more unused neuron: the choice, among all ordered ones, of the lowest
    evaluation loss of that step.

    Args:
        states: `(1 + variables, rows, d)` of one network.
        flags: `(rows, variables)`.
        label: `(rows,)`.
        upper: scores `(models, rows, classes)` of hidden states `(models, rows, d)`, of that network for all.
        size: neurons of each variable at the end.

    Returns:
        Masks `(variables, d)`, and the evaluation loss after each step.

    Raises:
        ValueError: more neurons than there are, or more than two variables.
    """
    from itertools import permutations

    count, d = states.shape[0] - 1, states.shape[-1]
    if count > 2 or count * size > d:
        raise ValueError(
            f"size: got {size} neurons for {count} variables, expected at most two variables and {d} in all"
        )
    owned, losses = torch.zeros(count, d, dtype=torch.bool, device=states.device), []
    for _ in range(size):
        free = [i for i in range(d) if not owned[:, i].any()]
        choices = torch.tensor(list(permutations(free, count)), device=states.device)
        candidates = owned.repeat(len(choices), 1, 1)
        for k in range(count):
            candidates[torch.arange(len(choices)), k, choices[:, k]] = True
        loss = torch.cat([_neuron_losses(states, flags, label, upper, part) for part in candidates.split(32)])
        best = int(loss.argmin())
        owned = candidates[best]
        losses.append(float(loss[best]))
    return owned, np.array(losses)


@torch.no_grad()
def _neuron_losses(states, flags, label, upper, owned: torch.Tensor) -> torch.Tensor:
    from lib.abstraction.maps import Identity

    models = len(owned)
    batch = Batch(states.expand(models, *states.shape), flags[None], label[None])
    return intervention_loss(Identity(), batch, upper, owned)


def count_map_parameters(phi: nn.Module) -> int:
    """Degrees of freedom of one map of a stack: d (d - 1) / 2 of a rotation, all parameters of other maps."""
    from lib.abstraction.maps import Orthogonal
    from lib.training.stacked import count_parameters

    if isinstance(phi, Orthogonal):
        d = phi.rotation.weight.shape[-1]
        return d * (d - 1) // 2
    return count_parameters(phi)


def loss_curve(loss: np.ndarray, points: int) -> np.ndarray:
    """Mean losses `(models, points)` over equal parts of the steps; not a number for parts without a step."""
    parts = np.array_split(loss, points)
    return np.stack([part.mean(0) if len(part) else np.full(loss.shape[1], np.nan) for part in parts], 1)
