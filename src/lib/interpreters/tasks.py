"""Small tasks whose networks are toured: digits, super-resolution of photographs, planted image-to-image scenes."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from lib.training.state import load_torch, pack_generator, torch_arrays, unpack_generator

SCENE_TASKS = ("recolor", "move", "template")
SHIFT = 6  # pixels to the right, of the disc in the task `move`
PERIOD = 5  # pixels, of the stripes in the task `template`
DIGITS_TRAIN = 1300
TRAINING_PHOTOGRAPHS = ("camera", "brick", "grass", "gravel", "coins", "moon")
TEST_PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")


class Digits(NamedTuple):
    """Images (n, 1, 8, 8) and labels (n,) for training and testing."""

    train: torch.Tensor
    train_labels: torch.Tensor
    test: torch.Tensor
    test_labels: torch.Tensor


def load_digits(inputs: str, seed: int = 0) -> Digits:
    """The 1797 digits of scikit-learn, 1300 for training, split at random.

    Args:
        inputs: `unit` in [0, 1], or `standardised` by the mean and deviation of all training pixels.
        seed: of the split.

    Raises:
        ValueError: other inputs.
    """
    from sklearn import datasets

    if inputs not in ("unit", "standardised"):
        raise ValueError(f"inputs: got {inputs!r}, expected unit or standardised")
    data = datasets.load_digits()
    order = np.random.default_rng(seed).permutation(len(data.images))
    images = torch.tensor(data.images[order] / 16, dtype=torch.float32)[:, None]
    labels = torch.tensor(data.target[order])
    if inputs == "standardised":
        images = (images - images[:DIGITS_TRAIN].mean()) / images[:DIGITS_TRAIN].std()
    return Digits(images[:DIGITS_TRAIN], labels[:DIGITS_TRAIN], images[DIGITS_TRAIN:], labels[DIGITS_TRAIN:])


def train_classifier(
    model: nn.Module, data: Digits, epochs: int, seed: int, rate: float = 2e-3, batch: int = 64
) -> None:
    """Train a classifier in place by Adam on cross-entropy; it ends in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    model.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(data.train), generator=generator).split(batch):
            if len(chosen) < 2:
                continue
            optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(model(data.train[chosen]), data.train_labels[chosen]).backward()
            optimiser.step()
    model.eval()


def calibrate_norms(model: nn.Module, images: torch.Tensor) -> None:
    """Set the running statistics of batch normalisation to those of the data, in place, without training."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [module.momentum for module in norms]
    for module in norms:
        module.reset_running_stats()
        module.momentum = None  # the mean over all batches
    model.train()
    with torch.no_grad():
        for part in images.split(256):
            model(part)
    for module, momentum in zip(norms, momenta):
        module.momentum = momentum
    model.eval()


def photograph(name: str) -> np.ndarray:
    """A photograph that ships with scikit-image, grey in [0, 1], (h, w)."""
    from skimage import color, data

    image = getattr(data, name)()
    return color.rgb2gray(image[..., :3]) if image.ndim == 3 else image / 255.0


def shrink(images: torch.Tensor, scale: int) -> torch.Tensor:
    """Bicubic down-sampling with antialiasing: (B, 1, H, W) to (B, 1, H / scale, W / scale)."""
    return F.interpolate(images, scale_factor=1 / scale, mode="bicubic", antialias=True, align_corners=False)


def enlarge(images: torch.Tensor, scale: int) -> torch.Tensor:
    """Bicubic up-sampling."""
    return F.interpolate(images, scale_factor=scale, mode="bicubic", align_corners=False)


def psnr(images: torch.Tensor, truth: torch.Tensor) -> float:
    """Peak signal-to-noise ratio of images in [0, 1], dB."""
    return float(-10 * torch.log10((images.clamp(0, 1) - truth).square().mean()))


def crops(size: int, count: int, seed: int = 0, least_deviation: float = 0.05) -> list[tuple[str, np.ndarray]]:
    """Fixed crops of the test photographs in turn, each with contrast: `count` pairs of a name and (size, size)."""
    rng = np.random.default_rng(seed)
    images = {name: photograph(name) for name in TEST_PHOTOGRAPHS}
    result = []
    for k in range(count):
        name = TEST_PHOTOGRAPHS[k % len(TEST_PHOTOGRAPHS)]
        image = images[name]
        crop = np.zeros((size, size))
        while crop.std() <= least_deviation:
            y, x = (int(rng.integers(side - size + 1)) for side in image.shape)
            crop = image[y : y + size, x : x + size]
        result.append((name, crop))
    return result


def _one_cycle(rate: float, steps: int) -> list[float]:
    """Learning rates of PyTorch's one-cycle schedule, (steps,)."""
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=max(steps, 2), cycle_momentum=False)
    rates = []
    for _ in range(steps):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if len(rates) < steps:
            schedule.step()
    return rates


def _train_one_cycle(
    model: nn.Module, draw: Callable, steps: int, rate: float, betas, rng: np.random.Generator, checkpoint
) -> None:
    """Train in place by Adam on the mean absolute error of batches `draw(rng)`, over one cycle of rates."""
    optimiser = torch.optim.Adam(model.parameters(), lr=rate, betas=betas)
    device = next(model.parameters()).device
    rates, start = _one_cycle(rate, steps), 0
    state = checkpoint.load() if checkpoint else None
    if state:
        load_torch(state, model=model, optimiser=optimiser)
        rng.bit_generator.state = unpack_generator(state["rng"]).bit_generator.state
        start = int(state["step"])
    model.train()
    for step in range(start, steps):
        inputs, targets = (part.to(device) for part in draw(rng))
        optimiser.param_groups[0]["lr"] = rates[step]
        optimiser.zero_grad(set_to_none=True)
        F.l1_loss(model(inputs), targets).backward()
        optimiser.step()
        if checkpoint:
            done = np.array(step + 1)
            checkpoint.save_if_due(
                lambda done=done: {
                    "step": done,
                    "rng": pack_generator(rng),
                    **torch_arrays(model=model, optimiser=optimiser),
                }
            )
    model.eval()


