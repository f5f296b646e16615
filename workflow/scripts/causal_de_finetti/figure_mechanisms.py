"""Figure: estimates of the mechanisms across environments, in the causal and in the anticausal factorisation."""

from lib.atlas.job.figure import COLOURS, new_figure

AXES = {
    "causal": ("$P_e(X=1)$", "$P_e(Y=1\\mid X)$", "X"),
    "anticausal": ("$P_e(Y=1)$", "$P_e(X=1\\mid Y)$", "Y"),
}


def figure(mechanisms):
    """Return the figure: one dot for each environment of the first seed, with many samples in each."""
    fig, axes = new_figure(2, width=8.0, height=3.8, sharey=True)
    for axis, (factorisation, (x, y, condition)) in zip(axes, AXES.items()):
        marginal, *conditional = mechanisms.estimate.sel(factorisation=factorisation).isel(samples=-1).values
        for i, values in enumerate(conditional):
            axis.plot(
                marginal,
                values,
                "os"[i],
                color=COLOURS[i],
                ms=3.5,
                mfc="none" if i else COLOURS[i],
                alpha=0.7,
                label=f"given {condition} = {i}",
            )
        p = mechanisms.p_value.sel(factorisation=factorisation).isel(samples=-1)
        share = (p <= 0.05).mean("seed").item()
        axis.set(xlabel=x, ylabel=y, ylim=(-0.03, 1.2), yticks=[0, 0.2, 0.4, 0.6, 0.8, 1])
        axis.set_title(
            f"{factorisation}: independence p = {p.values[0]:.2f}\nrejected in {share:.0%} of {p.sizes['seed']} seeds"
        )
        axis.legend(loc="upper center", ncols=2)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
