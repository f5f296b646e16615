"""Train transformers on modular addition, all seeds as one stack."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.interaction.addition import all_sums, train_transformers


def train_addition(
    *, modulus: int, seeds: int, training_share: float, epochs: int, learning_rate: float, weight_decay: float,
    device: str, checkpoint=None, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return the weights of all transformers, and their accuracies on the pairs that they did not see.

    Args:
        modulus: of the sums.
        seeds: transformers, each with training pairs of its own.
        training_share: of all pairs.
        epochs: steps on the full batch.
        learning_rate, weight_decay: of AdamW.
        device: torch device.
        checkpoint: state of the training.
        root_seed: root of the random streams.
    """
    orders = np.stack([
        generator(root_seed, "loss_degeneracy", "pairs", seed).permutation(modulus**2) for seed in range(seeds)
    ])  # fmt: skip
    count = round(training_share * modulus**2)
    model = train_transformers(
        modulus,
        [seed_sequence(root_seed, "loss_degeneracy", "addition", seed) for seed in range(seeds)],
        orders[:, :count],
        epochs=epochs,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        device=device,
        checkpoint=checkpoint,
    )
    contexts, sums = (part.to(device) for part in all_sums(modulus))
    right = []
    with torch.no_grad():
        for part, wanted in zip(contexts.split(2048), sums.split(2048)):
            right.append((model(part).argmax(-1) == wanted).cpu().numpy())
    right = np.take_along_axis(np.concatenate(right, axis=1), orders[:, count:], axis=1)
    weights = {
        name: (["network", *(f"{name}_{axis}" for axis in range(values.ndim - 1))], values)
        for name, values in ((name, value.detach().cpu().numpy()) for name, value in model.named_parameters())
    }
    return xr.Dataset(
        {**weights, "accuracy": ("network", right.mean(axis=1), {"long_name": "accuracy on unseen pairs"})},
        attrs={"modulus": modulus},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_addition, snakemake)
