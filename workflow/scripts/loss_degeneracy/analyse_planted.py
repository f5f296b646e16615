"""Networks with planted modules: edges, directions and communities in several bases."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.graphs.modularity import communities, interaction_graph, purity, shuffled_purity
from lib.interaction.basis import Basis
from lib.interaction.edges import bisect_edges, edges_holding, threshold_holding
from lib.interaction.planted import Planted, block_shares, planted_network
from lib.interaction.relu import bases, edge_strengths, run_kept_edges
from lib.progress import progress

KINDS = ["neuron", "pca", "pca_scaled", "gradient", "global", "local"]
SHOWN = ["neuron", "pca", "local"]  # bases whose communities are looked for, and that are drawn
NETWORKS = ["planted", "dense"]
WEIGHTS = ["logarithmic", "linear"]


class Analysed(NamedTuple):
    """A network in one kind of basis."""

    bases: list[Basis]
    strengths: list[np.ndarray]


def analyse_planted(
    *, width: int, hidden: int, n: int, networks: int, random_bases: int, share: float, error: float, kept_share: float,
    intervals: int, partitions: int, shuffles: int, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return, for each network and basis, edges that matter, blocks of the input's directions, and communities.

    Args:
        width, hidden, n: of the networks and their data.
        networks: of each sort.
        random_bases: orthonormal ones, for the blocks of random directions.
        share: of a layer's interactions that counts edges hold.
        error: of the outputs over their variance, with which edges may be ablated.
        kept_share: of a layer's interactions above the threshold of the graph.
        intervals: of the integral in the strengths of edges; 0 takes the gradient at the sample itself.
        partitions: runs of the search for communities.
        shuffles: of the blocks.
        root_seed: root of the random streams.
    """
    seeds = range(networks)
    instances = {
        (what, seed): planted_network(
            generator(root_seed, "loss_degeneracy", what, seed),
            width=width, hidden=hidden, n=n, blocks=what == "planted",
        )
        for what in NETWORKS for seed in seeds
    }  # fmt: skip
    analysed = {
        (*key, kind): _analyse(one, kind, intervals)
        for key, one in progress(instances.items(), "networks")
        for kind in (KINDS if key[0] == "planted" else SHOWN)
    }
    partition = {
        key: _communities(one.strengths, kept_share, partitions) for key, one in analysed.items() if key[2] in SHOWN
    }
    score = [[[[partition[w, s, k][v][1] for s in seeds] for v in WEIGHTS] for k in SHOWN] for w in NETWORKS]
    planted = {
        (kind, seed): (instances["planted", seed], analysed["planted", seed, kind]) for kind in KINDS for seed in seeds
    }
    blocks = {(kind, seed): _blocks(one, own.bases) for (kind, seed), (one, own) in planted.items() if kind in SHOWN}
    labels = {(kind, seed): partition["planted", seed, kind] for kind, seed in blocks}
    pure = [[[purity(labels[k, s][v][0], blocks[k, s]) for s in seeds] for v in WEIGHTS] for k in SHOWN]
    streams = [generator(root_seed, "loss_degeneracy", "shuffles", seed) for seed in seeds]
    null = [
        [shuffled_purity(labels[k, s]["logarithmic"][0], blocks[k, s], streams[s], shuffles) for s in seeds]
        for k in SHOWN
    ]
    counts = np.array([[_count(*planted[k, s], share, error) for s in seeds] for k in KINDS])
    block = np.full((len(KINDS) + 1, networks, hidden + 2), np.nan)
    block[:-1] = [[_in_one_block(one, own.bases) for one, own in (planted[k, s] for s in seeds)] for k in KINDS]
    for seed in seeds:
        turned = [_rotation(width, streams[seed]) for _ in range(random_bases)]
        block[-1, seed, 0] = np.mean([_in_one_block(instances["planted", seed], [basis])[0] for basis in turned])
    drawn, drawn_share = (np.stack(part) for part in zip(*(_drawing(*planted[k, 0], width) for k in SHOWN)))
    return xr.Dataset(
        {
            "holding": (
                ("basis", "network", "layer"),
                counts[:, :, 0],
                {"long_name": "largest edges that hold the share"},
            ),
            "ablated": (("basis", "network", "layer"), counts[:, :, 1], {"long_name": "edges that an ablation needs"}),
            "block_share": (("direction", "network", "node_layer"), block, {"long_name": "larger share in one block"}),
            "score": (("sort", "judged", "weight", "network"), score, {"long_name": "modularity"}),
            "purity": (("judged", "weight", "network"), pure, {"long_name": "community purity"}),
            "null": (("judged", "network"), null, {"long_name": "community purity of shuffled blocks"}),
            "rejected": (
                ("sort", "network"),
                [[instances[w, s].rejected for s in seeds] for w in NETWORKS],
                {"long_name": "dead networks drawn before"},
            ),
            "drawn": (("shown", "layer", "to", "from"), drawn, {"long_name": "share of a layer's interaction"}),
            "drawn_share": (("shown", "node_layer", "from"), drawn_share, {"long_name": "share in the first block"}),
        },
        coords={
            "basis": KINDS,
            "direction": [*KINDS, "random"],
            "judged": SHOWN,
            "shown": SHOWN,
            "weight": WEIGHTS,
            "sort": NETWORKS,
            "network": np.arange(networks),
        },
    )


