"""Table: repeated hidden states and smallest distances by layer and kind of pair, beside the authors'."""

import pandas as pd

from lib.abstraction.published import DISTANCES


def table(distances) -> pd.DataFrame:
    """Return one row for each layer and kind of pair; then random transformers."""
    rows = []
    for place in distances.place.values:
        for kind in distances.pairs.values:
            smallest = distances.distance.sel(place=place, pairs=kind)
            paper = DISTANCES.get(str(kind))
            rows.append(
                [
                    "inputs" if place == 0 else f"layer {place}",
                    str(kind),
                    int(distances.duplicates.sel(place=place).sum()),
                    f"{float(smallest.mean()):.2g}",
                    f"{paper[int(place)]:.2g}" if paper else "",
                ]
            )
    for state in distances.state.values:
        for depth in range(distances.sizes["depth"]):
            closest = distances.closest.sel(state=state).isel(depth=depth)
            name = f"random transformers, layer {depth + 1}, {state}"
            rows.append([name, "all", int((closest < 1e-9).sum()), f"{float(closest.mean()):.2g}", ""])
    return pd.DataFrame(rows, columns=["states", "pairs", "repeated", "smallest distance, mean", "authors, mean"])


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
