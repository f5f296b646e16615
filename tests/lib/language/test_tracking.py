"""Half turns and solved lengths of models whose rotations and accuracies are known."""

import numpy as np

from lib.language.tracking import half_turn_error, solved_length


def test_the_best_pair_counts_and_angles_are_on_a_circle():
    turn = np.zeros((2, 3, 1, 2))
    turn[0, 1], turn[0, 0] = [[2.0, np.pi + 0.25]], [[0.0, 0.05]]
    turn[1, 1] = [[3 * np.pi - 0.1, 1.0]]
    np.testing.assert_allclose(half_turn_error(turn), [0.2, 0.1])


def test_a_length_behind_a_failure_is_not_reached():
    accuracy = np.array([[1.0, 0.95, 0.2, 1.0], [0.5, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    np.testing.assert_array_equal(solved_length(accuracy, np.array([8, 16, 32, 64])), [16, np.nan, 64])
