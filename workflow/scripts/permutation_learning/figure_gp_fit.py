"""Figure: standardised outputs of trained networks beside the standard normal density."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure
from lib.ntk.kernels import KERNEL_NAMES


def figure(trained):
    """Return the figure."""
    cases, most = trained.case.values, min(3, trained.sizes["ones"])
    fig, axes = new_figure(
        nrows=len(cases), ncols=most, width=2.6 * most, height=1.7 * len(cases), sharex=True, sharey=True, squeeze=False
    )
    grid = np.linspace(-4, 4, 200)
    edges = np.linspace(-4, 4, 33)
    for row, case in zip(axes, cases):
        one = trained.sel(case=case)
        for axis, ones in zip(row, trained.ones.values):
            inside, outside, variance = one.limit.sel(ones=ones).values
            for bit, centre in ((1, inside), (0, outside)):
                chosen = one.target.sel(ones=ones).values == bit
                values = one["value"].sel(ones=ones).values[chosen]
                values = values[np.isfinite(values)]
                if not len(values):
                    continue
                style = {"histtype": "stepfilled", "alpha": 0.4} if bit else {"histtype": "step", "lw": 1.2}
                scores = (values - centre) / np.sqrt(variance)
                axis.hist(scores, edges, density=True, color=COLOURS[bit], label=f"target {bit}", **style)
            axis.plot(grid, np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi), "k", lw=0.8)
            axis.set_title(f"{KERNEL_NAMES[str(one.kernel.values)]}, k = {int(one['size'])}, {ones} ones", fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel("(output − mean) / sd")
    for axis in axes[:, 0]:
        axis.set_ylabel("density")
    axes[0, 0].legend(fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
