"""Features of digits by small networks that stand in for pre-trained backbones."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.probing.digits import BACKBONES, digits, hidden_features, split_rows, train_backbone
from lib.progress import progress


def train_backbones(*, split: list[int], seeds: int, width: int, epochs: dict[str, int], root_seed: int) -> xr.Dataset:
    """Return features of all images, a variable for each backbone (seed, image, feature), float32, labels and parts.

    `part` (seed, image) is 0 for pre-training, 1 for probes, 2 for their test, -1 for images left out.

    Args:
        split: images for pre-training, probes and test.
        seeds: pre-training runs, each with a split of its own.
        width: of both hidden layers.
        epochs: by backbone.
        root_seed: root of the random streams.
    """
    x, labels = digits()
    features = {name: [] for name in BACKBONES}
    part = np.full((seeds, len(x)), -1, np.int8)
    for seed in progress(range(seeds), "seeds"):
        rows = split_rows(len(x), split, generator(root_seed, "generative_vs_discriminative", "split", seed))
        for code, chosen in enumerate(rows):
            part[seed, chosen] = code
        for name in BACKBONES:
            network = train_backbone(
                name, x[rows.pretrain], labels[rows.pretrain], width=width, epochs=epochs.get(name, 0),
                rng=generator(root_seed, "generative_vs_discriminative", "backbone", name, seed),
            )  # fmt: skip
            features[name].append(hidden_features(network, x).astype(np.float32))
    return xr.Dataset(
        {
            **{name: (("seed", "image", f"{name}_feature"), np.stack(rows)) for name, rows in features.items()},
            "label": ("image", labels),
            "part": (("seed", "image"), part, {"long_name": "0 pre-training, 1 probes, 2 test, -1 left out"}),
        }
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_backbones, snakemake)
