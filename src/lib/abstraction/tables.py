"""Fits as one table: a row for each alignment map, with what it is and what it reached."""

import pandas as pd


def fit_table(stores) -> pd.DataFrame:
    """Rows of several stores of fits, scalars alone; controls are left out."""
    frames = [
        store[[name for name in store.data_vars if store[name].dims == ("fit",)]].to_dataframe().reset_index()
        for store in stores
    ]
    rows = pd.concat(frames, ignore_index=True)
    return rows[rows.control == "none"] if "control" in rows else rows


def main_rates(rows: pd.DataFrame) -> pd.DataFrame:
    """Rotations at the learning rate of most, for each algorithm, group and snapshot; other maps as they are."""
    kept = [rows[rows["map"] != "orthogonal"]]
    for _, group in rows[rows["map"] == "orthogonal"].groupby(["algorithm", "group", "snapshot", "size"]):
        kept.append(group[group.rate == group.rate.value_counts().idxmax()])
    return pd.concat(kept, ignore_index=True)


def usual_fits(rows: pd.DataFrame) -> pd.DataFrame:
    """Fits of trained networks of a task by the usual maps, for each algorithm.

    Those are rotations at their main rate, reversible networks of most blocks and, of these, the narrowest, trained on
    fresh interventions or on the largest stored set.
    """
    rows = main_rates(rows)
    rows = rows[(rows.snapshot == "trained") & ~rows.group.str.startswith("fitted")]
    kept = []
    for _, part in rows.groupby(["algorithm", "map"]):
        part = part[part.stored == (0 if (part.stored == 0).any() else part.stored.max())]
        part = part[part.blocks == part.blocks.max()]
        kept.append(part[part.hidden == part.hidden.min()])
    return pd.concat(kept, ignore_index=True)
