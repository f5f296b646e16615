"""Stages of dpp_least_squares, called as functions at tiny size."""

from pathlib import Path

import numpy as np
import pytest

from lib.atlas.job.claims import judge, measure
from lib.atlas.workflow.config import load_paper

PAPER = "dpp_least_squares"
DESIGNS = {
    "size": 5, "sizes": [5, 8, 10, 20], "functions": ["exponential", "next"], "repetitions": 30, "delta": 0.5,
    "max_tries": 3, "grid": 101, "shown": 4, "root_seed": 0,
}  # fmt: skip
LEGENDRE = {"name": "legendre", "family": "legendre", "dim": 1, "degree": 3, "function": "runge", "cut": 0.0}
PLANE = {"name": "plane", "family": "legendre", "dim": 2, "degree": 2, "function": "rational", "cut": 0.0}
CLOUD = {"name": "cloud", "family": "cloud", "dim": 2, "degree": 1, "atoms": 80, "function": "rational", "cut": 0.0}
CROSS = {
    "name": "cross", "family": "legendre", "dim": 6, "degree": 1, "index_set": "hyperbolic_cross", "function": "next",
    "cut": 0.0,
}  # fmt: skip


def test_errors_are_above_the_best_and_absent_where_there_is_no_design(load):
    run = load(f"{PAPER}/fit_designs")(**DESIGNS, strategies=["iid", "rep", "iid_cond"])
    assert np.all((run.l2_error / run.best_error).sel(strategy="iid") >= 1)
    assert np.all(np.isnan(run.l2_error.sel(strategy="rep", n=8)))  # no multiple of m
    assert np.all(run.tries.sel(strategy="rep", n=8) == 0)
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
        size=4, function="runge", sizes=[16, 24], strategies=["iid", "rep"], bound_sizes=[40, 100], draws=400,
        repetitions=100, delta=0.5, max_tries=1000, root_seed=0,
    )  # fmt: skip
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
    assert np.isnan(short.needed.sel(strategy="iid", level=0.9)).all()  # not reached, and said so


def test_spaces_grow_with_their_points(load):
    run = load(f"{PAPER}/grow_spaces")(
        sizes=[3, 6], strategies=["vol", "rep"], log_factors=[1.0], multiples=[2], functions=["next", "runge"],
        repetitions=40, interpolation_size=3, interpolation_draws=3000, root_seed=0,
    )  # fmt: skip
    np.testing.assert_array_equal(run.points.sel(strategy="vol"), [[4, 6], [11, 12]])
    np.testing.assert_array_equal(run.points.sel(strategy="rep"), [[6, 6], [12, 12]])
    assert np.all(run.error >= 1)
    se = run.interpolation.std() / np.sqrt(3000)
    assert run.interpolation.mean() == pytest.approx(3, abs=4 * float(se))


def test_bounds_are_kept(load):
    run = load(f"{PAPER}/bound_errors")(
        size=4, points=24, functions=["runge", "kink"], repetitions=60, delta=0.5, max_tries=1000, grid=400,
        features=40, decay=3.0, smoothness=0.6, root_seed=0,
    )  # fmt: skip
    assert run.uniform_ratio.max() <= 1
    assert run.kernel_ratio.sel(control=["iid", "vol"]).max() <= 1
    assert np.all(run.best_error < run.best_uniform_error)  # mu is a probability


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
    }
    stores = {
        name.removeprefix("designs_"): load(f"{PAPER}/{stage}")(**p[name], root_seed=0)
        for name, stage in stages.items()
    }
    claims = {name: load(f"{PAPER}/claims", name) for name in claim_ids(PAPER)}
    verdicts = judge(rules, measure(claims, rules, "laptop", stores, {}, {}), "laptop")
    assert all(verdict["quantities"] for verdict in verdicts)
