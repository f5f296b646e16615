"""Simulated policies against exact recursions, and what holds for every run."""

import numpy as np
import pytest
from scipy.special import exp1

from lib.commands.choose_policy import main
from lib.matching.advice import advise, read_edges
from lib.matching.alternating import NEVER, assign, compare_balance, compare_ranking, random_graph
from lib.matching.benchmarks import adaptive_optimum
from lib.matching.classes import nested_value, vertices_of
from lib.matching.instances import arrivals_of, random_heterogeneous, trap, upper_triangular
from lib.matching.policies import POLICIES, simulate, thresholds_and_ranks


def _discount(load):
    """A split: that of program A."""
    return np.exp(1 + load) * exp1(1 + load)


def _exact(p, policy):
    """Expected successes of a policy without ties, over all outcomes, coin by coin."""

    def value(v, free, load):
        if v == p.shape[1]:
            return 0.0
        live = [u for u in range(len(p)) if p[u, v] > 0 and (free[u] or policy == "nonadaptive")]
        if not live:
            return value(v + 1, free, load)
        score = {u: p[u, v] * (1 if policy == "greedy" else _discount(load[u])) for u in live}
        u = max(live, key=score.get)
        after = tuple(x - np.log1p(-p[u, v]) if w == u else x for w, x in enumerate(load))
        gone = tuple(False if w == u else x for w, x in enumerate(free))
        if not free[u]:
            return value(v + 1, free, after)
        return p[u, v] * (1 + value(v + 1, gone, after)) + (1 - p[u, v]) * value(v + 1, free, after)

    return value(0, (True,) * len(p), (0.0,) * len(p))


@pytest.mark.parametrize("policy", ["balance", "greedy", "nonadaptive"])
def test_means_are_those_of_all_outcomes(policy):
    rng = np.random.default_rng(5)
    p = rng.uniform(0.1, 0.9, (3, 6))
    theta, rank = thresholds_and_ranks(40000, 3, rng)
    table = _discount(np.arange(4000) * 0.01)
    runs = simulate(p, np.arange(6), policy, theta, rank, discount=table)
    exact = _exact(p, policy)
    assert abs(runs.mean() - exact) < 4 * runs.std() / 200
    assert exact <= float(adaptive_optimum(p)) + 1e-12


def test_ranking_takes_the_first_free_vertex():
    """Two vertices, two arrivals, p = 1/2: both orders of ranks give 1/2 + 1/2."""
    theta, rank = thresholds_and_ranks(20000, 2, np.random.default_rng(0))
    p = np.array([[0.5, 0.5], [0.5, 0.0]])
    runs = simulate(p, [0, 1], "ranking", theta, rank)
    first = rank[:, 0] < rank[:, 1]
    # vertex 0 first: 1/2 + 1/2 * 1/2; vertex 1 first: 1/2 + 1/2
    assert abs(runs[first].mean() - 0.75) < 0.03
    assert abs(runs[~first].mean() - 1.0) < 0.03


def test_equal_probabilities_make_balance_the_least_load():
    p, masses = trap(3)
    theta, rank = thresholds_and_ranks(200, 6, np.random.default_rng(1))
    arrivals = arrivals_of(vertices_of(masses, 0.1))
    runs = [
        simulate(0.1 * p, arrivals, "balance", theta, rank, discount=table)
        for table in (np.linspace(1, 0.2, 2000), np.exp(-0.01 * np.arange(2000)))
    ]
    np.testing.assert_array_equal(*runs)


def test_a_constant_split_is_greedy():
    p, masses = random_heterogeneous(4, 4, np.random.default_rng(2))
    theta, rank = thresholds_and_ranks(200, 4, np.random.default_rng(3))
    arrivals = arrivals_of(vertices_of(masses, 0.1))
    constant, greedy = (
        simulate(0.1 * p, arrivals, name, theta, rank, discount=np.ones(3)) for name in ("balance", "greedy")
    )
    np.testing.assert_array_equal(constant, greedy)


def test_permuted_labels_have_the_same_mean():
    p, masses = upper_triangular(3)
    arrivals = arrivals_of(vertices_of(masses, 0.05))
    theta, rank = thresholds_and_ranks(20000, 3, np.random.default_rng(4))
    for name in POLICIES[:4]:
        one, other = (simulate(0.05 * q, arrivals, name, theta, rank, seed=1) for q in (p, p[[2, 0, 1]]))
        assert abs((one - other).mean()) < 4 * (one - other).std() / np.sqrt(20000)


