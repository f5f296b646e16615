"""Stages of lp_ft_ntk, called as functions at small size, and claims where they hold and fail."""

import numpy as np
import pytest
import xarray as xr

PAPER = "lp_ft_ntk"
WORLD = {"domains": 4, "topics": 6, "words": 12, "function_words": 30, "length": 19}
ADAPTERS = {"rank": 2, "alpha": 2, "learning_rate": 5e-3, "targets": ["query", "value"], "seeds": 2}
CASES = [{"documents": 40, "epochs": 1, "rates": [5e-4, 2e-3]}, {"documents": 20, "epochs": 1, "rates": [5e-4, 2e-3]}]


stores: dict[str, xr.Dataset] = {}  # stages that several tests ask for


def _once(name: str, make) -> xr.Dataset:
    if name not in stores:
        stores[name] = make()
    return stores[name]


@pytest.fixture
def encoders(load):
    return _once("encoders", lambda: load(f"{PAPER}/pretrain_encoders")(
        world=WORLD, architecture={"width": 8, "layers": 1, "heads": 2}, encoders=1, steps=10, batch=16,
        learning_rate=4e-3, purity=0.6, root_seed=0,
    ))  # fmt: skip


@pytest.fixture
def heads(load, encoders):
    return _once("heads", lambda: load(f"{PAPER}/fit_heads")(
        encoders, documents=[40, 20], seeds=2, noise=[0.0, 0.5, 1.0], noise_seeds=2, marks=[10, 1000, 10000, 30000],
        descent_seeds=2, largest_strength=1.0, purity=0.45, root_seed=0,
    ))  # fmt: skip


@pytest.fixture
def tune(load, encoders, heads):
    def one(checkpoint=None):
        return load(f"{PAPER}/tune_encoders")(
            encoders, heads, cases=CASES, adapters=ADAPTERS, scales=[0.1, 1.0, 10.0], scale_rate=5e-4, seeds=2,
            batch=20, validation=30, test=30, shifted=30, purity=0.45, stack=10, pictured=10, checkpoint=checkpoint,
            root_seed=0,
        )  # fmt: skip

    return one


@pytest.fixture
def kernels(load, encoders, heads):
    cells = [{"rank": 64, "errors": [0.5, 0.7]}, {"rank": 256, "errors": [0.3, 0.5, 0.7]}]
    return _once("kernels", lambda: load(f"{PAPER}/measure_kernels")(
        encoders, heads, documents=40, samples=10, tests=8, seeds=2, test_seeds=1, adapters=ADAPTERS,
        identity_samples=3, rate={"samples": 3, "ranks": [1, 4, 16], "draws": 2},
        extractor={"points": 20, "dims": 40, "width": 12, "classes": 3, "steps": 500, "step": 0.3},
        inner_products={"cells": cells, "lengths": [1.0, 4.0], "dims": 48, "draws": 20000}, purity=0.45, root_seed=0,
    ))  # fmt: skip


def _changed(store, **changes):
    return store.assign({name: change(store[name]).transpose(*store[name].dims) for name, change in changes.items()})


def test_an_interrupted_stage_goes_on_to_the_same_result(tune, stopping):
    checkpoint = stopping(2)
    with pytest.raises(KeyboardInterrupt):
        tune(checkpoint=checkpoint)
    xr.testing.assert_identical(tune(checkpoint=checkpoint), _once("tuned", tune))
    checkpoint.remove()


def test_runs_that_differ_in_the_scale_alone_start_from_equal_predictions(tune):
    store = _once("tuned", tune)
    rows = (store.procedure == "LP-FT") & (store.documents == 40) & (store.rate == 5e-4) & (store.noise == 0)
    for seed in (0, 1):
        own = store.isel(run=np.flatnonzero(rows & (store.seed == seed)))
        assert own.sizes["run"] == 3
        assert len(set(own.start_accuracy.values)) == 1
        np.testing.assert_allclose(own.start_norm / own.scale, own.start_norm.values[own.scale.values == 1][0])


def test_heads_of_noisy_labels_start_with_the_norm_of_the_clean_one(tune):
    store = _once("tuned", tune)
    rows = (store.procedure == "LP-FT") & (store.documents == 40) & (store.rate == 5e-4) & (store.scale == 1)
    own = store.isel(run=np.flatnonzero(rows & (store.seed == 0)))
    assert sorted(own.noise.values) == [0, 0.5, 1]
    np.testing.assert_allclose(own.start_norm, own.start_norm.values[0])


