"""Diffusion in the form of Karras et al. 2022 (EDM): preconditioned denoisers, their loss, Heun's sampler with churn.

Preconditioning is that of diffusers' EDM schedulers. A denoiser is a function D(x, sigma) that takes samples with noise
of deviation sigma, (..., d) or (N, C, H, W), and returns the expected clean sample.
"""

from collections.abc import Callable
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

import torch


class Churn(NamedTuple):
    """Noise that a stochastic sampler puts in at each step (Karras et al. 2022, algorithm 2).

    Args:
        amount: S_churn, over all steps.
        low, high: noise levels between which it is put in (S_min, S_max).
        noise: factor of its deviation (S_noise).
    """

    amount: float
    low: float = 0.0
    high: float = float("inf")
    noise: float = 1.0


def edm_scheduler(sigma_data: float = 1.0, sigma_min: float = 0.002, sigma_max: float = 40.0, rho: float = 7.0):
    """The `EDMEulerScheduler` of diffusers, which holds the preconditioning and the grid of noise levels."""
    from diffusers.schedulers.scheduling_edm_euler import EDMEulerScheduler

    return EDMEulerScheduler(sigma_min=sigma_min, sigma_max=sigma_max, sigma_data=sigma_data, rho=rho)


def precondition(
    scheduler, network: Callable
) -> Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]:
    """The denoiser D(x, sigma, label) = c_skip x + c_out F(c_in x, log(sigma) / 4, label) of a network F.

    Args:
        scheduler: an EDM scheduler of diffusers.
        network: F of (scaled samples, transformed noise levels, labels).
    """

    def denoise(x, sigma, label=None):
        output = network(scheduler.precondition_inputs(x, sigma), scheduler.precondition_noise(sigma), label)
        return scheduler.precondition_outputs(x, output, sigma)

    return denoise


def loss_weight(sigma: torch.Tensor, sigma_data: float = 1.0) -> torch.Tensor:
    """Weight (sigma^2 + sigma_data^2) / (sigma sigma_data)^2, at which every noise level has a loss of about one."""
    return (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2


def noise_grid(scheduler, steps: int) -> torch.Tensor:
    """Noise levels of a sampler with that many steps, `(steps + 1,)` in double precision, decreasing to 0.

    Raises:
        ValueError: fewer than two steps.
    """
    if steps < 2:
        raise ValueError(f"steps: got {steps}, expected at least 2")
    low, high, rho = (scheduler.config[name] for name in ("sigma_min", "sigma_max", "rho"))
    share = torch.linspace(0, 1, steps, dtype=torch.float64)
    levels = (high ** (1 / rho) + share * (low ** (1 / rho) - high ** (1 / rho))) ** rho
    return torch.cat([levels, torch.zeros(1, dtype=torch.float64)])


def heun(
    denoise: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    start: torch.Tensor,
    levels: torch.Tensor,
    *,
    churn: Churn | None = None,
    noise: Callable[[torch.Tensor], torch.Tensor] = torch.randn_like,
    trace: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], None] | None = None,
) -> torch.Tensor:
    """Heun's method along the probability flow dx/dsigma = (x - D(x, sigma)) / sigma.

    Args:
        denoise: D(x, sigma) with a scalar tensor sigma.
        start: samples at the first level, its deviation times standard normal noise.
        levels: decreasing noise levels, the last one 0 (`noise_grid`).
        churn: noise put in before each step; None: the deterministic sampler.
        noise: standard normal noise like a tensor, for the churn.
        trace: told the state, the clean estimate and the derivative at the start of each step.

    Returns:
        Samples, of the shape of `start`.

    Source: Karras, Aittala, Aila and Laine 2022, algorithms 1 and 2.
    """
    x, levels = start, levels.to(start)
    steps = len(levels) - 1
    for level, following in pairwise(levels):
        if churn and churn.low <= level <= churn.high:
            raised = level * (1 + min(churn.amount / steps, sqrt(2) - 1))
            x = x + (raised**2 - level**2).sqrt() * churn.noise * noise(x)
            level = raised
        clean = denoise(x, level)
        slope = (x - clean) / level
        if trace:
            trace(x, clean, slope)
        reached = x + (following - level) * slope
        if following > 0:
            slope = (slope + (reached - denoise(reached, following)) / following) / 2
            reached = x + (following - level) * slope
        x = reached
    return x


def sample_by_scheduler(scheduler, network: Callable, start: torch.Tensor, steps: int, label=None) -> torch.Tensor:
    """Samples by the step rule of one of diffusers' EDM schedulers, which preconditions the network itself.

    Args:
        scheduler: such as `EDMEulerScheduler` or `EDMDPMSolverMultistepScheduler`.
        network: F of (scaled samples, transformed noise levels, labels), not preconditioned.
        start: samples at the largest noise level.
        steps: number of steps.
        label: labels, where the network takes any.
    """
    scheduler.set_timesteps(steps)
    x = start
    for t in scheduler.timesteps:
        output = network(scheduler.scale_model_input(x, t), t.to(x), label)
        x = scheduler.step(output, t, x, return_dict=False)[0]
    return x
