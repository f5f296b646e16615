"""Exact laws of two samples of one environment: independent mechanisms, dependent ones, and fixed ones."""

from fractions import Fraction

import numpy as np
import xarray as xr

from lib.scm.exchangeable import atom_table, beta_table, gap, product_prior

X1, Y1, X2, Y2 = range(4)


def tabulate_mixtures(*, priors: list[list[int]], coupled: list[list[float]], random_priors: int, rng) -> xr.Dataset:
    """Return gaps of the two statements across samples, X_1 | Y_2 given X_2 (causal) and Y_1 | X_2 given Y_2 (reverse).

    Args:
        priors: Beta parameters of P(X=1), P(Y=1|X=0), P(Y=1|X=1), independent of each other.
        coupled: equally likely joint values of the three probabilities.
        random_priors: priors of 2 or 3 equally likely joint values in 0.05..0.95, different in each coordinate.
        rng: draws them.
    """
    atoms = [tuple(Fraction(str(value)) for value in row) for row in coupled]
    tables = {
        "independent": beta_table([tuple(pair) for pair in priors]),
        "coupled": atom_table([(Fraction(1, len(atoms)), atom) for atom in atoms]),
        "fixed": atom_table([(Fraction(1), atoms[0])]),
    }
    forward, backward = [[gap(t, *s) for t in tables.values()] for s in ((X1, Y2, X2), (Y1, X2, Y2))]
    dependent, independent = [], []
    for _ in range(random_priors):
        count = int(rng.integers(2, 4))
        columns = [rng.choice(np.arange(1, 20), count, replace=False) for _ in range(3)]
        prior = [(Fraction(1, count), tuple(Fraction(int(column[k]), 20) for column in columns)) for k in range(count)]
        dependent.append(gap(atom_table(prior), X1, Y2, X2))
        independent.append(gap(atom_table(product_prior(prior)), X1, Y2, X2))
    return xr.Dataset(
        {
            "gap": (("statement", "mixture"), [[float(g) for g in forward], [float(g) for g in backward]]),
            "exact": (("statement", "mixture"), [[str(g) for g in forward], [str(g) for g in backward]]),
            "dependent": ("prior", [float(g) for g in dependent], {"long_name": "gap of dependent mechanisms"}),
            "independent": ("prior", [float(g) for g in independent], {"long_name": "gap of the product prior"}),
        },
        coords={"statement": ["causal", "reverse"], "mixture": list(tables)},
    )


if "snakemake" in globals():
    from lib.atlas.stage import run

    run(tabulate_mixtures, snakemake)
