"""Figure: bias of privately chosen queries against epsilon, under exp(epsilon) - 1."""

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure
from lib.stats.intervals import estimate_mean


def figure(transfer):
    """Return the figure; bars are twice the standard error over runs, shading marks the theorem's premises."""
    fig, axis = new_figure(width=5.2, height=3.8)
    bias = estimate_mean(transfer.bias, axis=transfer.bias.get_axis_num("run"))
    eps = transfer.epsilon.values
    axis.errorbar(eps, bias.value, 2 * bias.se, marker="o", mfc="white", label="exponential mechanism")
    axis.axhline(transfer.largest.mean(), color=COLOURS[1], linestyle="-.", label="the query of largest sample mean")
    axis.plot(eps, transfer.bound, label="$e^\\epsilon - 1$", **REFERENCE)
    for largest, tau, shade in (
        (transfer.tau / 2, transfer.tau, "#eeeeee"),
        (transfer.sharp_tau, transfer.sharp_tau, "#d5d5d5"),
    ):
        axis.axvspan(eps.min() / 1.2, largest, color=shade, zorder=0, label=f"premises met at $\\tau$ = {tau:.2g}")
    axis.set(xscale="log", yscale="log", xlabel="$\\epsilon$", ylabel="sample mean minus population mean")
    axis.set(xlim=(eps.min() / 1.2, eps.max() * 1.2), title=f"K = {transfer.candidates} queries, n = {transfer.n}")
    axis.legend(loc="lower right")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
