"""Figure: the Bayes-optimal error against alpha for each width, and over the whole phase diagram."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, REFERENCE, new_figure, panel_labels
from lib.linalg.random_matrix import recovery_threshold


def figure(theory):
    """Return the figure: curves on the left, phase diagram with the recovery line on the right."""
    fig, axes = new_figure(ncols=2, width=9.2, height=3.7)
    for i, kappa in enumerate(theory.kappa.values):
        curve = theory.sel(kappa=kappa)
        style = {"color": COLOURS[i % len(COLOURS)], "linestyle": LINESTYLES[i % len(LINESTYLES)]}
        axes[0].plot(curve.alpha, curve.error, label=f"$\\kappa$ = {kappa:g}", **style)
    axes[0].plot(
        theory.noisy_alpha,
        theory.noisy_error,
        color="#999999",
        lw=1,
        label=f"$\\kappa$ = {theory.noisy_kappa:g}, noise {theory.noise:g}",
    )
    axes[0].plot(
        theory.reference_alpha,
        theory.reference_published,
        "*",
        color="black",
        ms=7,
        label="authors, $\\kappa$ = 0.5",
    )
    axes[0].set(xlabel="samples over $d^2$, $\\alpha$", ylabel="Bayes-optimal error", xlim=(0, 0.55), ylim=(0, 1.02))
    axes[0].legend(ncols=2)
    mesh = axes[1].pcolormesh(
        theory.phase_alpha, theory.phase_kappa, theory.phase, shading="nearest", vmin=0, vmax=1, rasterized=True
    )
    line = np.linspace(0.02, 2, 200)
    axes[1].plot(recovery_threshold(line), line, color="#D55E00", lw=2.2, label="recovery threshold")
    axes[1].set(
        xlabel="samples over $d^2$, $\\alpha$",
        ylabel="hidden units over $d$, $\\kappa$",
        xlim=(0.01, 0.6),
        ylim=(0.02, 2),
    )
    axes[1].legend(loc="upper left", labelcolor="white")
    axes[1].grid(False)
    fig.colorbar(mesh, ax=axes[1], label="Bayes-optimal error")
    axes[0].axhline(1, **REFERENCE)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
