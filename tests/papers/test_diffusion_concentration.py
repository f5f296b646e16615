"""Stages of diffusion_concentration, called as functions at small size, and claims where they hold and fail."""

import numpy as np
import pytest
import xarray as xr

from lib.diffusion.classes import class_unet
from lib.diffusion.edm import edm_scheduler

PAPER = "diffusion_concentration"
SAMPLERS = [
    {"name": "ddim", "steps": 3, "samples": 700},
    {"name": "ddpm", "steps": 3, "samples": 100},
    {"name": "heun", "steps": 3, "samples": 100},
]
SGD = {"halves": False, "learning_rate": 0.05, "epochs": 2, "batch": 10, "classes": []}
_made = {}


def _once(name: str, make):
    """A store that several tests share."""
    if name not in _made:
        _made[name] = make()
    return _made[name]


@pytest.fixture
def model(load):
    return _once(
        "model",
        lambda: load(f"{PAPER}/train_digits")(
            channels=[16, 16], steps=3, batch=8, learning_rate=1e-3, highest_decay=0.999,
            rng=np.random.default_rng(0), device="cpu",
        ),
    )  # fmt: skip


@pytest.fixture
def samples(load, model):
    return _once(
        "samples",
        lambda: load(f"{PAPER}/generate_digits")(
            model, samplers=SAMPLERS, sigma_max=20.0, batch=100, seed="0", root_seed=0, device="cpu"
        ),
    )


@pytest.fixture
def concentration(load, samples):
    return _once(
        "concentration",
        lambda: load(f"{PAPER}/measure_concentration")(
            samples, projections=3, references=5, resamples=20, control_sets=6, control_freedom=3, root_seed=0
        ),
    )


@pytest.fixture
def jacobians(load, model, samples):
    return _once(
        "jacobians",
        lambda: load(f"{PAPER}/measure_jacobians")(
            model, samples, classes=[0, 3], noises=3, steps=3, projections=4, root_seed=0, device="cpu"
        ),
    )


@pytest.fixture
def train_students(load):
    def one(checkpoint=None):
        return load(f"{PAPER}/train_students")(
            dim=3, freedom=3.0, seeds=2, samples=300, width=8, blocks=1, steps=5, batch=16, learning_rate=1e-3,
            root_seed=0, device="cpu", checkpoint=checkpoint,
        )  # fmt: skip

    return one


@pytest.fixture
def tails(load, train_students):
    return _once(
        "tails",
        lambda: load(f"{PAPER}/measure_tails")(
            train_students(), dim=3, freedom=3.0, samples=400, steps=20, sigma_max=40.0,
            probabilities=[0.5, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8], directions=8, levels=[0.5, 0.99, 0.999, 0.9999],
            fraction=0.05, root_seed=0, device="cpu",
        ),
    )  # fmt: skip


@pytest.fixture
def manifold(load):
    return _once(
        "manifold",
        lambda: load(f"{PAPER}/generate_manifold")(
            dim=6, classes=3, samples=200, width=8, blocks=1, steps=5, batch=16, learning_rate=1e-3, drawn=300,
            sampler_steps=4, sigma_max=20.0, rng=np.random.default_rng(0), device="cpu",
        ),
    )  # fmt: skip


@pytest.fixture
def spectra(load, samples, manifold):
    return _once(
        "spectra",
        lambda: load(f"{PAPER}/measure_spectra")(
            samples, manifold, least_variance=0.001, repetitions=3, control_freedom=3.0, root_seed=0
        ),
    )


@pytest.fixture
def classifiers(load, samples, manifold):
    def tasks():
        for loss in ("softmax", "squared"):
            for name, data, sizes in (
                ("coarse", "digits", [100, 128]),
                ("ten", "digits", [128]),
                ("manifold", "manifold", [128]),
            ):
                yield {**SGD, "name": name, "data": data, "loss": loss, "sizes": sizes, "halves": name == "coarse"}
        yield {**SGD, "name": "7 and 9", "data": "digits", "loss": "softmax", "sizes": [20], "classes": [7, 9]}
        yield {**SGD, "name": "spiked", "data": "spiked", "loss": "softmax", "sizes": [100]}

    return _once(
        "classifiers",
        lambda: load(f"{PAPER}/train_classifiers")(
            samples,
            manifold,
            tasks=list(tasks()),
            repeats=3,
            tests=50,
            spiked=300,
            laws=2,
            dim=6,
            classes=3,
            root_seed=0,
            device="cpu",
        ),
    )


