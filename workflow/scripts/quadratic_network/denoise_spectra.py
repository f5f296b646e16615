"""Denoise Wishart matrices plus GOE noise: the optimal estimator against its theory and the best linear shrinkage."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.linalg.random_matrix import add_goe, density, edges, linear_denoise, linear_mse, rie_denoise, rie_mse
from lib.teacher_student.quadratic import sample_teacher


def denoise_spectra(
    *, size: int, kappas: list[float], noises: list[float], shown: list[list[float]], points: int, root_seed: int
) -> xr.Dataset:
    """Return errors `(kappa, noise)` of both estimators beside their theory, and spectra of some pairs.

    Args:
        size: dimension d.
        kappas: ratios m / d.
        noises: variances t of the semicircle.
        shown: pairs (kappa, t) whose spectra are stored.
        points: grid points of the density.
        root_seed: root of the random streams.
    """

    def draw(kappa, t):
        rng = generator(root_seed, "quadratic_network", "spectrum", size, kappa, t)
        signal = sample_teacher(size, int(kappa * size), rng)
        return signal, add_goe(signal, t, rng)

    error = np.zeros((2, len(kappas), len(noises)))
    for i, kappa in enumerate(kappas):
        for j, t in enumerate(noises):
            signal, observed = draw(kappa, t)
            error[0, i, j] = np.sum((rie_denoise(observed, kappa, t) - signal) ** 2) / size
            error[1, i, j] = np.sum((linear_denoise(observed, kappa, t) - signal) ** 2) / size
    pairs = np.array(shown)
    eigenvalues = np.stack([np.linalg.eigvalsh(draw(kappa, t)[1]) for kappa, t in shown])
    bounds = edges(pairs[:, 0], pairs[:, 1])
    x = np.linspace(bounds.min((1, 2)) - 0.2, bounds.max((1, 2)) + 0.2, points, axis=1)
    k, t = np.array(kappas)[:, None], np.array(noises)[None, :]
    return xr.Dataset(
        {
            "rie_error": (("kappa", "noise"), error[0], {"long_name": "|S_hat - S|_F^2 / d, optimal"}),
            "linear_error": (("kappa", "noise"), error[1], {"long_name": "|S_hat - S|_F^2 / d, linear"}),
            "rie_theory": (("kappa", "noise"), rie_mse(k, t)),
            "linear_theory": (("kappa", "noise"), linear_mse(k, t)),
            "eigenvalue": (("pair", "index"), eigenvalues),
            "x": (("pair", "grid"), x),
            "density": (("pair", "grid"), density(x, pairs[:, :1], pairs[:, 1:])),
        },
        coords={
            "kappa": np.array(kappas),
            "noise": np.array(noises),
            "pair_kappa": ("pair", pairs[:, 0]),
            "pair_noise": ("pair", pairs[:, 1]),
        },
        attrs={"d": size},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(denoise_spectra, snakemake)
