"""Claims of permutation_learning: a function for each, named by its id, of the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, share_of
from lib.ntk.published import ACCURACY, FIRST_HITS
from lib.stats.bootstrap import bootstrap_counts, percentile_estimate
from lib.stats.intervals import Estimate, estimate_mean, estimate_proportion, ratio_of, side_by_side

NETWORKS, ENSEMBLES, PARTS = "networks", "ensembles", "parts of the pool"
FAR = (20, 30, 50, 100, 200)  # numbers of bits over which growth is judged


def p1(limits):
    """The sign of the mean output at infinite width is the permuted bit, for every nonzero binary input."""
    kernels = list(limits.kernel.values)
    beyond = limits.largest_outside.where(limits.every > 2)  # with two bits no number of ones lies between
    return {
        "smallest_inside": exact(limits.smallest_inside.min("every", skipna=False).values, labels=kernels),
        "largest_outside": exact(beyond.sel(every=slice(3, None)).max("every", skipna=False).values, labels=kernels),
        "asymptotic": exact(limits.asymptotic.values, labels=kernels),
        "deviation": exact(limits.deviation.values, labels=kernels),
    }


def p2(trained):
    """Outputs of trained networks are the Gaussian process with that mean and variance."""
    from scipy.stats import kstest

    largest, ratios, labels, smallest, tests = [], [], [], [], 0
    for case in trained.case.values:
        one = trained.sel(case=case)
        for ones in range(2, min(4, int(one["size"])) + 1):
            inside, outside, variance = one.limit.sel(ones=ones).values
            for bit, centre in ((1, inside), (0, outside)):
                if bit == 0 and ones == int(one["size"]):  # no zero among the targets
                    continue
                estimate = estimate_mean(_known(one["mean"].sel(ones=ones, bit=bit)))
                largest.append(abs(estimate.value - centre) / estimate.se)
                ratios.append(estimate_mean(_known(one.square.sel(ones=ones, bit=bit)) / variance))
                labels.append(f"{case}, {ones} ones, bit {bit}")
            for coordinate in range(int(one["size"])):
                values = _known(one.value.sel(ones=ones, coordinate=coordinate))
                centre = inside if float(one.target.sel(ones=ones, coordinate=coordinate)) == 1 else outside
                smallest.append(kstest((values - centre) / np.sqrt(variance), "norm").pvalue)
                tests += 1
    return {
        "largest_z": exact(float(np.max(largest))),
        "variance_ratio": estimated(side_by_side(ratios), NETWORKS, labels=labels),
        "largest_error": exact(float(np.max([one.se for one in ratios]))),
        "smallest_p": exact(float(np.minimum(1.0, np.min(smallest) * tests))),
    }


def _known(values) -> np.ndarray:
    """Values before the padding; two that are not numbers where there are none."""
    values = np.asarray(values, dtype=float)
    last = np.flatnonzero(~np.isnan(values))
    return values[: last[-1] + 1 if len(last) else 2]


def _counts(store, case: int, part: str) -> tuple[float, int]:
    """Ensembles of a case that are right, and their number."""
    values = store.right.isel(case=case).sel(part=part).values
    known = values[~np.isnan(values)]
    return float(known.sum()) if len(known) else np.nan, max(len(known), 1)


def _shares(store, cases: list[int], part: str = "all") -> dict:
    hits, trials = zip(*(_counts(store, case, part) for case in cases))
    labels = [str(store.case.values[case]) for case in cases]
    estimates = [_share(count, number) for count, number in zip(hits, trials)]
    return estimated(side_by_side(estimates), ENSEMBLES, labels=labels)


def _share(count: float, number: int) -> Estimate:
    if not np.isfinite(count):
        return Estimate(np.nan, np.nan, np.nan, np.nan, number)
    return estimate_proportion(int(count), number)


def _cases(store, kernel: str, threshold: str) -> list[int]:
    return np.flatnonzero((store.kernel.values == kernel) & (store.threshold.values == threshold)).tolist()


def p3(ensembles, sampled):
    """Training on k inputs and averaging makes all 2^k - 1 inputs exactly right."""
    last = _cases(ensembles, "last_layer", "zero")
    both = _cases(ensembles, "ntk", "zero")
    at_first = sampled.right.isel(point=0).values.astype(float)
    chosen = np.flatnonzero(sampled.kernel.values == "last_layer")
    estimates = [_share(at_first[i], int(sampled.ensembles.values[i])) for i in chosen]
    errors = ensembles.error.isel(case=last + both).values
    return {
        "last_layer": _shares(ensembles, last),
        "both_layers": _shares(ensembles, both),
        "half": _shares(ensembles, last, "half"),
        "training_error": exact(float(np.nanmax(errors)) if np.isfinite(errors).any() else np.nan),
        "sampled": estimated(side_by_side(estimates), ENSEMBLES, labels=sampled.case.values[chosen]),
    }


def _growth(limits, scope: str, measure) -> tuple[dict, dict]:
    """Slope of log N on the logarithm of a measure of size in each kernel, and whether N over it never grows."""
    sizes = np.array(FAR, dtype=float)
    required = limits.required.sel(size=list(FAR), scope=scope, threshold="zero").transpose("kernel", "size").values
    required = required.astype(float)
    x = np.log(measure(sizes))
    x = x - x.mean()
    slopes = np.log(required) @ x / (x @ x)
    falls = bool((np.diff(required / measure(sizes), axis=1) <= 0).all()) if np.isfinite(required).all() else np.nan
    return exact(slopes, labels=list(limits.kernel.values)), exact(falls)


def p4(limits):
    """For one input O(k log k) networks are enough."""
    slope, falls = _growth(limits, "single", lambda k: k * np.log(k))
    return {"slope": slope, "never_grows": falls}


def p5(limits):
    """For all inputs at once O(k^2) networks are enough."""
    slope, _ = _growth(limits, "all", lambda k: k)
    return {"slope": slope, "falls": _growth(limits, "all", lambda k: k**2)[1]}


def _pools(hits, mode: str) -> list[int]:
    return np.flatnonzero(hits["mode"].values == mode).tolist()


def _sampled(hits, kernel: str, size: int) -> np.ndarray:
    chosen = (hits.kernel.values == kernel) & (hits.bits.values == size)
    return _known(hits.sampled.values[chosen][0]) if chosen.any() else np.array([np.nan, np.nan])


def _limit_median(values: np.ndarray, rng) -> Estimate:
    """Median of independent draws, resampled."""
    drawn = np.median(values[rng.integers(0, len(values), (2000, len(values)))], axis=1)
    return percentile_estimate(np.median(values), drawn, len(values))


def _pool_median(hits, pool: int) -> Estimate:
    """Mean over the parts of a pool, which share no networks, of the median over orderings."""
    parts = _known(np.median(hits.hit.values[pool], axis=1))
    if len(parts) < 2:
        return Estimate(float(parts.mean()), np.nan, np.nan, np.nan, len(parts))
    return estimate_mean(parts)


def _part_means(hits, pools: list[int]) -> Estimate:
    """Mean accuracy of each pool at the size that the limit expects, over its parts."""
    rows = [_known(hits.subset.values[a].mean(axis=1)) for a in pools]
    return side_by_side(
        estimate_mean(row) if len(row) > 1 else Estimate(float(row.mean()), np.nan, np.nan, np.nan, 1) for row in rows
    )


def p6(hits, rng):
    """The experiment's ensemble sizes are those of the last layer's kernel."""
    pools = _pools(hits, "last_layer")
    labels = [f"k = {int(hits['size'].values[a])}" for a in pools]
    ratios = []
    for a in pools:
        limit = _limit_median(_sampled(hits, "last_layer", int(hits["size"].values[a])), rng)
        ratios.append(ratio_of(_pool_median(hits, a), limit))
    sizes = [k for k in FIRST_HITS if k >= 8 and ((hits.kernel.values == "last_layer") & (hits.bits.values == k)).any()]
    inside, scores = 0, []
    for k in sizes:
        draws = _sampled(hits, "last_layer", k)
        low, high = np.quantile(draws, [0.01, 0.99])
        inside += bool(low <= FIRST_HITS[k] <= high)
        scores.append((FIRST_HITS[k] - draws.mean()) / draws.std(ddof=1))
    known = np.isfinite(scores).all()
    standard = _pools(hits, "standard")
    return {
        "median_ratio": estimated(side_by_side(ratios), PARTS, labels=labels),
        "subset_accuracy": estimated(_part_means(hits, pools), PARTS, labels=labels),
        "stored_inside": exact(inside if known else np.nan),
        "stored_mean_z": mean_over("sizes", scores),
        "standard_accuracy": estimated(
            _part_means(hits, standard), PARTS, labels=[str(hits.pool.values[a]) for a in standard]
        ),
    }


def p7(limits):
    """At k = 30 accuracy grows with the ensemble as the last layer's kernel says."""
    numbers = list(ACCURACY)
    accuracy = limits.accuracy.sel(kernel="last_layer", bits=30, models=numbers).values
    return {
        "accuracy": exact(accuracy, labels=[f"N = {n}" for n in numbers]),
        "largest_distance": exact(float(np.abs(accuracy - np.array(list(ACCURACY.values()))).max())),
    }


