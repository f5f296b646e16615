"""Stages of almost_linear_rnn, called as functions at tiny size, and its claims."""

import numpy as np
import pytest
import xarray as xr

from lib.atlas.job.figure import svg_bytes
from lib.dynamics.almost_linear import AlmostLinearRNN, generate

SLUG = "almost_linear_rnn"
TRAIN = {
    "units": 8,
    "target": 2,
    "compared": 1,
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
    "draws": 2,
    "ahead": 20,
    "reset": 0,
    "longest_cycle": 3,
    "beats": False,
}


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def stage(load):
    return lambda name, function=None: load(f"{SLUG}/{name}", function)


@pytest.fixture
def lorenz(stage):
    return stage("simulate")(system="lorenz", steps=3000, dt=0.01, transient=500)


def _as_trained(models, seeds, system="lorenz"):
    """Models in the form of the store that training writes."""
    arrays = {n: np.stack([getattr(m, n) for m in models]) for n in ("a", "w", "h", "lift")}
    dims = {"a": ("run", "unit"), "w": ("run", "unit", "from"), "h": ("run", "unit"), "lift": ("run", "hidden", "dim")}
    return xr.Dataset(
        {n: (dims[n], v) for n, v in arrays.items()}
        | {"score": (("run", "evaluation"), np.ones((len(seeds), 1)))}
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
    assert many.score.shape == (3, 2)
    np.testing.assert_array_equal(many.loss[1], one.loss[0])
    np.testing.assert_array_equal(many.w[1], one.w[0])
    other = train(lorenz, rectified=[0, 2], **{**TRAIN, "group": 1})
    assert other.seed.values.tolist() == [1]  # not among the seeds that are trained at every P
    assert other.rectified.values.tolist() == [2]
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
    assert analysis.baseline.dims == ("order", "measure")
    assert analysis.driven_baseline.sizes == {"order": 2, "draw": 2, "measure": 2}
    assert float(analysis.baseline.sel(measure="D_stsp").min()) > 2  # a linear mean dies out
    np.testing.assert_allclose(analysis.share.sum("rank"), 1)
    np.testing.assert_array_equal(analysis.real_cycles, [2, 1, 2])  # a tent of slope 1.7 has all of these


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
    assert stage("claims", "c4")(two)["n95_at_five"]["value"]
    assert stage("claims", "c6")(orbits)["fraction_agreeing"]["value"] == 1
    assert set(stage("claims", "c2")(series, two)) >= {"share_of_seeds", "saddle_eigenvalue"}
    assert stage("claims", "c10")([]) is None
    assert stage("claims", "c14")([]) is None
    for name, inputs in (
        ("attractors", (series, two, series, one)),
        ("graphs", (series, two, one)),
        ("sweep", (two, two)),
        ("symbols", (two, one)),
        ("empirical", ([series], [one])),
    ):
        drawn = svg_bytes(stage(f"figure_{name}", "figure")(*inputs), {})
        assert len(drawn) > 10_000


def test_words_and_graphs_of_models_that_stay_in_one_region_are_drawn(stage, rng):
    """A run that has collapsed has no words of several regions and no entropy of the next symbol."""
    still = _tent(0)._replace(a=np.full(5, 0.5), w=np.zeros((5, 5)))
    x = generate(_tent(0), np.full(5, 0.1), 4200)[200:, :3]
    series = xr.Dataset(
        {"x": (("time", "dim"), x), "fixed_point": (("point", "dim"), np.zeros((2, 3)))},
        coords={"dim": ["x", "y", "z"]},
        attrs={"system": "lorenz", "dt": 1.0},
    )
    analysis = stage("analyse")(series, [_as_trained([still], [0])], target=1, rng=rng, **ANALYSE)
    none = analysis.assign(block_entropy=analysis.block_entropy * np.nan)
    for name, inputs in (("symbols", (none, analysis)), ("graphs", (series, analysis, analysis))):
        assert len(svg_bytes(stage(f"figure_{name}", "figure")(*inputs), {})) > 5_000


LOBES = np.array([[1.0, 1.1, 0.5], [-1.1, -1.0, 0.5]])  # fixed points of the series
SADDLE = np.array([0.0, 0.1, -2.0])


def series_of() -> xr.Dataset:
    return xr.Dataset({"fixed_point": (("point", "dim"), LOBES)})


def scores_of(numbers, seeds=3, **values) -> xr.Dataset:
    """Scores of runs with these numbers P of rectified units; each is a list over P, the same for every seed."""
    columns = {name: ("run", np.tile(row, seeds)) for name, row in values.items()}
    coords = {"rectified": ("run", np.tile(numbers, seeds)), "seed": ("run", np.repeat(np.arange(seeds), len(numbers)))}
    return xr.Dataset(columns, coords)


def details_of(points, eigenvalues, transition, adjacency, lyapunov, growth, seeds=3) -> xr.Dataset:
    """Regions of every seed's model: fixed points, leading eigenvalues, transitions, reduced graph, exponents."""
    entropy = np.log(np.abs(np.linalg.eigvals(adjacency)).max())
    values = {
        "point": (("region", "dim"), points),
        "is_real": ("region", np.ones(len(points), bool)),
        "eigenvalue_real": (("region", "eigenvalue"), np.real(eigenvalues)[:, None]),
        "eigenvalue_imag": (("region", "eigenvalue"), np.imag(eigenvalues)[:, None]),
        "transition": (("region", "to"), transition),
        "symbol": ("region", np.arange(len(points))),
        "fraction": ("region", np.full(len(points), 1 / len(points))),
        "kept": ("region", np.ones(len(points), bool)),
        "adjacency": (("region", "to"), adjacency),
        "lyapunov": ("exponent", lyapunov),
        "graph_entropy": ((), entropy),
        "word_growth": ((), growth),
    }
    one = xr.Dataset(values).assign(top_word=0.9)
    return xr.concat([one] * seeds, "detail").assign_coords(detail_seed=("detail", np.arange(seeds)))


def baselines_of(mean=6.0, noisy=8.0) -> xr.Dataset:
    """Autoregressions of orders 1 and 5: scores of their mean, and of two runs with innovations."""
    mean_scores = [[mean, 0.5], [mean + 1, 0.5]]
    noisy_scores = [[[noisy, 0.5], [noisy, 0.5]], [[noisy + 1, 0.5], [noisy + 1, 0.5]]]
    return xr.Dataset(
        {
            "baseline": (("order", "measure"), mean_scores),
            "driven_baseline": (("order", "draw", "measure"), noisy_scores),
            "chosen_floor": ("measure", [0.5, 0.05]),
            "real_cycles": ("period", [2, 0]),
        },
        {"period": [1, 2], "order": [1, 5], "measure": ["D_stsp", "D_H"]},
    ).assign(best_detail=0)


def lorenz_of(
    scores=(10.0, 8.0, 2.0, 2.5, 3.0),
    n95=3,
    raw=12,
    lobe_modulus=1.002,
    jump=0.0,
    lyapunov=0.0095,
    mean=6.0,
    noisy=8.0,
) -> xr.Dataset:
    """Analysis of Lorenz-63: P = 0, 1, 2, 5, 20, whose best model has two spirals, a saddle, and a chain of regions."""
    runs = scores_of([0, 1, 2, 5, 20], D_stsp=scores, D_H=[0.1] * 5, n95=[n95] * 5, raw=[raw] * 5, used=[3] * 5)
    eigenvalues = [lobe_modulus * np.exp(0.1j), 1.09, lobe_modulus * np.exp(0.1j)]
    transition = np.array([[0.98, 0.02 - jump, jump], [0.02, 0.96, 0.02], [0.0, 0.02, 0.98]])
    chain = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    points = np.array([LOBES[1], SADDLE, LOBES[0]])
    details = details_of(points, np.array(eigenvalues), transition, chain, [lyapunov, 0.0, -0.1], 0.5)
    return xr.merge([runs, details, baselines_of(mean, noisy)]).assign_attrs(target=2, units=20)


def rossler_of(scores=(7.0, 1.0, 0.5), n95=2, growth=0.3, mean=6.0, spread=(0.0, 0.1), raw_at_ten=8) -> xr.Dataset:
    """Analysis of Rössler's system: P = 0, 1, 20, whose best model uses two regions that follow each other freely.

    `spread`: by how much the shares of regions at P = 1 and P = 20 differ from one seed to the next. P = 10 scores half
    of P = 1.
    """
    numbers, scores = [0, 1, 20, 10], [*scores, scores[1] / 2]
    runs = scores_of(numbers, D_stsp=scores, D_H=[0.05] * 4, n95=[n95] * 4, raw=[2, 2, 2, raw_at_ten], used=[2] * 4)
    by_number = dict(zip(numbers, (0.0, *spread, 0.0)))
    first = [0.8 - by_number[int(p)] * int(s) for p, s in zip(runs.rectified, runs.seed)]
    runs = runs.assign(share=(("run", "rank"), np.stack([first, 1 - np.array(first)], axis=1)))
    points, eigenvalues = np.array([LOBES[0], SADDLE]), np.array([1.01 * np.exp(0.2j), -0.5])
    details = details_of(points, eigenvalues, np.full((2, 2), 0.5), np.ones((2, 2)), [0.006, 0, -0.2], growth)
    return xr.merge([runs, details, baselines_of(mean)]).assign_attrs(target=1, units=20)


def ecg_of(
    scores=(7.0, 2.0), spectrum=0.2, mean=6.0, top_word=0.9, system="synthetic_ecg", noisy=8.0, used=3, q_share=1.0
) -> xr.Dataset:
    runs = scores_of([0, 2], D_stsp=scores, D_H=[spectrum] * 2, used=[used] * 2, reset_D_stsp=[1.0] * 2)
    beats = {"top_word": ("detail", [top_word] * 3), "q_share": ("detail", [q_share] * 3)}
    words = xr.Dataset(beats, {"detail_seed": ("detail", np.arange(3))})
    return xr.merge([runs, words, baselines_of(mean, noisy)]).assign_attrs(target=2, units=40, system=system)


def recordings_of(ecg_scores=(7.0, 2.0), fmri_scores=(7.0, 2.0), mean=6.0, noisy=8.0, **beats) -> list[xr.Dataset]:
    ecg = ecg_of(ecg_scores, mean=mean, noisy=noisy, system="ecg", **beats)
    return [ecg, ecg_of(fmri_scores, mean=mean, noisy=noisy, system="fmri")]


def full_of(score=3.0) -> xr.Dataset:
    """Analysis of networks of rectified units alone."""
    runs = scores_of([20], D_stsp=[score], D_H=[0.1])
    return xr.merge([runs, baselines_of()]).assign_attrs(target=20, units=20)


def sizes_of(one=12.0, small=6.0, large=3.0) -> list[xr.Dataset]:
    """Scores of P = 1 and of P = 2 at two numbers of units."""
    stores = zip((5, 20), (small, large))
    return [scores_of([1, 2], D_stsp=[one, score]).assign_attrs(units=units) for units, score in stores]


def apart(store: xr.Dataset, **shifts) -> xr.Dataset:
    """The same details with variables of the last seed shifted."""
    last = xr.DataArray([0.0, 0.0, 1.0], dims="detail")
    return store.assign({name: store[name] + last * shift for name, shift in shifts.items()})


def orbits_of(code_period=2, error=1e-12) -> xr.Dataset:
    kinds = np.repeat(["fixed point", "cycle", "chaotic", "unresolved"], 100)
    period = np.repeat([1, 2, 0, 0], 100)
    return xr.Dataset(
        {
            "kind": ("map", kinds),
            "period": ("map", period),
            "code_period": ("map", np.where(kinds == "cycle", code_period, period)),
            "cycle_error": ("cycle", [error, 1e-12]),
            "settled_error": ("settled", [1e-12]),
        }
    )


STORES = {
    "lorenz_series": series_of(),
    "lorenz": lorenz_of(),
    "lorenz_full": full_of(),
    "rossler": rossler_of(),
    "sizes": sizes_of(),
    "rossler_gtf": rossler_of(),
    "orbits": orbits_of(),
    "recordings": recordings_of(),
    "synthetic_ecg": ecg_of(),
}
CLAIMS = {
    "c1": ("lorenz",),
    "c2": ("lorenz_series", "lorenz"),
    "c3": ("rossler",),
    "c4": ("lorenz",),
    "c5": ("lorenz", "rossler"),
    "c6": ("orbits",),
    "c7": ("lorenz", "rossler"),
    "c8": ("lorenz", "rossler", "lorenz_full"),
    "c9": ("rossler_gtf",),
    "c10": ("recordings",),
    "c11": ("synthetic_ecg",),
    "c12": ("lorenz_series", "lorenz"),
    "c13": ("rossler",),
    "c14": ("sizes",),
    "c15": ("rossler",),
}
UNKNOWN = (np.nan,) * 5
NOT_REPRODUCED = {
    "c1": [{"lorenz": lorenz_of(n95=4)}, {"lorenz": lorenz_of(scores=(10, 8, 6, 2, 3))}],
    "c2": [
        {"lorenz_series": series_of() + 1.0},
        {"lorenz": lorenz_of(lobe_modulus=0.99)},
        {"lorenz": lorenz_of(jump=0.01)},
    ],
    "c3": [{"rossler": rossler_of(n95=3)}, {"rossler": rossler_of(scores=(7, np.nan, 1))}],
    "c4": [{"lorenz": lorenz_of(scores=(3, 8, 2, 2, 3))}, {"lorenz": lorenz_of(raw=25)}],
    "c5": [{"lorenz": lorenz_of(lyapunov=0.013)}, {"lorenz": lorenz_of().assign(best_detail=np.nan)}],
    "c6": [{"orbits": orbits_of(code_period=1)}, {"orbits": orbits_of(error=1e-3)}],
    "c7": [
        {"lorenz": lorenz_of().assign(adjacency=lorenz_of().adjacency * 0 + 1)},
        {"rossler": rossler_of(growth=0.8)},
    ],
    "c8": [
        {"lorenz": lorenz_of(mean=3.0)},
        {"lorenz": lorenz_of(noisy=3.0)},  # better with innovations than without
        {"lorenz": lorenz_of(mean=np.inf, noisy=np.nan)},
        {"rossler": rossler_of(scores=(7.0, 4.0, 0.5))},
        {"lorenz": lorenz_of(scores=UNKNOWN)},
    ],
    "c9": [{"rossler_gtf": rossler_of(n95=3)}],
    "c10": [
        {"recordings": recordings_of(ecg_scores=(7.0, 4.0))},
        {"recordings": recordings_of(fmri_scores=(1.0, 2.0))},
        {"recordings": recordings_of(fmri_scores=(np.nan, 2.0))},
        {"recordings": recordings_of(mean=np.inf)},
        {"recordings": recordings_of(noisy=3.0)},
        {"recordings": recordings_of(top_word=np.nan)},
        {"recordings": recordings_of(used=4)},
        {"recordings": recordings_of(q_share=0.8)},
        {"recordings": recordings_of(q_share=np.nan)},
    ],
    "c11": [
        {"synthetic_ecg": ecg_of(spectrum=0.4)},
        {"synthetic_ecg": ecg_of(mean=3.0)},
        {"synthetic_ecg": ecg_of(noisy=3.0)},
        {"synthetic_ecg": ecg_of(mean=np.inf, noisy=np.nan)},
        {"synthetic_ecg": ecg_of(top_word=np.nan)},
    ],
    "c12": [
        {"lorenz": lorenz_of(n95=4)},  # none is accepted, and there are no pairs
        {"lorenz": apart(lorenz_of(), eigenvalue_real=0.1)},
        {"lorenz": apart(lorenz_of(), point=0.4)},
    ],
    "c13": [
        {"rossler": rossler_of(raw_at_ten=2)},
        {"rossler": rossler_of().isel(run=slice(0, 3))},  # without P = 10
        {"rossler": rossler_of(scores=(7.0, np.nan, 0.5))},
    ],
    "c14": [
        {"sizes": sizes_of(one=5.0)},
        {"sizes": sizes_of(small=2.5)},
        {"sizes": sizes_of(small=np.nan, large=np.nan)},
    ],
    "c15": [{"rossler": rossler_of(spread=(0.2, 0.1))}, {"rossler": rossler_of(scores=(7.0, np.nan, 0.5))}],
}


@pytest.mark.parametrize("name", CLAIMS)
def test_claims_hold_where_they_should_and_nowhere_else(passes, blank, name):
    inputs = {store: STORES[store] for store in CLAIMS[name]}
    assert passes(SLUG, name, **inputs)
    for change in NOT_REPRODUCED[name]:
        assert not passes(SLUG, name, **inputs | change), change
    assert not passes(SLUG, name, **{store: blank(value) for store, value in inputs.items()})


def test_three_trainings_do_not_settle_a_share_of_two_thirds_but_their_spread_settles_a_wide_margin(verdict):
    three = verdict(SLUG, "c1", lorenz=lorenz_of())
    assert (three["verdict"], three["firm"]) == ("reproduced", False)  # Clopper and Pearson: 0.29 to 1
    assert verdict(SLUG, "c8", lorenz=lorenz_of(), rossler=rossler_of(), lorenz_full=full_of())["firm"]
    scattered = lorenz_of().assign(lyapunov=lorenz_of().lyapunov * xr.DataArray([1.0, 0.8, 1.2], dims="detail"))
    near = verdict(SLUG, "c5", lorenz=scattered, rossler=rossler_of())
    assert (near["verdict"], near["firm"]) == ("reproduced", False)


def test_every_claim_is_tested(claim_ids):
    assert sorted(CLAIMS) == sorted(NOT_REPRODUCED) == sorted(claim_ids(SLUG))


def test_a_baseline_without_a_score_is_not_beaten(load):
    over = load(f"{SLUG}/claims", "_over")
    assert np.isnan(over([0.5, 1.0], np.inf)).all()
    assert np.isnan(over([0.5, 1.0], np.nan)).all()
    np.testing.assert_array_equal(over([0.5, 1.0], 2.0), [0.25, 0.5])
