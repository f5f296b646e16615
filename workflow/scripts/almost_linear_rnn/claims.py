"""Claims of the paper, each measured from the stores that it rests on."""

import networkx as nx
import numpy as np
from scipy.optimize import linear_sum_assignment

from lib.atlas.job.claims import measured
from lib.dynamics.analysis import graph_of

# three symbols of Lorenz's system in the order lobe, middle, lobe: neighbours only
CHAIN = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
PUBLISHED_EXPONENT = {"lorenz": 0.00906, "rossler": 0.0057}


def _at(run, p: int):
    """Runs with P rectified units."""
    return run.isel(run=np.flatnonzero(run.rectified.values == p))


def _at_best(run, name: str) -> np.ndarray:
    """A variable over `detail` for the model that scored best when it was selected; NaN where none is known."""
    values = run[name].values
    return values[int(run.best_detail)] if np.isfinite(run.best_detail) else np.full(values.shape[1:], np.nan)


def _smallest(values) -> float:
    """Smallest finite value; NaN when there is none."""
    values = np.asarray(values, float)
    return float(np.min(values, initial=np.inf, where=np.isfinite(values))) if np.isfinite(values).any() else np.nan


def _geometry_counts(run, p: int, distance: float, spectrum: float, regions: int) -> dict:
    """Share of the seeds whose model is close and uses this many regions, and the numbers behind it."""
    own = _at(run, p)
    good = (own.n95 == regions) & (own.D_stsp < distance) & (spectrum > own.D_H)
    seeds = own.seed.values
    close = own.D_stsp.values < 5  # regions of a run that failed mean nothing
    return {
        "share_of_seeds": float(good.mean()),
        "n95": measured(np.where(close, own.n95.values, 0), seeds=seeds),
        "D_stsp": measured(own.D_stsp.values, seeds=seeds),
        "D_H": measured(own.D_H.values, seeds=seeds),
        "regions_raw": measured(np.where(close, own.raw.values, 0), seeds=seeds),
        "regions_half_percent": measured(np.where(close, own.used.values, 0), seeds=seeds),
    }


def _lobes(points: np.ndarray, true: np.ndarray) -> tuple[int, int, int]:
    """Indices of the regions of the two lobes and of the one between, by x and y of their fixed points.

    Args:
        points: fixed points of the three most used regions (3, dim); NaN where there is none.
        true: fixed points inside the lobes (2, dim).
    """
    distance = np.abs(points[:, None, :2] - true[None, :, :2]).max(-1)
    lobes, order = linear_sum_assignment(np.nan_to_num(distance, nan=1e6, posinf=1e6))
    first, second = lobes[np.argsort(order)]
    return first, second, 3 - first - second


def _word_topology(run, name: str, adjacency: np.ndarray) -> dict:
    """Seeds whose reduced graph is this one up to relabelling, with its entropy and words that grow no faster."""
    expected = nx.from_numpy_array(adjacency, create_using=nx.DiGraph)
    graphs = [graph_of(run.isel(detail=d))[1] for d in range(run.sizes["detail"])]
    same = [
        len(graph) == len(adjacency) and nx.is_isomorphic(nx.from_numpy_array(graph, create_using=nx.DiGraph), expected)
        for graph in graphs
    ]
    entropy, growth, seeds = run.graph_entropy.values, run.word_growth.values, run.detail_seed.values
    right = np.abs(entropy - np.log(np.abs(np.linalg.eigvals(adjacency)).max())) < 1e-3
    slow = growth <= entropy + 0.02
    return {
        f"{name}_share": float(np.mean(same & right & slow)),
        f"{name}_entropy": measured(entropy, seeds=seeds),
        f"{name}_growth": measured(growth, seeds=seeds),
        f"{name}_kept_regions": measured(run.kept.values.sum(1), seeds=seeds),
    }


def _best_autoregression(run, kind: str = "mean") -> float:
    """D_stsp of the better autoregression."""
    return _smallest(run.baseline.sel(kind=kind, measure="D_stsp"))


