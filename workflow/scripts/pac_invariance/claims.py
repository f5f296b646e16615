"""Claims of pac_invariance: a function for each, named by its id, of the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, share_of
from lib.invariance.span import pac_share, vc_bound
from lib.stats.bootstrap import bootstrap_counts, percentile_estimate, power_law_exponent
from lib.stats.intervals import (
    Estimate,
    end_of,
    estimate_difference,
    estimate_mean,
    estimate_proportion,
    estimate_ratio,
    side_by_side,
)

SEEDS = "models"


def c1(spans):
    """Covariances of the family lie in the span of few explicit matrices, as many in any dimension."""
    rank = spans["rank"]
    excess = spans.basis - spans.bound
    growth = rank.isel(dim=-1).max("sem", skipna=False) - rank.isel(dim=0).max("sem", skipna=False)
    labels = [f"s = {s}" for s in spans.sites.values]
    return {
        "residual": exact(float(spans.residual.max(skipna=False))),
        "matrices_above_bound": exact(float(excess.max(skipna=False))),
        "rank_one_site": exact(np.unique(rank.sel(sites=1).values)),
        "gap_one_site": exact(float(spans.gap.sel(sites=1).min(skipna=False))),
        "growth": exact(growth.values, labels=labels),
        "largest_rank": exact(rank.max(("dim", "sem"), skipna=False).values, labels=labels),
    }


def _cells(transitions, case: str, before: bool) -> tuple[np.ndarray, np.ndarray]:
    """Worst shares and numbers of representations, with fewer interventions than the rank or with as many and more."""
    store = transitions.sel(case=case)
    number, rank = store.number.values[None, :], store["rank"].values[:, None]
    chosen = (number < rank) if before else ((number >= rank) & (number <= rank + 1))
    return store.worst.values[chosen], store.accepted.values[chosen]


def _transition(transitions, one_site: list[str], two_sites: list[str]) -> dict:
    """What is judged of the transition; models in which a cell is missing make it not a number."""
    result = {}
    cells = []
    if one_site:
        before = [_cells(transitions, case, True) for case in one_site]
        after = [_cells(transitions, case, False) for case in one_site]
        result["before_one_site"] = exact(float(np.min(np.concatenate([one[0] for one in before]))))
        result["after_one_site"] = exact(float(np.max(np.concatenate([one[0] for one in after]))))
        cells += before + after
    if two_sites:
        after = [_cells(transitions, case, False) for case in two_sites]
        at_two = transitions.sel(case=two_sites, number=2)
        result["after_two_sites"] = exact(float(np.max(np.concatenate([one[0] for one in after]))))
        result["at_two"] = exact(float(at_two.worst.min(skipna=False)))
        cells += [*after, (at_two.worst.values.ravel(), at_two.accepted.values.ravel())]
    result["fewest_accepted"] = exact(float(np.min(np.concatenate([one[1] for one in cells]))))
    return result


def _cases(transitions, prefix: str, sites: int) -> list[str]:
    return [
        str(case)
        for case, s in zip(transitions.case.values, transitions.sites.values)
        if str(case).startswith(prefix) and s == sites
    ]


def c2(transitions):
    """Invariant representations generalise from as many interventions as the span has dimensions, not from fewer."""
    result = _transition(transitions, _cases(transitions, "random", 1), _cases(transitions, "random", 2))
    predictive = transitions.predictive.sel(case=_cases(transitions, "random", 1)).min("sem").values
    return result | {"fewest_predictive": exact(float(np.nanmin(predictive)))}


def _exponents(store, rng) -> Estimate:
    numbers = store.number.values
    return side_by_side(
        power_law_exponent(numbers, store.worst.sel(dim=d).transpose("number", "seed").values, rng)
        for d in store.dim.values
    )


def c3(uniform, rng):
    """The worst invariant head that a search finds decays like 1 / m."""
    slope = _exponents(uniform, rng)
    labels = [f"d = {d}" for d in uniform.dim.values]
    rank = float(uniform["rank"].max(skipna=False))
    dimension = vc_bound(int(uniform.attrs["largest"]), rank)
    certified = [pac_share(dimension, int(m)) if np.isfinite(rank) else np.nan for m in uniform.number.values]
    return {
        "slope": estimated(slope, SEEDS, labels=labels),
        "slope_low": estimated(end_of(slope, "low"), SEEDS, labels=labels),
        "slope_high": estimated(end_of(slope, "high"), SEEDS, labels=labels),
        "pac_share": exact(certified, labels=[f"m = {m}" for m in uniform.number.values]),
    }


def c4(uniform_wide, rng):
    """At equal coverage the worst head is no worse in more dimensions."""
    worst = uniform_wide.worst.isel(number=0).transpose("dim", "seed").values
    exponent = power_law_exponent(uniform_wide.dim.values, worst, rng)
    number = int(uniform_wide.number.values[0])
    ratio = worst / (uniform_wide["rank"].values / (number + 1))
    labels = [f"d = {d}" for d in uniform_wide.dim.values]
    return {
        "exponent": estimated(exponent, SEEDS),
        "exponent_high": estimated(end_of(exponent, "high"), SEEDS),
        "over_bound": mean_over(SEEDS, ratio, axis=1, labels=labels),
        "worst": mean_over(SEEDS, worst, axis=1, labels=labels),
    }


def c5(uniform):
    """Pooled least squares on all covariates is not invariant, where invariant heads are."""
    row = uniform.sel(dim=12)
    baseline = {str(method): row.baseline.sel(estimator=method).values for method in row.estimator.values}
    pooled = baseline["least squares"]
    among = row.worst.isel(number=-1).values
    blanket = row.child.values.astype(bool) if np.isfinite(row.child).all() else np.zeros(len(pooled), bool)
    known = np.isfinite(baseline["stable subsets"])
    estimate = estimate_mean(pooled)
    result = {
        "least_squares": estimated(estimate, SEEDS),
        "least_squares_low": estimated(end_of(estimate, "low"), SEEDS),
        "invariant": mean_over(SEEDS, among),
        "irm": mean_over(SEEDS, baseline["irm"]),
        "parents": mean_over(SEEDS, baseline["parents"]),
        "models_with_a_child_as_site": share_of(SEEDS, int(blanket.sum()), len(blanket)),
    }
    if known.sum() > 1:
        result["stable_subsets"] = mean_over(SEEDS, baseline["stable subsets"][known])
    if blanket.sum() > 1:
        result["least_squares_child_as_site"] = mean_over(SEEDS, pooled[blanket])
    return result


def c6(gaps, rng):
    """Empirical gradients approach those of the population like the root of the number of samples."""
    scaled = gaps.gap.transpose("draw", "samples").values * np.sqrt(gaps.samples.values)
    return {
        "slope": estimated(power_law_exponent(gaps.samples.values, gaps.gap.values, rng), "draws"),
        "gap_times_root": mean_over("draws", scaled, labels=[f"n = {n}" for n in gaps.samples.values]),
    }


def c7(transitions, uniform_cancelling, cancelled, rng):
    """No faithfulness is needed: a child that cancelling paths hide is given away by interventions on it alone."""
    result = _transition(transitions, [], _cases(transitions, "cancelling", 2))
    slope = _exponents(uniform_cancelling, rng)
    gradient = np.abs(cancelled.gradient)
    tolerance = uniform_cancelling.attrs["tolerance"]
    child = gradient.sel(place="the child").values
    share = estimate_proportion(int((child > tolerance).sum()), len(child)) if np.isfinite(child).all() else None
    return result | {
        "slope": estimated(slope, SEEDS, labels=[f"d = {d}" for d in uniform_cancelling.dim.values]),
        "slope_low": estimated(end_of(slope, "low"), SEEDS),
        "slope_high": estimated(end_of(slope, "high"), SEEDS),
        "observational": exact(float(gradient.sel(place="observational").max(skipna=False))),
        "other_node": exact(float(gradient.sel(place="another node").max(skipna=False))),
        "violated": estimated(share, "interventions") if share else exact(np.nan),
        "violated_low": estimated(end_of(share, "low"), "interventions") if share else exact(np.nan),
    }


def c8(spans, transitions):
    """What is observed indirectly has the same dimension and the same transition."""
    difference = np.abs(spans.latent_rank - spans.direct_rank)
    result = _transition(transitions, _cases(transitions, "latent", 1), _cases(transitions, "latent", 2))
    return {"rank_difference": exact(float(difference.max(skipna=False))), **result}


def c9(stability):
    """A violation in a new environment is bounded by its certificate, which is not idle."""
    return {
        "largest_random": exact(float(stability.random.max(skipna=False))),
        "largest_climbed": exact(float(stability.climbed.max(skipna=False))),
    }


def c10(heads, rng):
    """The head of a fixed programme is violated by k / (m + 1) at most, and by as much where it is fully supported."""
    share = heads.share.values
    expected = heads.width.values[:, None] / (heads.number.values + 1)
    mean = estimate_mean(share, axis=2)
    excess = mean.value - expected - 4 * mean.se
    full = (heads.support.values == heads.width.values[:, None, None]).mean(axis=2) >= 0.95
    count = int(full.sum()) if np.isfinite(share).all() else np.nan
    # unseen interventions are the same for all training sets of a model, so that models are the units
    sums = np.where(full, (share / expected[..., None]).mean(axis=2), 0).sum(axis=1)
    cells = full.sum(axis=1)
    counts = bootstrap_counts(len(full), 2000, rng)
    with np.errstate(invalid="ignore"):  # no cell at all is not a number
        pooled = percentile_estimate(sums.sum() / cells.sum(), (counts @ sums) / (counts @ cells), len(full))
    return {
        "largest_excess": exact(float(np.max(excess))),
        "fully_supported": exact(count),
        "sharpness": estimated(pooled, SEEDS),
    }


def c11(samples):
    """Heads found on enough samples at half the tolerance are invariant on unseen populations."""
    share = samples.share.transpose("rule", "samples", "sem", "set").values
    rules, numbers = list(samples.rule.values), samples.samples.values
    cells = share.reshape(*share.shape[:2], -1)
    known = np.isfinite(cells)
    half, whole = rules.index("half"), rules.index("whole")
    judged = [i for i in range(len(numbers)) if known[half, i].sum() >= 20]
    names = {0: "population"}
    labels = [names.get(int(numbers[i]), f"n = {numbers[i]}") for i in judged]
    population, many, few = (int(np.flatnonzero(numbers == n)[0]) for n in (0, 20000, 200))
    total = known.shape[2]
    must_judge = {population, many} <= set(judged)
    means = [estimate_mean(cells[half, i][known[half, i]]) for i in judged]
    control = cells[whole, population][known[whole, population]]
    return {
        "violation": estimated(side_by_side(means), "training sets", labels=labels) if must_judge else exact(np.nan),
        "control": mean_over("training sets", control) if len(control) > 1 else exact(np.nan),
        "feasible_many": share_of("training sets", int(known[half, many].sum()), total),
        "feasible_few": share_of("training sets", int(known[half, few].sum()), total),
    }


def c12(shift):
    """The guarantee is for the family that training was drawn from; a wider one is out of its scope."""
    same, shifted = shift.same.values, shift.shifted.values
    difference = estimate_difference(shifted, same)
    return {
        "ratio": estimated(estimate_ratio(shifted, same), SEEDS),
        "difference": estimated(difference, SEEDS),
        "difference_low": estimated(end_of(difference, "low"), SEEDS),
        "same": mean_over(SEEDS, same),
        "shifted": mean_over(SEEDS, shifted),
        "largest_over_certificate": exact(float(shift.ratio.max(skipna=False))),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
