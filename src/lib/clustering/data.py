"""The problems of the small scales: digits, and curves lifted by a random map."""

import numpy as np
import torch

from lib.clustering.images import load_images
from lib.clustering.networks import convolutional, perceptron
from lib.clustering.pipeline import Problem
from lib.clustering.toys import SHAPES, lift
from lib.clustering.views import noise_view, small_image_view


def digits_problem(dim: int) -> Problem:
    """All 1797 digits of scikit-learn, a small convolutional network with heads of width `dim`."""
    images, classes = load_images("digits")
    return Problem(
        torch.from_numpy(images), classes, small_image_view, lambda clusters: convolutional(1, 8, dim, clusters)
    )


def toy_problem(shape: str, n: int, width: int, dim: int, rng: np.random.Generator) -> tuple[Problem, np.ndarray]:
    """A lifted toy and its points in the plane; views add noise of a tenth of the deviation of all entries.

    Args:
        shape: `circles` or `spirals`.
        n: points.
        width: dimensions of the lift.
        dim: of the heads.
        rng: of points and lift.
    """
    points, classes = SHAPES[shape](n, rng)
    x = lift(points, width, rng).astype(np.float32)
    view = noise_view(0.1 * float(x.std()))
    return Problem(torch.from_numpy(x), classes, view, lambda clusters: perceptron(width, dim, clusters)), points
