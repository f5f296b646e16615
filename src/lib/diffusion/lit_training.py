"""Training of the small relighters and of the small video model on random lit scenes."""

from collections.abc import Callable

import numpy as np
import torch

from lib.diffusion.lit_clips import codec_of
from lib.diffusion.small import empty_prompt, image_unet, label_model, motion_unet, transformer_relighter, widen_input
from lib.diffusion.training import train_v_prediction
from lib.rendering.batches import SOURCE_LABEL, relighting_pairs, steadily_lit_clips
from lib.rendering.spheres import DIRECTIONS

ARCHITECTURES = ("transformer", "unet")


def build_relighter(
    architecture: str, size: int, *, layers: int, heads: int, head_dim: int, channels: list[int]
) -> torch.nn.Module:
    """A fresh image relighter, its weights drawn from torch's global generator.

    Args:
        architecture: `transformer` (patches of 2 x 2, attention is the only path between them), or `unet`, as in Stable
            Diffusion, its input widened by the frame to relight.
        size: pixels along each side.
        layers, heads, head_dim: of the transformer; the U-Net takes `heads` too.
        channels: width of each resolution of the U-Net.

    Raises:
        ValueError: an unknown architecture.
    """
    if architecture == "transformer":
        return transformer_relighter(size, len(DIRECTIONS), layers, heads, head_dim)
    if architecture == "unet":
        model = image_unet(size, len(DIRECTIONS) + 1, channels, heads)
        return widen_input(model, 2 * model.config.in_channels)
    raise ValueError(f"architecture: got {architecture!r}, expected {' or '.join(ARCHITECTURES)}")


def build_video_model(
    size: int, frames: int, *, patch: int, attention_everywhere: bool, heads: int, channels: list[int]
) -> torch.nn.Module:
    """A fresh video model, an image U-Net with a motion adapter, its weights drawn from torch's global generator.

    Args:
        size: pixels along each side.
        frames: longest clip.
        patch: pixels along each side of the patches that are a token each.
        attention_everywhere: attention in space in every block, or in the middle one alone.
        heads: attention heads, in space and in time.
        channels: width of each resolution.
    """
    base = image_unet(size, SOURCE_LABEL + 2, channels, heads, patch, attention_everywhere)
    return motion_unet(base, frames, heads)


def _drop_labels(label: np.ndarray, empty: int, share: float, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(len(label)) < share, empty, label)


def train_relighter(
    model: torch.nn.Module,
    *,
    size: int,
    frames: int,
    batch: int,
    steps: int,
    learning_rate: float,
    label_drop: float,
    rng: np.random.Generator,
    checkpoint=None,
    report: Callable = lambda items: items,
) -> np.ndarray:
    """Train an image relighter in place by v-prediction; it has the averaged weights at the end.

    Args:
        model: of `build_relighter`.
        size: pixels along each side.
        frames: length of the clips that the frames are taken from.
        batch: frames of a step.
        steps, learning_rate: of training.
        label_drop: share of empty prompts.
        rng: source of scenes, levels and noise.
        checkpoint: where the state is saved, to resume after an interruption.
        report: wraps the steps, for a progress display.

    Returns:
        Mean squared error of v at every step `(steps,)`.
    """
    model.eval()  # prompts are dropped from the batches, not by the layers
    device, codec = next(model.parameters()).device, codec_of(model)
    call, empty = label_model(model), empty_prompt(model)

    def draw(rng):
        relit, source, label = relighting_pairs(rng, batch, frames, size)
        label = _drop_labels(label, empty, label_drop, rng)
        relit, source = (torch.from_numpy(images.astype(np.float32)).to(device) for images in (relit, source))
        return codec.encode(relit), codec.encode(source), torch.from_numpy(label).to(device)

    def predict(x, t, source, label):
        return call(torch.cat([x, source], 1), t, label)

    average, losses = train_v_prediction(
        model, predict, draw, rng=rng, steps=steps, learning_rate=learning_rate, checkpoint=checkpoint, report=report
    )
    model.load_state_dict(average)
    return losses


def train_video_model(
    model: torch.nn.Module,
    *,
    size: int,
    frames: int,
    batch: int,
    steps: int,
    learning_rate: float,
    label_drop: float,
    highest_level: int,
    rng: np.random.Generator,
    checkpoint=None,
    report: Callable = lambda items: items,
) -> np.ndarray:
    """Train a video model in place by the error of the clean clip; it has the averaged weights at the end.

    Args:
        model: of `build_video_model`.
        size: pixels along each side.
        frames: of a clip.
        batch: clips of a step.
        steps, learning_rate, label_drop, rng, checkpoint, report: see `train_relighter`.
        highest_level: noise levels are drawn below this one of 1000.

    Returns:
        Mean squared error of the clean clip in [-1, 1] at every step `(steps,)`.
    """
    device, codec = next(model.parameters()).device, codec_of(model)
    empty = empty_prompt(model)

    def draw(rng):
        video, label = steadily_lit_clips(rng, batch, frames, size)
        label = _drop_labels(label, empty, label_drop, rng)
        clean = codec.encode(torch.from_numpy(video.astype(np.float32)))
        return clean.to(device), torch.from_numpy(label).to(device)

    average, losses = train_v_prediction(
        model,
        label_model(model),
        draw,
        rng=rng,
        steps=steps,
        learning_rate=learning_rate,
        highest_level=highest_level,
        loss_of="clean",
        checkpoint=checkpoint,
        report=report,
    )
    model.load_state_dict(average)
    return losses
