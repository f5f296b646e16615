"""Follow small maps to fixed points, cycles and chaos, and compare the period of the code with that of the orbit."""

import numpy as np
import xarray as xr

from lib.dynamics import small_maps
from lib.dynamics.almost_linear import codes
from lib.dynamics.orbits import distance_to_cycle, real_cycles, return_error
from lib.dynamics.symbolic import code_period
from lib.progress import progress

START = 0.1


def follow_orbits(
    *,
    generic: int,
    expanding: int,
    units: int,
    rectified: int,
    steps: int,
    keep: int,
    longest: int,
    word_length: int,
    rng,
) -> xr.Dataset:
    """Return kind and period of the orbit and of its code for every map, and the errors of cycles of the word formula.

    A kind is verified by the states alone: a period of them, or none and a positive exponent. The code is read
    afterwards.

    Args:
        generic, expanding: numbers of random maps, and of maps with expanding pieces.
        units, rectified: M and P of the random maps.
        steps, keep: steps before an orbit is classified (ten times as many for a random map that has no period by
            then), and states that it is classified by.
        longest: longest period to look for.
        word_length: cycles of all words up to this length are sought by the formula.
        rng: draws the maps.
    """
    random = small_maps.random_maps(generic, units, rectified, rng)
    tents = small_maps.expanding_maps(expanding, units, rng)
    maps, orbits, code_periods, settled = [*random, *tents], [], [], []
    for group, patience in ((random, 10), (tents, 0)):
        start = np.full((len(group), units), START)
        z, ends = small_maps.follow_maps(group, start, steps, keep, longest, patience)
        orbits += ends
        for i, (model, end) in enumerate(zip(group, ends)):
            diverged = end.kind == small_maps.DIVERGED
            code_periods.append(-1 if diverged else code_period(codes(model, z[:, i]), longest))
            if end.period:  # a cycle of the simulation, from its own word
                settled.append(distance_to_cycle(model, z[: end.period, i]))
    progressing = progress(maps, "maps whose cycles are sought")
    cycles = [(model, cycle) for model in progressing for cycle in real_cycles(model, word_length)]
    return xr.Dataset(
        {
            "kind": ("map", [orbit.kind for orbit in orbits]),
            "period": ("map", [orbit.period for orbit in orbits], {"long_name": "period of the orbit, 0 for none"}),
            "code_period": ("map", code_periods, {"long_name": "period of the code, 0 for none"}),
            "exponent": (
                "map",
                [orbit.exponent for orbit in orbits],
                {"long_name": "largest Lyapunov exponent, of orbits without period"},
            ),
            "expanding": ("map", np.arange(len(maps)) >= generic),
            "cycle_error": (
                "cycle",
                [return_error(model, cycle) for model, cycle in cycles],
                {"long_name": "distance of one simulated turn from the formula's cycle"},
            ),
            "cycle_length": ("cycle", [len(cycle.points) for _, cycle in cycles]),
            "settled_error": ("settled", settled, {"long_name": "distance of the formula's cycle from the orbit"}),
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(follow_orbits, snakemake)
