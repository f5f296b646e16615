"""Stages of permutation_learning, called as functions at small size, and claims where they hold and fail."""

import numpy as np
import pytest
import xarray as xr

from lib.ntk.networks import eigenvalues, step_size
from lib.ntk.published import FIRST_HITS

PAPER = "permutation_learning"


@pytest.fixture
def limits(load):
    return load(f"{PAPER}/solve_limits")(
        largest=12, most_ones=200, sizes=[5, 10, 20, 30, 50, 100, 200], failure=0.1, experiment=[8, 30], level=0.9,
        models=300,
    )  # fmt: skip


@pytest.fixture
def trained(load):
    cases = [{"kernel": "ntk", "size": 3, "models": 20}, {"kernel": "last_layer", "size": 4, "models": 60}]
    return load(f"{PAPER}/train_networks")(
        cases=cases, width=512, contraction={"size": 4, "width": 4096, "models": 2}, root_seed=0
    )


@pytest.fixture
def count(load):
    def one(checkpoint=None):
        cases = [
            {"name": "last", "kernel": "last_layer", "size": 4, "threshold": "zero", "models": 90, "ensembles": 5},
            {"name": "both", "kernel": "ntk", "size": 3, "threshold": "zero", "models": 4, "ensembles": 2},
            {
                "name": "midpoint",
                "kernel": "last_layer",
                "size": 4,
                "threshold": "midpoint",
                "models": 9,
                "ensembles": 4,
            },
        ]
        return load(f"{PAPER}/count_exact")(cases=cases, width=512, checkpoint=checkpoint, root_seed=0)

    return one


@pytest.fixture
def sampled(load):
    cases = [{"kernel": kernel, "size": 5, "ensembles": 20000} for kernel in ("last_layer", "ntk")]
    return load(f"{PAPER}/sample_limits")(
        cases=cases, failures=[0.1, 0.5, 0.01], fractions=[0.5], threshold_models=100, root_seed=0
    )


@pytest.fixture
def grow(load):
    def one(checkpoint=None):
        pools = [
            {"name": "last", "mode": "last_layer", "size": 8, "models": 300},
            {"name": "both", "mode": "ntk", "size": 8, "models": 4},
            {"name": "standard", "mode": "standard", "size": 4, "models": 4, "rate": 0.4, "steps": 100},
        ]
        limits = [
            {"kernel": "last_layer", "sizes": [8, 9, 10], "draws": 40},
            {"kernel": "ntk", "sizes": [8], "draws": 10},
        ]
        return load(f"{PAPER}/measure_hits")(
            pools=pools, width=128, orderings=4, limits=limits, device="cpu", checkpoint=checkpoint, root_seed=0
        )

    return one


@pytest.fixture
def widths(load):
    return load(f"{PAPER}/measure_widths")(
        size=4, widths=[32, 128, 512], models=[800, 400, 200], both={"widths": [64, 128], "pairs": [3, 3]}, root_seed=0
    )


@pytest.fixture
def templates(load):
    return load(f"{PAPER}/run_templates")(
        addition_bits=[1, 3], multiplication_bits=[1, 2], traced=2, root_seed=0,
        finite={"bits": 2, "width": 256, "models": 25, "ensembles": 3},
    )  # fmt: skip


def _broken(store, **changes):
    return store.assign({name: change(store[name]).transpose(*store[name].dims) for name, change in changes.items()})


def test_interrupted_stages_go_on_to_the_same_result(count, grow, stopping):
    for stage in (count, grow):
        checkpoint = stopping(2)
        with pytest.raises(KeyboardInterrupt):
            stage(checkpoint=checkpoint)
        xr.testing.assert_identical(stage(checkpoint=checkpoint), stage())
        checkpoint.remove()


def test_ensembles_have_a_permutation_of_their_own_and_enough_networks(count):
    store = count()
    assert store.right.sel(case="midpoint", part="all").dropna("ensemble").all()
    assert float(store.error.max()) < 1e-4


def test_p1(passes, limits, blank):
    assert passes(PAPER, "p1", limits=limits)
    for name in ("smallest_inside", "largest_outside", "asymptotic"):
        assert not passes(PAPER, "p1", limits=_broken(limits, **{name: lambda v: -v}))
    assert not passes(PAPER, "p1", limits=_broken(limits, deviation=lambda v: v + 1e-9))
    assert not passes(PAPER, "p1", limits=blank(limits))


