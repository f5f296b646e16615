"""Stages of adversarial_mdp, called as functions at small size, and claims where they hold and where they fail."""

import numpy as np
import pytest
import xarray as xr

PAPER = "adversarial_mdp"
SIZES = {"states": 4, "actions": 2, "horizon": 2, "dim": 2}
CONSTANTS = {"luo": [4, 1, 0.05], "lb": [6, 1, 0.05], "mr": [1, 1, 0.05], "ewn": [1, 1, 0.05], "mr0": [1, 1, 0]}
KINDS = ["gap", "switch", "noisy8", "noisy32"]
RATES = [250, 500, 1000, 2000, 4000]
ENVS = 8


@pytest.fixture
def runs(load):
    def one(learner, kinds=KINDS):
        return load(f"{PAPER}/run_rates")(
            learner,
            kinds=kinds,
            episodes=[20, 40],
            environments=2,
            repetitions=2,
            sizes=SIZES,
            constants=CONSTANTS,
            root_seed=0,
            checkpoint=None,
        )

    return one


def scattered(shape, seed=0, spread=0.02):
    """Factors near 1 with environments on the last but one axis."""
    return np.exp(spread * np.random.default_rng(seed).standard_normal(shape))


def rates(exponent, size=1.0, seed=0, smallest=-0.4, noisy=None):
    """Store of a learner whose regret is a power of K; `noisy` is another exponent for the noisy kinds."""
    powers = [exponent, exponent, noisy or exponent, noisy or exponent]
    mean = np.array([[size * k**p for p in powers] for k in RATES])
    regret = mean[..., None, None] * scattered((5, 4, ENVS, 2), seed)
    dims = ("episodes", "kind", "env", "rep")
    return xr.Dataset(
        {"regret": (dims, regret), "min_eta_q": (dims, np.full(regret.shape, smallest))},
        coords={"episodes": RATES, "kind": KINDS},
    )


def study(cases, kinds=("gap",), seed=0):
    """Store of cases: (name, learner, size, regret), with size the keys that differ."""
    regret = np.array([case[3] for case in cases])[:, None, None, None]
    keys = ("states", "actions", "dim", "one_hot", "trajectories", "copies")
    return xr.Dataset(
        {
            "regret": (("case", "kind", "env", "rep"), regret * scattered((len(cases), len(kinds), ENVS, 2), seed)),
            "learner": ("case", [case[1] for case in cases]),
            **{key: ("case", [int(case[2].get(key, 0)) for case in cases]) for key in keys},
        },
        coords={"case": [case[0] for case in cases], "kind": list(kinds)},
    )


def test_learners_meet_the_same_losses(runs):
    mr, lb, uniform = (runs(name) for name in ("mr", "lb", "uniform"))
    assert mr.regret.shape == lb.regret.shape == (2, 4, 2, 2)
    assert (uniform.regret > 0).all()
    # at the first of two checkpoints nothing is learned yet: all start from the same policy
    np.testing.assert_allclose(mr.curve[0, 0].sel(kind="gap"), uniform.curve[0, 0].sel(kind="gap"), rtol=0.6)
    np.testing.assert_allclose(mr.curve[:, -1], mr.regret)
    assert (mr.min_eta_q < 0).all()


def test_no_bonus_and_plain_estimates_are_other_learners(runs):
    regret = [runs(name, ["gap"]).regret.values for name in ("mr", "mr0", "ewn")]
    assert not np.allclose(regret[0], regret[1])
    assert not np.allclose(regret[0], regret[2])


def test_cases(load):
    plain = {"learner": "lb", "constants": [6, 1, 0.05], **SIZES}
    cases = [
        {**plain, "name": "a"},
        {**plain, "name": "b"},
        {**plain, "name": "hot", "one_hot": True},
        {**plain, "name": "sampled", "trajectories": 5},
        {**plain, "name": "copies", "copies": True, "actions": 4},
    ]
    store = load(f"{PAPER}/run_cases")(
        cases=cases, kinds=["gap"], episodes=30, environments=2, repetitions=2, root_seed=0
    )
    a, b, hot, sampled, _ = store.regret.values
    np.testing.assert_array_equal(a, b)
    assert not np.allclose(a, hot)
    assert not np.allclose(a, sampled)
    assert store.trajectories.values.tolist() == [0, 0, 0, 5, 0]


