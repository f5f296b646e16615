"""Figure: validation loss without the trapezoid, the biases or both, and with a convolution."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure

ROWS = {
    "mamba3": "Mamba-3",
    "conv": "+ convolution",
    "euler": "$-$ trapezoid",
    "no_bias": "$-$ bias",
    "euler_no_bias": "$-$ trapezoid $-$ bias",
    "mamba2": "Mamba-2",
    "gdn": "Gated DeltaNet",
    "softmax": "softmax",
}
INITS = {"wide": "steps log-uniform in [0.01, 0.5]", "default": "steps log-uniform in [0.001, 0.1]"}


def figure(lm: list):
    """Return the figure: small marks are seeds, large ones medians; lower is better."""
    runs = {(run.arch, run.init): run for run in lm if run.state == 16}
    rows = [arch for arch in ROWS if any(key[0] == arch for key in runs)]
    fig, axis = new_figure(width=6.8, height=0.9 + 0.42 * max(len(rows), 3))
    for i, (init, label) in enumerate(INITS.items()):
        losses = [(rows.index(arch), runs[arch, init].validation.values) for arch in rows if (arch, init) in runs]
        for row, values in losses:
            axis.plot(
                values, np.full(len(values), row) + 0.16 * (i - 0.5), MARKERS[i], color=COLOURS[i], ms=3, alpha=0.6
            )
        if losses:
            axis.plot(
                [np.median(values) for _, values in losses],
                [row + 0.16 * (i - 0.5) for row, _ in losses],
                MARKERS[i],
                color=COLOURS[i],
                mfc="white",
                ms=7.5,
                label=label,
            )
    axis.set_yticks(range(len(rows)), [ROWS[arch] for arch in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    seeds = max(len(run.seed) for run in lm)
    axis.set_xlabel(f"validation loss (nats per character), N = 16, {seeds} seed{'s' if seeds > 1 else ''}")
    axis.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
