"""Figure: coordinates of free runs coloured by symbol, growth of words, block entropies."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.symbols import SHADES, coloured_trace

EXPONENT = {"Lorenz-63": 0.00906, "Rössler": 0.0057}  # of the systems, per step


def _draw_trace(axis, run, name):
    """The first 1000 steps of the chosen model."""
    d = int(run.best_detail)
    steps = min(1000, run.sizes["step"])
    t, symbols = run.attrs["dt"] * np.arange(steps), run.symbol.values[d]
    for k, letter in enumerate("xyz"):
        coloured_trace(axis, t, run.orbit.values[d, :steps, k], run.code.values[d, :steps], symbols, -5.0 * k)
        axis.text(-0.01 * t[-1], -5.0 * k, letter, ha="right", va="center")
    for rank, (shade, fraction) in enumerate(zip(SHADES, run.fraction.values[d]), 1):
        if fraction >= 0.0005:
            axis.scatter([], [], s=20, color=shade, label=f"region {rank}")
    axis.set(title=f"{name}, chosen model, P = {run.attrs['target']}", yticks=[])
    axis.set(xlabel="time (units of the system)")
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=4)


def _draw_range(axis, n, values, label, colour, marker, line="-"):
    """Median over trainings, with the range of all of them shaded; lengths that no training has are left out."""
    values = np.where(values > 0, values, np.nan)
    known = np.isfinite(values).any(axis=0)
    if not known.any():  # models that stay in one region
        return
    low, middle, high = np.nanquantile(values[:, known], [0, 0.5, 1], axis=0)
    axis.fill_between(n[known], low, high, color=colour, alpha=0.15, lw=0)
    axis.plot(n[known], middle, marker=marker, ms=4, mfc="white", color=colour, ls=line, lw=1, label=label)


def figure(lorenz, rossler):
    """Return the figure: first 1000 steps of both systems' chosen models; N(n), and H_n - H_{n-1}, of all trainings."""
    fig, axes = new_figure(ncols=2, nrows=2, width=9.6, height=6.6)
    counts, entropies = axes[1]
    for index, (run, name) in enumerate(((lorenz, "Lorenz-63"), (rossler, "Rössler"))):
        _draw_trace(axes[0, index], run, name)
        own = run.isel(run=np.flatnonzero(run.rectified.values == run.attrs["target"]))
        close = own.D_stsp.values < (5, 3)[index]
        close = close if close.any() else ~close
        colour, marker, n = COLOURS[index], MARKERS[index], run.length.values
        _draw_range(counts, n, run.kept_words.values[close], f"{name}, kept regions and edges", colour, marker)
        _draw_range(
            counts,
            n,
            run.compressed_words.values[close],
            f"{name}, repetitions left out",
            colour,
            MARKERS[index + 2],
            ":",
        )
        rate = np.diff(run.block_entropy.values[close], axis=1)
        _draw_range(entropies, n[1:], rate, f"{name}, $h_n$", colour, marker)
        line = ":" if index else "--"
        entropies.axhline(EXPONENT[name], color=colour, lw=1, ls=line, label=f"{name}, largest Lyapunov exponent")
    for base, label, line in (
        (1 + np.sqrt(2), "$(1 + \\sqrt{2})^n$, chain of three", (0, (4, 2))),
        (2, "$2^n$", (0, (1, 1))),
    ):
        counts.plot(n, base**n, label=label, **REFERENCE | {"linestyle": line})
    counts.set(yscale="log", xlabel="word length n", ylabel="distinct words N(n)", xticks=n[::2], ylim=(1, None))
    entropies.set(yscale="log", xlabel="word length n", ylabel="$h_n = H_n - H_{n-1}$ (nats per step)", xticks=n[::2])
    counts.set_title("every training that reconstructs the series", fontsize=9)
    entropies.set_title("the same trainings; lines: of the systems", fontsize=9)
    counts.legend(fontsize=7)
    entropies.legend(fontsize=7, loc="center right")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
