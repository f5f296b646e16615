"""Stages of almost_linear_rnn, called as functions at tiny size."""

import numpy as np
import pytest
import xarray as xr

from lib.atlas.job.figure import svg_bytes
from lib.dynamics.almost_linear import AlmostLinearRNN, generate

TRAIN = {
    "units": 8,
    "groups": [[0], [1]],
    "group": 0,
    "interval": 16,
    "strength": 1.0,
    "batch": 8,
    "length": 30,
    "epochs": 4,
    "batches": 4,
    "first_rate": 0.001,
    "last_rate": 0.0005,
    "noise": 0.05,
    "every": 2,
    "run_steps": 900,
    "transient": 100,
    "select_on": 0.5,
    "bins": 10,
    "smoothing": 5.0,
    "variance": 0.0,
    "root_seed": 0,
}
ANALYSE = {
    "steps": 1500,
    "run_steps": 900,
    "transient": 100,
    "shown": 600,
    "select_on": 0.5,
    "bins": 10,
    "smoothing": 5.0,
    "variance": 0.0,
    "regions": 8,
    "lyapunov_steps": 1000,
    "exponents": 3,
    "orders": [1, 5],
    "ahead": 20,
    "beats": False,
}


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def stage(load):
    return lambda name, function=None: load(f"almost_linear_rnn/{name}", function)


@pytest.fixture
def lorenz(stage):
    return stage("simulate")(system="lorenz", steps=3000, dt=0.01, transient=500)


def _as_trained(models, seeds, system="lorenz"):
    """Models in the form of the store that training writes."""
    arrays = {n: np.stack([getattr(m, n) for m in models]) for n in ("a", "w", "h", "lift")}
    dims = {"a": ("run", "unit"), "w": ("run", "unit", "from"), "h": ("run", "unit"), "lift": ("run", "hidden", "dim")}
    return xr.Dataset(
        {n: (dims[n], v) for n, v in arrays.items()}
        | {"metric": (("run", "evaluation", "measure"), np.ones((len(seeds), 1, 3)))}
        | {"best": ("run", [0] * len(seeds))},
        coords={"rectified": ("run", [m.rectified for m in models]), "seed": ("run", seeds)},
        attrs={"system": system, "units": models[0].units, "strength": 1.0},
    )


def _tent(seed):
    """A chaotic tent map seen by one linear unit, with three observations: expands by 1.7 at every step."""
    rng = np.random.default_rng(seed)
    w = np.zeros((5, 5))
    w[:3, 4] = [1.0, -0.5, 0.7]
    w[3, 4] = 0.1 * rng.standard_normal()
    w[4, 4] = -3.4
    a, h = np.array([0.3, 0.2, 0.1, 0.2, 1.7]), np.array([0.0, 0.0, 0.0, 0.1, 1.0])
    return AlmostLinearRNN(a, w, h, 0.1 * np.ones((2, 3)), 1)


def test_training_scores_every_model_and_does_not_depend_on_its_company(stage, lorenz):
    train = stage("train")
    many, one = train(lorenz, rectified=[0, 2, 8], **TRAIN), train(lorenz, rectified=[2], **TRAIN)
    assert many.metric.shape == (3, 2, 3)
    np.testing.assert_array_equal(many.loss[1], one.loss[0])
    np.testing.assert_array_equal(many.w[1], one.w[0])
    other = train(lorenz, rectified=[2], **{**TRAIN, "group": 1})
    assert int(other.seed[0]) == 1
    assert not np.array_equal(other.w[0], one.w[0])
    np.testing.assert_array_equal(many.evaluated, [2, 4])


def test_a_known_chaotic_model_is_analysed_as_what_it_is(stage, rng):
    model = _tent(0)
    x = generate(model, np.full(5, 0.1), 4200)[200:, :3]
    series = xr.Dataset(
        {"x": (("time", "dim"), x)}, coords={"dim": ["x", "y", "z"]}, attrs={"system": "lorenz", "dt": 1.0}
    )
    analysis = stage("analyse")(series, [_as_trained([model, _tent(1)], [0, 1])], target=1, rng=rng, **ANALYSE)
    np.testing.assert_allclose(analysis.lyapunov[:, 0], np.log(1.7), atol=0.01)
    np.testing.assert_array_equal(analysis.raw, 2)
    np.testing.assert_array_equal(analysis.n95, 2)
    assert float(analysis.D_stsp[0]) < 0.5
    np.testing.assert_allclose(analysis.transition[0, :2, :2].sum("to"), 1)
    place = {int(s): i for i, s in enumerate(analysis.symbol.values[0][:2])}
    assert bool(analysis.is_real[0, place[0]])
    assert bool(analysis.is_real[0, place[1]])
    assert analysis.baseline.shape == (2, 2, 2)
    assert float(analysis.baseline.sel(kind="mean", measure="D_stsp").min()) > 2  # a linear mean dies out


