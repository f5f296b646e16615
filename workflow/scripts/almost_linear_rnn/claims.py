"""Measure every claim of the paper; verdicts are given elsewhere."""

import numpy as np

from lib.atlas.job.claims import claim, measured

# three symbols of Lorenz's system in the order lobe, middle, lobe: neighbours only
CHAIN = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])


def _at(run, p):
    """Runs with P rectified units."""
    return run.isel(run=np.flatnonzero(run.rectified.values == p))


def _geometry_counts(run, p, distance, spectrum, regions):
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


def _lobes(lorenz, true):
    """For each seed: indices of the regions of the two lobes and of the third of the three most used regions."""
    found = []
    for d in range(lorenz.sizes["detail"]):
        point = lorenz.point.values[d, :3]
        gap = np.abs(point[:, None, :2] - true[None, :, :2]).max(-1)
        gap = np.where(np.isfinite(gap), gap, np.inf)
        first, second = (int(np.argmin(gap[:, k])) for k in range(2))
        if first == second:
            first, second = (1 - second, second) if gap[first, 0] > gap[second, 1] else (first, 1 - first)
        found.append((first, second, 3 - first - second if first + second <= 3 and first < 3 and second < 3 else 0))
    return found


def _known_geometry(lorenz, true):
    """C2: distance, modulus, angle and reality of the lobes' fixed points, the saddle, and lobe-to-lobe steps."""
    distance, modulus, angle, real, saddle, direct, good = [], [], [], [], [], [], []
    for d, (first, second, middle) in enumerate(_lobes(lorenz, true)):
        value = lorenz.eigenvalue_real.values[d] + 1j * lorenz.eigenvalue_imag.values[d]
        pair = [first, second]
        near = max(np.abs(lorenz.point.values[d, r, :2] - true[k, :2]).max() for k, r in enumerate(pair))
        lead = value[pair, 0]
        jump = max(lorenz.transition.values[d, first, second], lorenz.transition.values[d, second, first])
        both = bool(lorenz.is_real.values[d, pair].all())
        real_saddle = value[middle, 0].real if value[middle, 0].imag == 0 else np.nan
        spiral = bool((lead.imag != 0).all() and (np.abs(lead) > 1).all() and (np.abs(lead) < 1.01).all())
        distance.append(near)
        modulus.append(np.abs(lead))
        angle.append(np.abs(np.angle(lead)))
        real.append(both)
        saddle.append(real_saddle)
        direct.append(jump)
        good.append(both and near <= 0.25 and spiral and real_saddle > 1 and jump < 0.002)
    seeds = lorenz.detail_seed.values
    names = [f"seed {s}, lobe {k}" for s in seeds for k in (1, 2)]
    return claim(
        rests_on=["lorenz"],
        share_of_seeds=float(np.mean(good)),
        lobes_real=measured(real, seeds=seeds),
        distance_to_true=measured(distance, seeds=seeds),
        modulus=measured(np.concatenate(modulus), labels=names),
        angle=measured(np.concatenate(angle), labels=names),
        saddle_eigenvalue=measured(saddle, seeds=seeds),
        lobe_to_lobe=measured(direct, seeds=seeds),
    )


def _best_value(values) -> float:
    """Smallest finite value; infinity when there is none."""
    values = np.asarray(values, float)
    return float(values[np.isfinite(values)].min()) if np.isfinite(values).any() else float("inf")


def _symbols(run, adjacency):
    """For each seed whether the reduced graph is this one up to relabelling, its entropy, and the growth of words."""
    same = []
    for d in range(run.sizes["detail"]):
        k = int(run.kept.values[d].sum())
        own = run.adjacency.values[d, :k, :k]
        same.append(k == len(adjacency) and _isomorphic(own, adjacency))
    return np.array(same), run.graph_entropy.values, run.word_growth.values


def _isomorphic(a, b) -> bool:
    from itertools import permutations

    return any(np.array_equal(a[np.ix_(p, p)], b) for p in permutations(range(len(a))))


def _topology(lorenz, rossler):
    out = {}
    for name, run, adjacency in (("lorenz", lorenz, CHAIN), ("rossler", rossler, np.ones((2, 2)))):
        same, entropy, growth = _symbols(run, adjacency)
        right = np.abs(entropy - np.log(np.abs(np.linalg.eigvals(adjacency)).max())) < 1e-3
        slow = growth <= entropy + 0.02
        seeds = run.detail_seed.values
        out |= {
            f"{name}_share": float(np.mean(same & right & slow)),
            f"{name}_entropy": measured(entropy, seeds=seeds),
            f"{name}_growth": measured(growth, seeds=seeds),
            f"{name}_kept_regions": measured(run.kept.values.sum(1), seeds=seeds),
        }
    return claim(rests_on=["lorenz", "rossler"], **out)


def _against_baselines(run):
    """Best D_stsp of the almost-linear network, of autoregressions, of P = 0 and P = M."""
    target = run.attrs["target"]
    best = _best_value(_at(run, target).D_stsp)
    mean = _best_value(run.baseline.sel(kind="mean", measure="D_stsp"))
    noisy = _best_value(run.baseline.sel(kind="with innovations", measure="D_stsp"))
    full = _at(run, run.attrs["units"])
    return best, mean, noisy, _best_value(_at(run, 0).D_stsp), _best_value(full.D_stsp)


