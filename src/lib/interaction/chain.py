"""Interaction bases, edges and ablations of any network that is a chain of differentiable blocks.

Activations are (n, d), or (n, positions, d) for sequences, where all positions share one basis. The Gram matrix of the
Jacobians is the sum over output positions and the mean over samples and input positions; the sum is taken by random
signs, one vector-Jacobian product for each direction of the next layer and batch, so that no Jacobian is in memory.

Source: Bushnaq et al., arXiv 2405.10927, section 6, and arXiv 2405.10928; random signs after Hutchinson 1989.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from lib.interaction.basis import Basis, basis_of, principal_basis
from lib.interaction.edges import bisect_edges
from lib.progress import progress

KINDS = ("pca", "pca_scaled", "gradient", "local")


def _unchanged(values: torch.Tensor) -> torch.Tensor:
    return values


class Chain(NamedTuple):
    """Blocks from node layer to node layer, and what makes logits of the last.

    Args:
        blocks: each maps activations (n, ..., d) to those of the next node layer.
        finish: maps the activations of the last node layer to logits (n, ..., classes).
    """

    blocks: Sequence[Callable[[torch.Tensor], torch.Tensor]]
    finish: Callable[[torch.Tensor], torch.Tensor] = _unchanged

    def run(self, values: torch.Tensor, first: int = 0) -> torch.Tensor:
        """Logits from the activations of node layer `first`."""
        for block in self.blocks[first:]:
            values = block(values)
        return self.finish(values)

    def up_to(self, starts: Sequence[torch.Tensor], layer: int) -> Iterator[torch.Tensor]:
        """Activations of a node layer, batch by batch, from those of the first."""
        for values in starts:
            with torch.no_grad():
                for block in self.blocks[:layer]:
                    values = block(values)
            yield values


def _rows(values: torch.Tensor) -> torch.Tensor:
    """Activations of all samples and positions, (rows, d), in float64."""
    return values.detach().flatten(0, -2).double()


def moments(chain: Chain, starts: Sequence[torch.Tensor], layer: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and Gram matrix (d, d) of the centred activations of a node layer, accumulated in float64."""
    count, total, square = 0, 0.0, 0.0
    for values in chain.up_to(starts, layer):
        rows = _rows(values)
        count, total, square = count + len(rows), total + rows.sum(0), square + rows.T @ rows
    mean = total / count
    return mean.cpu().numpy(), (square / count - torch.outer(mean, mean)).cpu().numpy()


def _pulled_back(
    block, values: torch.Tensor, following: torch.Tensor, signs: torch.Generator
) -> Iterator[torch.Tensor]:
    """Gradient (n, ..., d) of each direction of the next layer, its output positions added with random signs."""
    values = values.detach().requires_grad_(True)
    with torch.enable_grad():
        output = block(values)
    for i, row in enumerate(following.to(output.dtype)):
        weights = torch.ones(output.shape[:-1], device=output.device, dtype=output.dtype)
        if output.ndim > 2:
            weights = 2.0 * torch.randint(2, output.shape[:-1], generator=signs).to(weights) - 1
        (gradient,) = torch.autograd.grad(
            output, values, weights[..., None] * row, retain_graph=i + 1 < len(following), materialize_grads=True
        )
        yield gradient


def jacobian_gram(
    chain: Chain, starts: Sequence[torch.Tensor], layer: int, following: np.ndarray, signs: torch.Generator
) -> np.ndarray:
    """K = E[J^T J], (d, d), of the next layer's directions with respect to a node layer.

    Args:
        chain: whose block is differentiated.
        starts: batches of activations of the first node layer.
        layer: node layer.
        following: C', (k, d'), the basis of the next node layer.
        signs: source of the signs where there are several output positions; unused otherwise.
    """
    count, total = 0, 0.0
    for values in progress(chain.up_to(starts, layer), f"batches of node layer {layer}", total=len(starts)):
        count += values[..., 0].numel()
        matrix = torch.from_numpy(following).to(values.device)
        for gradient in _pulled_back(chain.blocks[layer], values, matrix, signs):
            rows = _rows(gradient)
            total = total + rows.T @ rows
    return (total / count).cpu().numpy()


def edge_strengths(
    chain: Chain,
    starts: Sequence[torch.Tensor],
    layer: int,
    mean: np.ndarray,
    here: Basis,
    following: Basis,
    signs: torch.Generator,
) -> np.ndarray:
    """Strengths E_ij = E[(d f_hat'_i / d f_hat_j f_hat_j)^2], (k', k), with the gradient at the sample itself.

    Args:
        chain, starts, layer, signs: as in `jacobian_gram`.
        mean: of the activations of the node layer.
        here, following: bases of both node layers.
    """
    count, total = 0, 0.0
    for values in progress(chain.up_to(starts, layer), f"batches of edges, layer {layer}", total=len(starts)):
        to, back, centre = (torch.from_numpy(part).to(values.device) for part in (here.matrix, here.inverse, mean))
        coordinates = (_rows(values) - centre) @ to.T
        count += len(coordinates)
        matrix = torch.from_numpy(following.matrix).to(values.device)
        pulled = _pulled_back(chain.blocks[layer], values, matrix, signs)
        total = total + torch.stack([((_rows(one) @ back) * coordinates).square().sum(0) for one in pulled])
    return (total / count).cpu().numpy()