def test_probing_alone_moves_nothing(tune):
    store = _once("tuned", tune)
    probed = store.isel(run=np.flatnonzero(store.procedure == "LP"))
    assert (probed.change == 0).all()
    assert (probed.head_change == 0).all()
    np.testing.assert_allclose(probed.cosine, 1, atol=1e-5)


def test_the_dynamics_are_alike_where_steps_are_few(load, encoders, heads):
    store = load(f"{PAPER}/follow_dynamics")(
        encoders, heads, documents=40, samples=8, tests=10, seeds=1, scales=[0.3, 1.0], marks=[1, 2], purity=0.45,
        root_seed=0,
    )  # fmt: skip
    np.testing.assert_allclose(store.predicted, store.measured, rtol=0.2)
    assert (store.measured.isel(step=1) > store.measured.isel(step=0)).all()


@pytest.fixture
def runs(load):
    """`runs(change=lambda run: ...)`: a store of runs with these measures, all others at values that pass."""
    from itertools import count

    cases = [{**CASES[0], "rates": [1e-4, 5e-4, 2e-3]}, CASES[1]]
    adapters = {**ADAPTERS, "seeds": 10}
    every = load(f"{PAPER}/tune_encoders", "_runs")

    def one(encoders: int = 1, **changes):
        listed = every(encoders, cases, adapters, [0.1, 0.3, 1.0, 3.0, 10.0], [0.0, 0.25, 0.5, 1.0], 5e-4, 5)
        wave = count()

        def small(run):
            return 0.001 * (-1) ** next(wave)

        def change(run):
            base = 4.0 if "LP" in run.procedure else 8.0
            return base * run.scale**-0.4 * (2.0 if run.noise == 1 else 1.0) * (1 + small(run))

        def ece(run):
            return (0.05 if "LP" in run.procedure else 0.045) * (2 if run.scale == 10 else 1) + small(run)

        measures = {
            "change": change,
            "ece": ece,
            "mce": lambda run: 10 * ece(run),
            "scaled_ece": lambda run: 0.02 + small(run),
            "scaled_mce": lambda run: 0.2 + small(run),
            "start_accuracy": lambda run: 0.9,
            "end_accuracy": lambda run: 0.95 + small(run),
            "end_loss": lambda run: 0.02 if "LP" in run.procedure else 0.03,
            "validation": lambda run: 0.9 + 0.01 * (run.rate == 5e-4),
            "id": lambda run: 0.92 + 0.01 * (run.procedure == "LP-FT") + small(run),
            "ood": lambda run: {"LP": 0.88, "FT": 0.8, "LP-FT": 0.9}.get(run.procedure, 0.85) + small(run),
        }
        measures |= changes
        return xr.Dataset(
            {name: ("run", np.array([measure(run) for run in listed])) for name, measure in measures.items()},
            coords={key: ("run", np.array([getattr(run, key) for run in listed])) for key in listed[0]._fields},
            attrs={"scale_rate": 5e-4, "adapter_rate": 5e-3, "documents": [40, 20]},
        )

    return one


def test_c1_c2_and_c14(passes, kernels, blank):
    for claim in ("c1", "c2", "c14"):
        assert passes(PAPER, claim, kernels=kernels)
        assert not passes(PAPER, claim, kernels=blank(kernels))
    assert not passes(PAPER, "c1", kernels=_changed(kernels, split_error=lambda e: e + 1e-9))
    for name in ("square_error", "head_error"):
        assert not passes(PAPER, "c2", kernels=_changed(kernels, **{name: lambda e: e + 1e-9}))
    assert not passes(PAPER, "c14", kernels=_changed(kernels, moved_outside=lambda m: m + 1e-9))
    assert not passes(PAPER, "c14", kernels=_changed(kernels, moved_training=lambda m: 0.01 * m))


def _norms(heads):
    """The store with norms that grow as the paper says."""
    seeds = xr.DataArray(1 + 0.01 * np.arange(heads.sizes["seed"]), dims="seed")
    descent_seeds = xr.DataArray(1 + 0.01 * np.arange(heads.sizes["descent_seed"]), dims="descent_seed")
    step = heads.step.astype(float)
    loss = xr.DataArray([1.0, 0.0], dims="loss", coords={"loss": heads.loss})
    norm = loss * np.log(step) ** 2 + (1 - loss) * (1 - np.exp(-step / 1e4))
    return _changed(
        heads,
        norm=lambda n: n * 0 + 5 * seeds,
        start=lambda s: s * 0 + 1,
        descent=lambda d: d * 0 + norm * descent_seeds,
        path=lambda p: p * 0 + p.C**0.3 * descent_seeds,
        optimum=lambda o: o * 0 + 2 * descent_seeds,
    )


