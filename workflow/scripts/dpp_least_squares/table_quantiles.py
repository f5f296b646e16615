"""Table: mean, standard error and quantiles of the error over the best error."""

import numpy as np
import pandas as pd
from scipy.stats import kurtosis

from lib.stats.intervals import estimate_mean

UNRELIABLE = 50  # kurtosis (3 for normal values) above which a mean of a few hundred draws rests on one or two of them


def table(independent, volume, repeated) -> pd.DataFrame:
    """Return a row for each strategy, function and n; `failed` counts conditioned designs without success."""
    rows = []
    for run in (independent, volume, repeated):
        for strategy in run.strategy.values:
            for function in run.function.values:
                for n in run.n.values:
                    at = run.sel(strategy=strategy, function=function, n=n)
                    if not at.tries.values.any():
                        continue
                    ratio = (at.l2_error / at.best_error).values
                    errors = ratio[np.isfinite(ratio)]
                    row = {
                        "strategy": strategy,
                        "function": function,
                        "n": int(n),
                        "failed": int(len(ratio) - len(errors)),
                    }
                    if len(errors) >= 2:
                        mean, se, *_ = estimate_mean(errors)
                        tails = kurtosis(errors, fisher=False)
                        q50, q90, q99 = np.quantile(errors, [0.5, 0.9, 0.99])
                        row |= {
                            "mean": mean,
                            "se": se,
                            "q50": q50,
                            "q90": q90,
                            "q99": q99,
                            "kurtosis": float(tails),
                            "mean_reliable": bool(not tails > UNRELIABLE),
                            "lambda_min_q50": float(np.nanmedian(at.lambda_min)),
                            "mean_tries": float(at.tries.mean()),
                        }
                    rows.append(row)
    frame = pd.DataFrame(rows)
    numbers = frame.select_dtypes("float").columns
    frame[numbers] = frame[numbers].map(lambda v: float(f"{v:.5g}"))
    return frame


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
