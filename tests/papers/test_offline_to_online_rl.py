"""Stages of offline_to_online_rl, called as functions at small size, and claims where they hold and where they fail."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

PAPER = "offline_to_online_rl"
SMALL = {"states": 4, "actions": 3, "layers": 2, "dim": 3, "policies": 10, "root_seed": 0}


def case(name, eps=0.04, layers=2, offline=1, divisor=1, runs=4):
    return {"name": name, "eps": eps, "layers": layers, "offline": offline, "divisor": divisor, "runs": runs}


@pytest.fixture
def requirements(load):
    return load(f"{PAPER}/measure_requirements")(
        eps=[0.05, 0.025, 0.0125, 0.00625],
        beta=8,
        offline_factor=4,
        map_eps=[0.04, 0.01],
        sizes=[100, 100000],
        delta=0.05,
    )


@pytest.fixture
def rare(load):
    return lambda *cases: load(f"{PAPER}/run_rare_branch")(cases=list(cases), delta=0.05, root_seed=0)


@pytest.fixture
def tracking(rare):
    """Elimination, with the accuracies of the claims written over the coarse ones of the runs."""
    store = rare(*(case(f"{eps} {offline}", eps, offline=offline) for offline in (1, 0) for eps in (0.1, 0.06, 0.04)))
    eps = np.tile([0.01, 0.005, 0.0025], 2)
    return store.assign(eps=("case", eps), required=("case", np.where(store.offline, 8 / eps, 1 / eps**2)))


@pytest.fixture
def far(rare):
    return rare(case("far", runs=80))


@pytest.fixture
def failures(rare):
    return rare(case("beta", runs=80), case("beta / 300", divisor=300, runs=80))


@pytest.fixture
def random(load):
    return load(f"{PAPER}/run_random")(
        **SMALL, processes=2, runs=40, divisors=[1, 300], eps=0.3, delta=0.05, offline_policies=2, offline_episodes=400
    )


@pytest.fixture
def large(load):
    one = load(f"{PAPER}/run_large")
    sizes = SMALL | {"policies": 20, "temperature": 0.2, "offline_policies": 2, "offline_episodes": 200}
    return [
        one(**sizes, eps=0.4, delta=0.05, constants="practical", seed=str(seed), checkpoint=None) for seed in range(2)
    ]


@pytest.fixture
def budgets(load):
    return load(f"{PAPER}/find_budgets")(eps=[0.04, 0.02, 0.01], runs=400, offline_runs=40, delta=0.05, root_seed=0)


@pytest.fixture
def fine_budgets(budgets):
    """The same at four times the accuracy, with budgets that follow 1 / eps and 1 / eps^2."""
    eps = budgets.eps.values / 4
    budget = np.array([1.2 / eps, 0.2 / eps**2])
    return budgets.assign_coords(eps=eps).assign(
        budget=(("learner", "eps"), budget), bound=(("learner", "eps"), budget / [[4], [3]])
    )


@pytest.fixture
def spent(load, tracking, far):
    return load(f"{PAPER}/spend_budgets")(tracking, far, runs=60, delta=0.05, root_seed=0)


@pytest.fixture
def coverage(load):
    return load(f"{PAPER}/measure_coverage")(
        **SMALL, processes=6, offline_episodes=400, spent=[100, 1000, 10000], eps=0.1, delta=0.05
    )


@pytest.fixture
def values(load):
    return load(f"{PAPER}/estimate_values")(**SMALL, sets=30, episodes=[500, 2000, 8000, 32000])


@pytest.fixture
def verified(load):
    return load(f"{PAPER}/verify_arms")(
        arms=[5, 10, 20], arms_eps=0.1, eps=[0.2, 0.1, 0.05], eps_arms=10, runs=80, delta=0.05, root_seed=0
    )


@pytest.fixture
def mixtures(load):
    return load(f"{PAPER}/compare_mixtures")(
        **SMALL, processes=5, sets=10, offline_policies=3, offline_episodes=100, spent=[300]
    )


@pytest.fixture
def collected(load):
    return load(f"{PAPER}/collect_data")(**SMALL, processes=3, offline_episodes=400, targets=[0.01, 0.001])


def _broken(store, **changes):
    return store.assign({name: change(store[name]) for name, change in changes.items()})


def _flipped(values):
    """Values in reverse order along the first axis, whose labels stay."""
    return values.copy(data=values.values[::-1])


def test_offline_data_that_miss_nothing_but_the_rare_state_save_the_most(requirements):
    by_size = requirements.by_size
    assert (by_size.isel(coverage=2) <= by_size.isel(coverage=1) * 1.004).all()
    assert (by_size.isel(coverage=1) <= by_size.isel(coverage=0) * 1.004).all()
    assert (by_size.isel(size=1) <= by_size.isel(size=0) * 1.004).all()
    assert (requirements.bound <= requirements.samples).all()
    assert (requirements.samples <= requirements.samples_layers * 1.004).all()


def test_runs_belong_to_their_case(rare):
    both, alone = rare(case("a"), case("b", eps=0.1, runs=2)), rare(case("b", eps=0.1, runs=2))
    np.testing.assert_array_equal(both.episodes[1, :2], alone.episodes[0])
    assert np.isnan(both.episodes[1, 2:]).all()
    assert (both.gap.isel(case=0) <= 0.04).all()


def test_a_large_run_goes_on_from_its_checkpoint(load, large):
    class Interrupted(Exception):
        pass

    class Once:
        def __init__(self, state=None):
            self.state = state

        def load(self):
            return self.state

        def save(self, state):
            self.state = {name: np.array(value) for name, value in state.items()}
            raise Interrupted

    sizes = SMALL | {"policies": 20, "temperature": 0.2, "offline_policies": 2, "offline_episodes": 200}
    arguments = sizes | {"eps": 0.4, "delta": 0.05, "constants": "practical", "seed": "0"}
    run, checkpoint = load(f"{PAPER}/run_large"), Once()
    for _ in range(10):
        try:
            result = run(**arguments, checkpoint=checkpoint)
            break
        except Interrupted:
            continue
    xr.testing.assert_identical(result, large[0])


def test_published_constants_cost_far_more(load, large):
    sizes = SMALL | {"policies": 20, "temperature": 0.2, "offline_policies": 2, "offline_episodes": 200}
    dear = load(f"{PAPER}/run_large")(**sizes, eps=0.4, delta=0.05, constants="published", seed="0", checkpoint=None)
    assert dear.episodes > 20 * large[0].episodes
    assert dear.gap <= 0.4


def test_plan_for_data_of_ones_own(load, tmp_path):
    rows = [(1, "s", action, reward, "") for action in "ab" for reward in [1.0, 0.0] * (50 if action == "a" else 5)]
    pd.DataFrame(rows, columns=["step", "state", "action", "reward", "next_state"]).to_csv(
        tmp_path / "d.csv", index=False
    )
    pd.DataFrame({"state": ["s", "s"], "action": ["a", "b"]}).to_csv(tmp_path / "f.csv", index=False)
    plan = load(f"{PAPER}/plan_exploration")(tmp_path / "d.csv", tmp_path / "f.csv", eps=0.1, delta=0.05, candidates=10)
    assert plan.policy.values.tolist() == [["a"]]
    assert int(plan.episodes) == int(plan.play.sum()) > 0
    assert set(plan.played.values.ravel()) == {"a", "b"}


def test_o1(passes, requirements, blank):
    assert passes(PAPER, "o1", requirements=requirements)
    assert not passes(PAPER, "o1", requirements=_broken(requirements, samples=_flipped))
    assert not passes(PAPER, "o1", requirements=blank(requirements))


def test_o2(passes, verdict, tracking, blank):
    good = _broken(
        tracking, episodes=lambda x: tracking.required * (0.5 + 0.01 * xr.DataArray(np.arange(4), dims="run"))
    )
    assert verdict(PAPER, "o2", tracking=good)["firm"]
    noisy = _broken(
        tracking, episodes=lambda x: tracking.required * (0.5 + 0.4 * xr.DataArray([-1, 1, -1, 1], dims="run"))
    )
    assert not verdict(PAPER, "o2", tracking=noisy)["firm"]
    grows = _broken(good, episodes=lambda x: x / tracking.eps)
    assert not passes(PAPER, "o2", tracking=grows)
    assert not passes(PAPER, "o2", tracking=_broken(good, episodes=lambda x: 20 * x))
    assert not passes(PAPER, "o2", tracking=blank(tracking, but=("eps", "offline", "divisor", "required")))


def _separated(tracking, spent):
    """Episodes that follow 1 / eps and 1 / eps^2, and an online learner that often fails at the smallest accuracy."""
    scale = xr.where(tracking.offline > 0, 10 / tracking.eps, 2 / tracking.eps**2)
    episodes = scale * (1 + 0.01 * xr.DataArray(np.arange(4), dims="run"))
    gap = xr.where((spent.learner == "online certainty equivalence") & (spent.run % 3 == 0), 2 * spent.eps, 0.0)
    return tracking.assign(episodes=episodes.transpose("case", "run")), spent.assign(gap=gap.transpose(*spent.gap.dims))


def test_o3(passes, fine_budgets, tracking, far, spent, blank):
    spent = spent.assign_coords(run=np.arange(spent.sizes["run"]))
    scaled, failing = _separated(tracking, spent)
    good = {"budgets": fine_budgets, "tracking": scaled, "far": far, "spent": failing}
    assert passes(PAPER, "o3", **good)
    worse = {
        "budgets": (
            _broken(fine_budgets, budget=_flipped),
            _broken(fine_budgets, offline_gap=lambda x: 0 * x),
            blank(fine_budgets),
        ),
        "tracking": (_broken(scaled, episodes=lambda x: 0 * x + 100), blank(scaled, but=("eps", "offline", "divisor"))),
        "far": (_broken(far, gap=lambda x: x + 1), blank(far)),
        "spent": (_broken(failing, gap=lambda x: 0 * x), blank(failing)),
    }
    for name, stores in worse.items():
        for store in stores:
            assert not passes(PAPER, "o3", **(good | {name: store}))


def test_o4(passes, failures, random, large, blank):
    failing = _broken(failures, gap=lambda x: xr.where(failures.divisor > 1, 1.0, x))
    assert passes(PAPER, "o4", failures=failing, random=random, large=large)
    assert not passes(PAPER, "o4", failures=_broken(failures, gap=lambda x: 0 * x), random=random, large=large)
    assert not passes(PAPER, "o4", failures=_broken(failing, gap=lambda x: x + 0.05), random=random, large=large)
    assert not passes(PAPER, "o4", failures=failing, random=_broken(random, gap=lambda x: x + 1), large=large)
    assert not passes(PAPER, "o4", failures=blank(failing, but=("eps", "divisor")), random=random, large=large)
    assert not passes(PAPER, "o4", failures=failing, random=blank(random), large=large)


def test_o5(passes, coverage, blank):
    better = _broken(coverage, norm=lambda x: x * xr.DataArray([1, 0.5, 0.2, 0.1], dims="data"))
    better = _broken(better, norm_bound=lambda x: 0.99 * better.norm)
    assert passes(PAPER, "o5", coverage=better)
    assert not passes(PAPER, "o5", coverage=_broken(coverage, norm=lambda x: 0 * x + 1.0))
    assert not passes(PAPER, "o5", coverage=_broken(better, norm_bound=lambda x: 0 * x + 1.0))
    assert not passes(PAPER, "o5", coverage=_broken(better, required_bound=lambda x: _flipped(x) + 1))
    assert not passes(PAPER, "o5", coverage=blank(better))


def test_o6(passes, values, blank):
    good = _broken(values, error=lambda x: values.width * np.cos(np.arange(x.size)).reshape(x.shape))
    assert passes(PAPER, "o6", values=good)
    assert not passes(
        PAPER, "o6", values=_broken(good, error=lambda x: x + 0.05)
    )  # a floor that more data do not lower
    assert not passes(PAPER, "o6", values=_broken(good, error=lambda x: 6 * x))
    assert not passes(PAPER, "o6", values=_broken(good, width=lambda x: 20 * x))  # a width that says nothing
    assert not passes(PAPER, "o6", values=blank(values))


def test_o7(passes, verdict, verified, blank):
    scale = (
        10 * verified.bound * np.log(4 * verified.arms / 0.05) * (1 + 0.01 * xr.DataArray(np.arange(80), dims="run"))
    )
    good = _broken(verified, pulls=lambda x: (0 * x + scale / 5).transpose(*x.dims))
    assert passes(PAPER, "o7", verified=good)
    for name, change in {
        "pulls": lambda x: 0 * x + 1e5,
        "gap": lambda x: x + 1,
        "pessimism": lambda x: 0 * x,
        "bound": lambda x: 100 * x,
    }.items():
        assert not passes(PAPER, "o7", verified=_broken(good, **{name: change}))
    assert not passes(PAPER, "o7", verified=blank(good, but=("eps", "arms")))


def test_a_verifier_is_right_and_pessimism_cannot_know(verified):
    assert (verified.gap <= verified.eps + 1e-12).all()
    assert (verified.pulls > 0).all()
    np.testing.assert_allclose(verified.pessimism[1].max("arm"), 2 * verified.eps)


def test_o8(passes, mixtures, blank):
    good = _broken(
        mixtures,
        norm=lambda x: 1 + (x.mixture == "uniform") + 0 * x,
        error=lambda x: 1 + (x.mixture == "uniform") + 0 * x,
    )
    assert passes(PAPER, "o8", mixtures=good)
    assert not passes(PAPER, "o8", mixtures=_broken(good, error=lambda x: 0 * x + 1))
    assert not passes(PAPER, "o8", mixtures=_broken(good, norm=_flipped))
    assert not passes(PAPER, "o8", mixtures=blank(mixtures))
    assert (mixtures.norm.sel(mixture="uniform") >= 0.997 * mixtures.norm.sel(mixture="designed")).all()


def test_o9(passes, rare, blank):
    runs = rare(
        *(case(f"H = {layers}, {factor}", layers=layers, offline=factor) for factor in (1, 4) for layers in (2, 3))
    )
    many = xr.concat([runs] * 15, "run", data_vars="minimal")
    even = _broken(many, episodes=lambda x: 0 * x + many.required)
    assert passes(PAPER, "o9", horizons=even)
    assert not passes(PAPER, "o9", horizons=_broken(even, episodes=lambda x: x * many.layers**3))
    assert not passes(PAPER, "o9", horizons=_broken(even, gap=lambda x: x + 1))
    assert not passes(PAPER, "o9", horizons=blank(even, but=("eps", "layers", "offline")))


def test_o10(passes, fine_budgets, tracking, blank):
    good = {"budgets": fine_budgets, "tracking": tracking}
    assert passes(PAPER, "o10", **good)
    for name, change in {
        "bound": lambda x: x / 10,
        "budget": _flipped,
        "offline_gap": lambda x: 0 * x,
    }.items():
        assert not passes(PAPER, "o10", **(good | {"budgets": _broken(fine_budgets, **{name: change})}))
    assert not passes(PAPER, "o10", **(good | {"budgets": blank(fine_budgets)}))


def test_budgets_are_above_the_bounds(budgets):
    assert (budgets.budget > budgets.bound).all()
    assert (budgets.success.sel(factor=1.0) > 0.9).all()
    assert (budgets.offline_gap > 1).all()


def test_o11(passes, collected, blank):
    good = _broken(collected, episodes=lambda x: 3 * collected.designed + 1)
    assert passes(PAPER, "o11", collected=good)
    for name, change in {
        "episodes": lambda x: 100 * x,
        "reached": lambda x: 0 * x + 1,
        "designed_bound": lambda x: x / 1000,
        "designed": lambda x: 0 * x,
    }.items():
        assert not passes(PAPER, "o11", collected=_broken(good, **{name: change}))
    assert not passes(PAPER, "o11", collected=blank(collected))


def test_o12(passes, coverage, blank):
    assert passes(PAPER, "o12", coverage=coverage)
    assert not passes(PAPER, "o12", coverage=_broken(coverage, norm=lambda x: 2 * x))
    assert not passes(PAPER, "o12", coverage=_broken(coverage, arms=lambda x: 0.9 * x))
    assert not passes(PAPER, "o12", coverage=blank(coverage))
