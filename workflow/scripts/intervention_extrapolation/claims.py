"""Claims of intervention_extrapolation: a function for each, named by its id, of the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, share_of
from lib.stats.intervals import Estimate, end_of, estimate_difference, estimate_mean, side_by_side

SETS = "data sets"
LEVEL = 0.05
JUDGED = ["shear", "weak shear", "bend"]
DIRECT = ["mlp", "ols", "cubic", "kernel ridge"]


def _ratio(a, b) -> Estimate:
    """Geometric mean of paired ratios, with Student's interval of the logarithms."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = estimate_mean(np.log(np.asarray(a, float)) - np.log(np.asarray(b, float)))
    value, low, high = np.exp([logs.value, logs.low, logs.high])
    return Estimate(value, value * logs.se, low, high, logs.n)


def _rejected(pvalues) -> np.ndarray:
    """1 where a p-value is below the level, NaN where there is none."""
    values = np.asarray(pvalues, float)
    return np.where(np.isfinite(values), values < LEVEL, np.nan)


def _share(pvalues) -> dict:
    values = _rejected(pvalues).ravel()
    if not np.isfinite(values).all():
        return mean_over(SETS, values)
    return share_of(SETS, int(values.sum()), len(values))


def c1(constraint):
    """The permutation test keeps its level on affine maps and rejects other bijections where actions act."""
    strongest = constraint.pvalue.sel(strength=constraint.strength.max())
    rejected = _rejected(strongest.sel(bijection=JUDGED).transpose("bijection", "seed"))
    known = np.isfinite(rejected).all()
    others = (
        share_of(SETS, rejected.sum(axis=1).astype(int), rejected.shape[1], labels=JUDGED)
        if known
        else mean_over(SETS, rejected, axis=1, labels=JUDGED)
    )
    return {
        "affine": _share(constraint.affine),
        "others": others,
        "without_action": _share(constraint.pvalue.sel(bijection=JUDGED, strength=0.0)),
        "cubic": _share(strongest.sel(bijection="cubic")),
        "twist": _share(strongest.sel(bijection="twist")),
    }


def _cell(store, name: str):
    """Values of a cell, of the data sets that it has."""
    cell = store.sel(cell=name)
    count = int(np.isfinite(cell.linear.sel(estimator="cca")).sum())
    return cell.isel(seed=slice(count)) if count else cell


def _gain(store, name: str) -> np.ndarray:
    """Affine R² with the largest penalty less that without, of each data set."""
    r2 = _cell(store, name).r2
    return (r2.sel(penalty=r2.penalty.max()) - r2.sel(penalty=0.0)).values


def c2(identification):
    """The constraint raises the affine R² above the plain autoencoder and above linear representations."""
    wide, folded = _cell(identification, "wide, 2"), _cell(identification, "folded, 2")
    constrained = {name: cell.r2.isel(penalty=-1).values for name, cell in (("wide", wide), ("folded", folded))}
    peers = {"plain": folded.r2.sel(penalty=0.0).values, "cca": folded.linear.sel(estimator="cca").values}
    best = max(peers, key=lambda name: peers[name].mean())
    gain = estimate_mean(_gain(identification, "wide, 2"))
    folded_gain = estimate_difference(constrained["folded"], peers[best])
    return {
        "constrained": mean_over(SETS, constrained["wide"]),
        "gain": estimated(gain, SETS),
        "gain_low": estimated(end_of(gain, "low"), SETS),
        "folded_gain": estimated(folded_gain, SETS),
        "folded_gain_low": estimated(end_of(folded_gain, "low"), SETS),
        "plain": mean_over(SETS, wide.r2.sel(penalty=0.0).values),
        "cca": mean_over(SETS, wide.linear.sel(estimator="cca").values),
        "pca": mean_over(SETS, wide.linear.sel(estimator="pca").values),
        "folded_constrained": mean_over(SETS, constrained["folded"]),
        "folded_plain": mean_over(SETS, peers["plain"]),
        "folded_cca": mean_over(SETS, peers["cca"]),
    }


