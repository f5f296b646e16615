"""Stages of adversarial_mdp, called as functions at tiny size, and its claims."""

import numpy as np
import xarray as xr

SLUG = "adversarial_mdp"


def test_errors_have_mean_zero_and_variance_one_over_n(load):
    errors = load(f"{SLUG}/measure_errors")(samples=[4, 16], repetitions=4000, rng=np.random.default_rng(0)).error
    np.testing.assert_allclose(errors.mean("repetition"), 0, atol=0.03)
    np.testing.assert_allclose(errors.var("repetition") * errors.samples, 1, rtol=0.1)


def test_the_claim_holds_for_independent_numbers_alone(passes, blank):
    errors = xr.Dataset({"error": (("samples", "repetition"), [[0.5, -0.5], [0.25, -0.25]])}, {"samples": [4, 16]})
    assert passes(SLUG, "c1", errors=errors)
    assert not passes(SLUG, "c1", errors=errors * 2)
    assert not passes(SLUG, "c1", errors=blank(errors))
