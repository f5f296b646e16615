"""Train small models on a task that needs a state to be tracked; all seeds of a variant as one stack."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.language.evaluation import tracking_accuracy
from lib.language.formal_tasks import TASKS
from lib.ssm.models import sequence_model, token_turns
from lib.training.loop import grow, token_losses, train
from lib.training.stacked import count_parameters, generators, stack_batches


def train_state_tracking(
    *,
    task: str,
    variant: str,
    longest: int,
    lengths: list[int],
    steps: int,
    first: int,
    growth: float,
    batch: int,
    learning_rate: float,
    warmup: int,
    width: int,
    layers: int,
    hidden: int,
    head_dim: int,
    d_state: int,
    dt_range: list[float],
    sequences: int,
    seeds: list[int],
    root_seed: int,
    device: str,
) -> xr.Dataset:
    """Return scaled accuracy `(seed, length)`, losses `(seed, step)`, and the rotations that single tokens bring.

    Args:
        task: `parity`, `cyclic_sum`, `arithmetic` or `brackets`.
        variant: of `lib.ssm.models.mixer`.
        longest: longest training length; a batch has one length, uniform in 3 .. L with L growing from `first` to
            `longest` over the share `growth` of the steps.
        lengths: evaluated lengths; dense tasks count the second half of the positions, the others the answer.
        steps, batch, learning_rate, warmup: the rate is constant, then linear to 0 over the second half.
        width, layers, hidden, head_dim, d_state, dt_range: of the model.
        sequences: fresh sequences for each length and seed.
        seeds: models of the stack.
        root_seed: root of the random streams.
        device: torch device.
    """
    formal = TASKS[task]
    sources = generators([seed_sequence(root_seed, "mamba3", "weights", task, seed) for seed in seeds])
    model = sequence_model(
        variant,
        formal.vocabulary,
        width,
        layers,
        sources,
        hidden=hidden,
        channel="gelu",
        head_dim=head_dim,
        d_state=d_state,
        dt_range=tuple(dt_range),
        backend="quadratic" if device == "cpu" else "auto",
    ).to(device)
    streams = [generator(root_seed, "mamba3", "train", task, seed) for seed in seeds]
    length_stream = generator(root_seed, "mamba3", "lengths", task)

    def loss(step: int) -> torch.Tensor:
        length = int(length_stream.integers(3, grow(step, steps, first, longest, growth) + 1))
        length -= formal.odd and length % 2 == 0
        tokens, targets = stack_batches([formal.draw(batch, length, rng) for rng in streams], device)
        return token_losses(model(tokens), targets)

    options = {"decay": "linear_half", "weight_decay": 0.0, "betas": (0.9, 0.999)}
    trace = train(model, loss, steps=steps, learning_rate=learning_rate, warmup=warmup, **options)
    for mixer in model.mixers:
        mixer.backend = "auto"
    streams = [generator(root_seed, "mamba3", "evaluate", task, seed) for seed in seeds]
    accuracy = [tracking_accuracy(model, formal, length, sequences, streams, device) for length in lengths]
    variables = {
        "scaled_accuracy": (("seed", "length"), np.stack(accuracy, 1), {"long_name": "scaled accuracy"}),
        "loss": (("seed", "step"), trace.T.astype(np.float32), {"long_name": "training loss", "units": "nats"}),
    }
    turn = token_turns(model, formal.vocabulary)
    if turn is not None:
        label = {"long_name": "rotation by one token of the first layer", "units": "rad"}
        variables["turn"] = (("seed", "token", "head", "pair"), turn.cpu().numpy().astype(np.float64), label)
    return xr.Dataset(
        variables,
        coords={"seed": seeds, "length": lengths},
        attrs={"task": task, "variant": variant, "parameters": count_parameters(model), "longest": longest},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_state_tracking, snakemake)
