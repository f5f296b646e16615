"""Follow small maps to fixed points, cycles and chaos, and hold the period of the code against that of the orbit."""

import numpy as np
import xarray as xr

from lib.dynamics import instances as known
from lib.dynamics.almost_linear import codes
from lib.dynamics.orbits import admissible_necklaces, cycle_of_word, lyapunov_spectrum, return_error
from lib.dynamics.symbolic import code_period
from lib.progress import progress

START, TOLERANCE = 0.1, 1e-9


def _kind(model, z, longest):
    """Kind, period and largest exponent of a settled orbit `(time, M)`."""
    if not np.isfinite(z).all() or np.abs(z).max() > 1e6:
        return known.DIVERGED, 0, np.nan
    period = known.orbit_period(z, longest, TOLERANCE)
    if period:
        return (known.FIXED if period == 1 else known.CYCLE), period, np.nan
    exponent = lyapunov_spectrum(model, codes(model, z), 1, every=1, transient=100)[0]
    return (known.CHAOTIC if exponent > 0.005 else known.UNRESOLVED), 0, exponent


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

    A kind is verified by the states alone: a period of them, or none and a positive exponent. The code is looked at
    afterwards.

    Args:
        generic, expanding: numbers of random maps, and of maps with expanding pieces.
        units, rectified: M and P of the random maps.
        steps, keep: steps before an orbit is looked at (ten times as many for one that is not settled), and states
            looked at.
        longest: longest period looked for.
        word_length: cycles of all words up to this length are sought by the formula.
        rng: draws the maps.
    """  # fmt: skip
    groups = [known.random_maps(generic, units, rectified, rng), known.expanding_maps(expanding, units, rng)]
    kinds, periods, code_periods, exponents, group = [], [], [], [], []
    errors, lengths, settled = [], [], []
    for g, maps in enumerate(groups):
        start = np.full((len(maps), units), START)
        z = known.run_maps(maps, start, steps, keep)
        found = [_kind(m, z[:, i], longest) for i, m in enumerate(maps)]
        again = [i for i, f in enumerate(found) if f[0] in (known.UNRESOLVED, known.CHAOTIC) and g == 0]
        if again:
            more = known.run_maps([maps[i] for i in again], z[-1, again], 10 * steps, keep)
            for place, i in enumerate(again):
                z[:, i] = more[:, place]
                found[i] = _kind(maps[i], z[:, i], longest)
        for i, (m, (kind, period, exponent)) in enumerate(zip(maps, found)):
            kinds.append(kind)
            periods.append(period)
            exponents.append(exponent)
            group.append(g)
            code_periods.append(code_period(codes(m, z[:, i]), longest) if kind != known.DIVERGED else -1)
        words = [
            word
            for n in range(1, word_length + 1)
            for word in admissible_necklaces(np.ones((2 ** maps[0].rectified,) * 2), n)
        ]
        for m in progress(maps, "maps whose cycles are sought"):
            for word in words:
                cycle = cycle_of_word(m, word)
                if cycle.real:
                    errors.append(return_error(m, cycle))
                    lengths.append(len(word))
        for i, m in enumerate(maps):  # cycles that were found by simulation, from their own word
            if kinds[len(kinds) - len(maps) + i] in (known.FIXED, known.CYCLE):
                period = periods[len(kinds) - len(maps) + i]
                cycle = cycle_of_word(m, codes(m, z[:period, i]))
                settled.append(np.abs(cycle.points - z[:period, i]).max() if cycle.real else np.inf)
    return xr.Dataset(
        {
            "kind": ("map", kinds),
            "period": ("map", periods, {"long_name": "period of the orbit, 0 for none"}),
            "code_period": ("map", code_periods, {"long_name": "period of the code, 0 for none"}),
            "exponent": ("map", exponents, {"long_name": "largest Lyapunov exponent, of orbits without period"}),
            "expanding": ("map", np.array(group) == 1),
            "cycle_error": ("cycle", errors, {"long_name": "distance of one simulated turn from the formula's cycle"}),
            "cycle_length": ("cycle", lengths),
            "settled_error": ("settled", settled, {"long_name": "distance of the formula's cycle from the orbit"}),
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(follow_orbits, snakemake)
