"""Claims of private_sparse_regression: a function for each, named by its id, of the stores that it rests on."""

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, share_of, timed
from lib.bench.analysis import least_time
from lib.stats.bootstrap import power_law_exponent
from lib.stats.intervals import (
    Estimate,
    difference_of,
    end_of,
    estimate_from_error,
    estimate_mean,
    estimate_ratio,
    extreme_of,
    ratio_of,
    side_by_side,
)

SEEDS = "seeds"
ERRORS = ("total", "nu", "oracle")


def _values(store, name: str, method: str) -> np.ndarray:
    """(point, seed)"""
    return store[name].sel(estimator=method).transpose("point", "seed").values


def _at(store, **settings) -> np.ndarray:
    """Positions of points with these settings."""
    chosen = np.ones(store.sizes["point"], bool)
    for name, value in settings.items():
        chosen &= store[name].values == value
    return np.flatnonzero(chosen)


def _slope(store, axis: str, name: str, method: str, rng, points=slice(None), divide=1.0) -> Estimate:
    values = _values(store, name, method)[points] / np.reshape(divide, (-1, 1))
    return power_law_exponent(store[axis].values[points], values, rng)


def _slopes(store, axis, names, method, rng, points=slice(None), divide=1.0) -> Estimate:
    return side_by_side(_slope(store, axis, name, method, rng, points, divide) for name in names)


def _largest_z(pairs) -> float:
    """Largest difference of the means of two independent samples over its standard error, over pairs of samples."""
    means = [tuple(estimate_mean(one) for one in pair) for pair in pairs]
    return float(max(abs(a.value - b.value) / np.hypot(a.se, b.se) for a, b in means))


def p1(by_n, by_n_exact, rng):
    """Errors of the closed form fall like 1 / sqrt(n); its threshold covers the noise, and not by far."""
    points = _at(by_n, epsilon=1.0)
    nu, level = (_values(by_n, name, "classical")[points] for name in ("nu", "level"))
    common = [p for p in points if by_n.users.values[p] in by_n_exact.users.values]
    other = [int(np.flatnonzero(by_n_exact.users.values == by_n.users.values[p])[0]) for p in common]
    return {
        "nu": estimated(_slope(by_n, "users", "nu", "classical", rng, points), SEEDS),
        "oracle": estimated(_slope(by_n, "users", "oracle", "classical", rng, points), SEEDS),
        "total": estimated(
            side_by_side(
                [
                    _slope(by_n, "users", "total", "classical", rng, points),
                    _slope(by_n_exact, "users", "total", "classical", rng),
                ]
            ),
            SEEDS,
            labels=["noise alone", "drawn exactly"],
        ),
        "covered": share_of("runs", int((nu <= level).sum()), nu.size),
        "idle": mean_over(SEEDS, (level / nu).mean(axis=0)),
        "difference": exact(
            _largest_z(
                zip(_values(by_n, "total", "classical")[common], _values(by_n_exact, "total", "classical")[other])
            )
        ),
    }


def p2(by_eps, rng):
    """Errors of the closed form are inversely proportional to epsilon."""
    return {"slope": estimated(_slopes(by_eps, "epsilon", ERRORS, "classical", rng), SEEDS, labels=ERRORS)}


def p3(by_d, by_d_wide, rng):
    """Errors of the closed form are proportional to the dimension, up to the root of its logarithm."""
    lists = {"d = 4 to 16": by_d, "d = 8 to 64": by_d_wide}
    labels = [f"{name}, {words}" for words in lists for name in ERRORS]

    def slopes(divide):
        return side_by_side(
            _slope(store, "dim", name, "classical", rng, divide=divide(store.dim.values))
            for store in lists.values()
            for name in ERRORS
        )

    return {
        "slope": estimated(slopes(np.ones_like), SEEDS, labels=labels),
        "without_log": estimated(slopes(lambda dim: np.sqrt(np.log(2 * dim))), SEEDS, labels=labels),
    }


