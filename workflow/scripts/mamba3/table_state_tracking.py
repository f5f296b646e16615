"""Table: scaled accuracy of each variant on each task, at the longest training length and twice that."""

import numpy as np
import pandas as pd

PAPER = {  # scaled accuracy in per cent, from memory: parity, arithmetic without and with brackets
    "mamba3": (100.0, 98.5, 87.8),
    "no_rotation": (2.3, None, None),
    "fixed_rotation": (1.6, 20.7, 2.6),
    "mamba2": (0.9, 47.8, 0.9),
    "gdn_signed": (None, 99.3, 93.5),
}
NAMES = ("parity", "cyclic_sum", "arithmetic", "brackets")


def _cell(run, length: int) -> str | None:
    if length not in run.length.values:
        return None
    values = run.scaled_accuracy.sel(length=length).values
    return f"{np.median(values):.2f} ({values.min():.2f} to {values.max():.2f})"


def table(parity: list, cyclic_sum: list, arithmetic: list, brackets: list) -> pd.DataFrame:
    """Return a row for each variant: median (and range) over seeds; an empty cell was not run at this scale."""
    tasks = dict(zip(NAMES, (parity, cyclic_sum, arithmetic, brackets)))
    order = list(dict.fromkeys(run.variant for runs in tasks.values() for run in runs))
    rows = []
    for variant in order:
        row: dict = {"variant": variant}
        for task, runs in tasks.items():
            for run in runs:
                if run.variant == variant:
                    longest = run.longest
                    for length in (longest, 2 * longest - (task == "arithmetic")):
                        row[f"{task} at {length}"] = _cell(run, length)
        for task, value in zip(("parity", "arithmetic", "brackets"), PAPER.get(variant, (None,) * 3)):
            row[f"paper, {task} (%)"] = value
        rows.append(row)
    return pd.DataFrame(rows)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