def test_tuning_takes_the_best_constant_of_other_environments(load):
    tuned = load(f"{PAPER}/run_tuned")(
        kinds=["gap", "noisy8"],
        episodes=[1000],
        tuning_episodes=300,
        grid=[1e-6, 2],
        environments=2,
        repetitions=1,
        sizes=SIZES,
        constants=[1, 0.05],
        root_seed=0,
    )
    assert (tuned.chosen == 2).all()  # a learner that does not move has the regret of uniform actions
    assert tuned.regret.sizes == {"learner": 2, "judged": 2, "episodes": 1, "kind": 2, "env": 2, "rep": 1}


@pytest.fixture
def simulator_free(load):
    store = load(f"{PAPER}/run_simulator_free")(
        kinds=["switch", "gap"],
        episodes=[64, 216, 512],
        environments=2,
        repetitions=1,
        sizes=SIZES,
        eta=4,
        beta=0.02,
        root_seed=0,
    )
    assert (store.regret > 0).all()
    powers = xr.DataArray([0.8, 0.82, 0.8, 1.0], dims="algorithm", coords={"algorithm": store.algorithm})
    scale = xr.DataArray([1.0, 1.3, 0.3, 1.2], dims="algorithm", coords={"algorithm": store.algorithm})
    wide = store.isel(env=[0, 1] * 4).assign_coords(episodes=[1000, 8000, 64000])
    noise = xr.DataArray(scattered(ENVS), dims="env")
    return wide.assign(regret=(scale * wide.episodes**powers * noise * (wide.regret * 0 + 1)))


@pytest.fixture
def lemmas(load):
    return load(f"{PAPER}/check_lemmas")(
        draws=2000, sequence_count=210, instances=40, laws=1000, rng=np.random.default_rng(0)
    )


@pytest.fixture
def inverses(load):
    return load(f"{PAPER}/compare_inverses")(
        gammas=[0.1, 0.02], budgets=[200, 1000], steps=[0.5, 0.9], dim=3, repetitions=12, rng=np.random.default_rng(0)
    )


@pytest.fixture
def relative(load):
    return load(f"{PAPER}/bound_relative")(
        gammas=[0.1, 0.03],
        draws=[60, 30],
        needed_gammas=[0.1, 0.03, 0.01],
        needed_draws=60,
        factors=[0.01, 1],
        delta=0.05,
        dim=5,
        rng=np.random.default_rng(0),
    )


def test_budgets_below_one_chain_are_left_out(inverses):
    error = inverses.error
    assert error.sel(algorithm="mgr 0.5", gamma=0.02, budget=200).isnull().all()  # a chain has 392 steps
    assert error.sel(algorithm="inverse").notnull().all()


def test_covariance_of_the_dirichlet_law(load):
    covariance = load(f"{PAPER}/compare_inverses", "dirichlet_covariance")(4)
    drawn = np.random.default_rng(0).dirichlet(np.full(4, 0.3), size=400_000)
    np.testing.assert_allclose(covariance, drawn.T @ drawn / len(drawn), atol=2e-3)


def test_the_exponent_of_a_power_law(load):
    slopes = load(f"{PAPER}/claims", "_slopes")
    x = np.array([250, 1000, 4000])
    np.testing.assert_allclose(slopes(x, [3 * x**0.5, x**0.9]), [0.5, 0.9])
    assert np.isnan(slopes(x, [1.0, -1.0, 2.0]))


@pytest.mark.parametrize(("claim", "store"), [("a1", "rates_mr"), ("a2", "rates_lb")])
def test_a1_a2(passes, blank, claim, store):
    uniform = rates(1.0, 0.05)
    assert passes(PAPER, claim, **{store: rates(0.5)}, rates_uniform=uniform)
    assert not passes(PAPER, claim, **{store: rates(0.7)}, rates_uniform=uniform)
    assert not passes(PAPER, claim, **{store: rates(0.5, noisy=0.75)}, rates_uniform=uniform)
    assert not passes(PAPER, claim, **{store: rates(0.5, 3)}, rates_uniform=uniform)  # no better than uniform actions
    assert not passes(PAPER, claim, **{store: rates(0.5, -1)}, rates_uniform=uniform)
    assert not passes(PAPER, claim, **{store: blank(rates(0.5))}, rates_uniform=uniform)


def test_a3(passes, verdict, blank):
    def tuned(slow, fast):
        episodes, kinds = [1000, 4000, 16000, 64000], ["gap", "noisy8", "noisy32"]
        mean = np.array([[[[k**power] * 3 for k in episodes]] * 2 for power in (slow, fast)])
        dims = ("learner", "judged", "episodes", "kind", "env", "rep")
        return xr.Dataset(
            {"regret": (dims, mean[..., None, None] * scattered((2, 2, 4, 3, ENVS, 2)))},
            coords={"learner": ["luo", "mr"], "judged": ["noisy", "gap"], "episodes": episodes, "kind": kinds},
        )

    assert passes(PAPER, "a3", tuned=tuned(0.66, 0.5))
    assert not passes(PAPER, "a3", tuned=tuned(0.53, 0.5))
    assert not passes(PAPER, "a3", tuned=tuned(0.5, 0.66))
    assert not passes(PAPER, "a3", tuned=blank(tuned(0.66, 0.5)))
    assert verdict(PAPER, "a3", tuned=tuned(0.66, 0.5), at="laptop")["verdict"] == "not tested at this scale"