def p8(hits, limits, rng):
    """Training both layers in tangent parametrisation needs several times the networks."""
    both = _pools(hits, "ntk")[0]
    size = int(hits["size"].values[both])
    last = next(a for a in _pools(hits, "last_layer") if hits["size"].values[a] == size)
    ratio = ratio_of(_pool_median(hits, both), _pool_median(hits, last))
    limit = ratio_of(*(_limit_median(_sampled(hits, kernel, size), rng) for kernel in ("ntk", "last_layer")))
    reach = limits.reach.transpose("kernel", "bits").values
    return {
        "ratio": estimated(ratio, PARTS),
        "limit": estimated(limit, "draws"),
        "ratio_over_limit": estimated(ratio_of(ratio, limit), PARTS),
        "formula": exact(reach[0] / reach[1], labels=[f"k = {k}" for k in limits.bits.values]),
    }


def p9(ensembles, limits):
    """Rounding halfway between both means needs ten times fewer networks."""
    required = limits.required.sel(scope="all", size=[10, *FAR]).astype(float)
    ratio = required.sel(threshold="zero") / required.sel(threshold="midpoint")
    return {
        "exact": _shares(ensembles, _cases(ensembles, "last_layer", "midpoint")),
        "smallest_ratio": exact(ratio.min("size", skipna=False).values, labels=list(limits.kernel.values)),
    }


