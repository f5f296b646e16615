"""Spectra of class covariances and Gram matrices: generated, real, and from the matched Gaussian mixture."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.diffusion.digits import SIDE, real_digits
from lib.diffusion.laws import student_vectors
from lib.stats.matched import ClassGaussians, draw_mixture, gram_distance, match_classes

PAIRS = ("mixture", "null")
PIXELS = ("varying", "all")


def measure_spectra(
    samples: xr.Dataset,
    manifold: xr.Dataset,
    *,
    least_variance: float,
    repetitions: int,
    control_freedom: float,
    root_seed: int,
) -> xr.Dataset:
    """Return eigenvalues of covariances, condition numbers, held-out variances, Gram spectra and their distances.

    Args:
        samples: what `generate_digits` wrote; those of DDIM are used.
        manifold: what `generate_manifold` wrote.
        least_variance: of a pixel over the class's largest one, in the real images; others count as constant.
        repetitions: of the Gram distances.
        control_freedom: of the Student law whose Gram spectrum must differ.
        root_seed: root of the random streams.
    """
    rng = generator(root_seed, "diffusion_concentration", "spectra")
    rows = samples.sampler.values == "ddim"
    x, label = samples.x.values[rows].astype(float), samples.label.values[rows]
    pixels, labels = real_digits()
    classes, features = int(label.max()) + 1, x.shape[1]
    gaussians = match_classes(x, label, classes)
    mixture = draw_mixture(gaussians, label, rng)
    sources = {"generated": (x, label), "mixture": (mixture, label), "real": (pixels.astype(float), labels)}
    eigenvalue = np.zeros((len(sources), classes, features))
    condition, coarse = (np.zeros((len(sources), classes)) for _ in range(2))
    members = np.zeros((len(sources), classes), np.int64)
    smallest, largest = (np.full((len(PIXELS), classes, len(x)), np.nan) for _ in range(2))
    fitted = np.zeros((len(PIXELS), classes, 2))
    active = np.zeros(classes, np.int64)
    for k in range(classes):
        variance = pixels[labels == k].var(axis=0)
        used = variance >= least_variance * variance.max()
        active[k] = used.sum()
        for a, (values, own) in enumerate(sources.values()):
            part = values[own == k]
            members[a, k] = len(part)
            eigenvalue[a, k] = np.linalg.eigvalsh(np.cov(part, rowvar=False))[::-1]
            restricted = np.linalg.eigvalsh(np.cov(part[:, used], rowvar=False))
            condition[a, k] = restricted[-1] / restricted[0] if restricted[0] > 0 else np.inf
            coarse[a, k] = _coarse_condition(part, pixels[labels == k], least_variance)
        halves = np.array_split(rng.permutation(x[label == k]), 2)
        for a, chosen in enumerate((used, np.full(features, True))):
            half, rest = (part[:, chosen] for part in halves)
            values, vectors = np.linalg.eigh(np.cov(half, rowvar=False))
            fitted[a, k] = values[0], values[-1]
            centred = rest - rest.mean(axis=0)
            smallest[a, k, : len(rest)] = (centred @ vectors[:, 0]) ** 2
            largest[a, k, : len(rest)] = (centred @ vectors[:, -1]) ** 2
    control = student_vectors(16 * features * classes, features, control_freedom, rng)
    wide = manifold.x.values.astype(float), manifold.label.values
    sets = {"digits": (x, label), "manifold": wide, "student": (control, np.arange(len(control)) % classes)}
    most = max(int(own.max()) + 1 for _, own in sets.values())
    distance = np.full((len(sets), len(PAIRS), repetitions, most), np.nan)
    for a, (name, (values, own)) in enumerate(sets.items()):
        matched = match_classes(values, own, int(own.max()) + 1)
        if name == "student":  # moments of a sample are slow to come to those of the law, which are known
            matched = law_gaussians(classes, features, control_freedom)
        for b in range(repetitions):
            for k in range(len(matched.mean)):
                chosen = rng.permutation(values[own == k])[: 4 * values.shape[1]]
                first, second = np.split(chosen[: len(chosen) // 2 * 2], 2)
                drawn = draw_mixture(matched, np.full(len(first), k), rng)
                distance[a, :, b, k] = gram_distance(first, drawn), gram_distance(first, second)
    gram = np.zeros((2, classes + 1, 2 * features))
    for k in range(classes + 1):  # the last one: all classes together
        own = np.flatnonzero(label == k) if k < classes else np.arange(len(x))
        chosen = rng.permutation(own)[: 2 * features]
        for a, values in enumerate((x, mixture)):
            gram[a, k, : len(chosen)] = np.linalg.eigvalsh(values[chosen] @ values[chosen].T)[::-1]
    condition_manifold = [
        np.linalg.cond(np.cov(wide[0][wide[1] == k], rowvar=False)) for k in range(int(wide[1].max()) + 1)
    ]
    return xr.Dataset(
        {
            "eigenvalue": (("source", "class", "order"), eigenvalue, {"long_name": "eigenvalues of the covariance"}),
            "condition": (("source", "class"), condition, {"long_name": "condition number on pixels that vary"}),
            "coarse_condition": (("source", "class"), coarse, {"long_name": "the same after averages of 2 x 2 pixels"}),
            "members": (("source", "class"), members),
            "active": ("class", active, {"long_name": "pixels that vary"}),
            "smallest": (
                ("pixels", "class", "sample"),
                smallest,
                {"long_name": "squared deviations, smallest eigenvector"},
            ),
            "largest": (
                ("pixels", "class", "sample"),
                largest,
                {"long_name": "squared deviations, largest eigenvector"},
            ),
            "fitted": (("pixels", "class", "end"), fitted, {"long_name": "smallest and largest fitted eigenvalue"}),
            "distance": (("dataset", "pair", "repetition", "part"), distance, {"long_name": "Gram distance"}),
            "gram": (("arm", "group", "place"), gram, {"long_name": "eigenvalues of the Gram matrix"}),
            "condition_manifold": ("part_manifold", np.array(condition_manifold)),
        },
        coords={
            "source": list(sources),
            "class": np.arange(classes),
            "dataset": list(sets),
            "pair": list(PAIRS),
            "arm": ["generated", "mixture"],
            "group": [str(k) for k in range(classes)] + ["all"],
            "end": ["smallest", "largest"],
            "pixels": list(PIXELS),
        },
    )


def _coarse_condition(x: np.ndarray, real: np.ndarray, least_variance: float) -> float:
    """Condition number at half the resolution, on pixels that vary in the real images of the class."""

    def halved(images: np.ndarray) -> np.ndarray:
        blocks = images.reshape(len(images), SIDE // 2, 2, SIDE // 2, 2)
        return blocks.mean(axis=(2, 4)).reshape(len(images), -1)

    variance = halved(real).var(axis=0)
    return float(np.linalg.cond(np.cov(halved(x)[:, variance >= least_variance * variance.max()], rowvar=False)))


def law_gaussians(classes: int, dim: int, freedom: float) -> ClassGaussians:
    """Gaussians of the Student law's own moments, mean 0 and covariance nu / (nu - 2), one for each class."""
    variance = freedom / (freedom - 2)
    identity = np.broadcast_to(np.eye(dim), (classes, dim, dim))
    return ClassGaussians(np.zeros((classes, dim)), variance * identity, np.sqrt(variance) * identity)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_spectra, snakemake)
