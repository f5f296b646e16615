"""Claims of the paper, each measured from the stores that it rests on."""

import networkx as nx
import numpy as np
from scipy.optimize import linear_sum_assignment

from lib.atlas.job.quantities import estimated, exact, share_of
from lib.dynamics.analysis import graph_of
from lib.stats.intervals import Estimate, extreme_of, magnitude_of, ratio_of, student_quantile, without_error

# three symbols of Lorenz's system in the order lobe, middle, lobe: neighbours only
CHAIN = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
PUBLISHED_EXPONENT = {"lorenz": 0.00906, "rossler": 0.0057}


def _at(run, p: int):
    """Runs with P rectified units."""
    return run.isel(run=np.flatnonzero(run.rectified.values == p))


def _spread(values) -> Estimate:
    """Values (training, ...), each with the spread of all trainings as its error; that of a single one is not known."""
    values = np.asarray(values, dtype=float)
    n = len(values)
    if n < 2:
        return without_error(values, n)
    with np.errstate(invalid="ignore"):  # of runs that diverged
        se = np.broadcast_to(values.std(axis=0, ddof=1), values.shape)
        half = student_quantile(n - 1, 0.95) * se
        return Estimate(values, se, values - half, values + half, n)


def _trainings(values, seeds) -> dict:
    """The value of every training on the one series."""
    return estimated(_spread(values), "trainings, each its own", labels=[f"seed {seed}" for seed in seeds])


def _chosen(chosen: Estimate, labels=None) -> dict:
    return estimated(chosen, "trainings, the chosen one", labels=labels)


def _of_chosen(run, values) -> Estimate:
    """Value (training, ...) of the model that scored best when it was selected; NaN where none is known."""
    values = np.asarray(values, dtype=float)
    if not np.isfinite(run.best_detail):
        return without_error(np.full(values.shape[1:], np.nan), len(values))
    *parts, n = _spread(values)
    return Estimate(*(part[int(run.best_detail)] for part in parts), n)


def _smallest(values) -> Estimate:
    """Smallest finite value over trainings; NaN when there is none."""
    values = np.asarray(values, dtype=float)
    finite = values[np.isfinite(values)]
    return extreme_of(_spread(finite), np.min) if len(finite) else without_error(np.nan, len(values))


def _over(scores, baseline: float) -> np.ndarray:
    """Scores over that of a baseline; NaN where the baseline has none, which would otherwise count as beaten."""
    return np.asarray(scores, dtype=float) / (baseline if np.isfinite(baseline) else np.nan)


def _best(values) -> dict:
    return estimated(_smallest(values), "trainings, the best one")


def _geometry_counts(run, p: int, distance: float, spectrum: float, regions: int) -> dict:
    """Share of the seeds whose model is close and uses this many regions, and the numbers behind it."""
    own = _at(run, p)
    good = (own.n95 == regions) & (own.D_stsp < distance) & (spectrum > own.D_H)
    seeds = own.seed.values
    close = own.D_stsp.values < 5  # regions of a run that failed mean nothing
    return {
        "share_of_seeds": share_of("trainings", int(good.sum()), len(seeds)),
        "n95": _trainings(np.where(close, own.n95.values, 0), seeds),
        "D_stsp": _trainings(own.D_stsp.values, seeds),
        "D_H": _trainings(own.D_H.values, seeds),
        "regions_raw": _trainings(np.where(close, own.raw.values, 0), seeds),
        "regions_half_percent": _trainings(np.where(close, own.used.values, 0), seeds),
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
        f"{name}_share": share_of("trainings", int(np.sum(same & right & slow)), len(seeds)),
        f"{name}_entropy": _trainings(entropy, seeds),
        f"{name}_growth": _trainings(growth, seeds),
        f"{name}_kept_regions": _trainings(run.kept.values.sum(1), seeds),
    }


def _best_autoregression(run, kind: str = "mean") -> float:
    """D_stsp of the better autoregression; NaN when neither is finite."""
    return _smallest(run.baseline.sel(kind=kind, measure="D_stsp").values).value


def _with_innovations(run) -> dict:
    """D_stsp of the better autoregression whose innovations are drawn, from one run of each."""
    return estimated(without_error(_best_autoregression(run, "with innovations"), 1), "runs")


