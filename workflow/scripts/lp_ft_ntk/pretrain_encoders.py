"""Pre-train small encoders on documents that mix domains."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.language.encoders import pretrain_encoder
from lib.language.topics import TopicWorld
from lib.probing.pretraining import weights
from lib.progress import progress


def pretrain_encoders(
    *, world: dict, architecture: dict, encoders: int, steps: int, batch: int, learning_rate: float, purity: float,
    root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return the weights of encoders, and the losses of their training.

    Args:
        world: sizes of the language.
        architecture: width, layers and heads.
        encoders: how many, of seeds of their own.
        steps, batch, learning_rate: of the training.
        purity: probability that a content word is of the document's topic.
        root_seed: root of the random streams.
    """
    vectors, losses = [], []
    for number in progress(range(encoders), "encoders"):
        seed = int(generator(root_seed, "lp_ft_ntk", "encoder", number).integers(2**31))
        encoder, loss = pretrain_encoder(
            TopicWorld(**world), **architecture, steps=steps, batch=batch, learning_rate=learning_rate, purity=purity,
            seed=seed,
        )  # fmt: skip
        vectors.append(weights(encoder))
        losses.append(loss)
    return xr.Dataset(
        {
            "weights": (("encoder", "weight"), np.stack(vectors)),
            "loss": (("encoder", "step"), np.stack(losses), {"long_name": "training loss", "units": "nats"}),
        },
        attrs={**world, **architecture},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(pretrain_encoders, snakemake)
