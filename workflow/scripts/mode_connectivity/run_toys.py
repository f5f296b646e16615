"""Two toys: gradient descent on a product of two numbers, and pairs of runs that part on a pitchfork."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.landscape.toys import (
    Pitchfork,
    descend_factorisation,
    factorisation_barrier,
    factorisation_loss,
    part_runs,
    pitchfork_loss,
    wall_height,
)

LINE = np.linspace(0, 1, 101)


def run_toys(
    *,
    starts: int,
    step: float,
    steps: int,
    least_sum: float,
    heights: list[float],
    pairs: int,
    kept: int,
    root_seed: int,
) -> xr.Dataset:
    """Return ends and barriers of descents on both sides of a ridge, and partings by the height of the fork.

    Args:
        starts: pairs of starts of the factorisation, one on each side of the ridge.
        step, steps: of its gradient descent.
        least_sum: starts closer to the ridge, |a + b| below it, are drawn again.
        heights: values of y at which pairs of the pitchfork part.
        pairs: of each height.
        kept: pairs whose paths are kept, at each height.
        root_seed: root of the random streams.
    """
    rng = generator(root_seed, "mode_connectivity", "factorisation")
    first, second = (_draw(starts, least_sum, side, rng) for side in (1, -1))
    ends = [descend_factorisation(*one, step, steps) for one in (first, second)]
    line = [(1 - LINE[:, None]) * a + LINE[:, None] * b for a, b in zip(*ends)]
    losses = factorisation_loss(*line)
    chord = (1 - LINE[:, None]) * losses[0] + LINE[:, None] * losses[-1]
    toy = Pitchfork()
    parting = part_runs(toy, heights, pairs, generator(root_seed, "mode_connectivity", "pitchfork"), kept)
    runs = parting.ends
    along = (1 - LINE[:, None, None]) * runs[..., 0] + LINE[:, None, None] * runs[..., 1]
    walls = pitchfork_loss(along, toy.end, toy.critical)
    walls = walls - ((1 - LINE[:, None, None]) * walls[0] + LINE[:, None, None] * walls[-1])
    return xr.Dataset(
        {
            "start": (("side", "coordinate", "start"), np.array([first, second])),
            "end": (("side", "coordinate", "start"), np.array(ends)),
            "barrier": ("start", (losses - chord).max(axis=0), {"long_name": "barrier on the line, measured"}),
            "closed": ("start", factorisation_barrier(ends[0][0], ends[1][0]), {"long_name": "barrier, closed form"}),
            "parted": (("height", "pair"), runs[..., 0] * runs[..., 1] < 0),
            "wall": (("height", "pair"), walls.max(axis=0), {"long_name": "barrier on the line, measured"}),
            "path": (("height", "kept", "run", "step"), parting.paths),
        },
        coords={"side": [1, -1], "height": heights},
        attrs={
            "wall": float(wall_height(toy.end, toy.critical)),
            "critical": toy.critical,
            "step": step,
            "first": toy.start,
            "last": toy.end,
        },
    )


def _draw(count: int, least: float, side: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Standard normal starts (a, b) on one side of a + b = 0, at least `least` from it in the sum."""
    chosen = np.empty((0, 2))
    while len(chosen) < count:
        drawn = rng.standard_normal((4 * count, 2))
        chosen = np.concatenate([chosen, drawn[side * drawn.sum(axis=1) >= least]])
    return chosen[:count, 0], chosen[:count, 1]


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(run_toys, snakemake)
