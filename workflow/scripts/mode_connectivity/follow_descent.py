"""Both children after a fork: losses at midpoint and ends, curvature between them, and planes through the fork."""

import numpy as np
import torch
import xarray as xr

from lib.landscape.curvature import directional_curvature
from lib.landscape.experiments import stored_task
from lib.landscape.lines import line_losses
from lib.landscape.parameters import inner, select, subtract
from lib.landscape.planes import coordinates, grid_around, plane_losses, plane_through
from lib.progress import progress

AT_ONCE = 41  # networks of a plane that are evaluated together
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def follow_descent(*, pairs: xr.Dataset, planes: list[int], grid: int) -> xr.Dataset:
    """Return losses and geometry of the children by steps after the fork, and losses on planes of the first seed.

    Args:
        pairs: of `train_pairs`.
        planes: forks whose children and common start span a plane.
        grid: values of each coordinate of a plane.
    """
    torch.set_num_threads(1)
    task, seeds = stored_task(pairs), pairs.sizes["seed"]
    loss = task.loss_of(range(seeds))
    children = pairs.children.transpose("fork", "after", "run", "seed", "parameter").values
    forks, after = children.shape[:2]
    shape = (forks, after, seeds)
    line = np.full((len(SHARES), *shape), np.nan)
    curvature, (distance, angle) = np.full((len(SHARES), *shape), np.nan), np.full((2, *shape), np.nan)
    bends = np.full((9, *shape), np.nan)
    for fork, at in progress([(f, a) for f in range(forks) for a in range(after)], "steps after forks"):
        if np.isnan(children[fork, at]).any():
            continue
        start = task.networks(children[fork, 0, 0])
        one, other = (task.networks(run) for run in children[fork, at])
        line[:, fork, at] = line_losses(loss, one, other, SHARES).numpy()
        tenths = line_losses(loss, one, other, np.linspace(0, 1, 11).tolist()).numpy()
        bends[:, fork, at] = np.diff(tenths, 2, axis=0)
        curvature[:, fork, at] = directional_curvature(loss, one, other, SHARES).numpy()
        delta, ways = subtract(other, one), [subtract(end, start) for end in (one, other)]
        distance[fork, at] = inner(delta, delta, stacked=True).sqrt().numpy()
        lengths = [inner(way, way, stacked=True).sqrt() for way in ways]
        cosine = inner(*ways, stacked=True) / (lengths[0] * lengths[1])
        angle[fork, at] = torch.rad2deg(torch.arccos(cosine.clamp(-1, 1))).numpy()
    by_step = ("fork", "after", "seed")
    tracks = _planes(task, pairs, children, planes, grid)
    return xr.Dataset(
        {
            "line": (("share", *by_step), line, {"long_name": "loss between the children"}),
            "curvature": (("share", *by_step), curvature, {"long_name": "almost-everywhere curvature along the line"}),
            "bend": (("tenth", *by_step), bends, {"long_name": "second difference of the loss along the line"}),
            "distance": (by_step, distance, {"long_name": "distance of the children"}),
            "angle": (by_step, angle, {"long_name": "angle of the ways from the fork", "units": "degree"}),
            **tracks,
        },
        coords={
            "share": list(SHARES), "tenth": np.arange(1, 10) / 10, "fork": pairs.fork.values,
            "after": pairs.after.values, "seed": pairs.seed.values, "plane": planes,
        },
        attrs={"steps": pairs.attrs["steps"]},
    )  # fmt: skip


def _planes(task, pairs, children: np.ndarray, planes: list[int], grid: int) -> dict:
    """Losses on a grid of each plane, and the coordinates of both children by steps after the fork."""
    whole = task.loss_of(np.zeros(AT_ONCE, dtype=int))

    def loss(networks):
        count = len(next(iter(networks.values())))
        return (whole if count == AT_ONCE else task.loss_of(np.zeros(count, dtype=int)))(networks)

    values, axes, tracks = [], [], []
    for k in planes:
        fork = list(pairs.fork.values).index(k)
        known = children[fork, :, :, 0]  # after, run, parameter
        networks = task.networks(known.reshape(-1, known.shape[-1]))
        origin, one, other = select(networks, 0), select(networks, -2), select(networks, -1)
        plane = plane_through(origin, one, other)
        track = coordinates(plane, [select(networks, i) for i in range(len(known) * 2)]).reshape(*known.shape[:2], 3)
        corners = track[[0, -1, -1], [0, 0, 1], :2]
        a, b = grid_around(corners, grid)
        values.append(plane_losses(loss, plane, a, b, AT_ONCE))
        axes.append((a, b))
        tracks.append(track)
    return {
        "plane_loss": (("plane", "second", "first"), np.array(values)),
        "plane_axis": (("plane", "axis", "first"), np.array(axes)),
        "track": (("plane", "after", "run", "coordinate"), np.array(tracks)),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(follow_descent, snakemake)
