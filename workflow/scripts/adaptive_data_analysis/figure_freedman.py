"""Figure: explained variance and p-values of regressions on screened noise, on the same and on fresh data."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure


def figure(screen):
    """Return the figure: explained variance on the same and on fresh data, and the F-test's p-values by route."""
    fig, (left, right) = new_figure(2, width=8.6, height=3.6)
    report = screen.report
    bins = np.linspace(-1.5, 0.7, 45)
    for i, (measure, label) in enumerate((("r2", "on the same data"), ("fresh_r2", "on fresh data"))):
        values = report.sel(route="same data", measure=measure)
        left.hist(
            np.clip(values, bins[0], bins[-1]),
            bins,
            histtype="stepfilled" if i else "step",
            color=COLOURS[i],
            alpha=0.5 if i else 1,
            hatch="//" if i else None,
            label=f"{label}, mean {values.mean():.2f}",
        )
    left.axvline(0, **REFERENCE)
    left.set(xlabel="$R^2$ of the screened regression", ylabel="runs")
    left.legend(loc="upper left")
    for i, route in enumerate(report.route.values):
        p = np.sort(report.sel(route=route, measure="p_value"))
        share = np.arange(1, len(p) + 1) / len(p)
        right.step(
            p,
            share,
            where="post",
            color=COLOURS[i],
            linestyle=("-", "--", "-.")[i],
            label=f"{route}: {np.mean(p < 0.05):.0%} below 0.05",
        )
    right.plot([0, 1], [0, 1], label="uniform", **REFERENCE)
    right.set(xlabel="p-value of the F-test", ylabel="share of runs", xlim=(-0.01, 1), ylim=(0, 1.01))
    right.legend(loc="lower right", title="refit on")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
