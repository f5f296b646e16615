"""Figure: partial correlation against proportionality over all pairs of oxides."""

from lib.atlas.job.figure import COLOURS, new_figure


def figure(intervals, published_pairs: list):
    """Return the figure; bars are Fisher's 95 % intervals.

    Args:
        intervals: correlations of all pairs with their intervals.
        published_pairs: [pair, rho_p, r] of the published table.
    """
    fig, axis = new_figure(width=5.6, height=4.6)
    r, rho = intervals.pcor.values, intervals.rho_p.values
    low, high = intervals.fisher.values
    axis.errorbar(
        rho,
        r,
        [r - low, high - r],
        fmt="o",
        color=COLOURS[0],
        mfc="white",
        ms=4,
        elinewidth=0.6,
        capsize=0,
        ecolor="#aaaaaa",
        label=f"pair of oxides, {100 * float(intervals.level):g} % interval",
    )
    axis.plot([-1, 1], [-1, 1], color="black", lw=0.8, ls=":", label="equal")
    axis.plot(
        *zip(*[values for _, *values in published_pairs]),
        "x",
        color=COLOURS[1],
        ms=9,
        mew=1.6,
        zorder=4,
        label="published table",
    )
    labelled = {name for name, *_ in published_pairs} | {
        str(intervals.pair.values[k]) for k in (r.argmin(), r.argmax())
    }
    for name in sorted(labelled):
        at = list(intervals.pair.values).index(name)
        axis.annotate(
            name.replace("-", "–"), (rho[at], r[at]), (4, -12) if rho[at] > 0.7 else (8, 5), textcoords="offset points"
        )
    axis.set(
        xlim=(-1, 1),
        ylim=(-1, 1),
        xlabel="proportionality $\\rho_p$",
        ylabel="partial correlation $r_{ij}$",
        title=intervals.attrs["label"],
        aspect="equal",
    )
    axis.legend(loc="lower right")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
