"""Figure: which characters go to which memory."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure
from lib.language.corpus import python_manual

FREQUENT = 40


def figure(text: list):
    """Return the figure: shares of the most frequent characters by memory, and mutual information.

    Args:
        text: one store for each architecture.
    """
    run = next(run for run in text if run.arch == "mom")
    counts = run.counts.isel(seed=0).transpose("memory", "token").values.astype(float)
    often = np.argsort(-counts.sum(0), kind="stable")[:FREQUENT]
    often = often[counts.sum(0)[often] > 0]
    share = counts[:, often] / counts[:, often].sum(0)
    order = np.lexsort((-share.max(0), share.argmax(0)))
    fig, (left, right) = new_figure(2, width=9.0, height=3.2, width_ratios=[3.2, 1])
    image = left.imshow(share[:, order], aspect="auto", cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
    characters = python_manual().characters
    names = [_name(characters[token]) for token in often[order]]
    left.set_xticks(range(len(names)), names, fontsize=7, fontfamily="monospace")
    left.set_yticks(range(len(share)), [str(memory + 1) for memory in range(len(share))])
    left.set(xlabel=f"the {len(names)} most frequent characters of the manual inside Python", ylabel="memory")
    left.grid(False)
    fig.colorbar(image, ax=left, label="share of a character's visits", pad=0.01)
    seeds = run.sizes["seed"]
    rows = {
        "trained": run.information.values,
        "before training": run.information_before.values,
        "characters shuffled": run.information_shuffled.max("shuffle").values,
    }
    for i, (name, values) in enumerate(rows.items()):
        right.plot(np.full(seeds, i), values, MARKERS[i], color=COLOURS[i], label=name)
    right.set_xticks(range(len(rows)), [name.replace(" ", "\n") for name in rows], fontsize=7.5)
    right.set_xlim(-0.5, len(rows) - 0.5)
    right.set_yscale("log")
    right.set_ylabel(f"mutual information, nats\n({seeds} seed{'s' if seeds > 1 else ''})")
    return fig


def _name(character: str) -> str:
    return {" ": "space", "\n": "\\n", "\t": "\\t"}.get(character, character)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