def test_recordings_are_read_and_refused(stage, tmp_path, rng):
    read = stage("load_recording")
    options = {"system": "ecg", "dt": 0.01, "units": "s", "embedding": 5, "shortest": 100, "scaled": True}
    x = rng.standard_normal((500, 5))
    np.save(tmp_path / "a.npy", x)
    recording = read(tmp_path / "a.npy", **options)
    np.testing.assert_allclose(recording.x, (x - x.mean(0)) / x.std(0), atol=1e-6)
    import zarr

    zarr.save(str(tmp_path / "a.zarr"), x)
    np.testing.assert_array_equal(read(tmp_path / "a.zarr", **options).x, recording.x)
    np.save(tmp_path / "one.npy", np.sin(np.arange(500) * 0.1) + 0.1 * rng.standard_normal(500))
    assert read(tmp_path / "one.npy", **options).sizes["dim"] == 5
    x[3, 2] = np.inf
    np.save(tmp_path / "b.npy", x)
    np.save(tmp_path / "c.npy", x[:50, :2])
    np.save(tmp_path / "d.npy", np.zeros((200, 2, 2)))
    for name in "bcd":
        with pytest.raises(ValueError, match="got an array of shape"):
            read(tmp_path / f"{name}.npy", **options)


def test_codes_have_the_periods_of_their_orbits(stage, rng):
    run = stage("follow_orbits")(
        generic=40, expanding=6, units=4, rectified=2, steps=2000, keep=400, longest=100, word_length=2, rng=rng
    )
    settled = np.isin(run.kind, ["fixed point", "cycle"])
    assert settled.sum() > 15
    np.testing.assert_array_equal(run.period[settled], run.code_period[settled])
    np.testing.assert_array_equal(run.kind[run.expanding], "chaotic")
    np.testing.assert_array_equal(run.code_period[run.expanding], 0)
    assert float(run.cycle_error.max()) < 1e-8


def test_claims_and_figures_of_a_small_run(stage, rng):
    """Every stage after the others, on the tent map: claims are complete and figures drawn."""
    models = [_tent(s)._replace(rectified=p) for s in (0, 1) for p in (0, 1, 2, 5)]
    x = generate(_tent(0), np.full(5, 0.1), 4200)[200:, :3]
    series = xr.Dataset(
        {"x": (("time", "dim"), x), "fixed_point": (("point", "dim"), np.zeros((2, 3)))},
        coords={"dim": ["x", "y", "z"], "time": np.arange(4000)},
        attrs={"system": "lorenz", "dt": 1.0},
    )
    trained = _as_trained(models, [0] * 4 + [1] * 4)
    analyse = stage("analyse")
    one = analyse(series, [trained], target=1, rng=rng, **{**ANALYSE, "beats": True})
    two = analyse(series, [trained], target=2, rng=rng, **ANALYSE)
    one.attrs["system"] = "synthetic_ecg"
    orbits = stage("follow_orbits")(
        generic=10, expanding=3, units=4, rectified=2, steps=500, keep=300, longest=50, word_length=2, rng=rng
    )
    found = stage("claims")(series, two, one, one, one, orbits)
    assert set(found) == {f"c{k}" for k in range(1, 12)} - {"c10"}
    assert found["c4"]["quantities"]["n95_at_five"]["value"]
    for name, inputs in (
        ("attractors", (series, two, series, one)),
        ("graphs", (two, one)),
        ("sweep", (two,)),
        ("symbols", (two, one)),
        ("empirical", ([series], [one])),
    ):
        drawn = svg_bytes(stage(f"figure_{name}", "figure")(*inputs), {})
        assert len(drawn) > 10_000