def _electrocardiogram(run):
    """Scores of every seed with the target P against the autoregressions."""
    own = _at(run, run.attrs["target"])
    seeds = own.seed.values
    _, mean, noisy, _, _ = _against_baselines(run)
    good = (own.D_stsp < 5) & (own.D_stsp < mean / 2) & (own.D_H < 0.3)
    return {
        "share_of_seeds": float(good.mean()),
        "D_stsp": measured(own.D_stsp.values, seeds=seeds),
        "D_H": measured(own.D_H.values, seeds=seeds),
        "best_autoregression": mean,
        "best_with_innovations": noisy,
        "regions_half_percent": measured(own.used.values, seeds=seeds),
        "beats_with_top_word": measured(np.nan_to_num(run.top_word.values), seeds=run.detail_seed.values),
    }


def _recordings(ecg, fmri):
    """C10 at the scale that has the recordings."""
    best, d = int(ecg.best_detail), _electrocardiogram(ecg)
    own, scan = _at(ecg, ecg.attrs["target"]), _at(fmri, fmri.attrs["target"])
    fmri_best, fmri_var1 = _best_value(scan.D_stsp), float(fmri.baseline.values[0, 0, 0])
    fmri_linear = _best_value(_at(fmri, 0).D_stsp)
    return claim(
        rests_on=["recordings"],
        ecg_over_autoregression=float(own.D_stsp[best]) / d["best_autoregression"],
        ecg_D_H=float(own.D_H[best]),
        ecg_top_word=float(ecg.top_word[best]),
        ecg_D_stsp=d["D_stsp"],
        ecg_regions_half_percent=d["regions_half_percent"],
        fmri_over_var1=fmri_best / fmri_var1 if np.isfinite(fmri_var1) else 0.0,
        fmri_over_linear=fmri_best / fmri_linear if np.isfinite(fmri_linear) else 0.0,
        fmri_D_stsp=measured(scan.D_stsp.values, seeds=scan.seed.values),
        fmri_regions_half_percent=measured(scan.used.values, seeds=scan.seed.values),
    )


def claims(lorenz_series, lorenz, rossler, rossler_gtf, synthetic_ecg, orbits, recordings: list = ()) -> dict:
    """Return the measured quantities of each claim."""
    true = lorenz_series.fixed_point.values
    low = [d for p in (0, 1) for d in _at(lorenz, p).D_stsp.values]
    two, five = _at(lorenz, 2), _at(lorenz, 5)
    chaos = {}
    for name, run, published in (("lorenz", lorenz, 0.00906), ("rossler", rossler, 0.0057)):
        best = run.lyapunov.values[int(run.best_detail)]
        chaos |= {
            f"{name}_relative_deviation": abs(best[0] / published - 1),
            f"{name}_exponents": measured(best, labels=[f"exponent {k + 1}" for k in range(len(best))]),
            f"{name}_largest_of_all_seeds": measured(run.lyapunov.values[:, 0], seeds=run.detail_seed.values),
        }
    resolved = ~np.isin(orbits.kind.values, ["diverged", "unresolved"])
    kinds = ["fixed point", "cycle", "chaotic"]
    agrees = (orbits.period.values == orbits.code_period.values)[resolved]
    against = {}
    for name, run in (("lorenz", lorenz), ("rossler", rossler)):
        best, mean, noisy, linear, full = _against_baselines(run)
        against |= {
            f"{name}_over_autoregression": best / mean if np.isfinite(mean) else 0.0,
            f"{name}_best": best,
            f"{name}_autoregression": mean,
            f"{name}_with_innovations": noisy,
            f"{name}_linear": linear if np.isfinite(linear) else float("nan"),
            f"{name}_full_relu": full,
            f"{name}_floor": float(run.chosen_floor[0]),
        }
    measurements = {
        "c1": claim(rests_on=["lorenz"], **_geometry_counts(lorenz, 2, 5, 0.2, 3)),
        "c2": _known_geometry(lorenz, true),
        "c3": claim(rests_on=["rossler"], **_geometry_counts(rossler, 1, 3, 0.1, 2)),
        "c4": claim(
            rests_on=["lorenz"],
            ratio=_best_value(low) / float(np.max(two.D_stsp.values)),
            best_below_two=_best_value(low),
            worst_at_two=float(np.max(two.D_stsp.values)),
            raw_regions_at_five=measured(five.raw.values, seeds=five.seed.values),
            n95_at_five=measured(five.n95.values, seeds=five.seed.values),
            D_stsp_at_five=measured(five.D_stsp.values, seeds=five.seed.values),
        ),
        "c5": claim(rests_on=["lorenz", "rossler"], **chaos),
        "c6": claim(
            rests_on=["orbits"],
            instances=int(resolved.sum()),
            fraction_agreeing=float(agrees.mean()),
            by_kind=measured([int((orbits.kind.values == k).sum()) for k in kinds], labels=kinds),
            unresolved=int((orbits.kind.values == "unresolved").sum()),
            largest_cycle_error=float(orbits.cycle_error.max()),
            largest_settled_error=float(orbits.settled_error.max()),
            real_cycles=int(orbits.sizes["cycle"]),
        ),
        "c7": _topology(lorenz, rossler),
        "c8": claim(rests_on=["lorenz", "rossler"], **against),
        "c9": claim(rests_on=["rossler_gtf"], **_geometry_counts(rossler_gtf, 1, 3, 0.1, 2)),
        "c11": claim(rests_on=["synthetic_ecg"], **_electrocardiogram(synthetic_ecg)),
    }
    if recordings:
        by_name = {run.attrs["system"]: run for run in recordings}
        measurements["c10"] = _recordings(by_name["ecg"], by_name["fmri"])
    return measurements


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(claims, snakemake)
