"""Stages of h_chromatic, called as functions at small size, against published counts and known values."""

import numpy as np
import pytest
import xarray as xr

from lib.graphs.collisions import colliding_groups


@pytest.fixture
def types(load):
    return load("h_chromatic/count_tree_types")(smallest=4, largest=8)


def test_one_point_and_the_full_function_distinguish_all_trees(load, types):
    run = load("h_chromatic/separate_trees")(smallest=4, largest=8, rng=np.random.default_rng(0))
    for n, trees in zip(range(4, 9), (2, 3, 6, 11, 23)):
        at = run.vertices.values == n
        assert len({tuple(r) for r in run.residue.values[at].tolist()}) == at.sum() == trees
        assert len({tuple(r) for r in types[f"h_{n}"].values.tolist()}) == trees


def test_the_one_exception_among_small_graphs(load):
    graphs = load("h_chromatic/count_graph_types")(largest=6)
    groups = [(n, g) for n in range(1, 7) for g in colliding_groups(graphs, n)]
    assert [(n, len(g), any(m.tree for m in g), any(m.forest for m in g)) for n, g in groups] == [
        (3, 2, True, True),
        (6, 2, False, False),
    ]


def test_power_sums(load):
    run = load("h_chromatic/expand_power_sums")(
        star_vertices=5, below=2, above=1, bipartite_vertices=4, target_vertices=6, controls=[[1, 3, 2, 3]]
    )
    assert run.star_monotone.values.all()
    assert run.bipartite_same.values.all()
    assert run.bipartite_equal.values.all()
    assert not run.control_monotone.values.any()


def test_ranks_of_bases(load):
    run = load("h_chromatic/rank_bases")(largest=6, brute_largest=5, target_largest=3, target_extra=1, family_largest=4)
    np.testing.assert_array_equal(run.multipartite_rank[:, 0], [2, 3, 5, 7, 11])
    assert run.multipartite_same.values.all()
    assert run.family_determinant.values.tolist() == [
        "6",
        "12",
        "12",
        "144",
        "192",
        "480",
        "414720",
        "564480",
        "3265920",
    ]
    assert run.family_agrees.values.all()
    rank = run.target_rank.values
    assert [int(((rank[:, 1] == size) & (rank[:, 0] == 3) & (rank[:, 2] == 3)).sum()) for size in (3, 4)] == [1, 7]


