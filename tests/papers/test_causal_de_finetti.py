"""Stages of causal_de_finetti, called as functions at small size."""

import numpy as np


def test_enumeration(load):
    run = load("causal_de_finetti/enumerate_graphs")(largest=3, models_largest=3)
    assert run.exchangeable_classes.values.tolist() == run.graphs.values.tolist() == [3, 25]
    assert run.mismatches.values.tolist() == [0, 0]
    assert run.recovered.sel(variant="corrected").values.tolist() == [3, 25]


def test_exact_mixtures(load):
    run = load("causal_de_finetti/tabulate_mixtures")(
        priors=[[1, 3], [2, 1], [1, 4]], coupled=[[0.2, 0.25, 0.5], [0.8, 0.5, 0.9]], random_priors=5,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert run.exact.sel(statement="reverse", mixture="independent") == "16/1815"
    assert run.exact.sel(statement="causal", mixture="coupled") == "24/625"
    assert (run.dependent > 0).all()
    assert (run.independent == 0).all()


def test_baselines_see_the_same_data_as_the_rule(load):
    ours = load("causal_de_finetti/find_directions")(environments=40, seeds=4, permuted=True, root_seed=0)
    theirs = load("causal_de_finetti/fit_baselines")(environments=40, seeds=4, alpha=0.05, root_seed=0)
    np.testing.assert_array_equal(ours.truth, theirs.truth)
    assert set(np.unique(theirs.choice)) <= {0, 1, 2, 3}
    assert ours.sizes["arm"] == 2


def test_graphs_are_found_from_many_environments(load):
    run = load("causal_de_finetti/find_graphs")(environments=20000, nodes=3, seeds=3, pc_alpha=0.01, root_seed=0)
    mean = run.score.mean("seed").sel(measure="distance")
    assert mean.sel(algorithm="corrected") < mean.sel(algorithm="pc")


def test_scoring_counts_open_edges_as_released_or_as_half(load):
    import xarray as xr

    scores = load("causal_de_finetti/claims", "scores")
    run = xr.Dataset(
        {"choice": (("algorithm", "seed"), [[3, 1, 2], [3, 1, 2]]), "truth": ("seed", [0, 1, 2])},
        coords={"algorithm": ["ges", "cd_nod"]},
    )
    assert scores(run, fair=True)["ges"].tolist() == [0.5, 1.0, 1.0]
    assert scores(run, fair=False)["ges"].tolist() == [0.0, 0.0, 1.0]
    assert scores(run, fair=False)["cd_nod"].tolist() == [0.0, 1.0, 1.0]
