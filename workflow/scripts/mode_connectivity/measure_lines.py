"""Losses on the lines between the two networks of every pair, and of independent ones after their units are matched."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.landscape.alignment import match_weights, permute
from lib.landscape.experiments import stored_ends, stored_task
from lib.landscape.lines import chord_excess, line_losses
from lib.landscape.parameters import flatten, select
from lib.progress import progress

MEASURES = ("train_loss", "train_error", "test_loss", "test_error")


def measure_lines(
    *, pairs: xr.Dataset, alphas: int, sweeps: int, matchings: int, largest: dict[str, float], root_seed: int
) -> xr.Dataset:
    """Return losses and errors at points of each line, and the barrier in each.

    Args:
        pairs: of `train_pairs`.
        alphas: points of a line, ends among them.
        sweeps: of weight matching, at most.
        matchings: random orders of weight matching, of which the one with the largest inner product is used.
        largest: training loss above which an end is not valid, with `noisy` and `plain` labels.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    grid = np.linspace(0, 1, alphas).tolist()
    names, first, second = stored_ends(pairs)
    seeds = pairs.sizes["seed"]
    task, plain = stored_task(pairs, "labels"), stored_task(pairs, "plain_labels")
    matched, sweeps_taken = _match(task, pairs, sweeps, matchings, root_seed)
    groups = {name: (task, a, b) for name, a, b in zip(names, first, second)}
    groups["matched"] = (task, groups["independent"][1], matched)
    for name, key in (("plain, k = 0", "plain_children"), ("plain, independent", "plain_independent")):
        ends = pairs[key].sel(moment="end").transpose("seed", "run", "parameter").values
        groups[name] = (plain, ends[:, 0], ends[:, 1])
    curves = np.empty((len(MEASURES), len(groups), seeds, alphas))
    for place, (group, a, b) in enumerate(progress(groups.values(), "groups of pairs")):
        one, other = group.networks(a), group.networks(b)
        for row, measure in enumerate(MEASURES):
            test, of = measure.startswith("test"), group.loss_of if measure.endswith("loss") else group.error_of
            curves[row, place] = line_losses(of(range(seeds), test), one, other, grid).T
    excess = chord_excess(torch.from_numpy(curves).movedim(-1, 0), grid).amax(0).numpy()
    bounds = np.array([largest["plain" if name.startswith("plain") else "noisy"] for name in groups])
    with np.errstate(invalid="ignore"):
        valid = (curves[0][..., [0, -1]] <= bounds[:, None, None]).all(axis=-1)
    return xr.Dataset(
        {
            "valid": (("pair", "seed"), valid, {"long_name": "both ends are trained to a small finite loss"}),
            "curve": (("measure", "pair", "seed", "alpha"), curves),
            "barrier": (("measure", "pair", "seed"), excess, {"long_name": "largest rise above the chord"}),
            "independent_start": ("seed", _start_losses(task, pairs), {"long_name": "mean loss of the two starts"}),
            "sweeps": ("seed", sweeps_taken, {"long_name": "sweeps until no permutation changed; 0: not settled"}),
        },
        coords={"measure": list(MEASURES), "pair": list(groups), "seed": pairs.seed.values, "alpha": grid},
    )


def _match(task, pairs, sweeps: int, matchings: int, root_seed: int) -> tuple[np.ndarray, list[int]]:
    """Second networks of the independent pairs with their units matched to the first, `(seeds, P)`, and sweeps."""
    ends = pairs.independent.sel(moment="end").transpose("run", "seed", "parameter").values
    one, other = task.networks(ends[0]), task.networks(ends[1])
    rows, taken = [], []
    for seed in range(len(ends[0])):
        rng = generator(root_seed, "mode_connectivity", "matching", seed)
        a, b = select(one, seed), select(other, seed)
        trials = [match_weights(a, b, rng=rng, sweeps=sweeps) for _ in range(matchings)]
        best = max(trials, key=lambda trial: trial.objective)
        rows.append(flatten(permute(b, best.specification, best.permutations)).numpy())
        taken.append(best.sweeps)
    return np.stack(rows), taken


def _start_losses(task, pairs) -> np.ndarray:
    starts = pairs.independent.sel(moment="start").transpose("run", "seed", "parameter").values
    with torch.no_grad():
        values = [task.loss_of(range(len(run)))(task.networks(run)).double().numpy() for run in starts]
    return np.mean(values, axis=0)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_lines, snakemake)
