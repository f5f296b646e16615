"""Table: accuracy, parameters and cost of each method."""

import numpy as np
import pandas as pd
import xarray as xr

from lib.stats.intervals import estimate_mean

NAMES = {"lp": "linear probing", "mp": "MP", "bias": "biases", "ssf": "SSF", "ft": "fine-tuning", "mp+": "MP+"}


def _text(values: np.ndarray) -> str:
    points = 100 * np.asarray(values)
    if len(points) < 2:
        return f"{points[0]:.1f}"
    mean, _, low, high, _ = estimate_mean(points)
    return f"{mean:.1f} ({low:.1f} to {high:.1f})"


def table(probes, tuned, cost) -> pd.DataFrame:
    """Return the table."""
    sets = [str(name) for name in probes.images.values]
    linear = probes.accuracy.sel(probe=xr.DataArray(probes.linear.values.astype(str), dims="images"))
    rows = []
    for key, name in NAMES.items():
        if key == "lp":
            accuracy, parameters = linear, float(probes.parameters.sel(probe="cls", images=sets[0]))
        elif key == "mp":
            accuracy, parameters = (
                probes.accuracy.sel(probe=key),
                float(probes.parameters.sel(probe=key, images=sets[0])),
            )
        else:
            accuracy = tuned.accuracy.sel(tuning=key)
            parameters = float(tuned.parameters.sel(tuning=key, images=sets[0]))
        row = {"method": name}
        row |= {f"{one}, accuracy": _text(accuracy.sel(images=one).values) for one in sets}
        row |= {"seeds": accuracy.sizes["seed"], f"parameters, {sets[0]}": round(parameters)}
        row |= {
            "step, ms": round(float(cost.step_ms.sel(tuning=key).median()), 1),
            "memory, MB": round(float(cost.memory.sel(tuning=key)) / 1e6),
        }
        rows.append(row)
    return pd.DataFrame(rows)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
