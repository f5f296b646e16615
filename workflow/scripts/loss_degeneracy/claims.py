"""Claims of loss_degeneracy: a function for each, named by its id, of the stores that it rests on."""

from itertools import pairwise

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, timed
from lib.stats.intervals import (
    Estimate,
    end_of,
    estimate_from_error,
    estimate_mean,
    estimate_median_of_normal,
    estimate_slope,
    ratio_of,
    side_by_side,
    without_error,
)

NETWORKS, CHAINS, TEACHERS = "networks", "chains", "pairs of students"
CLOSED, QUADRATURE, SAMPLED = "closed form", "quadrature", "Monte Carlo"


def _mean(values) -> Estimate:
    """Mean over units with Student's interval; no error of a single unit."""
    values = np.asarray(values, dtype=float)
    return estimate_mean(values) if len(values) > 1 else without_error(values[0], 1)


def _geometric(ratios) -> Estimate:
    """Geometric mean of ratios over units, with the interval of the mean of their logarithms."""
    value, se, low, high, n = _mean(np.log(np.asarray(ratios, dtype=float)))
    return Estimate(np.exp(value), np.exp(value) * se, np.exp(low), np.exp(high), n)


def _share(truths) -> float:
    """Share of comparisons that hold, NaN where a number behind them is none."""
    truths = np.asarray(truths, dtype=float)
    return float(truths.mean())


def _compare(a, b):
    """Whether a <= b for each pair, NaN where either is not a number."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return np.where(np.isfinite(a) & np.isfinite(b), a <= b, np.nan)


def c1(directions, digits):
    """Dependent activations and gradients of a layer leave d_in d_out - r s directions free."""
    free, predicted, _, _, gap = (directions.layer.sel(quantity=name).values for name in directions["quantity"].values)
    rank, r, s, trained_gap, size = (digits["count"].sel(quantity=name).values for name in digits["quantity"].values)
    equal = np.where(np.isfinite(free), free == predicted, np.nan)
    return {
        "share": exact(_share(equal)),
        "largest_excess": exact(float(np.max([(predicted - free).max(), (rank - r * s).max()]))),
        "smallest_gap": exact(float(gap.min())),
        "trained_rank": exact(rank, labels=[f"network {i + 1}" for i in range(len(rank))]),
        "trained_product": exact(r * s, labels=[f"network {i + 1}" for i in range(len(rank))]),
        "trained_parameters": exact(float(size.max())),
        "trained_gap": exact(float(trained_gap.min())),
    }


def _wrong(table) -> dict:
    """Layers whose count is not the prediction, the smallest excess over it, and the smallest gap."""
    free, predicted, gap = (table.sel(count=name).values for name in table["count"].values)
    known = np.isfinite(free).all() and np.isfinite(predicted).all()
    return {
        "wrong": exact(float(np.sum(free != predicted)) if known else np.nan),
        "least_excess": exact(float(np.min(free - predicted))),
        "smallest_gap": exact(float(np.min(gap))),
        "layers": exact(int(free.size)),
    }


def c2(directions):
    """A block of m ReLUs that are on together leaves m^2 directions free; ReLUs that are not leave m."""
    return _wrong(directions.relu.sel(unit_count=directions.unit_count <= 6))


def c2b(directions):
    """A finite step along a claimed free direction leaves the outputs on the data unchanged."""
    sources = list(directions.source.values)
    return {
        "moved": exact(directions.moved.values.max(axis=1), labels=sources),
        "contrast": exact(directions.contrast.values.min(axis=1), labels=sources),
    }


def c2c(directions):
    """Attention heads of one pattern act as one wide head: (m d_h)^2 free directions in place of m d_h^2."""
    return _wrong(directions.attention)


def _deviations(volumes, losses: list[str], way: str, levels=slice(None)) -> dict:
    """Largest relative deviation from the closed form at each level."""
    number = volumes.number.sel(loss=losses).isel(level=levels)
    relative = np.abs(number.sel(way=way) / number.sel(way=CLOSED) - 1).values
    return exact(relative.max(axis=0), labels=[f"{level:g}" for level in number.level.values])


def c3(volumes):
    """Free directions that interact do not add up: N_eff of w1^2 w2^2 tends to 1, neither 0 nor 2."""
    cross = volumes.number.sel(loss="cross", way=CLOSED)
    return {
        "quadrature": _deviations(volumes, ["cross"], QUADRATURE),
        "monte_carlo": _deviations(volumes, ["cross"], SAMPLED),
        "number": exact(cross.values, labels=[f"{level:g}" for level in cross.level.values]),
    }


def c4(chains):
    """Langevin estimates recover the known coefficients of reduced-rank regression, between rank/2 and P/2."""
    judged = chains.isel(scale=0, length=-1)
    mixed = judged.mixed.values.astype(bool)
    value = np.where(mixed, judged.value.values, np.nan)  # a chain that has not mixed has no estimate
    error, known = judged.error.values, judged.known.values
    number = int(chains.attrs["chains"])
    cases = [str(case) for case in judged.case.values]
    first = [i for i, case in enumerate(cases) if case.startswith("(4, 3, 3)")]
    first = sorted(first, key=lambda i: -int(judged.true_rank.values[i]))
    steps = [(value[a] - value[b]) / np.hypot(error[a], error[b]) for a, b in pairwise(first)]
    other = chains.isel(scale=-1, length=-1)
    short = chains.isel(scale=0, length=0)
    return {
        "estimate": estimated(estimate_from_error(value, error, number), CHAINS, labels=cases),
        "deviation": exact((np.abs(value - known) + 2 * error) / known, labels=cases),
        "step_in_errors": exact(steps if steps else [np.nan]),
        "above_half_rank": exact(float(np.min(value + 2 * error - judged.hessian_rank.values / 2))),
        "half_parameters": exact(judged.parameters.values / 2, labels=cases),
        "larger_step": estimated(
            estimate_from_error(other.value.values, other.error.values, number), CHAINS, labels=cases
        ),
        "shorter": estimated(estimate_from_error(short.value.values, short.error.values, number), CHAINS, labels=cases),
        "refused": exact(int(np.sum(~mixed))),
        "refused_shorter": exact(int(np.sum(~short.mixed.values.astype(bool)))),
    }


def c5(invariance):
    """The interaction basis does not change, up to signs, when activations are mapped by any invertible matrix."""
    change = invariance.change.max("map", skipna=False)
    grams = invariance.gram_change.max("map", skipna=False)
    return {
        **{name: exact(float(change.sel(quantity=name))) for name in invariance["quantity"].values},
        "importance_by_grams": exact(float(grams.sel(of_grams="importance"))),
    }


def c6(invariance):
    """In a deep linear network the interaction basis makes every layer's map diagonal, with entries of size one."""
    largest = invariance.linear.max("network", skipna=False)
    kinds = list(invariance.basis.values)
    return {name: exact(largest.sel(part=name).values, labels=kinds) for name in invariance.part.values}


