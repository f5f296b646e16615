"""Table: scaled accuracy of each variant on each task, at the longest training length and twice that."""

import numpy as np
import pandas as pd

PAPER = {  # scaled accuracy in per cent at length 256, Table 5b: parity, arithmetic without and with brackets
    "mamba3": (100.0, 98.51, 87.75),
    "no_rotation": (2.27, 1.49, 0.72),
    "fixed_rotation": (1.56, 20.70, 2.62),
    "mamba2": (0.90, 47.81, 0.88),
    "gdn_signed": (100.0, 99.25, 93.50),
}
WORDS = {
    "mamba3": "Mamba-3",
    "no_rotation": "without rotation",
    "fixed_rotation": "standard RoPE",
    "mamba2": "Mamba-2",
    "euler": "Euler step",
    "heavy_tail": "heavy-tailed A",
    "gdn_signed": "Gated DeltaNet, eigenvalues in [-1, 1]",
}
TASKS = {
    "parity": "parity",
    "cyclic_sum": "sum modulo 5",
    "arithmetic": "arithmetic",
    "brackets": "arithmetic with brackets",
}


def _cell(run, length: int) -> str | None:
    if length not in run.length.values:
        return None
    values = run.scaled_accuracy.sel(length=length).values
    return f"{np.median(values):.2f} ({values.min():.2f} to {values.max():.2f})"


def table(parity: list, cyclic_sum: list, arithmetic: list, brackets: list) -> pd.DataFrame:
    """Return a row for each variant: median (and range) over seeds; an empty cell was not run at this scale."""
    tasks = dict(zip(TASKS, (parity, cyclic_sum, arithmetic, brackets)))
    order = list(dict.fromkeys(run.variant for runs in tasks.values() for run in runs))
    rows = []
    for variant in order:
        row: dict = {"variant": WORDS.get(variant, variant)}
        for task, runs in tasks.items():
            for run in runs:
                if run.variant == variant:
                    longest = run.longest
                    for length in (longest, 2 * longest) if task in ("parity", "cyclic_sum") else (longest,):
                        row[f"{TASKS[task]} at {length}"] = _cell(run, length)
        for task, value in zip(("parity", "arithmetic", "brackets"), PAPER.get(variant, (None,) * 3)):
            row[f"paper, {TASKS[task]} (%)"] = value
        rows.append(row)
    return pd.DataFrame(rows)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
