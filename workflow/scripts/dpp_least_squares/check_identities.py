"""Exact identities of determinantal and volume sampling, checked on many draws of each basis."""

import numpy as np
import xarray as xr
from scipy import stats

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.regression.problems import Problem, problem, space
from lib.regression.weighted import inverse_gram_mean, weighted_least_squares
from lib.sampling.basis import OrthonormalBasis
from lib.sampling.designs import blocks, sample_design
from lib.sampling.dpp import counting_moments, sample_projection_dpp
from lib.sampling.multivariate import DiscreteBasis
from lib.stats.intervals import estimate_mean

MOMENTS = ("second moment", "fourth moment", "mean count", "pairs", "variance of the count")
INVERSES = ("vol", "vol_mu", "iid")
BIASES = ("vol", "rep", "iid", "mc")


def uniform_transform(basis: OrthonormalBasis, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Points (k, dim) of the Christoffel density to uniform numbers (k,), by the law of their first coordinate."""
    if not isinstance(basis, DiscreteBasis):
        return basis.component_cdfs(x).mean(-1)
    mass = basis.weight * np.sum(basis.table**2, axis=1) / basis.size
    order = np.argsort(basis.points[:, 0])
    upper = np.empty(len(mass))
    upper[order] = np.cumsum(mass[order])
    atom = x[:, 0].astype(int)
    return upper[atom] - rng.random(len(x)) * mass[atom]


def process_moments(basis: OrthonormalBasis, cut: float, draws: int, rng) -> tuple[np.ndarray, np.ndarray, float]:
    """Moments of draws of the projection DPP: `(measured with its standard error, exact, p-value of one point)`."""
    x = np.concatenate([sample_projection_dpp(basis, rng, b.stop - b.start) for b in blocks(draws, basis.size**2)])
    first = basis.coordinates(x)[..., 0]
    count = np.sum(first < cut, axis=1)
    exact = counting_moments(basis.half_space_gram(cut))
    samples = [
        np.mean(first**2, axis=1), np.mean(first**4, axis=1), count, count * (count - 1), (count - exact["mean"]) ** 2
    ]  # fmt: skip
    measured = np.array([estimate_mean(v)[:2] for v in samples])
    # moments of nu_m: of the first coordinate alone, so that tensor bases need the nodes of one variable
    one = getattr(basis, "factors", [basis])[0]
    nodes, weight = one.quadrature()
    squares = one.evaluate(nodes) ** 2
    squares = squares[:, basis.indices[:, 0]] if hasattr(basis, "indices") else squares
    density = weight * np.mean(squares, axis=1)
    at = one.coordinates(nodes)[:, 0]
    truth = [density @ at**2, density @ at**4, exact["mean"], exact["pairs"], exact["variance"]]
    single = x[np.arange(draws), rng.integers(basis.size, size=draws)]
    p_value = stats.kstest(uniform_transform(basis, single, rng), "uniform").pvalue
    return measured, np.array(truth), p_value


def fits(approximation: Problem, strategy: str, n: int, draws: int, rng) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (draws, m) and inverses (n - m + 1) mean diag (Phi^T W Phi)^-1 (draws,) of fresh designs."""
    basis = approximation.basis
    coef, inverse = np.empty((draws, basis.size)), np.empty(draws)
    for block in blocks(draws, n * basis.size):
        design = sample_design(strategy, basis, n, rng, block.stop - block.start)
        coef[block], _ = weighted_least_squares(design.phi, design.w, approximation.function(design.x))
        inverse[block] = (n - basis.size + 1) * inverse_gram_mean(design.phi, design.w)
    return coef, inverse


def check_identities(
    *,
    bases: list[dict],
    draws: int,
    iid_draws: int,
    multiples: list[int],
    root_seed: int,
) -> xr.Dataset:
    """Return, by basis: moments of the process, mean inverses, biases and root mean square errors.

    Args:
        bases: `name`, `family`, `dim`, `degree`, `index_set`, `atoms`, `function`, and `cut`, below which points are
            counted.
        draws: independent draws for each identity.
        iid_draws: draws of independent designs, whose means are heavy-tailed.
        multiples: numbers of points over m for the inverses; the first serves the biases.
        root_seed: root of the random streams.
    """
    names = [spec["name"] for spec in bases]
    shape = (len(names), len(MOMENTS))
    moment, moment_se, moment_exact = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    p_value, sizes, best = np.zeros(len(names)), np.zeros(len(names), dtype=int), np.zeros(len(names))
    inverse = np.zeros((3, len(names), len(INVERSES), len(multiples)))
    bias, bias_se = np.zeros((2, len(names), len(BIASES)))
    strategies = list(dict.fromkeys((*INVERSES, *BIASES)))
    rms = np.zeros((len(names), len(strategies), len(multiples)))
    for b, name in progress(enumerate(names), "bases", total=len(names)):
        spec = {key: value for key, value in bases[b].items() if key not in ("name", "cut", "function")}
        cut, function = bases[b]["cut"], bases[b]["function"]
        basis = space(**spec)
        approximation = problem(basis, function)
        sizes[b], best[b] = basis.size, approximation.best

        def rng(*key, name=name):
            return generator(root_seed, "dpp_least_squares", "identities", name, *key)

        found, moment_exact[b], p_value[b] = process_moments(basis, cut, draws, rng("process"))
        moment[b], moment_se[b] = found.T
        for s, strategy in enumerate(strategies):
            for k, multiple in enumerate(multiples):
                count = iid_draws if strategy == "iid" else draws
                coef, values = fits(approximation, strategy, multiple * basis.size, count, rng(strategy, multiple))
                excess = np.sum((coef - approximation.coef) ** 2, axis=1) / best[b] ** 2
                rms[b, s, k] = np.sqrt(1 + np.mean(excess))
                if strategy in INVERSES:
                    inverse[:, b, s, k] = *estimate_mean(values)[:2], np.median(values)
                if strategy in BIASES and k == 0:
                    j = BIASES.index(strategy)
                    centre, spread, *_ = estimate_mean(coef)
                    bias[b, j] = np.linalg.norm(centre - approximation.coef) / best[b]
                    bias_se[b, j] = np.linalg.norm(spread) / best[b]
    grid = ("basis", "inverse_strategy", "multiple")
    return xr.Dataset(
        {
            "moment": (("basis", "moment_name"), moment, {"long_name": "moment of draws of the projection DPP"}),
            "moment_se": (("basis", "moment_name"), moment_se),
            "moment_exact": (("basis", "moment_name"), moment_exact),
            "point_p_value": ("basis", p_value, {"long_name": "Kolmogorov-Smirnov p-value of one point of each draw"}),
            "inverse": (grid, inverse[0], {"long_name": "mean of (n - m + 1) diag (Phi^T W Phi)^-1"}),
            "inverse_se": (grid, inverse[1]),
            "inverse_median": (grid, inverse[2]),
            "bias": (("basis", "bias_strategy"), bias, {"long_name": "|mean of c_hat - c| / e_m"}),
            "bias_se": (("basis", "bias_strategy"), bias_se, {"long_name": "root of summed squared standard errors"}),
            "size": ("basis", sizes, {"long_name": "number of functions m"}),
            "best_error": ("basis", best, {"long_name": "e_m"}),
            "rms": (("basis", "strategy", "multiple"), rms, {"long_name": "root mean square of |f - f_hat| / e_m"}),
        },
        coords={
            "basis": names, "moment_name": list(MOMENTS), "inverse_strategy": list(INVERSES),
            "bias_strategy": list(BIASES), "strategy": strategies, "multiple": multiples,
        },
        attrs={"draws": draws, "iid_draws": iid_draws},
    )  # fmt: skip


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_identities, snakemake)
