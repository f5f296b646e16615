"""Claims of the paper, each measured from the stores that it rests on."""

import itertools

import numpy as np

from lib.atlas.job.quantities import exact
from lib.graphs.collisions import colliding_groups
from lib.symmetric.partitions import parse_partition

EXCEPTION = {"2,1": 4, "1,1,1": 2}  # the vector that the path on three vertices shares with an edge and a vertex
CATERPILLAR_VERTICES = 10  # largest caterpillars of the pass rule; larger ones are reported beside it


def _classes(rows: np.ndarray) -> float:
    """Number of different rows, NaN where a value is missing."""
    return np.nan if np.isnan(rows).any() else len(np.unique(rows, axis=0))


def _labels(sizes) -> list[str]:
    return [f"n = {n}" for n in sizes]


def _sizes(types) -> list[int]:
    """Numbers of vertices of the trees whose self-functions are known."""
    return list(range(types.smallest, types.largest + 1))


def _largest_distinguished(sizes: list[int], classes: list[float], trees: list[int]) -> int:
    """Largest number of vertices up to which every tree has a class of its own, 0 where there is none."""
    distinct = itertools.takewhile(lambda at: at[1] == at[2], zip(sizes, classes, trees))
    return max((n for n, *_ in distinct), default=0)


def _short_classes(types, n: int, parts: int) -> int:
    """Number of classes by the types with at most that many parts: how much of the function is needed."""
    columns = [len(parse_partition(label)) <= parts for label in types[f"partition_{n}"].values]
    return _classes(types[f"h_{n}"].values[:, columns])


def _separated(separators, name: str) -> dict[int, np.ndarray]:
    """Values of an invariant of all trees by their number of vertices; none where a number is missing."""
    vertices = separators.vertices.values
    if np.isnan(vertices).any():
        return {}
    return {n: separators[name].values[vertices == n] for n in np.unique(vertices).tolist()}


def _groups(graphs) -> list[tuple[int, list]]:
    """Groups of graphs with equal self-functions, and their number of vertices."""
    return [(n, group) for n in range(1, graphs.largest + 1) for group in colliding_groups(graphs, n)]


def c1(types, separators) -> dict:
    """Trees have different self-functions; also by types with at most four parts, and by the value at one point."""
    sizes = _sizes(types)
    residues = _separated(separators, "residue")
    labels, point_labels = _labels(sizes), _labels(residues)
    classes, trees = [_classes(types[f"h_{n}"].values) for n in sizes], [types.sizes[f"tree_{n}"] for n in sizes]
    by_point, compared = [_classes(rows) for rows in residues.values()], [len(rows) for rows in residues.values()]
    return {
        "distinct": exact(classes, labels=labels),
        "trees": exact(trees, labels=labels),
        "largest_distinguished": exact(_largest_distinguished(sizes, classes, trees)),
        "distinct_by_four_parts": exact([_short_classes(types, n, 4) for n in sizes], labels=labels),
        "distinct_by_one_point": exact(by_point, labels=point_labels),
        "trees_compared_by_one_point": exact(compared, labels=point_labels),
        "largest_by_one_point": exact(_largest_distinguished(list(residues), by_point, compared)),
    }


def c2(graphs) -> dict:
    """A tree and another graph have different self-functions, with one exception."""
    groups = _groups(graphs)
    mixed = [n for n, group in groups if any(g.tree for g in group) and not all(g.tree for g in group)]
    row = next((group[0].row for n, group in groups if n == 3), None)
    values = [] if row is None else graphs.h_3.values[row].tolist()
    vector = dict(zip(graphs.partition_3.values.tolist(), values))
    return {
        "mixed_groups": exact(len(mixed)),
        "vertices_of_exception": exact(mixed),
        "exception_has_the_known_vector": exact({kind: value for kind, value in vector.items() if value} == EXCEPTION),
        "largest_graphs": exact(graphs.largest),
    }


def c3(graphs) -> dict:
    """Forests with different numbers of components have different self-functions, with one exception."""
    mixed = [n for n, group in _groups(graphs) if len({g.components for g in group if g.forest}) > 1]
    return {"mixed_groups": exact(len(mixed)), "vertices_of_exception": exact(mixed)}


def c4(decoded) -> dict:
    """Legs of spiders and degrees of caterpillars are read off the self-function alone."""
    legs = decoded.legs
    small = decoded.caterpillar.sel(outcome="vertices").values <= CATERPILLAR_VERTICES
    options = decoded.caterpillar.sel(outcome="options").values
    correct = decoded.caterpillar.sel(outcome="correct").values
    return {
        "spiders_correct": exact(np.mean(legs.sel(what="legs").values == legs.sel(what="decoded").values)),
        "spiders": exact(len(legs)),
        "caterpillars_correct": exact(np.mean(correct[small])),
        "caterpillars": exact(small.sum()),
        "ambiguous_caterpillars": exact(np.sum(options[small] != 1)),
        "larger_caterpillars": exact(np.sum(~small)),
        "ambiguous_larger_caterpillars": exact(np.sum(options[~small] != 1)),
        "violations": exact(decoded.violations.item()),
        "coefficients": exact(decoded.identities.item()),
    }