def _spread(values, around: float, share: float = 0.01):
    """Values near a number, alike in no two places."""
    noise = np.random.default_rng(0).standard_normal(values.shape)
    return xr.zeros_like(values, dtype=float) + around * (1 + share * noise)


def test_samples_keep_their_sampler_and_label(samples):
    assert samples.sampler.values.tolist().count("ddpm") == 100
    assert np.bincount(samples.label.values[:700]).tolist() == [70] * 10
    assert samples.norm.shape == (3, 3, 100)
    state, clean, derivative = samples.norm.values[0]
    assert state.mean() == pytest.approx(20 * 8, rel=0.1)  # noise of deviation 20 on 64 pixels
    assert (np.abs(state - clean) <= 20 * derivative + 1e-3).all()


def test_the_students_resume_and_have_their_own_data(train_students, stopping):
    whole, checkpoint = train_students(), stopping(1)
    with pytest.raises(KeyboardInterrupt):
        train_students(checkpoint)
    xr.testing.assert_identical(train_students(checkpoint), whole)
    checkpoint.remove()
    heavy, control = whole.deviation.values[:2], whole.deviation.sel(model="gaussian")
    assert abs(float(control) - 1) < 0.05
    assert (heavy > 1.2).all()
    assert heavy[0] != heavy[1]


def test_images_are_drawn_in_shards_and_measured(load, verdict, spectra, tmp_path):
    class_unet(8, 6, [16, 16]).save_pretrained(tmp_path / "unet")
    edm_scheduler(0.5, 0.01, 10.0).save_pretrained(tmp_path / "scheduler")
    draw = load(f"{PAPER}/generate_images")
    shards = [
        draw(
            tmp_path, n=str(i), classes=[5, 2], per_class=30, size=40, batch=20, steps=2,
            churn=[1.0, 0.05, 5.0, 1.0], root_seed=0, device="cpu",
        )
        for i in range(2)
    ]  # fmt: skip
    assert [part.sizes["sample"] for part in shards] == [40, 20]
    assert np.bincount(np.concatenate([part.label for part in shards])).tolist() == [30, 30]
    assert not np.allclose(shards[0].x[:20], shards[1].x[:20])
    options = {"least": 30, "sizes": [5, 8], "tests": 10, "repeats": 2, "loss": "squared", "learning_rate": 0.01}
    options |= {"epochs": 2, "batch": 8, "projections": 3, "rng": np.random.default_rng(0), "device": "cpu"}
    store = load(f"{PAPER}/measure_images")(shards, **options)
    assert store.error.shape == (2, 3, 2, 2)
    assert np.isinf(store.condition).all()  # fewer images than pixels
    for claim, name in (("d10", "images_condition"), ("d10b", "images_ratio"), ("d13", "images_ratio")):
        shown = verdict(PAPER, claim, spectra=spectra, images=[store])["quantities"][name]["value"]
        assert len(shown) == 2
    x, label = (np.concatenate([part[name] for part in shards]) for name in ("x", "label"))
    np.savez(tmp_path / "images.npz", x=x, label=label)
    options["rng"] = np.random.default_rng(0)
    xr.testing.assert_identical(load(f"{PAPER}/measure_images")(tmp_path / "images.npz", **options), store)


def test_d1(passes, concentration, blank):
    good = concentration.assign(accuracy=_spread(concentration.accuracy, 0.98, 1e-4))
    assert passes(PAPER, "d1", concentration=[good])
    assert not passes(PAPER, "d1", concentration=[good, good.assign(accuracy=good.accuracy - 0.05)])
    assert not passes(PAPER, "d1", concentration=[blank(good)])


def _concentrated(store):
    numbers = store.statistic.copy()
    for name, value in (("kurtosis", 3.0), ("ratio 8", 0.9), ("mean", 7.0), ("deviation", 0.3)):
        numbers.loc[{"number": name}] = value
    real = {"source": "real", "number": "deviation"}
    numbers.loc[real] = 0.2
    return store.assign(
        statistic=numbers,
        kurtosis_resampled=_spread(store.kurtosis_resampled, 3.0),
        ratio_resampled=_spread(store.ratio_resampled, 0.9),
        pooled=_spread(store.pooled, 0.9),
        pooled_resampled=_spread(store.pooled_resampled, 0.9),
        spread_resampled=_spread(store.spread_resampled, 0.3 / 7),
        control=_spread(store.control, 2.0),
    )


def _with_number(store, number: str, value: float, **where):
    changed = store.statistic.copy()
    changed.loc[{"number": number, **where}] = value
    return store.assign(statistic=changed)


