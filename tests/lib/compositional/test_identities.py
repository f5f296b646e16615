"""Identities hold to rounding where they are theorems, and the deviations see where they are not."""

from fractions import Fraction

import numpy as np
import pytest

from lib.compositional import identities as idt
from lib.compositional.partial import partial


def test_nothing_depends_on_the_reference(composition):
    x = composition(60, 5, 3)
    deviations = idt.reference_deviations(x)
    assert deviations.residual.shape == deviations.correlation.shape == (3, 10)
    assert deviations.variance.shape == deviations.additive.shape == (3, 5)
    for name in ("residual", "correlation", "variance", "additive"):
        assert getattr(deviations, name).max() < 1e-9, name
    numbered = deviations.by_part(np.arange(10))  # pairs 01 02 03 04 12 13 14 23 24 34
    assert numbered.tolist() == [3, 6, 8, 9, 9]
    one = idt.reference_deviations(x[1])
    np.testing.assert_allclose(one.additive, deviations.additive[1], atol=1e-12)


def test_deviations_see_regressions_on_other_data(composition):
    deviations = idt.reference_deviations(composition(60, 5), np.log(composition(60, 5, seed=1)))
    assert deviations.correlation.max() > 0.05
    assert deviations.variance.max() > 0.05
    assert deviations.residual.max() < 1e-9  # those data have residuals without a reference as well


def test_scales_of_samples_and_parts_do_not_matter(composition):
    L = np.log(composition(40, 4, 2))
    deviations = idt.scaling_deviations(L, np.random.default_rng(0))
    assert deviations.shape == (2,)
    assert deviations.max() < 1e-10


def test_normalisation_needs_the_normalising_parts_held_fixed_and_free_of_the_pair(composition):
    L = np.log(composition(60, 6, 20))
    deviations = idt.normalisation_deviations(L, np.random.default_rng(1))
    for name in ("free", "free_inverse", "both", "all", "inside_residual"):
        assert getattr(deviations, name).max() < 1e-9, name
    assert deviations.uncontrolled.min() > 1e-6
    assert np.median(deviations.inside_inverse) > 1e-3


def test_basis_shrinkage_alone_is_free_of_the_reference(composition):
    x = composition(12, 5, 4)
    basis, naive = idt.shrinkage_deviations(x)
    assert basis.max() < 1e-10
    # written out for one composition and one reference
    rest = [0, 1, 3, 4]
    whole = partial(x[2], shrinkage="naive").correlation[np.ix_(rest, rest)]
    assert naive[2] >= np.abs(partial(x[2], ref=2, shrinkage="naive").correlation - whole).max() > 1e-3


@pytest.mark.parametrize("parts", [3, 5])
def test_precisions_agree_in_exact_arithmetic(parts):
    root = np.random.default_rng(parts).integers(-3, 4, (parts, parts))
    S = root @ root.T + np.eye(parts, dtype=int)
    assert idt.reference_free_exactly(S)
    assert idt.reference_free_exactly([[Fraction(int(entry), 7) for entry in row] for row in S])