def c5(power) -> dict:
    """The non-zero coefficients of omega(X) share a sign for stars with at least as many vertices as the source."""
    monotone = power.star_monotone.values
    large = power.star_vertices.sel(which="target").values >= power.star_vertices.sel(which="source").values
    return {
        "monotone_fraction": exact(np.mean(monotone[large])),
        "cases": exact(large.sum()),
        "monotone_fraction_below": exact(np.mean(monotone[~large])),
        "cases_below": exact(np.sum(~large)),
    }


def c5b(power) -> dict:
    """For targets that are not stars both signs occur."""
    return {"monotone": exact(power.control_monotone.values)}


def c5c(power) -> dict:
    """For complete bipartite targets brute force agrees with the closed form, which depends on the classes alone."""
    return {
        "same_fraction": exact(np.mean(power.bipartite_same.values)),
        "equal_classes_fraction": exact(np.mean(power.bipartite_equal.values)),
        "pairs": exact(power.sizes["pair"]),
    }


def c6(bases) -> dict:
    """Self-functions of complete multipartite graphs are a basis."""
    rank = bases.multipartite_rank
    return {
        "missing_rank": exact(
            (rank.sel(what="partitions") - rank.sel(what="rank")).values, labels=_labels(bases.degree.values)
        ),
        "closed_form_fraction": exact(np.mean(bases.multipartite_same.values)),
    }


def c7(bases) -> dict:
    """There are targets that are not complete and give a basis; determinants of three families have a closed form."""
    degree, rank, partitions = (bases.target_rank.sel(which=name).values for name in ("degree", "rank", "partitions"))
    degrees = np.unique(degree)
    return {
        "full_rank_targets": exact(
            [int(np.sum((degree == n) & (rank == partitions))) for n in degrees], labels=_labels(degrees)
        ),
        "determinant_fraction": exact(np.mean(bases.family_agrees.values)),
        "families": exact(bases.sizes["family"]),
    }


def c8(sources) -> dict:
    """Complete graphs and stars as fixed sources do not give a basis from n = 6 on, path and cycle not at n = 8."""
    missing = sources.named_partitions - sources.named_rank
    known = [np.isfinite(sources[name].values).all() for name in ("partitions", "rank", "vertices", "large_rank")]
    missing = missing.where(all(known))  # the ranks of all graphs are counted beside those of the named ones
    sizes = [n for n in sources["size"].values if n >= 6]
    full, vertices = sources["rank"].values == sources.partitions.values, sources.vertices.values
    large, kinds = sources.large_rank.values == sources.partitions.values, np.unique(vertices)
    quantities = {
        "complete_missing": exact(missing.sel(family="complete", size=sizes).values, labels=_labels(sizes)),
        "star_missing": exact(missing.sel(family="star", size=sizes).values, labels=_labels(sizes)),
        "full_rank_graphs": exact([int(full[vertices == n].sum()) for n in kinds], labels=_labels(kinds)),
        "full_rank_large_targets": exact([int(large[vertices == n].sum()) for n in kinds], labels=_labels(kinds)),
    }
    if 8 in sizes:
        for family in ("path", "cycle"):
            quantities[f"{family}_missing_at_8"] = exact(missing.sel(family=family, size=8).item())
    return quantities


def c9(polynomials, separators) -> dict:
    """Polynomials of trees into themselves are different; ties of complete targets and of numbers of endomorphisms."""
    small = polynomials.sel(degree=polynomials.degree <= 10)
    endomorphisms = _separated(separators, "endomorphisms")
    classes = {n: len(set(values.tolist())) for n, values in endomorphisms.items()}
    ties = [n for n, number in classes.items() if number < len(endomorphisms[n])]
    quantities = {
        "classes": exact(small.classes.values, labels=_labels(small.degree.values)),
        "complete_fraction": exact(np.mean(polynomials.complete_agrees.values)),
        "tie_fraction": exact(np.mean(polynomials.tie_holds.values)),
        "first_tie": exact(ties[0] if ties else 0),
        "endomorphism_classes": exact(list(classes.values()), labels=_labels(classes)),
    }
    if 14 in classes:
        quantities["endomorphism_classes_at_14"] = exact(classes[14])
    return quantities


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
