"""Stages of dpp_least_squares, called as functions at tiny size."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import integrate, special, stats

from lib.atlas.job.claims import judge, measure
from lib.atlas.workflow.config import load_paper
from lib.regression.problems import space
from lib.sampling.designs import sample_design

PAPER = "dpp_least_squares"
DESIGNS = {
    "size": 5,
    "sizes": [5, 8, 10, 20],
    "functions": ["exponential", "next"],
    "repetitions": 30,
    "delta": 0.5,
    "max_tries": 3,
    "grid": 101,
    "shown": 4,
    "root_seed": 0,
}
LEGENDRE = {"name": "legendre", "family": "legendre", "dim": 1, "degree": 3, "function": "runge", "cut": 0.0}
PLANE = {"name": "plane", "family": "legendre", "dim": 2, "degree": 2, "function": "rational", "cut": 0.0}
CLOUD = {"name": "cloud", "family": "cloud", "dim": 2, "degree": 1, "atoms": 80, "function": "rational", "cut": 0.0}
CROSS = {
    "name": "cross",
    "family": "legendre",
    "dim": 6,
    "degree": 1,
    "index_set": "hyperbolic_cross",
    "function": "next",
    "cut": 0.0,
}


def test_errors_are_above_the_best_and_absent_where_there_is_no_design(load):
    run = load(f"{PAPER}/fit_designs")(**DESIGNS, strategies=["iid", "rep", "rvol", "iid_cond"])
    assert np.all((run.l2_error / run.best_error).sel(strategy="iid") >= 1)
    assert np.all(np.isnan(run.l2_error.sel(strategy="rvol", n=8)))  # no multiple of 2m
    assert np.all(run.tries.sel(strategy="rvol", n=8) == 0)
    assert np.all(np.isfinite(run.l2_error.sel(strategy="rep", n=8)))  # part of a copy
    failed = ~run.accepted.sel(strategy="iid_cond")
    assert failed.any()  # three tries are not enough at n = m
    assert np.all(np.isnan(run.lambda_min.sel(strategy="iid_cond")).values == failed.values)
    assert np.nanmin(run.lambda_min.sel(strategy="iid_cond")) >= 0.5
    assert np.all(np.isfinite(run.x.sel(strategy="iid", n=8)).sum("point") == 8)
    # the supremum is above the root of the mean square over the interval
    assert np.all(run.sup_error.sel(strategy="iid", n=20) > run.l2_error.sel(strategy="iid", n=20))


def test_streams_belong_to_strategy_and_size(load):
    stage = load(f"{PAPER}/fit_designs")
    both = stage(**DESIGNS, strategies=["iid", "rep"])
    alone = stage(**{**DESIGNS, "sizes": [10]}, strategies=["rep"])
    np.testing.assert_array_equal(both.l2_error.sel(strategy="rep", n=10), alone.l2_error.sel(strategy="rep", n=10))


def test_identities_hold_within_their_errors(load):
    run = load(f"{PAPER}/check_identities")(
        bases=[LEGENDRE, PLANE, CLOUD, CROSS], draws=1500, iid_draws=500, multiples=[3], root_seed=1
    )
    np.testing.assert_array_equal(run["size"], [4, 6, 3, 7])
    assert np.all(np.abs(run.moment - run.moment_exact) < 4.5 * run.moment_se)
    assert np.all(run.point_p_value > 1e-4)
    inverse = run.inverse.sel(inverse_strategy="vol")
    assert np.all(np.abs(inverse - 1) < 4.5 * run.inverse_se.sel(inverse_strategy="vol"))
    assert np.all(run.bias.sel(bias_strategy="vol") < 4.5 * run.bias_se.sel(bias_strategy="vol"))
    assert np.all(run.rms >= 1)


def test_conditioned_designs_keep_their_bound(load):
    run = load(f"{PAPER}/condition_designs")(
        size=4,
        function="runge",
        sizes=[16, 24],
        strategies=["iid", "rep"],
        bound_sizes=[40, 100],
        draws=400,
        repetitions=100,
        delta=0.5,
        max_tries=1000,
        root_seed=0,
    )
    assert np.all(run.square_error.mean("repetition") < run.bound)
    assert np.all(run.failure.sel(strategy="rep") < run.failure.sel(strategy="iid"))
    expected = 1 / (1 - run.failure)
    np.testing.assert_allclose(run.tries.mean("repetition"), expected, rtol=0.4)
    assert np.all(run.iid_failure <= run.iid_bound + 0.05)


def test_search_takes_the_first_size_that_is_good_enough(load):
    search = {"levels": [0.5, 0.9], "repetitions": 60, "delta": 0.5, "root_seed": 0}
    search["strategies"] = ["iid", "rep", "rvol"]
    run = load(f"{PAPER}/find_sizes")(bases=[LEGENDRE, CLOUD], step=1.0, largest=30.0, **search)
    assert np.all(run.needed % run["size"] == 0)
    assert np.all(run.needed.sel(strategy="rvol") % (2 * run["size"]) == 0)
    assert np.all(run.needed.sel(level=0.5) <= run.needed.sel(level=0.9))
    assert np.all(run.needed.sel(strategy="rep") < run.needed.sel(strategy="iid"))
    for level in (0.5, 0.9):
        for b in run.basis.values:
            at = run.sel(basis=b, strategy="iid")
            first = at.tried.values[np.argmax(at.probability.values >= level)]
            assert first == run.needed.sel(basis=b, strategy="iid", level=level)
    short = load(f"{PAPER}/find_sizes")(bases=[LEGENDRE], step=1.3, largest=1.5, **search)
    assert np.isnan(short.needed.sel(strategy="iid", level=0.9)).all()  # not reached


def test_spaces_grow_with_their_points(load):
    run = load(f"{PAPER}/grow_spaces")(
        sizes=[3, 6],
        strategies=["vol", "rep"],
        log_factors=[1.0],
        multiples=[2],
        functions=["next", "runge"],
        repetitions=40,
        interpolation_size=3,
        interpolation_draws=3000,
        root_seed=0,
    )
    np.testing.assert_array_equal(run.points.sel(strategy="vol"), [[4, 6], [11, 12]])
    np.testing.assert_array_equal(run.points.sel(strategy="rep"), [[6, 6], [12, 12]])
    assert np.all(run.error >= 1)
    se = run.interpolation.std() / np.sqrt(3000)
    assert run.interpolation.mean() == pytest.approx(3, abs=4 * float(se))


def test_bounds_are_kept(load):
    run = load(f"{PAPER}/bound_errors")(
        size=4,
        points=24,
        functions=["runge", "kink"],
        repetitions=60,
        delta=0.5,
        max_tries=1000,
        grid=400,
        features=40,
        decay=3.0,
        smoothness=0.6,
        root_seed=0,
    )
    assert run.uniform_ratio.max() <= 1
    assert run.kernel_ratio.sel(control=["iid", "vol"]).max() <= 1
    assert np.all(run.best_error < run.best_uniform_error)  # mu is a probability


def test_shares_of_stable_designs_are_those_of_fresh_ones(load):
    run = load(f"{PAPER}/map_stability")(
        families=["legendre", "hermite"],
        sizes=[1, 4, 6],
        points=[5, 9, 14],
        strategies=["mc", "iid", "vol", "rep"],
        repetitions=300,
        delta=0.75,
        root_seed=0,
    )
    assert np.all(run.stable.sel(size=1) == 1)  # constants: G = 1
    assert np.all(np.isnan(run.stable.sel(size=6, n=5)))
    at = run.stable.sel(size=4)
    assert np.all(at.sel(strategy="rep") >= at.sel(strategy="iid"))
    assert np.all(at.sel(family="hermite", strategy="mc", n=14) < at.sel(family="hermite", strategy="iid", n=14) - 0.2)
    for strategy in ("vol", "rep"):
        fresh = sample_design(strategy, space("hermite", 1, 3), 14, np.random.default_rng(0), 2000)
        share = np.mean(fresh.eigenvalues[:, 0] >= 0.25)
        assert float(at.sel(family="hermite", strategy=strategy, n=14)) == pytest.approx(share, abs=0.12)


def test_relative_errors_lie_above_the_best_and_beside_what_is_printed(load):
    run = load(f"{PAPER}/compare_errors")(
        family="hermite",
        function="bell",
        sizes=[10],
        multiples=[2, 5],
        strategies=["vol", "rep_cond"],
        draws=200,
        delta=0.75,
        max_tries=100,
        published=[
            {"size": 10, "strategy": "vol", "multiple": 5, "rms": 0.15},
            {"size": 30, "strategy": "vol", "multiple": 5, "rms": 9.0},
        ],
        root_seed=0,
    )
    assert np.all(run.relative_error >= run.best)
    # the norm of the function and its best error by adaptive integration and Gauss-Hermite nodes of many more digits
    norm = np.sqrt(integrate.quad(lambda x: stats.norm.pdf(x) / (1 + 2 * x**2) ** 2, -np.inf, np.inf)[0])
    total = 0.0
    for degree in range(0, 10, 2):
        hermite = special.hermitenorm(degree) / np.sqrt(special.factorial(degree))
        total += integrate.quad(lambda x, h=hermite: h(x) * stats.norm.pdf(x) / (1 + 2 * x**2), -np.inf, np.inf)[0] ** 2
    assert float(run.best.sel(size=10)) == pytest.approx(np.sqrt(1 - total / norm**2), rel=1e-6)
    assert run.printed_rms.sel(strategy="vol").values.ravel()[1] == 0.15
    assert np.isfinite(run.printed_rms).sum() == 1
    assert np.all(run.tries.sel(strategy="vol") == 1)


def test_excess_errors_fall_with_points_and_averages(load):
    run = load(f"{PAPER}/measure_rates")(
        size=4,
        function="runge",
        multiples=[4, 16],
        draws=800,
        averaged_multiple=3,
        copies=[1, 8],
        averages=800,
        tail_sizes=[4],
        tail_multiples=[1, 2],
        tail_draws=500,
        root_seed=0,
    )
    excess, averaged = run.excess.mean("draw").values, run.averaged_excess.mean("average").values
    assert 3 < excess[0] / excess[1] < 7
    assert averaged[0] / averaged[1] == pytest.approx(8, rel=0.35)  # unbiased: the variance alone is left
    assert np.all(run.smallest >= 0)
    assert np.all(run.smallest.median("tail_draw").diff("tail_multiple") > 0)


def test_removal_leaves_at_least_m_points_and_recycling_saves_evaluations(load):
    run = load(f"{PAPER}/save_evaluations")(
        size=4,
        function="runge",
        points=24,
        strategies=["iid", "rep"],
        deltas=[0.5, 0.8],
        max_tries=1000,
        repetitions=20,
        levels=[3, 6],
        multiple=5,
        runs=60,
        root_seed=0,
    )
    assert run.left.min() >= 4
    assert np.all(run.left.mean("repetition").sel(delta=0.8) <= run.left.mean("repetition").sel(delta=0.5))
    assert run.left.max() < 24
    assert np.all(run.square_after.mean("repetition") > run.square_before.mean("repetition"))
    assert np.all(run.reused.sel(level=3) == 0)
    expected = np.sum(np.minimum(np.arange(31), 15) * stats.binom(30, 0.5).pmf(np.arange(31)))
    assert float(run.reused.sel(level=6).mean()) == pytest.approx(expected, abs=4 * 3 / np.sqrt(60))
    assert np.all(run.square_recycled >= 1)


def test_every_claim_is_measured_and_judged(load, claim_ids):
    """The quantities that the rules name are those that the claims measure, from stores of smoke scale."""
    paper = load_paper(PAPER, Path(__file__).resolve().parents[2], "smoke")
    p, rules = paper["parameters"], paper["claims"]
    stages = {
        "identities": "check_identities",
        "identities_bases": "check_identities",
        "designs_independent": "fit_designs",
        "designs_volume": "fit_designs",
        "designs_repeated": "fit_designs",
        "conditioning": "condition_designs",
        "sizes_growth": "find_sizes",
        "sizes_bases": "find_sizes",
        "growth": "grow_spaces",
        "bounds": "bound_errors",
        "errors": "compare_errors",
        "rates": "measure_rates",
    }
    stores = {
        name.removeprefix("designs_"): load(f"{PAPER}/{stage}")(**p[name], root_seed=0)
        for name, stage in stages.items()
    }
    claims = {name: load(f"{PAPER}/claims", name) for name in claim_ids(PAPER)}
    verdicts = judge(rules, measure(claims, rules, "laptop", stores, {}, {}), "laptop")
    assert all(verdict["quantities"] for verdict in verdicts)


def _identities(bases=("legendre",), deviation=1.0, volume_inverse=1.0, iid_inverse=1.5, bias=1.0):
    """Moments `deviation` standard errors off, biases of volume samples `bias` standard errors, inverses as stated."""
    strategies, biased = ["vol", "vol_mu", "iid"], ["vol", "rep", "iid", "mc"]
    number = len(bases)
    inverse = np.empty((number, 3, 2))
    inverse[:, :2], inverse[:, 2] = volume_inverse, iid_inverse
    over = ("basis", "inverse_strategy", "multiple")
    return xr.Dataset(
        {
            "moment": (("basis", "moment_name"), np.full((number, 2), 1 + 0.01 * deviation)),
            "moment_se": (("basis", "moment_name"), np.full((number, 2), 0.01)),
            "moment_exact": (("basis", "moment_name"), np.ones((number, 2))),
            "point_p_value": ("basis", np.full(number, 0.5)),
            "inverse": (over, inverse),
            "inverse_se": (over, np.full(inverse.shape, 0.01)),
            "inverse_median": (over, inverse),
            "bias": (("basis", "bias_strategy"), np.array([[0.1 * bias, 0.1, 0.3, 0.9]] * number)),
            "bias_se": (("basis", "bias_strategy"), np.full((number, 4), 0.1)),
            "rms": (("basis", "strategy", "multiple"), np.full((number, 3, 2), 1.2)),
        },
        coords={
            "basis": list(bases),
            "moment_name": ["mean count", "pairs"],
            "inverse_strategy": strategies,
            "bias_strategy": biased,
            "strategy": strategies,
            "multiple": [2, 4],
        },
        attrs={"draws": 1500, "iid_draws": 20000},
    )


def _designs(**levels):
    """Errors over the best error by strategy, the same at every n, with four repetitions around them."""
    around = np.array([0.99, 1.0, 1.0, 1.01])
    errors = np.array([[level * around] * 5 for level in levels.values()])[..., None]
    return xr.Dataset(
        {
            "l2_error": (("strategy", "n", "repetition", "function"), 0.2 * errors),
            "best_error": ("function", [0.2]),
        },
        coords={"strategy": list(levels), "n": [20, 30, 40, 60, 100], "function": ["runge"]},
        attrs={"m": 10},
    )


def _growth(volume=(1.5, 1.4, 1.3), interpolation=4.0):
    """Errors of three strategies for three sizes of the space, and interpolation errors around their mean."""
    sizes = [5, 10, 20]
    levels = np.array([volume, [1.2] * 3, [2.0] * 3]).T
    around = np.array([0.99, 1.0, 1.0, 1.01])
    return xr.Dataset(
        {
            "error": (
                ("size", "strategy", "rule", "repetition", "function"),
                (levels[..., None] * around)[:, :, None, :, None],
            ),
            "interpolation": ("draw", interpolation + np.array([-1.0, 1.0] * 50)),
        },
        coords={"size": sizes, "strategy": ["vol", "rep", "iid"], "rule": ["1 m ln m"], "function": ["next"]},
        attrs={"interpolation_size": 4},
    )


def _sizes(repeated=(6, 6), independent=(15, 15), sizes=(10, 8), probability=(0.8, 0.92, 0.99)):
    """Points over m that repeated and independent designs need, by basis; volume samples need those of independent.

    `probability` is that of success at one multiple of m less, at the number needed, and at one multiple more.
    """
    names = ["legendre", "cloud", "plane", "cross"][: len(sizes)]
    m = np.array(sizes)
    needed = np.stack([independent * m, independent * m, repeated * m], axis=1)[..., None]
    tried = needed + m[:, None, None] * np.array([-1, 0, 1])
    return xr.Dataset(
        {
            "needed": (("basis", "strategy", "level"), needed.astype(float)),
            "tried": (("basis", "strategy", "step"), tried.astype(float)),
            "probability": (("basis", "strategy", "step"), np.broadcast_to(probability, tried.shape)),
            "size": ("basis", m),
        },
        coords={"basis": names, "strategy": ["iid", "vol", "rep"], "level": [0.9]},
        attrs={"repetitions": 2000},
    )


def _conditioning(iid_failure=0.3, repeated_failure=0.05, square=1.2, tries_of_repeated=None):
    """Failures of independent, volume and repeated designs, their tries, and errors below a bound of 2."""
    failure = np.array([[0.3], [0.2], [repeated_failure]])
    draws, repetitions = 1000, 200
    expected = 1 / (1 - failure)
    if tries_of_repeated is not None:
        expected[2] = tries_of_repeated
    jump = np.sqrt(expected - 1)[..., None] * np.tile([-1.0, 1.0], repetitions // 2)
    return xr.Dataset(
        {
            "failure": (("strategy", "n"), failure),
            "tries": (("strategy", "n", "repetition"), expected[..., None] + jump),
            "square_error": (
                ("strategy", "n", "repetition"),
                np.full((3, 1, repetitions), square) + 0.01 * np.sign(jump),
            ),
            "free_square_error": (("strategy", "n", "draw"), np.full((3, 1, draws), 1.5)),
            "bound": (("strategy", "n"), np.full((3, 1), 2.0)),
            "iid_failure": ("bound_n", [iid_failure, 0.0]),
            "iid_bound": ("bound_n", [0.5, 0.1]),
        },
        coords={"strategy": ["iid", "vol", "rep"], "n": [40], "bound_n": [60, 100]},
        attrs={"draws": draws, "m": 10, "delta": 0.5},
    )


def _bounds(uniform=0.8, kernel=0.7, control=2.0):
    """Ratios of errors to their bounds, and errors at uniform points `control` times those of conditioned designs."""
    repetitions = 50
    return xr.Dataset(
        {
            "uniform_ratio": (("strategy", "repetition", "function"), np.full((2, repetitions, 1), uniform)),
            "kernel_ratio": (("control", "repetition"), np.full((3, repetitions), kernel)),
            "kernel_error": (
                ("control", "repetition"),
                np.array([[0.1], [0.1], [0.1 * control]]) * np.ones(repetitions),
            ),
        },
        coords={"strategy": ["iid", "vol"], "control": ["iid", "vol", "uniform points"], "function": ["runge"]},
    )


def _errors(conditioned=0.16, repeated=0.18, volume=0.20, independent=0.9):
    """Relative errors by strategy with four repetitions around them, and what the paper prints."""
    strategies = ["iid", "vol", "rep", "rep_cond"]
    level = np.array([independent, volume, repeated, conditioned])
    around = np.array([0.99, 1.0, 1.0, 1.01])
    printed = np.array([0.39, 0.20, 0.18, 0.16])[None, :, None]
    over = ("size", "strategy", "multiple")
    return xr.Dataset(
        {
            "relative_error": ((*over, "draw"), (level[:, None] * around)[None, :, None, :]),
            "printed_rms": (over, printed),
        },
        coords={"size": [10], "strategy": strategies, "multiple": [2]},
    )


def _rates(power=-1.0, copies_power=-1.0, repeated=2.0):
    """Excess errors that are powers of n and of r, and smallest eigenvalues of repeated designs `repeated` times."""
    multiples, copies = np.array([4, 8, 16]), np.array([1, 4, 16])
    around = 1 + np.linspace(-0.1, 0.1, 100)
    smallest = np.linspace(0.001, 0.2, 200)
    return xr.Dataset(
        {
            "excess": (("multiple", "draw"), multiples[:, None] ** power * around),
            "averaged_excess": (("copies", "average"), copies[:, None] ** copies_power * around),
            "smallest": (
                ("tail_size", "strategy", "tail_multiple", "tail_draw"),
                np.stack([smallest, repeated * smallest])[None, :, None],
            ),
        },
        coords={
            "multiple": multiples,
            "copies": copies,
            "tail_size": [5],
            "strategy": ["iid", "rep"],
            "tail_multiple": [1],
        },
        attrs={"m": 10},
    )


RUNS = {
    "independent": _designs(iid=1.3, mc=1.5),
    "volume": _designs(vol=1.12),
    "repeated": _designs(rep=1.05),
}
TWO = ("legendre", "cloud")
# for each claim: stores on which it holds, and stores on which it does not
CLAIMS = {
    "d1": ({"identities": _identities()}, {"identities": _identities(deviation=5.0)}),
    "d2": ({"identities": _identities()}, {"identities": _identities(iid_inverse=1.0)}),
    "d3": ({"identities": _identities()}, {"identities": _identities(bias=5.0)}),
    "d3b": ({"growth": _growth()}, {"growth": _growth(interpolation=5.0)}),
    "d4": ({"volume": _designs(vol=1.12)}, {"volume": _designs(vol=1.2)}),
    "d4b": ({"growth": _growth()}, {"growth": _growth(volume=(1.5, 1.4, 1.6))}),
    "d5": (
        {"sizes_bases": _sizes()},
        {"sizes_bases": _sizes(repeated=(6, 6), independent=(7, 15))},
    ),
    "d6": (RUNS, {**RUNS, "volume": _designs(vol=1.4)}),
    "d7": ({"conditioning": _conditioning()}, {"conditioning": _conditioning(iid_failure=0.6)}),
    "d8": ({"conditioning": _conditioning()}, {"conditioning": _conditioning(repeated_failure=0.25)}),
    "d9": ({"bounds": _bounds()}, {"bounds": _bounds(uniform=1.01)}),
    "d9b": ({"bounds": _bounds()}, {"bounds": _bounds(control=0.9)}),
    "d10": (
        {"identities_bases": _identities(TWO), "sizes_bases": _sizes()},
        {"identities_bases": _identities(TWO, volume_inverse=1.2), "sizes_bases": _sizes()},
    ),
    "d11": (
        {"sizes_growth": _sizes(repeated=(5, 7), independent=(15, 20), sizes=(10, 20))},
        {"sizes_growth": _sizes(repeated=(5, 9), independent=(15, 20), sizes=(10, 20))},
    ),
    "d12": ({"errors": _errors()}, {"errors": _errors(conditioned=0.14, repeated=0.22)}),
    "d13": ({"rates": _rates()}, {"rates": _rates(power=-0.5)}),
    "d14": ({"rates": _rates()}, {"rates": _rates(copies_power=-0.7)}),
    "d15": ({"rates": _rates()}, {"rates": _rates(repeated=0.7)}),
}


def test_every_claim_has_stores_on_which_it_holds_and_fails(claim_ids):
    assert list(CLAIMS) == claim_ids(PAPER)


@pytest.mark.parametrize("name", CLAIMS)
def test_claims_hold_and_fail_where_they_must(passes, blank, name):
    holding, failing = CLAIMS[name]
    assert passes(PAPER, name, **holding)
    assert not passes(PAPER, name, **failing)
    assert not passes(PAPER, name, **{store: blank(values) for store, values in holding.items()})


@pytest.mark.parametrize(
    "change", [{"conditioned": 0.185}, {"repeated": 0.205}, {"volume": 0.27}, {"volume": 0.175}, {"independent": 0.19}]
)
def test_every_part_of_the_claim_on_the_table_counts(passes, change):
    assert not passes(PAPER, "d12", errors=_errors(**change))


def test_one_heavier_tail_breaks_the_conjecture(load):
    violations = load(f"{PAPER}/claims", "d15")(_rates(repeated=1.0))["violations"]
    assert violations["value"] == [0]  # equal laws
    rates = _rates()
    rates.smallest[0, 1, 0, :20] = 1e-6
    assert load(f"{PAPER}/claims", "d15")(rates)["violations"]["value"][0] > 0


@pytest.mark.parametrize(
    "change", [{"square": 2.1}, {"tries_of_repeated": 2.0}, {"repeated_failure": 0.2}, {"repeated_failure": 0.35}]
)
def test_every_part_of_the_claim_on_conditioning_counts(passes, change):
    assert not passes(PAPER, "d8", conditioning=_conditioning(**change))


def test_one_repetition_above_its_bound_breaks_the_almost_sure_claims(passes):
    bounds = _bounds()
    bounds.uniform_ratio[1, 7, 0] = 1.001
    bounds.kernel_ratio[0, 3] = np.nan
    assert not passes(PAPER, "d9", bounds=bounds)
    assert not passes(PAPER, "d9b", bounds=bounds)


def test_only_small_spaces_are_judged_by_their_points_over_m(load):
    quantities = load(f"{PAPER}/claims", "d10")(_identities(TWO), _sizes((6, 9, 6), (15, 15, 15), (10, 20, 11)))
    assert quantities["repeated_over_m"]["labels"] == ["plane"]
    assert quantities["probability_repeated_7m"]["labels"] == ["legendre", "plane"]
    assert quantities["probability_repeated_7m"]["value"] == [0.99] * 2


SHORT_OF_NINETY = {"probability": (0.89, 0.92, 0.99)}  # one multiple of m less may be enough as well


@pytest.mark.parametrize(
    ("name", "stores", "word", "firm"),
    [
        ("d1", {"identities": _identities(deviation=2.5)}, "reproduced", False),
        ("d1", {"identities": _identities(deviation=7.0)}, "not reproduced", True),
        ("d3", {"identities": _identities(bias=1.0)}, "reproduced", True),
        ("d3", {"identities": _identities(bias=3.0)}, "reproduced", False),
        ("d4", {"volume": _designs(vol=1.12)}, "reproduced", True),
        ("d4", {"volume": _designs(vol=1.145)}, "reproduced", False),
        ("d4", {"volume": _designs(vol=1.155)}, "not reproduced", False),
        ("d5", {"sizes_bases": _sizes()}, "reproduced", True),
        ("d5", {"sizes_bases": _sizes((6, 6), (10, 15))}, "reproduced", True),
        ("d5", {"sizes_bases": _sizes((6, 6), (10, 15), **SHORT_OF_NINETY)}, "reproduced", False),
        ("d5", {"sizes_bases": _sizes((8, 6), (15, 15), **SHORT_OF_NINETY)}, "not reproduced", False),
        ("d6", RUNS, "reproduced", True),
        ("d6", {**RUNS, "volume": _designs(vol=1.06)}, "reproduced", False),
        ("d8", {"conditioning": _conditioning(repeated_failure=0.19)}, "reproduced", False),
        # designs that were not drawn may exceed a bound that all drawn ones keep; one that exceeds it decides
        ("d9", {"bounds": _bounds()}, "reproduced", False),
        ("d9", {"bounds": _bounds(uniform=1.01)}, "not reproduced", True),
    ],
)
def test_verdicts_near_a_bound_are_within_error(verdict, name, stores, word, firm):
    claim = verdict(PAPER, name, **stores)
    assert (claim["verdict"], claim["firm"]) == (word, firm)


def test_number_needed_lies_between_the_sizes_that_its_probability_cannot_tell_apart(load):
    claim = load(f"{PAPER}/claims", "d5")
    needed = claim(_sizes(**SHORT_OF_NINETY))["repeated_over_m"]
    assert [needed[name] for name in ("low", "value", "high")] == [5, 6, 6]
    needed = claim(_sizes(probability=(0.8, 0.905, 0.99)))["repeated_over_m"]
    assert [needed[name] for name in ("low", "value", "high")] == [6, 6, 7]
    needed = claim(_sizes(probability=(0.8, 0.9, 0.905)))["repeated_over_m"]
    assert [needed[name] for name in ("low", "value", "high")] == [6, 6, np.inf]  # the search ended too early


def test_p_value_lies_within_the_band_about_the_empirical_distribution(load):
    p_value = load(f"{PAPER}/claims", "d1")(_identities())["p_value"]
    assert p_value["low"] < p_value["value"] == 0.5 < p_value["high"]
    assert p_value["se"] is None


@pytest.mark.parametrize("variable", ["probability", "tried"])
@pytest.mark.parametrize(
    ("name", "stores"),
    [
        ("d5", {"sizes_bases": _sizes()}),
        ("d11", {"sizes_growth": _sizes(repeated=(5, 7), independent=(15, 20), sizes=(10, 20))}),
    ],
)
def test_sizes_without_probabilities_are_not_known(passes, blank, variable, name, stores):
    ((key, store),) = stores.items()
    assert passes("dpp_least_squares", name, **stores)
    assert not passes("dpp_least_squares", name, **{key: store.assign({variable: blank(store)[variable]})})
