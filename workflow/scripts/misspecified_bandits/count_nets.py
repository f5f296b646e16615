"""Number of points of sparse nets and of dense ones, by counting lattice points."""

import numpy as np
import xarray as xr

from lib.bandits.net import log_net_size


def count_nets(
    *,
    sparsities: list[int],
    radii: list[float],
    dim: int,
    dims: list[int],
    radius: float,
    dense_dims: list[int],
    dense_radius: float,
) -> xr.Dataset:
    """Return natural logarithms of the sizes of nets.

    Args:
        sparsities: s.
        radii: radii eps at which nets of dimension `dim` are counted.
        dim: see `radii`.
        dims: dimensions at which nets of radius `radius` are counted.
        radius: see `dims`.
        dense_dims: dimensions of dense nets (s = d) and of 1-sparse ones beside them, of radius `dense_radius`.
        dense_radius: see `dense_dims`.
    """
    label = {"long_name": "log of the number of net points"}
    return xr.Dataset(
        {
            "by_radius": (("sparsity", "eps"), [[log_net_size(dim, s, e) for e in radii] for s in sparsities], label),
            "by_dim": (("sparsity", "dim"), [[log_net_size(d, s, radius) for d in dims] for s in sparsities], label),
            "dense": ("dense_dim", [log_net_size(d, d, dense_radius) for d in dense_dims], label),
            "sparse": ("dense_dim", [log_net_size(d, 1, dense_radius) for d in dense_dims], label),
        },
        coords={"sparsity": sparsities, "eps": radii, "dim": dims, "dense_dim": np.array(dense_dims)},
        attrs={"radius_dim": dim, "dim_radius": radius, "dense_radius": dense_radius},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(count_nets, snakemake)