def train_upscaler(
    model: nn.Module, steps: int, rng: np.random.Generator, patch: int = 32, batch: int = 16, checkpoint=None
) -> None:
    """Train super-resolution in place on patches of the training photographs: L1, Adam at 1e-3, one cycle.

    Args:
        model: has a `scale`; maps (B, 1, patch, patch) to `scale` times the sides.
        steps: of the optimiser.
        rng: which patches.
        patch: sides of the small images.
        batch: patches of a step.
        checkpoint: where the state is saved, to resume after an interruption.
    """
    images = [torch.tensor(photograph(name), dtype=torch.float32) for name in TRAINING_PHOTOGRAPHS]
    side = patch * model.scale

    def draw(rng):
        parts = []
        for choice in rng.integers(len(images), size=batch):
            y, x = (int(rng.integers(length - side + 1)) for length in images[choice].shape)
            parts.append(images[choice][y : y + side, x : x + side])
        truth = torch.stack(parts)[:, None]
        return shrink(truth, model.scale), truth

    _train_one_cycle(model, draw, steps, 1e-3, (0.9, 0.999), rng, checkpoint)


def judge_upscaler(model: nn.Module, side: int = 256) -> tuple[float, float]:
    """PSNR of a model and of bicubic up-sampling, dB, mean over centre crops of the test photographs."""
    ours, bicubic = [], []
    for name in TEST_PHOTOGRAPHS:
        image = photograph(name)
        top, start = (length // 2 - side // 2 for length in image.shape)
        truth = torch.tensor(image[top : top + side, start : start + side], dtype=torch.float32)[None, None]
        small = shrink(truth, model.scale)
        with torch.no_grad():
            ours.append(psnr(model(small.to(next(model.parameters()).device)).cpu(), truth))
        bicubic.append(psnr(enlarge(small, model.scale), truth))
    return float(np.mean(ours)), float(np.mean(bicubic))


class Scenes(NamedTuple):
    """Inputs and targets (B, 3, 32, 32) in [-1, 1], and masks (B, 32, 32) of the object in input and target."""

    inputs: torch.Tensor
    targets: torch.Tensor
    source: torch.Tensor
    object: torch.Tensor


def stripes(side: int) -> torch.Tensor:
    """The pattern that the task `template` paints, at fixed places of the image: (side, side)."""
    return (0.6 * torch.sin(2 * torch.pi * torch.arange(side) / PERIOD)).expand(side, side)


def draw_scenes(task: str, count: int, rng: np.random.Generator, side: int = 32) -> Scenes:
    """Scenes of a textured disc on a textured ground, and what the task makes of them.

    `recolor` changes colours pixel by pixel; `move` shifts the disc with its texture by 6 pixels to the right;
    `template` fills a plain disc with stripes at fixed places of the image.

    Args:
        task: one of `SCENE_TASKS`.
        count: number of scenes.
        rng: where discs lie and what textures are.
        side: pixels.

    Raises:
        ValueError: another task.
    """
    if task not in SCENE_TASKS:
        raise ValueError(f"task: got {task!r}, expected one of {SCENE_TASKS}")
    coarse = torch.tensor(rng.standard_normal((2 * count, 3, 6, 6)), dtype=torch.float32)
    ground, texture = F.interpolate(coarse, (side, side), mode="bicubic", align_corners=False).split(count)
    ground, texture = 0.25 * ground, 0.6 * texture
    unit = side / 32
    radius, x0, y0 = (unit * rng.uniform(*ends, count) for ends in ((6, 9), (9, 16), (10, 22)))
    grid = np.arange(side)
    distance = np.hypot(grid[None, None] - x0[:, None, None], grid[None, :, None] - y0[:, None, None])
    mask = torch.tensor(distance <= radius[:, None, None])
    moved, inside = mask, texture
    if task == "template":
        texture, inside = torch.full_like(texture, 0.5), stripes(side).expand_as(texture)
    if task == "move":
        moved, inside = torch.roll(mask, SHIFT, -1), torch.roll(texture, SHIFT, -1)
    inputs = torch.where(mask[:, None], texture, ground).clamp(-0.98, 0.98)
    if task == "recolor":
        targets = torch.stack([inputs[:, 1], -inputs[:, 0], 0.5 * inputs[:, 2] + 0.2], dim=1)
    else:
        targets = torch.where(moved[:, None], inside, ground).clamp(-0.98, 0.98)
    return Scenes(inputs, targets, mask, moved)


def train_translator(
    model: nn.Module, task: str, steps: int, rng: np.random.Generator, batch: int = 8, checkpoint=None
) -> None:
    """Train an image-to-image network in place on fresh scenes: paired L1, Adam at 2e-3, one cycle.

    Args:
        model: maps (B, 3, 32, 32) to the same shape.
        task: one of `SCENE_TASKS`.
        steps: of the optimiser.
        rng: which scenes.
        batch: scenes of a step.
        checkpoint: as of `train_upscaler`.
    """
    _train_one_cycle(model, lambda rng: draw_scenes(task, batch, rng)[:2], steps, 2e-3, (0.5, 0.999), rng, checkpoint)
