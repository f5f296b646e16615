"""Stages of private_sparse_regression, called as functions at small size, and claims where they hold and fail."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

PAPER = "private_sparse_regression"
POINT = {"users": 1e9, "dim": 4, "sparsity": 2, "epsilon": 1.0}
SETTINGS = {"seeds": 20, "delta": 1e-5, "noise": 0.25, "public_rows": 1e9, "root_seed": 0}


@pytest.fixture
def closed_form(load):
    def one(axis, values, methods=("classical", "public", "tight", "pure"), exact=False, **changes):
        points = [{**POINT, "users": 6.4e10, **changes, axis: value} for value in values]
        return load(f"{PAPER}/sweep_closed_form")(points=points, methods=list(methods), exact=exact, **SETTINGS)

    return one


@pytest.fixture
def rounds(load):
    def one(axis, values, variants=("ours", "l1", "one_round"), **changes):
        points = [{**POINT, "dim": 64, **changes, axis: value} for value in values]
        return load(f"{PAPER}/sweep_thresholding")(
            points=points, variants=list(variants), rounds=8, seeds=20, noise=0.25, root_seed=0
        )

    return one


@pytest.fixture
def interaction(load):
    return load(f"{PAPER}/compare_interaction")(
        dims=[16, 32, 64, 128], users=6.4e10, sparsity=2, epsilon=1.0, rounds=25, few_rounds=8, kept=4, seeds=30,
        noise=0.25, root_seed=0,
    )  # fmt: skip


@pytest.fixture
def users(load):
    case = {
        "name": "rounds, rademacher", "method": "rounds", "design": "rademacher", "dim": 8, "sparsity": 2,
        "users": 40_000, "epsilon": 2.0, "seeds": 6, "bound_x": 1.0, "rounds": 2,
    }  # fmt: skip
    other = {**case, "name": "tight", "method": "tight", "dim": 3, "seeds": 4, "users": 60_000}
    return load(f"{PAPER}/simulate_users")(cases=[case, other], noise=0.25, delta=1e-5, root_seed=0, checkpoint=None)


@pytest.fixture
def audit(load):
    return load(f"{PAPER}/audit_mechanisms")(
        epsilons=[0.5, 2.0], control_epsilon=1.0, dim=8, trials=400_000, delta=1e-5, noise=0.25, root_seed=0
    )


@pytest.fixture
def bound(load):
    return load(f"{PAPER}/check_bound")(
        suprema=[[2, 1], [3, 2]], epsilons=[0.25, 1.0], channels=200, messages=4, signal=0.5, hard_dims=[8], delta=1e-5,
        hard_sparsity=2, hard_users=6.4e10, hard_epsilon=1.0, seeds=10, root_seed=0,
    )  # fmt: skip


@pytest.fixture
def radius(load):
    return load(f"{PAPER}/check_radius")(
        kept=[2, 8, 32], dim=64, sparsity=2, users=4000, epsilon=1.0, noise=0.25, root_seed=0
    )


@pytest.fixture
def byproduct(load):
    return load(f"{PAPER}/fit_byproduct")(
        rows=[200, 400, 800], dims=[10, 20], sparsity=5, noise=0.5, correlation=0.5, seeds=6, root_seed=0
    )


def _broken(store, **changes):
    return store.assign({name: change(store[name]) for name, change in changes.items()})


def _flat(store, name="total"):
    """The same store with errors that do not depend on the settings."""
    return _broken(store, **{name: lambda e: e.isel(point=0, drop=True).broadcast_like(e).transpose(*e.dims)})


def test_exact_and_limit_agree_where_sampling_does_not_matter(closed_form):
    exact, limit = (closed_form("users", [1e9], ("classical",), exact) for exact in (True, False))
    assert float(exact.oracle.mean()) == pytest.approx(float(limit.oracle.mean()), rel=0.3)


def test_too_few_users_give_no_estimate(closed_form):
    assert closed_form("users", [1e4], ("classical",)).total.isnull().mean() > 0.5
    assert closed_form("users", [1e4], ("projected",)).total.notnull().all()


def test_simulated_users_agree_with_the_limit(users):
    case = users.sel(case="rounds, rademacher")
    assert float(case.users.mean()) == pytest.approx(float(case.limit.mean()), rel=0.3)
    other = users.sel(case="tight").dropna("seed")
    assert 0.3 < float(other.users.mean() / other.limit.mean()) < 3


def test_a_stopped_simulation_goes_on_to_the_same_result(load, stopping):
    case = {
        "name": "tight", "method": "tight", "design": "rademacher", "dim": 3, "sparsity": 2, "users": 200_000,
        "epsilon": 2.0, "seeds": 2, "bound_x": 1.0, "rounds": 1,
    }  # fmt: skip
    stage = load(f"{PAPER}/simulate_users")
    arguments = {"cases": [case], "noise": 0.25, "delta": 1e-5, "root_seed": 0}
    checkpoint = stopping(5)
    with pytest.raises(KeyboardInterrupt):
        stage(**arguments, checkpoint=checkpoint)
    xr.testing.assert_identical(stage(**arguments, checkpoint=checkpoint), stage(**arguments, checkpoint=None))


def test_a_table_of_ones_own(load, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200_000, 2))
    path = tmp_path / "own.csv"
    frame = pd.DataFrame(x, columns=["a", "b"])
    frame["response"] = 0.5 * x[:, 0]
    frame.to_csv(path, index=False)
    arguments = {"epsilon": 8.0, "delta": 1e-6, "bound_x": 1.0, "bound_y": 1.0, "length": 1.0, "clip": False}
    result = load(f"{PAPER}/estimate_privately")(path, **arguments, rng=np.random.default_rng(1))
    np.testing.assert_allclose(result.unpenalised, [0.5, 0], atol=4 * float(result.standard_error.max()))
    with pytest.raises(ValueError, match="clip"):
        load(f"{PAPER}/estimate_privately")(path, **{**arguments, "bound_y": 0.1}, rng=np.random.default_rng(1))
    frame.assign(a="x").to_csv(path, index=False)
    with pytest.raises(ValueError, match="a, row 1"):
        load(f"{PAPER}/estimate_privately")(path, **arguments, rng=np.random.default_rng(1))


def test_p1(passes, closed_form, blank):
    by_n = closed_form("users", [1e8, 1e9, 1e10], ("classical",), dim=8)
    exact = closed_form("users", [1e8, 1e9, 1e10], ("classical",), True, dim=8)
    assert passes(PAPER, "p1", by_n=by_n, by_n_exact=exact)
    assert not passes(PAPER, "p1", by_n=_flat(by_n, "nu"), by_n_exact=exact)
    assert not passes(PAPER, "p1", by_n=_broken(by_n, level=lambda e: e / 4), by_n_exact=exact)
    assert not passes(PAPER, "p1", by_n=_broken(by_n, level=lambda e: e * 4), by_n_exact=exact)
    assert not passes(PAPER, "p1", by_n=by_n, by_n_exact=_broken(exact, total=lambda e: 1.5 * e))
    assert not passes(PAPER, "p1", by_n=blank(by_n, but=("users", "epsilon")), by_n_exact=exact)


def test_p2(passes, closed_form, blank):
    by_eps = closed_form("epsilon", [0.25, 0.5, 1.0], ("classical",), dim=8)
    by_eps = _broken(by_eps, nu=lambda e: e * 0 + 1 / by_eps.epsilon, oracle=lambda e: e * 0 + 1 / by_eps.epsilon)
    assert passes(PAPER, "p2", by_eps=by_eps)
    assert not passes(PAPER, "p2", by_eps=_flat(by_eps, "nu"))
    assert not passes(PAPER, "p2", by_eps=blank(by_eps, but=("epsilon",)))


def test_p3(passes, closed_form, blank):
    by_d, wide = (closed_form("dim", dims, ("classical",)) for dims in ([4, 8, 16], [8, 16, 32]))
    by_d, wide = (
        _broken(one, **{name: lambda e, one=one: e * 0 + one.dim**1.1 for name in ("total", "nu", "oracle")})
        for one in (by_d, wide)
    )
    assert passes(PAPER, "p3", by_d=by_d, by_d_wide=wide)
    assert not passes(PAPER, "p3", by_d=_flat(by_d), by_d_wide=wide)
    assert not passes(PAPER, "p3", by_d=by_d, by_d_wide=blank(wide, but=("dim",)))


def test_p4(passes, closed_form, blank):
    store = closed_form("dim", [4, 8, 16])
    power = xr.where(store.estimator == "public", 0.5, 1.0)
    store = _broken(
        store, **{name: lambda e: e * 0 + store.dim**power * (3 - 2 * (power == 0.5)) for name in ("total", "oracle")}
    )
    store = store.transpose("estimator", "point", "seed")
    assert passes(PAPER, "p4", by_d_public=store)
    assert not passes(PAPER, "p4", by_d_public=_flat(store))
    assert not passes(PAPER, "p4", by_d_public=_broken(store, total=lambda e: xr.where(power == 0.5, 3 * e, e)))
    assert not passes(PAPER, "p4", by_d_public=blank(store, but=("dim",)))


def test_p5(passes, closed_form, blank):
    by_k = closed_form("sparsity", [1, 2, 4], ("classical", "public"), dim=12)
    spread = closed_form("sparsity", [2, 4, 8], ("classical", "public"), dim=12, first=0.5)
    assert passes(PAPER, "p5", by_k=by_k, by_k_spread=spread)
    assert not passes(PAPER, "p5", by_k=_flat(by_k), by_k_spread=spread)
    assert not passes(PAPER, "p5", by_k=by_k, by_k_spread=_broken(spread, oracle=lambda e: e * 0 + spread.sparsity))
    assert not passes(PAPER, "p5", by_k=blank(by_k, but=("sparsity",)), by_k_spread=spread)


def test_p6(passes, rounds, users, blank):
    stores = {
        "rounds_n": rounds("users", [1e8, 1e9, 1e10]),
        "rounds_d": rounds("dim", [32, 64, 128]),
        "rounds_k": rounds("sparsity", [1, 2, 4], dim=128, users=1e11),
        "users": _broken(users, limit=lambda e: users.users * 1.01),
    }
    assert passes(PAPER, "p6", **stores)
    for name, bad in (
        ("rounds_n", _flat(stores["rounds_n"])),
        ("rounds_d", _broken(stores["rounds_d"], total=lambda e: e * stores["rounds_d"].dim)),
        ("rounds_k", _flat(stores["rounds_k"])),
        ("users", _broken(users, limit=lambda e: users.users * 1.5)),
        ("users", blank(users, but=("seeds",))),
    ):
        assert not passes(PAPER, "p6", **{**stores, name: bad})


def test_p7(passes, interaction, blank):
    assert passes(PAPER, "p7", interaction=interaction)
    turned = interaction.assign_coords(estimator=["rounds", "few_rounds", "pure", "pure_oracle", "one_round"])
    assert not passes(PAPER, "p7", interaction=turned)
    assert not passes(PAPER, "p7", interaction=blank(interaction))


def test_p8(passes, closed_form, rounds, blank):
    methods = ("classical", "public")
    stores = {
        "by_d": closed_form("dim", [4, 8, 16], methods, users=6.4e11),
        "by_d_wide": closed_form("dim", [8, 16, 32], methods, users=6.4e11),
        "rounds_far": rounds("dim", [16, 32, 64, 128], ("ours",)),
        "by_k": closed_form("sparsity", [1, 2, 4], methods, dim=12),
    }
    assert passes(PAPER, "p8", **stores)
    assert not passes(PAPER, "p8", **{**stores, "by_d": _flat(stores["by_d"], "oracle")})
    assert not passes(
        PAPER, "p8", **{**stores, "rounds_far": blank(stores["rounds_far"], but=("dim", "sparsity", "users"))}
    )


def test_p9(passes, byproduct, blank):
    good = _broken(
        byproduct,
        error=lambda e: e.sel(estimator="closed_form", drop=True) * xr.where(e.estimator == "least_squares", 2.0, 1.0),
    )
    good = good.transpose("estimator", "dim", "rows", "seed")
    assert passes(PAPER, "p9", byproduct=good)
    for changed in ("lasso_oracle", "least_squares"):
        bad = _broken(good, error=lambda e, name=changed: e.where(e.estimator != name, e / 4))
        assert not passes(PAPER, "p9", byproduct=bad)
    assert not passes(PAPER, "p9", byproduct=blank(good))


def test_p9b(passes, load, byproduct, blank):
    times = load(f"{PAPER}/time_byproduct")(
        rows=[200, 400, 800], dim=20, sparsity=2, noise=0.5, correlation=0.5, repeats=3, root_seed=0
    )
    slow = _broken(times, time=lambda t: t * 0 + xr.where(t.estimator == "lasso_cv", 4.0, 1.0) + 0.001 * t.repeat)
    slow = slow.transpose("estimator", "rows", "repeat")
    assert passes(PAPER, "p9b", times=slow, byproduct=byproduct)
    even = _broken(slow, time=lambda t: t * 0 + 1 + 0.001 * t.repeat)
    assert not passes(PAPER, "p9b", times=even, byproduct=byproduct)
    assert not passes(PAPER, "p9b", times=blank(times), byproduct=byproduct)


def test_p10_and_p12(passes, audit, blank):
    assert passes(PAPER, "p10", audit=audit)
    assert passes(PAPER, "p12", audit=audit)
    assert not passes(PAPER, "p10", audit=_broken(audit, audited=lambda e: 1.1 * e))
    assert not passes(PAPER, "p10", audit=_broken(audit, audited=lambda e: 0.9 * e))
    assert not passes(PAPER, "p10", audit=_broken(audit, delta_ratio=lambda e: e + 1))
    assert not passes(PAPER, "p12", audit=_broken(audit, control=lambda e: e / 2))
    assert not passes(PAPER, "p12", audit=_broken(audit, refused=lambda e: e < 0))
    for claim in ("p10", "p12"):
        assert not passes(PAPER, claim, audit=blank(audit))


def test_p11(passes, closed_form, load, blank):
    methods = ("none", "central", "classical")
    models = closed_form("dim", [4, 6, 8], methods, True, users=1e9)
    power = xr.DataArray([0.1, 0.1, 1.1], dims="estimator")
    models = _broken(models, total=lambda e: (e * 0 + 1) * models.dim**power).transpose("estimator", "point", "seed")
    few = closed_form("users", [1e7], methods, True, dim=8)
    peeling = load(f"{PAPER}/peel_centrally")(
        rows=2000, dims=[16, 32, 64], sparsity=2, epsilon=1.0, seeds=20, noise=0.25, root_seed=0
    )
    stores = {"models": models, "models_few": few, "peeling": peeling}
    assert passes(PAPER, "p11", **stores)
    assert not passes(PAPER, "p11", **{**stores, "models": _flat(models)})
    assert not passes(PAPER, "p11", **{**stores, "peeling": _broken(peeling, peeling=lambda e: e * peeling.dim)})
    assert not passes(PAPER, "p11", **{**stores, "models_few": blank(few)})


def test_p13(passes, bound, closed_form, blank):
    grid = closed_form("dim", [4, 8], users=6.4e10)
    grids = dict.fromkeys(("by_eps", "by_d", "by_d_wide", "by_d_public", "by_k", "by_k_spread"), grid)
    assert passes(PAPER, "p13", bound=bound, **grids)
    assert not passes(PAPER, "p13", bound=_broken(bound, information=lambda e: e * 10), **grids)
    assert not passes(PAPER, "p13", bound=_broken(bound, response=lambda e: e / 2), **grids)
    assert not passes(PAPER, "p13", bound=bound, **{**grids, "by_k": _broken(grid, oracle=lambda e: e / 1e4)})
    assert not passes(PAPER, "p13", bound=_broken(bound, bound=lambda e: 10 * e), **grids)
    assert not passes(PAPER, "p13", bound=blank(bound), **grids)


def test_p14(passes, rounds, blank):
    stores = {
        "paper_n": rounds("users", [1e9, 1e10, 1e11], ("paper",)),
        "paper_d": rounds("dim", [64, 128, 256], ("paper",), users=1e10),
        "paper_k": rounds("sparsity", [1, 2, 4], ("paper",), users=1e12, dim=256),
        "rounds_n": rounds("users", [1e9], ("ours",)),
    }
    assert passes(PAPER, "p14", **stores)
    assert not passes(PAPER, "p14", **{**stores, "paper_n": _flat(stores["paper_n"])})
    assert not passes(PAPER, "p14", **{**stores, "paper_d": blank(stores["paper_d"], but=("dim",))})


def test_p15(passes, radius, blank):
    assert passes(PAPER, "p15", radius=radius)
    assert not passes(PAPER, "p15", radius=_broken(radius, corrected=lambda e: e + 0.001))
    assert not passes(PAPER, "p15", radius=_broken(radius, earlier=lambda e: e * 0))
    assert not passes(PAPER, "p15", radius=_broken(radius, refused=lambda e: e * 0))
    assert not passes(PAPER, "p15", radius=blank(radius))
