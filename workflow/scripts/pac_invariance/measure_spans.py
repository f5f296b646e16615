"""Dimension of the space that covariances of a family of interventions span."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.invariance.families import random_family
from lib.invariance.span import covariance_span, explicit_basis, residuals, span_bound


def measure_spans(
    *, dims: list[int], sites: list[int], in_degree: int, covariances: int, sems: int, latent_dim: int, root_seed: int
) -> xr.Dataset:
    """Return ranks, gaps of singular values and residuals off the explicit basis, (sites, dim, sem), and latent ranks.

    Args:
        dims: numbers d of covariates.
        sites: numbers s of sites.
        in_degree: number q of causes.
        covariances: drawn of each family.
        sems: models of each size.
        latent_dim: latent covariates of the families that are observed indirectly.
        root_seed: root of the random streams.
    """
    shape = (len(sites), len(dims), sems)
    rank, gap, residual, basis = (np.zeros(shape) for _ in range(4))
    latent, direct = (np.zeros((len(sites), sems)) for _ in range(2))
    for i, s in enumerate(sites):
        for t in range(sems):
            for j, d in enumerate(dims):
                rng = generator(root_seed, "pac_invariance", "spans", s, d, t)
                family = random_family("random", d, s, rng, in_degree=in_degree)
                drawn = family.draw(covariances, rng)
                matrices = explicit_basis(family.sem, family.sites)
                residual[i, j, t], basis[i, j, t] = residuals(drawn, matrices).max(), len(matrices)
                _, rank[i, j, t], gap[i, j, t] = covariance_span(drawn)
            rng = generator(root_seed, "pac_invariance", "latent spans", s, t)
            family = random_family("latent", latent_dim, s, rng, in_degree=in_degree)
            nodes = family.sem.soft(family.sites, covariances, rng)
            direct[i, t], latent[i, t] = (covariance_span(one)[1] for one in (nodes, family.observe(nodes)))
    dims_of = ("sites", "dim", "sem")
    return xr.Dataset(
        {
            "rank": (dims_of, rank, {"long_name": "numerical rank of the covariances"}),
            "gap": (dims_of, gap, {"long_name": "last singular value kept over the first dropped"}),
            "residual": (dims_of, residual, {"long_name": "largest relative distance from the explicit basis"}),
            "basis": (dims_of, basis, {"long_name": "matrices of the explicit basis"}),
            "bound": ("sites", [span_bound(s, in_degree) for s in sites], {"long_name": "largest dimension"}),
            "direct_rank": (("sites", "sem"), direct, {"long_name": "rank of the latent nodes' covariances"}),
            "latent_rank": (("sites", "sem"), latent, {"long_name": "rank of the observed covariances"}),
        },
        coords={"sites": sites, "dim": dims},
        attrs={"in_degree": in_degree, "latent_dim": latent_dim, "covariances": covariances},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_spans, snakemake)
