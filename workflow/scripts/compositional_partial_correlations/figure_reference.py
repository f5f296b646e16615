"""Figure: deviations over references, of what should not depend on them and of the multiple correlation, which does."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure, panel_labels


def figure(study, identities):
    """Return the figure: deviations over references by part and over random compositions; R^2 by reference."""
    fig, axes = new_figure(ncols=3, width=12.0, height=3.9, gridspec_kw={"width_ratios": [1, 0.9, 1.15]})
    names = study.part.values
    place = np.arange(len(names))
    kinds = (
        ("variance_deviation", "partial variance, relative", "o"),
        ("correlation_deviation", "partial correlation", "s"),
        ("residual_deviation", "residuals, sample by sample", "^"),
    )
    floor = 1e-17
    for k, (name, label, marker) in enumerate(kinds):
        axes[0].plot(place, np.maximum(study[name], floor), marker, color=COLOURS[k], mfc="white", label=label)
        values = np.sort(np.maximum(identities[name].values, floor))
        share = (np.arange(len(values)) + 1) / len(values)
        axes[1].step(values, share, where="post", color=COLOURS[k], ls=("-", "--", ":")[k], label=label)
    axes[0].axhline(1e-8, color="black", lw=1, ls=(0, (4, 2)), label="tolerance of the claim")
    axes[0].set_yscale("log")
    axes[0].set(
        ylim=(1e-17, 1e-4), ylabel="largest deviation over references", xlabel="oxide", title=study.attrs["label"]
    )
    axes[0].set_xticks(place, names)
    axes[0].legend(loc="upper left", ncols=1)
    axes[1].axvline(1e-8, color="black", lw=1, ls=(0, (4, 2)))
    axes[1].set_xscale("log")
    axes[1].set(
        xlim=(1e-17, 1e-7),
        ylim=(0, 1.03),
        xlabel="largest deviation over references",
        ylabel="share of compositions",
        title=f"{identities.sizes['instance']} random compositions",
    )
    for i in range(len(names)):
        row = study.R2.values[i]
        row = row[np.isfinite(row)]
        axes[2].plot([i, i], [row.min(), row.max()], color="#bbbbbb", lw=4, solid_capstyle="butt", zorder=1)
        axes[2].plot(np.full(len(row), i), row, "o", color=COLOURS[0], mfc="white", ms=3.5, zorder=2)
    axes[2].plot(place, study.R2_mean, "X", color=COLOURS[1], ms=6, zorder=3, label="geometric mean of all parts")
    axes[2].plot([], [], "o", color=COLOURS[0], mfc="white", ms=3.5, label="each other part as reference")
    axes[2].set(ylim=(0, 1.22), ylabel="squared multiple correlation $R^2$", xlabel="oxide", title=study.attrs["label"])
    axes[2].set_yticks(np.linspace(0, 1, 6))
    axes[2].set_xticks(place, names)
    axes[2].legend(loc="upper center", ncols=2, columnspacing=1, handletextpad=0.3)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
