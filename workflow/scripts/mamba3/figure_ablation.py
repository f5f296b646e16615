"""Figure: validation loss without the trapezoid, the biases or both, and with a convolution, beside the paper's."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure

ROWS = {
    "mamba3": "Mamba-3",
    "conv": "+ convolution",
    "half": "$\\lambda$ = 1/2",
    "euler": "$-$ trapezoid",
    "c_bias": "$-$ bias on B",
    "b_bias": "$-$ bias on C",
    "no_bias": "$-$ bias",
    "euler_no_bias": "$-$ trapezoid $-$ bias",
    "mamba2": "Mamba-2",
    "gdn": "Gated DeltaNet",
    "softmax": "softmax",
}
INITS = {"wide": "steps log-uniform in [0.01, 0.5]", "default": "steps log-uniform in [0.001, 0.1]"}
PAPER = {  # test perplexity over that of the full layer of the same table, 440M: Tables 5a, 8, 10b
    "conv": 15.85 / 15.72,
    "half": 15.76 / 15.72,
    "euler": 15.81 / 15.72,
    "c_bias": 15.98 / 15.69,
    "b_bias": 16.68 / 15.69,
    "no_bias": 16.49 / 15.72,
    "euler_no_bias": 16.68 / 15.72,
}


def figure(lm: list):
    """Return the figure: loss minus that of the full layer; small marks are seeds, large ones medians."""
    runs = {(run.arch, run.init): run.validation for run in lm if run.state == 16}
    rows = [arch for arch in ROWS if any(key[0] == arch for key in runs)]
    absent = [ROWS[arch] for arch in ROWS if arch not in rows]
    fig, axis = new_figure(width=6.8, height=1.5 + 0.42 * max(len(rows), 3))
    axis.axvline(0, **REFERENCE)
    for i, (init, label) in enumerate(INITS.items()):
        if ("mamba3", init) not in runs:
            continue
        full = runs["mamba3", init]
        label = f"{label}, full layer {float(full.median()):.3f} nats"
        for row, arch in enumerate(rows):
            if (arch, init) not in runs:
                continue
            difference = runs[arch, init].values - full.values
            place = row + 0.16 * (i - 0.5)
            axis.plot(difference, np.full(len(difference), place), MARKERS[i], color=COLOURS[i], ms=3, alpha=0.6)
            style = {"color": COLOURS[i], "mfc": "white", "ms": 7.5, "label": label}
            axis.plot(np.median(difference), place, MARKERS[i], **style)
            label = None
    shown = [arch for arch in rows if arch in PAPER]
    ratios = [np.log(PAPER[arch]) for arch in shown]
    axis.plot(ratios, [rows.index(arch) for arch in shown], "x", color="black", ms=7, label="paper, 440M (per token)")
    axis.set_yticks(range(len(rows)), [ROWS[arch] for arch in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    seeds = max(len(run.seed) for run in lm)
    axis.set_xlabel(
        f"loss minus that of the full layer (nats per character), N = 16, {seeds} seed{'s' if seeds > 1 else ''}"
    )
    title = f"not trained at this scale: {', '.join(absent)}" if absent else None
    axis.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=1, title=title, title_fontsize=7.5)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
