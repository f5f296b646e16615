"""Kernels of a two-layer ReLU network of infinite width, and the Gaussian process that gradient descent ends in."""

import math
from typing import NamedTuple

import numpy as np

_C = 1 / (2 * math.pi)
KERNELS = ("ntk", "last_layer")
KERNEL_NAMES = {"ntk": "both layers", "last_layer": "last layer"}  # which layers are trained


def relu_nngp(rho) -> np.ndarray:
    """Covariance of a ReLU network's outputs before training, for unit inputs with inner product rho in [-1, 1].

    The network is W2 relu(W1 x) / sqrt(n), all entries of W1 and W2 standard normal; with inputs of d dimensions and
    relu(W1 x / sqrt(d)) it is this over d.

    Source: Cho and Saul 2009, arc-cosine kernel of degree 1.
    """
    rho = np.clip(rho, -1, 1)
    angle = np.arccos(rho)
    return _C * (np.sin(angle) + (np.pi - angle) * rho)


def relu_ntk(rho) -> np.ndarray:
    """Tangent kernel of the same network when both layers are trained (Jacot, Gabriel and Hongler 2018)."""
    rho = np.clip(rho, -1, 1)
    return relu_nngp(rho) + _C * rho * (np.pi - np.arccos(rho))


def tangent_kernel(kernel: str, rho) -> np.ndarray:
    """Tangent kernel by name: "ntk", both layers trained, or "last_layer", which is the covariance before training.

    Raises:
        ValueError: another name.
    """
    if kernel not in KERNELS:
        raise ValueError(f"kernel: got {kernel!r}, expected one of {', '.join(KERNELS)}")
    return relu_ntk(rho) if kernel == "ntk" else relu_nngp(rho)


class Limit(NamedTuple):
    """Outputs of trained networks of infinite width: Gaussian, independent over output coordinates.

    Attributes:
        mean: (tests, outputs).
        covariance: (tests, tests), the same for every output.
    """

    mean: np.ndarray
    covariance: np.ndarray


def trained_limit(kernel: str, train: np.ndarray, targets: np.ndarray, test: np.ndarray) -> Limit:
    """Law of the outputs after gradient descent on squared loss to zero training error, at infinite width.

    Args:
        kernel: "ntk" or "last_layer": which layers are trained.
        train: (n, d) unit inputs.
        targets: (n, outputs).
        test: (tests, d) unit inputs.

    Returns:
        With A = Theta(test, train) Theta(train, train)^-1: mean A Y, and covariance
        K(test, test) + A K(train, train) A^T - A K(train, test) - K(test, train) A^T, where K is the covariance before
        training. Both kernels are over d.

    Source: Lee et al. 2019, equations 14 and 15.
    """
    dim = train.shape[1]
    solved = np.linalg.solve(tangent_kernel(kernel, train @ train.T), tangent_kernel(kernel, train @ test.T)).T
    cross = solved @ relu_nngp(train @ test.T)
    covariance = relu_nngp(test @ test.T) + solved @ relu_nngp(train @ train.T) @ solved.T - cross - cross.T
    return Limit(solved @ targets, covariance / dim)
