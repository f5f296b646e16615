"""Compositions and variation matrices from text files."""

from pathlib import Path

import numpy as np

from lib.compositional.logratio import check_composition, replace_zeros


def read_composition(
    path: Path, parts: list[str] | None = None, zeros: str | None = None
) -> tuple[np.ndarray, list[str]]:
    """Read a table of compositions; it is not closed again.

    Args:
        path: CSV with a header of the names of the parts and one row for each sample, all entries > 0.
        parts: names of the columns, in any order; None for those of the file.
        zeros: None refuses zeros; a method of `replace_zeros` replaces them.

    Returns:
        `(X (n, D), names)`, columns in the order of `parts`.

    Raises:
        ValueError: missing, unknown or repeated names, no rows, or an entry that is not a number > 0.
    """
    import pandas as pd

    header = pd.read_csv(path, header=None, nrows=1, dtype=str).fillna("")
    names = [name.strip() for name in header.iloc[0]]
    order = names if parts is None else list(parts)
    if sorted(names) != sorted(order) or len(set(names)) != len(names):
        raise ValueError(
            f"{Path(path).name}: got the columns {', '.join(names)}, expected each once: {', '.join(order)}"
        )
    table = pd.read_csv(path, header=None, skiprows=1, names=names)
    if table.empty:
        raise ValueError(f"{Path(path).name}: got no rows, expected at least one")
    for name in names:
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise ValueError(f"{Path(path).name}: column {name}: got text, expected numbers")
    try:
        X = table[order].to_numpy(dtype=float)
        return check_composition(X if zeros is None else replace_zeros(X, zeros)), order
    except ValueError as error:
        raise ValueError(f"{Path(path).name}: {error}") from None


def read_variation(path: Path) -> tuple[np.ndarray, list[str]]:
    """Read a variation matrix, one line for each pair of parts.

    Args:
        path: CSV `first,second,variance`; comment lines begin with #.

    Returns:
        `(T (D, D), names)`, names in the order of their first appearance.

    Raises:
        ValueError: a pair is missing, repeated or of a part with itself, or a variance is not positive.
    """
    import pandas as pd

    table = pd.read_csv(path, comment="#")
    names = list(dict.fromkeys([*table["first"], *table["second"]]))
    T = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(T, 0)
    for first, second, variance in table[["first", "second", "variance"]].itertuples(index=False):
        i, j = names.index(first), names.index(second)
        if not np.isnan(T[i, j]) or not variance > 0:
            raise ValueError(
                f"{Path(path).name}: got {first}, {second}, {variance}, expected each pair once, variance > 0"
            )
        T[i, j] = T[j, i] = variance
    if np.isnan(T).any():
        i, j = np.argwhere(np.isnan(T))[0]
        raise ValueError(f"{Path(path).name}: got no variance of {names[i]} and {names[j]}, expected every pair")
    return T, names