def test_c3_and_c3b(passes, heads, blank):
    good = _norms(heads)
    assert passes(PAPER, "c3", heads=good)
    assert passes(PAPER, "c3b", heads=good)
    assert not passes(PAPER, "c3", heads=_changed(good, norm=lambda n: n / 2))
    assert not passes(PAPER, "c3", heads=_changed(good, path=lambda p: 1 / p))
    assert not passes(PAPER, "c3", heads=_changed(good, descent=lambda d: 1 / d))
    assert not passes(PAPER, "c3b", heads=_changed(good, descent=lambda d: d * 0 + d.sel(loss="squared", drop=True)))
    assert not passes(PAPER, "c3b", heads=_changed(good, optimum=lambda o: 60 * o))
    assert not passes(PAPER, "c3b", heads=_changed(good, descent=lambda d: d**0.2))
    for claim in ("c3", "c3b"):
        assert not passes(PAPER, claim, heads=blank(good))


def test_c4(passes, runs, blank):
    assert passes(PAPER, "c4", tuned=runs())
    assert not passes(PAPER, "c4", tuned=runs(change=lambda run: run.scale))
    assert not passes(PAPER, "c4", tuned=runs(change=lambda run: run.scale**-0.1))
    assert not passes(PAPER, "c4", tuned=runs(end_accuracy=lambda run: 0.95 - 0.1 * (run.scale == 0.3)))
    assert not passes(PAPER, "c4", tuned=blank(runs()))


def test_c4b(passes, runs, blank):
    assert passes(PAPER, "c4b", tuned=runs())
    assert not passes(PAPER, "c4b", tuned=runs(change=lambda run: 4.0 + 0.1 * run.seed))
    assert not passes(PAPER, "c4b", tuned=runs(change=lambda run: 4.0 * (1 + run.noise) + 0.1 * run.seed))
    noisy = runs(change=lambda run: 4.0 * (8 if run.noise == 1 and run.seed == 0 else 1) + 0.01 * run.seed)
    assert not passes(PAPER, "c4b", tuned=noisy)
    assert not passes(PAPER, "c4b", tuned=blank(runs()))


def test_c5_and_c11(passes, runs, blank):
    for claim in ("c5", "c11"):
        assert passes(PAPER, claim, tuned=runs())
        assert not passes(PAPER, claim, tuned=runs(change=lambda run: 4.0 if "LP" not in run.procedure else 8.0))
        assert not passes(PAPER, claim, tuned=blank(runs()))

    def once(run):
        return (
            9.0
            if run.procedure == "LP-FT" and run.seed == 3 and run.rate == 2e-3
            else 8.0 - 4 * ("LP" in run.procedure)
        )

    assert not passes(PAPER, "c5", tuned=runs(change=once))

    def thrice(run):
        return 9.0 if run.procedure == "LP-LoRA" and run.seed < 3 else 8.0 - 4 * ("LP" in run.procedure)

    assert not passes(PAPER, "c11", tuned=runs(change=thrice))


def test_c6(passes, verdict, runs, blank):
    assert passes(PAPER, "c6", tuned=runs())
    assert not passes(PAPER, "c6", tuned=runs(ood=lambda run: 0.9 + 0.001 * run.seed))
    wide = runs(ood=lambda run: 0.85 + (0.2 * run.seed - 0.3) * (run.procedure == "LP-FT"))
    assert not passes(PAPER, "c6", tuned=wide)
    weak = runs(ood=lambda run: {"LP": 0.6, "FT": 0.5}.get(run.procedure, 0.9) + 0.001 * run.seed)
    assert verdict(PAPER, "c6", tuned=weak)["verdict"] == "not evaluated"
    assert not passes(PAPER, "c6", tuned=blank(runs()))


def test_c6_takes_the_rate_that_validation_prefers(verdict, runs):
    def ood(run):
        return {"LP": 0.88, "FT": 0.8}.get(run.procedure, 0.9 if run.rate == 5e-4 else 0.1) + 0.001 * run.seed

    entry = verdict(PAPER, "c6", tuned=runs(ood=ood))
    assert entry["verdict"] == "reproduced"
    assert entry["quantities"]["gap"]["value"] == pytest.approx([0.1, 0.1])