WAYS = {"sum": "holding", "ablation": "ablated"}  # ways of counting edges


def _ratios(planted, other: str) -> Estimate:
    """Ratios of the totals over layers, local interaction basis over another, by both ways of counting."""
    rows = []
    for name in WAYS.values():
        total = planted[name].sum("layer", skipna=False)
        rows.append(_geometric(total.sel(basis="local").values / total.sel(basis=other).values))
    return side_by_side(rows)


def c7(planted):
    """The local interaction basis interacts more sparsely than principal components, neurons and gradients."""
    ways = list(WAYS)
    fewer = [_compare(planted[name].sel(basis="local"), planted[name].sel(basis="pca")) for name in WAYS.values()]
    quantities = {"not_more": mean_over(NETWORKS, np.stack([f.mean(axis=1) for f in fewer], axis=1), labels=ways)}
    for other in ("pca", "pca_scaled", "gradient", "neuron"):
        ratio = _ratios(planted, other)
        quantities[f"over_{other}"] = estimated(ratio, NETWORKS, labels=ways)
        quantities[f"over_{other}_upper"] = estimated(end_of(ratio, "high"), NETWORKS, labels=ways)
    for way, name in WAYS.items():
        total = planted[name].sum("layer", skipna=False)
        quantities[f"total_{way}"] = mean_over(NETWORKS, total.values, axis=1, labels=list(planted.basis.values))
    return quantities


