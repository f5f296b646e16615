"""Table: root mean squares and 95 % quantiles of the relative error, beside those of the paper."""

import numpy as np
import pandas as pd

from lib.sampling.designs import LABELS
from lib.stats.intervals import estimate_quantile, estimate_root_mean_square

LARGEST_MULTIPLE = 5  # the paper's table stops where all strategies come to the best error


def table(errors) -> pd.DataFrame:
    """Return a row for each size of the space, number of points and strategy."""
    rows = []
    for i, m in enumerate(errors["size"].values):
        for multiple in errors.multiple.values[errors.multiple.values <= LARGEST_MULTIPLE]:
            for strategy in errors.strategy.values:
                at = errors.isel(size=i).sel(multiple=multiple, strategy=strategy)
                rms = estimate_root_mean_square(at.relative_error.values)
                rows.append(
                    {
                        "m": int(m),
                        "n": int(multiple * m),
                        "strategy": LABELS[strategy],
                        "best": float(at.best),
                        "rms": float(rms.value),
                        "rms_se": float(rms.se),
                        "rms_paper": float(at.printed_rms),
                        "q95": float(estimate_quantile(at.relative_error.values, 0.95).value),
                        "q95_paper": float(at.printed_quantile),
                        "mean_tries": float(at.tries.mean()),
                    }
                )
    frame = pd.DataFrame(rows)
    numbers = frame.select_dtypes("float").columns
    frame[numbers] = frame[numbers].map(lambda v: float(f"{v:.3g}") if np.isfinite(v) else v)
    return frame


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