def _analyse(one: Planted, kind: str, intervals: int) -> Analysed:
    """Bases of all node layers and edges of all layers."""
    own = bases(one.network, one.seen, kind)
    pairs = enumerate(pairwise(own))
    return Analysed(own, [edge_strengths(one.network, one.seen, place, *pair, intervals) for place, pair in pairs])


def _communities(strengths: list[np.ndarray], kept_share: float, partitions: int) -> dict[str, tuple]:
    """Labels of communities and modularity by the weight of edges."""
    thresholds = [threshold_holding(layer, kept_share) for layer in strengths]
    return {
        weight: communities(interaction_graph(strengths, thresholds, weight == "logarithmic"), range(partitions))
        for weight in WEIGHTS
    }


def _blocks(one: Planted, own: list[Basis]) -> np.ndarray:
    """Block of each direction of all node layers."""
    return np.concatenate([block_shares(one, place, basis).argmax(axis=0) for place, basis in enumerate(own)])


def _count(one: Planted, analysed: Analysed, share: float, error: float) -> list[list[int]]:
    """Edges of each layer by their sum and by ablation."""
    strengths = analysed.strengths
    return [
        [edges_holding(layer, share) for layer in strengths],
        [_ablate(one, analysed.bases, place, layer, error) for place, layer in enumerate(strengths)],
    ]


def _ablate(one: Planted, own: list[Basis], layer: int, strengths: np.ndarray, error: float) -> int:
    """Fewest largest edges of a layer with which the mean squared error of the outputs is a share of their variance."""
    outputs = one.seen.activations[-1]
    bound = error * outputs.var(axis=0).sum()

    def good(kept):
        changed = run_kept_edges(
            one.network, one.seen, layer, own[layer], own[layer + 1], kept, one.seen.activations[layer]
        )
        return bool(((changed - outputs) ** 2).sum(axis=1).mean() <= bound)

    return bisect_edges(strengths, good)


def _in_one_block(one: Planted, own: list[Basis]) -> list[float]:
    """Mean over the directions of each node layer of the larger of their shares in both blocks."""
    return [float(block_shares(one, place, basis).max(axis=0).mean()) for place, basis in enumerate(own)]


def _rotation(width: int, rng: np.random.Generator) -> Basis:
    """A random orthonormal basis."""
    q = np.linalg.qr(rng.standard_normal((width, width)))[0]
    return Basis(q.T, q, np.ones(width))


def _drawing(one: Planted, analysed: Analysed, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges as shares of their layer's interaction, and the share of each direction in the first block."""
    edges = np.zeros((len(analysed.strengths), width, width))
    shares = np.full((len(analysed.bases), width), np.nan)
    for place, layer in enumerate(analysed.strengths):
        edges[place, : layer.shape[0], : layer.shape[1]] = layer / layer.sum()
    for place, basis in enumerate(analysed.bases):
        shares[place, : len(basis.values)] = block_shares(one, place, basis)[0]
    return edges, shares


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(analyse_planted, snakemake)
