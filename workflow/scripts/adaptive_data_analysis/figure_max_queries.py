"""Figure: how many adaptive queries each mechanism answers to accuracy tau, against the number of samples."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure
from lib.privacy.analysts import sign_attack_limit
from lib.privacy.capacity import tolerated_at_best_noise
from lib.stats.intervals import estimate_about_power_law

NAMES = {
    "naive": "empirical means",
    "split": "sample splitting",
    "gaussian": "Gaussian noise",
    "laplace": "Laplace noise",
}


def figure(counts: list, small):
    """Return the figure: bars are the scatter about a power law, guides have slopes 1 and 2."""
    n, tolerated = tolerated_at_best_noise(counts)
    fig, axis = new_figure(width=7.4, height=4.0)
    for i, (name, label) in enumerate(NAMES.items()):
        queries = tolerated[name]
        estimate = estimate_about_power_law(n, queries)
        fits = (queries > 0).all()
        slope = f", slope {np.polyfit(np.log(n), np.log(queries), 1)[0]:.2f}" if fits else ""
        axis.errorbar(
            n,
            queries,
            [queries - estimate.low, estimate.high - queries] if fits else None,
            color=COLOURS[i],
            marker=MARKERS[i],
            linestyle=LINESTYLES[i],
            mfc="white",
            label=label + slope,
        )
    tau = counts[0].tau
    axis.plot(n, sign_attack_limit(n, tau), label="empirical means, normal approximation", **REFERENCE)
    for power, style in ((1, ":"), (2, (0, (1, 3)))):
        start = 2.2 * tolerated["gaussian"][0]
        axis.plot(
            n, start * (n / n[0]) ** power, color="#7F7F7F", linestyle=style, label=f"slope {power}, the theory's"
        )
    largest = int(small["queries"].max())
    axis.annotate(
        "", (small.n, largest * 1.8), (small.n, largest), arrowprops={"arrowstyle": "->", "color": COLOURS[4]}
    )
    label = "multiplicative weights (reconstruction):\naccurate at the largest m tried"
    axis.plot([small.n], [largest], color=COLOURS[4], marker=MARKERS[4], linestyle="", label=label)
    axis.set(xscale="log", yscale="log", xlabel="samples n", ylabel=f"queries tolerated at $\\tau$ = {tau:g}")
    axis.set_xticks(n, [str(value) for value in n])
    axis.xaxis.minorticks_off()
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