def test_fixed_sources(load):
    run = load("h_chromatic/rank_fixed_source")(smallest=4, largest=5, named_largest=7)
    np.testing.assert_array_equal(run.named_rank.sel(family="star"), [2 * n - 3 for n in (4, 5, 6, 7)])
    complete = [1 + sum(n - 2 * i + 1 for i in range(1, n // 2 + 1)) for n in (4, 5, 6, 7)]
    np.testing.assert_array_equal(run.named_rank.sel(family="complete"), complete)
    reached = run["rank"].values == run.partitions.values
    assert [int(reached[run.vertices.values == n].sum()) for n in (4, 5)] == [10, 33]
    reached = run.large_rank.values == run.partitions.values
    assert [int(reached[run.vertices.values == n].sum()) for n in (4, 5)] == [7, 23]
    np.testing.assert_array_equal(reached, ~run.isolated)


def test_shapes_are_decoded(load, types):
    run = load("h_chromatic/decode_trees")(types, spiders=10, single=12, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(run.legs[:, 1], run.legs[:, 2])
    assert run.caterpillar.values[:, 2].all()
    assert run.violations.item() == 0
    ties = load("h_chromatic/tie_polynomials")(types, graph_vertices=4, tie_vertices=5, targets=[[2, 2]])
    assert ties.complete_agrees.values.all()
    assert ties.tie_holds.values.all()
    np.testing.assert_array_equal(ties.classes, ties.trees)


TREES = {4: 2, 5: 3, 6: 6, 7: 11, 8: 23, 9: 47, 10: 106, 11: 235}  # numbers of trees by number of vertices


def _types(equal_pair=False):
    """Self-functions of as many trees as there are, all different, or the last two of each size equal."""
    variables, coords = {}, {}
    for n, trees in TREES.items():
        rows = np.arange(trees)
        rows[-1] -= equal_pair
        variables[f"h_{n}"] = ((f"tree_{n}", f"partition_{n}"), np.stack([rows, rows**2], axis=1))
        coords[f"partition_{n}"] = [str(n), f"{n - 4},1,1,1,1"]
    return xr.Dataset(variables, coords=coords, attrs={"smallest": 4, "largest": 11})


def _separators(classes_at_14=3158, same_at_16=False):
    """Trees on 13 to 16 vertices, told apart by one point (but two of 16 on request), less so by endomorphisms."""
    trees = {13: 1301, 14: 3159, 15: 7741, 16: 19320}
    endomorphisms = [np.arange(trees[13]), np.minimum(np.arange(trees[14]), classes_at_14 - 1)]
    endomorphisms += [np.arange(trees[n]) for n in (15, 16)]
    total = sum(trees.values())
    residue = np.stack([np.arange(total)] * 2, axis=1)
    residue[-1] -= same_at_16
    return xr.Dataset(
        {
            "vertices": ("tree", np.repeat(list(trees), list(trees.values()))),
            "residue": (("tree", "prime"), residue),
            "endomorphisms": ("tree", np.concatenate(endomorphisms).astype(str)),
        }
    )


def _graphs(other_collision=False):
    """Self-functions on up to four vertices: the path on three collides, and on request a tree on four."""
    path, fork = [4, 2], [7, 1]
    return xr.Dataset(
        {
            **{f"h_{n}": ((f"graph_{n}", f"partition_{n}"), [[1, 0]]) for n in (1, 2)},
            **{f"components_{n}": (f"graph_{n}", [1]) for n in (1, 2)},
            **{f"forest_{n}": (f"graph_{n}", [True]) for n in (1, 2)},
            "h_3": (("graph_3", "partition_3"), [path, path, [0, 6]]),
            "components_3": ("graph_3", [1, 2, 1]),
            "forest_3": ("graph_3", [True, True, False]),
            "h_4": (("graph_4", "partition_4"), [fork, fork if other_collision else [3, 3]]),
            "components_4": ("graph_4", [1, 2]),
            "forest_4": ("graph_4", [True, True]),
        },
        coords={
            **{f"graph_{n}": [f"graph {k}" for k in range(number)] for n, number in ((1, 1), (2, 1), (3, 3), (4, 2))},
            **{f"partition_{n}": [f"{n}", "other"] for n in (1, 2, 4)},
            "partition_3": ["2,1", "1,1,1"],
        },
        attrs={"largest": 4},
    )


def _decoded(legs=4, options=1, violations=0):
    """A spider with four legs, and caterpillars on 10 and on 11 vertices; the larger one is ambiguous."""
    return xr.Dataset(
        {
            "legs": (("spider", "what"), [[9, 4, legs]]),
            "caterpillar": (("tree", "outcome"), [[10, options, 1], [11, 2, 1]]),
            "identities": ((), 20),
            "violations": ((), violations),
        },
        coords={"what": ["vertices", "legs", "decoded"], "outcome": ["vertices", "options", "correct"]},
    )


def _power(star=True, control=False, closed_form=True):
    """Stars as large as the source and one smaller star, whose signs differ; three controls and two bipartite pairs."""
    return xr.Dataset(
        {
            "star_monotone": ("case", [True, star, False]),
            "star_vertices": (("case", "which"), [[4, 4], [4, 5], [4, 3]]),
            "control_monotone": ("control", [False, False, control]),
            "bipartite_same": ("pair", [True, closed_form]),
            "bipartite_equal": ("pair", [True, True]),
        },
        coords={"which": ["source", "target"]},
    )


def _bases(rank=5, full=2, agrees=True):
    """Multipartite matrices of degrees 3 and 4, targets of degrees 2 and 3, two determinants."""
    return xr.Dataset(
        {
            "multipartite_rank": (("degree", "what"), [[3, 3], [rank, 5]]),
            "multipartite_same": ("graph", [True, True]),
            "target_rank": (("target", "which"), [[2, 3, full, 2], [3, 4, 2, 3], [3, 4, 3, 3]]),
            "family_agrees": ("family", [True, agrees]),
        },
        coords={
            "degree": [3, 4],
            "what": ["rank", "partitions"],
            "which": ["degree", "vertices", "rank", "partitions"],
            "family": ["isolated", "pendant"],
        },
    )


def _sources(missing=2):
    """Named sources on 5 to 8 vertices that miss `missing` dimensions from n = 6 on, and two graphs on 4 vertices."""
    partitions = np.array([7, 11, 15, 22])
    rank = np.stack([partitions - missing * (np.arange(5, 9) >= 6)] * 4)
    return xr.Dataset(
        {
            "named_rank": (("family", "size"), rank),
            "named_partitions": ("size", partitions),
            "vertices": ("graph", [4, 4]),
            "rank": ("graph", [5, 4]),
            "large_rank": ("graph", [5, 3]),
            "partitions": ("graph", [5, 5]),
        },
        coords={"family": ["path", "star", "cycle", "complete"], "size": [5, 6, 7, 8]},
    )


def _polynomials(tie=True):
    """As many classes of polynomials as there are trees on 4 to 11 vertices, and a comparison of each kind."""
    degrees = list(TREES)
    return xr.Dataset(
        {
            "classes": ("degree", list(TREES.values())),
            "complete_agrees": ("case", [True, True]),
            "tie_holds": ("pair", [True, tie]),
        },
        coords={"degree": degrees},
    )


# for each claim: stores on which it holds, and stores on which it does not
CLAIMS = {
    "c1": (
        {"types": _types(), "separators": _separators()},
        {"types": _types(equal_pair=True), "separators": _separators()},
    ),
    "c2": ({"graphs": _graphs()}, {"graphs": _graphs(other_collision=True)}),
    "c3": ({"graphs": _graphs()}, {"graphs": _graphs(other_collision=True)}),
    "c4": ({"decoded": _decoded()}, {"decoded": _decoded(legs=5)}),
    "c5": ({"power": _power()}, {"power": _power(star=False)}),
    "c5b": ({"power": _power()}, {"power": _power(control=True)}),
    "c5c": ({"power": _power()}, {"power": _power(closed_form=False)}),
    "c6": ({"bases": _bases()}, {"bases": _bases(rank=4)}),
    "c7": ({"bases": _bases()}, {"bases": _bases(full=1)}),
    "c8": ({"sources": _sources()}, {"sources": _sources(missing=0)}),
    "c9": (
        {"polynomials": _polynomials(), "separators": _separators()},
        {"polynomials": _polynomials(), "separators": _separators(classes_at_14=3159)},
    ),
}


def test_every_claim_has_stores_on_which_it_holds_and_fails(claim_ids):
    assert list(CLAIMS) == claim_ids("h_chromatic")


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
@pytest.mark.parametrize("name", CLAIMS)
def test_claims_hold_and_fail_where_they_must(passes, blank, name):
    holding, failing = CLAIMS[name]
    assert passes("h_chromatic", name, **holding)
    assert not passes("h_chromatic", name, **failing)
    unknown = {store: blank(values, but=["vertices"]) for store, values in holding.items()}  # sizes are names of rows
    assert not passes("h_chromatic", name, **unknown)


@pytest.mark.parametrize(("change", "holds"), [({"options": 2}, False), ({"violations": 1}, False), ({}, True)])
def test_larger_caterpillars_are_reported_beside_the_rule(load, passes, change, holds):
    assert passes("h_chromatic", "c4", decoded=_decoded(**change)) is holds
    assert load("h_chromatic/claims", "c4")(_decoded())["ambiguous_larger_caterpillars"]["value"] == 1


@pytest.mark.parametrize(("equal_pair", "largest"), [(False, 11), (True, 0)])
def test_trees_are_distinguished_up_to_the_first_equal_pair(load, equal_pair, largest):
    quantities = load("h_chromatic/claims", "c1")(_types(equal_pair), _separators())
    assert quantities["largest_distinguished"]["value"] == largest


def test_two_trees_of_one_value_break_the_claim_on_trees(passes):
    assert not passes("h_chromatic", "c1", types=_types(), separators=_separators(same_at_16=True))


@pytest.mark.parametrize(
    ("name", "store", "variable"),
    [("c1", "separators", "vertices"), *(("c8", "sources", one) for one in ("partitions", "rank", "vertices"))],
)
def test_one_missing_variable_breaks_the_claim(passes, blank, name, store, variable):
    stores = CLAIMS[name][0]
    broken = stores[store].assign({variable: blank(stores[store])[variable]})
    assert not passes("h_chromatic", name, **{**stores, store: broken})
