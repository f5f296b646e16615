"""Figure: how often the statement along the true direction and the one against it are rejected."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure
from lib.scm.scores import directed_pvalues
from lib.stats.intervals import binomial_error


def figure(directions: list):
    """Return the figure: rejections left, p-values of one number of environments right."""
    runs = sorted(directions, key=lambda run: run.environments)
    fig, (left, right) = new_figure(2, width=8.4, height=3.4)
    ablation = next(run for run in runs if "permuted" in run.arm.values)
    for i, (reverse, label) in enumerate(((False, "along the true direction (size)"), (True, "against it (power)"))):
        share = []
        for run in runs:
            p = _p_values(run, "as drawn", reverse)
            share.append((np.mean(p < 0.05), 2 * binomial_error(np.mean(p < 0.05), len(p))))
        mean, error = np.array(share).T
        left.errorbar(
            [run.environments for run in runs],
            mean,
            error,
            color=COLOURS[i],
            marker="os"[i],
            mfc="white",
            linestyle=("-", "--")[i],
            label=label,
        )
        p = np.sort(_p_values(ablation, "as drawn", reverse))
        right.step(
            p, np.arange(1, len(p) + 1) / len(p), where="post", color=COLOURS[i], linestyle=("-", "--")[i], label=label
        )
    p = np.sort(_p_values(ablation, "permuted", True))
    right.step(
        p,
        np.arange(1, len(p) + 1) / len(p),
        where="post",
        color=COLOURS[2],
        linestyle=":",
        label="against it, permuted",
    )
    left.axhline(0.05, **REFERENCE)
    left.set(xlabel="environments", ylabel="rejected at 0.05", ylim=(0, 1))
    left.legend()
    right.plot([0, 1], [0, 1], **REFERENCE)
    right.set(
        xlabel=f"p-value, {ablation.environments} environments",
        ylabel="share of data sets",
        xlim=(0, 1),
        ylim=(0, 1.01),
    )
    right.legend()
    return fig


def _p_values(run, arm: str, reverse: bool) -> np.ndarray:
    return directed_pvalues(
        run.p_value.sel(arm=arm).transpose("test", "seed").values, run.truth.values, reverse=reverse
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
