"""Stages of pac_invariance, called as functions at small size, and claims where they hold and fail."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

PAPER = "pac_invariance"


@pytest.fixture
def spans(load):
    return load(f"{PAPER}/measure_spans")(
        dims=[6, 12], sites=[1, 2], in_degree=2, covariances=100, sems=2, latent_dim=6, root_seed=0
    )


@pytest.fixture
def transitions(load):
    cases = [
        {"name": f"{kind}, s = {s}", "kind": kind, "dim": 8, "sites": s}
        for kind, s in (("random", 1), ("random", 2), ("cancelling", 2), ("latent", 1), ("latent", 2))
    ]
    return load(f"{PAPER}/find_transitions")(cases=cases, most=12, sems=2, draws=16, starts=4, tests=60, root_seed=0)


@pytest.fixture
def search(load):
    def one(kind="random", wide=False, checkpoint=None, **changes):
        arguments = {
            "dims": [6, 12], "numbers": [8, 16, 32], "sites": 2, "tolerance": 0.2, "subsets": 20, "largest": 3,
            "seeds": 3, "tests": 200, **changes,
        }  # fmt: skip
        return load(f"{PAPER}/search_uniformly")(kind=kind, wide=wide, checkpoint=checkpoint, root_seed=0, **arguments)

    return one


@pytest.fixture
def heads(load):
    return load(f"{PAPER}/fix_heads")(
        dim=12, numbers=[8, 16, 32], tolerance=0.2, sems=6, sets=60, tests=3000, root_seed=0
    )


@pytest.fixture
def samples(load):
    return load(f"{PAPER}/search_samples")(
        dim=12, interventions=16, tolerance=0.2, samples=[200, 20000, 0], sems=4, sets=8, tests=500, root_seed=0
    )


@pytest.fixture
def shift(load):
    return load(f"{PAPER}/shift_families")(
        dim=6, sites=2, interventions=32, tolerance=0.2, wider=4.0, sems=6, tests=500, certified=5, root_seed=0
    )


@pytest.fixture
def stability(load):
    return load(f"{PAPER}/check_stability")(dim=8, sites=2, interventions=12, draws=30, ascents=30, root_seed=0)


@pytest.fixture
def cancelled(load):
    return load(f"{PAPER}/cancel_paths")(dim=8, interventions=2000, root_seed=0)


@pytest.fixture
def gaps(load):
    return load(f"{PAPER}/measure_gaps")(
        dim=12, sites=2, samples=[100, 400, 1600], draws=40, environments=4, root_seed=0
    )


def _decay(store, exponent=-1.0):
    """The same store with violations that are a power of the number of interventions."""
    values = store.worst * 0 + 4 * store.number**exponent * (1 + 0.05 * store.seed)
    return store.assign(worst=values.transpose(*store.worst.dims))


def _broken(store, **changes):
    return store.assign({name: change(store[name]) for name, change in changes.items()})


def test_a_stopped_search_goes_on_to_the_same_result(search, stopping):
    checkpoint = stopping(2)
    with pytest.raises(KeyboardInterrupt):
        search(checkpoint=checkpoint)
    xr.testing.assert_identical(search(checkpoint=checkpoint), search())


def test_parents_are_invariant_and_wide_searches_are_wider(search):
    narrow, wide = search(), search(wide=True)
    assert (narrow.baseline.sel(estimator="parents") == 0).all()
    assert (wide.candidates.sel(dim=12) > narrow.candidates.sel(dim=12)).all()


def test_a_table_of_ones_own(load, tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for environment in range(4):
        cause = rng.normal(size=3000) * rng.uniform(0.5, 2)
        target = cause + rng.normal(size=3000)
        rows.append(
            pd.DataFrame({"environment": environment, "a": cause, "b": rng.uniform(-2, 2) * target, "target": target})
        )
    path = tmp_path / "own.csv"
    pd.concat(rows).to_csv(path, index=False)
    result = load(f"{PAPER}/find_invariant")(path, target="target", environment="environment", tolerance=0.1, largest=2)
    assert result.chosen.values.tolist() == [[True, False]]


def test_c1(passes, spans, blank):
    assert passes(PAPER, "c1", spans=spans)
    for name, change in (
        ("residual", lambda r: r + 1e-6),
        ("basis", lambda b: b + 10),
        ("rank", lambda r: r + (r.dim > 6) * 5),
        ("gap", lambda g: g * 0 + 10),
    ):
        assert not passes(PAPER, "c1", spans=_broken(spans, **{name: change}))
    assert not passes(PAPER, "c1", spans=blank(spans))


def test_c2(passes, transitions, blank):
    assert passes(PAPER, "c2", transitions=transitions)
    assert not passes(PAPER, "c2", transitions=_broken(transitions, worst=lambda w: w * 0))
    assert not passes(PAPER, "c2", transitions=_broken(transitions, worst=lambda w: w * 0 + 1))
    assert not passes(PAPER, "c2", transitions=_broken(transitions, accepted=lambda a: a * 0 + 3))
    assert not passes(PAPER, "c2", transitions=blank(transitions, but=("sites", "rank")))


def test_c3(passes, search, blank):
    uniform = search()
    assert passes(PAPER, "c3", uniform=_decay(uniform))
    assert not passes(PAPER, "c3", uniform=_decay(uniform, -0.5))
    assert not passes(PAPER, "c3", uniform=_decay(uniform, -1.5))
    assert not passes(PAPER, "c3", uniform=blank(uniform, but=("rank",)))


def test_c4(passes, search, blank):
    wide = search(wide=True, numbers=[64])
    flat = _broken(wide, worst=lambda w: (w * 0 + 0.05 + 0.001 * wide.seed).transpose(*w.dims))
    assert passes(PAPER, "c4", uniform_wide=flat)
    grown = _broken(flat, worst=lambda w: w * wide.dim / 8)
    assert not passes(PAPER, "c4", uniform_wide=grown.transpose("dim", "seed", "number", "estimator"))
    assert not passes(PAPER, "c4", uniform_wide=_broken(flat, worst=lambda w: w * 10))
    assert not passes(PAPER, "c4", uniform_wide=blank(wide))


def test_c5(passes, search, blank):
    uniform = search()
    good = _broken(
        _decay(uniform, -1.5), baseline=lambda b: 0.9 * (b.estimator == "least squares") + 0.01 * b.seed + 0 * b
    )
    good = good.transpose("dim", "seed", "number", "estimator")
    assert passes(PAPER, "c5", uniform=good)
    assert not passes(PAPER, "c5", uniform=_broken(good, baseline=lambda b: b / 2))
    assert not passes(PAPER, "c5", uniform=_broken(good, worst=lambda w: w + 0.2))
    assert not passes(PAPER, "c5", uniform=blank(uniform))


def test_c6(passes, gaps, blank):
    even = _broken(gaps, gap=lambda g: (g * 0 + gaps.samples**-0.5 * (1 + 0.01 * gaps.draw)).transpose(*g.dims))
    assert passes(PAPER, "c6", gaps=even)
    assert not passes(PAPER, "c6", gaps=_broken(even, gap=lambda g: g * gaps.samples**0.25))
    assert not passes(PAPER, "c6", gaps=blank(gaps))
    assert float(gaps.gap.isel(samples=0).mean() / gaps.gap.isel(samples=-1).mean()) == pytest.approx(4, rel=0.5)


def test_c7(passes, transitions, search, cancelled, blank):
    stores = {"transitions": transitions, "uniform_cancelling": _decay(search("cancelling")), "cancelled": cancelled}
    assert passes(PAPER, "c7", **stores)
    for name, bad in (
        ("transitions", _broken(transitions, worst=lambda w: w * 0 + 1)),
        ("uniform_cancelling", _decay(stores["uniform_cancelling"], -0.3)),
        ("cancelled", _broken(cancelled, gradient=lambda g: g + 1e-6)),
        ("cancelled", _broken(cancelled, gradient=lambda g: g / 20)),
        ("cancelled", blank(cancelled)),
    ):
        assert not passes(PAPER, "c7", **{**stores, name: bad})


def test_c8(passes, spans, transitions, blank):
    assert passes(PAPER, "c8", spans=spans, transitions=transitions)
    assert not passes(PAPER, "c8", spans=_broken(spans, latent_rank=lambda r: r + 1), transitions=transitions)
    assert not passes(PAPER, "c8", spans=spans, transitions=_broken(transitions, worst=lambda w: w * 0))
    assert not passes(PAPER, "c8", spans=blank(spans), transitions=transitions)


def test_c9(passes, stability, blank):
    assert passes(PAPER, "c9", stability=stability)
    assert not passes(PAPER, "c9", stability=_broken(stability, random=lambda r: r + 1))
    assert not passes(PAPER, "c9", stability=_broken(stability, climbed=lambda r: r / 2))
    assert not passes(PAPER, "c9", stability=blank(stability))


def test_c10(passes, heads, blank):
    exact = _broken(
        heads, share=lambda s: s * 0 + heads.width / (heads.number + 1), support=lambda s: s * 0 + heads.width
    )
    exact = _broken(exact, share=lambda s: s * (1 + 0.01 * (-1.0) ** s.set)).transpose("sem", "number", "set")
    assert passes(PAPER, "c10", heads=exact)
    assert not passes(PAPER, "c10", heads=_broken(exact, share=lambda s: 1.2 * s))
    assert not passes(PAPER, "c10", heads=_broken(exact, share=lambda s: 0.8 * s))
    assert not passes(PAPER, "c10", heads=_broken(exact, support=lambda s: s - 1))
    assert not passes(PAPER, "c10", heads=blank(heads))


def test_c11(passes, samples, blank):
    assert passes(PAPER, "c11", samples=samples)
    assert not passes(PAPER, "c11", samples=_broken(samples, share=lambda s: s + 0.1))
    assert not passes(PAPER, "c11", samples=_broken(samples, share=lambda s: s / 10))
    assert not passes(PAPER, "c11", samples=_broken(samples, share=lambda s: s.where(s.samples == 0)))
    assert not passes(PAPER, "c11", samples=_broken(samples, share=lambda s: s.fillna(0.01)))
    assert not passes(PAPER, "c11", samples=blank(samples))


def test_c12(passes, shift, blank):
    assert passes(PAPER, "c12", shift=shift)
    assert not passes(PAPER, "c12", shift=_broken(shift, shifted=lambda s: shift.same))
    assert not passes(PAPER, "c12", shift=_broken(shift, ratio=lambda r: r + 1))
    assert not passes(PAPER, "c12", shift=blank(shift))
