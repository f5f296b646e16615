"""Figure: prediction errors of all methods on each design, at best tuning."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure

GROUPS = (
    ("ours", COLOURS[0], ("ours", "ours_oracle", "ours_cv")),
    ("one scale", COLOURS[7], ("lasso", "lasso_cv", "elastic_net", "omp", "iht", "ridge", "pcr", "span_only")),
    ("adaptive", COLOURS[1], ("forward", "pc_adjusted", "deflate")),
)
WORDS = {
    "ours": "ours, fixed level",
    "ours_oracle": "ours, best level",
    "ours_cv": "ours, cross-validated",
    "lasso": "Lasso",
    "lasso_cv": "Lasso, cross-validated",
    "elastic_net": "elastic net",
    "omp": "matching pursuit",
    "iht": "hard thresholding",
    "ridge": "ridge",
    "pcr": "principal components",
    "span_only": "span alone",
    "forward": "forward selection",
    "pc_adjusted": "components taken out",
    "deflate": "four deflations",
}


def figure(designs):
    """Return the figure: a panel for each design, medians with quartiles, the winner with a star."""
    fig, axes = new_figure(ncols=len(designs), width=1.4 + 1.75 * len(designs), height=4.0, sharey=True, squeeze=False)
    for axis, store in zip(axes[0], designs):
        place, medians = 0.0, {}
        for _, colour, methods in GROUPS:
            for method in (name for name in methods if name in store.estimator.values):
                values = store.error.sel(estimator=method).values[0]
                low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
                medians[method] = (middle, place)
                filled = colour if method != "ours_oracle" else "white"
                axis.errorbar(
                    middle, place, xerr=[[middle - low], [high - middle]], color=colour, marker=MARKERS[0], mfc=filled
                )
                place += 1
            place += 0.5
        best, where = min(value for name, value in medians.items() if not name.endswith("_cv"))
        axis.plot(best, where, color="black", marker=MARKERS[-1], ms=9, mfc="none")
        axis.axvline(1, **REFERENCE)
        axis.set(xscale="log", xlim=(2e-3, 2), xlabel="error", title=str(store.design.values[0]))
    axes[0, 0].set_yticks([where for _, where in medians.values()], [WORDS[name] for name in medians])
    axes[0, 0].invert_yaxis()
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
