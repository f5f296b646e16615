"""The bound of the 0-1 excess risk by the logistic one: at random points, for trained models, and on a linear class."""

import numpy as np
import xarray as xr
from scipy import special
from sklearn.linear_model import LogisticRegression

from lib.probing.consistency import CONSTANT, logistic_excess, psi_transform, zero_one_excess
from lib.probing.restricted import (
    Population,
    best_linear_risk,
    class_logistic_fit,
    climb_ratio,
    logistic_risk,
    sine_population,
    xor_population,
    zero_one_risk,
)

ROUNDING = 1e-9  # relative, of sums of at most ten numbers
LEAST = 1e-3  # 0-1 excess of points whose ratio counts: far below it the ratio is rounded beyond 1
SHAPES = (0.1, 0.5, 1.0, 3.0)
SCALES = (0.1, 1.0, 3.0)


def check_bound(
    *, K: list[int], draws: int, starts: int, shown: int, points: int, functions: int, steps: list[int], rng
) -> xr.Dataset:
    """Return numbers of violations, largest ratios of both sides, and risks of trained and of linear models.

    Variables: `violations` (K, form) and `ratio` (K, way) of random points and of climbs; `zero_one` and `logistic` (K,
    shown) of some of the points; `trained_zero_one` and `trained_logistic` (step) mean excesses after steps of L-BFGS;
    for each population of the linear class `class_zero_one`, `class_logistic` best risks, `pointwise_zero_one`,
    `pointwise_logistic` means of pointwise best ones, and both risks (population, function) of random linear functions;
    `zero` and `tilted` risks on the XOR population of h = 0 and of h = x_1 / 100.

    Args:
        K: numbers of classes.
        draws: random points in all.
        starts: climbs for each number of classes.
        shown: points kept for the figure for each number of classes.
        points: of each population.
        functions: random linear functions for each.
        steps: iterations of L-BFGS of trained models.
        rng: source of randomness.
    """
    store = _check_points(K, draws, starts, shown, rng)
    trained = np.array([_train(step, points, seed) for seed in [int(rng.integers(2**31))] for step in steps])
    populations = {"xor": xor_population(points, rng), "sine": sine_population(points)}
    rows = {name: _check_class(population, functions, rng) for name, population in populations.items()}
    xor = populations["xor"]
    tilted = [[0.01, 0.0], [0.0, 0.0]]
    return store.assign(
        trained_zero_one=("step", trained[:, 0], {"long_name": "mean 0-1 excess over all functions"}),
        trained_logistic=("step", trained[:, 1], {"long_name": "mean logistic excess over all functions"}),
        **{
            key: (
                ("population", "function")[: np.ndim(rows["xor"][key]) + 1],
                np.array([row[key] for row in rows.values()]),
            )
            for key in rows["xor"]
        },
        special_logistic=("special", [logistic_risk(xor, w, 0.0) for w in tilted]),
        special_zero_one=("special", [zero_one_risk(xor, w, 0.0) for w in tilted]),
    ).assign_coords(step=steps, population=list(rows), special=["0.01 x1", "0"])


def _check_points(sizes, draws, starts, shown, rng) -> xr.Dataset:
    each = draws // (len(sizes) * len(SHAPES) * len(SCALES))
    violations, ratios, sample = np.zeros((len(sizes), 2), int), np.zeros((len(sizes), 2)), []
    for k, size in enumerate(sizes):
        p = np.concatenate([rng.dirichlet(np.full(size, a), each) for a in SHAPES for _ in SCALES])
        scale = np.tile(np.repeat(SCALES, each), len(SHAPES))
        scores = scale[:, None] * rng.standard_normal(p.shape)
        excess, logistic = zero_one_excess(p, scores), logistic_excess(p, scores)
        violations[k, 0] = np.sum(excess > CONSTANT * np.sqrt(logistic) * (1 + ROUNDING))
        violations[k, 1] = np.sum(psi_transform(np.minimum(excess, 1)) > logistic * (1 + ROUNDING))
        positive = excess > LEAST
        ratios[k, 0] = np.max(excess[positive] / (CONSTANT * np.sqrt(logistic[positive])), initial=0.0)
        ratios[k, 1] = climb_ratio(size, starts, rng)
        order = rng.permutation(len(p))[:shown]
        sample.append([excess[order], logistic[order]])
    sample = np.array(sample)
    return xr.Dataset(
        {
            "violations": (("K", "form"), violations, {"long_name": "points at which the bound fails"}),
            "ratio": (("K", "way"), ratios, {"long_name": "largest 0-1 excess over its bound"}),
            "zero_one": (("K", "shown"), sample[:, 0], {"long_name": "0-1 excess"}),
            "logistic": (("K", "shown"), sample[:, 1], {"long_name": "logistic excess", "units": "nat"}),
        },
        coords={"K": sizes, "form": ["root", "psi"], "way": ["draws", "climbs"]},
        attrs={"points": int(each * len(SHAPES) * len(SCALES) * len(sizes))},
    )


def _train(steps: int, points: int, seed: int) -> tuple[float, float]:
    """Mean excesses of logistic regression on three Gaussian classes in five dimensions after steps of L-BFGS."""
    rng = np.random.default_rng(seed)
    means = rng.standard_normal((3, 5))

    def draw(rows):
        labels = rng.integers(3, size=rows)
        return rng.standard_normal((rows, 5)) + means[labels], labels

    x, labels = draw(500)
    test, _ = draw(points)
    p = special.softmax(test @ means.T - 0.5 * (means**2).sum(axis=1), axis=1)
    scores = np.zeros((points, 3))
    if steps:
        import warnings

        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early on purpose
            scores = LogisticRegression(max_iter=steps).fit(x, labels).decision_function(test)
    return float(zero_one_excess(p, scores).mean()), float(logistic_excess(p, scores).mean())


def _check_class(population: Population, functions: int, rng) -> dict:
    weights, shift = class_logistic_fit(population)
    dim = population.x.shape[1]
    random = [(rng.standard_normal(dim) * 3, rng.standard_normal()) for _ in range(functions)]
    return {
        "class_logistic": logistic_risk(population, weights, shift),
        "class_zero_one": best_linear_risk(population),
        "pointwise_logistic": population.logistic_floor(),
        "pointwise_zero_one": population.zero_one_floor(),
        "function_logistic": np.array([logistic_risk(population, *one) for one in random]),
        "function_zero_one": np.array([zero_one_risk(population, *one) for one in random]),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_bound, snakemake)
