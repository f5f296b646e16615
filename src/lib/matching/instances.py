"""Instances of online matching with stochastic rewards: probabilities P and masses of classes, as they arrive."""

import numpy as np


def upper_triangular(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Class i, of mass 1, may use offline vertices i, ..., n - 1: (n, n) and (n,)."""
    return np.tri(n), np.ones(n)


def trap(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Class i < k, of mass 1, may use a_i and all b; a last class of mass k may use all b: (2 k, k + 1) and (k + 1,).

    What is spent on the b early is missing at the end.
    """
    own = np.hstack([np.eye(k), np.zeros((k, 1))])
    return np.vstack([own, np.ones((k, k + 1))]), np.append(np.ones(k), float(k))


def random_heterogeneous(n: int, classes: int, rng: np.random.Generator, density: float = 0.5):
    """Random graph with P uniform in (.2, 1) and masses in (.5, 2); each class has a neighbour.

    Args:
        n, classes: numbers of offline vertices and of classes.
        rng: source of the graph.
        density: probability of an edge.

    Returns:
        `(P, masses)`, (n, classes) and (classes,).
    """
    edge = rng.random((n, classes)) < density
    edge[rng.integers(0, n, classes), np.arange(classes)] |= ~edge.any(axis=0)
    return np.where(edge, rng.uniform(0.2, 1, (n, classes)), 0.0), rng.uniform(0.5, 2, classes)


def random_nested(most: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sizes of nested neighbourhoods, the largest between 2 and `most`, and masses uniform in (.2, 2)."""
    n = int(rng.integers(2, most + 1))
    smaller = np.flatnonzero(rng.random(n - 1) < 0.7) + 1
    sizes = np.append(n, smaller[::-1])
    return sizes, rng.uniform(0.2, 2, len(sizes))


def arrivals_of(vertices) -> np.ndarray:
    """Class of each arrival when classes arrive one after the other, each with a number of vertices."""
    return np.repeat(np.arange(len(vertices)), vertices)