def p10(trained):
    """Gradient descent converges at the rate of the tangent kernel's smallest eigenvalue."""
    from lib.ntk.networks import eigenvalues, step_size

    size = int(trained.attrs["contraction_size"])
    residual = trained.residual.transpose("step", "run").values.astype(float)
    last = min(12, len(residual) - 1)
    factor = (residual[last] / residual[2]) ** (1 / (last - 2))
    expected = 1 - step_size("ntk", size) * eigenvalues("ntk", size)[0]
    runs = [f"network {i + 1}" for i in range(residual.shape[1])]
    return {
        "factor_ratio": exact(factor / expected, labels=runs),
        "final_residual": exact(float(residual[-1].max())),
    }


def p11(sampled):
    """The probability of failure is as small as wished: the union bound holds, and N grows like its logarithm."""
    deltas = np.array(sampled.attrs["failures"])
    chosen = np.flatnonzero(sampled.ensembles.values >= 20000)
    chosen = chosen if len(chosen) else np.arange(sampled.sizes["case"])
    ratios, excess, labels = [], [], []
    for a in chosen:
        trials = int(sampled.ensembles.values[a])
        for i, delta in enumerate(deltas):
            failed = trials - float(sampled.right.values[a, i])
            value, se, low, high, n = _share(failed, trials)
            error = np.sqrt(max(value * (1 - value), 0) / trials)
            excess.append((value - delta) / max(error, 1 / trials))
            ratios.append(Estimate(value / delta, se / delta, low / delta, high / delta, n))
            labels.append(f"{sampled.case.values[a]}, delta = {delta:g}")
    models = sampled.models.values[chosen].astype(float)
    growth = models[:, np.argmin(deltas)] / models[:, np.argmax(deltas)]
    return {
        "failure_over_delta": estimated(side_by_side(ratios), ENSEMBLES, labels=labels),
        "excess_in_errors": exact(float(np.max(excess))),
        "growth": exact(growth, labels=[str(sampled.case.values[a]) for a in chosen]),
    }


