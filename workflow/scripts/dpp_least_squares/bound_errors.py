"""Almost-sure bounds in stronger norms: the supremum norm with damped weights, and an RKHS with its own density."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression import rkhs
from lib.regression.problems import problems, space
from lib.regression.weighted import best_uniform_error, uniform_error_constant, weighted_least_squares
from lib.sampling.designs import sample_blocks
from lib.sampling.measures import kernel_measure


def bound_errors(
    *,
    size: int,
    points: int,
    functions: list[str],
    repetitions: int,
    delta: float,
    max_tries: int,
    grid: int,
    features: int,
    decay: float,
    smoothness: float,
    root_seed: int,
) -> xr.Dataset:
    """Return errors over their bounds for designs conditioned on lambda_min(G) >= 1 - delta, in the Legendre space.

    Args:
        size: number of functions m.
        points: number of points n.
        functions: functions for the supremum norm.
        repetitions: designs of each strategy.
        delta: of the conditioning and of the bounds.
        max_tries: at most so many draws of a design.
        grid: Chebyshev nodes on which the best uniform error is computed.
        features: eigenfunctions of the kernel, the Legendre polynomials.
        decay: their eigenvalues are (1 + j)^-decay.
        smoothness: test functions have coefficients a_j^(1/2) (1 + j)^-smoothness N(0, 1), fresh in each repetition.
        root_seed: root of the random streams.
    """
    basis, wide = space("legendre", 1, size - 1), space("legendre", 1, features - 1)
    condition = {"delta": delta, "max_tries": max_tries}
    constant, names = uniform_error_constant(delta), ["iid", "vol"]

    def stream(*key):
        return generator(root_seed, "dpp_least_squares", "bounds", size, points, *key)

    targets = problems(basis, functions)
    nodes = np.cos(np.pi * np.arange(grid) / (grid - 1))[:, None]
    uniform = np.array([best_uniform_error(function, basis, nodes) for function in targets.functions])
    error = np.zeros((len(names), repetitions, len(functions)))
    tries = np.zeros((2, len(names), repetitions), dtype=int)
    for s, name in progress(enumerate(names), "damped designs", total=len(names)):
        rng = stream("uniform", name)
        for block, design in sample_blocks(f"damped_{name}_cond", basis, points, rng, repetitions, **condition):
            coef = weighted_least_squares(design.phi, design.w, targets.observe(design.x))
            error[s, block], tries[0, s, block] = targets.errors(coef), design.tries

    eigenvalues = rkhs.power_eigenvalues(features, decay)
    kernel = kernel_measure(basis, wide, eigenvalues)
    controls = [*names, "uniform points"]
    h_error, h_best = np.zeros((2, len(controls), repetitions))
    for s, name in progress(enumerate(controls), "designs of the kernel's density", total=len(controls)):
        rng = stream("kernel", name)
        strategy, options = (f"{name}_cond", {"measure": kernel, **condition}) if name in names else ("mc", {})
        designs = sample_blocks(strategy, basis, points, rng, repetitions, values=points * features, **options)
        for block, design in designs:
            c = rkhs.sample_functions(eigenvalues, smoothness, len(design.x), rng)
            coef = weighted_least_squares(design.phi, design.w, rkhs.evaluate_functions(wide, c, design.x))
            h_error[s, block], h_best[s, block] = rkhs.fit_errors(coef, c), rkhs.best_norm_errors(c, eigenvalues, size)
            if name in names:
                tries[1, s, block] = design.tries
    trace = eigenvalues.sum()
    h_bound = np.sqrt(trace) * constant * h_best
    return xr.Dataset(
        {
            "uniform_ratio": (("strategy", "repetition", "function"), error / (constant * uniform)),
            "uniform_tries": (("strategy", "repetition"), tries[0]),
            "best_uniform_error": ("function", uniform, {"long_name": "inf over the space of max |f - v|"}),
            "best_error": ("function", targets.best, {"long_name": "e_m"}),
            "kernel_ratio": (("control", "repetition"), h_error / h_bound),
            "kernel_error": (("control", "repetition"), h_error, {"long_name": "|f - f_hat| in L^2"}),
            "kernel_tries": (("strategy", "repetition"), tries[1]),
        },
        coords={"strategy": names, "control": controls, "function": functions},
        attrs={"m": size, "n": points, "delta": delta, "trace": trace, "constant": constant},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(bound_errors, snakemake)
