"""The two stages of manifold linearising and clustering: features without labels, then membership and features."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from lib.clustering.coding_rate import block_membership, coding_rate, compressed_rate, numerical_rank
from lib.clustering.membership import sinkhorn
from lib.clustering.networks import TwoHeads
from lib.clustering.views import View
from lib.training.state import load_torch, torch_arrays

if TYPE_CHECKING:
    from lib.atlas.job.checkpoint import Checkpoint
    from lib.training.state import Part


@dataclass(frozen=True)
class Recipe:
    """How one stage is trained.

    Args:
        epochs: passes over the samples, where `steps` is 0.
        steps: number of steps instead; the last pass may then be a part.
        batch: samples of a step.
        rate, decay: learning rate and weight decay of Adam.
        eps2: squared distortion of the rates.
        invariance: weight lambda of the mean similarity of two views.
    """

    epochs: int
    batch: int
    rate: float
    decay: float
    eps2: float
    invariance: float
    steps: int = 0

    def length(self, samples: int) -> int:
        """Number of steps on so many samples."""
        return self.steps or self.epochs * -(-samples // self.batch)


@dataclass(frozen=True)
class Membership:
    """How samples of a batch belong together in stage 2.

    Args:
        kind: `doubly_stochastic`; `softmax` of a head of width k; `truth`, blocks of the classes.
        eta: temperature of the projection.
        half_steps: of Sinkhorn.
        views: `mean_c`, one projection of the mean of the views' similarity features; `mean_gamma`, the mean of the
            views' projections.
        absolute: take |C C'| instead of C C'.
        frobenius: weight gamma of 1/2 |P|_F^2.
        softness: temperature of the softmax.
    """

    kind: str = "doubly_stochastic"
    eta: float = 0.175
    half_steps: int = 5
    views: str = "mean_c"
    absolute: bool = False
    frobenius: float = 0.0
    softness: float = 1.0

    def __post_init__(self):
        if self.kind not in ("doubly_stochastic", "softmax", "truth"):
            raise ValueError(f"kind: got {self.kind!r}, expected doubly_stochastic, softmax or truth")
        if self.views not in ("mean_c", "mean_gamma"):
            raise ValueError(f"views: got {self.views!r}, expected mean_c or mean_gamma")

    def similarity(self, c: torch.Tensor) -> torch.Tensor:
        """K = C C' of unit rows, or its absolute value."""
        gram = c @ c.T
        return gram.abs() if self.absolute else gram

    def of_views(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Doubly stochastic membership (n, n) of a batch from the similarity features of its two views."""
        if self.views == "mean_gamma":
            return sum(sinkhorn(self.similarity(c), self.eta, self.half_steps) for c in (first, second)) / 2
        mean = nn.functional.normalize(first + second, dim=1)
        return sinkhorn(self.similarity(mean), self.eta, self.half_steps)


@dataclass
class Trace:
    """What was measured while a stage ran.

    Args:
        loss: of each step.
        passes: figures of each pass over the samples, by name, the first before any step.
        cluster: similarity features of the full batches of the last pass, the views' mean.
    """

    loss: list[float] = field(default_factory=list)
    passes: dict[str, list] = field(default_factory=dict)
    cluster: list[np.ndarray] = field(default_factory=list)


def _train(
    parameters, x, view: View, recipe: Recipe, source: torch.Generator, loss: Callable, after_pass=None,
    checkpoint: "Checkpoint | Part | None" = None, models: dict | None = None, trace: Trace | None = None,
) -> Trace:  # fmt: skip
    """Steps of Adam on two views of each batch; batches are drawn without replacement within a pass."""
    optimiser = torch.optim.Adam(parameters, lr=recipe.rate, weight_decay=recipe.decay, fused=True)
    trace, models = trace or Trace(), models or {}
    state = checkpoint.load() if checkpoint else None
    if state:
        load_torch(state, optimiser=optimiser, source=source, **models)
        trace.loss, trace.cluster = state["trace"].tolist(), list(state["cluster"])
        trace.passes = {key[5:]: list(value) for key, value in state.items() if key.startswith("pass:")}
    elif after_pass:
        after_pass(trace)
    total = recipe.length(len(x))
    while len(trace.loss) < total:
        trace.cluster.clear()
        for rows in torch.randperm(len(x), generator=source, device=source.device).split(recipe.batch):
            if len(rows) < 2 or len(trace.loss) == total:
                break
            optimiser.zero_grad()
            value = loss(view(x[rows], source), view(x[rows], source), rows)
            value.backward()
            optimiser.step()
            trace.loss.append(float(value.detach()))
            if not np.isfinite(trace.loss[-1]):
                raise ValueError(f"training: got a loss of {trace.loss[-1]} at step {len(trace.loss)}")
        if after_pass:
            after_pass(trace)
        if checkpoint:
            checkpoint.save_if_due(
                lambda: {
                    "trace": np.array(trace.loss),
                    "cluster": np.array(trace.cluster),
                    **{f"pass:{name}": np.array(values) for name, values in trace.passes.items()},
                    **torch_arrays(optimiser=optimiser, source=source, **models),
                }
            )
    return trace


def learn_features(
    model: TwoHeads, x: torch.Tensor, view: View, recipe: Recipe, source: torch.Generator, *, averaged: str = "unit",
    checkpoint: "Checkpoint | Part | None" = None,
) -> Trace:  # fmt: skip
    """Stage 1, in place: maximise R((Z + Z') / 2) + lambda times the mean similarity of two views.

    Args:
        model: its cluster head is not used.
        x: samples, any shape behind the first axis.
        view: random distortion.
        recipe: steps, batch, rates.
        source: generator of batches and views, on the device of x.
        averaged: `unit`, the mean of the views scaled to length 1 and the similarity as it is; `plain`, neither scaled
            nor signed (the paper's eq. 5).
        checkpoint: where the state is saved.

    Raises:
        ValueError: another `averaged`, or a loss that is not finite.
    """
    if averaged not in ("unit", "plain"):
        raise ValueError(f"averaged: got {averaged!r}, expected unit or plain")
    model.train()

    def loss(first, second, _):
        z, other = model(torch.cat([first, second]))[0].chunk(2)
        similarity = (z * other).sum(1)
        if averaged == "unit":
            mean = nn.functional.normalize(z + other, dim=1)
        else:
            mean, similarity = (z + other) / 2, similarity.abs()
        return -coding_rate(mean, recipe.eps2) - recipe.invariance * similarity.mean()

    return _train(model.parameters(), x, view, recipe, source, loss, None, checkpoint, {"model": model})


def learn_membership(
    model: TwoHeads,
    x: torch.Tensor,
    view: View,
    recipe: Recipe,
    membership: Membership,
    source: torch.Generator,
    *,
    classes: torch.Tensor | None = None,
    probe: torch.Tensor | None = None,
    checkpoint: "Checkpoint | Part | None" = None,
) -> Trace:
    """Stage 2, in place: minimise R_c(Z, P) - R(Z) with P from the cluster head.

    Args:
        model: after stage 1, with the cluster head as it shall start.
        x, view, recipe, source: as of `learn_features`; here lambda weighs the similarity of views too.
        membership: how P is made.
        classes: (n,) of the samples; used where `membership.kind` is `truth`, and for ranks of classes on the probe.
        probe: rows of x on which rates are measured before the first and after each pass; none by default.
        checkpoint: where the state is saved.

    Returns:
        The trace. Its passes hold, on undistorted probes, `rate`, `compressed` (with the membership of training),
        `rank` of all features and, with classes, `class_rank`.

    Raises:
        ValueError: `truth` without classes, or a loss that is not finite.
    """
    if membership.kind == "truth" and classes is None:
        raise ValueError("classes: got none, expected those of the samples for membership of kind truth")
    trace = Trace()

    def pi_of(outputs, rows):
        if membership.kind == "truth":
            return block_membership(torch.unique(classes[rows], return_inverse=True)[1])
        if membership.kind == "softmax":
            return sum(torch.softmax(one / membership.softness, 1) for one in outputs) / len(outputs)
        return membership.of_views(*(nn.functional.normalize(one, dim=1) for one in outputs))

    def loss(first, second, rows):
        z, c = model.outputs(torch.cat([first, second]))
        z, other = nn.functional.normalize(z, dim=1).chunk(2)
        c = c.chunk(2)
        mean = nn.functional.normalize(z + other, dim=1)
        pi = pi_of(c, rows)
        if membership.kind == "doubly_stochastic" and len(rows) == recipe.batch:
            unit = [nn.functional.normalize(one.detach(), dim=1) for one in c]
            trace.cluster.append(nn.functional.normalize(unit[0] + unit[1], dim=1).cpu().numpy())
        value = compressed_rate(mean, pi, recipe.eps2) - coding_rate(mean, recipe.eps2)
        if membership.frobenius:
            value = value + membership.frobenius / 2 * pi.square().sum()
        return value - recipe.invariance * (z * other).sum(1).mean()

    def measure(trace: Trace):
        if probe is None:
            return
        model.eval()
        with torch.no_grad():
            z, c = model.outputs(x[probe])
            z = nn.functional.normalize(z, dim=1)
            pi = pi_of((c, c), probe)
            now = {
                "rate": float(coding_rate(z, recipe.eps2)),
                "compressed": float(compressed_rate(z, pi, recipe.eps2)),
                "rank": numerical_rank(z),
            }
            if classes is not None:
                now["class_rank"] = [numerical_rank(z[classes[probe] == k]) for k in classes[probe].unique()]
        for name, value in now.items():
            trace.passes.setdefault(name, []).append(value)
        model.train()

    model.train()
    return _train(model.parameters(), x, view, recipe, source, loss, measure, checkpoint, {"model": model}, trace)


@torch.no_grad()
def embed(model: TwoHeads, x: torch.Tensor, batch: int = 2000) -> tuple[torch.Tensor, torch.Tensor]:
    """Representation and similarity features (or logits of a softmax head) of undistorted samples.

    Batch normalisation uses its running averages. Rows of both have length 1.
    """
    model.eval()
    parts = [model(rows) for rows in x.split(batch)]
    return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])
