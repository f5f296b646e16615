"""Class-conditional diffusion of small images by diffusers' U-Net and schedulers: training, and three samplers.

The samplers are deterministic DDIM, DDIM with fresh noise in each step (eta = 1, the ancestral sampler of DDPM), and
Heun's method along the probability flow. None clips: clipped samples are bounded, and say nothing of tails.
"""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from lib.diffusion.edm import Churn, heun, noise_grid, precondition
from lib.diffusion.steps import step as scheduler_step
from lib.diffusion.training import one_cycle, pack, unpack
from lib.training.adamw import AdamW
from lib.training.state import load_torch, pack_generator, torch_arrays, unpack_generator

if TYPE_CHECKING:
    from lib.atlas.job.checkpoint import Checkpoint

SAMPLERS = ("ddim", "ddpm", "heun")


def class_unet(size: int, classes: int, channels: list[int], groups: int = 8):
    """A U-Net on grey images with a label: one layer at each resolution, attention in the middle.

    Args:
        size: pixels along each side.
        classes: number of labels.
        channels: width of each resolution, multiples of `groups`.
        groups: of group normalisation; also the width of an attention head.

    Returns:
        A `UNet2DModel`.

    Raises:
        ValueError: groups of a single channel, whose normalisation takes away what the level and the label add.
    """
    if min(channels) < 2 * groups:
        raise ValueError(f"channels: got {channels}, expected at least {2 * groups} each, two channels a group")
    from diffusers.models.unets.unet_2d import UNet2DModel

    return UNet2DModel(
        sample_size=size,
        in_channels=1,
        out_channels=1,
        block_out_channels=tuple(channels),
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * len(channels),
        up_block_types=("UpBlock2D",) * len(channels),
        norm_num_groups=groups,
        attention_head_dim=groups,
        num_class_embeds=classes,
    )


def ddim_scheduler():
    """DDIM of diffusers with a squared-cosine schedule of 1000 levels and v-prediction, without clipping."""
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        clip_sample=False,
        timestep_spacing="trailing",
    )


def average_decay(step: int, highest: float) -> float:
    """Decay of the running average of the weights: (1 + s) / (10 + s), at most `highest`."""
    return min(highest, (1 + step) / (10 + step))


def train_conditional(
    model: torch.nn.Module,
    scheduler,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    rng: np.random.Generator,
    steps: int,
    batch: int,
    learning_rate: float,
    highest_decay: float = 0.999,
    checkpoint: "Checkpoint | None" = None,
    report: Callable = lambda items: items,
) -> np.ndarray:
    """Train a class-conditional model by v-prediction; it ends with the running average of its weights.

    AdamW without decay of weights, one cycle of the learning rate.

    Args:
        model: called with (noisy images, levels, labels).
        scheduler: whose noise is added, and whose velocity is learnt.
        images: (n, C, H, W) float32.
        labels: (n,) int64.
        rng: source of batches, levels and noise.
        steps, batch, learning_rate: of training; the learning rate is the peak.
        highest_decay: of the average, see `average_decay`.
        checkpoint: where the state is saved, to resume after an interruption.
        report: wraps the steps, for a progress display.

    Returns:
        Losses (steps,).
    """
    device = next(model.parameters()).device
    optimiser = AdamW([{"params": list(model.parameters()), "weight_decay": 0.0}], learning_rate, (0.9, 0.999))
    average = copy.deepcopy(model).requires_grad_(False)
    images, labels = torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device)
    losses, first = np.zeros(steps), 0
    state = checkpoint.load() if checkpoint else None
    if state:
        load_torch(unpack(state), model=model, optimiser=optimiser, average=average)
        losses, first, rng = state["losses"].copy(), int(state["step"]), unpack_generator(state["rng"])
    for step in report(range(first, steps)):
        optimiser.param_groups[0]["lr"] = learning_rate * one_cycle(step, steps)
        rows = torch.from_numpy(rng.integers(len(images), size=batch)).to(device)
        t = torch.from_numpy(rng.integers(scheduler.config.num_train_timesteps, size=batch)).to(device)
        clean = images[rows]
        noise = torch.from_numpy(rng.standard_normal(clean.shape, np.float32)).to(device)
        velocity = model(scheduler.add_noise(clean, noise, t), t, labels[rows], return_dict=False)[0]
        loss = (velocity - scheduler.get_velocity(clean, noise, t)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses[step] = loss.item()
        with torch.no_grad():
            share = 1 - average_decay(step, highest_decay)
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), share)
        if checkpoint:
            checkpoint.save_if_due(
                lambda count=step + 1: {
                    "step": count,
                    "losses": losses,
                    "rng": pack_generator(rng),
                    **pack(torch_arrays(model=model, optimiser=optimiser, average=average)),
                }
            )
    model.load_state_dict(average.state_dict())
    return losses


