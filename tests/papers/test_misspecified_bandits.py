"""Stages of misspecified_bandits, called as functions at small size, and claims where they hold and where they fail."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

PAPER = "misspecified_bandits"
CASE = {"name": "a", "dim": 5, "sparsity": 1, "eps": 0.05, "actions": 200, "instances": 4}
MODES = ["random", "sign", "adversarial"]


@pytest.fixture
def guarantee(load):
    cases = [CASE, {**CASE, "name": "b", "sparsity": 2, "eps": 0.2, "instances": 3}]
    return load(f"{PAPER}/run_elimination")(cases=cases, modes=MODES, supports=False, root_seed=0)


@pytest.fixture
def fitted(load):
    case = {**CASE, "sparsity": 2, "eps": 0.2}
    return load(f"{PAPER}/run_elimination")(cases=[case], modes=MODES, supports=True, root_seed=0)


@pytest.fixture
def queries(load):
    cases = [
        {**CASE, "name": f"{s} {d} {eps}", "dim": d, "sparsity": s, "eps": eps, "actions": 1000, "instances": 3}
        for s, eps in ((1, 0.1), (1, 0.05), (2, 0.2))
        for d in (4, 6, 8)
    ]
    return load(f"{PAPER}/run_elimination")(cases=cases, modes=[*MODES, "null"], supports=False, root_seed=0)


@pytest.fixture
def packings(load):
    def one(sizes, tau):
        return load(f"{PAPER}/hide_in_packings")(
            sizes=sizes, tau=tau, tries=800, packings=3, needle_limit=60, root_seed=0
        )

    return one


@pytest.fixture
def signs(load):
    return load(f"{PAPER}/hide_in_signs")(dims=[16, 32, 64], needle_dims=[16], multiple=8, draws=3, root_seed=0)


@pytest.fixture
def decoys(load):
    return load(f"{PAPER}/fit_decoys")(dims=[4, 16, 64], eps=0.05)


@pytest.fixture
def attained(load):
    return load(f"{PAPER}/attain_errors")(dims=[4, 16], actions=300, eps=0.05, draws=20, root_seed=0)


@pytest.fixture
def adversary(load):
    case = {"name": "d = 24", "dim": 24, "sparsity": 1, "eps": 0.05, "actions": 1500}
    return load(f"{PAPER}/compare_algorithms")(cases=[case], modes=["aligned"], draws=4, root_seed=0)


@pytest.fixture
def spheres(load):
    case = {"name": "d = 5", "dim": 5, "sparsity": 2, "eps": 0.2, "actions": 200}
    return load(f"{PAPER}/compare_algorithms")(cases=[case], modes=MODES, draws=3, root_seed=0)


@pytest.fixture
def codes(load):
    return load(f"{PAPER}/hide_in_codes")(
        primes=[5, 7], deltas=[0.5, 0.75], all_pairs_limit=200, pairs=3000, needle_limit=60, root_seed=0
    )


@pytest.fixture
def lasso(load):
    return load(f"{PAPER}/fit_lasso")(
        dim=600, queries=200, sparsities=[2, 4], eps=0.01, radii=[0.005, 0.01], radii_sparsity=2, draws=4, root_seed=0
    )


@pytest.fixture
def correlated(load):
    return load(f"{PAPER}/fit_correlated")(
        dim=60, actions=300, queries=50, correlations=[0.0, 0.9], sparsities=[2, 4], eps=0.005, draws=3, root_seed=0
    )


def test_sizes_of_nets(load):
    nets = load(f"{PAPER}/count_nets")(
        sparsities=[1, 2], radii=[0.2, 0.1], dim=6, dims=[4, 8], radius=0.1, dense_dims=[2, 30], dense_radius=0.05
    )
    np.testing.assert_allclose(np.exp(nets.by_dim.sel(sparsity=1)), [4 * 11, 8 * 11])
    assert float(nets.dense[-1]) > 50 > float(nets.sparse[-1])


def test_random_control_makes_as_many_queries(guarantee):
    queries = guarantee.queries
    np.testing.assert_array_equal(queries.sel(algorithm="random"), queries.sel(algorithm="elimination"))
    assert np.isnan(guarantee.gap.sel(algorithm="supports")).all()
    assert np.isnan(guarantee.gap.sel(algorithm="elimination", case="b").isel(instance=3)).all()
    assert guarantee.consistent


def test_streams_belong_to_the_instance(load, guarantee):
    alone = load(f"{PAPER}/run_elimination")(cases=[{**CASE, "instances": 2}], modes=MODES, supports=False, root_seed=0)
    xr.testing.assert_equal(alone.gap.isel(case=0), guarantee.gap.isel(case=0, instance=slice(2)))


def test_a_large_instance_gives_what_elimination_gives(load):
    run = load(f"{PAPER}/run_large")(
        dim=6, sparsity=2, eps=0.2, actions=300, modes=[*MODES, "null"], root_seed=0, device="cpu", checkpoint=None
    )
    assert (run.gap <= 4).all()
    assert (run.queries < run.net_size).all()


def test_least_squares_is_misled_and_elimination_is_not(adversary, decoys):
    gaps = adversary.gap.mean("draw").isel(case=0, mode=0)
    assert float(gaps.sel(algorithm="design")) > 2 * float(gaps.sel(algorithm="elimination"))
    assert (decoys.gap.sel(algorithm=["elimination", "design_best", "supports"]) <= 4).all()


def test_choosing_an_action_of_a_table(load, tmp_path):
    path = tmp_path / "actions.csv"
    pd.DataFrame({"x": [1.0, 0.0, -1.0], "y": [0.0, 1.0, 0.0], "reward": [0.6, 0.0, -0.6]}).to_csv(path, index=False)
    choice = load(f"{PAPER}/choose_action")(path, sparsity=1, eps=0.05)
    assert int(choice.action) == 0
    assert bool(choice.final)


def _broken(store, **changes):
    return store.assign({name: change(store[name]) for name, change in changes.items()})


def test_m1(passes, guarantee, blank):
    assert passes(PAPER, "m1", guarantee=_broken(guarantee, gap=lambda gap: gap.where(gap.algorithm != "random", 9.0)))
    assert not passes(PAPER, "m1", guarantee=_broken(guarantee, gap=lambda gap: gap * 0 + 3))  # so is random choice
    worse = _broken(
        guarantee, gap=lambda gap: xr.where(gap.instance == 1, 4.5, gap * 0 + 9 * (gap.algorithm == "random"))
    )
    assert not passes(PAPER, "m1", guarantee=worse)
    assert not passes(PAPER, "m1", guarantee=blank(guarantee))


def test_m2(passes, queries, blank):
    assert passes(PAPER, "m2", queries=queries)
    squared = _broken(queries, queries=lambda q: q * 0 + queries.dim**1.5)
    assert not passes(PAPER, "m2", queries=squared)
    assert not passes(PAPER, "m2", queries=_broken(queries, queries=lambda q: q * 0 + 101))
    assert not passes(PAPER, "m2", queries=blank(queries, but=("dim", "sparsity", "eps")))


def test_m3(passes, packings, queries, blank):
    far = packings([60, 80, 100], 0.2)
    one = queries.isel(case=queries.sparsity.values == 1)
    one = one.isel(case=one.eps.values == 0.05).assign_coords(case=["a", "b", "c"])
    one = one.assign(dim=("case", [60, 80, 100]), queries=one.queries * 0 + xr.DataArray([3.0, 4.0, 5.0], dims="case"))
    assert passes(PAPER, "m3", packings_far=far, queries_far=one)
    assert not passes(PAPER, "m3", packings_far=_broken(far, count=lambda n: n * 0 + 60), queries_far=one)
    assert not passes(PAPER, "m3", packings_far=far, queries_far=_broken(one, queries=lambda q: 60 * q))
    assert not passes(PAPER, "m3", packings_far=blank(far), queries_far=one)


def test_m4(passes, signs, decoys, blank):
    grown = _broken(signs, hidden=lambda h: h * 0 + signs.dim**0.45)
    assert passes(PAPER, "m4", signs=grown, decoys=decoys)
    assert not passes(PAPER, "m4", signs=_broken(grown, success=lambda f: f * 0 + 1.1), decoys=decoys)
    assert not passes(PAPER, "m4", signs=_broken(grown, hidden=lambda h: h * 0 + 2), decoys=decoys)
    assert not passes(PAPER, "m4", signs=grown, decoys=_broken(decoys, gap=lambda g: 1.01 * g))
    assert not passes(PAPER, "m4", signs=blank(signs), decoys=decoys)


def test_m5(verdict, attained, blank):
    assert verdict(PAPER, "m5", attained=attained)["verdict"] == "reproduced"
    assert verdict(PAPER, "m5", attained=_broken(attained, error=lambda e: 0.8 * e))["verdict"] == "not reproduced"
    assert verdict(PAPER, "m5", attained=blank(attained))["verdict"] == "not reproduced"


def test_m6(passes, packings, blank):
    near, far = packings([8, 12, 16], 0.5), packings([60, 80, 100], 0.2)
    assert passes(PAPER, "m6", packings_near=near, packings_far=far)
    for name, change in (
        ("count", lambda n: n * 0 + 50),
        ("exact", lambda e: e.where(e.search != "design", False)),
        ("exact", lambda e: e.where(e.search != "leaky", True)),
        ("largest", lambda n: n + 100),
    ):
        assert not passes(PAPER, "m6", packings_near=_broken(near, **{name: change}), packings_far=far)
    assert not passes(PAPER, "m6", packings_near=blank(near), packings_far=blank(far))


def test_m7(passes, codes, lasso, blank):
    assert passes(PAPER, "m7", codes=codes, lasso=lasso)
    assert not passes(PAPER, "m7", codes=_broken(codes, overlap=lambda n: n + 1), lasso=lasso)
    assert not passes(PAPER, "m7", codes=_broken(codes, exact=lambda e: ~e), lasso=lasso)
    assert not passes(PAPER, "m7", codes=codes, lasso=_broken(lasso, lasso=lambda e: e * lasso.sparsity))
    assert not passes(PAPER, "m7", codes=codes, lasso=_broken(lasso, norm=lambda e: e / 100))
    assert not passes(PAPER, "m7", codes=blank(codes), lasso=lasso)


def test_m8(verdict, adversary, spheres, blank):
    better = _broken(adversary, gap=lambda g: xr.where(g.algorithm == "random", 3.0 + 0.1 * g.draw, 0.5 + 0 * g))
    few = better.assign(queries=better.queries.where(better.algorithm != "elimination", 2))
    assert verdict(PAPER, "m8", adversary=few, spheres=spheres)["firm"]
    scattered = _broken(few, gap=lambda g: xr.where((g.algorithm == "random") & (g.draw == 0), 9.0, g))
    result = verdict(PAPER, "m8", adversary=scattered, spheres=spheres)
    assert result["verdict"] == "reproduced" or not result["firm"]
    many = better.assign(queries=better.queries * 0 + 50)
    assert verdict(PAPER, "m8", adversary=many, spheres=spheres)["verdict"] == "not reproduced"
    worse = _broken(few, gap=lambda g: g * 0 + 1.0 + 0.1 * g.draw)
    assert verdict(PAPER, "m8", adversary=worse, spheres=spheres)["verdict"] == "not reproduced"
    assert verdict(PAPER, "m8", adversary=blank(few), spheres=spheres)["verdict"] == "not reproduced"


def test_m9(passes, fitted, correlated, blank):
    good = _broken(correlated, gap=lambda g: xr.where(g.algorithm == "queried", 5.0, 0.1 + 0 * g))
    few = fitted.assign(queries=fitted.queries.clip(max=40))
    assert passes(PAPER, "m9", fitted=few, correlated=good)
    assert not passes(PAPER, "m9", fitted=fitted.assign(queries=fitted.queries * 0 + 51), correlated=good)
    assert not passes(PAPER, "m9", fitted=_broken(few, gap=lambda g: g + 5), correlated=good)
    assert not passes(PAPER, "m9", fitted=few, correlated=_broken(good, gap=lambda g: g * 0 + 2))
    assert not passes(PAPER, "m9", fitted=blank(few, but=("sparsity",)), correlated=good)


def test_m10_is_not_evaluated(verdict, guarantee):
    assert verdict(PAPER, "m10", guarantee=guarantee)["verdict"] == "not evaluated"
