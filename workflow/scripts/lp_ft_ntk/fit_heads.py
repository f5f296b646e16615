"""Linear heads on frozen features: by cross-validation, on noisy labels, by gradient descent and along the penalty."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.probing.fine_tuning import features_of
from lib.probing.heads import (
    descend_cross_entropy,
    descend_squares,
    least_squares_norm,
    penalised_norms,
    probe_head,
)
from lib.probing.pipeline import (
    PAPER,
    TaskSizes,
    keyed_random_head,
    keyed_task,
    noisy_labels,
    stored_encoder,
    stored_world,
)
from lib.progress import progress


def fit_heads(
    encoders, *, documents: list[int], seeds: int, noise: list[float], noise_seeds: int, marks: list[int],
    descent_seeds: int, largest_strength: float, purity: float, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return heads of each encoder, seed and number of documents, and norms of heads on the way to them.

    Args:
        encoders: their weights.
        documents: numbers of training documents; noise and descents use the first.
        seeds: tasks of each encoder.
        noise: shares of labels that are replaced, 0 first; all others on the first encoder alone.
        noise_seeds: tasks with noise.
        marks: steps of gradient descent at which norms are measured.
        descent_seeds: tasks of the descents.
        largest_strength: of ten values of C, which begin at 1e-4.
        purity: probability that a content word is of its document's topic.
        root_seed: root of the random streams.
    """
    count, width, classes = encoders.sizes["encoder"], int(encoders.attrs["width"]), stored_world(encoders).topics // 2
    sizes = TaskSizes(0, 0, 0, purity)
    strengths = np.logspace(-4, np.log10(largest_strength), 10)
    shape = (count, seeds, len(documents), len(noise))
    weights, bias = np.full((*shape, classes, width), np.nan), np.full((*shape, classes), np.nan)
    strength, start = np.full(shape, np.nan), np.full((count, seeds), np.nan)
    path = np.full((count, descent_seeds, len(strengths)), np.nan)
    descent = np.full((count, descent_seeds, 2, len(marks)), np.nan)
    optimum = np.full((count, descent_seeds), np.nan)
    for e in progress(range(count), "encoders"):
        encoder = stored_encoder(encoders, e).double()
        every = []
        for s in range(seeds):
            start[e, s] = keyed_random_head(root_seed, e, s, classes, width).norm()
            for n, number in enumerate(documents):
                task = keyed_task(root_seed, encoders, e, s, number, sizes)
                x, labels = features_of(encoder, task.train.tokens), task.train.labels
                if n == 0:
                    every.append((x, labels))
                noisy = noise if (e == 0 and n == 0 and s < noise_seeds) else noise[:1]
                for q, share in enumerate(noisy):
                    rng = generator(root_seed, PAPER, "noise", s)
                    head = probe_head(x, noisy_labels(labels, share, classes, rng), strengths)
                    weights[e, s, n, q], bias[e, s, n, q], strength[e, s, n, q] = head
        x, labels = (np.stack(part) for part in zip(*every[:descent_seeds]))
        descent[e, :, 0] = descend_cross_entropy(x, labels, marks)
        descent[e, :, 1] = descend_squares(x, labels, marks)
        optimum[e] = [least_squares_norm(*one) for one in zip(x, labels)]
        path[e] = [penalised_norms(*one, strengths) for one in zip(x, labels)]
    norm = np.linalg.norm(weights, axis=(-2, -1))
    return xr.Dataset(
        {
            "weights": (("encoder", "seed", "documents", "noise", "class", "feature"), weights),
            "bias": (("encoder", "seed", "documents", "noise", "class"), bias),
            "strength": (("encoder", "seed", "documents", "noise"), strength, {"long_name": "chosen C"}),
            "norm": (("encoder", "seed", "documents", "noise"), norm, {"long_name": "norm of the probed head"}),
            "start": (("encoder", "seed"), start, {"long_name": "norm of the random head"}),
            "path": (
                ("encoder", "descent_seed", "C"),
                path,
                {"long_name": "norm at the minimum of the penalised loss"},
            ),
            "descent": (("encoder", "descent_seed", "loss", "step"), descent, {"long_name": "norm after descent"}),
            "optimum": (("encoder", "descent_seed"), optimum, {"long_name": "norm at the least squares"}),
        },
        coords={
            "encoder": range(count),
            "seed": range(seeds),
            "documents": documents,
            "noise": noise,
            "C": strengths,
            "loss": ["cross-entropy", "squared"],
            "step": marks,
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(fit_heads, snakemake)
