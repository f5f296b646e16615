"""Errors of private iterative hard thresholding over settings and seeds, in the Gaussian limit."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.regression.designs import design_covariance, spread_parameter
from lib.regression.private import Rounds, limit_rounds, paper_rounds


def sweep_thresholding(
    *, points: list[dict], variants: list[str], rounds: int, seeds: int, noise: float, root_seed: int
) -> xr.Dataset:
    """Return the l2 error (variant, point, seed) after the last round, on the Rademacher design.

    Variants: `ours` (`rounds` groups, 2 k kept), `l1` (the same on the l1 ball), `one_round` (one group, k kept),
    `paper` (the paper's constants).

    Args:
        points: `users`, `dim`, `sparsity`, `epsilon`.
        variants: see above.
        rounds: T of `ours` and `l1`.
        seeds: independent runs.
        noise: size C of the errors of y.
        root_seed: root of the random streams.
    """
    errors = np.zeros((len(variants), len(points), seeds))
    counts = np.zeros((len(variants), len(points)), int)
    for p, point in enumerate(points):
        theta = spread_parameter(point["dim"], point["sparsity"])
        for v, variant in enumerate(variants):
            settings = _settings(variant, point, rounds)
            rng = generator(root_seed, "private_sparse_regression", "rounds", point, variant)
            path = limit_rounds(
                design_covariance("rademacher", point["dim"]), theta, settings, point["users"], point["epsilon"],
                1.0, 1 + noise, seeds, rng,
            )  # fmt: skip
            errors[v, p] = np.linalg.norm(path[:, -1] - theta, axis=1)
            counts[v, p] = settings.rounds
    return xr.Dataset(
        {
            "total": (("variant", "point", "seed"), errors, {"long_name": "l2 error after the last round"}),
            "rounds": (("variant", "point"), counts, {"long_name": "number of rounds"}),
            **{key: ("point", [point[key] for point in points]) for key in ("users", "dim", "sparsity", "epsilon")},
        },
        coords={"variant": variants},
    )


def _settings(variant: str, point: dict, rounds: int) -> Rounds:
    k = point["sparsity"]
    if variant == "paper":
        return paper_rounds(point["users"], k)
    if variant == "one_round":
        return Rounds(1, k, 1.0)
    return Rounds(rounds, 2 * k, 1.0, simplex=variant == "l1")


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(sweep_thresholding, snakemake)
