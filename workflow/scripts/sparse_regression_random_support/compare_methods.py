"""Prediction errors of methods on problems with a random support."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.regression.comparison import method_error
from lib.regression.ill_conditioned import draw_problem

PAPER = "sparse_regression_random_support"
SETTINGS = ("rows", "dim", "sparsity", "size", "spread", "noise")


def compare_methods(*, points: list[dict], methods: list[str], seeds: int, root_seed: int, checkpoint) -> xr.Dataset:
    """Return errors (point, estimator, seed), each seed a design, a support, noise and a preconditioner of its own.

    Args:
        points: what is drawn: name, design, rows n, dim d, sparsity k, size r of the preconditioner, spread of scales,
            deviation of the noise.
        methods: of `lib.regression.comparison`.
        seeds: independent problems at each point.
        root_seed: root of the random streams; equal points of other runs get equal problems.
        checkpoint: between problems.
    """
    state = checkpoint.load() if checkpoint else None
    errors = np.array(state["errors"]) if state else np.full((len(points), len(methods), seeds), np.nan)
    start = int(state["done"]) if state else 0
    for index in range(start, len(points) * seeds):
        place, seed = divmod(index, seeds)
        point = points[place]
        drawn = [point[key] for key in ("design", "rows", "dim", "spread", "sparsity", "noise")]

        def stream(part, drawn=drawn, seed=seed):
            return generator(root_seed, PAPER, part, *drawn, seed)

        problem = draw_problem(*drawn, stream)
        chosen = np.sort(stream("preconditioner").choice(point["dim"], point["size"], replace=False))
        for m, method in enumerate(methods):
            errors[place, m, seed] = method_error(method, problem, chosen, point["noise"], stream("folds"))
        if checkpoint:
            checkpoint.save_if_due(lambda index=index: {"errors": errors, "done": np.array(index + 1)})
    attributes = {"units": "1", "long_name": "mean square of fit less signal"}
    return xr.Dataset(
        {
            "error": (("point", "estimator", "seed"), errors, attributes),
            **{key: ("point", [point[key] for point in points]) for key in SETTINGS},
            "design": ("point", [point["design"] for point in points]),
        },
        coords={"point": [point["name"] for point in points], "estimator": methods, "seed": np.arange(seeds)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(compare_methods, snakemake)