def _beside_baselines(run, name: str) -> dict:
    """Best D_stsp of the target P, of autoregressions, of P = 0 and P = M, and of data against data."""
    best, autoregression = _smallest(_at(run, run.attrs["target"]).D_stsp), _best_autoregression(run)
    return {
        f"{name}_over_autoregression": best / autoregression,
        f"{name}_best": best,
        f"{name}_autoregression": autoregression,
        f"{name}_with_innovations": _best_autoregression(run, "with innovations"),
        f"{name}_linear": _smallest(_at(run, 0).D_stsp),
        f"{name}_full_relu": _smallest(_at(run, run.attrs["units"]).D_stsp),
        f"{name}_floor": float(run.chosen_floor.sel(measure="D_stsp")),
    }


def c1(lorenz) -> dict:
    """Lorenz-63 is reconstructed with P = 2 by three linear regions."""
    return _geometry_counts(lorenz, 2, 5, 0.2, 3)


def c2(lorenz_series, lorenz) -> dict:
    """The three regions are two unstable spirals about the fixed points inside the lobes, and a saddle between them."""
    true = lorenz_series.fixed_point.values
    real, distance, modulus, angle, saddle, jump = [], [], [], [], [], []
    for d in range(lorenz.sizes["detail"]):
        run = lorenz.isel(detail=d)
        first, second, middle = _lobes(run.point.values[:3], true)
        lobes = [first, second]
        eigenvalue = run.eigenvalue_real.values[:, 0] + 1j * run.eigenvalue_imag.values[:, 0]
        real.append(bool((run.is_real.values[lobes] == 1).all()))
        distance.append(np.abs(run.point.values[lobes, :2] - true[:, :2]).max())
        modulus.append(np.abs(eigenvalue[lobes]))
        angle.append(np.abs(np.angle(eigenvalue[lobes])))
        saddle.append(eigenvalue[middle].real if eigenvalue[middle].imag == 0 else np.nan)
        jump.append(max(run.transition.values[first, second], run.transition.values[second, first]))
    modulus, angle = np.array(modulus), np.array(angle)
    spirals = ((angle > 0) & (angle < np.pi) & (modulus > 1) & (modulus < 1.01)).all(axis=1)
    near = np.array(distance) <= 0.25
    good = np.array(real) & near & spirals & (np.array(saddle) > 1) & (np.array(jump) < 0.002)
    seeds = lorenz.detail_seed.values
    names = [f"seed {seed}, lobe {k}" for seed in seeds for k in (1, 2)]
    return {
        "share_of_seeds": float(np.mean(good)),
        "lobes_real": measured(real, seeds=seeds),
        "distance_to_true": measured(distance, seeds=seeds),
        "modulus": measured(modulus.ravel(), labels=names),
        "angle": measured(angle.ravel(), labels=names),
        "saddle_eigenvalue": measured(saddle, seeds=seeds),
        "lobe_to_lobe": measured(jump, seeds=seeds),
    }


def c3(rossler) -> dict:
    """Rössler's system is reconstructed with P = 1 by two linear regions."""
    return _geometry_counts(rossler, 1, 3, 0.1, 2)


def c4(lorenz) -> dict:
    """Lorenz-63 needs P = 2; P = 5 visits few of its 32 regions."""
    best_below = _smallest([d for p in (0, 1) for d in _at(lorenz, p).D_stsp.values])
    worst = float(np.max(_at(lorenz, 2).D_stsp.values))
    five = _at(lorenz, 5)
    seeds = five.seed.values
    return {
        "ratio": best_below / worst,
        "best_below_two": best_below,
        "worst_at_two": worst,
        "raw_regions_at_five": measured(five.raw.values, seeds=seeds),
        "n95_at_five": measured(five.n95.values, seeds=seeds),
        "D_stsp_at_five": measured(five.D_stsp.values, seeds=seeds),
    }


def c5(lorenz, rossler) -> dict:
    """The largest Lyapunov exponents of the best models are close to those of the systems."""
    quantities = {}
    for name, run in (("lorenz", lorenz), ("rossler", rossler)):
        exponents = _at_best(run, "lyapunov")
        labels = [f"exponent {k + 1}" for k in range(len(exponents))]
        quantities |= {
            f"{name}_relative_deviation": abs(exponents[0] / PUBLISHED_EXPONENT[name] - 1),
            f"{name}_exponents": measured(exponents, labels=labels),
            f"{name}_largest_of_all_seeds": measured(run.lyapunov.values[:, 0], seeds=run.detail_seed.values),
        }
    return quantities