def p12(widths, rng):
    """Finite networks approach the limit as 1 / width."""
    variance, inside = widths.attrs["variance"], widths.attrs["inside"]
    first = widths.width.values[:3].astype(float)
    x = np.log(first) - np.log(first).mean()
    value, drawn = np.zeros(len(first)), np.zeros((len(first), 2000))
    for i in range(len(first)):
        squares = _known(widths.square.values[i]) / variance
        value[i] = squares.mean() - 1
        drawn[i] = bootstrap_counts(len(squares), 2000, rng) @ squares / len(squares) - 1
    with np.errstate(invalid="ignore"):
        slope = x @ np.log(value) / (x @ x)
        resampled = x @ np.log(drawn) / (x @ x)
    at = int(np.flatnonzero(widths.width.values == 1024)[0]) if 1024 in widths.width.values else len(first) - 1
    bias = estimate_mean(_known(widths["mean"].values[at]) - inside)
    return {
        "slope": estimated(percentile_estimate(slope, resampled, len(_known(widths.square.values[0]))), NETWORKS),
        "excess": estimated(
            side_by_side(estimate_mean(_known(row) / variance - 1) for row in widths.square.values),
            NETWORKS,
            labels=[f"width {w}" for w in widths.width.values],
        ),
        "bias": estimated(bias, NETWORKS),
        "both_layers_bias": estimated(
            side_by_side(estimate_mean(_known(row) - widths.attrs["both_inside"]) for row in widths.pair_mean.values),
            "pairs of networks",
            labels=[f"width {w}" for w in widths.pair_width.values],
        ),
        "bias_in_errors": exact(float(abs(bias.value) / bias.se)),
        "bias_error": exact(float(bias.se)),
    }


def p13(templates):
    """The mean of the limit adds all pairs of numbers exactly."""
    table = templates.addition
    kernels = list(templates.kernel.values)
    return {
        "wrong": exact(_total(table.sel(quantity="wrong"), "add_bits"), labels=kernels),
        "least_one": exact(table.sel(quantity="least_one").min("add_bits", skipna=False).values, labels=kernels),
        "largest_zero": exact(table.sel(quantity="largest_zero").max("add_bits", skipna=False).values, labels=kernels),
    }


def _total(table, dim: str) -> np.ndarray:
    return table.sum(dim, skipna=False).values


def p13b(templates):
    """Ensembles of finite networks add exactly when outputs are rounded at the midpoint."""
    outcome = templates.finite
    return {
        rule: mean_over(ENSEMBLES, outcome.sel(rule=rule).values)
        if not np.isfinite(outcome.sel(rule=rule)).all()
        else share_of(ENSEMBLES, int(outcome.sel(rule=rule).sum()), outcome.sizes["ensemble"])
        for rule in outcome.rule.values
    }


def p14(templates):
    """The mean of the limit multiplies all pairs of numbers exactly."""
    table = templates.multiplication
    kernels = list(templates.kernel.values)
    padded = table.sel(padding=True)
    return {
        "wrong": exact(_total(padded.sel(quantity="wrong"), "multiply_bits"), labels=kernels),
        "wrong_without_padding": exact(
            _total(table.sel(padding=False, quantity="wrong"), "multiply_bits"), labels=kernels
        ),
        "least_one": exact(padded.sel(quantity="least_one").min("multiply_bits", skipna=False).values, labels=kernels),
    }


def p15(templates):
    """Without its template or its threshold the program fails where it should."""
    wrong = templates.control_wrong.values.astype(float)
    exactly = bool(templates.control_carrying.values.astype(float).all() and (wrong > 0).all())
    return {
        "exactly_carrying": exact(exactly if np.isfinite(wrong).all() else np.nan),
        "wrong": exact(wrong, labels=[f"position {i}" for i in range(len(wrong))]),
        "wrong_at_half": exact(templates.control_half.values, labels=list(templates.kernel.values)),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
