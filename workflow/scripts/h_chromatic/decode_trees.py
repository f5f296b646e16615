"""Read legs of spiders and degrees of caterpillars off the self-chromatic symmetric function alone."""

import networkx as nx
import numpy as np
import xarray as xr

from lib.graphs.decoders import caterpillar_degrees, classes, degree_moments, moment_violations, spider_legs
from lib.graphs.trees import adjacency, degrees, spider
from lib.progress import progress
from lib.symmetric.partitions import partitions


def _homs(parent: list[int], target: list[list[int]]) -> int:
    """Homomorphisms of a tree into a graph given by neighbours, by the sum-product recursion."""
    partial = [[1] * len(target) for _ in parent]
    for v in range(len(parent) - 1, 0, -1):
        for x in range(len(target)):
            partial[parent[v]][x] *= sum(partial[v][y] for y in target[x])
    return sum(partial[0])


def _onto(parent: list[int], path: list[int], near: list[list[int]]) -> int:
    """Homomorphisms whose image is the given path y - v - y', by inclusion and exclusion over its vertices."""
    total = 0
    for mask in range(8):
        kept = [x for i, x in enumerate(path) if mask >> i & 1]
        inside = [[kept.index(y) for y in near[x] if y in kept] for x in kept]
        total += (-1) ** (3 - len(kept)) * (_homs(parent, inside) if kept else 0)
    return total


def _three_part_sum(parent: list[int]) -> int:
    """Endomorphisms whose image has three vertices, counted over every path y - v - y' of the tree."""
    near = adjacency(parent)
    paths = [[y, v, z] for v in range(len(parent)) for y in near[v] for z in near[v] if y < z]
    return sum(_onto(parent, path, near) for path in paths)


def _colours(parent: list[int]) -> tuple[int, int]:
    depth = [0] * len(parent)
    for v in range(1, len(parent)):
        depth[v] = 1 - depth[parent[v]]
    return max(sum(depth), len(depth) - sum(depth)), min(sum(depth), len(depth) - sum(depth))


def decode_trees(types, *, spiders: int, single: int, rng: np.random.Generator) -> xr.Dataset:
    """Return true and decoded legs `(spider)` and moments `(moment)`, and whether each caterpillar was decoded.

    Args:
        types: h_lambda of all small trees.
        spiders: every spider up to this size is decoded.
        single: size at which one random spider is decoded for each number of legs.
        rng: draws those spiders.
    """
    legs, caterpillars, moments, tested, wrong = [], [], [], 0, 0
    for n in range(types.smallest, types.largest + 1):
        kinds = [tuple(map(int, text.split(","))) for text in types[f"partition_{n}"].values]
        for row, parent in zip(types[f"h_{n}"].values.tolist(), types[f"parent_{n}"].values.tolist()):
            found = {kind: value for kind, value in zip(kinds, row) if value}
            true = degrees(parent)
            a, b = classes(found)
            count, bad = moment_violations(found, true)
            tested, wrong = tested + count, wrong + bad
            graph = nx.Graph([(v, p) for v, p in enumerate(parent) if p >= 0])
            inner = graph.subgraph([v for v in graph if graph.degree(v) > 1])
            if sum(d >= 3 for d in true) == 1:
                three = sum(value for kind, value in found.items() if len(kind) == 3)
                legs.append((n, max(true), spider_legs(three, a, b)))
            if len(inner) and nx.is_connected(inner) and max(dict(inner.degree).values()) <= 2:
                options = caterpillar_degrees(found, n, len(inner))
                caterpillars.append(
                    (n, len(options), sorted(true, reverse=True) in [sorted(o, reverse=True) for o in options])
                )
                second = degree_moments(found)
                if len(second) > 1:
                    moments.append((sum(d * (d - 1) // 2 for d in true), second[1]))
    shapes = [kind for n in range(types.largest + 1, spiders + 1) for kind in partitions(n - 1) if len(kind) >= 3]
    for number in range(3, single):
        cuts = np.sort(rng.choice(np.arange(1, single - 1), number - 1, replace=False))
        shapes.append(tuple(np.diff(np.concatenate([[0], cuts, [single - 1]])).tolist()))
    for kind in progress(shapes, "spiders"):
        parent = spider(list(kind))
        legs.append((len(parent), len(kind), spider_legs(_three_part_sum(parent), *_colours(parent))))
    return xr.Dataset(
        {
            "legs": (("spider", "what"), np.array(legs)),
            "caterpillar": (("tree", "outcome"), np.array(caterpillars, dtype=np.int64)),
            "moment": (("tree_with_moment", "side"), np.array(moments)),
            "identities": np.array(tested),
            "violations": np.array(wrong),
        },
        coords={
            "what": ["vertices", "legs", "decoded"],
            "outcome": ["vertices", "options", "correct"],
            "side": ["true", "decoded"],
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(decode_trees, snakemake)
