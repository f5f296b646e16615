"""Table: errors of the identities of linear interpreters, by network."""

import numpy as np
import pandas as pd


def table(identity) -> pd.DataFrame:
    """Return one row for each network; rounding errors as powers of ten, so that two runs give the same table."""
    rows = []
    for name in identity.model.values:
        one = identity.sel(model=name)
        piecewise = bool(one.piecewise)
        apart = float(one.jacobian.max())
        rows.append(
            [
                name,
                _size(one.identity.max()),
                "yes" if bool(one.same.all()) else "no",
                _size(one.adjoint.max()),
                _size(apart) if piecewise else f"{apart:.2f}",
                _size(one.bias.max()),
                f"{float(one.residual.mean()):.2g}",
            ]
        )
    return pd.DataFrame(
        rows,
        columns=[
            "network", "error of F x + r, at most", "output unchanged", "adjoint gap, at most",
            "distance of F from the Jacobian",
            "distance of r from the biases' effect, at most", "size of r",
        ],
    )  # fmt: skip


def _size(value) -> str:
    """Upper power of ten of a rounding error; empty where it was not measured."""
    value = float(value)
    if np.isnan(value):
        return ""
    return "0" if value == 0 else f"1e{int(np.ceil(np.log10(value)))}"


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(table, snakemake)
