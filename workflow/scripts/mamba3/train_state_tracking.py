"""Train small models on a task that needs a state to be tracked; seeds and learning rates of a width as one stack."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.language.evaluation import tracking_accuracy
from lib.language.formal_tasks import TASKS
from lib.ssm.models import sequence_model, token_turns
from lib.training.loop import grow, token_losses, train
from lib.training.stacked import count_parameters, generators, stack_batches
from lib.training.state import Part, results_so_far


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
    learning_rates: list[float],
    warmup: int,
    widths: list[int],
    layers: int,
    hidden_over_width: int,
    head_dim: int,
    d_state: int,
    dt_range: list[float],
    sequences: int,
    seeds: list[int],
    root_seed: int,
    device: str,
    checkpoint=None,
) -> xr.Dataset:
    """Return scaled accuracy `(seed, length)`, losses `(seed, step)`, and the rotations that single tokens bring.

    Of several widths and learning rates each seed reports those with the best accuracy on sequences of the longest
    training length that serve for nothing else.

    Args:
        task: `parity`, `cyclic_sum`, `arithmetic` or `brackets`.
        variant: of `lib.ssm.models.mixer`.
        longest: longest training length; a batch has one length, uniform in 3 .. L with L growing from `first` to
            `longest` over the share `growth` of the steps.
        lengths: evaluated lengths; dense tasks count the second half of the positions, the others the answer.
        steps, batch, warmup: the rate is constant, then linear to 0 over the second half.
        learning_rates, widths: tried, all with the same weights at the start of a width and the same sequences.
        layers, hidden_over_width, head_dim, d_state, dt_range: of the model.
        sequences: fresh sequences for each length and seed.
        seeds: models of the stack.
        root_seed: root of the random streams.
        device: torch device.
        checkpoint: where the state of the training is saved.
    """
    formal, rates = TASKS[task], len(learning_rates)
    results = results_so_far(checkpoint)

    def streams(purpose: str, each: int = rates) -> list[np.random.Generator]:
        return [generator(root_seed, "mamba3", purpose, task, seed) for seed in seeds for _ in range(each)]

    for width in widths:
        name = f"width {width}"
        if f"{name}:loss" in results:
            continue
        keys = [seed_sequence(root_seed, "mamba3", "weights", task, seed) for seed in seeds for _ in range(rates)]
        model = sequence_model(
            variant,
            formal.vocabulary,
            width,
            layers,
            generators(keys),
            hidden=hidden_over_width * width,
            channel="gelu",
            head_dim=head_dim,
            d_state=d_state,
            dt_range=tuple(dt_range),
        ).to(device)
        drawn = streams("train", each=1)
        length_stream = generator(root_seed, "mamba3", "lengths", task)

        def loss(step: int, model=model, drawn=drawn, length_stream=length_stream) -> torch.Tensor:
            length = int(length_stream.integers(3, grow(step, steps, first, longest, growth) + 1))
            length -= formal.odd and length % 2 == 0
            pairs = stack_batches([formal.draw(batch, length, rng) for rng in drawn], device)
            tokens, targets = (part.repeat_interleave(rates, 0) for part in pairs)
            return token_losses(model(tokens), targets)

        trace = train(
            model,
            loss,
            steps=steps,
            learning_rate=learning_rates * len(seeds),
            warmup=warmup,
            decay="linear_half",
            weight_decay=0.0,
            betas=(0.9, 0.999),
            streams=[*drawn, length_stream],
            checkpoint=Part(checkpoint, name, results) if checkpoint else None,
        )
        single = rates * len(widths) == 1
        chosen = (
            np.ones(len(seeds))
            if single
            else tracking_accuracy(model, formal, longest, sequences, streams("validate"), device)
        )
        evaluated = streams("evaluate")
        accuracy = [tracking_accuracy(model, formal, length, sequences, evaluated, device) for length in lengths]
        turn = token_turns(model, formal.vocabulary)
        results |= {
            f"{name}:chosen": chosen.reshape(len(seeds), rates),
            f"{name}:accuracy": np.stack(accuracy, 1).reshape(len(seeds), rates, -1),
            f"{name}:loss": trace.T.astype(np.float32).reshape(len(seeds), rates, -1),
            f"{name}:parameters": np.array(count_parameters(model)),
        }
        if turn is not None:
            results[f"{name}:turn"] = turn.cpu().numpy().astype(np.float64).reshape(len(seeds), rates, *turn.shape[1:])
    return _best(results, task, variant, longest, lengths, seeds, learning_rates, widths)


def _best(results, task, variant, longest, lengths, seeds, learning_rates, widths) -> xr.Dataset:
    """The store: for each seed the width and learning rate with the best validation accuracy."""
    validation = np.stack([results[f"width {width}:chosen"] for width in widths], 1).reshape(len(seeds), -1)
    place = [divmod(int(p), len(learning_rates)) for p in validation.argmax(1)]

    def pick(name: str) -> list:
        return [results[f"width {widths[w]}:{name}"][s, r] for s, (w, r) in enumerate(place)]

    variables = {
        "scaled_accuracy": (("seed", "length"), np.stack(pick("accuracy")), {"long_name": "scaled accuracy"}),
        "loss": (("seed", "step"), np.stack(pick("loss")), {"long_name": "training loss", "units": "nats"}),
        "learning_rate": ("seed", np.array([learning_rates[r] for _, r in place])),
        "width": ("seed", np.array([widths[w] for w, _ in place])),
    }
    if f"width {widths[0]}:turn" in results:
        label = {"long_name": "rotation by one token of the first layer", "units": "rad"}
        turns = pick("turn")
        heads = max(turn.shape[1] for turn in turns)  # narrower models have fewer heads
        turns = [np.pad(t, ((0, 0), (0, heads - t.shape[1]), (0, 0)), constant_values=np.nan) for t in turns]
        variables["turn"] = (("seed", "token", "head", "pair"), np.stack(turns), label)
    return xr.Dataset(
        variables,
        coords={"seed": seeds, "length": lengths},
        attrs={
            "task": task,
            "variant": variant,
            "parameters": int(results[f"width {widths[-1]}:parameters"]),
            "longest": longest,
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_state_tracking, snakemake)
