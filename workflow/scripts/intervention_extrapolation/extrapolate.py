"""Effects of unseen interventions: control functions on several representations, and regressions on the actions."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.representations.autoencoder import largest_harmless, train_autoencoders
from lib.representations.direct import kernel_ridge_effect, mlp_effect, ols_effect
from lib.representations.extrapolation import ControlFunction, fit_additive
from lib.representations.interventions import box_queries, draw_model, draw_together, is_inside
from lib.representations.restriction import restriction_of, restriction_test
from lib.representations.scores import affine_r2, canonical_axes

SLUG = "intervention_extrapolation"
TESTED = 1000  # fresh rows of the permutation test


def _errors(estimate: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Mean squared errors (2, sets) inside the support and outside it."""
    square = (estimate - truth) ** 2
    return np.stack(
        [np.where(mask, square, 0).sum(axis=1) / np.maximum(mask.sum(axis=1), 1) for mask in (inside, ~inside)]
    )


def extrapolate(
    *,
    strength: float,
    half_width: float,
    factor: float,
    queries: int,
    rows: int,
    tests: int,
    seeds: int,
    penalties: list[float],
    fixed: float,
    allowance: float,
    permutations: int,
    width: int,
    epochs: int,
    batch: int,
    learning_rate: float,
    regression: dict,
    device: str,
    root_seed: int,
    checkpoint=None,
) -> xr.Dataset:
    """Return squared errors of effects inside the support of the training actions and outside, for each method.

    Args:
        strength, half_width: alpha, and half the width of the box of training actions.
        factor: width of the box of queries over that of the training actions.
        queries: in that box.
        rows, tests: rows of training; fresh rows that choose the penalty, and as many that score.
        seeds: data sets.
        penalties: lambda, 0 among them.
        fixed: the one of them that is reported beside the choice.
        allowance: of held-out reconstruction error in the choice of the penalty.
        permutations: of the test of the constraint at the choice.
        width, epochs, batch, learning_rate: of the autoencoders.
        regression: `hidden`, `epochs`, `batch`, `learning_rate` of the regressions of the outcome.
        device: where to compute.
        root_seed: root of the random streams.
        checkpoint: where the state of the training is saved.
    """

    def streams(what: str) -> list:
        return [generator(root_seed, SLUG, what, seed) for seed in range(seeds)]

    def numbers(what: str) -> list[int]:
        return [int(seed_sequence(root_seed, SLUG, what, s).generate_state(1)[0]) for s in range(seeds)]

    models = [draw_model(rng, strength=strength, half_width=half_width) for rng in streams("model")]
    data = draw_together(models, rows, streams("rows"))
    held_out = draw_together(models, tests, streams("held out"))
    fresh = draw_together(models, tests, streams("fresh"))
    trained = train_autoencoders(
        data.actions, data.features, penalties, numbers("weights"), latent=2, width=width, epochs=epochs, batch=batch,
        learning_rate=learning_rate, device=device, checkpoint=checkpoint,
    )  # fmt: skip
    errors = trained.reconstruction_errors(held_out.features)
    values = np.array(penalties, dtype=float)
    chosen = largest_harmless(values, errors, allowance)
    each = np.arange(seeds)
    phi, phi_fresh = trained.encode(data.features), trained.encode(fresh.features)
    r2 = np.array([[affine_r2(z, one) for one in many] for z, many in zip(fresh.latent, phi_fresh)])
    pvalue = np.full((seeds, len(values)), np.nan)
    for s, rng in enumerate(streams("permutations")):
        restriction = restriction_of(fresh.actions[s][:TESTED])
        for j in range(len(values)):
            pvalue[s, j] = restriction_test(phi_fresh[s, j, :TESTED], restriction, permutations, rng).pvalue

    asked = np.stack([box_queries(half_width, factor, 2, queries, rng) for rng in streams("queries")])
    truth = np.stack([model.effect(a) for model, a in zip(models, asked)])
    inside = is_inside(asked, half_width)
    axes = [canonical_axes(x, a, 2) for x, a in zip(data.features, data.actions)]
    linear = np.stack([(x - mean) @ axis for x, (mean, axis) in zip(data.features, axes)])
    free_models = [
        draw_model(rng, strength=strength, half_width=half_width, confounded=False) for rng in streams("model")
    ]
    free = draw_together(free_models, rows, streams("rows"))
    representations = {
        "mmr": (phi[each, chosen], data.outcome),
        "mmr at a fixed penalty": (phi[:, int(np.argmin(np.abs(values - fixed)))], data.outcome),
        "vanilla": (phi[:, int(np.argmin(values))], data.outcome),
        "cca": (linear, data.outcome),
        "oracle": (data.latent, data.outcome),
        "oracle, not confounded": (free.latent, free.outcome),
    }
    weights = numbers("regression")

    def fit(names: list[str], control: bool) -> ControlFunction:
        latent, outcome = (np.concatenate([representations[name][i] for name in names]) for i in range(2))
        repeated = np.tile(data.actions, (len(names), 1, 1))
        return ControlFunction(
            latent, repeated, outcome, weights * len(names), control=control, device=device, **regression
        )

    with_control = list(representations)
    without = ["mmr", "oracle", "oracle, not confounded"]
    fits = {True: (with_control, fit(with_control, True)), False: (without, fit(without, False))}
    effects = {}
    for control, (names, one) in fits.items():
        effect = one.effect(np.tile(asked, (len(names), 1, 1))).reshape(len(names), seeds, -1)
        effects |= {name if control else f"{name}, no control": value for name, value in zip(names, effect)}
    effects["mlp"] = mlp_effect(
        data.actions, data.outcome, asked, weights,
        epochs=regression["epochs"], batch=regression["batch"], device=device,
    )  # fmt: skip
    rows_of = list(zip(data.actions, data.outcome, asked))
    effects["ols"] = np.stack([ols_effect(*one) for one in rows_of])
    effects["cubic"] = np.stack([ols_effect(*one, degree=3) for one in rows_of])
    effects["kernel ridge"] = np.stack([kernel_ridge_effect(*one) for one in rows_of])
    effects["mean"] = np.broadcast_to(data.outcome.mean(axis=1)[:, None], truth.shape)

    conditional = _conditional(models, data, trained, chosen, fits, asked, inside, weights, streams, regression, device)
    dims = ("seed", "penalty")
    return xr.Dataset(
        {
            "error": (
                ("estimator", "place", "seed"),
                np.stack([_errors(effect, truth, inside) for effect in effects.values()]),
                {"long_name": "mean squared error of E[Y | do(a)]"},
            ),
            "conditional": (
                ("conditional_estimator", "place", "seed"),
                np.stack(list(conditional.values())),
                {"long_name": "mean squared error of E[Y | X, do(a)]"},
            ),
            "r2": (dims, r2, {"long_name": "affine R² on fresh rows"}),
            "reconstruction": (dims, errors, {"long_name": "squared error per held-out row"}),
            "pvalue": (dims, pvalue, {"long_name": "p-value of the constraint"}),
            "chosen": ("seed", values[chosen], {"long_name": "chosen penalty"}),
            "share_outside": ("seed", (~inside).mean(axis=1), {"long_name": "share of queries outside the support"}),
        },
        coords={
            "estimator": list(effects),
            "conditional_estimator": list(conditional),
            "place": ["inside", "outside"],
            "penalty": values,
        },
        attrs={"strength": strength, "half_width": half_width, "factor": factor, "fixed": fixed, "rows": rows},
    )