def c8(planted):
    """Gradients show planted modules where the covariance of the data says nothing."""
    share = planted.block_share
    inputs = share.isel(node_layer=0)
    random = inputs.sel(direction="random").values
    margin = _mean(inputs.sel(direction="local").values - random)
    hidden = slice(1, planted.sizes["node_layer"] - 1)
    return {
        "local": mean_over(NETWORKS, inputs.sel(direction="local").values),
        "pca": mean_over(NETWORKS, inputs.sel(direction="pca").values),
        "gradient": mean_over(NETWORKS, inputs.sel(direction="gradient").values),
        "random": mean_over(NETWORKS, random),
        "margin": estimated(margin, NETWORKS),
        "margin_lower": estimated(end_of(margin, "low"), NETWORKS),
        "pca_margin": mean_over(NETWORKS, inputs.sel(direction="pca").values - random),
        "hidden_pca": mean_over(NETWORKS, share.isel(node_layer=hidden).sel(direction="pca").mean("node_layer").values),
        "hidden_local": mean_over(
            NETWORKS, share.isel(node_layer=hidden).sel(direction="local").mean("node_layer").values
        ),
    }


def _edge_ratio(stores: list, layers=slice(None)) -> tuple[np.ndarray, np.ndarray]:
    """Totals over layers of edges, in the local interaction basis and in principal components, one for each store."""
    totals = [store.edges.isel(layer=layers).sum("layer", skipna=False) for store in stores]
    return tuple(np.array([float(one.sel(ablated=kind)) for one in totals]) for kind in ("local", "pca"))


def c9(addition: list):
    """For modular addition the local interaction basis needs fewer edges than principal components."""
    if not addition:
        return None
    local, pca = _edge_ratio(addition)
    ratio = _geometric(local / pca)
    return {
        "ratio": estimated(ratio, NETWORKS),
        "ratio_upper": estimated(end_of(ratio, "high"), NETWORKS),
        "local_edges": mean_over(NETWORKS, local),
        "pca_edges": mean_over(NETWORKS, pca),
        "accuracy": exact(float(np.min([float(store.accuracy) for store in addition]))),
    }


def _blocks(students) -> dict:
    """Estimates of dense less those of block students, ranks, and whether chains have mixed."""
    difference = (students.value.sel(student="dense") - students.value.sel(student="block")).transpose(
        "teacher", "length"
    )
    judged = _mean(difference.values[:, -1])
    rank = students["rank"].sel(student="dense") - students["rank"].sel(student="block")
    last = students.isel(length=-1)
    equal = difference.values[rank.values == 0, -1]
    return {
        "difference": estimated(judged, TEACHERS),
        "difference_lower": estimated(end_of(judged, "low"), TEACHERS),
        "by_length": mean_over(TEACHERS, difference.values, labels=[f"{n} steps" for n in students.length.values]),
        "block": mean_over(TEACHERS, last.value.sel(student="block").values),
        "dense": mean_over(TEACHERS, last.value.sel(student="dense").values),
        "chain_error": exact(float(last.error.max())),
        "half_rank_difference": mean_over(TEACHERS, rank.values / 2),
        "at_equal_rank": mean_over(TEACHERS, equal) if len(equal) else exact(np.nan),
        "mixed": exact(_share(np.where(np.isfinite(last.value), last.mixed.astype(float), np.nan))),
        "largest_r_hat": exact(float(last.r_hat.max(skipna=False))),
        "largest_loss": exact(float(students.loss.max(skipna=False))),
    }


def c10(students):
    """Modular networks are more degenerate than dense ones of the same width and loss."""
    return _blocks(students)


def c10c(held):
    """The same holds where chains are held close enough to mix."""
    return _blocks(held)


def c10b(volumes):
    """Free directions in separate modules stay free, coupled ones do not."""
    both = ["separate", "coupled"]
    number = volumes.number.sel(way=CLOSED, loss=both)
    return {
        "quadrature": _deviations(volumes, both, QUADRATURE),
        "monte_carlo": _deviations(volumes, both, SAMPLED, levels=slice(0, 1)),
        "separate": exact(number.sel(loss="separate").values, labels=[f"{e:g}" for e in number.level.values]),
        "coupled": exact(number.sel(loss="coupled").values, labels=[f"{e:g}" for e in number.level.values]),
    }


