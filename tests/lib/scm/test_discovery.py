"""Discovery with an oracle on all small graphs, with data on easy ones, and NOTEARS on a known model."""

from itertools import permutations

import numpy as np
import pytest
from scipy.optimize import check_grad

from lib.graphs.dags import all_dags, as_adjacency
from lib.scm import baselines
from lib.scm.discovery import (
    bivariate_rule,
    causal_de_finetti,
    from_data,
    oracle,
    theorem_holds,
    theorem_list,
    theorem_mismatches,
    theorem_statements,
)
from lib.scm.exchangeable import binary
from lib.scm.independence import IndependenceTest, g_test
from lib.scm.notears import acyclicity, notears


@pytest.mark.parametrize("variant", ["corrected", "local"])
def test_an_oracle_finds_every_graph(variant):
    for dag in (*all_dags(2), *all_dags(3), *all_dags(4)[::9]):
        discovery = causal_de_finetti(len(dag), oracle(dag), variant=variant)
        np.testing.assert_array_equal(discovery.adjacency, as_adjacency(dag))
        assert discovery.unplaced == 0


def test_the_released_rule_fails_where_it_is_known_to():
    dag = (0, 0, 0b1010, 0b0011)  # 0->3, 1->2, 1->3, 3->2
    truth = as_adjacency(dag)
    np.testing.assert_array_equal(causal_de_finetti(4, oracle(dag)).adjacency, truth)
    extra = causal_de_finetti(4, oracle(dag), variant="released").adjacency & ~truth
    assert np.argwhere(extra).tolist() == [[0, 2]]


def test_names_of_variables_do_not_matter():
    matrix = as_adjacency((0, 1, 3, 4))
    for order in permutations(range(4)):
        renamed = matrix[np.ix_(order, order)]
        np.testing.assert_array_equal(causal_de_finetti(4, oracle(renamed)).adjacency, renamed)


def test_the_theorems_list_holds_exactly_under_subgraphs():
    graphs = all_dags(3)
    statements = theorem_statements(3)
    index = {statement: i for i, statement in enumerate(statements)}
    for truth in graphs:
        holds = theorem_holds(truth, statements)
        for other in graphs:
            listed = all(holds[index[statement]] for statement in theorem_list(other))
            assert listed == (not (as_adjacency(truth) & ~as_adjacency(other)).any())
    assert theorem_mismatches(graphs) == (25 * 25, 0)


def test_binary_data_with_many_environments():
    edges = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], bool)
    data = binary(edges, 40000, 2, np.random.default_rng(0))
    discovery = causal_de_finetti(3, from_data(data, g_test), alpha=1e-3)
    np.testing.assert_array_equal(discovery.adjacency, edges)
    np.testing.assert_array_equal(discovery.layers, [3, 2, 1])


@pytest.mark.parametrize(
    ("p_values", "choice"),
    [
        ((0.5, 0.01, 0.01), 0),
        ((0.01, 0.5, 0.01), 1),
        ((0.5, 0.5, 0.5), 2),
        ((0.3, 0.4, 0.01), 1),
        ((0.01, 0.02, 0.9), 2),
    ],
)
def test_the_bivariate_rule_reads_its_three_tests(p_values, choice):
    answers = iter(p_values)
    data = np.zeros((30, 2))
    assert bivariate_rule(data, data, lambda x, y, z: IndependenceTest(0.0, next(answers))).choice == choice


@pytest.mark.parametrize("variant", ["corrected", "released", "local"])
def test_no_variables_make_an_empty_graph(variant):
    discovery = causal_de_finetti(0, lambda x, y, z: 1.0, variant=variant)
    assert discovery.adjacency.shape == (0, 0)
    assert not len(discovery.layers)


def test_one_sample_is_refused():
    with pytest.raises(ValueError, match="two samples of each"):
        bivariate_rule(np.zeros((30, 1)), np.zeros((30, 1)), g_test)
    with pytest.raises(ValueError, match="two samples of each"):
        from_data(np.zeros((3, 30, 1)), g_test)
    with pytest.raises(ValueError, match="variant: got 'other'"):
        causal_de_finetti(2, lambda x, y, z: 1.0, variant="other")


def test_notears_recovers_a_linear_model_of_equal_noise():
    rng = np.random.default_rng(0)
    weights = np.array([[0, 1.5, 0], [0, 0, -2.0], [0, 0, 0]])
    x = rng.standard_normal((5000, 3)) @ np.linalg.inv(np.eye(3) - weights)
    np.testing.assert_allclose(notears(x), weights, atol=0.1)


def test_acyclicity_is_zero_without_cycles_and_its_gradient_is_right():
    assert acyclicity(np.triu(np.ones((4, 4)), 1))[0] == pytest.approx(0, abs=1e-12)
    start = np.random.default_rng(1).standard_normal(9)
    error = check_grad(
        lambda w: acyclicity(w.reshape(3, 3))[0], lambda w: acyclicity(w.reshape(3, 3))[1].ravel(), start
    )
    assert error < 1e-4 * np.linalg.norm(acyclicity(start.reshape(3, 3))[1])


def test_baselines_orient_a_collider_and_leave_a_chain_open():
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((2, 3000))
    collider = np.column_stack([a, b, a + b + rng.standard_normal(3000)])
    for edges in (baselines.pc(collider, "fisherz", 0.01), baselines.ges(collider)):
        np.testing.assert_array_equal(edges, [[0, 0, 1], [0, 0, 1], [0, 0, 0]])
    chain = np.column_stack([a, a + b, a + b + rng.standard_normal(3000)])
    np.testing.assert_array_equal(baselines.pc(chain, "fisherz", 0.01), [[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    cause = rng.uniform(-1, 1, 2000)
    pair = np.column_stack([cause + rng.uniform(-1, 1, 2000), cause])
    np.testing.assert_array_equal(baselines.direct_lingam(pair), [[0, 0], [1, 0]])


def test_order_of_variances_finds_a_model_whose_variances_grow_and_no_other():
    rng = np.random.default_rng(3)
    a, b, c = rng.standard_normal((3, 3000))
    chain = np.column_stack([a, 2 * a + b, 2 * (2 * a + b) + c])
    np.testing.assert_array_equal(baselines.by_variance(chain, 0.001), [[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    assert not baselines.by_variance(np.column_stack([a, 3 * b, 2 * c]), 0.001).any()


def test_the_first_release_leaves_variables_without_edges_where_no_test_places_them():
    assert not causal_de_finetti(3, lambda x, y, z: 0.0, variant="first").adjacency.any()
    corrected = causal_de_finetti(3, lambda x, y, z: 0.0)
    assert corrected.unplaced == 2
    assert corrected.adjacency.sum() == 3