def c3(identification):
    """The gain in affine R² grows with the strength of the actions, from nothing."""
    names = ["wide, 0", "wide, 0.5", "wide, 1", "wide, 2"]
    gains = [_gain(identification, name) for name in names]
    means = np.array([gain.mean() for gain in gains])
    differences = [
        estimate_difference(_gain(identification, f"{mixing}, 2"), _gain(identification, f"{mixing}, 0"))
        for mixing in ("wide", "folded")
    ]
    difference = side_by_side(differences)
    return {
        "gain_without_action": mean_over(SETS, gains[0]),
        "gain_at_two": mean_over(SETS, gains[-1]),
        "smallest_step": exact(float(np.diff(means).min())),
        "difference": estimated(difference, SETS, labels=["wide", "folded"]),
        "difference_low": estimated(end_of(difference, "low"), SETS, labels=["wide", "folded"]),
        "gain": estimated(side_by_side(map(estimate_mean, gains)), SETS, labels=names),
    }


def _errors(store, place: str, variable: str = "error") -> dict[str, np.ndarray]:
    values = store[variable].sel(place=place)
    name = next(dim for dim in values.dims if dim != "seed")
    return {str(one): values.sel({name: one}).values for one in values[name].values}


def c4(extrapolation):
    """Outside the support the constrained autoencoder errs less than direct regression, the mean and its peers."""
    errors = _errors(extrapolation, "outside")
    with np.errstate(divide="ignore", invalid="ignore"):
        direct = min(DIRECT, key=lambda name: np.log(errors[name]).mean())
    peers = {"direct": direct, "mean": "mean", "plain": "vanilla", "cca": "cca"}
    ratios = {name: _ratio(errors["mmr"], errors[peer]) for name, peer in peers.items()}
    highs = end_of(side_by_side(ratios.values()), "high")
    fixed = _ratio(errors["mmr at a fixed penalty"], errors[direct])
    return {
        "over_direct": estimated(ratios["direct"], SETS),
        "over_mean": estimated(ratios["mean"], SETS),
        "over_plain": estimated(ratios["plain"], SETS),
        "over_cca": estimated(ratios["cca"], SETS),
        "highest": estimated(highs, SETS, labels=list(ratios)),
        "fixed_over_direct": estimated(fixed, SETS),
        "oracle_over_direct": estimated(_ratio(errors["oracle"], errors[direct]), SETS),
        "error": mean_over(SETS, errors["mmr"]),
        "oracle": mean_over(SETS, errors["oracle"]),
        "direct": exact([float(name == direct) for name in DIRECT], labels=DIRECT),
    }


def c5(assumptions):
    """Effects are right on the latent variables and on affine maps of them, and wrong on a shear."""
    error = {str(name): assumptions.map_error.sel(image=name).values for name in assumptions.image.values}
    means = side_by_side([estimate_mean(error["identity"]), estimate_mean(error["affine"])])
    ratio = _ratio(error["shear"], error["identity"])
    return {
        "error": estimated(means, SETS, labels=["Z", "affine"]),
        "error_high": estimated(end_of(means, "high"), SETS, labels=["Z", "affine"]),
        "shear": mean_over(SETS, error["shear"]),
        "shear_over_identity": estimated(ratio, SETS),
        "shear_over_identity_low": estimated(end_of(ratio, "low"), SETS),
    }


def c6(extrapolation):
    """Without the control function errors are larger, where hidden causes confound and not elsewhere."""
    inside, outside = _errors(extrapolation, "inside"), _errors(extrapolation, "outside")
    ratios = [_ratio(errors["oracle, no control"], errors["oracle"]) for errors in (inside, outside)]
    free = _ratio(inside["oracle, not confounded, no control"], inside["oracle, not confounded"])
    return {
        "inside": estimated(ratios[0], SETS),
        "outside": estimated(ratios[1], SETS),
        "lowest": estimated(end_of(side_by_side(ratios), "low"), SETS, labels=["inside", "outside"]),
        "not_confounded": estimated(free, SETS),
    }


