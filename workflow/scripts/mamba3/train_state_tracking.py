"""Train small models on a task that needs a state to be tracked; all seeds of a variant as one stack."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.language import formal_tasks
from lib.ssm.mamba3 import Mamba3
from lib.ssm.models import sequence_model
from lib.training.loop import token_losses, train
from lib.training.stacked import count_parameters, generators, stack_batches

MODULUS = formal_tasks.MODULUS
CHANCE = {"parity": 1 / 2, "cyclic_sum": 1 / MODULUS, "arithmetic": 1 / MODULUS, "brackets": 1 / MODULUS}
DENSE = ("parity", "cyclic_sum")
VOCABULARY = {"parity": 3, "cyclic_sum": MODULUS + 1}


def draw(task: str, n: int, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of a task, by its name here."""
    if task == "parity":
        return formal_tasks.parity(n, length, rng)
    if task == "cyclic_sum":
        return formal_tasks.cyclic_sum(n, length, MODULUS, rng)
    brackets = task == "brackets"
    return formal_tasks.modular_arithmetic(n, length, MODULUS, brackets, not brackets, rng)


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
    vocabulary = VOCABULARY.get(task, len(formal_tasks.symbols(MODULUS)))
    sources = generators([seed_sequence(root_seed, "mamba3", "weights", task, seed) for seed in seeds])
    model = sequence_model(
        variant, vocabulary, width, layers, sources, hidden=hidden, channel="gelu", head_dim=head_dim, d_state=d_state,
        dt_range=tuple(dt_range), backend="quadratic" if device == "cpu" else "auto",
    ).to(device)  # fmt: skip
    streams = [generator(root_seed, "mamba3", "train", task, seed) for seed in seeds]
    length_stream = generator(root_seed, "mamba3", "lengths", task)

    def sample(length: int, n: int, rngs: list):
        return stack_batches([draw(task, n, length, rng) for rng in rngs], device)

    def loss(step: int) -> torch.Tensor:
        top = first + (longest - first) * min(1.0, step / max(1, growth * steps))
        length = int(length_stream.integers(3, int(top) + 1))
        tokens, targets = sample(length - (task == "arithmetic" and length % 2 == 0), batch, streams)
        return token_losses(model(tokens), targets)

    trace = train(
        model, loss, steps=steps, learning_rate=learning_rate, warmup=warmup, decay="linear_half", weight_decay=0.0,
        betas=(0.9, 0.999),
    )  # fmt: skip
    for mixer in model.mixers:
        mixer.backend = "auto"
    streams = [generator(root_seed, "mamba3", "evaluate", task, seed) for seed in seeds]
    accuracy = np.zeros((len(seeds), len(lengths)))
    with torch.no_grad():
        for i, length in enumerate(lengths):
            right, asked = np.zeros(len(seeds)), 0
            for _ in range(0, sequences, 32):
                tokens, targets = sample(length, 32, streams)
                place = 1 + length // 2 if task in DENSE else -1
                hits = model(tokens)[:, :, place:].argmax(-1) == targets[:, :, place:]
                right += hits.sum((1, 2)).cpu().numpy()
                asked += hits[0].numel()
            accuracy[:, i] = right / asked
    found = {
        "scaled_accuracy": (
            ("seed", "length"), formal_tasks.scaled_accuracy(accuracy, CHANCE[task]), {"long_name": "scaled accuracy"},
        ),
        "loss": (("seed", "step"), trace.T.astype(np.float32), {"long_name": "training loss", "units": "nats"}),
    }  # fmt: skip
    first_mixer = model.mixers[0]
    if isinstance(first_mixer, Mamba3) and first_mixer.rotation == "data":
        with torch.no_grad():
            tokens = torch.arange(vocabulary, device=device).expand(len(seeds), 1, -1)
            turns = first_mixer.turns(model.mixer_norms[0](model.embedding(tokens)))[:, 0]
        found["turn"] = (
            ("seed", "token", "head", "pair"), turns.cpu().numpy().astype(np.float64),
            {"long_name": "rotation by one token of the first layer", "units": "rad"},
        )  # fmt: skip
    return xr.Dataset(
        found,
        coords={"seed": seeds, "length": lengths},
        attrs={"task": task, "variant": variant, "parameters": count_parameters(model), "longest": longest},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_state_tracking, snakemake)