def p4(by_d_public, rng):
    """With public features the error grows like the root of the dimension, so that they gain another root of it."""
    kinds = ("total", "oracle")
    own, public = ({name: _values(by_d_public, name, method) for name in kinds} for method in ("classical", "public"))
    dims = by_d_public.dim.values
    inverse = side_by_side(_ratio_exponent(dims, own[name], public[name], rng) for name in kinds)
    ratios = side_by_side(estimate_ratio(own["total"][p], public["total"][p]) for p in range(len(dims)))
    return {
        "public": estimated(_slopes(by_d_public, "dim", kinds, "public", rng), SEEDS, labels=kinds),
        "public_without_log": estimated(
            _slopes(by_d_public, "dim", kinds, "public", rng, divide=np.sqrt(np.log(2 * dims))), SEEDS, labels=kinds
        ),
        "gain": estimated(inverse, SEEDS, labels=kinds),
        "ratio": estimated(ratios, SEEDS, labels=[f"d = {d}" for d in dims]),
    }


def _ratio_exponent(x, above, below, rng) -> Estimate:
    """Exponent of the ratio of two means; the two samples are independent."""
    return difference_of(power_law_exponent(x, above, rng), power_law_exponent(x, below, rng))


def p5(by_k, by_k_spread, rng):
    """Errors grow at most like the root of the sparsity, which the theory's threshold attains."""
    methods = ("classical", "public")
    labels = [*methods, *(f"{method}, one large entry" for method in methods)]
    return {
        "total": estimated(
            side_by_side(_slope(by_k, "sparsity", "total", m, rng) for m in methods), SEEDS, labels=methods
        ),
        "oracle": estimated(
            side_by_side(_slope(store, "sparsity", "oracle", m, rng) for store in (by_k, by_k_spread) for m in methods),
            SEEDS,
            labels=labels,
        ),
    }


def _round_slope(store, axis: str, variant: str, rng, points=slice(None)) -> Estimate:
    values = store.total.sel(variant=variant).transpose("point", "seed").values[points]
    return power_law_exponent(store[axis].values[points], values, rng)


def p6(rounds_n, rounds_d, rounds_k, users, rng):
    """Errors of private hard thresholding follow k sqrt(d) / (sqrt(n) epsilon); the limit agrees with every user."""
    cases = [name for name in users.case.values if str(name).startswith("rounds, rademacher")]
    samples = [[users[name].sel(case=case).values for name in ("users", "limit")] for case in cases]
    runs = [int(users.seeds.sel(case=case)) for case in cases]
    pairs = [[one[:n] for one in pair] for pair, n in zip(samples, runs)]
    ratio = side_by_side(ratio_of(*map(estimate_mean, pair)) for pair in pairs)
    return {
        "exponent_n": estimated(_round_slope(rounds_n, "users", "ours", rng, _at(rounds_n, epsilon=1.0)), SEEDS),
        "exponent_d": estimated(_round_slope(rounds_d, "dim", "ours", rng), SEEDS),
        "exponent_k": estimated(_round_slope(rounds_k, "sparsity", "ours", rng), SEEDS),
        "difference": exact(_largest_z(pairs)),
        "paths": estimated(ratio, SEEDS, labels=cases),
        "l1_exponent_k": estimated(_round_slope(rounds_k, "sparsity", "l1", rng), SEEDS),
    }


def _interaction(interaction, design: str, method: str) -> np.ndarray:
    return interaction.error.sel(design=design, estimator=method).transpose("dim", "seed").values


def p7(interaction, rng):
    """Where the covariance is unknown, interaction wins over none by a factor that grows with the dimension."""
    dims = interaction.dim.values
    rounds = _interaction(interaction, "arsign", "rounds")
    own = {name: _interaction(interaction, "arsign", name) for name in ("pure_oracle", "pure")}
    labels = [f"d = {d}" for d in dims]
    ratios = {
        name: side_by_side(estimate_ratio(values[j], rounds[j]) for j in range(len(dims)))
        for name, values in own.items()
    }
    controls = {
        f"known_{name}": mean_over(SEEDS, _interaction(interaction, "rademacher", name), axis=1, labels=labels)
        for name in ("one_round", "few_rounds", "pure_oracle")
    }
    large = dims >= 64
    lows = ratios["pure_oracle"]
    return {
        "growth": estimated(_ratio_exponent(dims, own["pure_oracle"], rounds, rng), SEEDS),
        "ratio": estimated(lows, SEEDS, labels=labels),
        "ratio_low": estimated(
            side_by_side(
                end_of(estimate_ratio(own["pure_oracle"][j], rounds[j]), "low") for j in np.flatnonzero(large)
            ),
            SEEDS,
            labels=[label for label, chosen in zip(labels, large) if chosen],
        ),
        "ratio_theory": estimated(ratios["pure"], SEEDS, labels=labels),
        **controls,
    }