def c6(orbits) -> dict:
    """A code has the period of its orbit, and none where the orbit has none; the word formula gives the cycles."""
    kind = orbits.kind.values
    resolved = ~np.isin(kind, ["diverged", "unresolved"])
    kinds = ["fixed point", "cycle", "chaotic"]
    agrees = (orbits.period.values == orbits.code_period.values)[resolved]
    return {
        "instances": int(resolved.sum()),
        "fraction_agreeing": float(agrees.mean()),
        "by_kind": measured([int((kind == k).sum()) for k in kinds], labels=kinds),
        "unresolved": int((kind == "unresolved").sum()),
        "largest_cycle_error": float(orbits.cycle_error.values.max()),
        "largest_settled_error": float(orbits.settled_error.values.max()),
        "real_cycles": orbits.sizes["cycle"],
    }


def c7(lorenz, rossler) -> dict:
    """Reduced graphs are the chain of three and the full graph of two; words grow no faster than their entropy."""
    return _word_topology(lorenz, "lorenz", CHAIN) | _word_topology(rossler, "rossler", np.ones((2, 2)))


def c8(lorenz, rossler) -> dict:
    """The best almost-linear network is far closer to the series than the better autoregression."""
    return _beside_baselines(lorenz, "lorenz") | _beside_baselines(rossler, "rossler")


def c9(rossler_gtf) -> dict:
    """Generalised teacher forcing, too, reconstructs Rössler's system by two linear regions."""
    return _geometry_counts(rossler_gtf, 1, 3, 0.1, 2)


def c10(recordings: list) -> dict | None:
    """Recordings of an electrocardiogram and of fMRI are reconstructed with interpretable codes."""
    if not recordings:
        return None
    by_name = {run.attrs["system"]: run for run in recordings}
    ecg, fmri = by_name["ecg"], by_name["fmri"]
    beats, scans = _at(ecg, ecg.attrs["target"]), _at(fmri, fmri.attrs["target"])
    beats = beats.rename(run="detail")  # one row for each seed with the target P
    best = _smallest(scans.D_stsp)
    return {
        "ecg_over_autoregression": float(_at_best(beats, "D_stsp")) / _best_autoregression(ecg),
        "ecg_D_H": float(_at_best(beats, "D_H")),
        "ecg_top_word": float(_at_best(ecg, "top_word")),
        "ecg_D_stsp": measured(beats.D_stsp.values, seeds=beats.seed.values),
        "ecg_regions_half_percent": measured(beats.used.values, seeds=beats.seed.values),
        "fmri_over_var1": best / float(fmri.baseline.sel(kind="mean", order=1, measure="D_stsp")),
        "fmri_over_linear": best / _smallest(_at(fmri, 0).D_stsp),
        "fmri_D_stsp": measured(scans.D_stsp.values, seeds=scans.seed.values),
        "fmri_regions_half_percent": measured(scans.used.values, seeds=scans.seed.values),
    }


def c11(synthetic_ecg) -> dict:
    """A synthetic electrocardiogram is reconstructed closer than by the better autoregression."""
    own, autoregression = _at(synthetic_ecg, synthetic_ecg.attrs["target"]), _best_autoregression(synthetic_ecg)
    good = (own.D_stsp < 5) & (own.D_stsp < autoregression / 2) & (own.D_H < 0.3)
    seeds = own.seed.values
    top_word = np.nan_to_num(synthetic_ecg.top_word.values)
    return {
        "share_of_seeds": float(good.mean()),
        "D_stsp": measured(own.D_stsp.values, seeds=seeds),
        "D_H": measured(own.D_H.values, seeds=seeds),
        "best_autoregression": autoregression,
        "best_with_innovations": _best_autoregression(synthetic_ecg, "with innovations"),
        "regions_half_percent": measured(own.used.values, seeds=seeds),
        "beats_with_top_word": measured(top_word, seeds=synthetic_ecg.detail_seed.values),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
