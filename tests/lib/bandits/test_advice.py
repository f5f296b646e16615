import numpy as np
import pandas as pd
import pytest

from lib.bandits.advice import advise, read_table
from lib.bandits.instances import misspecified_rewards, sparse_parameter, sphere_actions
from lib.commands.choose_action import main


@pytest.mark.parametrize("seed", range(5))
def test_asking_for_one_reward_after_another_ends_within_four_eps(seed):
    rng = np.random.default_rng(seed)
    actions, eps = sphere_actions(100, 5, rng), 0.1
    truth = misspecified_rewards(actions, sparse_parameter(5, 1, rng), eps, "sign", rng)
    known = np.full(100, np.nan)
    for _ in range(100):
        advice = advise(actions, known, 1, eps)
        if advice.final:
            break
        assert np.isnan(known[advice.action])
        known[advice.action] = truth[advice.action]
    assert advice.consistent
    assert truth.max() - truth[advice.action] <= 4 * eps
    assert set(advice.used) == set(np.flatnonzero(np.isfinite(known)))


def test_command_on_a_table(tmp_path, capsys):
    path = tmp_path / "actions.csv"
    table = pd.DataFrame({"x": [1.0, 0.0, -1.0], "y": [0.0, 1.0, 0.0], "reward": [np.nan] * 3})
    table.to_csv(path, index=False)
    arguments = [str(path), "--sparsity", "1", "--eps", "0.05"]
    assert main(arguments) == 0
    assert "try row 2 next" in capsys.readouterr().out
    table["reward"] = [0.6, 0.0, -0.6]
    table.to_csv(path, index=False)
    assert main(arguments) == 0
    assert "keep row 0: reward 0.6, and no action has more than 0.8" in capsys.readouterr().out
    table["reward"] = [-0.5, -0.5, -0.5]
    table.to_csv(path, index=False)
    assert main(arguments) == 1
    assert "nothing is guaranteed" in capsys.readouterr().out


def test_tables_that_do_not_fit_are_refused(tmp_path, capsys):
    path = tmp_path / "actions.csv"
    path.write_text("x,y\n1,0\n")
    with pytest.raises(ValueError, match="column reward"):
        read_table(path)
    path.write_text("x,reward\n1,0\nb,1\n")
    with pytest.raises(ValueError, match="column x"):
        read_table(path)
    assert main([str(tmp_path / "none.csv"), "--sparsity", "1", "--eps", "0.1"]) == 2
    assert "none.csv" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"norm 2 in row 1"):
        advise([[1.0, 0.0], [2.0, 0.0]], [0.0, 0.0], 1, 0.1)
    with pytest.raises(ValueError, match="shapes"):
        advise([[1.0, 0.0]], [0.0, 0.0], 1, 0.1)
