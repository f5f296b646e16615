"""Training of small backbones, and of whole backbones with adapters: one model at a time, AdamW, warm-up and cosine."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lib.probing.backbones import ConvolutionalNetwork, MaskedDecoder, VisionTransformer, masked_loss
from lib.probing.moments import classifier
from lib.probing.textures import balanced_labels, draw_texture_classes, draw_textures
from lib.training.adamw import AdamW
from lib.training.loop import rate

SUPERVISED, MASKED = ("vit", "cnn"), "mae"
SHOWN = 0.25  # share of patches that the encoder of a masked autoencoder sees
CHUNK = 256


def train_module(
    model: nn.Module,
    loss: Callable[[int], torch.Tensor],
    steps: int,
    learning_rate: float,
    weight_decay: float = 0.05,
    warmup: float = 0.1,
) -> np.ndarray:
    """Train what is trainable of a model; decay spares parameters of one dimension.

    Args:
        model: changed in place.
        loss: takes the step, returns the loss of a batch that it draws.
        steps: number of batches.
        learning_rate: highest.
        weight_decay: of AdamW.
        warmup: share of the steps in which the learning rate grows.

    Returns:
        Losses before each step.

    Raises:
        ValueError: a loss is not finite.
    """
    groups: dict[bool, list] = {True: [], False: []}
    for parameter in model.parameters():
        if parameter.requires_grad:
            groups[parameter.ndim > 1].append(parameter)
    optimiser = AdamW(
        [{"params": group, "weight_decay": weight_decay if decays else 0.0} for decays, group in groups.items()],
        lr=learning_rate,
        betas=(0.9, 0.999),
    )
    losses = np.empty(steps)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * rate(step, steps, max(1, int(warmup * steps)), floor=0.0)
        optimiser.zero_grad()
        value = loss(step)
        value.backward()
        optimiser.step()
        losses[step] = value.item()
        if not np.isfinite(losses[step]):
            raise ValueError(f"training: got the loss {losses[step]} at step {step}, expected a finite one")
    return losses


def build_backbone(kind: str, size: int) -> nn.Module:
    """A small backbone for grey images of `size` rows: `vit`, `cnn`, or `mae`, which is a `vit`.

    Raises:
        ValueError: another kind.
    """
    if kind in ("vit", MASKED):
        return VisionTransformer(size)
    if kind == "cnn":
        return ConvolutionalNetwork()
    raise ValueError(f"kind: got {kind!r}, expected vit, cnn or mae")


def pretrain(
    kind: str, size: int, classes: int, steps: int, seed: int, learning_rate: float = 2e-3, batch: int = 48
) -> tuple[nn.Module, np.ndarray]:
    """Train a small backbone on procedural textures, every batch new.

    Args:
        kind: `vit` and `cnn` learn the class through their first token; `mae` learns to fill in patches.
        size: rows and columns of an image.
        classes: of the source task.
        steps, learning_rate, batch: of the training.
        seed: of classes, images, weights.

    Returns:
        The backbone, frozen and in evaluation mode, and its losses.
    """
    rng = np.random.default_rng([seed, 3])
    source = draw_texture_classes(classes, rng)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone = build_backbone(kind, size)
        if kind == MASKED:
            head: nn.Module = MaskedDecoder(backbone)
            shown = round(SHOWN * (size // backbone.patch) ** 2)
        else:
            head = classifier(backbone.width, classes)

        def loss(_: int) -> torch.Tensor:
            labels = balanced_labels(classes, batch, rng)
            images = torch.from_numpy(draw_textures(source, labels, size, rng))
            if kind == MASKED:
                return masked_loss(backbone, head, images, shown)
            return functional.cross_entropy(head(backbone(images)[:, 0]), torch.from_numpy(labels))

        losses = train_module(nn.ModuleList([backbone, head]), loss, steps, learning_rate, weight_decay=0.01)
    return backbone.eval().requires_grad_(False), losses


def weights(model: nn.Module) -> np.ndarray:
    """All numbers of a model, running statistics included, in one vector."""
    return np.concatenate([v.detach().numpy().ravel() for v in model.state_dict().values() if v.is_floating_point()])


def load_weights(model: nn.Module, vector: np.ndarray) -> nn.Module:
    """Put a vector of `weights` back; the model is frozen and in evaluation mode after.

    Raises:
        ValueError: a vector of another length.
    """
    state = {name: value for name, value in model.state_dict().items() if value.is_floating_point()}
    expected = sum(value.numel() for value in state.values())
    if len(vector) != expected:
        raise ValueError(f"vector: got {len(vector)} numbers, expected {expected}")
    start = 0
    for value in state.values():
        value.copy_(torch.from_numpy(np.array(vector[start : start + value.numel()])).view_as(value))
        start += value.numel()
    return model.eval().requires_grad_(False)


@torch.no_grad()
def compute_tokens(backbone: nn.Module, images: np.ndarray) -> torch.Tensor:
    """Final tokens `(n, 1 + N, D)` of images `(n, channels, H, W)`."""
    return torch.cat([backbone(part) for part in torch.from_numpy(images).split(CHUNK)])


class TunedModel(nn.Module):
    """A backbone and a head on its tokens, trained together.

    Args:
        backbone: gives tokens.
        head: takes them.
    """

    def __init__(self, backbone: nn.Module, head: nn.Module):
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores `(B, K)` of images."""
        return self.head(self.backbone(images))

    @torch.no_grad()
    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Share of images whose class it predicts."""
        parts = torch.from_numpy(images).split(CHUNK)
        return float((torch.cat([self(part).argmax(1) for part in parts]).numpy() == labels).mean())
