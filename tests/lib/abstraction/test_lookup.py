"""The theorem's table on finite sets, and smallest distances, against brute force."""

import numpy as np
import pytest
import torch

from lib.abstraction.causal import counterfactual_labels, draw_inputs, solve
from lib.abstraction.distances import closest_pair, duplicates, smallest_distances
from lib.abstraction.lookup import build_table, count_all, held_out_accuracy, shuffled, solved_inputs, spare_states
from lib.abstraction.networks import StackedMLP
from lib.training.stacked import generators


def _network(centre=True):
    """A random network whose scores are recentred, so that it says both classes."""
    model = StackedMLP(16, generators([3])).double().requires_grad_(False)
    x, _ = draw_inputs("equality", 2000, np.random.default_rng(9))
    if centre:
        scores = model(torch.from_numpy(x).double()[None])[0]
        model.score.bias[0, 0, 1] -= (scores[:, 1] - scores[:, 0]).median()

    def hidden(x):
        return model.lower(torch.from_numpy(x).double()[None], 2)[0].numpy()

    def answer(h):
        return model.upper(torch.from_numpy(h)[None], 2)[0].argmax(-1).numpy()

    return hidden, answer


def _inputs(hidden, answer, n):
    rng = np.random.default_rng(0)
    return solved_inputs(lambda k: draw_inputs("equality", k, rng), lambda x: answer(hidden(x)), hidden, n)


@pytest.mark.parametrize("proof", [False, True])
def test_the_table_answers_every_intervention_of_a_random_network(proof):
    hidden, answer = _network()
    x, y = _inputs(hidden, answer, 8)
    np.testing.assert_array_equal(answer(hidden(x)), y)
    table = build_table("both_equality", x, hidden(x), answer, np.random.default_rng(1), per_coordinate=proof)
    whole = count_all("both_equality", table, x, answer, per_coordinate=proof)
    assert whole.interventions == 3 * 8**3
    assert whole.right == whole.interventions
    assert whole.one_to_one
    assert whole.entries == (8**3 if proof else 4 * 8)
    np.testing.assert_array_equal(table.hidden[:8], hidden(x)[table.codes[:8, -1]])
    control = count_all("both_equality", shuffled(table, np.random.default_rng(2)), x, answer, per_coordinate=proof)
    assert control.right < 0.9 * control.interventions


def test_the_count_is_that_of_a_plain_loop():
    hidden, answer = _network()
    x, _ = _inputs(hidden, answer, 4)
    table = shuffled(
        build_table("both_equality", x, hidden(x), answer, np.random.default_rng(1)), np.random.default_rng(5)
    )
    rows = {tuple(code): i for i, code in enumerate(table.codes)}
    own, right = table.variables, 0
    for base in range(4):
        for one in range(4):
            for two in range(4):
                for flags in ((True, False), (False, True), (True, True)):
                    code = (own[one if flags[0] else base, 0], own[two if flags[1] else base, 1], base)
                    state = table.hidden[rows[code]][None]
                    label = counterfactual_labels("both_equality", x[[base]], x[[one, two]][None], np.array([flags]))
                    right += int(answer(state)[0] == label[0])
    assert count_all("both_equality", table, x, answer).right == right


def test_a_network_that_does_not_solve_the_task_is_refused():
    hidden, _ = _network(centre=False)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="does not solve the task"):
        solved_inputs(lambda k: draw_inputs("equality", k, rng), lambda x: np.zeros(len(x), int), hidden, 8)
    with pytest.raises(ValueError, match="injective"):
        solved_inputs(
            lambda k: draw_inputs("equality", k, rng), lambda x: _truth(x), lambda x: np.zeros((len(x), 3)), 8
        )
    with pytest.raises(ValueError, match="n: got 5"):
        solved_inputs(lambda k: draw_inputs("equality", k, rng), _truth, hidden, 5)
    with pytest.raises(ValueError, match="spare states"):
        spare_states(np.ones((4, 3)), lambda h: np.zeros(len(h), int), (1, 1), rng, most=100)


def _truth(x):
    from lib.abstraction.causal import equality_bits

    return solve("equality", equality_bits(x)).astype(int)


def test_inputs_of_the_table_are_their_own_neighbours():
    hidden, answer = _network()
    x, _ = _inputs(hidden, answer, 8)
    table = build_table("both_equality", x, hidden(x), answer, np.random.default_rng(1))
    rng = np.random.default_rng(3)
    rows = rng.integers(0, 8, (3, 50))
    flags = rng.random((50, 2)) < 0.5
    label = counterfactual_labels("both_equality", x[rows[0]], x[rows[1:]].swapaxes(0, 1), flags)
    states = hidden(x)[rows]
    assert held_out_accuracy(table, hidden(x), states, flags, label, answer) == (50, 50)


def test_smallest_distances_by_brute_force():
    rng = np.random.default_rng(0)
    x, group = rng.standard_normal((60, 3)), rng.integers(0, 3, 60)
    masks = {"alike": (group, True), "apart": (group, False)}
    best = {"all": np.inf, "alike": np.inf, "apart": np.inf}
    for i in range(60):
        for j in range(i):
            d = float(np.linalg.norm(x[i] - x[j]))
            best["all"] = min(best["all"], d)
            kind = "alike" if group[i] == group[j] else "apart"
            best[kind] = min(best[kind], d)
    assert smallest_distances(x, masks, part=17) == pytest.approx(best)
    assert smallest_distances(x, masks, compared=60) == pytest.approx(best)
    assert duplicates(np.concatenate([x, x[:2]])) == 2
    assert smallest_distances(x[:1], {"alike": (group[:1], True)}) == {"all": np.inf, "alike": np.inf}


@pytest.mark.parametrize("gap", [0.0, 1e-12, 1e-7, 1e-3])
def test_the_closest_pair_of_wide_states_keeps_its_digits(gap):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((300, 200)) + 5
    x[250] = x[17]
    x[250, 3] += gap
    distance, i, j = closest_pair(x, part=64)
    assert (i, j) == (17, 250)
    assert distance == pytest.approx(gap, rel=1e-2, abs=1e-14)
