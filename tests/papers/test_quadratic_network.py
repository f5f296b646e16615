"""Stages of quadratic_network, called as functions at tiny size."""

import numpy as np
import pytest

AMP = {
    "size": 16, "kappa": 0.5, "alphas": [0.2, 0.3], "noise": 0.0, "teachers": 2, "iterations": 10, "damping": 0.5,
    "onsager": True, "root_seed": 0,
}  # fmt: skip


def test_message_passing_has_one_start_and_the_same_data_for_variants(load):
    stage = load("quadratic_network/simulate_amp")
    run, plain = stage(**AMP, sensing="rank1"), stage(**{**AMP, "onsager": False}, sensing="rank1")
    goe = stage(**AMP, sensing="goe")
    np.testing.assert_array_equal(run.error[:, :, 0], plain.error[:, :, 0])
    np.testing.assert_array_equal(run.error[:, :, 0], goe.error[:, :, 0])  # the teachers are the same
    assert not np.array_equal(run.error[:, :, -1], plain.error[:, :, -1])
    np.testing.assert_array_equal(run.samples, [51, 76])
    with pytest.raises(ValueError, match="sensing"):
        stage(**AMP, sensing="other")


def test_averages_are_not_worse_than_single_runs_and_are_debiased(load):
    stage = load("quadratic_network/simulate_gd")
    run = stage(
        size=10, kappa=0.5, alphas=[0.2], neuron_deviation=0.0, decays=[0.0, 0.1], teachers=1, initialisations=6,
        learning_rate=0.03, steps=200, stop_at=1e-7, amp_iterations=5, teacher=0, root_seed=0, device="cpu",
    )  # fmt: skip
    np.testing.assert_array_equal(run.averaged, [1, 2, 4, 6])
    single, average = run.error_single.mean("initialisation"), run.error_average.isel(averaged=-1)
    assert bool((average < single).all())
    np.testing.assert_allclose(run.error_limit, single - (single - average) * 6 / 5)
    np.testing.assert_allclose(run.error_average.isel(averaged=0), run.error_single.isel(initialisation=0))


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