def noise_denoiser(model, scheduler) -> Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]:
    """D(x, sigma, label) of a model of v, for samples x = x0 + sigma e in place of the scheduler's own.

    The scheduler's level t has sigma^2 = (1 - abar_t) / abar_t; between two levels t is interpolated in log sigma.
    """
    abar = scheduler.alphas_cumprod.double()
    grid = ((1 - abar) / abar).log() / 2

    def denoise(x, sigma, label):
        at = torch.searchsorted(grid, sigma.double().log().cpu()).clamp(1, len(grid) - 1)
        share = ((sigma.double().log().cpu() - grid[at - 1]) / (grid[at] - grid[at - 1])).clamp(0, 1)
        shrunk = x / (1 + sigma**2).sqrt()
        velocity = model(shrunk, (at - 1 + share).to(x), label, return_dict=False)[0]
        return (shrunk - sigma * velocity) / (1 + sigma**2).sqrt()

    return denoise


def sampler_of(
    model,
    scheduler,
    name: str,
    steps: int,
    *,
    sigma_min: float = 0.002,
    sigma_max: float = 80.0,
    churn: Churn | None = None,
) -> Callable[..., torch.Tensor]:
    """The map from standard normal noise and labels to samples, differentiable in the noise.

    Args:
        model: of v, called with (samples, levels, labels); for an EDM scheduler its network.
        scheduler: DDIM, or for `heun` also an EDM scheduler, whose noise levels are then used.
        name: `ddim`, `ddpm` or `heun`.
        steps: of the sampler.
        sigma_min, sigma_max, churn: noise levels and fresh noise of `heun`.

    Returns:
        Function of (noise (N, C, H, W), labels (N,), generator=None, trace=None); the trace is that of `heun`.

    Raises:
        ValueError: an unknown sampler.
    """
    if name not in SAMPLERS:
        raise ValueError(f"name: got {name!r}, expected one of {', '.join(SAMPLERS)}")
    if name == "heun":
        return _heun_sampler(model, scheduler, steps, sigma_min, sigma_max, churn)
    eta = float(name == "ddpm")

    def sampler(noise, labels, generator=None, trace=None):
        own = copy.copy(scheduler)
        own.set_timesteps(steps)
        x = noise
        for t in own.timesteps:
            x = scheduler_step(own, model(x, t, labels, return_dict=False)[0], t, x, generator, eta)
        return x

    return sampler


def _heun_sampler(model, scheduler, steps, sigma_min, sigma_max, churn):
    if hasattr(scheduler, "precondition_inputs"):
        denoise = precondition(scheduler, lambda x, c, label: model(x, c, label, return_dict=False)[0])
        levels = noise_grid(scheduler, steps)
    else:
        from lib.diffusion.edm import edm_scheduler

        denoise = noise_denoiser(model, scheduler)
        levels = noise_grid(edm_scheduler(1.0, sigma_min, sigma_max), steps)

    def sampler(noise, labels, generator=None, trace=None):
        fresh = (
            (lambda like: torch.randn(like.shape, generator=generator, dtype=like.dtype).to(like)) if churn else None
        )
        return heun(
            lambda x, sigma: denoise(x, sigma, labels),
            float(levels[0]) * noise,
            levels,
            churn=churn,
            noise=fresh,
            trace=trace,
        )

    return sampler


def generate(
    sampler: Callable, labels: np.ndarray, shape: tuple[int, ...], seed: int, *, batch: int = 1000, device: str = "cpu",
    trace: Callable | None = None, report: Callable = lambda items: items,
) -> np.ndarray:  # fmt: skip
    """Samples (N, features) float32 for labels (N,), batch after batch.

    Args:
        sampler: from `sampler_of`.
        labels: one for each sample.
        shape: of one sample.
        seed: of the noise.
        batch: samples that go through the model at once.
        device: torch device.
        trace: see `heun`; for the first batch alone.
        report: wraps the batches, for a progress display.
    """
    source = torch.Generator().manual_seed(seed)
    parts = []
    with torch.no_grad():
        for first in report(range(0, len(labels), batch)):
            label = torch.from_numpy(labels[first : first + batch]).to(device)
            noise = torch.randn((len(label), *shape), generator=source).to(device)
            drawn = sampler(noise, label, source, trace if first == 0 else None)
            parts.append(drawn.flatten(1).float().cpu().numpy())
    return np.concatenate(parts)


def load_class_model(folder: str | Path, device: str = "cpu"):
    """A class-conditional EDM model and its scheduler from a folder as diffusers' pipelines save it.

    Args:
        folder: with `unet`, a `UNet2DModel` with class embeddings, and `scheduler`, an `EDMEulerScheduler`.
        device: torch device.

    Raises:
        ValueError: no such folders, a model without classes, or another scheduler.
    """
    from diffusers.models.unets.unet_2d import UNet2DModel
    from diffusers.schedulers.scheduling_edm_euler import EDMEulerScheduler

    folder = Path(folder)
    for name in ("unet", "scheduler"):
        if not (folder / name).is_dir():
            raise ValueError(f"folder: got {folder} without {name}, expected a folder with unet and scheduler")
    config = EDMEulerScheduler.load_config(folder / "scheduler")
    if config["_class_name"] != "EDMEulerScheduler":
        raise ValueError(f"scheduler: got {config['_class_name']}, expected EDMEulerScheduler")
    model = UNet2DModel.from_pretrained(folder / "unet", local_files_only=True)
    if not model.config.num_class_embeds:
        raise ValueError("unet: got a model without class embeddings, expected a class-conditional one")
    return model.eval().requires_grad_(False).to(device), EDMEulerScheduler.from_config(config)