def _conditional(models, data, trained, chosen, fits, asked, inside, weights, streams, regression, device) -> dict:
    """Squared errors of E[Y | X, do(a)] at one fresh row for each query, for each method."""
    seeds, each = len(models), np.arange(len(models))
    v = np.stack([model.draw_residual(asked.shape[1], rng) for model, rng in zip(models, streams("residuals"))])
    z = np.stack([model.mean_latent(a) for model, a in zip(models, asked)]) + v
    truth = np.stack([model.conditional_effect(*one) for model, one in zip(models, zip(z, v))])
    x = np.stack([model.mix(one) for model, one in zip(models, z)])
    phi = trained.encode(x)[each, chosen]
    phi_rows = trained.encode(data.features)[each, chosen]

    def predict(names, one) -> dict[str, np.ndarray]:
        at = np.concatenate([phi if name == "mmr" else z for name in names])
        effect = one.conditional_effect(at, np.tile(asked, (len(names), 1, 1)))
        return dict(zip(names, effect.reshape(len(names), seeds, -1)))

    control, no_control = predict(*fits[True]), predict(*fits[False])
    joint = [np.concatenate([one, data.actions], axis=2) for one in (data.latent, phi_rows)]
    together = np.concatenate(joint)
    fit = fit_additive([together, together], np.tile(data.outcome, (2, 1)), weights * 2, device=device, **regression)
    at = np.concatenate([np.concatenate([one, asked], axis=2) for one in (z, phi)])
    joint_oracle, joint_mmr = fit.predict(at, at).reshape(2, seeds, -1)
    effects = {
        "oracle": control["oracle"],
        "oracle, X only": no_control["oracle"],
        "oracle, X and A": joint_oracle,
        "mmr": control["mmr"],
        "mmr, X only": no_control["mmr"],
        "mmr, X and A": joint_mmr,
    }
    return {name: _errors(effect, truth, inside) for name, effect in effects.items()}


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(extrapolate, snakemake)
