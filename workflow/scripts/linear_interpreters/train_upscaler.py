"""One super-resolution network, trained on patches of photographs."""

import numpy as np
import torch
import xarray as xr
from torch.nn.utils import parameters_to_vector

from lib.atlas.job.seeds import generator
from lib.interpreters.networks import Upscaler
from lib.interpreters.tasks import judge_upscaler
from lib.interpreters.tasks import train_upscaler as train


def train_upscaler(
    *,
    seed: str,
    scale: int,
    width: int,
    blocks: int,
    steps: int,
    root_seed: int,
    device: str = "cpu",
    checkpoint=None,
) -> xr.Dataset:
    """Return the weights as one vector, and the PSNR beside that of bicubic up-sampling on photographs not trained on.

    Args:
        seed: which training.
        scale, width, blocks: size of the network.
        steps: of training.
        root_seed: root of the random streams.
        device: torch device.
        checkpoint: where the state of the training is saved.
    """
    torch.set_num_threads(1)
    rng = generator(root_seed, "linear_interpreters", "upscaler", int(seed))
    torch.manual_seed(int(rng.integers(2**31)))
    model = Upscaler(scale, width, blocks).to(device)
    train(model, steps, rng, checkpoint=checkpoint)
    ours, bicubic = judge_upscaler(model)
    return xr.Dataset(
        {
            "weights": ("weight", parameters_to_vector(model.parameters()).detach().cpu().numpy().astype(np.float32)),
            "psnr": ((), ours, {"units": "dB"}),
            "psnr_bicubic": ((), bicubic, {"units": "dB"}),
        },
        attrs={"scale": scale, "width": width, "blocks": blocks},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_upscaler, snakemake)