def test_policies_that_never_idle_have_the_exact_value():
    p, masses = upper_triangular(3)
    theta, rank = thresholds_and_ranks(20000, 3, np.random.default_rng(5))
    arrivals = arrivals_of(vertices_of(masses, 0.002))
    for name in POLICIES[:3]:
        runs = simulate(0.002 * p, arrivals, name, theta, rank)
        assert abs(runs.mean() - nested_value([3, 2, 1], masses)) < 4 * runs.std() / np.sqrt(20000) + 0.002


def test_certain_success():
    theta, rank = thresholds_and_ranks(50, 3, np.random.default_rng(6))
    for name in ("balance", "ranking", "greedy"):
        assert np.all(simulate(np.ones((3, 2)), [0, 1], name, theta, rank) == 2)
        assert np.all(simulate(np.ones((3, 5)), np.arange(5), name, theta, rank) == 3)


def test_lemmas_on_neighbours():
    rng, tight, withheld = np.random.default_rng(7), 0, 0
    for _ in range(400):
        adjacent, tries, order = random_graph(rng)
        u = int(rng.integers(len(adjacent)))
        attempts = compare_balance(adjacent, tries, order, u, NEVER).attempts
        k = int(rng.integers(0, attempts + 2))
        balance, ranking = (compare(adjacent, tries, order, u, k) for compare in (compare_balance, compare_ranking))
        assert balance.hurt <= max(attempts - k, 0)
        assert balance.excess <= max(attempts - k, 0)
        assert balance.reversed == 0
        assert ranking.used == min(k, ranking.attempts)
        assert ranking.hurt == max(ranking.attempts - k, 0)
        assert ranking.reversed == 0
        tight, withheld = tight + (k < attempts and balance.hurt == attempts - k), withheld + (k < attempts)
    assert 0 < tight < withheld


def test_assignment_by_hand():
    adjacent = np.array([[True, True, True], [True, True, False]])
    choice, level, load = assign(adjacent, np.array([1, 9]), np.array([0.1, 0.2]), True)
    assert choice.tolist() == [0, 1, -1]
    assert level.tolist() == [0, 0, -1]
    assert load.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policy": "best"}, "policy"),
        ({"probabilities": [[1.5]]}, "probabilities"),
        ({"arrivals": [1]}, "arrivals"),
        ({"rank": np.zeros((2, 2))}, "theta, rank"),
        ({"discount": [0.5, 0.6]}, "discount"),
    ],
)
def test_wrong_input_is_refused(change, message):
    arguments = {"probabilities": [[0.5]], "arrivals": [0], "policy": "balance"}
    arguments |= {"theta": np.ones((2, 1)), "rank": np.zeros((2, 1))}
    with pytest.raises(ValueError, match=message):
        simulate(**{**arguments, **change})


def _write(path, text):
    path.write_text("offline,online,probability\n" + text)
    return path


def test_advice_on_an_edge_list(tmp_path, capsys):
    """x, y and z may use a, only x and y also b: keeping a for z is better, and nonadaptive wastes attempts."""
    path = _write(tmp_path / "edges.csv", "a,x,0.9\nb,x,0.6\na,y,0.9\nb,y,0.6\na,z,0.9\n")
    graph = read_edges(path)
    assert graph.online == ["x", "y", "z"]
    assert graph.offline == ["a", "b"]
    advice = advise(graph.probabilities, 5000, np.random.default_rng(0))
    assert advice.value.max() <= advice.bound + 0.05
    assert float(adaptive_optimum(graph.probabilities)) <= advice.bound + 1e-9
    assert main([str(path), "--replicates", "2000"]) == 0
    assert "no policy has more than" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,x,1.5\n", "line 2: got a probability"),
        ("a,x,0.5\na,y,half\n", "line 3: got a probability"),
        ("a,x,0.5\na,x,0.4\n", "line 3: got an edge a second time"),
        (",x,0.5\n", "line 2: got an empty name"),
        ("", "no edge"),
    ],
)
def test_edge_lists_are_checked(tmp_path, text, message, capsys):
    path = _write(tmp_path / "edges.csv", text)
    with pytest.raises(ValueError, match=message):
        read_edges(path)
    assert main([str(path)]) == 2
    assert message.split(":")[-1] in capsys.readouterr().err
