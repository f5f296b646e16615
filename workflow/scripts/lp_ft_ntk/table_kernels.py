"""Table: ranks and norms of kernels where fine-tuning starts, and accuracy of regression with them."""

import numpy as np
import pandas as pd


def table(kernels) -> pd.DataFrame:
    """Return the table; ranks and norms are means over tasks, accuracies over those with test documents."""
    rows = []
    for start in kernels.start.values:
        for kernel in kernels.kernel.values:
            one = kernels.sel(start=start, kernel=kernel)
            row = {"start": str(start), "kernel": str(kernel), "tasks": one.sizes["seed"]}
            row |= {
                f"rank, {precision} tolerance": round(float(one.numerical_rank.sel(precision=precision).mean()), 1)
                for precision in kernels.precision.values
            }
            row |= {"Frobenius norm": float(f"{float(one.norm.mean()):.4g}")}
            for solver in kernels.solver.values:
                for part in kernels.part.values:
                    accuracy = 100 * float(one.accuracy.sel(solver=solver, part=part).mean())
                    row[f"{solver}, {part}, %"] = round(accuracy, 1)
            share = float(np.mean(one.ratio.values))
            rows.append({**row, "share of the first step": round(share, 4) if kernel == "F" else None})
    return pd.DataFrame(rows)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
