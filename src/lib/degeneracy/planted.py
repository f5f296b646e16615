"""Layers with degeneracies planted in them: dependent activations and gradients, synchronised ReLUs, equal attention.

All are written as branches, outputs = sum over b of outer_b inner_b features_b: a ReLU unit is a branch whose features
are the inputs where it is on, an attention head one whose features are the inputs mixed by its pattern.
"""

from typing import NamedTuple

import numpy as np

ATTEMPTS = 1000


class DependentLayer(NamedTuple):
    """A layer p = weight f between activations of r dimensions and a head outer tanh(inner p) of s dimensions."""

    weight: np.ndarray
    activations: np.ndarray
    inner: np.ndarray
    outer: np.ndarray

    def outputs(self, weight: np.ndarray) -> np.ndarray:
        """Outputs (n, K) with another weight (d_out, d_in)."""
        return np.tanh(self.activations @ weight.T @ self.inner.T) @ self.outer.T

    def gradients(self) -> np.ndarray:
        """Derivatives of the outputs with respect to p, (n, K, d_out)."""
        slope = 1 - np.tanh(self.activations @ self.weight.T @ self.inner.T) ** 2
        return np.einsum("ks,ns,sp->nkp", self.outer, slope, self.inner)

    def jacobian(self) -> np.ndarray:
        """Derivatives of the outputs with respect to the weight, (n K, d_out d_in)."""
        products = self.gradients()[..., None] * self.activations[:, None, None, :]
        return products.reshape(-1, self.weight.size)


def dependent_layer(
    r: int, s: int, rng: np.random.Generator, *, width: int = 12, following: int = 10, outputs: int = 5, n: int = 400
) -> DependentLayer:
    """A layer whose activations span r of `width` dimensions and whose gradients s of `following`."""
    activations = rng.standard_normal((n, r)) @ rng.standard_normal((r, width))
    weight = rng.standard_normal((following, width)) / np.sqrt(width * r)
    return DependentLayer(weight, activations, rng.standard_normal((s, following)), rng.standard_normal((outputs, s)))


class Branches(NamedTuple):
    """Branches that add up: `features` (m, n, d_in), `inner` (m, h, d_in), `outer` (m, d_out, h)."""

    features: np.ndarray
    inner: np.ndarray
    outer: np.ndarray

    def outputs(self) -> np.ndarray:
        """Outputs (n, d_out)."""
        return np.einsum("mkh,mhj,mnj->nk", self.outer, self.inner, self.features, optimize=True)

    def jacobian(self) -> np.ndarray:
        """Derivatives of the outputs with respect to all inner and all outer weights, (n d_out, parameters)."""
        n, d_out = self.features.shape[1], self.outer.shape[1]
        inside = np.einsum("mkh,mnj->nkmhj", self.outer, self.features).reshape(n * d_out, -1)
        hidden = np.einsum("mhj,mnj->nmh", self.inner, self.features)
        outside = np.einsum("kl,nmh->nkmlh", np.eye(d_out), hidden).reshape(n * d_out, -1)
        return np.concatenate([inside, outside], axis=1)


class Units(NamedTuple):
    """One hidden layer of ReLUs: `first` (m, d_in), `second` (d_out, m), on inputs (n, d_in)."""

    first: np.ndarray
    second: np.ndarray
    inputs: np.ndarray

    def patterns(self) -> np.ndarray:
        """Which unit is on at which input, (n, m)."""
        return self.inputs @ self.first.T > 0

    def outputs(self) -> np.ndarray:
        """Outputs (n, d_out)."""
        return np.maximum(self.inputs @ self.first.T, 0) @ self.second.T

    def branches(self) -> Branches:
        """The units as branches."""
        features = self.patterns().T[:, :, None] * self.inputs
        return Branches(features, self.first[:, None, :], self.second.T[:, :, None])


def relu_units(
    m: int, synchronised: bool, rng: np.random.Generator, *, d_in: int = 8, d_out: int = 6, n: int = 1500
) -> Units:
    """A hidden layer of m ReLUs, all on at the same inputs or each at its own.

    Synchronised units have weights near one direction, from whose hyperplane the inputs keep a margin.

    Raises:
        ValueError: no draw had equal patterns.
    """
    for _ in range(ATTEMPTS):
        inputs = rng.standard_normal((n, d_in))
        first = rng.standard_normal((m, d_in))
        if synchronised:
            direction = rng.standard_normal(d_in)
            direction /= np.linalg.norm(direction)
            inputs = inputs + 1.5 * np.sign(inputs @ direction)[:, None] * direction
            first = direction + 0.05 * first
        units = Units(first, rng.standard_normal((d_out, m)), inputs)
        patterns = units.patterns()
        if not synchronised or (patterns == patterns[:, :1]).all():
            return units
    raise ValueError(f"m: got {m}, of which no {ATTEMPTS} draws are synchronised, expected fewer")


def attention_heads(
    m: int, size: int, equal: bool, rng: np.random.Generator, *, width: int = 12, tokens: int = 6, sequences: int = 60
) -> Branches:
    """Attention heads with fixed causal patterns, equal or different over heads, as branches at all positions.

    Args:
        m: heads.
        size: d_h of each head.
        equal: whether all heads have one pattern.
        rng: source of inputs, patterns and weights.
        width: of the residual stream.
        tokens, sequences: of the data.
    """
    inputs = rng.standard_normal((sequences, tokens, width))
    scores = np.exp(rng.standard_normal((1 if equal else m, tokens, tokens))) * np.tri(tokens)
    pattern = np.broadcast_to(scores / scores.sum(-1, keepdims=True), (m, tokens, tokens))
    features = np.einsum("mts,bsj->mbtj", pattern, inputs).reshape(m, sequences * tokens, width)
    return Branches(features, rng.standard_normal((m, size, width)), rng.standard_normal((m, width, size)))


def unit_free_directions(m: int, synchronised: bool, d_in: int, d_out: int) -> int:
    """Free directions of m ReLUs: m rescalings, or all m x m mixings and what a product of rank below m leaves free."""
    return max(m**2, m * (d_in + d_out) - d_in * d_out) if synchronised else m


def null_projection(matrix: np.ndarray, rank: int) -> np.ndarray:
    """Orthogonal projection (d, d) onto the null space of a matrix (rows, d) of known rank."""
    span = np.linalg.svd(matrix, full_matrices=False)[2][:rank]
    return np.eye(matrix.shape[1]) - span.T @ span
