"""Tables of fine-tuning runs: those of a kind, by encoder and seed, and the learning rate that validation prefers."""

import numpy as np
import xarray as xr


def run_values(runs: xr.Dataset, procedure: str, measure: str, **choice) -> np.ndarray:
    """A measure of the runs of a procedure, (encoders, seeds).

    Args:
        runs: variables over `run`, among them `procedure`, `encoder`, `seed`, `documents`, `rate`, `scale`, `noise`.
        procedure: its name.
        measure: name of a variable.
        choice: values of other variables; by default the first number of documents, scale 1 and noise 0.

    Raises:
        ValueError: no such run, or other numbers of seeds in different encoders.
    """
    choice = {"documents": int(runs.attrs["documents"][0]), "scale": 1.0, "noise": 0.0, **choice}
    rows = runs.procedure.values == procedure
    for key, value in choice.items():
        rows = rows & np.isclose(runs[key].values.astype(float), value)
    order = np.flatnonzero(rows)
    order = order[np.lexsort((runs.seed.values[order], runs.encoder.values[order]))]
    counts = np.unique(runs.encoder.values[order], return_counts=True)[1]
    if not len(counts) or len(set(counts.tolist())) > 1:
        raise ValueError(
            f"{procedure}, {choice}: got {counts.tolist()} runs by encoder, expected equally many, at least 1"
        )
    return runs[measure].values[order].astype(float).reshape(len(counts), -1)


def tried_rates(runs: xr.Dataset, procedure: str, documents: int) -> list[float]:
    """Learning rates at which a procedure was run on a number of documents."""
    rows = (runs.procedure.values == procedure) & (runs.documents.values == documents)
    rows = rows & (runs.scale.values == 1) & (runs.noise.values == 0)
    rates, counts = np.unique(runs.rate.values[rows], return_counts=True)
    return rates[counts == counts.max()].tolist()


def best_by_validation(runs: xr.Dataset, procedure: str, measure: str, documents: int) -> np.ndarray:
    """A measure (encoders, seeds) at the learning rate that each run's own validation documents prefer.

    Of equally accurate ones the smallest; where an accuracy is not a number there is no choice, and no number either.
    """
    options = [{"rate": rate, "documents": documents} for rate in tried_rates(runs, procedure, documents)]
    held_out = np.stack([run_values(runs, procedure, "validation", **option) for option in options])
    values = np.stack([run_values(runs, procedure, measure, **option) for option in options])
    chosen = np.take_along_axis(values, held_out.argmax(axis=0)[None], axis=0)[0]
    return np.where(np.isfinite(held_out).all(axis=0), chosen, np.nan)
