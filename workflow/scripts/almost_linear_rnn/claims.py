"""Claims of the paper, each measured from the stores that it rests on."""

from itertools import combinations

import networkx as nx
import numpy as np
from scipy.optimize import linear_sum_assignment

from lib.atlas.job.quantities import estimated, exact, share_of
from lib.dynamics.analysis import graph_of, lobes_and_middle
from lib.stats.intervals import (
    Estimate,
    estimate_each,
    estimate_mean,
    estimate_median_of_normal,
    estimate_proportion,
    extreme_of,
    magnitude_of,
    ratio_of,
    side_by_side,
    without_error,
)

# three symbols of Lorenz's system in the order lobe, middle, lobe: neighbours only
CHAIN = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
PUBLISHED_EXPONENT = {"lorenz": 0.00906, "rossler": 0.0057}


def _at(run, p: int):
    """Runs with P rectified units."""
    return run.isel(run=np.flatnonzero(run.rectified.values == p))


def _trainings(values, seeds) -> dict:
    """The value of every training on the one series."""
    return estimated(estimate_each(values), "trainings, each its own", labels=[f"seed {seed}" for seed in seeds])


def _chosen(chosen: Estimate, labels=None) -> dict:
    return estimated(chosen, "trainings, the chosen one", labels=labels)


def _of_chosen(run, values) -> Estimate:
    """Value (training, ...) of the model that scored best when it was selected; NaN where none is known."""
    values = np.asarray(values, dtype=float)
    if not np.isfinite(run.best_detail):
        return without_error(np.full(values.shape[1:], np.nan), len(values))
    *parts, n = estimate_each(values)
    return Estimate(*(part[int(run.best_detail)] for part in parts), n)


def _smallest(values) -> Estimate:
    """Smallest finite value over trainings; NaN when there is none."""
    values = np.asarray(values, dtype=float)
    finite = values[np.isfinite(values)]
    return extreme_of(estimate_each(finite), np.min) if len(finite) else without_error(np.nan, len(values))


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
        f"{name}_real_cycles": exact(run.real_cycles.values, labels=[f"period {k}" for k in run.period.values]),
    }


def _driven(run) -> Estimate:
    """D_stsp of every autoregression with innovations (order,), a mean over runs; NaN where one of them diverged."""
    scores = run.driven_baseline.sel(measure="D_stsp").transpose("draw", "order").values
    return estimate_mean(scores) if len(scores) > 1 else without_error(scores[0], 1)


def _best_autoregression(run) -> float:
    """D_stsp of the best autoregression, of whatever order, with innovations or without; NaN when none is finite."""
    means = run.baseline.sel(measure="D_stsp").values
    return _smallest(np.concatenate([means, np.ravel(_driven(run).value)])).value


def _autoregressions(run, name: str) -> dict:
    """D_stsp of the autoregressions of each order: of their mean, in which nothing is random, and with innovations."""
    labels = [f"order {order}" for order in run.order.values]
    return {
        f"{name}_mean_of_autoregression": exact(run.baseline.sel(measure="D_stsp").values, labels=labels),
        f"{name}_with_innovations": estimated(_driven(run), "runs", labels=labels),
    }


def _beside_baselines(run, name: str) -> dict:
    """D_stsp of the chosen model with the target P, of autoregressions, of P = 0, and of data against data."""
    own, autoregression = _at(run, run.attrs["target"]), _best_autoregression(run)
    below_half = _over(own.D_stsp, autoregression) < 0.5
    return {
        f"{name}_over_autoregression": _chosen(_of_chosen(run, _over(own.D_stsp, autoregression))),
        f"{name}_share_below_half": share_of("trainings", int(below_half.sum()), own.sizes["run"]),
        f"{name}_chosen": _chosen(_of_chosen(run, own.D_stsp)),
        **_autoregressions(run, name),
        f"{name}_linear": _best(_at(run, 0).D_stsp),
        f"{name}_floor": exact(run.chosen_floor.sel(measure="D_stsp").item()),
    }


def _close(run, distance: float = 5, spectrum: float = 0.2) -> np.ndarray:
    """Whether each run reconstructs the geometry and the spectrum of the series."""
    return ((run.D_stsp < distance) & (spectrum > run.D_H)).values


def _rates(run) -> dict:
    """Share of the trainings at each P that reconstruct the series, however many regions they use."""
    numbers = np.unique(run.rectified.values)
    hits = [_close(_at(run, p)) for p in numbers]
    rates = estimate_proportion(np.array([h.sum() for h in hits]), np.array([len(h) for h in hits]))
    return estimated(rates, "trainings", labels=[f"P = {p}" for p in numbers])