def _beside_baselines(run, name: str) -> dict:
    """Best D_stsp of the target P, of autoregressions, of P = 0 and P = M, and of data against data.

    Given the series, nothing is random in the mean of an autoregression and in the floor.
    """
    scores, autoregression = _at(run, run.attrs["target"]).D_stsp.values, _best_autoregression(run)
    return {
        f"{name}_over_autoregression": _best(_over(scores, autoregression)),
        f"{name}_best": _best(scores),
        f"{name}_autoregression": exact(autoregression),
        f"{name}_with_innovations": _with_innovations(run),
        f"{name}_linear": _best(_at(run, 0).D_stsp),
        f"{name}_full_relu": _best(_at(run, run.attrs["units"]).D_stsp),
        f"{name}_floor": exact(run.chosen_floor.sel(measure="D_stsp").item()),
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

    def by_lobe(values: np.ndarray) -> dict:
        *parts, n = _spread(values)
        return estimated(Estimate(*(part.ravel() for part in parts), n), "trainings, each its own", labels=names)

    return {
        "share_of_seeds": share_of("trainings", int(np.sum(good)), len(seeds)),
        "lobes_real": exact(real, labels=[f"seed {seed}" for seed in seeds]),
        "distance_to_true": _trainings(distance, seeds),
        "modulus": by_lobe(modulus),
        "angle": by_lobe(angle),
        "saddle_eigenvalue": _trainings(saddle, seeds),
        "lobe_to_lobe": _trainings(jump, seeds),
    }


def c3(rossler) -> dict:
    """Rössler's system is reconstructed with P = 1 by two linear regions."""
    return _geometry_counts(rossler, 1, 3, 0.1, 2)


def c4(lorenz) -> dict:
    """Lorenz-63 needs P = 2; P = 5 visits few of its 32 regions."""
    below = min(
        (_smallest(_at(lorenz, p).D_stsp) for p in (0, 1)), key=lambda best: np.nan_to_num(best.value, nan=np.inf)
    )
    worst = extreme_of(_spread(_at(lorenz, 2).D_stsp))
    five = _at(lorenz, 5)
    seeds = five.seed.values
    return {
        "ratio": estimated(ratio_of(below, worst), "trainings, the best one over the worst"),
        "best_below_two": estimated(below, "trainings, the best one"),
        "worst_at_two": estimated(worst, "trainings, the worst one"),
        "raw_regions_at_five": _trainings(five.raw.values, seeds),
        "n95_at_five": _trainings(five.n95.values, seeds),
        "D_stsp_at_five": _trainings(five.D_stsp.values, seeds),
    }


def c5(lorenz, rossler) -> dict:
    """The largest Lyapunov exponents of the best models are close to those of the systems."""
    quantities = {}
    for name, run in (("lorenz", lorenz), ("rossler", rossler)):
        exponents = run.lyapunov.values
        quantities |= {
            f"{name}_relative_deviation": _chosen(
                magnitude_of(_of_chosen(run, exponents[:, 0] / PUBLISHED_EXPONENT[name] - 1))
            ),
            f"{name}_exponents": _chosen(
                _of_chosen(run, exponents), labels=[f"exponent {k + 1}" for k in range(exponents.shape[1])]
            ),
            f"{name}_largest_of_all_seeds": _trainings(exponents[:, 0], run.detail_seed.values),
        }
    return quantities


def c6(orbits) -> dict:
    """A code has the period of its orbit, and none where the orbit has none; the word formula gives the cycles."""
    kind = orbits.kind.values
    resolved = ~np.isin(kind, ["diverged", "unresolved"])
    kinds = ["fixed point", "cycle", "chaotic"]
    agrees = (orbits.period.values == orbits.code_period.values)[resolved]
    return {
        "instances": exact(resolved.sum()),
        "fraction_agreeing": exact(agrees.mean()),  # a theorem, checked on each map
        "by_kind": exact([(kind == k).sum() for k in kinds], labels=kinds),
        "unresolved": exact((kind == "unresolved").sum()),
        "largest_cycle_error": exact(orbits.cycle_error.values.max()),
        "largest_settled_error": exact(orbits.settled_error.values.max()),
        "real_cycles": exact(orbits.sizes["cycle"]),
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
    to_autoregression = _over(beats.D_stsp, _best_autoregression(ecg))
    to_var1 = _over(scans.D_stsp, fmri.baseline.sel(kind="mean", order=1, measure="D_stsp").item())
    return {
        "ecg_over_autoregression": _chosen(_of_chosen(beats, to_autoregression)),
        "ecg_D_H": _chosen(_of_chosen(beats, beats.D_H)),
        "ecg_top_word": _chosen(_of_chosen(ecg, ecg.top_word)),
        "ecg_D_stsp": _trainings(beats.D_stsp.values, beats.seed.values),
        "ecg_regions_half_percent": _trainings(beats.used.values, beats.seed.values),
        "fmri_over_var1": _best(to_var1),
        "fmri_over_linear": estimated(
            ratio_of(_smallest(scans.D_stsp), _smallest(_at(fmri, 0).D_stsp)), "trainings, the best one of each kind"
        ),
        "fmri_D_stsp": _trainings(scans.D_stsp.values, scans.seed.values),
        "fmri_regions_half_percent": _trainings(scans.used.values, scans.seed.values),
    }


def c11(synthetic_ecg) -> dict:
    """A synthetic electrocardiogram is reconstructed closer than by the better autoregression."""
    own, autoregression = _at(synthetic_ecg, synthetic_ecg.attrs["target"]), _best_autoregression(synthetic_ecg)
    good = (own.D_stsp < 5) & (own.D_stsp < autoregression / 2) & (own.D_H < 0.3)
    seeds = own.seed.values
    top_word = np.nan_to_num(synthetic_ecg.top_word.values)
    return {
        "share_of_seeds": share_of("trainings", int(good.sum()), len(seeds)),
        "D_stsp": _trainings(own.D_stsp.values, seeds),
        "D_H": _trainings(own.D_H.values, seeds),
        "best_autoregression": exact(autoregression),
        "best_with_innovations": _with_innovations(synthetic_ecg),
        "regions_half_percent": _trainings(own.used.values, seeds),
        "beats_with_top_word": _trainings(top_word, synthetic_ecg.detail_seed.values),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
