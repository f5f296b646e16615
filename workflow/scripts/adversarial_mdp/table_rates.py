"""Table: rates of the literature and of the paper, beside measured exponents."""

import numpy as np
import pandas as pd

from lib.drawing.mdp import NAMES
from lib.stats.bootstrap import power_law_exponent

RATES = {
    "luo": ("simulator", "K^(2/3), Luo et al. 2021"),
    "lb": ("simulator", "K^(1/2), algorithm 1"),
    "mr": ("simulator", "K^(1/2), algorithm 2"),
    "ewn": ("simulator", "none"),
    "mr0": ("simulator", "none"),
    "uniform": ("simulator", "K"),
    "inv": ("no simulator", "K^(8/9), algorithm 3"),
    "mgr": ("no simulator", "K^(14/15), before"),
}
LEAST = 1000  # episodes: with fewer than these all learners are nearly uniform under noise


def table(rates_luo, rates_lb, rates_mr, rates_ewn, rates_mr0, rates_uniform, simulator_free, rng) -> pd.DataFrame:
    """Return a row for each learner: setting, rate, exponents by kind of loss, regret at the end."""
    rows = []
    for store in (rates_luo, rates_lb, rates_mr, rates_ewn, rates_mr0, rates_uniform):
        learner = store.attrs["learner"]
        regret = store.regret.mean("rep")
        noisy = regret.sel(kind=[kind for kind in regret.kind.values if str(kind).startswith("noisy")])
        worst = noisy.isel(kind=noisy.mean("env").argmax("kind"))
        rows.append(_row(learner, (regret.sel(kind="gap"), regret.sel(kind="switch"), worst), rng))
    regret = simulator_free.regret.mean("rep")
    for learner in ("inv", "mgr"):
        chosen = regret.sel(algorithm=learner)
        rows.append(_row(learner, (chosen.sel(kind="gap"), chosen.sel(kind="switch"), None), rng))
    columns = ["setting", "learner", "rate", "fixed losses", "switching losses", "noisy losses", "regret", "episodes"]
    return pd.DataFrame(rows, columns=columns)


def _row(learner: str, series, rng) -> list:
    setting, rate = RATES[learner]
    last = series[1].isel(episodes=-1)
    exponents = ["" if one is None else _exponent(one, rng) for one in series]
    return [setting, NAMES[learner], rate, *exponents, f"{float(last.mean()):.0f}", int(last.episodes)]


def _exponent(regret, rng) -> str:
    """Exponent with its interval over environments."""
    late = regret.sel(episodes=regret.episodes >= LEAST)
    chosen = late if late.sizes["episodes"] > 1 else regret
    estimate = power_law_exponent(chosen.episodes.values, chosen.transpose("episodes", "env").values, rng)
    if not np.isfinite(estimate.value):
        return "not positive"
    return f"{estimate.value:.2f} ({estimate.low:.2f}, {estimate.high:.2f})"


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
