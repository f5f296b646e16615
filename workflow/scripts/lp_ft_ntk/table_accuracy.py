"""Table: accuracy of each procedure on the training domain and on others, learning rate by validation."""

import numpy as np
import pandas as pd

from lib.probing.runs import best_by_validation, run_values

PROCEDURES = ("LP", "FT", "LP-FT", "LoRA", "LP-LoRA")


def _text(values: np.ndarray) -> str:
    points = 100 * values.ravel()
    return f"{points.mean():.1f}" + (f" (sd {points.std(ddof=1):.1f})" if points.size > 1 else "")


def table(tuned) -> pd.DataFrame:
    """Return the table."""
    sizes = [int(number) for number in tuned.attrs["documents"]]
    rows = []
    for size in sizes:
        for procedure in PROCEDURES:
            if size != sizes[0] and "LoRA" in procedure:
                continue

            def values(measure, procedure=procedure, size=size):
                if procedure == "LP":
                    return run_values(tuned, procedure, measure, documents=size)
                return best_by_validation(tuned, procedure, measure, size)

            row = {"documents": size, "procedure": procedure, "runs": values("id").size}
            row |= {"training domain, %": _text(values("id")), "other domains, %": _text(values("ood"))}
            row |= {"smallest, other domains, %": f"{100 * values('ood').min():.1f}"}
            row |= {"learning rates": ", ".join(f"{rate:g}" for rate in np.unique(values("rate")))}
            rows.append(row)
        best = run_values(tuned, "LP", "bayes", documents=size)
        rows.append({
            "documents": size, "procedure": "best classifier", "runs": best.size, "training domain, %": _text(best)
        })  # fmt: skip
    return pd.DataFrame(rows)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
