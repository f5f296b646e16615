"""Bases of symmetric functions: complete multipartite graphs into themselves, and targets that are not complete."""

import numpy as np
import xarray as xr

from lib.graphs import multipartite
from lib.graphs.homomorphisms import all_graphs, fibre_types
from lib.linalg.exact import rank_mod_p
from lib.symmetric.partitions import partitions


def rank_bases(
    *, largest: int, brute_largest: int, target_largest: int, target_extra: int, family_largest: int
) -> xr.Dataset:
    """Return ranks of the multipartite matrices, of all non-complete targets, and determinants of explicit families.

    Args:
        largest: degree up to which the multipartite matrix is ranked.
        brute_largest: degree up to which its closed form is checked by brute force.
        target_largest: degree n up to which all targets on n to n + target_extra vertices are ranked.
        target_extra: most vertices of a target, less n.
        family_largest: degree up to which the determinants of the explicit families are computed.
    """
    ranks, same = [], []
    for n in range(2, largest + 1):
        matrix = multipartite.self_matrix(n)
        ranks.append((n, rank_mod_p(matrix), len(matrix)))
        if n <= brute_largest:
            graphs = map(multipartite.complete_multipartite, partitions(n))
            same += [row == fibre_types(graph, graph).tolist() for row, graph in zip(matrix, graphs)]
    full = []
    for n in range(2, target_largest + 1):
        for size in range(n, n + target_extra + 1):
            for target in all_graphs(size):
                if target.sum() < size * (size - 1):  # not complete
                    full.append((n, size, multipartite.target_rank(n, target), len(partitions(n))))
    names, families = [], []
    for n in range(2, family_largest + 1):
        for name, target in multipartite.clique_extensions(n).items():
            names.append(name)
            families.append(
                (n, multipartite.target_determinant(n, target), multipartite.determinant_formula(n, target))
            )
    return xr.Dataset(
        {
            "multipartite_rank": (("degree", "what"), np.array([r[1:] for r in ranks])),
            "multipartite_same": ("graph", np.array(same)),
            "target_rank": (("target", "which"), np.array(full)),
            "family_degree": ("family", np.array([n for n, _, _ in families])),
            "family_determinant": ("family", np.array([str(determinant) for _, determinant, _ in families])),
            "family_formula": ("family", np.array([str(formula) for _, _, formula in families])),
            "family_agrees": ("family", np.array([determinant == formula for _, determinant, formula in families])),
        },
        coords={
            "degree": [r[0] for r in ranks],
            "what": ["rank", "partitions"],
            "which": ["degree", "vertices", "rank", "partitions"],
            "family": names,
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(rank_bases, snakemake)
