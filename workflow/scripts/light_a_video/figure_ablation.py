"""Figure: flicker against gamma, the schedules of the fusion weight, and flicker against the strength of the light."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels
from lib.stats.intervals import standard_error

SWEEPS = (
    ("attention alone", {0: "per_frame", 0.25: "cla_25", 0.5: "cla_50", 0.7: "cla_70", 1: "cla_100"}),
    ("with fusion", {0: "plf", 0.25: "full_25", 0.5: "full_50", 0.7: "full_70", 1: "full_100"}),
    ("with fusion, ancestral", {0: "plf_euler", 0.5: "full_50_euler", 0.7: "full_70_euler", 1: "full_100_euler"}),
    ("U-Net relighter", {0: "unet_per_frame", 0.5: "unet_cla_50", 1: "unet_cla_100"}),
)
SCHEDULES = {
    "1 always": {"both": "full_50_always"},
    "1 while\nfusing": {"both": "full_50_constant", "fusion": "plf_constant"},
    "quadratic": {"both": "full_50_quadratic", "fusion": "plf_quadratic"},
    "linear": {"both": "full_50", "fusion": "plf"},
    "root": {"both": "full_50_root"},
}
POINTS = {
    "source": "source",
    "per_frame": "per frame",
    "post_filter": "post-filter",
    "shared_noise": "shared noise",
    "cla_50": "attention",
    "cla_100": "attention, $\\gamma$ = 1",
    "plf": "fusion",
    "full_50": "both",
    "sdedit_20": "SDEdit 0.2",
    "sdedit_60": "SDEdit 0.6",
    "plf_euler": "fusion, anc.",
    "full_50_euler": "both, anc.",
}


def figure(measures):
    """Return the figure; bars are standard errors over the clips that every method of a panel was run on."""
    limit = int((measures.method == "full_50_quadratic").sum())

    def values(method: str, name: str, clips: int = limit) -> np.ndarray:
        match = (measures.method == method) & (measures.seed == 0) & (measures["clip"] < clips)
        return measures[name].values[match.values]

    def mean_se(method: str, name: str, clips: int = limit) -> tuple[float, float]:
        v = values(method, name, clips)
        return v.mean(), standard_error(v) if len(v) > 1 else 0.0

    fig, axes = new_figure(3, 1, width=11.4, height=3.6)
    for i, (label, methods) in enumerate(SWEEPS):
        means, errors = zip(*(mean_se(method, "flicker") for method in methods.values()))
        style = {"color": COLOURS[i], "marker": MARKERS[i], "ls": LINESTYLES[i], "mfc": "white"}
        axes[0].errorbar(list(methods), means, errors, label=label, **style)
    axes[0].set(xlabel="weight $\\gamma$ of the averaged attention", ylabel="light flicker", ylim=(0, None))
    axes[0].legend(fontsize=7)
    for k, (which, words) in enumerate((("both", "both, $\\gamma$ = 0.5"), ("fusion", "fusion alone"))):
        places = [i for i, methods in enumerate(SCHEDULES.values()) if which in methods]
        for j, (name, measure) in enumerate((("flicker", "flicker"), ("clip_error", "one-light RMSE"))):
            means, errors = zip(*(mean_se(list(SCHEDULES.values())[i][which], name) for i in places))
            style = {"color": COLOURS[4 + j], "marker": MARKERS[4 + j], "mfc": COLOURS[4 + j] if k == 0 else "white"}
            x = np.array(places) + 0.1 * (2 * k + j) - 0.15
            axes[1].errorbar(x, means, errors, ls="", label=f"{measure}, {words}", **style)
    axes[1].set(
        xticks=range(len(SCHEDULES)), xticklabels=list(SCHEDULES), xlabel="schedule of $\\lambda$", ylim=(0, None)
    )
    axes[1].set_ylabel("flicker, RMSE")
    axes[1].legend(fontsize=7)
    for i, (method, label) in enumerate(POINTS.items()):
        x, y = (mean_se(method, name, 10**6)[0] for name in ("intensity", "flicker"))
        colour = COLOURS[i % len(COLOURS)]
        face = colour if i < len(COLOURS) else "white"
        axes[2].plot(x, y, MARKERS[i % len(MARKERS)], color=colour, mfc=face, label=label)
    axes[2].set(xlabel="fitted direct intensity", ylabel="light flicker", ylim=(0, None))
    axes[2].legend(fontsize=6.5, ncols=1, loc="center left", bbox_to_anchor=(1, 0.5))
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
