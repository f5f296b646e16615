"""Table: rates of the paper, and measured exponents."""

import numpy as np
import pandas as pd

from lib.stats.bootstrap import power_law_exponent

RATES = {
    "no interaction, upper": ("d √k / (√n ε)", "classical"),
    "no interaction, public features, upper": ("√(d k) / (√n ε)", "public"),
    "no interaction, lower": ("√(d k log d) / (√n ε)", "bound"),
    "interaction, upper": ("k √d / (√n ε)", "ours"),
    "interaction, lower": ("√(d k) / (√n ε)", ""),
}


def table(by_n, by_eps, by_d_wide, by_d_public, by_k, rounds_n, rounds_d, rounds_k, rng) -> pd.DataFrame:
    """Return a row for each rate of the paper, with exponents in n, d, k and epsilon; the bound's are its formula's."""
    axes = ("users", "dim", "sparsity", "epsilon")
    stores = {
        "classical": (by_n, by_d_wide, by_k, by_eps),
        "public": (by_n, by_d_public, by_k, by_eps),
        "bound": (by_n, by_d_wide, by_k, by_eps),
        "ours": (rounds_n, rounds_d, rounds_k, rounds_n),
    }
    rows = []
    for setting, (rate, method) in RATES.items():
        cells = [_exponent(store, axis, method, rng) for axis, store in zip(axes, stores.get(method, ()))]
        rows.append([setting, rate, *(cells or ["constant unknown"] * 4)])
    return pd.DataFrame(rows, columns=["setting", "rate", "n", "d", "k", "epsilon"])


def _exponent(store, axis: str, method: str, rng) -> str:
    """Exponent with its interval, over the points that differ in one setting alone."""
    others = [name for name in ("users", "dim", "sparsity", "epsilon") if name != axis]
    settings = list(zip(*(store[name].values for name in others)))
    common = max(settings, key=lambda one: (settings.count(one), one))
    chosen = np.array([setting == common for setting in settings])
    x = store[axis].values[chosen]
    if method == "bound":
        slope = np.polyfit(np.log(x), np.log(store.bound.values[chosen]), 1)[0]
        return f"{slope:.2f} (formula)"
    dimension = "variant" if "variant" in store.dims else "estimator"
    values = store.total.sel({dimension: method}).transpose("point", "seed").values[chosen]
    estimate = power_law_exponent(x, values, rng)
    return f"{estimate.value:.2f} ({estimate.low:.2f}, {estimate.high:.2f})"


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
