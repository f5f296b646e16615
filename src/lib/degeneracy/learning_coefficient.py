"""The local learning coefficient by stochastic-gradient Langevin dynamics, many chains of many models at once.

Chains start at the parameters theta* and sample exp(-n beta L(theta) - gamma |theta - theta*|^2 / 2); the estimate is
n beta (E L - L(theta*)). A chain that has not mixed has no estimate: `learning_coefficient` refuses it.

Source: Lau, Furman, Wang, Murfet and Wei, arXiv 2308.12108; reduced-rank regression after Aoyagi and Watanabe, Neural
Networks 18 (2005) 924.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from lib.progress import progress

LARGEST_R_HAT = 1.05
LARGEST_DRIFT = 0.05  # of the estimate, between both halves of a chain, beyond two of its standard errors
CHECKED_EVERY = 500  # steps between two looks at whether losses are finite


class NotMixed(ValueError):
    """Chains that do not agree with one another, or drift."""


class Diagnostics(NamedTuple):
    """How well chains have mixed: split R-hat of the loss, and the change of the estimate from first to second half."""

    r_hat: float
    drift: float
    drift_se: float


class Coefficient(NamedTuple):
    """An estimate, its standard error over chains, the estimate of each chain, and the diagnostics."""

    value: float
    se: float
    by_chain: np.ndarray
    diagnostics: Diagnostics

    @property
    def mixed(self) -> bool:
        """Whether R-hat and drift are small enough for the estimate to mean anything."""
        r_hat, drift, drift_se = self.diagnostics
        return bool(r_hat <= LARGEST_R_HAT and abs(drift) <= LARGEST_DRIFT * abs(self.value) + 2 * drift_se)


def sgld(
    loss_and_gradient: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]],
    centres: torch.Tensor,
    *,
    strength: float,
    step_size,
    steps: int,
    chains: int,
    generator: torch.Generator,
    localisation: float = 1.0,
    label: str = "steps",
) -> np.ndarray:
    """Losses along the chains, (steps, models, chains), of
    theta <- theta - eta / 2 (n beta grad L + gamma (theta - theta*)) + sqrt(eta) xi.

    Args:
        loss_and_gradient: maps parameters (models, chains, P) to losses (models, chains) and their gradients.
        centres: theta*, (models, P).
        strength: n beta.
        step_size: eta, one for all models or one for each.
        steps, chains: of each model.
        generator: source of the noise.
        localisation: gamma.
        label: what the steps are called in the log.

    Raises:
        ValueError: a loss that is not finite.
    """
    models = len(centres)
    eta = torch.as_tensor(step_size, dtype=centres.dtype, device=centres.device).expand(models).view(-1, 1, 1)
    root, pull, push = eta.sqrt(), 1 - eta * localisation / 2, eta * strength / 2
    centre = centres[:, None, :].contiguous()
    anchor = centre * (eta * localisation / 2)
    theta = centre.repeat(1, chains, 1)
    noise = torch.empty_like(theta)
    losses = torch.empty((steps, models, chains), dtype=torch.float32, device=centres.device)
    for step in progress(range(steps), label):
        loss, gradient = loss_and_gradient(theta)
        losses[step] = loss
        noise.normal_(generator=generator)
        theta = torch.addcmul(anchor, theta, pull).addcmul_(gradient, push, value=-1).addcmul_(noise, root)
        if (step + 1) % CHECKED_EVERY == 0 or step + 1 == steps:
            check_finite(losses[max(0, step + 1 - CHECKED_EVERY) : step + 1], step_size)
    return losses.cpu().numpy()


def check_finite(losses: torch.Tensor, step_size) -> None:
    """Refuse chains that diverge.

    Raises:
        ValueError: a loss that is not finite.
    """
    if not torch.isfinite(losses).all():
        raise ValueError(f"step_size: got {step_size}, with which a chain diverges, expected less")


def split_r_hat(values: np.ndarray) -> float:
    """Split R-hat of chains (steps, chains): spread of the means of half chains against the spread within them.

    Raises:
        ValueError: fewer than four steps.

    Source: Gelman et al., Bayesian Data Analysis, 3rd edition, section 11.4.
    """
    if len(values) < 4:
        raise ValueError(f"values: got {len(values)} steps, expected at least 4")
    half = len(values) // 2
    halves = np.concatenate([values[:half], values[-half:]], axis=1).astype(float)
    within = halves.var(axis=0, ddof=1).mean()
    between = half * halves.mean(axis=0).var(ddof=1)
    return float(np.sqrt((half - 1) / half + between / within / half)) if within > 0 else np.inf


def learning_coefficient(
    losses: np.ndarray, *, strength: float, burn: int, start: float = 0.0, refuse: bool = True
) -> Coefficient:
    """The estimate of one model from the losses along its chains.

    Args:
        losses: (steps, chains), of at least two chains.
        strength: n beta.
        burn: first steps, which do not count.
        start: loss at theta*.
        refuse: raise where the chains have not mixed; otherwise `mixed` says so.

    Raises:
        NotMixed: the chains have not mixed.
        ValueError: fewer than two chains, or a burn-in that leaves fewer than four steps.
    """
    steps, chains = losses.shape
    if chains < 2 or steps - burn < 4:
        raise ValueError(
            f"losses: got {steps} steps of {chains} chain(s), {burn} of them burnt, expected 2 chains, 4 steps more"
        )
    after = strength * (losses[burn:].astype(float) - start)
    by_chain = after.mean(axis=0)
    half = len(after) // 2
    change = after[-half:].mean(axis=0) - after[:half].mean(axis=0)
    drift, drift_se = float(change.mean()), float(change.std(ddof=1) / np.sqrt(chains))
    result = Coefficient(
        float(by_chain.mean()),
        float(by_chain.std(ddof=1) / np.sqrt(chains)),
        by_chain,
        Diagnostics(split_r_hat(after), drift, drift_se),
    )
    if refuse and not result.mixed:
        raise NotMixed(
            f"losses: got R-hat {result.diagnostics.r_hat:.3f} and a drift of {drift:.3g} in an estimate of "
            f"{result.value:.3g}, expected at most {LARGEST_R_HAT} and {LARGEST_DRIFT:.0%}: take more steps"
        )
    return result


def reduced_rank_coefficient(inputs: int, hidden: int, outputs: int, rank: int) -> float:
    """Learning coefficient of reduced-rank regression y = B A x at a truth of some rank, A (hidden, inputs).

    Raises:
        ValueError: a rank that B A cannot have.
    """
    n, h, m, r = inputs, hidden, outputs, rank
    if not 0 <= r <= min(n, h, m):
        raise ValueError(f"rank: got {r}, expected 0 to {min(n, h, m)}")
    if n + r <= m + h and m + r <= n + h and h + r <= m + n:
        odd = (m + h + n + r) % 2
        return (2 * (h + r) * (m + n) + 2 * m * n - (h + r) ** 2 - m**2 - n**2 + odd) / 8
    if m + h < n + r:
        return (h * m - h * r + n * r) / 2
    if n + h < m + r:
        return (h * n - h * r + m * r) / 2
    return m * n / 2


class ReducedRank(NamedTuple):
    """Shape of reduced-rank regression, and rank of the truth."""

    inputs: int
    hidden: int
    outputs: int
    rank: int

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return self.hidden * (self.inputs + self.outputs)

    @property
    def hessian_rank(self) -> int:
        """Rank of the Hessian at the truth of `reduced_rank_truth`."""
        return self.rank * (self.inputs + self.outputs - self.rank)

    @property
    def coefficient(self) -> float:
        """Known learning coefficient."""
        return reduced_rank_coefficient(*self)


def reduced_rank_truth(case: ReducedRank, rng: np.random.Generator) -> torch.Tensor:
    """A true parameter (P,), A before B: their first rows and columns orthonormal, the others zero; float64."""
    n, h, m, r = case
    first, second = np.zeros((h, n)), np.zeros((m, h))
    first[:r] = np.linalg.qr(rng.standard_normal((n, r)))[0].T
    second[:, :r] = np.linalg.qr(rng.standard_normal((m, r)))[0]
    return torch.from_numpy(np.concatenate([first.ravel(), second.ravel()]))


def reduced_rank_loss(case: ReducedRank, centres: torch.Tensor) -> Callable:
    """Behavioural loss |B A - B* A*|^2 of whitened inputs, and its gradient, for `sgld`.

    Args:
        case: shape of all models; their ranks may differ.
        centres: truths (models, P).
    """
    n, h, m, _ = case

    def parts(theta):
        return theta[:, : h * n].view(-1, h, n), theta[:, h * n :].view(-1, m, h)

    truth = torch.bmm(*reversed(parts(centres)))

    def loss_and_gradient(theta):
        models, chains, size = theta.shape
        flat = theta.reshape(-1, size)
        first, second = parts(flat)
        error = (torch.bmm(second, first).view(models, chains, m, n) - truth[:, None]).view(-1, m, n)
        gradient = torch.empty_like(flat)
        torch.bmm(second.transpose(1, 2), error, out=gradient[:, : h * n].view(-1, h, n))
        torch.bmm(error, first.transpose(1, 2), out=gradient[:, h * n :].view(-1, m, h))
        return error.square().sum((1, 2)).view(models, chains), gradient.mul_(2).view_as(theta)

    return loss_and_gradient
