"""Steps of diffusers' schedulers with a replaced clean estimate, and the weights of progressive light fusion.

A scheduler turns a model output into a clean estimate, and the estimate into the next sample. To replace the estimate
is to pass the scheduler the model output that would have led to it, so the step itself remains the scheduler's. With
the new estimate z the steps read

    DDIM            x' = a x + b z,  a = sqrt((1 - abar') / (1 - abar)),  b = sqrt(abar') - a sqrt(abar)
    Euler ancestral x' = x + (x - z) / sigma (sigma_down - sigma) + sigma_up xi
    flow matching   x' = x + (sigma' - sigma) (x - z) / sigma

(Zhou et al. 2025, Light-A-Video: the CogVideoX, AnimateDiff and Wan variants of the authors' code).
"""

import copy
import inspect

import numpy as np
import torch
from diffusers import (
    CogVideoXDDIMScheduler,
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
)
from diffusers.utils.torch_utils import randn_tensor

VARIANCE_PRESERVING = (DDIMScheduler, CogVideoXDDIMScheduler)


def executed_timesteps(scheduler, steps: int, strength: float) -> torch.Tensor:
    """Set a scheduler to `round(steps / strength)` steps and return the last `steps` of them (image to image).

    Raises:
        ValueError: `steps` below 1, or a strength outside (0, 1].
    """
    if steps < 1:
        raise ValueError(f"steps: got {steps}, expected at least 1")
    if not 0 < strength <= 1:
        raise ValueError(f"strength: got {strength}, expected a number in (0, 1]")
    scheduler.set_timesteps(round(steps / strength))
    start = max(len(scheduler.timesteps) - steps * scheduler.order, 0)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(start)
    return scheduler.timesteps[start:]


def noised(scheduler, clean: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Samples (B, ...) at timestep t from clean ones and standard normal noise."""
    add = scheduler.add_noise if hasattr(scheduler, "add_noise") else None
    if add is None:
        return scheduler.scale_noise(clean, t[None], noise)
    return add(clean, noise, t[None])


def scaled(scheduler, sample: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The sample as the model wants it at timestep t."""
    return scheduler.scale_model_input(sample, t) if hasattr(scheduler, "scale_model_input") else sample


def _affine(scheduler, t, device) -> tuple[torch.Tensor, torch.Tensor]:
    """Coefficients (c, d) of the clean estimate c x + d (model output) at timestep t."""
    kind = scheduler.config.get("prediction_type", "flow")
    if isinstance(scheduler, VARIANCE_PRESERVING):
        a = scheduler.alphas_cumprod[int(t)].to(device).float()
        if kind == "epsilon":
            return 1 / a.sqrt(), -((1 - a) / a).sqrt()
        if kind == "v_prediction":
            return a.sqrt(), -(1 - a).sqrt()
    elif isinstance(scheduler, EulerAncestralDiscreteScheduler | FlowMatchEulerDiscreteScheduler):
        index = scheduler.step_index
        index = scheduler.index_for_timestep(t) if index is None else index
        sigma = scheduler.sigmas[index].to(device).float()
        if kind in ("epsilon", "flow"):
            return torch.ones_like(sigma), -sigma
        if kind == "v_prediction":
            return 1 / (sigma**2 + 1), -sigma / (sigma**2 + 1).sqrt()
    else:
        raise NotImplementedError(
            f"scheduler: got {type(scheduler).__name__}, expected DDIM, Euler ancestral or flow-matching Euler"
        )
    raise NotImplementedError(f"scheduler: got prediction type {kind!r}, expected epsilon, v_prediction or flow")


def clean_estimate(scheduler, model_output: torch.Tensor, t: torch.Tensor, sample: torch.Tensor) -> torch.Tensor:
    """The clean sample that a model output implies at timestep t.

    Raises:
        NotImplementedError: a scheduler or prediction type that is not covered.
    """
    c, d = _affine(scheduler, t, sample.device)
    return (c * sample.float() + d * model_output.float()).to(sample.dtype)


def _unclipped(scheduler):
    """The scheduler itself, or where it clips clean estimates (diffusers' DDIM by default) a copy that does not."""
    clips = {key: False for key in ("clip_sample", "thresholding") if scheduler.config.get(key)}
    if clips:
        scheduler = copy.copy(scheduler)  # timesteps are shared; schedulers that clip keep no state between steps
        scheduler.register_to_config(**clips)
    return scheduler


def fused_step(
    scheduler,
    model_output: torch.Tensor,
    t: torch.Tensor,
    sample: torch.Tensor,
    x0: torch.Tensor | None = None,
    generator: torch.Generator | list[torch.Generator] | None = None,
) -> torch.Tensor:
    """One step of a scheduler that uses `x0` in place of its own clean estimate.

    Args:
        scheduler: DDIM (deterministic), Euler ancestral or flow-matching Euler, its timesteps set.
        model_output: what the model returned for the sample.
        t: timestep, one of the scheduler's.
        sample: current sample.
        x0: clean estimate to use, never clipped; the scheduler's own where it is None.
        generator: source of the ancestral noise, one or one for each item of the batch.

    Returns:
        The sample at the next timestep.

    Raises:
        NotImplementedError: a scheduler or prediction type that is not covered.
    """
    c, d = _affine(scheduler, t, sample.device)
    if x0 is not None:
        model_output = ((x0.float() - c * sample.float()) / d).to(sample.dtype)
        scheduler = _unclipped(scheduler)
    return step(scheduler, model_output, t, sample, generator)


def step(scheduler, model_output, t, sample, generator=None, eta: float | None = None) -> torch.Tensor:
    """One step of any scheduler, with `generator` and `eta` where the scheduler takes them."""
    parameters = inspect.signature(scheduler.step).parameters
    options = {"generator": generator} if "generator" in parameters else {}
    if eta is not None and "eta" in parameters:
        options["eta"] = eta
    return scheduler.step(model_output, t, sample, return_dict=False, **options)[0]


def standard_normal(like: torch.Tensor, generators) -> torch.Tensor:
    """Standard normal noise of a tensor's shape, from one generator or from one for each item of the batch."""
    return randn_tensor(like.shape, generator=generators, device=like.device, dtype=like.dtype)


def fusion_weights(steps: int, power: float = 1.0) -> np.ndarray:
    """Weights 1 - (i / (T - 1))^power of the relit video at step i (AnimateDiff, Wan: power 1; CogVideoX: 2).

    Raises:
        ValueError: no step, or a power that is not positive.
    """
    if steps < 1:
        raise ValueError(f"steps: got {steps}, expected at least 1")
    if not power > 0:
        raise ValueError(f"power: got {power}, expected a positive number")
    return 1 - np.linspace(0, 1, steps) ** power