def test_a4(passes, lemmas, blank):
    assert passes(PAPER, "a4", lemmas=lemmas)
    assert not passes(PAPER, "a4", lemmas=lemmas.assign(step_log_barrier=lemmas.step_entropy))
    assert not passes(PAPER, "a4", lemmas=lemmas.assign(step_entropy=lemmas.step_log_barrier))
    assert not passes(PAPER, "a4", lemmas=lemmas.assign(step_squared=lemmas.step_log_barrier))
    one = lemmas.step_log_barrier.copy()
    one[3] = np.inf
    assert not passes(PAPER, "a4", lemmas=lemmas.assign(step_log_barrier=one))
    assert not passes(PAPER, "a4", lemmas=blank(lemmas))


def test_a5(passes, lemmas, blank):
    mr, ewn = rates(0.5, smallest=-0.5), rates(0.5, smallest=-4.0)
    assert passes(PAPER, "a5", lemmas=lemmas, rates_mr=mr, rates_ewn=ewn)
    plain = lemmas.assign(estimate_reduced=lemmas.estimate_plain)
    mild = lemmas.assign(estimate_plain=lemmas.estimate_reduced)
    other = lemmas.assign(estimate_mean_difference=lemmas.estimate_mean_difference + 1e-6)
    for wrong in (plain, mild, other, blank(lemmas)):
        assert not passes(PAPER, "a5", lemmas=wrong, rates_mr=mr, rates_ewn=ewn)
    assert not passes(PAPER, "a5", lemmas=lemmas, rates_mr=rates(0.5, smallest=-1.5), rates_ewn=rates(0.5, smallest=-9))
    assert not passes(PAPER, "a5", lemmas=lemmas, rates_mr=mr, rates_ewn=rates(0.5, smallest=-1.0))


def test_a6(passes, blank):
    def actions(barrier, reduced):
        return study(
            [
                (f"{name} {a} {copies}", name, {"actions": a, "copies": copies}, a**power)
                for name, power in (("lb", barrier), ("mr", reduced))
                for a in (2, 4, 8, 16)
                for copies in (1, 0)
            ]
        )

    assert passes(PAPER, "a6", actions=actions(0.55, 0.2))
    assert not passes(PAPER, "a6", actions=actions(0.2, 0.55))
    assert not passes(PAPER, "a6", actions=actions(0.75, 0.45))
    assert not passes(PAPER, "a6", actions=blank(actions(0.55, 0.2), but=("actions", "copies")))


def test_a7(passes, inverses, blank):
    full = inverses.assign(error=inverses.error.fillna(inverses.error.max()))
    gammas = xr.DataArray([1.0, 3.0], dims="gamma", coords={"gamma": full.gamma})
    worse = xr.where(full.algorithm == "inverse", full.error, full.error * 3 * gammas).transpose(*full.error.dims)
    falling = xr.where(full.algorithm == "inverse", worse, worse / gammas**2 * 9).transpose(*full.error.dims)
    assert passes(PAPER, "a7", inverses=full.assign(error=worse))
    assert not passes(PAPER, "a7", inverses=full.assign(error=worse.isel(algorithm=[1, 0, 2]).values + 0 * full.error))
    assert not passes(PAPER, "a7", inverses=full.assign(error=falling))
    assert not passes(PAPER, "a7", inverses=blank(full))


def test_a8(passes, simulator_free, blank):
    assert passes(PAPER, "a8", simulator_free=simulator_free)

    def changed(method, factor):
        return simulator_free.assign(
            regret=simulator_free.regret.where(simulator_free.algorithm != method, simulator_free.regret * factor)
        )

    assert not passes(PAPER, "a8", simulator_free=changed("mgr", 0.5))
    assert not passes(PAPER, "a8", simulator_free=changed("uniform", 0.1))
    assert not passes(PAPER, "a8", simulator_free=changed("inv", simulator_free.episodes**0.15))
    assert not passes(PAPER, "a8", simulator_free=blank(simulator_free))


