"""How Lipschitz functionals of generated and real digits are spread within their classes."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.diffusion.digits import CLASSES, real_digits, recognised
from lib.diffusion.functionals import (
    FUNCTIONALS,
    distances,
    lipschitz_functionals,
    resampled,
    standardise,
    unit_vectors,
)
from lib.stats.bootstrap import bootstrap_counts
from lib.stats.tails import kurtosis, moment_ratio, survival

ORDER = 8
NUMBERS = ("mean", "deviation", "kurtosis", "beyond 4", "ratio 4", "ratio 6", "ratio 8")
EDGES = np.linspace(0, 9, 91)  # of histograms of norms; a digit of 64 pixels of size at most one has a norm below 8


def measure_concentration(
    samples: xr.Dataset,
    *,
    projections: int,
    references: int,
    resamples: int,
    control_sets: int,
    control_freedom: float,
    root_seed: int,
) -> xr.Dataset:
    """Return statistics by source, class and functional, with resamples of those that claims judge.

    Args:
        samples: what `generate_digits` wrote.
        projections: random directions.
        references: real images of each class to which distances are taken.
        resamples: of the bootstrap.
        control_sets: sets of draws of a Student variable, each as large as that of the samples of DDIM.
        control_freedom: degrees of freedom of these.
        root_seed: root of the random streams.
    """
    rng = generator(root_seed, "diffusion_concentration", "concentration")
    pixels, labels = real_digits()
    samplers = list(dict.fromkeys(samples.sampler.values.tolist()))
    sources = ["real", *samplers]
    directions = unit_vectors(projections, pixels.shape[1], rng)
    fixed = [rng.permutation(np.flatnonzero(labels == k))[:references] for k in range(CLASSES)]
    grid = np.linspace(0, 6, 121)
    shape = (len(sources), CLASSES, len(FUNCTIONALS))
    statistic = np.full((*shape, len(NUMBERS)), np.nan)
    beyond = np.full((*shape, len(grid)), np.nan)
    class_ratio = np.full((*shape, resamples), np.nan)
    class_kurtosis = np.full((len(sources), CLASSES, resamples), np.nan)
    class_spread = np.full((len(sources), CLASSES, resamples), np.nan)
    histogram = np.zeros((len(sources), CLASSES, len(EDGES) - 1))
    pooled = np.full((len(sources), len(FUNCTIONALS)), np.nan)
    members = np.zeros(len(sources), np.int64)
    pooled_resampled = np.full((len(sources), len(FUNCTIONALS), resamples), np.nan)
    for a, source in enumerate(sources):
        x, label = (pixels, labels) if a == 0 else _part(samples, source)
        whole = {name: [] for name in FUNCTIONALS}
        for k in range(CLASSES):
            rows = np.flatnonzero(label == k)
            if a == 0:  # a reference is at distance 0 from itself
                rows = np.setdiff1d(rows, fixed[k])
            own = x[rows].astype(float)
            values = lipschitz_functionals(own, directions, pixels[fixed[k]].astype(float), own.mean(axis=0))
            counts = bootstrap_counts(len(own), resamples, rng)
            histogram[a, k] = np.histogram(values["norm"], EDGES)[0] / (len(own) * np.diff(EDGES))
            first, second = (counts @ values["norm"] ** power / len(own) for power in (1, 2))
            class_spread[a, k] = np.sqrt(np.maximum(second - first**2, 0)) / first
            class_kurtosis[a, k] = resampled(kurtosis, values["projection"], counts)
            for c, name in enumerate(FUNCTIONALS):
                z = standardise(values[name])
                whole[name].append(z)
                statistic[a, k, c] = _numbers(values[name], z)
                class_ratio[a, k, c] = resampled(_ratio, z, counts)
                beyond[a, k, c] = survival(np.abs(z.reshape(-1)), grid)
        members[a] = sum(map(len, whole["norm"]))
        counts = bootstrap_counts(members[a], resamples, rng)
        for c, name in enumerate(FUNCTIONALS):
            z = np.concatenate(whole[name])
            pooled[a, c] = np.mean(moment_ratio(z, ORDER))
            pooled_resampled[a, c] = resampled(_ratio, z, counts)
    drawn = {source: _part(samples, source) for source in samplers}
    hits = [np.mean(recognised(*part)) for part in drawn.values()]
    nearest = [distances(x.astype(float), pixels.astype(float)).min(axis=1) for x, _ in drawn.values()]
    apart = distances(pixels.astype(float), pixels.astype(float))
    np.fill_diagonal(apart, np.inf)
    distance = np.array([np.quantile(d, (0.05, 0.5, 0.95)) for d in (apart.min(axis=1), *nearest)])
    size = len(drawn[samplers[0]][0])
    control = rng.standard_t(control_freedom, (size, control_sets))
    over = ("source", "class", "functional")
    return xr.Dataset(
        {
            "statistic": ((*over, "number"), statistic),
            "survival": ((*over, "deviations"), beyond, {"long_name": "share beyond so many deviations"}),
            "ratio_resampled": ((*over, "resample"), class_ratio),
            "kurtosis_resampled": (("source", "class", "resample"), class_kurtosis),
            "spread_resampled": (("source", "class", "resample"), class_spread),
            "pooled": (("source", "functional"), pooled, {"long_name": "moment ratio at p = 8, all classes together"}),
            "pooled_resampled": (("source", "functional", "resample"), pooled_resampled),
            "histogram": (("source", "class", "bin"), histogram, {"long_name": "density of the norm"}),
            "accuracy": ("sampler", np.array(hits), {"long_name": "share recognised as their label"}),
            "members": ("source", members, {"long_name": "values of a functional, all classes together"}),
            "neighbour": (("source", "quantile"), distance, {"long_name": "distance to the nearest real digit"}),
            "control": ("set", moment_ratio(standardise(control), ORDER), {"long_name": "the same, Student law"}),
        },
        coords={
            "source": sources,
            "sampler": samplers,
            "class": np.arange(CLASSES),
            "functional": list(FUNCTIONALS),
            "number": list(NUMBERS),
            "deviations": grid,
            "bin": (EDGES[1:] + EDGES[:-1]) / 2,
            "quantile": [0.05, 0.5, 0.95],
        },
    )  # fmt: skip


def _part(samples: xr.Dataset, sampler: str) -> tuple[np.ndarray, np.ndarray]:
    rows = samples.sampler.values == sampler
    return samples.x.values[rows], samples.label.values[rows]


def _ratio(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return moment_ratio(values, ORDER, counts)


def _numbers(values: np.ndarray, z: np.ndarray) -> list[float]:
    """Numbers of `NUMBERS`; of several projections their means."""
    ratios = [np.mean(moment_ratio(z, p)) for p in (4, 6, 8)]
    return [values.mean(), values.std(axis=0).mean(), np.mean(kurtosis(z)), np.mean(np.abs(z) > 4), *ratios]


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_concentration, snakemake)
