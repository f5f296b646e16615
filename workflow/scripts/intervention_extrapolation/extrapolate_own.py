"""Effects of interventions from a user's own table of actions, features and outcomes."""

import xarray as xr

from lib.representations.advice import extrapolate_effects, read_interventions


def extrapolate_own(
    rows,
    *,
    actions: list[str],
    outcome: str,
    latent: int,
    resamples: int,
    penalties: list[float],
    allowance: float,
    width: int,
    epochs: int,
    batch: int,
    learning_rate: float,
    regression: dict,
    device: str,
    root_seed: int,
) -> xr.Dataset:
    """Return E[Y | do(a)] at the actions that the table asks for, with intervals and the share of supported points.

    Args:
        rows: CSV with columns of actions, features and the outcome; rows without features and outcome are queries.
        actions, outcome: names of their columns.
        latent, resamples, penalties, allowance, width, epochs, batch, learning_rate, regression: see
            `lib.representations.advice.extrapolate_effects`.
        device: where to compute.
        root_seed: seed of weights, batches and resamples.
    """
    data = read_interventions(rows, actions, outcome)
    result = extrapolate_effects(
        data, latent=latent, penalties=penalties, allowance=allowance, resamples=resamples, seed=root_seed, width=width,
        epochs=epochs, batch=batch, learning_rate=learning_rate, regression=regression, device=device,
    )  # fmt: skip
    return xr.Dataset(
        {
            "asked": (("query", "action"), data.queries, {"long_name": "action a"}),
            "effect": ("query", result.effect, {"long_name": "E[Y | do(a)]"}),
            "se": ("query", result.se, {"long_name": "standard error over resampled rows"}),
            "low": ("query", result.low, {"long_name": "lower end of the 95 % interval"}),
            "high": ("query", result.high, {"long_name": "upper end of the 95 % interval"}),
            "support": ("query", result.support, {"long_name": "share of points in the range of the training rows"}),
        },
        coords={"action": list(actions)},
        attrs={"penalty": result.penalty, "pvalue": result.pvalue, "rows": len(data.outcome)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(extrapolate_own, snakemake)