def _scaled(store) -> np.ndarray:
    """What errors are divided by: sqrt(d k) / (sqrt(n) epsilon), at each point."""
    return np.sqrt(store.dim.values * store.sparsity.values / store.users.values) / store.epsilon.values


def p8(by_d, by_d_wide, rounds_far, by_k, rng):
    """No method's error falls faster in the dimension than the lower bound with interaction does."""
    slopes, labels = [], []
    for words, store in (("d = 4 to 16", by_d), ("d = 8 to 64", by_d_wide)):
        for method in ("classical", "public"):
            for name in ("total", "oracle"):
                slopes.append(_slope(store, "dim", name, method, rng, divide=_scaled(store)))
                labels.append(f"{method}, {name}, {words}")
    values = rounds_far.total.sel(variant="ours").transpose("point", "seed").values / _scaled(rounds_far)[:, None]
    slopes.append(power_law_exponent(rounds_far.dim.values, values, rng))
    labels.append("rounds, d = 16 to 128")
    in_k = [_slope(by_k, "sparsity", "total", method, rng, divide=_scaled(by_k)) for method in ("classical", "public")]
    return {
        "slope": estimated(side_by_side(slopes), SEEDS, labels=labels),
        "slope_low": estimated(side_by_side(end_of(one, "low") for one in slopes), SEEDS, labels=labels),
        "slope_in_k": estimated(side_by_side(in_k), SEEDS, labels=["classical", "public"]),
    }


def _byproduct(byproduct, method: str, dim: int) -> np.ndarray:
    return byproduct.error.sel(estimator=method, dim=dim).transpose("rows", "seed").values


def p9(byproduct, rng):
    """The closed form's error falls like the root of n, below least squares; the Lasso at its best level is better."""
    dim = int(byproduct.dim.values[-1])
    labels = [f"n = {n}" for n in byproduct.rows.values]
    own = _byproduct(byproduct, "closed_form", dim)

    def over(name, method="closed_form", width=dim):
        pairs = zip(_byproduct(byproduct, method, width), _byproduct(byproduct, name, width))
        return estimated(side_by_side(estimate_ratio(*pair) for pair in pairs), SEEDS, labels=labels)

    return {
        "exponent": estimated(power_law_exponent(byproduct.rows.values, own, rng), SEEDS),
        "over_lasso": over("lasso_oracle"),
        "over_least_squares": over("least_squares"),
        "cv_over_lasso_cv": over("lasso_cv", "closed_form_cv"),
        "over_least_squares_few": over("least_squares", width=int(byproduct.dim.values[0])),
    }


def p9b(times, byproduct):
    """At equal tuning the closed form is several times faster than the Lasso, and less exact."""
    labels = [f"n = {n}" for n in times.rows.values]
    repeats = times.sizes["repeat"]

    def ratio(slow, fast):
        pair = (least_time(times.time.sel(estimator=name).transpose("rows", "repeat").values) for name in (slow, fast))
        return timed(ratio_of(*pair)._replace(n=repeats), "repeats that take turns", labels=labels)

    dim = int(byproduct.dim.values[-1])
    return {
        "cross_validated": ratio("lasso_cv", "closed_form_cv"),
        "single": ratio("lasso_theory", "closed_form"),
        **{
            f"error_{name}": mean_over(
                SEEDS, _byproduct(byproduct, name, dim), axis=1, labels=[f"n = {n}" for n in byproduct.rows.values]
            )
            for name in ("closed_form_cv", "lasso_cv", "closed_form", "lasso_theory")
        },
    }


def _bounds(bound, se, epsilon, trials: int, labels) -> dict:
    """Lower bounds on epsilon over its nominal value; their spread is that of the log ratio they rest on."""
    estimate = estimate_from_error(bound.values / epsilon, se.values / epsilon, trials)
    return estimated(estimate, "trials on each record; a lower confidence bound", labels=labels)


def p10(audit):
    """Attacks find almost all of epsilon and never more; exact deltas are below the nominal ones."""
    labels = [f"epsilon = {epsilon:g}" for epsilon in audit.epsilon.values]
    return {
        "share": _bounds(audit.audited, audit.audited_se, audit.epsilon.values, audit.attrs["trials"], labels),
        "delta_ratio": exact(audit.delta_ratio.values, labels=audit.release.values),
        "spent": exact(audit.spent.values, labels=audit.which.values),
    }


