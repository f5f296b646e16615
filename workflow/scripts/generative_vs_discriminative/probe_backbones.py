"""Test errors of linear probes on features of one pre-training seed, by number of labelled samples."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.probing.digits import BACKBONES
from lib.probing.evaluation import likelihood_gaps, linear_eval, variance_deciles
from lib.progress import progress


def probe_backbones(
    backbones, *, seed: int, m: list[int], subsamples: int, strengths: list[float], epsilons: list[float],
    gap_epsilon: float, tol: float, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return errors (backbone, subsample, m, probe), deciles of pooled variances and gaps of log-likelihoods.

    A subsample is the same for all probes and backbones.

    Args:
        backbones: features of all seeds.
        seed: which of them.
        m: numbers of labelled samples.
        subsamples: draws of each.
        strengths: values of C.
        epsilons: of naive Bayes.
        gap_epsilon: the one of the diagnostics.
        tol: of logistic regression.
        root_seed: root of the random streams.
    """
    one = backbones.isel(seed=seed)
    labels, part = one.label.values, one.part.values
    rows, test = np.flatnonzero(part == 1), np.flatnonzero(part == 2)
    errors, deciles, gaps = [], [], []
    for name in progress(BACKBONES, "backbones"):
        features = one[name].values
        table = [
            linear_eval(
                features[rows], labels[rows], features[test], labels[test], size,
                generator(root_seed, "generative_vs_discriminative", "subsample", seed, size, draw),
                epsilons=epsilons, strengths=strengths, tol=tol,
            )
            for draw in range(subsamples)
            for size in m
        ]  # fmt: skip
        probes = list(table[0])
        errors.append(np.array([list(cell.values()) for cell in table]).reshape(subsamples, len(m), -1))
        deciles.append(variance_deciles(features[rows], labels[rows]))
        gaps.append(likelihood_gaps(features[rows], labels[rows], features[test], labels[test], gap_epsilon))
    return xr.Dataset(
        {
            "error": (("backbone", "subsample", "m", "probe"), np.stack(errors), {"long_name": "test error"}),
            "decile": (("backbone", "tenth"), np.stack(deciles), {"long_name": "decile of pooled variances"}),
            "gap": (("backbone", "label"), np.stack(gaps), {"long_name": "log-likelihood, true less best wrong class"}),
        },
        coords={
            "backbone": list(BACKBONES),
            "m": m,
            "probe": probes,
            "tenth": np.arange(1, 10),
            "label": np.unique(labels),
        },
    ).expand_dims(seed=[seed])


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(probe_backbones, snakemake)
