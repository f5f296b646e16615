"""Table: every method with its measures and their 95 % intervals; the first rows are the gate of the video model."""

import numpy as np
import pandas as pd

from lib.atlas.job.seeds import generator
from lib.stats.bootstrap import bootstrap

MEASURES = ("flicker", "wall_flicker", "warp", "clip_error", "frame_error", "intensity", "direction", "motion")


def table(measures, gate, *, resamples: int, root_seed: int) -> pd.DataFrame:
    """Return one row for each method: the mean over clips and seeds and the bounds of its interval."""

    def row(method: str, values: dict) -> dict:
        cells: dict = {"method": method, "videos": len(next(iter(values.values())))}
        for name in MEASURES:
            value = low = high = np.nan
            if name in values:
                value = values[name].mean()
            if name in values and len(values[name]) > 1:
                rng = generator(root_seed, "light_a_video", "table")
                _, _, low, high, _ = bootstrap(np.mean, values[name], resamples=resamples, rng=rng)
            for suffix, number in zip(("", "_low", "_high"), (value, low, high)):
                cells[name + suffix] = float(f"{number:.5g}")
        return cells

    rows = []
    for rule in gate.step_rule.values:
        values = gate.sel(step_rule=rule)
        rows.append(row(f"gate_{rule}", {"flicker": values.flicker.values, "clip_error": values.rmse.values}))
    for method in dict.fromkeys(measures.method.values.tolist()):
        part = measures.isel(row=np.flatnonzero(measures.method.values == method))
        rows.append(row(method, {name: part[name].values for name in MEASURES}))
    return pd.DataFrame(rows)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
