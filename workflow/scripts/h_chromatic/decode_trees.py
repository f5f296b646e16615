"""Read legs of spiders and degrees of caterpillars off the self-chromatic symmetric function alone."""

import numpy as np
import xarray as xr

from lib.graphs import decoders, trees
from lib.progress import progress
from lib.symmetric.partitions import parse_partition, partitions, random_composition


def decode_trees(types, *, spiders: int, single: int, rng: np.random.Generator) -> xr.Dataset:
    """Return true and decoded legs of spiders and moments of caterpillars, and whether each caterpillar was decoded.

    Args:
        types: h_lambda of all small trees.
        spiders: every spider up to this size is decoded.
        single: size at which one random spider is decoded for each number of legs.
        rng: draws those spiders.
    """
    legs, caterpillars, moments, number, violations = [], [], [], 0, 0
    for n in range(types.smallest, types.largest + 1):
        kinds = [parse_partition(label) for label in types[f"partition_{n}"].values]
        for row, parent in zip(types[f"h_{n}"].values.tolist(), types[f"parent_{n}"].values.tolist()):
            counts = {kind: value for kind, value in zip(kinds, row) if value}
            degrees = trees.degrees(parent)
            tested, wrong = decoders.moment_violations(counts, degrees)
            number, violations = number + tested, violations + wrong
            if trees.is_spider(parent):
                three_parts = sum(value for kind, value in counts.items() if len(kind) == 3)
                legs.append((n, max(degrees), decoders.spider_legs(three_parts, *decoders.classes(counts))))
            if spine := trees.caterpillar_spine(parent):
                options = [sorted(option) for option in decoders.caterpillar_degrees(counts, n, spine)]
                caterpillars.append((n, len(options), sorted(degrees) in options))
                moment = decoders.degree_moments(counts)
                if len(moment) > 1:
                    moments.append((sum(d * (d - 1) // 2 for d in degrees), moment[1]))
    shapes = [kind for n in range(types.largest + 1, spiders + 1) for kind in partitions(n - 1) if len(kind) >= 3]
    shapes += [random_composition(single - 1, parts, rng) for parts in range(3, single)]
    for shape in progress(shapes, "spiders"):
        parent = trees.spider(list(shape))
        decoded = decoders.spider_legs(trees.three_vertex_endomorphisms(parent), *trees.class_sizes(parent))
        legs.append((len(parent), len(shape), decoded))
    return xr.Dataset(
        {
            "legs": (("spider", "what"), np.array(legs)),
            "caterpillar": (("tree", "outcome"), np.array(caterpillars, dtype=np.int64)),
            "moment": (("tree_with_moment", "side"), np.array(moments)),
            "identities": np.array(number),
            "violations": np.array(violations),
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