class Analysed(NamedTuple):
    """Means and bases of all node layers, and strengths of the edges of all layers."""

    means: list[np.ndarray]
    bases: list[Basis]
    strengths: list[np.ndarray]


def analyse_chain(
    chain: Chain, starts: Sequence[torch.Tensor], kind: str, *, tolerance: float = 1e-10, seed: int = 0
) -> Analysed:
    """Bases from the last node layer, which has its principal components, to the first, and all edges.

    Args:
        chain: of blocks without randomness.
        starts: batches of activations of the first node layer.
        kind: of `KINDS`.
        tolerance: eigenvalues up to this times the largest are dropped; single precision leaves noise near 1e-12.
        seed: of the random signs.

    Raises:
        ValueError: another kind, no batch, or a dead layer.
    """
    if kind not in KINDS or not starts:
        raise ValueError(f"kind, starts: got {kind!r} and {len(starts)} batches, expected one of {KINDS} and a batch")
    signs = torch.Generator().manual_seed(seed)
    layers = len(chain.blocks)
    means, grams = zip(*(moments(chain, starts, layer) for layer in range(layers + 1)))
    bases = [principal_basis(grams[-1], tolerance)]
    for layer in reversed(range(layers)):
        needed = kind != "pca"
        jacobians = jacobian_gram(chain, starts, layer, bases[0].matrix, signs) if needed else grams[layer]
        bases.insert(0, basis_of(kind, grams[layer], jacobians, tolerance))
    strengths = [
        edge_strengths(chain, starts, layer, means[layer], bases[layer], bases[layer + 1], signs)
        for layer in range(layers)
    ]
    return Analysed(list(means), bases, strengths)


def run_kept_edges(
    chain: Chain, analysed: Analysed, layer: int, kept: np.ndarray, values: torch.Tensor
) -> torch.Tensor:
    """Logits when each direction of the next node layer is computed from only those that have an edge to it.

    Args:
        chain: that runs.
        analysed: its means and bases.
        layer: of the edges.
        kept: (k', k), which edges stay.
        values: activations of node layer `layer`, (n, ..., d).
    """
    like = {"device": values.device, "dtype": values.dtype}
    here, following = analysed.bases[layer], analysed.bases[layer + 1]
    to, back, centre = (
        torch.from_numpy(part).to(**like) for part in (here.matrix, here.inverse, analysed.means[layer])
    )
    into, out, next_centre = (
        torch.from_numpy(part).to(**like) for part in (following.matrix, following.inverse, analysed.means[layer + 1])
    )
    coordinates = (values - centre) @ to.T
    computed = None
    rows, which = np.unique(kept, axis=0, return_inverse=True)
    for number, row in enumerate(rows):
        mask = torch.from_numpy(row).to(**like)
        after = (chain.blocks[layer](centre + (coordinates * mask) @ back.T) - next_centre) @ into.T
        computed = torch.empty_like(after) if computed is None else computed
        alike = torch.from_numpy(np.flatnonzero(which.ravel() == number)).to(values.device)
        computed[..., alike] = after[..., alike]
    return chain.run(next_centre + computed @ out.T, layer + 1)


def accuracy(
    logits: Callable[[torch.Tensor], torch.Tensor],
    batches: Iterator[torch.Tensor],
    labels: Sequence[torch.Tensor],
) -> float:
    """Share of labels that are the largest logit; labels of -100 do not count."""
    hits = count = 0
    with torch.no_grad():
        for values, wanted in zip(batches, labels):
            right = (logits(values).argmax(-1) == wanted)[wanted != -100]
            hits, count = hits + int(right.sum()), count + right.numel()
    return hits / count


def fewest_edges(
    chain: Chain,
    analysed: Analysed,
    layer: int,
    starts: Sequence[torch.Tensor],
    labels: Sequence[torch.Tensor],
    drop: float,
) -> int:
    """Fewest largest edges of a layer with which the accuracy falls by at most `drop`, by bisection.

    Args:
        chain, analysed: the network and its bases.
        layer: of the edges.
        starts: batches of activations of the first node layer.
        labels: of each batch.
        drop: of the accuracy.
    """
    bound = accuracy(chain.run, iter(starts), labels) - drop

    def good(kept):
        batches = chain.up_to(starts, layer)
        return accuracy(lambda values: run_kept_edges(chain, analysed, layer, kept, values), batches, labels) >= bound

    return bisect_edges(analysed.strengths[layer], good)
