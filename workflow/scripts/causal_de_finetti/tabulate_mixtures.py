"""Exact laws of two samples of one environment: independent mechanisms, dependent ones, and fixed ones."""

from fractions import Fraction

import xarray as xr

from lib.scm.exchangeable import X1, X2, Y1, Y2, atom_table, beta_table, gap, product_prior, random_prior


def tabulate_mixtures(*, priors: list[list[int]], coupled: list[list[float]], random_priors: int, rng) -> xr.Dataset:
    """Return gaps of the two statements across samples, X_1 | Y_2 given X_2 (causal) and Y_1 | X_2 given Y_2 (reverse).

    Args:
        priors: Beta parameters of P(X=1), P(Y=1|X=0), P(Y=1|X=1), independent of each other.
        coupled: equally likely joint values of the three probabilities.
        random_priors: number of priors of `lib.scm.exchangeable.random_prior`.
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
        prior = random_prior(rng)
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
    from lib.atlas.job.stage import run

    run(tabulate_mixtures, snakemake)
