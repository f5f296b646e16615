"""Which linear probe to use on labelled features of one's own, by number of labelled samples."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split

from lib.probing.digits import read_features
from lib.probing.evaluation import LR_CV, STRENGTHS, linear_eval
from lib.stats.intervals import Estimate, estimate_difference, estimate_mean


class Advice(NamedTuple):
    """Errors of probes, and which of naive Bayes and logistic regression is better at each number of samples.

    Args:
        sizes: (M,) numbers of labelled samples.
        probes: names of the P probes.
        errors: (repeats, M, P) test errors.
        difference: logistic regression with C by cross-validation less naive Bayes, (M,), paired over repeats.
        best: name of the probe of the least mean error at each size.
    """

    sizes: np.ndarray
    probes: list[str]
    errors: np.ndarray
    difference: Estimate
    best: list[str]

    def error_of(self, probe: str) -> Estimate:
        """Mean error (M,) of a probe over repeats."""
        return estimate_mean(self.errors[:, :, self.probes.index(probe)])


def compare_probes(
    features, labels, rng: np.random.Generator, *, sizes=(), repeats: int = 5, test_share: float = 0.3,
    strengths=STRENGTHS, epsilon: float = 1e-3,
) -> Advice:  # fmt: skip
    """Learn every probe from repeated subsamples of several sizes, and judge it on rows kept apart.

    Each repeat keeps a test part of its own, stratified by label; intervals are those of repeated splits of one data
    set, which share rows.

    Args:
        features: (N, n) finite numbers.
        labels: (N,).
        rng: source of splits.
        sizes: numbers of labelled samples; powers of two times twice the number of labels where it is empty.
        repeats: splits, at least 2.
        test_share: share of rows kept for the test.
        strengths: values of C of logistic regression.
        epsilon: of naive Bayes, on features scaled to [0, 1].

    Raises:
        ValueError: shapes that do not fit, fewer than two repeats, or sizes outside what is left of the rows.
    """
    features, labels = np.asarray(features, dtype=float), np.asarray(labels)
    if features.ndim != 2 or labels.shape != features.shape[:1] or not np.isfinite(features).all():
        raise ValueError(f"features: got shape {features.shape}, expected finite (N, n) with N = {len(labels)} labels")
    if repeats < 2:
        raise ValueError(f"repeats: got {repeats}, expected at least 2")
    classes, left = len(np.unique(labels)), int(len(labels) * (1 - test_share))
    doubled = 2 * classes * 2 ** np.arange(30)
    sizes = np.array(sorted(sizes)) if len(sizes) else doubled[doubled <= left]
    if not len(sizes) or sizes[0] < classes or sizes[-1] > left:
        raise ValueError(
            f"sizes: got {[int(size) for size in sizes]}, expected numbers from {classes} labels to {left} rows"
        )
    cells = []
    for _ in range(repeats):
        x, test, y, truth = train_test_split(
            features, labels, test_size=test_share, stratify=labels, random_state=int(rng.integers(2**31))
        )
        settings = {"epsilons": (epsilon,), "strengths": strengths}
        cells.append([linear_eval(x, y, test, truth, int(size), rng, **settings) for size in sizes])
    probes = list(cells[0][0])
    errors = np.array([[list(cell.values()) for cell in row] for row in cells])
    pair = (errors[:, :, probes.index(name)] for name in (LR_CV, f"nb {epsilon:g}"))
    best = [probes[k] for k in errors.mean(axis=0).argmin(axis=1)]
    return Advice(sizes, probes, errors, estimate_difference(*pair), best)


def read_table(path) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of an .npy array of floats whose last column is the label, a whole number from 0.

    Raises:
        ValueError: another array, entries that are not finite, or labels of another kind.
    """
    path = Path(path)
    if path.suffix != ".npy":
        raise ValueError(f"{path}: expected an .npy file")
    table = np.load(path, mmap_mode="r", allow_pickle=False)
    largest = int(np.nanmax(table[:, -1])) if table.ndim == 2 and len(table) else 0
    return read_features(path.parent, path.stem, max(largest + 1, 2))
