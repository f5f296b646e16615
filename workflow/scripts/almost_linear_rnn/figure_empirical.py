"""Figure: empirical series and free runs of their models: traces by symbol, transition graph, power spectra."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure, panel_labels
from lib.drawing.symbols import SHADES, coloured_trace
from lib.dynamics.ecg import q_troughs, r_peaks
from lib.dynamics.measures import smoothed_spectrum

TITLES = {"synthetic_ecg": "synthetic ECG (a stand-in)", "ecg": "ECG", "fmri": "fMRI"}


def _draw_transitions(axis, run, d):
    """Matrix of transition probabilities, written out: rows from, columns to."""
    k = max(1, int(run.kept.values[d].sum()))
    matrix = run.transition.values[d, :k, :k]
    axis.imshow(np.log10(np.maximum(matrix, 1e-4)), cmap="Greys", vmin=-4, vmax=1.5, aspect="equal")
    for i in range(k):
        for j in range(k):
            axis.text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", fontsize=8)
    names = [f"{r} ({100 * f:.0f} %)" for r, f in enumerate(run.fraction.values[d, :k], 1)]
    axis.set(xticks=range(k), yticks=range(k), xticklabels=range(1, k + 1), yticklabels=names)
    axis.set(xlabel="to region", ylabel="from region (share of the time)", title="transition probabilities")
    axis.grid(False)


def figure(series: list, analysed: list):
    """Return the figure: one row for each data set."""
    rows, ratios = len(analysed), {"width_ratios": [2.2, 1.1, 1.2]}
    fig, axes = new_figure(3, rows, width=11.6, height=3.8 * rows, squeeze=False, gridspec_kw=ratios)
    for row, (data, run) in enumerate(zip(series, analysed)):
        d, x, dt = int(run.best_detail), data.x.values, run.attrs["dt"]
        steps = min(500, run.sizes["step"], len(x))
        t = dt * np.arange(steps)
        gap = 1.3 * (x[:steps, 0].max() - x[:steps, 0].min())
        trace = axes[row, 0]
        trace.plot(t, x[:steps, 0] + gap, color="0.2", lw=0.8, label="series")
        free = run.orbit.values[d, :steps, 0]
        symbols = run.symbol.values[d][run.kept.values[d]]
        coloured_trace(trace, t, free, run.code.values[d, :steps], symbols)
        for rank, shade in zip(range(1, len(symbols) + 1), SHADES):
            trace.scatter([], [], s=20, color=shade, label=f"free run, region {rank}")
        if "q_share" in run:
            for times, mark, label in ((r_peaks(free), "v", "R peaks"), (q_troughs(free), "x", "Q troughs")):
                trace.plot(t[times], free[times], mark, ms=6, color="black", ls="", label=label, zorder=4)
        shown = run.isel(run=np.flatnonzero(run.rectified.values == run.attrs["target"])[d])
        name = TITLES[run.attrs["system"]]
        trace.set_title(
            f"{name}, P = {run.attrs['target']}: "
            f"$D_{{stsp}}$ = {float(shown.D_stsp):.2f}, $D_H$ = {float(shown.D_H):.3f}"
        )
        unit = data.time.attrs.get("units", "samples")
        trace.set(xlabel=f"time ({unit})", ylabel=f"{data.dim.values[0]} (standardised; series shifted)", yticks=[])
        trace.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
        _draw_transitions(axes[row, 1], run, d)
        n = min(len(x), run.sizes["step"], 10_000)
        frequency = np.fft.rfftfreq(n, dt)
        for values, text, style in ((x, "series", "-"), (run.orbit.values[d], "free run", "--")):
            power = smoothed_spectrum(values[:n], 20 if n > 2000 else 1)[:, 0]
            axes[row, 2].plot(frequency, power, ls=style, color="0.2" if style == "-" else COLOURS[1], label=text)
        axes[row, 2].set(yscale="log", xlim=(0, frequency[-1] * 0.4), ylim=(1e-7, None))
        axes[row, 2].set_ylabel("normalised power of one coordinate")
        axes[row, 2].set_xlabel("frequency (Hz)" if unit == "s" else f"frequency (1 / {unit})")
        axes[row, 2].legend()
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
