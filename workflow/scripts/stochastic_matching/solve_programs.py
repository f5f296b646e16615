"""Analysis programs of Stochastic Balance by two methods, and for unequal probabilities."""

import numpy as np
import xarray as xr

from lib.matching.programs import PROGRAMS, solve_by_lp, solve_by_ode, solve_unequal


def solve_programs(*, points: int, horizon: float, step: float, unequal_horizon: float) -> xr.Dataset:
    """Return `ratio (program, solver)`, the split `f` and the weight `weight` by load, `f_unequal` by its own loads.

    Args:
        points: loads of the linear program.
        horizon: largest load of the linear program and of the stored splits.
        step: of the loads for unequal probabilities.
        unequal_horizon: largest load there.
    """
    loads = np.linspace(0, horizon, 241)
    by_ode = [solve_by_ode(program, loads) for program in PROGRAMS]
    by_lp = [solve_by_lp(program, points, horizon) for program in PROGRAMS]
    unequal = [solve_unequal(program, step, unequal_horizon) for program in PROGRAMS]
    ratios = [[solved.ratio for solved in row] for row in zip(by_ode, by_lp, unequal)]
    return xr.Dataset(
        {
            "ratio": (("program", "solver"), ratios, {"long_name": "largest ratio that the program proves"}),
            "f": (("program", "loads"), [solved.f for solved in by_ode], {"long_name": "share of the online vertex"}),
            "weight": (("program", "loads"), [solved.weight for solved in by_ode], {"long_name": "weight K"}),
            "f_unequal": (("program", "unequal_load"), [solved.f for solved in unequal]),
        },
        coords={
            "program": list(PROGRAMS),
            "solver": ["differential equation", "linear program", "unequal"],
            "loads": loads,
            "unequal_load": unequal[0].load,
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(solve_programs, snakemake)