def test_p2(passes, trained, blank):
    rng = np.random.default_rng(0)

    def gaussian(store, shift=0.0, spread=1.0):
        """The store with outputs that are the limit's, off by a shift or a spread."""
        limit = {name: store.limit.sel(moment=name, drop=True) for name in ("inside", "outside", "variance")}
        centre = limit["outside"].expand_dims(bit=[0, 1]) + xr.DataArray([0, 1], dims="bit") * (
            limit["inside"] - limit["outside"]
        )
        variance = limit["variance"]
        known = store["mean"].notnull()
        noise = xr.zeros_like(store["mean"]) + rng.standard_normal(store["mean"].shape)
        mean = (centre + shift + 0.1 * np.sqrt(variance) * noise).where(known)
        square = (variance * spread * (1 + 0.02 * noise)).where(known)
        bit = store.target.fillna(0).astype(int)
        middle = limit["outside"] + bit * (limit["inside"] - limit["outside"])
        draws = xr.zeros_like(store["value"], dtype=float) + rng.standard_normal(store["value"].shape)
        value = (middle + np.sqrt(variance) * draws).where(store["value"].notnull())
        return store.assign(
            mean=mean.transpose(*store["mean"].dims),
            square=square.transpose(*store["square"].dims),
            value=value.transpose(*store["value"].dims),
        )

    assert passes(PAPER, "p2", trained=gaussian(trained))
    assert not passes(PAPER, "p2", trained=gaussian(trained, shift=0.1))
    assert not passes(PAPER, "p2", trained=gaussian(trained, spread=1.2))
    wide = gaussian(trained)
    assert not passes(PAPER, "p2", trained=wide.assign(value=2 * wide["value"]))
    assert not passes(PAPER, "p2", trained=blank(trained))


def test_p3(passes, count, sampled, blank):
    store = count()
    right = xr.ones_like(store.right).where(store.right.notnull())
    good = store.assign(right=right.where(store.part == "all", 0 * right), error=store.error.fillna(0) * 0)
    drawn = _broken(sampled, right=lambda r: r * 0 + 19000)
    assert passes(PAPER, "p3", ensembles=good, sampled=drawn)
    for name in ("last", "both"):
        assert not passes(
            PAPER, "p3", ensembles=good.assign(right=good.right.where(good.case != name, 0)), sampled=drawn
        )
    assert not passes(PAPER, "p3", ensembles=good.assign(right=right), sampled=drawn)
    assert not passes(PAPER, "p3", ensembles=good.assign(error=good.error + 1), sampled=drawn)
    assert not passes(PAPER, "p3", ensembles=good, sampled=_broken(sampled, right=lambda r: r * 0 + 17000))
    assert not passes(PAPER, "p3", ensembles=blank(store), sampled=drawn)
    assert not passes(PAPER, "p3", ensembles=good, sampled=blank(sampled))


def test_p4_and_p5(passes, limits, blank):
    for claim in ("p4", "p5"):
        assert passes(PAPER, claim, limits=limits)
        assert not passes(PAPER, claim, limits=_broken(limits, required=lambda r: r * r["size"] ** 1.2))
        assert not passes(PAPER, claim, limits=blank(limits))
    assert not passes(PAPER, "p4", limits=_broken(limits, required=lambda r: r * r["size"] ** -0.3))


def _pools(hits):
    """The store with pools whose parts agree with the limit."""
    shape = xr.zeros_like(hits.hit).isel(part=slice(0, 4)).fillna(0)
    wave = 0.01 * (-1.0) ** xr.DataArray(np.arange(4), dims="part")
    median = {"last": 42.0, "both": 252.0, "standard": 16.0}
    centre = xr.DataArray([median[str(name)] for name in hits.pool.values], dims="pool")
    draws = xr.DataArray(np.linspace(-1, 1, hits.sizes["draw"]), dims="draw")
    points = zip(hits.kernel.values, hits.bits.values)
    middle = [252.0 if kernel == "ntk" else 42.0 if bits == 8 else FIRST_HITS[int(bits)] for kernel, bits in points]
    sampled = xr.DataArray(middle, dims="point") * (1 + 0.5 * draws)
    return hits.drop_vars(["hit", "subset", "sampled"]).assign(
        hit=(shape + centre * (1 + wave)).transpose(*hits.hit.dims),
        subset=(shape + 0.9 + 0.1 * wave).transpose(*hits.subset.dims),
        sampled=sampled.transpose(*hits.sampled.dims),
    )


def test_p6(passes, verdict, grow, blank):
    good = _pools(grow())
    # three sizes alone cannot make twenty
    assert [check["holds"] for check in verdict(PAPER, "p6", hits=good)["pass"]] == [True, True, False, True]
    many = good.isel(point=np.zeros(23, int)).assign_coords(bits=("point", np.arange(8, 31)))
    centre = xr.DataArray([FIRST_HITS[k] for k in range(8, 31)], dims="point") / good.sampled.isel(point=0).mean()
    many = many.assign(sampled=(many.sampled * centre).where(many.bits != 8, good.sampled.isel(point=0)))
    many = _broken(many, hit=lambda h: h)
    assert passes(PAPER, "p6", hits=many)
    assert not passes(PAPER, "p6", hits=_broken(many, hit=lambda h: 1.3 * h))
    assert not passes(PAPER, "p6", hits=_broken(many, subset=lambda s: s - 0.05))
    assert not passes(PAPER, "p6", hits=_broken(many, sampled=lambda s: s * (1 + (many.bits != 8))))
    assert not passes(PAPER, "p6", hits=blank(many))