def c7(autoencoders):
    """The gain in affine R² with ELU networks and with a variational autoencoder."""
    names = ["elu", "variational"]
    gain = side_by_side(estimate_mean(_gain(autoencoders, name)) for name in names)
    r2 = np.stack([_cell(autoencoders, name).r2.isel(penalty=-1).values for name in names])
    scaled = [str(name) for name in autoencoders.cell.values if name not in names]
    return {
        "constrained": mean_over(SETS, r2, axis=1, labels=names),
        "gain": estimated(gain, SETS, labels=names),
        "gain_low": estimated(end_of(gain, "low"), SETS, labels=names),
        "other_scalings": mean_over(
            SETS,
            np.stack([_cell(autoencoders, name).r2.isel(penalty=-1).values for name in scaled]),
            axis=1,
            labels=scaled,
        ),
    }


def c8(identification, extrapolation, constraint):
    """One action identifies less than half of what two do, and the largest penalty harms."""
    two, one = _gain(identification, "wide, 2"), _gain(identification, "one action")
    margin = estimate_difference(two, 2 * one)
    reconstruction = _ratio(
        extrapolation.reconstruction.sel(penalty=1000.0), extrapolation.reconstruction.sel(penalty=0.0)
    )
    drop = estimate_difference(extrapolation.r2.sel(penalty=100.0), extrapolation.r2.sel(penalty=1000.0))
    return {
        "rank_margin": estimated(margin, SETS),
        "rank_margin_low": estimated(end_of(margin, "low"), SETS),
        "harmed": exact(bool(reconstruction.low >= 1.2 or drop.low > 0)),
        "reconstruction_ratio": estimated(reconstruction, SETS),
        "r2_drop": estimated(drop, SETS),
        "one_action_gain": mean_over(SETS, one),
        "solutions": exact(constraint.solutions.values, labels=["one action", "two actions"]),
    }


def c9(assumptions):
    """With bounded residuals the control function extrapolates worse, though it is as good inside."""
    outside = assumptions.bounded_error.sel(place="outside")
    inside = assumptions.bounded_error.sel(place="inside").transpose("law", "bounded_seed").values
    ratio = _ratio(outside.sel(law="bounded"), outside.sel(law="normal"))
    return {
        "ratio": estimated(ratio, SETS),
        "ratio_low": estimated(end_of(ratio, "low"), SETS),
        "largest_inside": exact(float(inside.mean(axis=1).max())),
        "inside": mean_over(SETS, inside, axis=1, labels=assumptions.law.values),
        "outside": mean_over(
            SETS, outside.transpose("law", "bounded_seed").values, axis=1, labels=assumptions.law.values
        ),
    }


def c10(identification, assumptions):
    """Where actions act by a curve the constraint loses its gain, and linear residuals are no control."""
    curved, linear = _gain(identification, "curved actions"), _gain(identification, "wide, 2")
    difference = estimate_difference(curved, linear)
    inside = assumptions.curved_error.sel(place="inside")
    outside = assumptions.curved_error.sel(place="outside").transpose("regressors", "curved_seed").values
    ratio = _ratio(inside.sel(regressors="linear"), inside.sel(regressors="right"))
    return {
        "gain_difference": estimated(difference, SETS),
        "gain_difference_high": estimated(end_of(difference, "high"), SETS),
        "curved_gain": mean_over(SETS, curved),
        "ratio": estimated(ratio, SETS),
        "ratio_low": estimated(end_of(ratio, "low"), SETS),
        "outside": mean_over(SETS, outside, axis=1, labels=assumptions.regressors.values),
    }


def c11(extrapolation):
    """Given the features, the additive fit extrapolates and regression on the features alone does not."""
    errors = _errors(extrapolation, "outside", "conditional")
    oracle, mmr = (_ratio(errors[name], errors[f"{name}, X only"]) for name in ("oracle", "mmr"))
    joint, mmr_joint = (_ratio(errors[name], errors[f"{name}, X and A"]) for name in ("oracle", "mmr"))
    return {
        "oracle_over_plain": estimated(oracle, SETS),
        "oracle_over_plain_high": estimated(end_of(oracle, "high"), SETS),
        "oracle_over_joint": estimated(joint, SETS),
        "oracle_over_joint_high": estimated(end_of(joint, "high"), SETS),
        "mmr_over_plain": estimated(mmr, SETS),
        "mmr_over_plain_high": estimated(end_of(mmr, "high"), SETS),
        "mmr_over_joint": estimated(mmr_joint, SETS),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
