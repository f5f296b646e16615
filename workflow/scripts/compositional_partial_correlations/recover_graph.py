"""How well each measure recovers the edges of a sparse basis graph from compositions of it."""

import numpy as np
import xarray as xr

from lib.compositional.estimator import lasso_path_scores
from lib.compositional.logratio import clr_covariance
from lib.compositional.pairwise import proportionality, raw_correlation
from lib.compositional.partial import partial
from lib.compositional.simulate import gaussian_basis
from lib.graphs.edges import edge_auroc
from lib.graphs.gaussian import random_precision
from lib.progress import progress
from lib.stats.correlation import correlation, covariance, partial_correlation


def recover_graph(
    *,
    size: int,
    seeds: int,
    samples: int,
    edges_per_part: float,
    weights: list[float],
    smallest_eigenvalue: float,
    size_deviation: float,
    penalties: list[float],
    rounds: int,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Return `auroc (measure, seed)`.

    Args:
        size: number of parts D.
        seeds: number of random graphs.
        samples: compositions of each.
        edges_per_part: edge probability times D, about the mean number of edges of a part.
        weights: smallest and largest absolute off-diagonal entry of the basis precision.
        smallest_eigenvalue: lower bound on the eigenvalues of the basis precision.
        size_deviation: standard deviation of the size effect of a sample.
        penalties: path of the graphical lasso.
        rounds: rounds of the graphical lasso for each penalty.
        rng: random generator.
    """
    probability = min(1.0, edges_per_part / size)
    omega, edges = random_precision(size, probability, tuple(weights), smallest_eigenvalue, rng, (seeds,))
    basis = gaussian_basis(omega, samples, rng)
    X = np.exp(basis + size_deviation * rng.standard_normal((seeds, samples, 1)))
    gamma = clr_covariance(X)
    r = partial(cov_clr=gamma).correlation
    scores = {
        "basis partial correlation (oracle)": partial_correlation(np.linalg.inv(covariance(basis))),
        "partial correlation": r,
        "partial correlation − 1/(D − 1)": r - 1 / (size - 1),
        "graphical lasso": np.stack([lasso_path_scores(g, penalties, rounds) for g in progress(gamma, "graphs")]),
        "proportionality": proportionality(gamma),
        "clr correlation": correlation(gamma),
        "raw correlation": raw_correlation(X),
    }
    return xr.Dataset(
        {
            "auroc": (
                ("measure", "seed"),
                np.stack([edge_auroc(np.abs(score), edges) for score in scores.values()]),
                {"long_name": "area under the ROC curve of true edges"},
            ),
            "edges": ("seed", edges.sum(axis=(1, 2)) // 2),
        },
        coords={"measure": list(scores), "seed": np.arange(seeds)},
        attrs={"parts": size, "samples": samples},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(recover_graph, snakemake)