def p11(models, models_few, peeling, rng):
    """Privacy costs next to nothing in the central model, and a factor like the dimension in the local one."""
    few = {method: _values(models_few, "total", method)[0] for method in models_few.estimator.values}
    slopes = {method: _slope(models, "dim", "total", method, rng) for method in ("none", "central", "classical")}
    local, central = (_values(models, "total", method) for method in ("classical", "central"))
    rows = peeling.peeling.values, peeling.top.values
    labels = [f"d = {d}" for d in peeling.dim.values]
    return {
        "slope_none": estimated(slopes["none"], SEEDS),
        "slope_central": estimated(slopes["central"], SEEDS),
        "slope_local": estimated(slopes["classical"], SEEDS),
        "central_over_none": estimated(estimate_ratio(few["central"], few["none"]), SEEDS),
        "local_over_central": estimated(estimate_ratio(few["classical"], few["central"]), SEEDS),
        "ratio_slope": estimated(_ratio_exponent(models.dim.values, local, central, rng), SEEDS),
        "peeling_slope": estimated(power_law_exponent(peeling.dim.values, rows[0], rng), SEEDS),
        "peeling_ratio": estimated(
            side_by_side(estimate_ratio(*(one[j] for one in rows)) for j in range(len(labels))), SEEDS, labels=labels
        ),
    }


def p12(audit):
    """The audit rejects mechanisms that are broken on purpose, and the ledger a user's second round."""
    return {
        "control": _bounds(
            audit.control, audit.control_se, audit.attrs["control_epsilon"], audit.attrs["trials"], audit.kind.values
        ),
        "unclipped": exact(float(audit.unclipped_ratio)),
        "refused": exact(bool(audit.refused)),
    }


def p13(bound, by_eps, by_d, by_d_wide, by_d_public, by_k, by_k_spread):
    """Every step of the lower bound holds where it can be enumerated, and no method is below the bound."""
    grids = [by_eps, by_d, by_d_wide, by_d_public, by_k, by_k_spread]
    rows = [
        (grid[name] / grid.bound).transpose("seed", "estimator", "point").values.reshape(grid.sizes["seed"], -1)
        for grid in grids
        for name in ("total", "oracle")
    ]
    smallest = extreme_of(estimate_mean(np.concatenate(rows, axis=1)), np.min)
    hard = bound.oracle.sel(estimator="pure").transpose("dim", "seed").values
    ratio = side_by_side(estimate_mean(hard[j] / float(b)) for j, b in enumerate(bound.bound.values))
    return {
        "supremum_error": exact(float(bound.supremum_error.max(skipna=False))),
        "information": exact(float(bound.information.max(skipna=False))),
        "response": exact(float(bound.response.sel(epsilon=0.25))),
        "smallest_ratio": estimated(smallest, SEEDS),
        "hard_ratio": estimated(ratio, SEEDS, labels=[f"d = {d}" for d in bound.dim.values]),
    }


def p14(paper_n, paper_d, paper_k, rounds_n, rng):
    """With the paper's own constants the rates are the same, and errors some times larger."""
    slope_points = _at(paper_n, epsilon=1.0)
    theirs = paper_n.total.sel(variant="paper").values[_at(paper_n, users=1e9, epsilon=1.0)[0]]
    ours = rounds_n.total.sel(variant="ours").values[_at(rounds_n, users=1e9, epsilon=1.0)[0]]
    return {
        "exponent_n": estimated(_round_slope(paper_n, "users", "paper", rng, slope_points), SEEDS),
        "exponent_d": estimated(_round_slope(paper_d, "dim", "paper", rng), SEEDS),
        "exponent_k": estimated(_round_slope(paper_k, "sparsity", "paper", rng), SEEDS),
        "over_ours": estimated(ratio_of(estimate_mean(theirs), estimate_mean(ours)), SEEDS),
    }


def p15(radius):
    """Gradients are longer than the earlier analysis assumes, never than the corrected one; the former are refused."""
    large = radius.kept.values >= 8
    users = int(radius.attrs["users"])
    hits = np.rint(radius.earlier.values * users).astype(int) if np.isfinite(radius.earlier).all() else None
    labels = [f"k' = {k}" for k in radius.kept.values[large]]
    return {
        "corrected": exact(float(radius.corrected.max(skipna=False))),
        "earlier": share_of("users", hits[large], users, labels=labels) if hits is not None else exact(np.nan),
        "refused": exact(bool(np.all(radius.refused.values == 1))),
        "longest": exact(float(radius.longest.max(skipna=False))),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
