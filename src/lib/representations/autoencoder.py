"""Autoencoders whose latent mean is held affine in the actions, for many data sets and penalties in one model.

The loss of a minibatch of B rows is the squared reconstruction error plus lambda Q (`lib.representations.restriction`)
of the representation, scaled within the batch. Least squares on (A, 1) is solved again in every step, and gradients
pass through it. Parameters and activations have a leading model axis: data sets by penalties, penalties fastest.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from lib.progress import progress
from lib.representations.restriction import median_distance
from lib.training.loop import adamw, rate
from lib.training.stacked import StackedLinear, generators
from lib.training.state import load_torch, torch_arrays

SLOPE = 0.2  # of leaky rectifiers
KL_WEIGHT = 1e-3  # of the variational form
CLAMP = (-12.0, 4.0)  # of its log-variances
KINDS = ("leaky", "elu", "variational")
SCALINGS = ("coordinate", "trace", "none")


def stacked_mlp(sizes: Sequence[int], sources: list[torch.Generator], *, elu: bool = False) -> nn.Sequential:
    """Perceptrons (models, ..., sizes[0]) -> (models, ..., sizes[-1]) with leaky rectifiers or ELU between layers."""
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(sizes)):
        if i:
            layers.append(nn.ELU() if elu else nn.LeakyReLU(SLOPE))
        layers.append(StackedLinear(a, b, sources, bias=True))
    return nn.Sequential(*layers)


def scale_in_batch(z: torch.Tensor, scaling: str) -> torch.Tensor:
    """Representations (models, B, d) centred and scaled, with gradients through both.

    Args:
        z: representations.
        scaling: `coordinate`: each coordinate to deviation 1; `trace`: all by one number, to a mean variance of 1;
            `none`: centred alone.
    """
    centred = z - z.mean(dim=-2, keepdim=True)
    if scaling == "none":
        return centred
    variance = centred.square().mean(dim=-2, keepdim=True)
    if scaling == "trace":
        variance = variance.mean(dim=-1, keepdim=True)
    return centred / (variance.sqrt() + 1e-6)


def batch_restriction(actions: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """P K P (data sets, B, B) of minibatches of actions (data sets, B, k), Gaussian kernel of a width for each.

    The residuals of least squares on (A, 1) of any z are P z, so that Q(z) = tr(z' P K P z) / B^2.
    """
    scaled = actions / width[:, None, None]
    square = scaled.square().sum(dim=-1)
    kernel = torch.baddbmm(-0.5 * (square[:, :, None] + square[:, None, :]), scaled, scaled.mT).clamp_(max=0).exp_()
    design = torch.cat([actions, torch.ones_like(actions[..., :1])], dim=-1)
    gram = torch.linalg.cholesky(design.mT @ design)
    basis = torch.linalg.solve_triangular(gram, design.mT, upper=False).mT
    half = kernel @ basis
    inner = basis.mT @ half
    # K - B (K B)' - (K B) B' + B (B' K B) B' as one product of width 2 (k + 1)
    left = torch.cat([basis, half], dim=-1)
    right = torch.cat([half - basis @ inner, basis], dim=-1)
    return torch.baddbmm(kernel, left, right.mT, alpha=-1)


def batch_moment(z: torch.Tensor, restricted: torch.Tensor) -> torch.Tensor:
    """Q (data sets, penalties) of representations (data sets, penalties, B, d) of minibatches."""
    sets, penalties, b, d = z.shape
    flat = z.transpose(1, 2).reshape(sets, b, penalties * d)
    return (flat * torch.bmm(restricted, flat)).sum(dim=1).view(sets, penalties, d).sum(dim=-1) / b**2


class Autoencoders(nn.Module):
    """Encoders and decoders of all models, and the scale of each model's features.

    Args:
        features: width m of the input.
        latent: width d of the representation.
        width: of the two hidden layers of encoder and decoder.
        sources: one generator for each model.
        kind: `leaky`, `elu`, or `variational`: leaky, encoder of mean and log-variance, decoder of a sample.

    Raises:
        ValueError: another kind.
    """

    def __init__(self, features: int, latent: int, width: int, sources: list[torch.Generator], kind: str = "leaky"):
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"kind: got {kind!r}, expected one of {', '.join(KINDS)}")
        self.latent, self.kind, elu = latent, kind, kind == "elu"
        code = 2 * latent if kind == "variational" else latent
        self.encoder = stacked_mlp([features, width, width, code], sources, elu=elu)
        self.decoder = stacked_mlp([latent, width, width, features], sources, elu=elu)
        self.register_buffer("centre", torch.zeros(len(sources), 1, features))
        self.register_buffer("scale", torch.ones(len(sources), 1, 1))

    def losses(self, x: torch.Tensor, noise: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Squared error per row (models,), with the divergence of the variational form, and representations.

        Args:
            x: scaled features (models, B, m).
            noise: standard normal (models, B, d), of the variational form; None for its mean.
        """
        code = self.encoder(x)
        z, extra = code[..., : self.latent], 0.0
        sample = z
        if self.kind == "variational":
            spread = code[..., self.latent :].clamp(*CLAMP)
            extra = KL_WEIGHT * 0.5 * (z.square() + spread.exp() - 1 - spread).sum(dim=-1).mean(dim=-1)
            sample = z if noise is None else z + (0.5 * spread).exp() * noise
        return (self.decoder(sample) - x).square().sum(dim=-1).mean(dim=-1) + extra, z

    @torch.no_grad()
    def encode(self, features: np.ndarray) -> np.ndarray:
        """Representations (data sets, penalties, n, d) of features (data sets, n, m), in double precision."""
        x = self._scaled(features)
        z = self.encoder(x)[..., : self.latent]
        return z.view(len(features), -1, *z.shape[1:]).cpu().numpy().astype(float)

    @torch.no_grad()
    def reconstruction_errors(self, features: np.ndarray) -> np.ndarray:
        """Mean squared error per row (data sets, penalties) of features (data sets, n, m), in units of their scale."""
        x = self._scaled(features)
        error = (self.decoder(self.encoder(x)[..., : self.latent]) - x).square().sum(dim=-1).mean(dim=-1)
        return error.view(len(features), -1).cpu().numpy().astype(float)

    def _scaled(self, features: np.ndarray) -> torch.Tensor:
        each = len(self.centre) // len(features)
        x = torch.from_numpy(np.asarray(features, dtype=np.float32)).to(self.centre.device)
        return (x.repeat_interleave(each, dim=0) - self.centre) / self.scale


def train_autoencoders(
    actions: np.ndarray,
    features: np.ndarray,
    penalties: Sequence[float],
    seeds: Sequence[int],
    *,
    latent: int,
    width: int,
    epochs: int,
    batch: int,
    learning_rate: float,
    kind: str = "leaky",
    scaling: str = "coordinate",
    device: str = "cpu",
    checkpoint=None,
) -> Autoencoders:
    """Train an autoencoder for each data set and penalty.

    Models of one data set start from the same weights and see the same minibatches. Rows that fill no whole batch are
    dropped in each epoch. Adam with a cosine rate that ends at 0, no weight decay, no early stopping.

    Args:
        actions, features: A (data sets, n, k) and X (data sets, n, m).
        penalties: lambda of each model of a data set, at least 0.
        seeds: of weights and batches, one for each data set.
        latent: d, at most k where a penalty is positive and identification is wanted.
        width, epochs, batch, learning_rate: of the training.
        kind: see `Autoencoders`.
        scaling: of the representation in Q, see `scale_in_batch`.
        device: where to compute.
        checkpoint: where the state is saved after epochs (`lib.atlas.job.checkpoint`).

    Raises:
        ValueError: shapes that do not fit, a negative penalty, fewer rows than a batch, another kind or scaling.
    """
    sets, n, _ = actions.shape
    if features.shape[:2] != (sets, n) or len(seeds) != sets:
        raise ValueError(
            f"features, seeds: got shape {features.shape} and {len(seeds)} seeds, expected ({sets}, {n}, m) and {sets}"
        )
    if not n >= batch:
        raise ValueError(f"batch: got {batch}, expected at most the {n} rows")
    if min(penalties) < 0:
        raise ValueError(f"penalties: got {list(penalties)}, expected numbers at least 0")
    if scaling not in SCALINGS:
        raise ValueError(f"scaling: got {scaling!r}, expected one of {', '.join(SCALINGS)}")
    each = len(penalties)
    sources = generators([seed for seed in seeds for _ in penalties])
    model = Autoencoders(features.shape[2], latent, width, sources, kind).to(device)
    centre = features.mean(axis=1, keepdims=True)
    scale = np.sqrt(((features - centre) ** 2).mean(axis=(1, 2), keepdims=True))
    model.centre = _tensor(centre, device).repeat_interleave(each, dim=0)
    model.scale = _tensor(scale, device).repeat_interleave(each, dim=0)
    x, a = _tensor((features - centre) / scale, device), _tensor(actions, device)
    widths = _tensor(np.array([median_distance(one) for one in actions]), device)
    penalised = [i for i, value in enumerate(penalties) if value > 0]
    weights = _tensor(np.array([value for value in penalties if value > 0]), device)
    optimiser = adamw(model, learning_rate, betas=(0.9, 0.999), weight_decay=0.0)
    start, per_epoch = 0, n // batch
    state = checkpoint.load() if checkpoint else None
    if state:
        load_torch(state, model=model, optimiser=optimiser)
        start = int(state["epoch"])
    for epoch in progress(range(start, epochs), f"epochs of {len(sources)} models after {start}"):
        rngs = [np.random.default_rng([int(seed), epoch]) for seed in seeds]
        order = torch.from_numpy(np.stack([rng.permutation(n) for rng in rngs])).to(device)[..., None]
        xs, shuffled = x.take_along_dim(order, dim=1), a.take_along_dim(order, dim=1)
        noises = None
        if kind == "variational":
            noises = _tensor(np.stack([rng.standard_normal((n, latent)) for rng in rngs]), device)
        for step in range(per_epoch):
            rows = slice(step * batch, (step + 1) * batch)
            noise = None if noises is None else noises[:, rows].repeat_interleave(each, dim=0)
            error, z = model.losses(xs[:, rows].repeat_interleave(each, dim=0), noise)
            loss = error.sum()
            if penalised:
                scaled = scale_in_batch(z.view(sets, each, batch, latent)[:, penalised], scaling)
                loss = loss + (weights * batch_moment(scaled, batch_restriction(shuffled[:, rows], widths))).sum()
            optimiser.zero_grad()
            loss.backward()
            factor = rate(epoch * per_epoch + step, epochs * per_epoch, 0, floor=0.0)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate * factor
            optimiser.step()
        if checkpoint:
            checkpoint.save_if_due(
                lambda done=epoch + 1: {"epoch": done} | torch_arrays(model=model, optimiser=optimiser)
            )
    return model


def largest_harmless(penalties: np.ndarray, errors: np.ndarray, allowance: float) -> np.ndarray:
    """Places (sets,) of the largest penalties whose held-out error is at most `allowance` times that of the smallest.

    Args:
        penalties: (L,), 0 among them.
        errors: held-out reconstruction errors (sets, L).
        allowance: at least 1.

    Raises:
        ValueError: an allowance below 1.
    """
    if not allowance >= 1:
        raise ValueError(f"allowance: got {allowance}, expected at least 1")
    start = errors[:, [int(np.argmin(penalties))]]
    return np.argmax(np.where(errors <= allowance * start, penalties, -np.inf), axis=1)


def _tensor(values: np.ndarray, device: str) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32)).to(device)
