"""Tables of compositions and what they refuse; simulated compositions with known moments."""

from pathlib import Path

import numpy as np
import pytest

from lib.compositional import simulate, tables
from lib.compositional.logratio import clr_covariance, variation_matrix
from lib.compositional.partial import partial

VARIATION = Path(__file__).resolve().parents[3] / "resources" / "roman_cups_variation.csv"


def write(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text)
    return path


def test_columns_come_in_the_order_of_the_names_and_are_not_closed(tmp_path):
    path = write(tmp_path, "b, a\n1.5,2\n3,4\n")
    x, names = tables.read_composition(path, ["a", "b"])
    assert names == ["a", "b"]
    np.testing.assert_array_equal(x, [[2, 1.5], [4, 3]])
    assert tables.read_composition(path)[1] == ["b", "a"]
    counts = write(tmp_path, "a,b\n4,0\n2,8\n")
    np.testing.assert_array_equal(tables.read_composition(counts, zeros="min")[0], [[4, 2], [2, 8]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,c\n1,2\n", "got the columns a, c, expected each once: a, b"),
        ("a\n1\n", "got the columns a, expected"),
        ("a,b,a\n1,2,3\n", "got the columns a, b, a"),
        ("a,b\n1,0\n", r"X: got 0.0 at \(0, 1\)"),
        ("a,b\n1,\n", "X: got nan"),
        ("a,b\n1,-2\n", "X: got -2.0"),
        ("a,b\n1,x\n", "column b: got text"),
        ("a,b\n", "got no rows"),
    ],
)
def test_bad_tables_are_refused_by_name(tmp_path, text, message):
    with pytest.raises(ValueError, match=rf"table.csv: .*{message}"):
        tables.read_composition(write(tmp_path, text), ["a", "b"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("first,second,variance\na,b,1\na,c,1\n", "got no variance of b and c"),
        ("first,second,variance\na,b,1\nb,a,1\n", "got b, a, 1"),
        ("first,second,variance\na,b,0\n", "got a, b, 0"),
        ("first,second,variance\na,a,1\n", "got a, a, 1"),
    ],
)
def test_bad_variation_matrices_are_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        tables.read_variation(write(tmp_path, text))


def test_moment_matched_sample_has_exactly_its_moments_and_their_consequences():
    T, names = tables.read_variation(VARIATION)
    assert names == ["Si", "Al", "Fe", "Mg", "Ca", "Na", "K", "Ti", "P", "Mn", "Sb"]
    x = simulate.moment_matched(T, 47, np.random.default_rng(5), 100)
    np.testing.assert_allclose(variation_matrix(x), T, atol=1e-13)
    np.testing.assert_allclose(x.sum(1), 100)
    direct = partial(cov_clr=clr_covariance(T=T))
    np.testing.assert_allclose(partial(x).correlation, direct.correlation, atol=1e-11)
    with pytest.raises(ValueError, match="n: got 10"):
        simulate.moment_matched(T, 10, np.random.default_rng(5))
    with pytest.raises(ValueError, match="T: got a clr covariance"):
        simulate.moment_matched([[0, 1, 9], [1, 0, 1], [9, 1, 0]], 10, np.random.default_rng(5))


def test_one_association_can_be_taken_out():
    T, _ = tables.read_variation(VARIATION)
    whole = partial(cov_clr=clr_covariance(T=T))
    for i, j in zip(*np.triu_indices(11, 1)):
        changed = partial(cov_clr=clr_covariance(T=simulate.without_association(T, whole.precision, i, j)))
        assert changed.correlation[i, j] == pytest.approx(0, abs=1e-11)
        # partial variances of i and of j, given the other of the pair among the rest, before and after
        expected = whole.variance[[i, j]] / (1 - whole.correlation[i, j] ** 2)
        np.testing.assert_allclose(changed.variance[[i, j]], expected, rtol=1e-9)


def test_logistic_normal_has_its_covariance():
    rng = np.random.default_rng(6)
    root = rng.standard_normal((4, 4))
    L = simulate.logistic_normal(root @ root.T, 20000, rng, (2,))
    assert L.shape == (2, 20000, 4)
    for one in L:
        np.testing.assert_allclose(np.cov(one.T), root @ root.T, atol=0.1 * np.trace(root @ root.T))


def test_gaussian_basis_has_its_precision():
    rng = np.random.default_rng(8)
    root = rng.standard_normal((2, 3, 3))
    precision = root @ np.swapaxes(root, 1, 2) + np.eye(3)
    logs = simulate.gaussian_basis(precision, 20000, rng)
    assert logs.shape == (2, 20000, 3)
    for one, expected in zip(logs, precision):
        np.testing.assert_allclose(np.linalg.inv(np.cov(one.T)), expected, rtol=0.1, atol=0.1)


def test_size_effect_is_uncorrelated_with_every_log_ratio():
    rng = np.random.default_rng(7)
    L = simulate.random_basis_logs(5, 30, rng)
    S = np.cov(simulate.spurious_size(L, rng).T)
    np.testing.assert_allclose(S, clr_covariance(np.exp(L)) + 1, atol=1e-12)
    with pytest.raises(ValueError, match="L: got 6 samples"):
        simulate.spurious_size(L[:6], rng)
