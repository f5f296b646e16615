"""Image-to-image networks of one planted task, one for each seed."""

import numpy as np
import torch
import xarray as xr
from torch.nn.utils import parameters_to_vector

from lib.atlas.job.seeds import generator
from lib.interpreters.networks import Translator
from lib.interpreters.tasks import draw_scenes, train_translator
from lib.progress import progress
from lib.training.state import Part, results_so_far


def train_translators(
    *,
    task: str,
    width: int,
    blocks: int,
    steps: int,
    seeds: int,
    scenes: int,
    root_seed: int,
    device: str = "cpu",
    checkpoint=None,
) -> xr.Dataset:
    """Return weights as vectors (seed, weight) and the mean absolute error on fresh scenes (seed).

    Args:
        task: one of `lib.interpreters.tasks.SCENE_TASKS`.
        width, blocks: size of the network.
        steps: of training.
        seeds: trainings.
        scenes: to judge them on.
        root_seed: root of the random streams.
        device: torch device.
        checkpoint: where the state of the trainings is saved.
    """
    torch.set_num_threads(1)
    results = results_so_far(checkpoint)
    weights, errors = list(results.get("weights", [])), list(results.get("errors", []))
    for seed in progress(range(len(weights), seeds), "trainings"):
        rng = generator(root_seed, "linear_interpreters", "translators", task, seed)
        torch.manual_seed(int(rng.integers(2**31)))
        model = Translator(width, blocks).to(device)
        results = {"weights": np.array(weights), "errors": np.array(errors)} if weights else {}
        train_translator(
            model, task, steps, rng, checkpoint=Part(checkpoint, f"seed {seed}", results) if checkpoint else None
        )
        model = model.cpu()
        test = draw_scenes(task, scenes, rng)
        with torch.no_grad():
            errors.append(float((model(test.inputs) - test.targets).abs().mean()))
        weights.append(parameters_to_vector(model.parameters()).detach().numpy())
    return xr.Dataset(
        {
            "weights": (("seed", "weight"), np.stack(weights).astype(np.float32)),
            "error": ("seed", errors, {"long_name": "mean absolute error on fresh scenes"}),
        },
        attrs={"width": width, "blocks": blocks},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_translators, snakemake)
