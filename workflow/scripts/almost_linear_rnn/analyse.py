"""Analyse trained models: free runs, symbols, fixed points, exponents; floors and linear baselines of the series."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from lib.dynamics.almost_linear import AlmostLinearRNN, codes, free_run, reset_run
from lib.dynamics.analysis import graph_of, score_free_run, symbolic_portrait
from lib.dynamics.autoregression import free_var_runs
from lib.dynamics.ecg import beat_words, q_troughs, share_of_commonest, top_word_share
from lib.dynamics.measures import Scorer, n_step_error
from lib.dynamics.orbits import real_cycles
from lib.progress import progress


def _model(run: xr.Dataset) -> AlmostLinearRNN:
    """The model of one run of training, in double precision."""
    parts = [run[name].values for name in ("a", "w", "h", "lift")]
    return AlmostLinearRNN(*parts, int(run.rectified)).astype(np.float64)


def _selection_score(run: xr.Dataset) -> float:
    """The score that the model was selected by; NaN where no evaluation had one."""
    best = int(run.best)
    return float(run.score[best]) if best >= 0 else np.nan


def _floors(x: np.ndarray, cut: int, held_out: np.ndarray, scorer: Callable, length: int) -> xr.Dataset:
    """Scores of parts of the series against other parts: what a model that is the system itself would have."""
    middle = len(x) // 2
    floors = {
        "floor_halves": (scorer(x[:middle])(x[middle:]), "second half against the first"),
        "floor_part": (scorer(x)(x[len(x) - length :]), "last steps against the whole series"),
        "chosen_floor": (scorer(x[:cut])(held_out[:length]), "held-out against selection"),
    }
    return xr.Dataset({n: ("measure", np.array(scores), {"long_name": text}) for n, (scores, text) in floors.items()})


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
    draws: int,
    ahead: int,
    reset: int,
    longest_cycle: int,
    beats: bool,
    rng,
) -> xr.Dataset:
    """Return measures of every run `(run, ...)`, symbols in detail for the runs with P = `target`, and baselines.

    Args:
        series: `x (time, dim)`.
        trained: stores of trained models.
        target: the number P of rectified units whose runs are described in detail (`detail` in the dimensions).
        steps: states of the free run whose symbols are counted.
        run_steps, transient: states of the free run that is scored, and how many of either run are discarded first.
        shown: states of the free run that are stored for figures.
        select_on: models were selected on this first part of the series; they are scored on the rest, or on all of it
            when it is 1.
        bins, smoothing, variance: see `lib.dynamics.measures.Scorer`.
        regions: how many of the most used regions are described.
        lyapunov_steps, exponents: length of the orbit, number of exponents.
        orders, draws: of the autoregressions, and how many runs with innovations each of them makes.
        ahead: steps of the n-step prediction error.
        reset: also score a run whose observed units are reset to the data every so many steps; 0 for none.
        longest_cycle: real cycles of the chosen model are sought up to this number of steps; 0 for none.
        beats: also describe the beats of an electrocardiogram.
        rng: innovations of the autoregressions.
    """
    x = series.x.values.astype(np.float64)
    dims, cut, length = x.shape[1], round(select_on * len(x)), run_steps - transient
    held_out = x[cut:] if select_on < 1 else x

    def scorer(true: np.ndarray) -> Scorer:
        return Scorer(true, bins, smoothing, variance, length)

    score = scorer(held_out)
    trainings = [store.isel(run=r) for store in trained for r in range(store.sizes["run"])]
    runs, details, models = [], [], []
    for training in progress(trainings, "models"):
        model = _model(training)
        z = free_run(model, x[0], steps, transient)
        scores = score_free_run(model, z, steps, score, length)
        error = n_step_error(model, x[:20_000], ahead)
        if reset > 0:
            scores = scores.assign(reset_D_stsp=score(reset_run(model, x, reset))[0])
        runs.append(scores.assign(prediction=error, selection=_selection_score(training)))
        if model.rectified != target:
            continue
        whole = len(z) == steps
        z = z if whole else np.zeros((steps, model.units))
        code = codes(model, z)
        detail = symbolic_portrait(model, code, regions, exponents, lyapunov_steps).assign(
            whole=whole,
            orbit=(("step", "dim"), z[:shown, :dims].astype(np.float32)),
            code=("step", code[:shown].astype(np.int32)),
        )
        if beats:
            words = beat_words(z[:, 0], code)
            troughs = share_of_commonest(code[q_troughs(z[:, 0])])
            detail = detail.assign(beats=len(words), top_word=top_word_share(words), q_share=troughs)
        details.append(detail)
        models.append(model)
    numbers = np.array([int(training.rectified) for training in trainings])
    seeds = np.array([int(training.seed) for training in trainings])
    measures = xr.concat(runs, "run")
    selection = np.nan_to_num(measures.selection.values[numbers == target], nan=np.inf)
    autoregressions = [free_var_runs(x, order, run_steps, draws, rng) for order in orders]
    baseline = np.array([[score(run[transient:]) for run in free_runs] for free_runs in autoregressions])
    name = {"long_name": "vector autoregressions"}
    chosen = int(np.argmin(selection))
    cycles = [len(cycle.points) for cycle in real_cycles(models[chosen], longest_cycle, graph_of(details[chosen]))]
    references = _floors(x, cut, held_out, scorer, length).assign(
        best_detail=chosen,
        real_cycles=("period", np.bincount(cycles, minlength=longest_cycle + 1)[1:], {"long_name": "real cycles"}),
        baseline=(("order", "measure"), baseline[:, 0], name | {"note": "their mean"}),
        driven_baseline=(("order", "draw", "measure"), baseline[:, 1:], name | {"note": "with innovations"}),
    )
    merged = xr.merge([measures, xr.concat(details, "detail", data_vars="all"), references])
    return merged.assign_coords(
        rectified=("run", numbers),
        seed=("run", seeds),
        detail_seed=("detail", seeds[numbers == target]),
        dim=series.dim.values,
        measure=["D_stsp", "D_H"],
        order=orders,
        period=np.arange(1, longest_cycle + 1),
    ).assign_attrs(
        system=series.attrs["system"],
        dt=series.attrs["dt"],
        target=target,
        steps=steps,
        strength=trained[0].attrs["strength"],
        units=trained[0].attrs["units"],
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(analyse, snakemake)
