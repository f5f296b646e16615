"""How often a random support violates the lemma of the preconditioner, and what coefficients cost where it does not."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.regression.ill_conditioned import draw_columns, random_support, unit_columns
from lib.regression.many_digits import check_lemma as check_in_digits
from lib.regression.many_digits import exact_cauchy, geometric_factor
from lib.regression.preconditioner import failure_bound, largest_cost, precondition, violates

PAPER = "sparse_regression_random_support"
DIGITS = {"cauchy": 80, "factor, 2^200": 200}


def check_lemma(
    *,
    designs: list[str],
    cells: list[list[int]],
    rows: int,
    dim: int,
    spread: float,
    draws: int,
    digits_size: int,
    digits_draws: int,
    root_seed: int,
) -> xr.Dataset:
    """Return violations and costs (design, cell, draw) in doubles, and (exact, digits_draw) in many digits.

    The design is drawn once, supports and preconditioners again and again.

    Args:
        designs: of `lib.regression.ill_conditioned`.
        cells: sparsity k and size r of each.
        rows, dim, spread: n, d and the ratio of scales.
        draws: at each design and cell.
        digits_size: r in many digits, with k = 4.
        digits_draws: in many digits.
        root_seed: root of the random streams.
    """
    shape = (len(designs), len(cells), draws)
    violated, costs = np.zeros(shape), np.full(shape, np.nan)
    for d, design in enumerate(designs):
        drawn = draw_columns(design, rows, dim, spread, generator(root_seed, PAPER, "lemma", "design", design))
        x, _ = unit_columns(drawn)
        for c, (sparsity, size) in enumerate(cells):
            supports, columns = (
                generator(root_seed, PAPER, "lemma", part, design, c) for part in ("support", "columns")
            )
            for draw in range(draws):
                support = random_support(dim, sparsity, supports)
                # the support's columns come first: no other distances are needed
                few = x[:, np.concatenate([support, columns.choice(dim, size, replace=False)])]
                places, chosen = np.arange(sparsity), precondition(few, np.arange(sparsity, sparsity + size))
                violated[d, c, draw] = violates(few, places, chosen)
                costs[d, c, draw] = largest_cost(few, places, chosen.distances[places])
    exact = np.full((2, len(DIGITS), digits_draws), np.nan)
    for e, (name, digits) in enumerate(DIGITS.items()):
        for draw in range(digits_draws):
            rng = generator(root_seed, PAPER, "lemma in digits", name, draw)
            count = 4 + digits_size  # support and chosen columns of a design of any number of columns
            if name == "cauchy":
                columns = exact_cauchy(rows, rng.uniform(0.01, 1, count), digits)
            else:
                columns = geometric_factor(rows, rng.integers(0, 201, count), rng, digits)
            exact[:, e, draw] = check_in_digits(columns, list(range(4)), list(range(4, count)), digits)
    sparsities, sizes = np.array(cells).T
    dims = ("design", "cell", "draw")
    return xr.Dataset(
        {
            "violated": (dims, violated, {"long_name": "some column is farther from U than from the rest of S"}),
            "cost": (dims, costs, {"units": "1", "long_name": "largest weighted norm over k |X w|"}),
            "bound": ("cell", [failure_bound(*cell) for cell in cells], {"long_name": "k (k - 1) / (r + k - 1)"}),
            "sparsity": ("cell", sparsities),
            "size": ("cell", sizes),
            "exact_violated": (("exact", "digits_draw"), exact[0], {"long_name": "the same in many digits"}),
            "exact_cost": (("exact", "digits_draw"), exact[1], {"units": "1", "long_name": "the same in many digits"}),
        },
        coords={
            "design": designs,
            "cell": [f"k = {k}, r = {r}" for k, r in cells],
            "draw": np.arange(draws),
            "exact": list(DIGITS),
            "digits_draw": np.arange(digits_draws),
        },
        attrs={"rows": rows, "dim": dim},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_lemma, snakemake)
