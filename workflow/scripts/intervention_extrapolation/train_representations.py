"""Autoencoders with and without the linear invariance constraint, and linear representations, in many settings."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.representations.autoencoder import train_autoencoders
from lib.representations.interventions import draw_model, draw_together
from lib.representations.restriction import restriction_of, restriction_test
from lib.representations.scores import affine_r2, canonical_axes, principal_axes
from lib.training.state import Part, results_so_far

SLUG = "intervention_extrapolation"
DEFAULTS = {
    "mixing": "wide",
    "strength": 2.0,
    "latent": 2,
    "actions": 2,
    "half_width": 1.0,
    "curvature": 0.0,
    "noise": 0.0,
}
TESTED = 1000  # fresh rows of the permutation test, whose cost is quadratic in them
PERMUTATIONS = 100


def train_representations(
    *,
    cells: list[dict],
    seeds: int,
    rows: int,
    tests: int,
    penalties: list[float],
    width: int,
    epochs: int,
    batch: int,
    learning_rate: float,
    device: str,
    root_seed: int,
    checkpoint=None,
) -> xr.Dataset:
    """Return how well each representation is the latent vector up to an affine map, on fresh rows.

    Args:
        cells: settings, each with a `name`, what differs from `DEFAULTS`, and perhaps `features`, `seeds`, `kind` and
            `scaling` (`lib.representations.autoencoder`). Data sets of one seed share noise and mixing over cells.
        seeds: data sets of each cell that does not say otherwise.
        rows, tests: rows of training and of evaluation.
        penalties: lambda; those of a cell may be fewer.
        width, epochs, batch, learning_rate: of the training.
        device: where to compute.
        root_seed: root of the random streams.
        checkpoint: where the state of the training is saved.
    """
    results = results_so_far(checkpoint)
    for cell in cells:
        if f"r2:{cell['name']}" not in results:
            part = Part(checkpoint, cell["name"], results) if checkpoint else None
            results |= _train_cell(
                cell, min(seeds, cell.get("seeds", seeds)), rows, tests, penalties, root_seed, part,
                width=width, epochs=epochs, batch=batch, learning_rate=learning_rate, device=device,
            )  # fmt: skip

    def table(what: str, shape: tuple[int, ...]) -> np.ndarray:
        values = np.full((len(cells), seeds, *shape), np.nan)
        for i, cell in enumerate(cells):
            own = results[f"{what}:{cell['name']}"]
            values[i, : len(own)] = own
        return values

    dims = ("cell", "seed", "penalty")
    settings = {key: ("cell", [cell.get(key, value) for cell in cells]) for key, value in DEFAULTS.items()}
    return xr.Dataset(
        {
            "r2": (dims, table("r2", (len(penalties),)), {"long_name": "affine R² on fresh rows"}),
            "reconstruction": (
                dims,
                table("reconstruction", (len(penalties),)),
                {"long_name": "squared error per row"},
            ),
            "pvalue": (dims, table("pvalue", (len(penalties),)), {"long_name": "p-value of the constraint"}),
            "linear": (
                ("cell", "seed", "estimator"),
                table("linear", (2,)),
                {"long_name": "affine R² of linear representations"},
            ),
        },
        coords={
            "cell": [cell["name"] for cell in cells],
            "penalty": [float(value) for value in penalties],
            "estimator": ["cca", "pca"],
            **settings,
        },
        attrs={"rows": rows, "epochs": epochs, "width": width},
    )


def _train_cell(cell, seeds, rows, tests, penalties, root_seed, checkpoint, **training) -> dict[str, np.ndarray]:
    own = [float(value) for value in cell.get("penalties", penalties)]
    place = [list(map(float, penalties)).index(value) for value in own]
    options = DEFAULTS | {key: value for key, value in cell.items() if key in (*DEFAULTS, "features")}

    def streams(what: str) -> list:
        return [generator(root_seed, SLUG, what, seed) for seed in range(seeds)]

    models = [draw_model(rng, **options) for rng in streams("model")]
    data, fresh = draw_together(models, rows, streams("rows")), draw_together(models, tests, streams("fresh"))
    weights = [int(seed_sequence(root_seed, SLUG, "weights", s).generate_state(1)[0]) for s in range(seeds)]
    trained = train_autoencoders(
        data.actions,
        data.features,
        own,
        weights,
        latent=options["latent"],
        kind=cell.get("kind", "leaky"),
        scaling=cell.get("scaling", "coordinate"),
        checkpoint=checkpoint,
        **training,
    )
    phi = trained.encode(fresh.features)
    r2, reconstruction, pvalue = (np.full((seeds, len(penalties)), np.nan) for _ in range(3))
    reconstruction[:, place] = trained.reconstruction_errors(fresh.features)
    linear = np.empty((seeds, 2))
    for s, rng in enumerate(streams("permutations")):
        z, x = fresh.latent[s], fresh.features[s]
        restriction = restriction_of(fresh.actions[s][:TESTED])
        for i, j in enumerate(place):
            r2[s, j] = affine_r2(z, phi[s, i])
            pvalue[s, j] = restriction_test(phi[s, i, :TESTED], restriction, PERMUTATIONS, rng).pvalue
        for i, (mean, axes) in enumerate(
            (
                canonical_axes(data.features[s], data.actions[s], options["latent"]),
                principal_axes(data.features[s], options["latent"]),
            )
        ):
            linear[s, i] = affine_r2(z, (x - mean) @ axes)
    values = {"r2": r2, "reconstruction": reconstruction, "pvalue": pvalue, "linear": linear}
    return {f"{key}:{cell['name']}": value for key, value in values.items()}


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_representations, snakemake)
