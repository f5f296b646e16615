import numpy as np
import pandas as pd
import pytest

from lib.commands.plan_online import main
from lib.mdp.offline_data import plan_online, read_offline_data

ARMS = pd.DataFrame({"state": ["s", "s", "s"], "action": ["a", "b", "c"]})


def bandit(pulls, means):
    """Rows of a bandit: so many pulls of each arm, with rewards that have exactly these means."""
    rows = []
    for action, n, mean in zip("abc", pulls, means):
        ones = round(n * mean)
        rows += [(1, "s", action, reward, "") for reward in [1.0] * ones + [0.0] * (n - ones)]
    return pd.DataFrame(rows, columns=["step", "state", "action", "reward", "next_state"])


@pytest.fixture
def written(tmp_path):
    def one(data, features=ARMS):
        data.to_csv(tmp_path / "data.csv", index=False)
        features.to_csv(tmp_path / "features.csv", index=False)
        return str(tmp_path / "data.csv"), str(tmp_path / "features.csv")

    return one


def test_a_bandit_needs_what_its_closed_form_says(written):
    """Arm j needs beta / max(gap, eps)^2 - 1 - n_j pulls more, with fitted gaps."""
    data = read_offline_data(*written(bandit((400, 40, 400), (0.5, 0.5, 0.9))))
    plan = plan_online(data, 0.1, candidates=20)
    assert data.actions[plan.policy[0, 0]] == "c"
    means = np.array([200 / 401, 20 / 41, 360 / 401])
    beta = 4 * np.log(4 * 3 / 0.05)
    needed = np.maximum(beta / np.maximum(means.max() - means, 0.1) ** 2 - 1 - np.array([400, 40, 400]), 0)
    assert plan.candidates == 3
    assert needed.sum() <= plan.episodes <= 1.004 * needed.sum() + 3
    assert plan.value == pytest.approx(means[2])
    assert plan.width == pytest.approx(0.5 / np.sqrt(401))
    assert plan.rivals == 0


def test_enough_data_need_no_episode(written):
    plan = plan_online(read_offline_data(*written(bandit((4000, 4000, 4000), (0.5, 0.6, 0.9)))), 0.1)
    assert plan.episodes == 0
    assert plan.play.size == 0


def test_playing_the_plan_and_asking_again_ends(written):
    """Two steps, one of which leads to a state that the data never left: its actions must be tried."""
    rng = np.random.default_rng(0)
    features = pd.DataFrame({"state": ["s", "s", "t", "u", "u"], "action": ["a", "b", "a", "a", "b"]})
    pays = {("t", "a"): 0.5, ("u", "a"): 0.0, ("u", "b"): 1.0}
    rows = []

    def episode(first, second):
        state = "t" if first == "b" or rng.random() < 0.5 else "u"
        rows.append((1, "s", first, 0.0, state))
        if second is None and state == "u":
            return
        action = "a" if state == "t" else second
        rows.append((2, state, action, float(rng.random() < pays[state, action]), ""))

    for _ in range(600):
        episode("a", None)
        episode("b", None)
    names = ["step", "state", "action", "reward", "next_state"]
    for _ in range(12):
        data = read_offline_data(*written(pd.DataFrame(rows, columns=names), features))
        plan = plan_online(data, 0.1)
        if plan.episodes == 0:
            break
        for policy, number in zip(plan.policies, plan.play):
            for _ in range(number):
                episode(data.actions[policy[0, 0]], data.actions[policy[1, 2]])
    assert plan.episodes == 0
    assert [data.actions[plan.policy[0, 0]], data.actions[plan.policy[1, 2]]] == ["a", "b"]
    assert len(rows) < 12_000


def test_features_are_read_in_the_order_of_names(written):
    features = ARMS.assign(x=[1.0, 0.0, 1.0], y=[0.0, 1.0, 1.0]).iloc[::-1]
    data = read_offline_data(*written(bandit((10, 20, 0), (0.5, 0.5, 0.0)), features))
    np.testing.assert_array_equal(data.features[0], [[1, 0], [0, 1], [1, 1]])
    np.testing.assert_array_equal(data.counts.visits, [[[10, 20, 0]]])
    plan = plan_online(data, 0.2, candidates=50)
    assert plan.candidates == 3


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("reward", 1.5, r"reward: got 0 to 1.5, expected \[0, 1\]"),
        ("reward", np.inf, "not a finite number"),
        ("reward", np.nan, "empty cell"),
        ("state", "elsewhere", "row 2: got a state or action"),
        ("action", "d", "row 2: got a state or action"),
        ("step", 3, "without a gap"),
    ],
)
def test_bad_data_are_refused(written, column, value, message):
    data = bandit((3, 3, 3), (0, 0, 0))
    data.loc[0, column] = value
    with pytest.raises(ValueError, match=message):
        read_offline_data(*written(data))


def test_other_bad_tables(written, capsys):
    good = bandit((3, 3, 3), (0, 0, 0))
    for data, features, message in (
        (good.drop(columns="step"), ARMS, "expected step"),
        (good[:0], ARMS, "and a row"),
        (good, pd.concat([ARMS, ARMS]), "two rows"),
        (good, ARMS.assign(x=["1", "2", "words"]), "not a finite number"),
        (pd.concat([good, good.assign(state="t")]), pd.concat([ARMS, ARMS.assign(state="t")]), "one first state"),
        (pd.concat([good, good.assign(step=2)]), ARMS, "row 2"),  # no next state before the last step
    ):
        paths = written(data, features)
        with pytest.raises(ValueError, match=message):
            read_offline_data(*paths)
        assert main([*paths, "--eps", "0.1"]) == 2
        assert "plan_online:" in capsys.readouterr().err
    with pytest.raises(ValueError, match="eps, delta"):
        plan_online(read_offline_data(*written(good)), 0)
    assert main(["nowhere.csv", "nowhere.csv", "--eps", "0.1"]) == 2


def test_the_command_says_the_policy_and_the_episodes(written, capsys):
    assert main([*written(bandit((400, 40, 400), (0.5, 0.5, 0.9))), "--eps", "0.1"]) == 0
    said = capsys.readouterr().out
    assert "step 1: s -> c" in said
    assert "of step 1: s -> b" in said
    assert main([*written(bandit((4000, 4000, 4000), (0.5, 0.5, 0.9))), "--eps", "0.1"]) == 0
    assert "no online episode is needed" in capsys.readouterr().out
