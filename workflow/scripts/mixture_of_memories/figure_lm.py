"""Figure: losses on text."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure
from lib.drawing.recall import TEXT_LABELS

PAPER = {"380M": np.log(25.86 / 26.88), "1.3B": np.log(16.64 / 17.61)}  # WikiText, mixture over transformer


def figure(text: list):
    """Return the figure: training losses, and validation losses minus that of softmax attention.

    Args:
        text: one store for each architecture.
    """
    fig, (left, right) = new_figure(2, width=8.6, height=3.4)
    runs = {run.arch: run for run in text}
    for i, (name, run) in enumerate(runs.items()):
        loss = run.loss.mean("seed")
        window = max(1, loss.sizes["step"] // 25)
        smooth = np.convolve(loss, np.ones(window) / window, "valid")
        label = f"{TEXT_LABELS[name]}, {run.active_parameters / 1e3:.0f}k active"
        left.plot(np.arange(len(smooth)) + window, smooth, color=COLOURS[i], label=label)
        values = run.validation.values - runs["softmax"].validation.values[: run.sizes["seed"]]
        right.plot(values, np.full(len(values), i), MARKERS[i], color=COLOURS[i])
        right.annotate(
            f"{run.validation.values.mean():.3f} nats",
            (values.mean(), i),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    for name, gap in PAPER.items():
        right.axvline(gap, color="black", lw=0.8, ls=":")
        right.annotate(f"paper, {name}", (gap, len(runs) - 0.55), rotation=90, fontsize=7, ha="right", va="bottom")
    left.set(xlabel="step", ylabel="training loss, nats per character")
    left.legend()
    right.set_yticks(range(len(runs)), [TEXT_LABELS[name] for name in runs])
    right.set_ylim(len(runs) - 0.5, -0.6)
    seeds = max(run.sizes["seed"] for run in text)
    right.set_xlabel(f"validation loss minus softmax, nats ({seeds} seed{'s' if seeds > 1 else ''})")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
