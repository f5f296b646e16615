"""Networks with planted modules: edges, directions and communities in several bases."""

from itertools import pairwise

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
JUDGED = ["neuron", "pca", "local"]  # bases whose communities are looked for
NETWORKS = ["planted", "dense"]
WEIGHTS = ["logarithmic", "linear"]
DRAWN = ["neuron", "pca", "local"]


def analyse_planted(
    *, width: int, hidden: int, n: int, networks: int, random_bases: int, share: float, error: float, kept_share: float,
    intervals: int, partitions: int, shuffles: int, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return, for each network and basis, edges that matter, blocks of the input's directions, and communities.

    Args:
        width, hidden, n: of the networks and their data.
        networks: of each sort.
        random_bases: orthonormal ones, for the blocks of random directions.
        share: of a layer's interactions that counted edges hold.
        error: of the outputs over their variance, with which edges may be ablated.
        kept_share: of a layer's interactions above the threshold of the graph.
        intervals: of the integral in the strengths of edges; 0 takes the gradient at the sample itself.
        partitions: runs of the search for communities.
        shuffles: of the blocks.
        root_seed: root of the random streams.
    """
    layers = hidden + 1
    shape = (len(KINDS), networks, layers)
    holding, ablated = np.full(shape, np.nan), np.full(shape, np.nan)
    block = np.full((len(KINDS) + 1, networks, layers + 1), np.nan)
    score = np.full((len(NETWORKS), len(JUDGED), len(WEIGHTS), networks), np.nan)
    pure, null = np.full((len(JUDGED), len(WEIGHTS), networks), np.nan), np.full((len(JUDGED), networks), np.nan)
    rejected = np.zeros((len(NETWORKS), networks))
    drawn = np.zeros((len(DRAWN), layers, width, width))
    drawn_share = np.full((len(DRAWN), layers + 1, width), np.nan)
    for seed in progress(range(networks), "networks"):
        for sort, what in enumerate(NETWORKS):
            rng = generator(root_seed, "loss_degeneracy", what, seed)
            one = planted_network(rng, width=width, hidden=hidden, n=n, blocks=what == "planted")
            rejected[sort, seed] = one.rejected
            for k, kind in enumerate(KINDS if what == "planted" else JUDGED):
                own = bases(one.network, one.seen, kind)
                strengths = _strengths(one, own, intervals)
                if what == "planted":
                    holding[k, seed] = [edges_holding(layer, share) for layer in strengths]
                    ablated[k, seed] = [_ablate(one, own, place, strengths[place], error) for place in range(layers)]
                    block[k, seed] = [_in_one_block(one, place, basis) for place, basis in enumerate(own)]
                if kind in JUDGED:
                    j = JUDGED.index(kind)
                    thresholds = [threshold_holding(layer, kept_share) for layer in strengths]
                    for w, weights in enumerate(WEIGHTS):
                        graph = interaction_graph(strengths, thresholds, weights == "logarithmic")
                        labels, score[sort, j, w, seed] = communities(graph, range(partitions))
                        if what == "planted":
                            blocks = np.concatenate(
                                [block_shares(one, place, b).argmax(axis=0) for place, b in enumerate(own)]
                            )
                            pure[j, w, seed] = purity(labels, blocks)
                            if weights == "logarithmic":
                                null[j, seed] = shuffled_purity(labels, blocks, rng, shuffles)
                if what == "planted" and seed == 0 and kind in DRAWN:
                    for place, layer in enumerate(strengths):
                        drawn[DRAWN.index(kind), place, : layer.shape[0], : layer.shape[1]] = layer / layer.sum()
                    for place, basis in enumerate(own):
                        shares = block_shares(one, place, basis)[0]
                        drawn_share[DRAWN.index(kind), place, : len(shares)] = shares
            if what == "planted":
                turned = [_rotation_basis(width, rng) for _ in range(random_bases)]
                block[-1, seed, 0] = np.mean([_in_one_block(one, 0, basis) for basis in turned])
    return xr.Dataset(
        {
            "holding": (("basis", "network", "layer"), holding, {"long_name": "largest edges that hold the share"}),
            "ablated": (("basis", "network", "layer"), ablated, {"long_name": "edges that an ablation needs"}),
            "block_share": (("direction", "network", "node_layer"), block, {"long_name": "larger share in one block"}),
            "score": (("sort", "judged", "weight", "network"), score, {"long_name": "modularity"}),
            "purity": (("judged", "weight", "network"), pure, {"long_name": "community purity"}),
            "null": (("judged", "network"), null, {"long_name": "community purity of shuffled blocks"}),
            "rejected": (("sort", "network"), rejected, {"long_name": "dead networks drawn before"}),
            "drawn": (("shown", "layer", "to", "from"), drawn, {"long_name": "share of a layer's interaction"}),
            "drawn_share": (("shown", "node_layer", "from"), drawn_share, {"long_name": "share in the first block"}),
        },
        coords={
            "basis": KINDS,
            "direction": [*KINDS, "random"],
            "judged": JUDGED,
            "shown": DRAWN,
            "weight": WEIGHTS,
            "sort": NETWORKS,
            "network": np.arange(networks),
        },
    )


def _strengths(one: Planted, own: list[Basis], intervals: int) -> list[np.ndarray]:
    pairs = enumerate(pairwise(own))
    return [edge_strengths(one.network, one.seen, place, *pair, intervals) for place, pair in pairs]


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


def _in_one_block(one: Planted, layer: int, basis: Basis) -> float:
    """Mean over the directions of a node layer of the larger of their shares in both blocks."""
    return float(block_shares(one, layer, basis).max(axis=0).mean())


def _rotation_basis(width: int, rng: np.random.Generator) -> Basis:
    q = np.linalg.qr(rng.standard_normal((width, width)))[0]
    return Basis(q.T, q, np.ones(width))


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(analyse_planted, snakemake)