def _differences(run, true: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of models, (pair,): leading moduli, fixed points of the lobes, by the matching of closest fixed points.

    Args:
        run: details of the models that are compared.
        true: fixed points inside the lobes (2, dim).

    Returns:
        The largest difference of leading moduli over the three most used regions, the largest difference in x or y over
        the lobes' fixed points, and the total variation distance of the three occupancies.
    """
    points, fraction = run.point.values[:, :3], run.fraction.values[:, :3]
    moduli = np.hypot(run.eigenvalue_real.values[:, :3, 0], run.eigenvalue_imag.values[:, :3, 0])
    moduli_apart, lobes_apart, shares_apart = [], [], []
    for one, other in combinations(range(len(points)), 2):
        distance = np.linalg.norm(points[one][:, None] - points[other][None], axis=-1)
        rows, match = linear_sum_assignment(np.nan_to_num(distance, nan=1e9, posinf=1e9))
        lobes = list(lobes_and_middle(points[one], true)[:2])
        moduli_apart.append(np.abs(moduli[one][rows] - moduli[other][match]).max())
        lobes_apart.append(np.abs(points[one][lobes, :2] - points[other][match][lobes, :2]).max())
        shares_apart.append(np.abs(fraction[one][rows] - fraction[other][match]).sum() / 2)
    return np.array(moduli_apart), np.array(lobes_apart), np.array(shares_apart)


def _kolmogorov_smirnov(runs) -> np.ndarray:
    """Distance of the cumulative shares of regions, most used first, of every pair of runs that did not diverge."""
    cumulative = np.cumsum(runs.share.values[np.isfinite(runs.D_stsp.values)], axis=1)
    return np.array([np.abs(one - other).max() for one, other in combinations(cumulative, 2)])


def c1(lorenz) -> dict:
    """Lorenz-63 is reconstructed with P = 2 by three linear regions."""
    return _geometry_counts(lorenz, 2, 5, 0.2, 3)


def c2(lorenz_series, lorenz) -> dict:
    """The three regions are two unstable spirals about the fixed points inside the lobes, and a saddle between them."""
    true = lorenz_series.fixed_point.values
    real, distance, modulus, angle, saddle, jump = [], [], [], [], [], []
    for d in range(lorenz.sizes["detail"]):
        run = lorenz.isel(detail=d)
        first, second, middle = lobes_and_middle(run.point.values[:3], true)
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
        *parts, n = estimate_each(values)
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
    worst = extreme_of(estimate_each(_at(lorenz, 2).D_stsp))
    five = _at(lorenz, 5)
    seeds = five.seed.values
    return {
        "ratio": estimated(ratio_of(below, worst), "trainings, the best one over the worst"),
        "best_below_two": estimated(below, "trainings, the best one"),
        "worst_at_two": estimated(worst, "trainings, the worst one"),
        "success_rates": _rates(lorenz),
        "raw_regions_at_five": _trainings(five.raw.values, seeds),
        "n95_at_five": _trainings(five.n95.values, seeds),
        "D_stsp_at_five": _trainings(five.D_stsp.values, seeds),
    }


def c5(lorenz, rossler) -> dict:
    """The largest Lyapunov exponents of the best models are close to those of the systems."""
    quantities = {}
    for name, run, tolerance in (("lorenz", lorenz, 0.25), ("rossler", rossler, 0.5)):
        exponents = run.lyapunov.values
        within = np.abs(exponents[:, 0] / PUBLISHED_EXPONENT[name] - 1) <= tolerance
        quantities |= {
            f"{name}_relative_deviation": _chosen(
                magnitude_of(_of_chosen(run, exponents[:, 0] / PUBLISHED_EXPONENT[name] - 1))
            ),
            f"{name}_exponents": _chosen(
                _of_chosen(run, exponents), labels=[f"exponent {k + 1}" for k in range(exponents.shape[1])]
            ),
            f"{name}_largest_of_all_seeds": _trainings(exponents[:, 0], run.detail_seed.values),
            f"{name}_share_within": share_of("trainings", int(np.sum(within)), len(within)),
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


def c8(lorenz, rossler, lorenz_full) -> dict:
    """The chosen almost-linear network is far closer to the series than the best autoregression."""
    full = _at(lorenz_full, lorenz_full.attrs["target"])
    return {
        **_beside_baselines(lorenz, "lorenz"),
        "lorenz_full_relu": _chosen(_of_chosen(lorenz_full, full.D_stsp)),
        "lorenz_full_relu_success": share_of("trainings", int(_close(full).sum()), full.sizes["run"]),
        **_beside_baselines(rossler, "rossler"),
        "rossler_full_relu": _best(_at(rossler, rossler.attrs["units"]).D_stsp),
    }


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
    var1 = fmri.baseline.sel(order=1, measure="D_stsp").item()
    return {
        "ecg_over_autoregression": _chosen(_of_chosen(beats, to_autoregression)),
        "ecg_D_H": _chosen(_of_chosen(beats, beats.D_H)),
        "ecg_top_word": _chosen(_of_chosen(ecg, ecg.top_word)),
        "ecg_q_share": _chosen(_of_chosen(ecg, ecg.q_share)),
        "ecg_D_stsp": _trainings(beats.D_stsp.values, beats.seed.values),
        "ecg_regions_half_percent": _chosen(_of_chosen(beats, beats.used)),
        "ecg_regions_of_each": _trainings(beats.used.values, beats.seed.values),
        **_autoregressions(ecg, "ecg"),
        "fmri_over_var1": _best(_over(scans.D_stsp, var1)),
        "fmri_over_linear": estimated(
            ratio_of(_smallest(scans.D_stsp), _smallest(_at(fmri, 0).D_stsp)), "trainings, the best one of each kind"
        ),
        "fmri_D_stsp": _trainings(scans.D_stsp.values, scans.seed.values),
        "fmri_reset_over_var1": _best(_over(scans.reset_D_stsp, var1)),
        "fmri_regions_half_percent": _trainings(scans.used.values, scans.seed.values),
        **_autoregressions(fmri, "fmri"),
    }


def c11(synthetic_ecg) -> dict:
    """A synthetic electrocardiogram is reconstructed closer than by the best autoregression, with a word for a beat."""
    own, autoregression = _at(synthetic_ecg, synthetic_ecg.attrs["target"]), _best_autoregression(synthetic_ecg)
    top_word = synthetic_ecg.top_word.values
    good = ((own.D_stsp < 5) & (own.D_stsp < autoregression / 2) & (own.D_H < 0.3)).values & np.isfinite(top_word)
    seeds = own.seed.values
    return {
        "share_of_seeds": share_of("trainings", int(good.sum()), len(seeds)),
        "D_stsp": _trainings(own.D_stsp.values, seeds),
        "D_H": _trainings(own.D_H.values, seeds),
        **_autoregressions(synthetic_ecg, "ecg"),
        "regions_half_percent": _trainings(own.used.values, seeds),
        "beats_with_top_word": _trainings(top_word, synthetic_ecg.detail_seed.values),
        "q_share": _trainings(synthetic_ecg.q_share.values, synthetic_ecg.detail_seed.values),
    }


def c12(lorenz_series, lorenz) -> dict:
    """Trainings that reconstruct Lorenz-63 by three regions agree on what these regions do."""
    own = _at(lorenz, 2)
    accepted = _close(own) & (own.n95.values == 3)
    models = lorenz.isel(detail=np.flatnonzero(accepted))
    moduli, lobes, shares = _differences(models, lorenz_series.fixed_point.values)
    n = int(accepted.sum())

    def over_pairs(values, choose) -> dict:
        value = choose(values) if len(values) and np.isfinite(values).all() else np.nan
        return estimated(without_error(value, n), "trainings, compared in pairs")

    return {
        "pairs": exact(len(moduli)),
        "accepted": share_of("trainings", n, len(accepted)),
        "largest_eigenvalue_difference": over_pairs(moduli, np.max),
        "median_eigenvalue_difference": over_pairs(moduli, np.median),
        "lobe_fixed_point_difference": over_pairs(lobes, np.max),
        "median_fixed_point_difference": over_pairs(lobes, np.median),
        "median_occupancy_difference": over_pairs(shares, np.median),
    }


def c13(rossler) -> dict:
    """More rectified units than needed reconstruct Rössler's system closer, by more regions."""
    one, ten = _at(rossler, 1), _at(rossler, 10)
    if not ten.sizes["run"]:
        return {"ratio": exact(np.nan), "regions_at_ten": exact(np.nan)}
    regions = ten.raw.values[_close(ten)]
    visited = estimate_median_of_normal(regions) if len(regions) > 1 else without_error(np.nan, len(regions))
    return {
        "ratio": estimated(ratio_of(_smallest(ten.D_stsp), _smallest(one.D_stsp)), "trainings, the best one of each P"),
        "regions_at_ten": estimated(visited, "trainings that reconstruct the series"),
        "success_rates": _rates(rossler),
    }


def c14(sizes: list) -> dict | None:
    """With P = 1 more linear units do not help on Lorenz-63; with P = 2 they do."""
    if not sizes:
        return None
    by_size = {run.attrs["units"]: run for run in sizes}

    def scores(units: int, p: int) -> np.ndarray:
        return np.nan_to_num(_at(by_size[units], p).D_stsp.values, nan=np.inf)  # a run that diverged is the worst

    everything = {p: np.concatenate([scores(units, p) for units in by_size]) for p in (1, 2)}
    with np.errstate(invalid="ignore"):
        medians = {units: estimate_median_of_normal(scores(units, 2)) for units in by_size}
    return {
        "best_P1_over_best_P2": estimated(
            ratio_of(_smallest(everything[1]), _smallest(everything[2])), "trainings, the best one of each P"
        ),
        "P2_at_5_over_20": estimated(ratio_of(medians[5], medians[20]), "trainings of each size"),
        "medians_P2": estimated(
            side_by_side(medians.values()), "trainings", labels=[f"M = {units}" for units in medians]
        ),
    }


def c15(rossler) -> dict:
    """Trainings agree more on the shares of regions with P = 1 than in the full ReLU network."""
    target, full = (_kolmogorov_smirnov(_at(rossler, p)) for p in (1, rossler.attrs["units"]))

    def mean(distances) -> Estimate:
        return estimate_mean(distances) if len(distances) > 1 else without_error(np.nan, len(distances))

    return {
        "ks_over_full": estimated(ratio_of(mean(target), mean(full)), "pairs of trainings"),
        "ks_target": estimated(mean(target), "pairs of trainings"),
        "ks_full": estimated(mean(full), "pairs of trainings"),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
