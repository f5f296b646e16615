"""Measure every claim of the paper; verdicts are given elsewhere."""

import numpy as np

from lib.atlas.job.claims import claim, measured
from lib.graphs.collisions import colliding_groups


def _classes(values: np.ndarray) -> int:
    """Number of different rows."""
    return len({tuple(row) for row in values.tolist()})


def _short(types, n: int, parts: int) -> int:
    """Number of classes left when only types with few parts are read: how much of the function is needed."""
    kept = np.array([text.count(",") < parts for text in types[f"partition_{n}"].values])
    return _classes(types[f"h_{n}"].values[:, kept])


def claims(types, separators, polynomials, graphs, power, bases, sources, decoded) -> dict:
    """Return the measured quantities of each claim."""
    sizes = range(types.smallest, types.largest + 1)
    labels = [f"n = {n}" for n in sizes]
    n_of_tree = separators.vertices.values
    tree_sizes = sorted(set(n_of_tree.tolist()))
    one_point = [_classes(separators.residue.values[n_of_tree == n]) for n in tree_sizes]
    counts = [int((n_of_tree == n).sum()) for n in tree_sizes]
    ends = [len(set(separators.endomorphisms.values[n_of_tree == n].tolist())) for n in tree_sizes]
    tied = [n for n, classes, number in zip(tree_sizes, ends, counts) if classes < number]

    groups = [(n, group) for n in range(1, graphs.largest + 1) for group in colliding_groups(graphs, n)]

    def mixed(test):
        return [n for n, group in groups if test(group)]

    with_tree = mixed(lambda g: any(m.tree for m in g) and not all(m.tree for m in g))
    with_forest = mixed(lambda g: len({m.components for m in g if m.forest}) > 1)
    known = {"2,1": 4, "1,1,1": 2}
    vector = dict(zip(graphs.partition_3.values.tolist(), graphs.h_3.values[_exception_row(groups)].tolist()))

    legs = decoded.legs.values
    judged = decoded.caterpillar.values[:, 0] <= 10  # the sizes that the rule speaks of; larger ones stand beside
    caterpillar, larger = decoded.caterpillar.values[judged], decoded.caterpillar.values[~judged]
    n, size = power.star_vertices.values.T
    monotone = power.star_monotone.values
    rank = bases.target_rank.values
    full = {
        degree: int(np.sum((rank[:, 0] == degree) & (rank[:, 2] == rank[:, 3]))) for degree in sorted(set(rank[:, 0]))
    }
    missing = sources.named_partitions - sources.named_rank
    reached = sources["rank"].values == sources.partitions.values
    upper = [s for s in sources["size"].values if s >= 6]
    source_sizes = sorted(set(sources.vertices.values.tolist()))
    result = {
        "c1": claim(
            rests_on=["types", "separators"],
            distinct=measured([_classes(types[f"h_{n}"].values) for n in sizes], labels=labels),
            trees=measured([types.sizes[f"tree_{n}"] for n in sizes], labels=labels),
            distinct_by_four_parts=measured([_short(types, n, 4) for n in sizes], labels=labels),
            distinct_by_one_point=measured(one_point, labels=[f"n = {n}" for n in tree_sizes]),
            trees_compared_by_one_point=measured(counts, labels=[f"n = {n}" for n in tree_sizes]),
        ),
        "c2": claim(
            rests_on=["graphs"],
            mixed_groups=len(with_tree),
            vertices_of_exception=measured(with_tree),
            exception_has_the_known_vector={k: v for k, v in vector.items() if v} == known,
            largest_graphs=graphs.largest,
        ),
        "c3": claim(rests_on=["graphs"], mixed_groups=len(with_forest), vertices_of_exception=measured(with_forest)),
        "c4": claim(
            rests_on=["decoded"],
            spiders_correct=float(np.mean(legs[:, 1] == legs[:, 2])),
            spiders=len(legs),
            caterpillars_correct=float(np.mean(caterpillar[:, 2])),
            caterpillars=len(caterpillar),
            ambiguous_caterpillars=int(np.sum(caterpillar[:, 1] != 1)),
            larger_caterpillars=len(larger),
            ambiguous_larger_caterpillars=int(np.sum(larger[:, 1] != 1)),
            violations=decoded.violations.item(),
            coefficients=decoded.identities.item(),
        ),
        "c5": claim(
            rests_on=["power"],
            monotone_fraction=float(np.mean(monotone[size >= n])),
            cases=int(np.sum(size >= n)),
            monotone_fraction_below=float(np.mean(monotone[size < n])),
            cases_below=int(np.sum(size < n)),
        ),
        "c5b": claim(rests_on=["power"], monotone=measured(power.control_monotone.values)),
        "c5c": claim(
            rests_on=["power"],
            same_fraction=float(power.bipartite_same.mean()),
            equal_classes_fraction=float(power.bipartite_equal.mean()),
            pairs=power.sizes["pair"],
        ),
        "c6": claim(
            rests_on=["bases"],
            missing_rank=measured(
                bases.multipartite_rank.values[:, 1] - bases.multipartite_rank.values[:, 0],
                labels=[f"n = {d}" for d in bases.degree.values],
            ),
            closed_form_fraction=float(bases.multipartite_same.mean()),
        ),
        "c7": claim(
            rests_on=["bases"],
            full_rank_targets=measured(list(full.values()), labels=[f"n = {d}" for d in full]),
            determinant_fraction=float(bases.family_agrees.mean()),
            families=bases.sizes["family"],
        ),
        "c8": claim(
            rests_on=["sources"],
            complete_missing=measured(
                missing.sel(family="complete", size=upper).values, labels=[f"n = {s}" for s in upper]
            ),
            star_missing=measured(missing.sel(family="star", size=upper).values, labels=[f"n = {s}" for s in upper]),
            full_rank_graphs=measured(
                [int(reached[sources.vertices.values == s].sum()) for s in source_sizes],
                labels=[f"n = {s}" for s in source_sizes],
            ),
            **{
                f"{family}_missing_at_8": missing.sel(family=family, size=8).item()
                for family in ("path", "cycle")
                if 8 in upper
            },
        ),
    }
    at = dict(zip(tree_sizes, ends))
    ten = polynomials.sel(degree=polynomials.degree <= 10)
    result["c9"] = claim(
        rests_on=["polynomials", "separators"],
        classes=measured(ten.classes.values, labels=[f"n = {d}" for d in ten.degree.values]),
        complete_fraction=float(polynomials.complete_agrees.mean()),
        tie_fraction=float(polynomials.tie_holds.mean()),
        first_tie=tied[0] if tied else 0,
        endomorphism_classes=measured(ends, labels=[f"n = {n}" for n in tree_sizes]),
        **({"endomorphism_classes_at_14": at[14]} if 14 in at else {}),
    )
    return result


def _exception_row(groups) -> int:
    """Row of one of the colliding graphs on three vertices."""
    return next(group[0].row for n, group in groups if n == 3)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(claims, snakemake)