def test_p7(passes, limits, blank):
    assert passes(PAPER, "p7", limits=limits)
    assert not passes(PAPER, "p7", limits=_broken(limits, accuracy=lambda a: a - 0.1))
    assert not passes(PAPER, "p7", limits=blank(limits))


def test_p8(passes, grow, limits, blank):
    good = _pools(grow())
    assert passes(PAPER, "p8", hits=good, limits=limits)
    both = xr.DataArray(good["mode"].values == "ntk", dims="pool")
    assert not passes(PAPER, "p8", hits=_broken(good, hit=lambda h: h.where(~both, h / 2)), limits=limits)
    assert not passes(PAPER, "p8", hits=blank(good), limits=limits)


def test_p9(passes, count, limits, blank):
    store = count()
    assert passes(PAPER, "p9", ensembles=store, limits=limits)
    assert not passes(PAPER, "p9", ensembles=_broken(store, right=lambda r: r * 0), limits=limits)
    even = _broken(limits, required=lambda r: r.sel(threshold="zero", drop=True).expand_dims(threshold=r.threshold))
    assert not passes(PAPER, "p9", ensembles=store, limits=even)
    assert not passes(PAPER, "p9", ensembles=blank(store), limits=limits)


def test_p10(passes, trained, blank):
    def falling(factor):
        rows = 0.5 * factor ** np.arange(40.0)
        bare = trained.drop_vars("residual")
        return bare.assign(residual=(("step", "run"), np.stack([rows, rows], axis=1)))

    expected = 1 - step_size("ntk", 4) * eigenvalues("ntk", 4)[0]
    assert passes(PAPER, "p10", trained=falling(expected))
    assert not passes(PAPER, "p10", trained=falling(expected**0.8))
    assert not passes(PAPER, "p10", trained=falling(expected).isel(step=slice(0, 8)))
    assert not passes(PAPER, "p10", trained=blank(trained))


def test_p11(passes, sampled, blank):
    assert passes(PAPER, "p11", sampled=sampled)
    assert not passes(PAPER, "p11", sampled=_broken(sampled, right=lambda r: r * 0.9))
    assert not passes(PAPER, "p11", sampled=_broken(sampled, right=lambda r: r * 0 + 20000))
    assert not passes(PAPER, "p11", sampled=_broken(sampled, models=lambda m: m ** xr.where(m.point == 2, 2, 1)))
    assert not passes(PAPER, "p11", sampled=blank(sampled))


def test_p12(passes, widths, blank):
    wave = (-1.0) ** widths.model
    known = widths["mean"].notnull()

    def made(exponent, bias):
        square = widths.attrs["variance"] * (1 + 40 * widths.width**exponent * (1 + 0.01 * wave))
        mean = widths.attrs["inside"] + bias + 1e-3 * wave
        mean = mean + 0 * widths.width
        rows = {"square": square, "mean": mean}
        return widths.assign({name: row.where(known).transpose(*known.dims) for name, row in rows.items()})

    assert passes(PAPER, "p12", widths=made(-1.0, 0))
    assert not passes(PAPER, "p12", widths=made(-0.5, 0))
    assert not passes(PAPER, "p12", widths=made(-1.0, 0.01))
    assert not passes(PAPER, "p12", widths=blank(widths))


@pytest.mark.parametrize(
    ("claim", "variable", "dim"), [("p13", "addition", "add_bits"), ("p14", "multiplication", "multiply_bits")]
)
def test_p13_and_p14(passes, templates, blank, claim, variable, dim):
    assert passes(PAPER, claim, templates=templates)
    wrong = (templates.quantity == "wrong") & (templates[dim] == templates[dim][-1])
    assert not passes(PAPER, claim, templates=_broken(templates, **{variable: lambda v: v + wrong}))
    assert not passes(PAPER, claim, templates=blank(templates))


def test_p13b(passes, templates, blank):
    assert passes(PAPER, "p13b", templates=_broken(templates, finite=lambda f: f * 0 + 1))
    assert not passes(PAPER, "p13b", templates=_broken(templates, finite=lambda f: f * 0))
    assert not passes(PAPER, "p13b", templates=blank(templates))


def test_p15(passes, templates, blank):
    assert passes(PAPER, "p15", templates=templates)
    assert templates.control_wrong.values.tolist() == [16, 24, 28]
    assert not passes(PAPER, "p15", templates=_broken(templates, control_carrying=lambda c: c & (c.position > 0)))
    assert not passes(PAPER, "p15", templates=_broken(templates, control_half=lambda c: c // 4))
    assert not passes(PAPER, "p15", templates=blank(templates))
