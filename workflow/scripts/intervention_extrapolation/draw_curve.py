"""The effect of one action on a line, inside and outside its training support, for supports of several widths."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.representations.autoencoder import train_autoencoders
from lib.representations.direct import mlp_effect, ols_effect
from lib.representations.extrapolation import ControlFunction
from lib.representations.interventions import draw_model, draw_together

SLUG = "intervention_extrapolation"


def draw_curve(
    *,
    half_widths: list[float],
    strength: float,
    penalty: float,
    limit: float,
    points: int,
    rows: int,
    seeds: int,
    width: int,
    epochs: int,
    batch: int,
    learning_rate: float,
    regression: dict,
    device: str,
    root_seed: int,
) -> xr.Dataset:
    """Return estimates of E[Y | do(a)] on a grid `(estimator, half_width, seed, action)`, and the truth.

    Args:
        half_widths: gamma, half the widths of the training supports.
        strength: alpha.
        penalty: lambda.
        limit, points: the grid reaches from -limit to limit.
        rows, seeds: of each data set, and how many.
        width, epochs, batch, learning_rate: of the autoencoders.
        regression: see `lib.representations.extrapolation.fit_additive`.
        device: where to compute.
        root_seed: root of the random streams.
    """
    keys = [(seed, half_width) for half_width in half_widths for seed in range(seeds)]

    def streams(what: str) -> list:
        return [generator(root_seed, SLUG, "curve", what, seed) for seed, _ in keys]

    def numbers(what: str) -> list[int]:
        return [int(seed_sequence(root_seed, SLUG, "curve", what, seed).generate_state(1)[0]) for seed, _ in keys]

    models = [
        draw_model(rng, latent=1, actions=1, strength=strength, half_width=half_width)
        for rng, (_, half_width) in zip(streams("model"), keys)
    ]
    data = draw_together(models, rows, streams("rows"))
    grid = np.linspace(-limit, limit, points)
    asked = np.tile(grid[None, :, None], (len(keys), 1, 1))
    trained = train_autoencoders(
        data.actions, data.features, [0.0, penalty], numbers("weights"), latent=1, width=width, epochs=epochs,
        batch=batch, learning_rate=learning_rate, device=device,
    )  # fmt: skip
    phi = trained.encode(data.features)
    weights = numbers("regression")
    latent = np.concatenate([phi[:, 1], phi[:, 0], data.latent])
    fit = ControlFunction(
        latent,
        np.tile(data.actions, (3, 1, 1)),
        np.tile(data.outcome, (3, 1)),
        weights * 3,
        device=device,
        **regression,
    )
    effects = fit.effect(np.tile(asked, (3, 1, 1))).reshape(3, len(keys), -1)
    direct = mlp_effect(
        data.actions, data.outcome, asked, weights,
        epochs=regression["epochs"], batch=regression["batch"], device=device,
    )  # fmt: skip
    ols = np.stack([ols_effect(*one) for one in zip(data.actions, data.outcome, asked)])
    truth = np.stack([model.effect(a) for model, a in zip(models, asked)])
    shape = (len(half_widths), seeds, points)
    return xr.Dataset(
        {
            "effect": (
                ("estimator", "half_width", "seed", "action"),
                np.stack([*effects, direct, ols]).reshape(-1, *shape),
                {"long_name": "estimate of E[Y | do(a)]"},
            ),
            "truth": (("half_width", "seed", "action"), truth.reshape(shape), {"long_name": "E[Y | do(a)]"}),
        },
        coords={
            "estimator": ["mmr", "vanilla", "oracle", "mlp", "ols"],
            "half_width": half_widths,
            "action": ("action", grid, {"long_name": "action a"}),
        },
        attrs={"strength": strength, "penalty": penalty},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(draw_curve, snakemake)
