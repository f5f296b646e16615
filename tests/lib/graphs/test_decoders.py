"""Shapes of trees from their self-functions: every small spider and caterpillar, and functions that no tree has."""

from math import comb

import pytest

from lib.graphs import decoders, trees


def _all_types(n):
    return [(parent, trees.endomorphism_types(parent)) for parent in trees.parents(n)]


@pytest.mark.parametrize("n", range(3, 10))
def test_classes_and_cherries_of_every_tree(n):
    for parent, types in _all_types(n):
        a, b = decoders.classes(types)
        assert (a, b) == trees.class_sizes(parent)
        three = sum(count for kind, count in types.items() if len(kind) == 3)
        assert decoders.cherries(three, a, b) == sum(comb(degree, 2) for degree in trees.degrees(parent))


@pytest.mark.parametrize("n", range(4, 11))
def test_legs_of_every_spider(n):
    for parent in filter(trees.is_spider, trees.parents(n)):
        three = trees.three_vertex_endomorphisms(parent)
        assert decoders.spider_legs(three, *trees.class_sizes(parent)) == max(trees.degrees(parent))


@pytest.mark.parametrize("n", range(4, 10))
def test_moments_and_degrees_of_every_caterpillar(n):
    for parent, types in _all_types(n):
        degrees = trees.degrees(parent)
        assert decoders.moment_violations(types, degrees)[1] == 0
        if spine := trees.caterpillar_spine(parent):
            moments = decoders.degree_moments(types)
            assert moments == [sum(comb(d, k) for d in degrees) for k in range(1, len(moments) + 1)]
            options = decoders.caterpillar_degrees(types, n, spine)
            assert [sorted(option) for option in options] == [sorted(degrees)]


def test_a_path_and_a_star_violate_each_other():
    """The moments of the path with the degrees of the star of equal classes fail, as they must."""
    types = trees.endomorphism_types([-1, 0, 1, 2])
    number, violations = decoders.moment_violations(types, [3, 1, 1, 1])
    assert 0 < violations <= number


def test_functions_that_no_tree_has_are_refused():
    with pytest.raises(ValueError, match="not a tree's"):
        decoders.classes({(2, 1): 4, (3, 1): 2})
    with pytest.raises(ValueError, match="no tree"):
        decoders.cherries(7, 3, 2)
    with pytest.raises(ValueError, match="no number of legs"):
        decoders.spider_legs(trees.three_vertex_endomorphisms([-1, 0, 1, 2]), 2, 2)
