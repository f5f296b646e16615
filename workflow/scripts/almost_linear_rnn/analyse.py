"""Analyse trained models: free runs, symbols, fixed points, exponents; floors and linear baselines of the series."""

import numpy as np
import xarray as xr

from lib.dynamics import symbolic
from lib.dynamics.almost_linear import AlmostLinearRNN, codes, generate, lifted
from lib.dynamics.autoregression import fit_var, run_var
from lib.dynamics.ecg import beat_words
from lib.dynamics.measures import Scorer, n_step_error
from lib.dynamics.orbits import fixed_points, lyapunov_spectrum
from lib.progress import progress

LEADING = 4
LONGEST = 12


def _models(trained: list):
    """Every run of every store as `(P, seed, best evaluation's score, model in float64)`."""
    for store in trained:
        for r in range(store.sizes["run"]):
            one = store.isel(run=r)
            parts = [one[name].values for name in ("a", "w", "h", "lift")]
            model = AlmostLinearRNN(*parts, int(one.rectified)).astype(np.float64)
            best = int(one.best)
            yield int(one.rectified), int(one.seed), float(one.metric[best, 0]) if best >= 0 else np.nan, model


def _geometry(model, code, region_count):
    """Occupancy, transitions, reduced graph and fixed points of the most used regions."""
    found = symbolic.occupancy(code)
    symbols = found.symbols[:region_count]
    k = len(symbols)
    out = {
        "symbol": np.full(region_count, -1),
        "fraction": np.zeros(region_count),
        "transition": np.zeros((region_count, region_count)),
        "kept": np.zeros(region_count, bool),
        "adjacency": np.zeros((region_count, region_count), np.uint8),
        "point": np.full((region_count, model.observed), np.nan),
        "is_real": np.zeros(region_count, bool),
        "eigenvalue_real": np.full((region_count, LEADING), np.nan),
        "eigenvalue_imag": np.full((region_count, LEADING), np.nan),
    }
    out["symbol"][:k], out["fraction"][:k] = symbols, found.fraction[:k]
    out["transition"][:k, :k] = symbolic.transition_matrix(code, symbols)
    kept, adjacency = symbolic.reduced_graph(code)
    kept, adjacency = kept[:region_count], adjacency[:region_count, :region_count]
    out["kept"][: len(kept)] = True  # symbols are sorted by use, so the kept ones come first
    out["adjacency"][: len(kept), : len(kept)] = adjacency
    for i, fixed in enumerate(fixed_points(model, symbols)):
        out["point"][i], out["is_real"][i] = fixed.point[: model.observed], fixed.real
        values = fixed.eigenvalues[:LEADING]
        out["eigenvalue_real"][i, : len(values)], out["eigenvalue_imag"][i, : len(values)] = values.real, values.imag
    return out, found, (kept, adjacency)


def _compressed_words(code):
    """Distinct words of each length in the code without repetitions; 0 where that is too short."""
    short = symbolic.run_length(code)[0]
    longest = min(LONGEST, len(short))
    return np.pad(symbolic.word_counts(short, longest), (0, LONGEST - longest))


def _baselines(x, score, orders, run_steps, transient, rng):
    """D_stsp and D_H of autoregressions, run as their mean and with innovations drawn."""
    out = np.full((2, len(orders), 2), np.nan)
    for i, order in enumerate(orders):
        constant, coefficients, covariance = fit_var(x, order)
        factor = np.linalg.cholesky(covariance + 1e-15 * np.trace(covariance) * np.eye(len(covariance)))
        for k, noise in enumerate((None, rng.standard_normal((run_steps, x.shape[1])) @ factor.T)):
            out[k, i] = score(run_var(constant, coefficients, x[:order], run_steps, noise)[transient:])
    return out