def test_a9(passes, blank):
    own = rates(0.5, 1.0)
    assert passes(PAPER, "a9", rates_mr=own, rates_ewn=rates(0.5, 1.0, 1), rates_mr0=rates(0.5, 0.97, 2))
    assert not passes(PAPER, "a9", rates_mr=own, rates_ewn=rates(0.5, 0.8, 1), rates_mr0=rates(0.5, 1.0, 2))
    assert not passes(PAPER, "a9", rates_mr=own, rates_ewn=rates(0.5, 1.0, 1), rates_mr0=rates(0.5, 0.8, 2))
    assert not passes(PAPER, "a9", rates_mr=blank(own), rates_ewn=own, rates_mr0=own)


def test_a10(passes, blank):
    def dims(power):
        return study([(f"d = {d}", "mr", {"dim": d}, d**power) for d in (2, 4, 8)], ("noisy8", "noisy32"))

    uniform = rates(1.0)
    assert passes(PAPER, "a10", rates_mr=rates(0.5), rates_uniform=uniform, dims=dims(0.5))
    assert not passes(PAPER, "a10", rates_mr=rates(0.75), rates_uniform=uniform, dims=dims(0.5))
    assert not passes(PAPER, "a10", rates_mr=rates(0.5), rates_uniform=rates(0.5), dims=dims(0.5))
    assert not passes(PAPER, "a10", rates_mr=rates(0.5), rates_uniform=uniform, dims=dims(1.2))
    assert not passes(PAPER, "a10", rates_mr=blank(rates(0.5)), rates_uniform=uniform, dims=dims(0.5))


def test_a11(passes, blank):
    def simulators(factor):
        cases = [
            ("lb", 0, 80),
            ("mr", 0, 80),
            ("lb", 30, 40),
            ("mr", 30, 40),
            ("lb", 300, 80 * factor),
            ("mr", 300, 80),
        ]
        return study([(f"{name} {m}", name, {"trajectories": m}, value) for name, m, value in cases])

    assert passes(PAPER, "a11", simulators=simulators(1.05))
    assert not passes(PAPER, "a11", simulators=simulators(1.3))
    assert not passes(PAPER, "a11", simulators=simulators(0.7))
    assert not passes(PAPER, "a11", simulators=blank(simulators(1), but=("trajectories",)))


def test_a12(passes, blank):
    def states(growth, hot):
        cases = [
            (f"{name} {s}", name, {"states": s}, value)
            for name in ("lb", "mr")
            for s, value in ((6, 1), (24, 1), (96, growth))
        ]
        tabular = [(f"hot {s}", "lb", {"states": s, "one_hot": 1}, hot) for s in (6, 24)]
        return study([*cases, *tabular], ("gap", "noisy8"))

    assert passes(PAPER, "a12", states=states(1.1, 1.6))
    assert not passes(PAPER, "a12", states=states(1.5, 1.6))
    assert not passes(PAPER, "a12", states=states(1.1, 1.0))  # the test could not see the number of states
    assert not passes(PAPER, "a12", states=blank(states(1.1, 1.6), but=("states", "one_hot")))


def test_a13_is_not_evaluated(verdict, simulator_free):
    assert verdict(PAPER, "a13", simulator_free=simulator_free)["verdict"] == "not evaluated"


def test_a14(passes, relative, blank):
    assert passes(PAPER, "a14", relative=relative)
    assert not passes(PAPER, "a14", relative=relative.assign(deviation=relative.deviation + 0.7))
    assert not passes(PAPER, "a14", relative=relative.assign(needed=relative.needed**2))
    assert not passes(PAPER, "a14", relative=relative.assign(needed=relative.needed**0.5))
    assert not passes(PAPER, "a14", relative=blank(relative, but=("draws",)))


def test_a15(passes, lemmas, blank):
    assert passes(PAPER, "a15", lemmas=lemmas)
    assert not passes(PAPER, "a15", lemmas=lemmas.assign(sequence_log_barrier=lemmas.sequence_log_barrier + 1))
    swapped = lemmas.assign(pair_entropy=lemmas.pair_log_barrier, pair_log_barrier=lemmas.pair_entropy)
    assert not passes(PAPER, "a15", lemmas=swapped)
    assert not passes(PAPER, "a15", lemmas=blank(lemmas))


def test_a16(passes, lemmas, blank):
    assert passes(PAPER, "a16", lemmas=lemmas)
    assert not passes(PAPER, "a16", lemmas=lemmas.assign(second_moment=lemmas.second_moment * 1.01))
    assert not passes(PAPER, "a16", lemmas=lemmas.assign(estimate_moment=lemmas.estimate_moment + 2))
    assert not passes(PAPER, "a16", lemmas=blank(lemmas))
