"""Figure: validation loss against the bytes of a layer's state."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure

MODELS = {"mamba2": "Mamba-2", "mamba3": "Mamba-3", "mimo": "Mamba-3, rank 4"}


def figure(lm: list):
    """Return the figure: means over seeds with their range, the wide range of step sizes."""
    fig, axis = new_figure(width=5.6, height=4.0)
    sizes, absent = set(), []
    for i, (arch, label) in enumerate(MODELS.items()):
        runs = sorted((run for run in lm if run.arch == arch and run.init == "wide"), key=lambda run: run.state)
        if not runs:
            absent.append(label)
            continue
        middle = [float(run.validation.mean()) for run in runs]
        low = [m - float(run.validation.min()) for m, run in zip(middle, runs)]
        high = [float(run.validation.max()) - m for m, run in zip(middle, runs)]
        axis.errorbar(
            [run.state_bytes * 1.015 ** (i - 1) for run in runs],
            middle,
            [low, high],
            color=COLOURS[i],
            marker=MARKERS[i],
            ls=LINESTYLES[i],
            label=label,
        )
        sizes |= {(run.state_bytes, run.state) for run in runs}
    axis.set_xscale("log", base=2)
    ticks = sorted(sizes)
    axis.set_xticks([size for size, _ in ticks], [f"{size / 1024:g} KiB\nN = {state}" for size, state in ticks])
    axis.minorticks_off()
    seeds = max(len(run.seed) for run in lm)
    axis.set(
        xlabel="state of one layer and sequence (float32)",
        ylabel=f"validation loss (nats per character), {seeds} seed{'s' if seeds > 1 else ''}",
    )
    axis.margins(x=0.15, y=0.12)
    axis.legend(title=f"not trained at this scale: {', '.join(absent)}" if absent else None, title_fontsize=8)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