def test_d2(passes, concentration, blank):
    good = _concentrated(concentration)
    assert passes(PAPER, "d2", concentration=[good])
    heavy = {"source": "ddpm", "class": 4}
    assert not passes(
        PAPER, "d2", concentration=[_with_number(good, "kurtosis", 4.0, functional="projection", **heavy)]
    )
    assert not passes(PAPER, "d2", concentration=[_with_number(good, "ratio 8", 1.7, functional="largest", **heavy)])
    assert not passes(PAPER, "d2", concentration=[good.assign(pooled=1.4 * good.pooled)])
    assert not passes(PAPER, "d2", concentration=[good.assign(control=0.6 * good.control)])
    assert not passes(PAPER, "d2", concentration=[blank(good)])


def test_d3(passes, concentration, blank):
    good = _concentrated(concentration)
    assert passes(PAPER, "d3", concentration=[good])
    wide = {"source": "ddim", "functional": "norm"}
    assert not passes(PAPER, "d3", concentration=[_with_number(good, "deviation", 0.6, **wide)])
    assert not passes(PAPER, "d3", concentration=[_with_number(good, "deviation", 0.41, **wide)])
    assert not passes(PAPER, "d3", concentration=[blank(good)])


def test_d4(passes, jacobians, blank):
    rng = np.random.default_rng(0)
    many = jacobians.isel(noise=np.arange(60) % jacobians.sizes["noise"])
    scale = jacobians["value"].var("sample").max()
    good = many.assign(gradient=_spread(many.gradient, 1.3, 0.1), value=many["value"] / np.sqrt(scale))
    unit = xr.zeros_like(good["value"]) + rng.standard_normal(good["value"].shape)
    unit = unit.where(good["value"].notnull())
    longer = xr.concat([unit] * 4, "sample")
    good = good.drop_vars("value").assign(value=longer)
    assert passes(PAPER, "d4", jacobians=good)
    assert not passes(PAPER, "d4", jacobians=good.assign(gradient=good.gradient / 2))
    assert not passes(PAPER, "d4", jacobians=good.assign(gradient=good.gradient * 5))
    assert not passes(PAPER, "d4", jacobians=good.assign(gradient=_spread(good.gradient, 1.3, 3.0) ** 2))
    assert not passes(PAPER, "d4", jacobians=blank(good))


def _tailed(store, source: str, far: float, near: float = 1.0):
    """The store with a probe that is `near` at p = 0.5 and falls to `far` at 1e-6 and as a power beyond."""
    probe, p = store.probe.copy(), store.probability.values
    depth = np.log(p / 0.5) / np.log(1e-6 / 0.5)
    probe.loc[{"source": source}] = (near * (far / near) ** depth)[:, None] + np.zeros(probe.sizes["direction"])
    quantile = store.sample_quantile.copy()
    quantile.loc[{"source": source}] = near
    return store.assign(probe=probe, sample_quantile=quantile)


def test_d5(passes, tails, blank):
    good = tails
    for source in ("student 0", "student 1"):
        good = _tailed(good, source, 0.03)
    assert passes(PAPER, "d5", tails=good)
    assert not passes(PAPER, "d5", tails=_tailed(good, "student 1", 0.9))
    assert not passes(PAPER, "d5", tails=_tailed(good, "student 1", 0.03, near=0.7))  # collapsed
    assert not passes(PAPER, "d5", tails=blank(good))


def test_d6(passes, tails, blank):
    good = _tailed(tails, "gaussian", 1.0)
    assert passes(PAPER, "d6", tails=good)
    assert not passes(PAPER, "d6", tails=_tailed(good, "gaussian", 0.8))
    assert not passes(PAPER, "d6", tails=_tailed(good, "gaussian", 1.0, near=1.2))
    assert not passes(PAPER, "d6", tails=blank(good))


def test_d12(passes, tails, blank):
    """The exact denoiser keeps the tail in the stage itself, at its small size."""
    quantile = tails.sample_quantile.copy()
    quantile.loc[{"source": "exact denoiser"}] = 1.0  # of 400 samples they vary
    good = tails.assign(sample_quantile=quantile)
    assert passes(PAPER, "d12", tails=good)
    assert not passes(PAPER, "d12", tails=_tailed(good, "exact denoiser", 0.3))
    assert not passes(PAPER, "d12", tails=good.assign(sample_quantile=0.8 * quantile))
    assert not passes(PAPER, "d12", tails=blank(good))


