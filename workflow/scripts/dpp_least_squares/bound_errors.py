"""Almost-sure bounds in stronger norms: the supremum norm with damped weights, and an RKHS with its own density."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.problems import problem, space
from lib.regression.weighted import best_uniform_error, weighted_least_squares
from lib.sampling.designs import blocks, draws, sample_design
from lib.sampling.measures import kernel_measure, reference_measure


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
    """Return errors over their bounds, for designs conditioned on lambda_min(G) >= 1 - delta, in the Legendre space.

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
    eigenvalues = (1.0 + np.arange(features)) ** -decay
    trace = eigenvalues.sum()
    nodes = np.cos(np.pi * np.arange(grid) / (grid - 1))[:, None]
    problems = [problem(basis, name) for name in functions]
    uniform = np.array([best_uniform_error(p.function, basis, nodes) for p in problems])
    constant = 1 + np.sqrt(2 / (1 - delta))
    names = ["iid", "vol"]

    def stream(*key):
        return generator(root_seed, "dpp_least_squares", "bounds", size, points, *key)

    error = np.zeros((len(names), repetitions, len(functions)))
    tries = np.zeros((2, len(names), repetitions), dtype=int)
    for s, name in progress(enumerate(names), "damped designs", total=len(names)):
        rng = stream("uniform", name)
        for block in blocks(repetitions, points * size):
            design = sample_design(
                f"damped_{name}_cond", basis, points, rng, block.stop - block.start, delta, max_tries
            )
            y = np.stack([p.function(design.x) for p in problems], axis=-1)
            coef, _ = weighted_least_squares(design.phi, design.w, y)
            excess = np.sum((coef - np.stack([p.coef for p in problems], axis=1)) ** 2, axis=1)
            error[s, block] = np.sqrt(np.array([p.best for p in problems]) ** 2 + excess)
            tries[0, s, block] = design.tries

    kernel = kernel_measure(basis, wide, eigenvalues)
    controls = [*names, "uniform points"]
    h_error, h_best = np.zeros((2, len(controls), repetitions))
    for s, name in progress(enumerate(controls), "designs of the kernel's density", total=len(controls)):
        rng = stream("kernel", name)
        for block in blocks(repetitions, points * features):
            count = block.stop - block.start
            if name in names:
                design = sample_design(f"{name}_cond", basis, points, rng, count, delta, max_tries, measure=kernel)
                x, phi, w = design.x, design.phi, design.w
                tries[1, s, block] = design.tries
            else:
                draw, measure = draws("mc", basis, points, reference_measure(basis))
                x = draw(count, rng)
                phi = basis.evaluate(x)
                w = measure.weight(x, phi)
            c = (
                np.sqrt(eigenvalues)
                * (1.0 + np.arange(features)) ** -smoothness
                * rng.standard_normal((count, features))
            )
            y = np.einsum("rnj,rj->rn", wide.evaluate(x), c)
            coef, _ = weighted_least_squares(phi, w, y)
            tail = c[:, size:] ** 2
            h_error[s, block] = np.sqrt(tail.sum(1) + np.sum((coef - c[:, :size]) ** 2, axis=1))
            h_best[s, block] = np.sqrt(np.sum(tail / eigenvalues[size:], axis=1))
    h_bound = np.sqrt(trace) * constant * h_best
    return xr.Dataset(
        {
            "uniform_ratio": (("strategy", "repetition", "function"), error / (constant * uniform)),
            "uniform_tries": (("strategy", "repetition"), tries[0]),
            "best_uniform_error": ("function", uniform, {"long_name": "inf over the space of max |f - v|"}),
            "best_error": ("function", [p.best for p in problems], {"long_name": "e_m"}),
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
