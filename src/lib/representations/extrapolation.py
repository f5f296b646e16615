"""Effects of interventions outside the support of the training actions, by a control function on a representation.

Z and V = Z - E[Z | A] determine the part of the action that acts, so E[Y | Z, V] = nu(Z) + psi(V) although hidden
causes are common to Z and Y (Newey, Powell and Vella 1999). With V independent of A,

    E[Y | do(a)] = E[nu(M a + q + V)] - (E[nu(Z)] - E[Y]),    E[Y | X = x, do(a)] = nu(z) + psi(z - M a - q).

It is enough to know Z up to an invertible affine map.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from lib.progress import progress
from lib.representations.autoencoder import stacked_mlp
from lib.representations.restriction import linear_fit
from lib.training.loop import adamw, rate
from lib.training.stacked import generators

POINTS_AT_ONCE = 100_000  # rows that are evaluated together, about; more leave the cache


class AdditiveFits(nn.Module):
    """Sums of perceptrons, one for each block of inputs, for many fits at once: Y = nu_1(block 1) + nu_2(block 2) + ...

    Args:
        widths: numbers of columns of the blocks.
        hidden: width of the two hidden layers of each perceptron.
        sources: one generator for each fit.
    """

    def __init__(self, widths: Sequence[int], hidden: int, sources: list[torch.Generator]):
        super().__init__()
        self.parts = nn.ModuleList(stacked_mlp([width, hidden, hidden, 1], sources) for width in widths)
        self.centres: list[np.ndarray] = []
        self.scales: list[np.ndarray] = []
        self.mean = self.deviation = np.zeros(len(sources))

    def _input(self, block: int, points: np.ndarray) -> torch.Tensor:
        scaled = (points - self.centres[block]) / self.scales[block]
        return torch.from_numpy(scaled.astype(np.float32)).to(next(self.parameters()).device)

    @torch.no_grad()
    def part(self, block: int, points: np.ndarray) -> np.ndarray:
        """Nu of one block (fits, n) at points (fits, n, width), in units of Y; without the mean of Y."""
        value = self.parts[block](self._input(block, points))[..., 0].cpu().numpy().astype(float)
        return value * self.deviation[:, None]

    def predict(self, *blocks: np.ndarray) -> np.ndarray:
        """Fitted means (fits, n) of Y at blocks (fits, n, width)."""
        return self.mean[:, None] + sum(self.part(i, block) for i, block in enumerate(blocks))


def fit_additive(
    blocks: Sequence[np.ndarray],
    outcome: np.ndarray,
    seeds: Sequence[int],
    *,
    hidden: int,
    epochs: int,
    batch: int,
    learning_rate: float,
    device: str = "cpu",
) -> AdditiveFits:
    """Fit sums of perceptrons by least squares, all data sets in one model.

    Inputs and outcome are scaled to deviation 1 in each data set. Adam with a cosine rate that ends at 0.

    Args:
        blocks: arrays (data sets, n, width) that vary in every column.
        outcome: Y (data sets, n).
        seeds: of weights and batches, one for each data set.
        hidden, epochs, batch, learning_rate: of the training.
        device: where to compute.

    Raises:
        ValueError: shapes that do not fit, fewer rows than a batch, or a constant column.
    """
    sets, n = outcome.shape
    if any(block.shape[:2] != (sets, n) for block in blocks) or len(seeds) != sets or n < batch:
        raise ValueError(
            f"blocks, seeds: got shapes {[block.shape for block in blocks]} and {len(seeds)} seeds,"
            f" expected ({sets}, {n}, width) and {sets}, and at least {batch} rows"
        )
    fits = AdditiveFits([block.shape[2] for block in blocks], hidden, generators(seeds)).to(device)
    fits.centres = [block.mean(axis=1, keepdims=True) for block in blocks]
    fits.scales = [block.std(axis=1, keepdims=True) for block in blocks]
    fits.mean, fits.deviation = outcome.mean(axis=1), outcome.std(axis=1)
    if not all((scale > 0).all() for scale in (*fits.scales, fits.deviation)):
        raise ValueError("blocks, outcome: got a constant column, expected values that vary")
    inputs = [fits._input(i, block) for i, block in enumerate(blocks)]
    y = torch.from_numpy(((outcome - fits.mean[:, None]) / fits.deviation[:, None]).astype(np.float32)).to(device)
    optimiser = adamw(fits, learning_rate, betas=(0.9, 0.999), weight_decay=0.0)
    per_epoch = n // batch
    for epoch in progress(range(epochs), f"epochs of {sets} regressions"):
        order = np.stack([np.random.default_rng([int(seed), epoch]).permutation(n) for seed in seeds])
        rows = torch.from_numpy(order).to(device)
        shuffled = [x.take_along_dim(rows[..., None], dim=1) for x in inputs]
        target = y.take_along_dim(rows, dim=1)
        for step in range(per_epoch):
            chosen = slice(step * batch, (step + 1) * batch)
            value = sum(part(x[:, chosen])[..., 0] for part, x in zip(fits.parts, shuffled))
            loss = (value - target[:, chosen]).square().mean(dim=1).sum()
            optimiser.zero_grad()
            loss.backward()
            factor = rate(epoch * per_epoch + step, epochs * per_epoch, 0, floor=0.0)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate * factor
            optimiser.step()
    return fits


class ControlFunction:
    """Effects of interventions for many data sets at once, from representations, actions and outcomes.

    Args:
        representation: phi(X) (data sets, n, d).
        actions: A (data sets, n, k).
        outcome: Y (data sets, n).
        seeds: of weights and batches, one for each data set.
        control: whether psi(V) is fitted; without it hidden causes common to Z and Y are ignored.
        options: of `fit_additive`.

    Raises:
        ValueError: as `fit_additive`, or actions whose covariance is singular.
    """

    def __init__(
        self,
        representation: np.ndarray,
        actions: np.ndarray,
        outcome: np.ndarray,
        seeds: Sequence[int],
        *,
        control: bool = True,
        **options,
    ):
        fits = [linear_fit(a, z) for a, z in zip(actions, representation)]
        self.slopes, self.offsets, self.residuals = (np.stack(part) for part in zip(*fits))
        self.range = representation.min(axis=1), representation.max(axis=1)
        blocks = [representation, self.residuals] if control else [representation]
        self.fits = fit_additive(blocks, outcome, seeds, **options)
        self.constant = outcome.mean(axis=1) - self.fits.part(0, representation).mean(axis=1)

    def mean_representation(self, queries: np.ndarray) -> np.ndarray:
        """M a + q (data sets, Q, d) for queries (data sets, Q, k)."""
        return queries @ self.slopes.transpose(0, 2, 1) + self.offsets[:, None]

    def effect(self, queries: np.ndarray) -> np.ndarray:
        """E[Y | do(a)] (data sets, Q) for queries (data sets, Q, k), averaged over all residuals."""
        centres = self.mean_representation(queries)
        sets, number, d = centres.shape
        n = self.residuals.shape[1]
        effect = np.empty((sets, number))
        step = max(1, POINTS_AT_ONCE // (sets * n))
        for start in range(0, number, step):
            points = centres[:, start : start + step, None] + self.residuals[:, None]
            value = self.fits.part(0, points.reshape(sets, -1, d))
            effect[:, start : start + step] = value.reshape(sets, -1, n).mean(axis=2)
        return effect + self.constant[:, None]

    def conditional_effect(self, representation: np.ndarray, queries: np.ndarray) -> np.ndarray:
        """E[Y | X, do(a)] (data sets, Q) for representations phi(x) (data sets, Q, d) and queries (data sets, Q, k)."""
        blocks = [representation, representation - self.mean_representation(queries)]
        return self.fits.predict(*blocks[: len(self.fits.parts)])

    def support_share(self, queries: np.ndarray) -> np.ndarray:
        """Share (data sets, Q) of the points M a + q + V inside the box of the training representations."""
        points = self.mean_representation(queries)[:, :, None] + self.residuals[:, None]
        low, high = (end[:, None, None] for end in self.range)
        return ((points >= low) & (points <= high)).all(axis=3).mean(axis=2)


def polynomial_features(x: np.ndarray, degree: int) -> np.ndarray:
    """Monomials (n, terms) of a total degree between 1 and `degree`, by degree."""
    columns = [(x[:, i], i) for i in range(x.shape[1])]
    everything = list(columns)
    for _ in range(degree - 1):
        columns = [(value * x[:, j], j) for value, last in columns for j in range(last, x.shape[1])]
        everything += columns
    return np.stack([value for value, _ in everything], axis=1)


def polynomial_effect(
    representation: np.ndarray, actions: np.ndarray, outcome: np.ndarray, queries: np.ndarray, degree: int
) -> np.ndarray:
    """The same estimate with polynomials for nu and psi, in closed form.

    The same for phi and for any invertible affine map of phi. Terms of degree 1 of nu and psi differ by M A, which is
    why the covariance of A must not be singular.

    Args:
        representation, actions, outcome: phi(X) (n, d), A (n, k), Y (n,).
        queries: (Q, k).
        degree: of nu and of psi, at least 1.

    Returns:
        E[Y | do(a)] (Q,).
    """
    slopes, offsets, residuals = linear_fit(actions, representation)
    centre, root = representation.mean(axis=0), np.linalg.cholesky(np.atleast_2d(np.cov(representation.T)))

    def features(z: np.ndarray) -> np.ndarray:
        return polynomial_features(np.linalg.solve(root, (z - centre).T).T, degree)

    nu = features(representation)
    psi = polynomial_features(np.linalg.solve(root, residuals.T).T, degree)
    design = np.column_stack([np.ones(len(outcome)), nu, psi])
    weights = np.linalg.lstsq(design, outcome, rcond=1e-12)[0][1 : 1 + nu.shape[1]]
    means = np.array([features(slopes @ a + offsets + residuals).mean(axis=0) for a in queries])
    return (means - nu.mean(axis=0)) @ weights + outcome.mean()