def test_c7_and_c8_over_encoders(passes, verdict, runs, blank):
    for claim in ("c7", "c8"):
        assert passes(PAPER, claim, tuned=runs(3))
        assert not passes(PAPER, claim, tuned=blank(runs(3)))
    assert verdict(PAPER, "c8", tuned=runs(3))["quantities"]["gap"]["n"] == [3, 3]
    assert not passes(PAPER, "c7", tuned=runs(3, id=lambda run: 0.92 - 0.01 * (run.procedure == "LP-FT")))
    assert not passes(PAPER, "c7", tuned=runs(3, id=lambda run: 0.92 + 0.01 * (run.procedure == "LP")))
    assert not passes(PAPER, "c8", tuned=runs(3, ood=lambda run: 0.9 - 0.001 * (run.procedure == "LP-FT")))


def test_c9(passes, runs, blank):
    assert passes(PAPER, "c9", tuned=runs())
    assert not passes(PAPER, "c9", tuned=runs(ece=lambda run: 0.1 - 0.05 * ("LP" in run.procedure)))
    assert not passes(PAPER, "c9", tuned=runs(scaled_ece=lambda run: 0.04 + 0.001 * run.seed))
    assert not passes(PAPER, "c9", tuned=runs(ece=lambda run: 0.01 * (1 + (run.scale == 10)) + 0.0001 * run.seed))
    assert not passes(PAPER, "c9", tuned=runs(ece=lambda run: 0.05 + 0.001 * run.seed))
    assert not passes(PAPER, "c9", tuned=runs(end_loss=lambda run: 0.1 * (run.procedure == "FT")))
    assert not passes(PAPER, "c9", tuned=blank(runs()))


def test_c16(passes, runs, blank):
    assert passes(PAPER, "c16", tuned=runs(3, ece=lambda run: 0.04 + 0.02 * ("LP" in run.procedure) + 0.001 * run.seed))
    assert not passes(PAPER, "c16", tuned=runs(3, ece=lambda run: 0.06 - 0.02 * ("LP" in run.procedure)))
    assert not passes(PAPER, "c16", tuned=runs(3, mce=lambda run: 0.6 - 0.2 * ("LP" in run.procedure)))
    assert not passes(PAPER, "c16", tuned=blank(runs(3)))


def test_c10(passes, kernels, blank):
    errors = kernels.adapter_rank**-0.5 * xr.DataArray([1.0, 1.02], dims="draw")
    good = _changed(kernels, adapter_error=lambda e: e * 0 + errors)
    assert passes(PAPER, "c10", kernels=good)
    assert not passes(PAPER, "c10", kernels=_changed(good, adapter_error=lambda e: e**2))
    bent = xr.where(kernels.adapter_rank == 4, 1.6, 1.0)
    assert not passes(PAPER, "c10", kernels=_changed(good, adapter_error=lambda e: e * bent))
    assert not passes(PAPER, "c10", kernels=blank(kernels))


def test_c10b(passes, kernels, blank):
    assert passes(PAPER, "c10b", kernels=kernels)
    constant = kernels.constant
    many = _changed(kernels, strays=lambda s: s.where(constant != "corrected", 12000))
    assert not passes(PAPER, "c10b", kernels=many)
    few = _changed(kernels, strays=lambda s: s.where(constant != "as printed", 0))
    assert not passes(PAPER, "c10b", kernels=few)
    assert not passes(PAPER, "c10b", kernels=blank(kernels))


def test_c12(passes, kernels, blank):
    ranks = xr.DataArray([24.0, 30.0, 30.0], dims="kernel", coords={"kernel": kernels.kernel})
    accuracy = xr.DataArray([0.8, 0.8, 0.82], dims="kernel", coords={"kernel": kernels.kernel})
    wave = xr.DataArray(0.001 * np.arange(4), dims="start", coords={"start": kernels.start})
    good = _changed(kernels, numerical_rank=lambda r: r * 0 + ranks, accuracy=lambda a: a * 0 + accuracy + wave)
    assert passes(PAPER, "c12", kernels=good)
    assert not passes(PAPER, "c12", kernels=_changed(good, numerical_rank=lambda r: r * 0 + 24))
    assert not passes(PAPER, "c12", kernels=_changed(good, numerical_rank=lambda r: r + 1))
    assert not passes(PAPER, "c12", kernels=_changed(good, accuracy=lambda a: 1 - a))
    last = (kernels.start == "LP-LoRA") & (kernels.kernel == "K")
    assert not passes(PAPER, "c12", kernels=_changed(good, accuracy=lambda a: a - 0.05 * last))
    assert not passes(PAPER, "c12", kernels=blank(kernels))


