"""Images with classes: digits, CIFAR and TinyImageNet from local folders, and images of one's own."""

import pickle
from pathlib import Path

import numpy as np

CIFAR = {
    "cifar10": ([f"data_batch_{i}" for i in range(1, 6)], ["test_batch"], "labels"),
    "cifar20": (["train"], ["test"], "coarse_labels"),
    "cifar100": (["train"], ["test"], "fine_labels"),
}


def load_images(name: str, root: str | Path | None = None, split: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Images (n, c, h, w) in [0, 1], single precision, and classes (n,).

    Args:
        name: `digits` (scikit-learn's, 8 x 8, one split), `cifar10`, `cifar20`, `cifar100` or `tinyimagenet`.
        root: folder of the Python batches of CIFAR, or of TinyImageNet with its folders `train` and `val`.
        split: `train` or `test`.

    Raises:
        ValueError: another name, files that are not there, or contents of another layout.
    """
    if name == "digits":
        from sklearn.datasets import load_digits

        images, classes = load_digits(return_X_y=True)
        return (images / 16).astype(np.float32).reshape(-1, 1, 8, 8), classes.astype(np.int64)
    if name in CIFAR:
        train, test, key = CIFAR[name]
        batches = [_batch(Path(root) / file) for file in (train if split == "train" else test)]
        images = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
        return checked(images.astype(np.float32) / 255, np.concatenate([batch[key] for batch in batches]))
    if name == "tinyimagenet":
        return _tiny(Path(root), split)
    raise ValueError(f"name: got {name!r}, expected digits, {', '.join(CIFAR)} or tinyimagenet")


class _Arrays(pickle.Unpickler):
    """Reads arrays and plain values, and no other object."""

    def find_class(self, module, name):
        if module.split(".")[0] == "numpy" and name in ("_reconstruct", "ndarray", "dtype", "scalar"):
            return super().find_class(module, name)
        if (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        raise ValueError(f"{module}.{name}: got another object than an array in a batch of images")


def _batch(path: Path) -> dict:
    if not path.is_file():
        raise ValueError(f"root: got no file {path}")
    with path.open("rb") as file:
        return {
            key.decode() if isinstance(key, bytes) else key: value
            for key, value in _Arrays(file, encoding="bytes").load().items()
        }


def _tiny(root: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    names = sorted(folder.name for folder in (root / "train").iterdir()) if (root / "train").is_dir() else []
    if not names:
        raise ValueError(f"root: got no folders of classes under {root / 'train'}")
    if split == "train":
        files = [(file, i) for i, name in enumerate(names) for file in sorted((root / "train" / name).rglob("*.JPEG"))]
    else:
        table = [line.split("\t")[:2] for line in (root / "val/val_annotations.txt").read_text().splitlines()]
        files = [(root / "val/images" / file, names.index(name)) for file, name in table]
    return checked(np.stack([_pixels(file) for file, _ in files]), np.array([i for _, i in files]))


def _pixels(path: Path, side: int | None = None) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as image:
        image = image.convert("RGB")
        if side:
            image = image.resize((side, side), Image.Resampling.BILINEAR)
        return np.asarray(image, np.float32).transpose(2, 0, 1) / 255


def read_own(path: str | Path, side: int = 32) -> tuple[np.ndarray, list[str]]:
    """Images of one's own (n, c, h, w) in [0, 1], and a name for each.

    Args:
        path: an .npz with an array `images` (n, h, w) or (n, c, h, w) in [0, 1], or a folder of image files.
        side: pixels to which files of a folder are scaled.

    Raises:
        ValueError: nothing of this kind there, or values outside [0, 1].
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".gif"))
        if not files:
            raise ValueError(f"path: got {path} without image files")
        images = np.stack([_pixels(file, side) for file in files])
        names = [str(file.relative_to(path)) for file in files]
    else:
        with np.load(path) as archive:
            if "images" not in archive:
                raise ValueError(f"path: got arrays {sorted(archive)} in {path}, expected `images`")
            images = np.asarray(archive["images"], np.float32)
        images = images[:, None] if images.ndim == 3 else images
        names = [str(i) for i in range(len(images))]
    return checked(images, np.zeros(len(images), int))[0], names


def checked(images: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return images and classes.

    Raises:
        ValueError: not (n, c, h, w), values that are not finite or outside [0, 1], or another number of classes.
    """
    if images.ndim != 4 or len(images) < 2:
        raise ValueError(f"images: got shape {images.shape}, expected (n, c, h, w) with n >= 2")
    if not np.isfinite(images).all() or images.min() < 0 or images.max() > 1:
        raise ValueError(f"images: got values from {images.min()} to {images.max()}, expected 0 to 1")
    if len(classes) != len(images):
        raise ValueError(f"classes: got {len(classes)}, expected {len(images)}, one for each image")
    return images, np.asarray(classes, np.int64)
