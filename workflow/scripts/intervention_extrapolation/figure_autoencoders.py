"""Figure: affine R² with and without the constraint for several autoencoders."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure

KINDS = {"leaky": "leaky ReLU", "elu": "ELU", "variational": "variational"}


def figure(identification, autoencoders):
    """Return the figure; left of each pair without the constraint, right with it."""
    fig, axis = new_figure(width=6.6, height=3.6)
    count = autoencoders.sizes["seed"]
    plain = identification.r2.sel(cell="wide, 2").isel(seed=slice(count))
    tables = {"leaky ReLU": plain} | {KINDS[name]: autoencoders.r2.sel(cell=name) for name in ("elu", "variational")}
    others = [str(name) for name in autoencoders.cell.values if str(name) not in KINDS]
    tables |= {name: autoencoders.r2.sel(cell=name) for name in others}
    for i, table in enumerate(tables.values()):
        values = np.array(table.transpose("seed", "penalty").values)
        if i > 2:
            values[:, 0] = plain.sel(penalty=0.0)  # the same training: without a penalty nothing is scaled
        for k, row in enumerate(values):
            axis.plot([i - 0.15, i + 0.15], row, color=COLOURS[0], lw=0.8, label=None)
            axis.plot(i - 0.15, row[0], marker="s", mfc="white", color=COLOURS[1], ls="none", label=_once("none", i, k))
            axis.plot(i + 0.15, row[1], marker="o", color=COLOURS[0], ls="none", label=_once("constraint", i, k))
    axis.axvline(2.5, **(REFERENCE | {"linestyle": ":"}))
    axis.set_xticks(range(len(tables)), [name.replace(" by the ", "\nby the ") for name in tables])
    axis.set(ylabel="affine R² on fresh rows")
    axis.legend(loc="lower right")
    return fig


def _once(label: str, *places: int) -> str | None:
    return label if not any(places) else None


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
