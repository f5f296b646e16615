"""Image folders of any size, streamed: a folder for each class, cropped at random for training and alike for tests."""

from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
RATIO = (3 / 4, 4 / 3)  # of the sides of a random crop
MEAN = DEVIATION = 0.5  # of pixels in [0, 1], as ViT-B/16 was pre-trained


class ImageFolder(Dataset):
    """Images of `<folder>/<class>/<file>`, with labels by class name.

    What is drawn for an image depends on seed, epoch and its number alone, not on the worker that reads it.

    Args:
        folder: of one split.
        size: rows and columns of what comes out.
        classes: names of all classes in order; None takes the folders' own.
        scale: smallest share of the image's area that a random crop has; None cuts the middle, and flips nothing.
        seed: of crops and flips.

    Raises:
        FileNotFoundError: no image.
        ValueError: a class that is not among `classes`.
    """

    def __init__(
        self,
        folder: str | Path,
        size: int,
        classes: list[str] | None = None,
        scale: float | None = None,
        seed: int = 0,
    ):
        self.paths = sorted(path for path in Path(folder).glob("*/*") if path.suffix.lower() in SUFFIXES)
        if not self.paths:
            raise FileNotFoundError(f"folder: no image in {folder}/<class>/")
        names = sorted({path.parent.name for path in self.paths})
        self.classes = classes if classes is not None else names
        unknown = set(names) - set(self.classes)
        if unknown:
            raise ValueError(f"folder: {folder} has the class {min(unknown)!r}, which training does not have")
        number = {name: k for k, name in enumerate(self.classes)}
        self.labels = np.array([number[path.parent.name] for path in self.paths])
        self.size, self.scale, self.seed, self.epoch = size, scale, seed, 0

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        from PIL import Image

        with Image.open(self.paths[index]) as image:
            image = image.convert("RGB")
        if self.scale is None:
            box, flip = middle_box(*image.size), False
        else:
            rng = np.random.default_rng([self.seed, self.epoch, index])
            box, flip = random_box(*image.size, self.scale, rng), rng.random() < 0.5
        image = image.resize((self.size, self.size), Image.Resampling.BICUBIC, box=box)
        pixels = np.asarray(image, np.float32).transpose(2, 0, 1) / 255
        pixels = pixels[:, :, ::-1] if flip else pixels
        return torch.from_numpy(((pixels - MEAN) / DEVIATION).astype(np.float32)), int(self.labels[index])


def middle_box(width: int, height: int, share: float = 0.875) -> tuple[float, float, float, float]:
    """Box (left, top, right, bottom) of the middle square whose side is a share of the shorter side."""
    side = share * min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def random_box(width: int, height: int, scale: float, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Box of a random crop with an area of at least `scale` of the image's and sides in a ratio of 3/4 to 4/3."""
    for _ in range(10):
        area = width * height * rng.uniform(scale, 1)
        ratio = np.exp(rng.uniform(*np.log(RATIO)))
        w, h = np.sqrt(area * ratio), np.sqrt(area / ratio)
        if w <= width and h <= height:
            left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
            return left, top, left + w, top + h
    return middle_box(width, height, 1.0)


def loader(data: ImageFolder, batch: int, workers: int, order: np.ndarray | None = None) -> DataLoader:
    """Batches of a folder in a given order, read by so many processes; 0 reads in this one."""
    sampler = range(len(data)) if order is None else order.tolist()
    return DataLoader(data, batch_size=batch, sampler=sampler, num_workers=workers)