def _errors(store, mixture: float, cross: float = 1.0, name: str = "error"):
    """The store with errors near 0.1 on samples, and so many times as much on the mixture."""
    values = _spread(store[name], 0.1, 1e-3)
    values.loc[{"train": "mixture", "test": "mixture"}] *= mixture
    values.loc[{"train": "mixture", "test": "samples"}] *= cross
    return store.assign({name: values})


def test_d7_d8_and_d11(passes, classifiers, blank):
    for claim in ("d7", "d8"):
        assert passes(PAPER, claim, classifiers=_errors(classifiers, 1.05))
        assert not passes(PAPER, claim, classifiers=_errors(classifiers, 1.1))  # every gap passes, their mean does not
        assert not passes(PAPER, claim, classifiers=_errors(classifiers, 0.6))
        assert not passes(PAPER, claim, classifiers=blank(classifiers))
    many = _errors(classifiers, 1.0).assign(tests=classifiers.tests + 4000)
    assert passes(PAPER, "d11", classifiers=many)
    assert not passes(PAPER, "d11", classifiers=_errors(many, 1.0, cross=1.3))
    assert not passes(PAPER, "d11", classifiers=_errors(classifiers, 1.0))  # too few test points
    assert not passes(PAPER, "d11", classifiers=blank(many))


def test_d7b(passes, classifiers, blank):
    good = _errors(_errors(classifiers, 1.03), 1.01, name="loss_value")
    assert passes(PAPER, "d7b", classifiers=good)
    assert not passes(PAPER, "d7b", classifiers=_errors(good, 1.08))
    assert not passes(PAPER, "d7b", classifiers=_errors(good, 1.1, name="loss_value"))
    assert not passes(PAPER, "d7b", classifiers=blank(good))


def test_d8_shows_images_beside_it(verdict, classifiers):
    images = classifiers.isel(row=slice(2))
    quantities = verdict(PAPER, "d8", classifiers=_errors(classifiers, 1.0), images=[_errors(images, 2.0)])[
        "quantities"
    ]
    np.testing.assert_allclose(quantities["images_gap"]["value"], 0.5, atol=0.01)


def test_d9(passes, classifiers, blank):
    assert passes(PAPER, "d9", classifiers=_errors(classifiers, 3.0))
    assert not passes(PAPER, "d9", classifiers=_errors(classifiers, 1.0))
    assert not passes(PAPER, "d9", classifiers=blank(classifiers))


def test_d10(passes, spectra, blank):
    good = spectra.assign(condition=_spread(spectra.condition, 5000.0))
    assert passes(PAPER, "d10", spectra=good)
    assert not passes(PAPER, "d10", spectra=good.assign(condition=good.condition / 10))
    holes = good.eigenvalue.where(good.source != "mixture")
    assert not passes(PAPER, "d10", spectra=good.assign(eigenvalue=holes))
    assert not passes(PAPER, "d10", spectra=blank(good))


def test_d10b(passes, spectra, blank):
    known = spectra.smallest.notnull()
    good = spectra.assign(
        smallest=_spread(spectra.smallest, 1e-4).where(known), largest=_spread(spectra.largest, 1.0).where(known)
    )
    assert passes(PAPER, "d10b", spectra=good)
    assert not passes(PAPER, "d10b", spectra=good.assign(smallest=20 * good.smallest))
    assert not passes(PAPER, "d10b", spectra=blank(good))


def test_d13(passes, spectra, blank):
    distance = _spread(spectra.distance, 0.1).where(spectra.distance.notnull())
    distance.loc[{"dataset": "student", "pair": "mixture"}] *= 3
    good = spectra.assign(distance=distance)
    assert passes(PAPER, "d13", spectra=good)
    apart = distance.copy()
    apart.loc[{"dataset": "digits", "pair": "mixture"}] *= 2
    assert not passes(PAPER, "d13", spectra=good.assign(distance=apart))
    blunt = distance.copy()
    blunt.loc[{"dataset": "student", "pair": "mixture"}] /= 3
    assert not passes(PAPER, "d13", spectra=good.assign(distance=blunt))
    assert not passes(PAPER, "d13", spectra=blank(good))


def test_a_verdict_within_error(verdict, classifiers):
    noisy = _errors(classifiers, 1.05)
    entry = verdict(PAPER, "d7", classifiers=noisy.assign(error=_spread(noisy.error, 1.0, 0.1) * noisy.error))
    assert entry["firm"] is False


def test_every_claim_is_judged_here(claim_ids):
    tested = {f"d{i}" for i in range(1, 14)} | {"d7b", "d10b"}
    assert set(claim_ids(PAPER)) == tested
