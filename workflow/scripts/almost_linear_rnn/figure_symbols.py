"""Figure: coordinates of free runs coloured by symbol, growth of words, block entropies."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.symbols import SHADES, coloured_trace


def figure(lorenz, rossler):
    """Return the figure: first 1000 steps of both systems' best models; N(n), and H_n - H_{n-1}."""
    fig, axes = new_figure(ncols=2, nrows=2, width=9.6, height=6.4)
    for axis, run, name in ((axes[0, 0], lorenz, "Lorenz-63"), (axes[0, 1], rossler, "Rössler")):
        d = int(run.best_detail)
        steps = min(1000, run.sizes["step"])
        t = run.attrs["dt"] * np.arange(steps)
        for k, letter in enumerate("xyz"):
            coloured_trace(
                axis, t, run.orbit.values[d, :steps, k], run.code.values[d, :steps], run.symbol.values[d], -5.0 * k
            )
            axis.text(-0.01 * t[-1], -5.0 * k, letter, ha="right", va="center")
        for shade, symbol, fraction in zip(SHADES, run.symbol.values[d], run.fraction.values[d]):
            if symbol >= 0 and fraction >= 0.0005:
                axis.scatter([], [], s=20, color=shade, label=f"symbol {symbol}")
        axis.set(title=f"{name}, P = {run.attrs['target']}", xlabel="time (units of the system)", yticks=[])
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=4)
    counts, entropies = axes[1]
    for index, (run, name) in enumerate(((lorenz, "Lorenz-63"), (rossler, "Rössler"))):
        colour, marker = COLOURS[index], MARKERS[index]
        n = run.length.values
        for d in range(run.sizes["detail"]):
            last = d == run.sizes["detail"] - 1
            style = {"marker": marker, "ms": 4, "color": colour, "lw": 0.9}
            label = f"{name}, code" if last else None
            counts.plot(n, run.words.values[d], mfc="white", label=label, **style)
            short = np.where(run.compressed_words.values[d] > 0, run.compressed_words.values[d], np.nan)
            label = f"{name}, repetitions left out" if last else None
            counts.plot(n, short, ls="--", label=label, **style)
            rate = np.diff(run.block_entropy.values[d])
            entropies.plot(n[1:], rate, mfc="white", label=f"{name}, $h_n$" if last else None, **style)
        exponent = float(run.lyapunov.values[int(run.best_detail), 0])
        label = f"{name}, largest Lyapunov exponent"
        entropies.axhline(exponent, color=colour, lw=1, ls=":" if index else "--", label=label)
    top = counts.get_ylim()[1]
    limit = (1 + np.sqrt(2)) ** n
    counts.plot(n, np.where(limit < 3 * top, limit, np.nan), label="$(1 + \\sqrt{2})^n$", **REFERENCE)
    counts.set(yscale="log", xlabel="word length n", ylabel="distinct words N(n)", xticks=n[::2])
    entropies.set(yscale="log", xlabel="word length n", ylabel="$h_n = H_n - H_{n-1}$ (nats per step)", xticks=n[::2])
    for axis in axes[1]:
        axis.legend(fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
