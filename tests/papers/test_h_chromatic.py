"""Stages of h_chromatic, called as functions at small size, against published counts and known values."""

import numpy as np
import pytest

from lib.graphs.collisions import colliding_groups


@pytest.fixture
def types(load):
    return load("h_chromatic/count_tree_types")(smallest=4, largest=8)


def test_all_trees_are_told_apart_by_one_point_and_by_the_full_function(load, types):
    found = load("h_chromatic/separate_trees")(smallest=4, largest=8, rng=np.random.default_rng(0))
    for n, trees in zip(range(4, 9), (2, 3, 6, 11, 23)):
        at = found.vertices.values == n
        assert len({tuple(r) for r in found.residue.values[at].tolist()}) == at.sum() == trees
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


def test_shapes_are_decoded(load, types):
    run = load("h_chromatic/decode_trees")(types, spiders=10, single=12, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(run.legs[:, 1], run.legs[:, 2])
    assert run.caterpillar.values[:, 2].all()
    assert run.violations.item() == 0
    ties = load("h_chromatic/tie_polynomials")(types, graph_vertices=4, tie_vertices=5, targets=[[2, 2]])
    assert ties.complete_agrees.values.all()
    assert ties.tie_holds.values.all()
    np.testing.assert_array_equal(ties.classes, ties.trees)
