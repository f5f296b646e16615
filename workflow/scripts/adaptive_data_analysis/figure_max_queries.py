"""Figure: how many adaptive queries each mechanism answers to accuracy tau, against the number of samples."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure
from lib.privacy.analysts import sign_attack_limit
from lib.privacy.capacity import tolerated_at_best_noise

NAMES = {
    "naive": "empirical means",
    "split": "sample splitting",
    "gaussian": "Gaussian noise",
    "laplace": "Laplace noise",
}


def figure(counts: list, small):
    """Return the figure; guides of slope 1 and 2, and the largest m at which multiplicative weights was tested."""
    n, tolerated = tolerated_at_best_noise(counts)
    fig, axis = new_figure(width=5.6, height=4.2)
    for i, (name, label) in enumerate(NAMES.items()):
        slope = np.polyfit(np.log(n), np.log(tolerated[name]), 1)[0]
        axis.plot(
            n, tolerated[name], color=COLOURS[i], marker=MARKERS[i], mfc="white", label=f"{label}, slope {slope:.2f}"
        )
    tau = counts[0].tau
    axis.plot(n, sign_attack_limit(n, tau), label="normal approximation, no noise", **REFERENCE)
    axis.plot(n, 60 * (n / n[0]) ** 2, color="#7F7F7F", linestyle=":", label="slope 2")
    largest = int(small["queries"].max())
    axis.annotate(
        "", (small.n, largest * 1.35), (small.n, largest), arrowprops={"arrowstyle": "->", "color": COLOURS[4]}
    )
    axis.plot(
        [small.n],
        [largest],
        color=COLOURS[4],
        marker=MARKERS[4],
        linestyle="",
        label="multiplicative weights: not reached",
    )
    axis.set(xscale="log", yscale="log", xlabel="samples n", ylabel=f"queries tolerated at $\\tau$ = {tau:g}")
    axis.set_xticks(n, [str(value) for value in n])
    axis.minorticks_off()
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
