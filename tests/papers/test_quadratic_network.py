"""Stages of quadratic_network, called as functions at tiny size."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from lib.atlas.workflow.config import load_paper

ROOT = Path(__file__).resolve().parents[2]
AMP = {
    "size": 24,
    "kappa": 0.5,
    "alphas": [0.2, 0.3],
    "noise": 0.5,
    "teachers": 2,
    "iterations": 60,
    "damping": 0.5,
    "onsager": True,
    "root_seed": 0,
}


def test_message_passing_has_one_start_and_the_same_data_for_variants(load):
    stage = load("quadratic_network/simulate_amp")
    run, plain = stage(**AMP, sensing="rank1"), stage(**{**AMP, "onsager": False}, sensing="rank1")
    goe = stage(**AMP, sensing="goe")
    np.testing.assert_array_equal(run.error[:, :, 0], plain.error[:, :, 0])
    np.testing.assert_array_equal(run.error[:, :, 0], goe.error[:, :, 0])  # the teachers are the same
    assert not np.array_equal(run.error[:, :, -1], plain.error[:, :, -1])
    np.testing.assert_array_equal(run.samples, [115, 172])
    assert run.converged.all()
    assert not plain.converged.any()
    assert np.isfinite(plain.error).all()
    with pytest.raises(ValueError, match="sensing"):
        stage(**AMP, sensing="other")


def test_a_run_that_did_not_converge_has_no_error(load):
    run = load("quadratic_network/simulate_amp")(
        **{**AMP, "alphas": [0.05], "size": 40, "noise": 0.0, "iterations": 150}, sensing="rank1"
    )
    assert not run.converged.all()
    assert np.isnan(run.error.values[~run.converged.values]).all()


def test_claims_rest_on_the_runs_that_converged(verdict):
    runs = _messages(1.0)
    runs["error"] = runs.error.where((runs.teacher != 1) | (runs.alpha != 0.2), np.nan)
    ratio = verdict("quadratic_network", "q4", amp_noisy=runs)
    assert ratio["verdict"] == "reproduced"
    runs["error"] = runs.error.where(runs.alpha != 0.2, np.nan)  # of none
    assert verdict("quadratic_network", "q4", amp_noisy=runs)["verdict"] == "not reproduced"


DESCENT = {
    "sizes": {"small": 8, "main": 10},
    "kappa": 0.5,
    "alphas": [0.2],
    "neuron_deviation": 0.0,
    "decays": [0.0, 0.1],
    "teachers": 1,
    "initialisations": 6,
    "learning_rate": 0.03,
    "steps": 200,
    "stop_at": 1e-7,
    "scored_below": None,
    "amp_iterations": 5,
    "teacher": 0,
    "root_seed": 0,
    "device": "cpu",
}


def test_averages_are_not_worse_than_single_runs_and_are_debiased(load):
    stage = load("quadratic_network/simulate_gd")
    both = stage(**DESCENT)
    assert both.d.to_dict()["data"] == [8, 10]
    np.testing.assert_array_equal(both.samples.isel(alpha=0), [12, 20])
    run = both.sel(dimension="main")
    xr.testing.assert_equal(run, stage(**{**DESCENT, "sizes": {"small": None, "main": 10}}).sel(dimension="main"))
    np.testing.assert_array_equal(run.averaged, [1, 2, 4, 6])
    single, average = run.error_single.mean("initialisation"), run.error_average.isel(averaged=-1)
    assert bool((average < single).all())
    np.testing.assert_allclose(run.error_limit, single - (single - average) * 6 / 5)
    np.testing.assert_allclose(run.error_average.isel(averaged=0), run.error_single.isel(initialisation=0))


def test_a_point_with_a_run_that_did_not_converge_is_not_scored(load):
    """Decay keeps the residuals up; without it all runs interpolate."""
    run = load("quadratic_network/simulate_gd")(
        **{**DESCENT, "alphas": [0.1], "steps": 4000, "stop_at": 1e-6, "scored_below": 1e-5}
    )
    free, decayed = run.sel(decay=0.0), run.sel(decay=0.1)
    assert float(free.loss.max()) < 1e-6
    assert np.isfinite(free.error_single).all()
    assert np.isfinite(free.error_limit).all()
    assert float(decayed.loss.max()) > 1e-5
    for error in (decayed.error_single, decayed.error_average, decayed.error_limit):
        assert np.isnan(error).all()


def test_baselines_know_their_levels(load):
    stage = load("quadratic_network/fit_baselines")
    run = stage(size=30, kappa=0.5, alphas=[0.1], teachers=4, penalties=[0.001, 1000, 5], fresh=5000, root_seed=0)
    error = run.error.mean("teacher").isel(alpha=0)
    assert error.sel(estimator="identity") == pytest.approx(1, abs=0.15)
    assert error.sel(estimator="constant") == pytest.approx(1.5, abs=0.3)
    assert error.sel(estimator="min_norm") < error.sel(estimator="identity")


def test_denoising_has_the_theory_beside_it(load):
    run = load("quadratic_network/denoise_spectra")(
        size=200, kappas=[0.5, 1.0], noises=[0.2, 1.0], shown=[[0.5, 0.2]], points=50, root_seed=1
    )
    np.testing.assert_allclose(run.rie_error, run.rie_theory, rtol=0.1)
    np.testing.assert_allclose(run.linear_error, run.linear_theory, rtol=0.1)
    assert run.eigenvalue.shape == (1, 200)


def _theory(**changes):
    """Theory with the values that the paper and its authors state, changed where `changes` says so."""
    alpha, few = np.linspace(0.05, 0.45, 9), np.array([0.01, 0.02])
    variables = {
        "reference_published": ("reference", [0.85, 0.43]),
        "reference_error": ("reference", [0.85, 0.43]),
        "moments": (("moment", "reference"), np.array([[1, 1], [1, 1], [3.0, 4.0]])),
        "moments_expected": (("moment", "reference"), np.array([[1, 1], [1, 1], [3.0, 4.0]])),
        "threshold_error": ("threshold", [0.001, 0.002]),
        "wide_error": ("wide_alpha", 1 - 2 * alpha),
        "narrow_error": ("narrow", [0.938, 0.783]),
        "narrow_published": ("narrow", [0.938, 0.783]),
        "few_error": (("few_kappa", "few_alpha"), np.array([1 - 2 * few] * 2)),
        "fixed_point": ("point_of_evolution", [0.5, 0.2]),
        "fixed_point_error": ("point_of_evolution", [0.5, 0.2]),
    }
    coords = {
        "threshold": [0.5, 1.0],
        "wide_alpha": alpha,
        "few_alpha": few,
        "narrow": [0.5, 0.7],
        "reference_alpha": ("reference", [0.06, 0.19]),
        "reference_noise": ("reference", [0.0, 0.0]),
    }
    store = xr.Dataset(variables, coords=coords)
    return store.assign({name: store[name] * factor for name, factor in changes.items()})


def _messages(ratio, alphas=(0.1, 0.2, 0.3), teachers=3, spread=0.01):
    """Message passing whose last error is `ratio` times the Bayes error 1/2, with teachers around it."""
    around = spread * np.linspace(-1, 1, teachers)[:, None]
    last = 0.5 * (np.asarray(ratio) + around) * np.ones((teachers, len(alphas)))
    error = np.stack([np.ones_like(last), last], axis=-1)
    return xr.Dataset(
        {"error": (("teacher", "alpha", "iteration"), error), "bayes_error": ("alpha", np.full(len(alphas), 0.5))},
        coords={"alpha": list(alphas), "teacher": np.arange(teachers), "iteration": [0, 1]},
    )


def _descent(limit, small=None, single=2.0, loss=1e-8, alphas=(0.1, 0.2, 0.3, 0.5), decays=(0.0, 0.1)):
    """Two teachers: the average's error over Bayes error `limit`, `small` in the smaller dimension, a run's error
    `single` times as large.

    Both are numbers or follow decay; `single` may also be a column that follows alpha.
    """
    if small is not None:
        parts = zip(*(_descent(one, None, single, loss, alphas, decays) for one in (small, limit)))
        return [
            xr.concat([low.sel(dimension=["main"]).assign_coords(dimension=["small"]), high], "dimension")
            for low, high in parts
        ]
    errors = np.full((len(alphas), len(decays)), 0.5) * limit
    over, coords = ("alpha", "decay"), {"alpha": list(alphas), "decay": list(decays)}
    run = xr.Dataset(
        {
            "error_limit": (over, errors),
            "error_single": ((*over, "initialisation"), (single * errors)[..., None] * np.array([0.9, 1.1])),
            "error_average": ((*over, "averaged"), np.stack([single * errors, errors], axis=-1)),
            "loss": ((*over, "initialisation"), np.full((*errors.shape, 2), loss)),
            "amp_error": ("alpha", np.full(len(alphas), 0.5)),
            "bayes_error": ("alpha", np.full(len(alphas), 0.5)),
        },
        coords=coords,
    )
    run = run.expand_dims(dimension=["main"])
    return [run, run.assign(error_single=run.error_single[..., ::-1])]


def _baselines(alphas, **errors):
    """Three teachers: errors by estimator, the known levels of those that are not named."""
    alpha, d = np.array(alphas), 100
    levels = {"identity": 1.0, "min_norm": 1 - 2 * alpha, "ridge": 0.99, "linear_regression": 1.4, "constant": 1.5}
    levels = {name: np.ones_like(alpha) * level for name, level in (levels | errors).items()}
    error = np.stack([np.stack(list(levels.values()), axis=-1)] * 3)
    return xr.Dataset(
        {"error": (("teacher", "alpha", "estimator"), error), "samples": ("alpha", alpha * d**2)},
        coords={"alpha": alpha, "teacher": np.arange(3), "estimator": list(levels)},
        attrs={"d": d},
    )


def _spectra(rie):
    """An optimal denoiser whose error is `rie` times its theory, beside linear shrinkage of twice the error."""
    theory = np.array([[0.1, 0.2], [0.3, 0.4]])
    over = ("kappa", "noise")
    return xr.Dataset(
        {"rie_error": (over, rie * theory), "rie_theory": (over, theory), "linear_error": (over, 2 * theory)}
    )


THRESHOLD = {"alphas": (0.3, 0.43)}
# for each claim: stores on which it holds, and stores on which it does not
CLAIMS = {
    "q1": ({"theory": _theory()}, {"theory": _theory(reference_error=1.01)}),
    "q2": (
        {"theory": _theory(), "amp_threshold": _messages([0.4, 0.002], spread=1e-3, **THRESHOLD)},
        {"theory": _theory(), "amp_threshold": _messages([0.4, 0.2], spread=1e-3, **THRESHOLD)},
    ),
    "q3": (
        {"amp_clean": _messages(1.05), "amp_small": _messages(1.1), "amp_large": _messages(1.01)},
        {"amp_clean": _messages(1.05), "amp_small": _messages(1.01), "amp_large": _messages(1.1)},
    ),
    "q4": ({"amp_noisy": _messages(1.0)}, {"amp_noisy": _messages(1.2)}),
    "q5": ({"spectra": _spectra(1.01)}, {"spectra": _spectra(2.1)}),
    "q6": ({"gd_clean": _descent(1.1)}, {"gd_clean": _descent(1.1, single=1.2)}),
    "q6b": (
        {"gd_clean": _descent(1.1, small=1.2)},
        {"gd_clean": _descent(1.6, small=1.7)},
    ),
    "q6c": (
        {"gd_clean": _descent(1.2, small=1.3)},
        {"gd_clean": _descent(1.5, small=1.6)},
    ),
    "q7": ({"gd_noisy": _descent(np.array([2.0, 1.3]))}, {"gd_noisy": _descent(np.array([2.0, 1.05]))}),
    "q7b": (
        {"gd_noisy": _descent(1.0, single=np.array([[2.0], [1.5], [1.2], [1.1]]))},
        {"gd_noisy": _descent(1.0, single=np.array([[2.0], [1.5], [1.4], [1.3]]))},
    ),
    "q8": (
        {"baselines": _baselines([0.1, 0.2, 0.3]), "amp_small": _messages(0.8)},
        {"baselines": _baselines([0.1, 0.2, 0.3]), "amp_small": _messages(1.1)},
    ),
    "q9": (
        {"amp_rank1": _messages(1.0), "amp_goe": _messages(1.005)},
        {"amp_rank1": _messages(1.0), "amp_goe": _messages(1.1)},
    ),
    "q10": ({"theory": _theory()}, {"theory": _theory(narrow_error=1.01)}),
    "q11": (
        {"amp_plain": _messages(1.5), "amp_rank1": _messages(1.0, teachers=4)},
        {"amp_plain": _messages(1.1), "amp_rank1": _messages(1.0)},
    ),
    "q12": ({"theory": _theory()}, {"theory": _theory(fixed_point=1.001)}),
    "q13": (
        {"theory": _theory(), "baselines_few": _baselines([0.02])},
        {"theory": _theory(), "baselines_few": _baselines([0.02], linear_regression=0.9)},
    ),
}


def test_every_claim_has_stores_on_which_it_holds_and_fails(claim_ids):
    assert list(CLAIMS) == claim_ids("quadratic_network")


@pytest.mark.parametrize("name", CLAIMS)
def test_claims_hold_and_fail_where_they_must(passes, blank, name):
    holding, failing = CLAIMS[name]
    assert passes("quadratic_network", name, **holding)
    assert not passes("quadratic_network", name, **failing)
    assert not passes("quadratic_network", name, **{store: blank(values) for store, values in holding.items()})


def test_the_better_of_two_estimators_counts(load):
    quantities = load("quadratic_network/claims", "q13")(_theory(), _baselines([0.02], min_norm=0.97, ridge=0.95))
    assert quantities["least_squares"]["value"] == pytest.approx(0.95)


def test_the_best_decay_is_that_of_the_mean_over_teachers(load):
    quantities = load("quadratic_network/claims", "q7")(_descent(np.array([2.0, 1.3])))
    assert quantities["best_decay"]["value"] == 0.1
    assert quantities["ratio_to_bayes"]["value"] == pytest.approx(1.3)


def test_averages_at_paper_scale_must_come_closer_with_the_dimension(verdict):
    """Within the bounds, but no closer than in the smaller dimension: not reproduced."""
    for name in ("q6b", "q6c"):
        closer = verdict("quadratic_network", name, at="paper", gd_clean=_descent(1.1, small=1.2))
        farther = verdict("quadratic_network", name, at="paper", gd_clean=_descent(1.2, small=1.1))
        assert [closer["verdict"], farther["verdict"]] == ["reproduced", "not reproduced"]


def test_points_that_were_not_scored_leave_the_means(verdict):
    first, second = _descent(1.1)
    lost = first.copy(deep=True)
    lost[["error_single", "error_average", "error_limit"]] *= np.nan
    lost["loss"] = lost.loss + 1.0
    claim = verdict("quadratic_network", "q6", gd_clean=[first, second, lost])
    assert claim["verdict"] == "reproduced"
    assert claim["quantities"]["largest_loss"]["value"] == 1e-8
    assert claim["quantities"]["converged"]["value"] == pytest.approx(2 / 3)
    assert claim["quantities"]["ratio"]["n"] == [2, 2, 2]
    assert verdict("quadratic_network", "q6", gd_clean=[lost, lost])["verdict"] == "not reproduced"


DEVIATIONS = {"amp_clean": _messages(1.05), "amp_small": _messages(1.1)}


@pytest.mark.parametrize(
    ("name", "stores", "word", "firm"),
    [
        ("q2", CLAIMS["q2"][0], "reproduced", True),
        (
            "q2",
            {"theory": _theory(), "amp_threshold": _messages([0.4, 0.002], spread=0.02, **THRESHOLD)},
            "reproduced",
            False,
        ),
        ("q3", {**DEVIATIONS, "amp_large": _messages(1.01)}, "reproduced", True),
        ("q3", {**DEVIATIONS, "amp_large": _messages(1.09)}, "reproduced", False),
        ("q3", {**DEVIATIONS, "amp_large": _messages(1.11)}, "not reproduced", False),
        ("q4", {"amp_noisy": _messages(1.09)}, "reproduced", False),
        ("q4", {"amp_noisy": _messages(1.0, teachers=1)}, "reproduced", False),  # the error of one is not known
        ("q4", {"amp_noisy": _messages(1.2)}, "not reproduced", True),
        ("q5", {"spectra": _spectra(1.01)}, "reproduced", False),
    ],
)
def test_verdicts_near_a_bound_are_within_error(verdict, name, stores, word, firm):
    claim = verdict("quadratic_network", name, **stores)
    assert (claim["verdict"], claim["firm"]) == (word, firm)


def test_variants_on_the_same_data_are_paired(verdict):
    teachers = {"teachers": 4, "spread": 0.2}  # teachers differ by more than the variants do
    plain, onsager = _messages(1.5, **teachers), _messages(1.0, **teachers)
    assert verdict("quadratic_network", "q11", amp_plain=onsager * 1.4, amp_rank1=onsager)["firm"]
    others = plain[{"teacher": [3, 2, 1, 0]}].assign_coords(teacher=plain.teacher)  # on other data
    assert not verdict("quadratic_network", "q11", amp_plain=others, amp_rank1=onsager)["firm"]
    fifth = onsager[{"teacher": [0]}].assign(error=9 * onsager.error[:1]).assign_coords(teacher=[4])
    more = xr.concat([onsager, fifth], "teacher", data_vars="minimal")
    assert verdict("quadratic_network", "q11", amp_plain=onsager * 1.4, amp_rank1=more)["firm"]  # first teachers alone
    same = verdict("quadratic_network", "q9", amp_rank1=onsager, amp_goe=onsager + 0.01)
    difference = same["quantities"]["difference"]
    assert difference["value"] == pytest.approx([0.01] * 3)
    assert difference["high"] == pytest.approx([0.01] * 3)
    assert same["firm"]


def test_published_values_stand_beside_the_values_in_their_order():
    paper = load_paper("quadratic_network", ROOT, "smoke")
    published = {claim["id"]: claim.get("paper_number") for claim in paper["claims"]}
    theory = paper["parameters"]["theory"]
    assert published["q1"] == {"error": [row[-1] for row in theory["reference"]]}
    assert published["q10"] == {"narrow": [row[-1] for row in theory["narrow"]]}
