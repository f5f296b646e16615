"""Stages of adaptive_data_analysis, called as functions at small size."""

import numpy as np
import pytest


def test_noise_supports_more_queries_than_empirical_means_and_splitting_fewer(load):
    run = load("adaptive_data_analysis/count_queries")(
        size=1000,
        tau=0.15,
        noises=[0.2],
        laplace_noises=[0.1],
        growth=1.3,
        success=0.75,
        repetitions=8,
        largest_ratio=8.0,
        root_seed=0,
    )
    tolerated = dict(zip(run.mechanism.values.tolist(), run.tolerated.values.tolist()))
    assert 0.1 < tolerated["naive"] / 1000 < 0.4
    assert tolerated["split"] < tolerated["naive"] < tolerated["gaussian"]


def test_reconstruction_orders_the_mechanisms(load):
    run = load("adaptive_data_analysis/reconstruct")(
        size=300,
        universe=128,
        threshold=0.12,
        scale=0.01,
        sigma=0.03,
        queries=[16, 4096],
        seeds=2,
        max_updates=0,
        private_test=False,
        delta=1e-6,
        root_seed=0,
    )
    worst = run.worst.mean("seed").isel(queries=-1)
    assert worst.sel(mechanism="pmw") < 0.17 < worst.sel(mechanism="naive")
    assert np.isnan(worst.sel(mechanism="split"))
    assert run.worst.sel(mechanism="naive", queries=4096).max() <= run.variation.max() + 1e-6
    assert run.epsilon_bound == pytest.approx(run.update_bound / (300 * 0.01))


def test_private_selection_stays_under_its_bound(load):
    run = load("adaptive_data_analysis/transfer")(
        size=500, candidates=200, epsilons=[0.1, 1.0], runs=50, tau=0.325, beta=0.05, rng=np.random.default_rng(0)
    )
    assert (run.bias.mean("run") <= run.bound).all()
    assert run.premises.values.tolist() == [True, False]
    assert run.largest.mean() > run.bias.mean("run").max()


def test_rounds_raise_one_alarm_and_guesses_are_found(load):
    run = load("adaptive_data_analysis/validate")(
        sizes=[16000, 500],
        universe=64,
        guesses=1500,
        wrong=4,
        tau=0.15,
        epsilon=0.3,
        seeds=1,
        round_sizes=[2000],
        round_queries=[4000],
        round_tau=0.2,
        round_epsilon=1.0,
        round_sigma=0.05,
        rounds=2,
        root_seed=1,
    )
    fate = run.fate.isel(seed=0)
    assert fate.sel(size=16000, what="of these missed") == 0
    assert fate.sel(size=500, what="guesses looked at") < fate.sel(size=16000, what="guesses looked at")
    error = run.error.sel(query="last").squeeze()
    assert error.sel(mechanism="effective_rounds") < 0.06 < 0.3 < error.sel(mechanism="naive")
    assert run.alarms.item() == 1


def test_the_audit_detects_the_careless_mechanism(load):
    run = load("adaptive_data_analysis/audit_privacy")(size=20, epsilon=1.0, trials=4000, level=0.01, root_seed=0)
    honest = run.sel(mechanism=run.mechanism != "laplace, half the noise")
    assert (honest.audited <= honest.accounted).all()
    assert run.audited.sel(mechanism="laplace, half the noise") > 1.3
