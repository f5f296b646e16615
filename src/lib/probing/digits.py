"""Small networks trained on digits, whose hidden layers stand in for pre-trained backbones; and features from files."""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

BACKBONES = ("raw", "supervised", "supervised_subset", "masked_ae")
SUBSET = 7  # classes that `supervised_subset` sees


class Split(NamedTuple):
    """Rows of a data set: for pre-training, for probes, for their test."""

    pretrain: np.ndarray
    probe: np.ndarray
    test: np.ndarray


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Pixels (1797, 64) in [0, 1], float32, and labels of scikit-learn's digits."""
    pixels, labels = load_digits(return_X_y=True)
    return (pixels / 16).astype(np.float32), labels


def split_rows(total: int, sizes: list[int], rng: np.random.Generator) -> Split:
    """Random disjoint rows of three sizes.

    Raises:
        ValueError: more rows than there are.
    """
    if len(sizes) != 3 or sum(sizes) > total:
        raise ValueError(f"sizes: got {sizes}, expected three of sum at most {total}")
    order = rng.permutation(total)
    ends = np.cumsum(sizes)
    return Split(*(np.sort(order[end - size : end]) for end, size in zip(ends, sizes)))


def _settings(width: int, epochs: int, seed: int) -> dict:
    return {
        "hidden_layer_sizes": (width, width), "batch_size": 200, "alpha": 1e-4, "max_iter": epochs,
        "n_iter_no_change": epochs + 1, "random_state": seed,
    }  # fmt: skip


def train_backbone(name: str, x, labels, *, width: int, epochs: int, rng: np.random.Generator):
    """Train two hidden ReLU layers, by scikit-learn's Adam, for a number of epochs; None for `raw`.

    `supervised` classifies all digits, `supervised_subset` those below 7, `masked_ae` restores images of which a fixed
    half of the pixels, drawn once, is zero.

    Args:
        name: one of `BACKBONES`.
        x: (m, 64) pixels, float32.
        labels: (m,).
        width: of each hidden layer.
        epochs: passes over the rows.
        rng: source of the start, of batches and of masks.

    Raises:
        ValueError: another name.
    """
    seed = int(rng.integers(2**31))
    if name == "raw":
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is the rule, not convergence
        if name == "masked_ae":
            masked = x * (rng.random(x.shape) < 0.5)
            return MLPRegressor(**_settings(width, epochs, seed)).fit(masked.astype(x.dtype), x)
        if name not in BACKBONES:
            raise ValueError(f"name: got {name!r}, expected one of {', '.join(BACKBONES)}")
        rows = labels < SUBSET if name == "supervised_subset" else slice(None)
        return MLPClassifier(**_settings(width, epochs, seed)).fit(x[rows], labels[rows])


def hidden_features(network, x) -> np.ndarray:
    """Second hidden layer (m, width) after its ReLU; the rows themselves where there is no network."""
    for weights, shift in zip(network.coefs_[:2], network.intercepts_[:2]) if network else ():
        x = np.maximum(x @ weights + shift, 0)
    return x


def read_features(folder: Path, part: str, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Features (m, n) by memory map, and labels (m,), of `<folder>/<part>.npy`, whose last column is the label.

    Args:
        folder: of one backbone and data set.
        part: `train` or `val`.
        classes: number of classes.

    Raises:
        ValueError: no two-dimensional array of floats, entries that are not finite, or labels that are no whole numbers
            from 0 to `classes` - 1.
    """
    path = Path(folder) / f"{part}.npy"
    table = np.load(path, mmap_mode="r", allow_pickle=False)
    if table.ndim != 2 or table.shape[1] < 2 or table.dtype.kind != "f":
        raise ValueError(f"{path}: got {table.dtype} of shape {table.shape}, expected floats (samples, features + 1)")
    for start in range(0, len(table), 4096):
        if not np.isfinite(table[start : start + 4096]).all():
            raise ValueError(f"{path}: an entry among rows {start} to {start + 4095} is not finite")
    labels = np.array(table[:, -1])
    if np.any(labels != np.floor(labels)) or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"{path}: got labels from {labels.min()} to {labels.max()}, expected 0 to {classes - 1}")
    return table[:, :-1], labels.astype(int)