def analyse(
    series,
    trained: list,
    *,
    target: int,
    steps: int,
    run_steps: int,
    transient: int,
    shown: int,
    select_on: float,
    bins: int,
    smoothing: float,
    variance: float,
    regions: int,
    lyapunov_steps: int,
    exponents: int,
    orders: list[int],
    ahead: int,
    beats: bool,
    rng,
) -> xr.Dataset:
    """Return measures of every run `(run, ...)`, symbols in detail for the runs with P = `target`, and baselines.

    Args:
        series: `x (time, dim)`.
        trained: stores of trained models.
        target: the number P of rectified units that is looked at in detail (`detail` in the dimensions).
        steps: states of the free run whose symbols are counted.
        run_steps, transient: states of the free run that is scored, and how many of either run are thrown away.
        shown: states of the free run that are kept for figures.
        select_on: models were chosen on this first part of the series; they are scored on the rest, or on all of it
            when it is 1.
        bins, smoothing, variance: see `Scorer`.
        regions: how many of the most used regions are described.
        lyapunov_steps, exponents: length of the orbit, number of exponents.
        orders: of the autoregressions.
        ahead: steps of the n-step prediction error.
        beats: also look at the beats of an electrocardiogram.
        rng: innovations of the autoregressions.
    """  # fmt: skip
    x = series.x.values.astype(np.float64)
    cut, length = round(select_on * len(x)), run_steps - transient
    held = x[cut:] if select_on < 1 else x
    score = Scorer(held, bins, smoothing, variance, length)
    chosen = Scorer(x[:cut], bins, smoothing, variance, length)
    models = list(_models(trained))
    rows: dict[str, list] = {}
    details: dict[str, list] = {}

    def note(table, **values):
        for name, value in values.items():
            table.setdefault(name, []).append(value)

    for p, seed, selection, model in progress(models, "models"):
        z = generate(model, lifted(model, x[0]), steps + transient)[transient:]
        whole = len(z) == steps
        distance, spectrum = score(z[:length, : x.shape[1]]) if whole else (np.nan, 1.0)
        code = codes(model, z)
        found = symbolic.occupancy(code) if whole else symbolic.Occupancy(np.zeros(0, int), np.zeros(0))
        note(
            rows, rectified=p, seed=seed, selection=selection, D_stsp=distance, D_H=spectrum,
            raw=len(found.symbols), used=int((found.fraction >= 0.005).sum()),
            n95=symbolic.regions_holding(found.fraction) if whole else 0,
            prediction=n_step_error(model, x[:20_000], ahead),
        )  # fmt: skip
        if p != target:
            continue
        if not whole:
            z = np.zeros((steps, model.units))
            code = codes(model, z)
        geometry, found, allowed = _geometry(model, code, regions)
        usable = min(lyapunov_steps, len(code))
        words = {
            "words": symbolic.word_counts(code, LONGEST),
            "kept_words": symbolic.word_counts(code, LONGEST, allowed),
            "compressed_words": _compressed_words(code),
            "block_entropy": symbolic.block_entropy(code, LONGEST),
        }
        note(
            details, detail_seed=seed, whole=whole, **geometry, **words,
            graph_entropy=symbolic.graph_entropy(allowed[1]),
            word_growth=symbolic.growth_rate(words["kept_words"]),
            lyapunov=lyapunov_spectrum(model, code[:usable], exponents),
            orbit=z[:shown, : x.shape[1]].astype(np.float32), code=code[:shown].astype(np.int32),
        )  # fmt: skip
        if beats:
            heard = beat_words(z[:, 0], code)
            top = max((heard.count(word) for word in set(heard)), default=0)
            note(details, beats=len(heard), top_word=top / len(heard) if heard else np.nan)

    selected = [s for s, p in zip(rows["selection"], rows["rectified"]) if p == target]
    halves = Scorer(x[: len(x) // 2], bins, smoothing, variance, length)(x[len(x) // 2 :])
    floor = Scorer(x, bins, smoothing, variance, length)(x[len(x) - length :])
    baselines = _baselines(x, score, orders, run_steps, transient, rng)
    dims = {
        "fraction": ("region",), "symbol": ("region",), "transition": ("region", "to"), "kept": ("region",),
        "adjacency": ("region", "to"), "point": ("region", "dim"), "is_real": ("region",),
        "eigenvalue_real": ("region", "eigenvalue"), "eigenvalue_imag": ("region", "eigenvalue"),
        "words": ("length",), "kept_words": ("length",), "compressed_words": ("length",), "block_entropy": ("length",),
        "lyapunov": ("exponent",), "orbit": ("step", "dim"), "code": ("step",),
    }  # fmt: skip
    names = {"detail_seed", "rectified", "seed"}
    return xr.Dataset(
        {name: ("run", np.array(values)) for name, values in rows.items() if name not in names}
        | {k: (("detail", *dims.get(k, ())), np.stack(v)) for k, v in details.items() if k not in names}
        | {
            "floor_halves": ("measure", np.array(halves), {"long_name": "second half against the first"}),
            "floor_part": ("measure", np.array(floor), {"long_name": "last steps against the whole series"}),
            "best_detail": int(np.nanargmin(np.nan_to_num(selected, nan=np.inf))),
            "chosen_floor": ("measure", np.array(chosen(held[:length])), {"long_name": "held-out against selection"}),
            "baseline": (("kind", "order", "measure"), baselines, {"long_name": "vector autoregressions"}),
        },
        coords={
            "rectified": ("run", rows["rectified"]),
            "seed": ("run", rows["seed"]),
            "detail_seed": ("detail", details["detail_seed"]),
            "dim": series.dim.values,
            "measure": ["D_stsp", "D_H"],
            "kind": ["mean", "with innovations"],
            "order": orders,
            "length": np.arange(1, LONGEST + 1),
        },
        attrs={
            "system": series.attrs["system"], "dt": series.attrs["dt"], "target": target, "steps": steps,
            "strength": trained[0].attrs["strength"], "units": trained[0].attrs["units"],
        },
    )  # fmt: skip


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(analyse, snakemake)
