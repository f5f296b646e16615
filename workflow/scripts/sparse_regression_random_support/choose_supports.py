"""A support that an adversary chose, beside a random one: two nearly equal columns whose coefficients cancel."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.regression.comparison import errors_of, method_error
from lib.regression.greedy import best_subset
from lib.regression.ill_conditioned import Problem, cancelling_signal, draw_columns, random_support, unit_columns

PAPER = "sparse_regression_random_support"
METHODS = ("ours", "ours_oracle", "lasso", "forward", "brute_force")


def choose_supports(
    *, rows: int, dim: int, size: int, spread: float, noise: float, seeds: int, root_seed: int
) -> xr.Dataset:
    """Return errors (support, estimator, seed), and whether the preconditioner has a column of the adversary's pair.

    Args:
        rows: n.
        dim: d, columns in pairs.
        size: r.
        spread: length of a pair's common part over that of its difference.
        noise: deviation of the noise.
        seeds: independent problems.
        root_seed: root of the random streams.
    """
    kinds = ("adversarial", "random")
    errors, hit = np.zeros((len(kinds), len(METHODS), seeds)), np.zeros((len(kinds), seeds), bool)
    for seed in range(seeds):
        for s, kind in enumerate(kinds):

            def stream(part, kind=kind, seed=seed):
                return generator(root_seed, PAPER, "supports", kind, part, seed)

            x, _ = unit_columns(draw_columns("pairs", rows, dim, spread, stream("design")))
            support = np.array([0, 1]) if kind == "adversarial" else random_support(dim, 2, stream("support"))
            weights, signal = cancelling_signal(x, support, stream("signal"))
            if kind == "adversarial":
                weights = np.array([1.0, -1.0])
                signal = x[:, 0] - x[:, 1]
                scale = np.sqrt(np.mean(signal**2))
                weights, signal = weights / scale, signal / scale
            y = signal + noise * stream("noise").standard_normal(rows)
            problem = Problem(x, signal, y, support, weights)
            chosen = np.sort(stream("preconditioner").choice(dim, size, replace=False))
            hit[s, seed] = bool(np.isin(support, chosen).any())
            for m, method in enumerate(METHODS):
                if method == "brute_force":
                    errors[s, m, seed] = errors_of(best_subset(x, y, 2)[1], signal)
                else:
                    errors[s, m, seed] = method_error(method, problem, chosen, noise, stream("folds"))
    return xr.Dataset(
        {
            "error": (
                ("kind", "estimator", "seed"),
                errors,
                {"units": "1", "long_name": "mean square of fit less signal"},
            ),
            "hit": (("kind", "seed"), hit, {"long_name": "the preconditioner has a column of the support"}),
        },
        coords={"kind": list(kinds), "estimator": list(METHODS), "seed": np.arange(seeds)},
        attrs={"rows": rows, "dim": dim, "size": size, "noise": noise},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(choose_supports, snakemake)
