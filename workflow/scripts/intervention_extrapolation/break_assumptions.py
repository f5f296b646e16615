"""Extrapolation from true latent variables where one assumption fails: not affine, bounded noise, curved actions."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.representations.extrapolation import ControlFunction
from lib.representations.interventions import (
    box_queries,
    draw_model,
    draw_quadratic,
    draw_together,
    is_inside,
    quadratic_effect,
    shear,
)
from lib.representations.mixing import orthonormal

SLUG = "intervention_extrapolation"
POINTS = np.array([[0.5, 0.5], [-0.5, 1.0], [1.5, 0.0], [-1.5, 1.5]])  # actions at which the quadratic outcome is asked
OFFSET = np.array([2.0, -1.0])


def _streams(root_seed: int, seeds: int, *what: str) -> list:
    return [generator(root_seed, SLUG, *what, seed) for seed in range(seeds)]


def _weights(root_seed: int, seeds: int, *what: str) -> list[int]:
    return [int(seed_sequence(root_seed, SLUG, *what, seed).generate_state(1)[0]) for seed in range(seeds)]


def break_assumptions(
    *, affine: dict, bounded: dict, curved: dict, regression: dict, device: str, root_seed: int
) -> xr.Dataset:
    """Return errors of effects in three experiments with true latent variables.

    Args:
        affine: `rows`, `seeds`, `strength`: the latent variables, an affine map and a shear of them, quadratic outcome.
        bounded: `rows`, `seeds`, `strength`, `queries`, `factor`: normal and bounded residuals of Z on A.
        curved: the same and `curvature`: Z linear in A + c A o A, residuals of regressions on A and on (A, A o A).
        regression: see `lib.representations.extrapolation.fit_additive`.
        device: where to compute.
        root_seed: root of the random streams.
    """
    common = {"root_seed": root_seed, "regression": regression, "device": device}
    return xr.Dataset(
        {
            "map_error": (
                ("image", "affine_seed"),
                _maps(**affine, **common),
                {"long_name": "mean absolute error of E[Y | do(a)] at four points"},
            ),
            "bounded_error": (
                ("law", "place", "bounded_seed"),
                _laws(**bounded, **common),
                {"long_name": "squared error; outside over the variance of the truth there"},
            ),
            "curved_error": (
                ("regressors", "place", "curved_seed"),
                _regressors(**curved, **common),
                {"long_name": "mean squared error of E[Y | do(a)]"},
            ),
        },
        coords={
            "image": ["identity", "affine", "shear"],
            "law": ["normal", "bounded"],
            "regressors": ["linear", "right"],
            "place": ["inside", "outside"],
        },
        attrs={"curvature": curved["curvature"]},
    )


def _maps(rows, seeds, strength, root_seed, regression, device) -> np.ndarray:
    rngs = _streams(root_seed, seeds, "maps")
    matrices = [strength * orthonormal(2, 2, rng) for rng in rngs]
    samples = [draw_quadratic(matrix, 1.0, rows, rng) for matrix, rng in zip(matrices, rngs)]
    gains = [np.eye(2) + rng.standard_normal((2, 2)) for rng in rngs]
    actions, z = (np.stack([sample[i] for sample in samples]) for i in (0, 1))
    maps = np.concatenate([z, z @ np.stack(gains) + OFFSET, shear(z)])
    outcome = np.tile([sample.outcome for sample in samples], (3, 1))
    weights = _weights(root_seed, seeds, "maps") * 3
    fit = ControlFunction(maps, np.tile(actions, (3, 1, 1)), outcome, weights, device=device, **regression)
    effect = fit.effect(np.tile(POINTS, (3 * seeds, 1, 1))).reshape(3, seeds, -1)
    truth = np.stack([quadratic_effect(matrix, POINTS) for matrix in matrices])
    return np.abs(effect - truth).mean(axis=2)


def _ask(models, seeds, queries, factor, root_seed, what):
    rngs = _streams(root_seed, seeds, what, "queries")
    asked = np.stack([box_queries(1.0, factor, 2, queries, rng) for rng in rngs])
    return asked, np.stack([model.effect(a) for model, a in zip(models, asked)]), is_inside(asked, 1.0)


def _mean_where(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.array([value[chosen].mean() if chosen.any() else np.nan for value, chosen in zip(values, mask)])


def _laws(rows, seeds, strength, queries, factor, root_seed, regression, device) -> np.ndarray:
    models, samples, asked, truth, inside = [], [], [], [], []
    for law in ("normal", "bounded"):
        own = [draw_model(rng, strength=strength, residual=law) for rng in _streams(root_seed, seeds, "laws", "model")]
        samples.append(draw_together(own, rows, _streams(root_seed, seeds, "laws", "rows")))
        for part, value in zip((asked, truth, inside), _ask(own, seeds, queries, factor, root_seed, "laws")):
            part.append(value)
        models += own
    asked, truth, inside = map(np.concatenate, (asked, truth, inside))
    z, a, y = (np.concatenate([getattr(s, name) for s in samples]) for name in ("latent", "actions", "outcome"))
    fit = ControlFunction(z, a, y, _weights(root_seed, seeds, "laws") * 2, device=device, **regression)
    square = (fit.effect(asked) - truth) ** 2
    spread = np.array([one[~mask].var() if (~mask).sum() > 1 else np.nan for one, mask in zip(truth, inside)])
    errors = np.stack([_mean_where(square, inside), _mean_where(square, ~inside) / spread])
    return errors.reshape(2, 2, seeds).transpose(1, 0, 2)


def _regressors(rows, seeds, strength, queries, factor, curvature, root_seed, regression, device) -> np.ndarray:
    models = [
        draw_model(rng, strength=strength, curvature=curvature) for rng in _streams(root_seed, seeds, "curved", "model")
    ]
    data = draw_together(models, rows, _streams(root_seed, seeds, "curved", "rows"))
    asked, truth, inside = _ask(models, seeds, queries, factor, root_seed, "curved")
    weights = _weights(root_seed, seeds, "curved")
    errors = []
    for powers in (1, 2):
        regressors, at = (
            np.concatenate([x**power for power in range(1, powers + 1)], axis=2) for x in (data.actions, asked)
        )
        fit = ControlFunction(data.latent, regressors, data.outcome, weights, device=device, **regression)
        square = (fit.effect(at) - truth) ** 2
        errors.append([_mean_where(square, inside), _mean_where(square, ~inside)])
    return np.array(errors)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(break_assumptions, snakemake)
