"""Training on image folders at full size: mixed precision, averaged weights, a checkpoint after every epoch."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lib.probing.folders import ImageFolder, loader
from lib.probing.pretraining import TunedModel
from lib.progress import progress
from lib.training.adamw import AdamW
from lib.training.loop import rate
from lib.training.state import load_torch, torch_arrays

if TYPE_CHECKING:
    from lib.atlas.job.checkpoint import Checkpoint

LAST_RATE = 1e-4  # of the highest, at the end of the cosine


class Trained(nn.Module):
    """What training changes of a model: its own parameters, and their running means.

    Args:
        model: some of whose parameters are trained.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        free = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.weights = nn.ParameterList(free)
        self.averages = nn.ParameterList(parameter.detach().clone() for parameter in free)
        self.averages.requires_grad_(False)

    @torch.no_grad()
    def average(self, decay: float) -> None:
        """Move the running means: decay times themselves and the rest of the weights."""
        for mean, weight in zip(self.averages, self.weights):
            mean.lerp_(weight, 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange weights and running means."""
        for mean, weight in zip(self.averages, self.weights):
            kept = weight.clone()
            weight.copy_(mean)
            mean.copy_(kept)


def train_on_folder(
    model: TunedModel,
    data: ImageFolder,
    *,
    epochs: int,
    warmup: int,
    batch: int,
    learning_rate: float,
    weight_decay: float = 0.05,
    decay: float = 0.0,
    workers: int = 0,
    device: str = "cpu",
    seed: int = 0,
    checkpoint: "Checkpoint | None" = None,
) -> np.ndarray:
    """Train what is free of a model on an image folder; its weights are the running means after, where there are any.

    Args:
        model: of `lib.probing.tuning.prepare`, changed in place.
        data: training images.
        epochs, warmup: passes over the images, the first of which warm up.
        batch, learning_rate, weight_decay: of AdamW; decay spares parameters of one dimension.
        decay: of the running means of the weights; 0 for none.
        workers: processes that read images.
        device: torch device; on a GPU products are taken in bfloat16.
        seed: of the order of images.
        checkpoint: where the state is saved after each epoch.

    Returns:
        Mean loss of each epoch.

    Raises:
        ValueError: a loss is not finite.
    """
    model = model.to(device)
    trained = Trained(model)
    groups = [
        {
            "params": [p for p in trained.weights if (p.ndim > 1) == decays],
            "weight_decay": weight_decay if decays else 0,
        }
        for decays in (True, False)
    ]
    optimiser = AdamW(groups, lr=learning_rate, betas=(0.9, 0.999))
    each = -(-len(data) // batch)
    state = checkpoint.load() if checkpoint else None
    losses: list[float] = []
    if state:
        load_torch(state, trained=trained, optimiser=optimiser)
        losses = state["losses"].tolist()
    for epoch in range(len(losses), epochs):
        data.epoch = epoch
        order = np.random.default_rng([seed, epoch]).permutation(len(data))
        total = 0.0
        batches = progress(loader(data, batch, workers, order), f"batches of epoch {epoch + 1}", total=each)
        for step, (images, labels) in enumerate(batches):
            for group in optimiser.param_groups:
                factor = rate(epoch * each + step, epochs * each, warmup * each, floor=LAST_RATE)
                group["lr"] = learning_rate * factor
            optimiser.zero_grad()
            with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
                loss = functional.cross_entropy(model(images.to(device)).float(), labels.to(device))
            loss.backward()
            optimiser.step()
            if decay:
                trained.average(decay)
            total += loss.item() * len(labels)
        losses.append(total / len(data))
        if not np.isfinite(losses[-1]):
            raise ValueError(f"training: got the mean loss {losses[-1]} in epoch {epoch + 1}, expected a finite one")
        if checkpoint:
            checkpoint.save_if_due(
                lambda: {"losses": np.array(losses), **torch_arrays(trained=trained, optimiser=optimiser)}
            )
    if decay:
        trained.swap()
    return np.array(losses)


@torch.no_grad()
def folder_accuracy(
    model: TunedModel, folder: str | Path, classes: list[str], size: int, batch: int, workers: int, device: str
) -> float:
    """Share of a folder's images whose class is predicted, among those classes that the folder has.

    Args:
        model: trained on `classes`.
        folder: holds `<class>/<image>`, of some or all of the classes.
        classes: names, in the order of the scores.
        size, batch, workers, device: as in training.
    """
    data = ImageFolder(folder, size, classes)
    present = torch.from_numpy(np.unique(data.labels)).to(device)
    hits = 0
    for images, labels in progress(loader(data, batch, workers), "batches", total=-(-len(data) // batch)):
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            scores = model(images.to(device)).float()
        hits += int((present[scores[:, present].argmax(1)].cpu() == labels).sum())
    return hits / len(data)


def shifted_folders(folder: str | Path) -> list[Path]:
    """Folders of images by class below a folder: itself, or, as ImageNet-C is laid out, `<corruption>/<severity>`."""
    nested = sorted({path.parent.parent for path in Path(folder).glob("*/*/*/*") if path.is_file()})
    return nested or [Path(folder)]
