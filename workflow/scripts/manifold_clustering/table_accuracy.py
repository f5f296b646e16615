"""Table: agreement of every method with the digits."""

import numpy as np
import pandas as pd

from lib.stats.intervals import estimate_mean

NAMES = {
    "full": "MLC",
    "mean_gamma": "MLC, mean of two projections",
    "frob": "MLC, Frobenius penalty",
    "abs": "MLC, absolute similarity",
    "no_copy": "MLC, fresh head",
    "no_ssl_init": "MLC, no stage 1",
    "no_ds": "softmax, fresh head",
    "no_ds_kmeans": "softmax, head from k-means",
    "oracle": "true membership in training (reference)",
}


def table(members, features, pixels):
    """Return the table, in per cent."""
    rows = [(f"pixels: {name}", pixels.pixel_score.sel(baseline=name).values[None]) for name in pixels.baseline.values]
    for stage in features.features.values:
        judged = features.sel(seed=features.seed.values[features.seed.values != 0])
        for name in features.estimator.values:
            rows.append((f"{stage}: {name}", judged.score.sel(features=stage, estimator=name).values))
        score = pixels.subspace_score.sel(features=stage)
        best = score.sel(score_name="accuracy").mean("subspace_seed").argmax("fit")
        rows.append((f"{stage}: EnSC", score.isel(fit=int(best)).values))
    judged = members.score.sel(seed=members.seed.values[members.seed.values != 0])
    rows.append(("stage 1: spectral of membership (copied head)", judged.sel(variant="full", moment="start").values))
    rows += [(NAMES[name], judged.sel(variant=name, moment="end").values) for name in judged.variant.values]
    return pd.DataFrame([_row(name, values) for name, values in rows])


def _row(name: str, values: np.ndarray) -> dict:
    """Means over the runs that were made."""
    values = 100 * values[np.isfinite(values).all(-1)]
    if not len(values):
        return {"method": name, "runs": 0}
    half = np.nan
    if len(values) > 1:
        estimate = estimate_mean(values[:, 0])
        half = estimate.high - estimate.value
    accuracy, nmi, ari = values.mean(0).round(2)
    return {
        "method": name,
        "runs": len(values),
        "ACC": accuracy,
        "half_width": np.round(half, 2),
        "NMI": nmi,
        "ARI": ari,
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