def c11(language: list):
    """On language models the local interaction basis needs as many edges as principal components."""
    if not language:
        return None
    store = language[0]
    ratio = store.edges.sel(ablated="local") / store.edges.sel(ablated="pca")
    return {
        "ratio": exact(ratio.values, labels=[str(layer) for layer in store.layer.values]),
        "accuracy": exact(float(store.accuracy)),
    }


def c12(planted):
    """Communities of logarithmic interactions in the interaction basis are the modules, and tell block from dense."""
    pure = planted.purity.sel(weight="logarithmic")
    margin = _mean((pure.sel(judged="local") - planted.null.sel(judged="local")).values)
    gain = (planted.score.sel(sort="planted") - planted.score.sel(sort="dense")).sel(judged="local")
    logarithmic = _mean(gain.sel(weight="logarithmic").values)
    surplus = _mean((gain.sel(weight="logarithmic") - gain.sel(weight="linear")).values)
    bases = list(planted.judged.values)
    return {
        "purity": mean_over(NETWORKS, pure.sel(judged="local").values),
        "neuron_purity": mean_over(NETWORKS, pure.sel(judged="neuron").values),
        "pca_purity": mean_over(NETWORKS, pure.sel(judged="pca").values),
        "null": mean_over(NETWORKS, planted.null.transpose("network", "judged").values, labels=bases),
        "margin_lower": estimated(end_of(margin, "low"), NETWORKS),
        "gain": estimated(logarithmic, NETWORKS),
        "gain_lower": estimated(end_of(logarithmic, "low"), NETWORKS),
        "surplus": estimated(surplus, NETWORKS),
        "surplus_lower": estimated(end_of(surplus, "low"), NETWORKS),
        "linear_purity": mean_over(NETWORKS, planted.purity.sel(judged="local", weight="linear").values),
    }


def c13(times):
    """The basis is tractable: without explicit Jacobians."""
    ours = estimate_median_of_normal(times.basis_ms.sel(width=times.attrs["explicit_width"]).values)
    explicit = estimate_median_of_normal(times.explicit_ms.values)
    medians = np.median(times.basis_ms.values, axis=1)
    widths = times.width.values.astype(float)
    seconds = estimate_median_of_normal(times.basis_ms.values / 1000, axis=1)
    quantities = {
        "ratio": timed(ratio_of(explicit, ours)),
        "seconds": timed(seconds, labels=[f"d = {int(d)}" for d in widths]),
        "deviation": exact(float(times.deviation)),
    }
    if len(widths) > 2:
        quantities["exponent"] = timed(estimate_slope(np.log(widths), np.log(medians)))
    return quantities


def _fewer(store) -> dict:
    """Fewest directions, local interaction basis against principal components: shares, ratios and totals."""
    local, pca, gradient = (store.fewest.sel(basis=kind) for kind in ("local", "pca", "gradient"))

    def ratio(over, layers=slice(None)):
        sums = [one.isel(layer=layers).sum("layer", skipna=False).values for one in (local, over)]
        return _geometric(sums[0] / sums[1])

    hidden = ratio(pca, slice(1, None))
    return {
        "accuracy": mean_over(NETWORKS, store.accuracy.values),
        "least_accuracy": exact(float(store.accuracy.min())),
        "not_more": mean_over(NETWORKS, _compare(local, pca).mean(axis=1)),
        "ratio": estimated(ratio(pca), NETWORKS),
        "ratio_upper": estimated(end_of(ratio(pca), "high"), NETWORKS),
        "hidden_ratio": estimated(hidden, NETWORKS),
        "hidden_ratio_upper": estimated(end_of(hidden, "high"), NETWORKS),
        "over_gradient": estimated(ratio(gradient), NETWORKS),
        "local": mean_over(NETWORKS, local.values, labels=list(store.layer.values)),
        "pca": mean_over(NETWORKS, pca.values, labels=list(store.layer.values)),
    }


def c14(digits):
    """Fewer directions carry the function of a trained classifier than principal components do."""
    return _fewer(digits)


def c14b(images: list):
    """On CIFAR-10 fewer directions carry the function than principal components do."""
    return _fewer(images[0]) if images else None


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
