"""Figure: errors that the transfer theorem certifies, and errors that reconstruction realises."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure
from lib.drawing.ranges import draw_range
from lib.privacy.accounting import transfer_error

THEOREMS = {False: "certificate, constants from memory", True: "certificate, the sequel's constants"}


def figure(certified):
    """Return the figure; bars reach from the smallest to the largest seed."""
    fig, axis = new_figure(width=6.6, height=3.6)
    for name, label, i in (("naive", "empirical means", 0), ("pmw", "private multiplicative weights", 4)):
        worst = certified.worst.sel(mechanism=name)
        draw_range(
            axis,
            certified.queries,
            worst,
            "seed",
            label=label,
            color=COLOURS[i],
            marker=MARKERS[i],
            linestyle=LINESTYLES[i],
            mfc="white",
        )
    failure = certified.beta / int(certified.queries.max())
    for (sharp, label), style in zip(THEOREMS.items(), ("--", ":")):
        tau = transfer_error(certified.epsilon_bound, certified.n, failure, sharp=sharp)
        label = f"{label}: {certified.sample_error:.2f} + {tau:.2f}"
        axis.axhline(certified.sample_error + tau, label=label, **{**REFERENCE, "linestyle": style})
    title = f"n = {certified.n:,}, U = {certified.universe}, $\\epsilon$ = {certified.epsilon_bound:.3f}"
    axis.set(xscale="log", xlabel="queries m", ylabel="largest error over all m queries", ylim=(0, None), title=title)
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
