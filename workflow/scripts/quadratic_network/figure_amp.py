"""Figure: the narrow limit of the theory, and message passing on the theory lines."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, REFERENCE, new_figure, panel_labels
from lib.linalg.random_matrix import mmse_narrow_limit
from lib.stats.intervals import standard_error

AUTHORS = {0.35: 0.041, 0.375: 0.0168, 0.4: 0.0045, 0.475: 0.00027}  # their runs at d = 100 without noise, by alpha


def _points(axis, run, colour, marker, label):
    final = run.error.isel(iteration=-1)
    spread = standard_error(final, final.get_axis_num("teacher")) if run.sizes["teacher"] > 1 else None
    axis.errorbar(
        run.alpha.values,
        final.mean("teacher").values,
        spread,
        fmt=marker,
        color=colour,
        mfc="white",
        label=label,
        zorder=3,
    )


def figure(theory, amp_clean, amp_large, amp_noisy):
    """Return the figure; bars are standard errors over teachers."""
    fig, axes = new_figure(ncols=2, width=9.2, height=3.7)
    for i, kappa in enumerate(theory.kappa.values):
        curve = theory.sel(kappa=kappa)
        axes[0].plot(
            curve.alpha / kappa, curve.error, color=COLOURS[i % 8], ls=LINESTYLES[i % 8], label=f"$\\kappa$ = {kappa:g}"
        )
    ratio = np.linspace(0, 1.05, 300)
    axes[0].plot(ratio, mmse_narrow_limit(ratio), label="$\\kappa \\to 0$", **REFERENCE)
    axes[0].set(xlabel="$\\alpha / \\kappa$", ylabel="error", xlim=(0, 1.05), ylim=(0, 1.03))
    axes[0].legend(ncols=2, loc="lower left")
    curve = theory.sel(kappa=0.5)
    axes[1].plot(curve.alpha, curve.error, color=COLOURS[0], label="Bayes-optimal, no noise")
    axes[1].plot(
        theory.noisy_alpha,
        theory.noisy_error,
        color=COLOURS[1],
        ls="--",
        label=f"Bayes-optimal, noise {theory.noise:g}",
    )
    _points(axes[1], amp_clean, COLOURS[0], "o", f"GAMP-RIE, d = {amp_clean.d}")
    _points(axes[1], amp_large, COLOURS[2], "D", f"GAMP-RIE, d = {amp_large.d}")
    _points(axes[1], amp_noisy, COLOURS[1], "s", f"GAMP-RIE, d = {amp_noisy.d}, noise")
    axes[1].plot(list(AUTHORS), list(AUTHORS.values()), "*", color="black", ms=8, zorder=4, label="authors, d = 100")
    axes[1].set(xlabel="samples over $d^2$, $\\alpha$", ylabel="error ($\\kappa$ = 0.5)", xlim=(0, 0.6), ylim=(0, 1.03))
    axes[1].legend()
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