def test_c13(passes, kernels, blank):
    shares = xr.DataArray([0.2, 0.9, 0.001, 0.2], dims="start", coords={"start": kernels.start})
    good = _changed(kernels, ratio=lambda r: r * 0 + shares)
    assert passes(PAPER, "c13", kernels=good)
    assert not passes(PAPER, "c13", kernels=_changed(good, ratio=lambda r: r / 2))
    turned = xr.where(kernels.start == "LoRA", 0.5, 0.0)
    assert not passes(PAPER, "c13", kernels=_changed(good, ratio=lambda r: r + turned))
    assert not passes(PAPER, "c13", kernels=blank(kernels))


def test_c15(passes, kernels, blank):
    number = 1.0 + xr.DataArray(np.arange(kernels.sizes["value"]), dims="value")
    power = xr.DataArray([3.0, 1.0, 1.0], dims="kernel", coords={"kernel": kernels.kernel})
    good = _changed(kernels, spectrum=lambda s: s * 0 + number**-power)
    assert passes(PAPER, "c15", kernels=good)
    steep = xr.where((kernels.start == "LoRA") & (kernels.kernel == "F"), 4.0, 0.0)
    assert not passes(PAPER, "c15", kernels=_changed(good, spectrum=lambda s: s * number**-steep))
    assert not passes(PAPER, "c15", kernels=_changed(good, spectrum=lambda s: s * 0 + number**-1.0))
    assert not passes(PAPER, "c15", kernels=blank(kernels))


@pytest.fixture
def texts():
    """`texts(measure=lambda procedure, task: ...)`: stores of runs on ten sets of texts, all measures as claimed."""

    def one(**changes):
        better = {"lp": 0, "ft": 1, "lora": 1, "lp-ft": 2, "lp-lora": 2}
        measures = {
            "change": lambda name, _: 1.0 if name.startswith("lp") else 2.0,
            "id": lambda name, _: 0.8 + 0.01 * better[name],
            "ood": lambda name, _: 0.5 + 0.01 * better[name],
            "ece": lambda name, _: 0.1 + 0.01 * better[name],
            "scaled_ece": lambda name, _: 0.03,
        } | changes
        return [
            xr.Dataset(
                {
                    name: ("shift", [measure(procedure, task)] * 3) if name == "ood" else measure(procedure, task)
                    for name, measure in measures.items()
                },
                coords={"shift": ["a", "b", "c"]},
                attrs={"task": str(task), "procedure": procedure, "repeat": repeat},
            )
            for task in range(10)
            for procedure in better
            for repeat in range(2)
        ]

    return one


@pytest.mark.parametrize(
    ("claim", "measure"),
    [("c5p", "change"), ("c6p", "ood"), ("c7p", "id"), ("c8p", "ood"), ("c9p", "ece"), ("c11p", "change")],
)
def test_claims_on_texts(passes, texts, blank, claim, measure):
    good = texts()
    assert passes(PAPER, claim, texts=good)
    assert not passes(PAPER, claim, texts=texts(**{measure: lambda name, task: 1.0}))
    some = {store.attrs["procedure"]: float(store[measure].mean()) for store in good}

    def mostly(name, task):
        return some[name] if task < 6 else -some[name]

    assert not passes(PAPER, claim, texts=texts(**{measure: mostly}))
    assert not passes(PAPER, claim, texts=blank(good))


def test_c9p_needs_scaling_to_help(passes, texts):
    assert not passes(PAPER, "c9p", texts=texts(scaled_ece=lambda name, task: 0.03 if task < 6 else 0.5))


def test_c13p(passes, blank):
    def stores(probed):
        return [
            xr.Dataset(
                {"ratio": ("start", [0.2, probed(task), 0.001, 0.2])},
                coords={"start": ["FT", "LP-FT", "LoRA", "LP-LoRA"]},
                attrs={"task": str(task)},
            )
            for task in range(10)
        ]

    assert passes(PAPER, "c13p", text_kernels=stores(lambda task: 0.9))
    assert not passes(PAPER, "c13p", text_kernels=stores(lambda task: 0.9 if task else 0.4))
    assert not passes(PAPER, "c13p", text_kernels=stores(lambda task: 0.1))
    assert not passes(PAPER, "c13p", text_kernels=blank(stores(lambda task: 0.9)))


def test_every_claim_is_tested(claim_ids):
    import inspect
    import sys

    source = inspect.getsource(sys.modules[__name__])
    assert [claim for claim in claim_ids(PAPER) if f'"{claim}"' not in source] == []
