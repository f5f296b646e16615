"""Time training steps and decoded tokens against the length, alone on the machine."""

import numpy as np
import torch
import xarray as xr

from lib.bench.models import decode_times
from lib.bench.timing import machine, one_thread, time_op
from lib.language.memories import memory_model
from lib.training.stacked import generators


def time_layers(
    *,
    archs: dict[str, dict],
    vocabulary: int,
    width: int,
    lengths: dict[str, list[int]],
    repeats: int,
    contexts: list[int],
    decode_tokens: int,
    turns: int,
    device: str,
) -> xr.Dataset:
    """Return milliseconds of a forward and a backward pass `(arch, length, repeat)` and of decoded tokens.

    Args:
        archs: options of `lib.language.memories.memory_model` by name.
        vocabulary, width: of the models.
        lengths: tokens of one sequence by architecture; others are missing.
        repeats: passes, of which the fastest counts.
        contexts: numbers of tokens before the decoded ones.
        decode_tokens, turns: tokens decoded after each context, in this many turns.
        device: where to compute.
    """
    every = sorted({length for part in lengths.values() for length in part})
    passes = np.full((len(archs), len(every), repeats), np.nan)
    decode = np.empty((len(archs), len(contexts), turns, decode_tokens))
    state_bytes = np.empty((len(archs), len(contexts)), dtype=np.int64)
    with one_thread():
        for i, (arch, options) in enumerate(archs.items()):
            model = memory_model(vocabulary, width, sources=generators([0]), **options).to(device)
            parameters = list(model.parameters())
            for length in lengths[arch]:
                source = torch.Generator().manual_seed(0)
                tokens = torch.randint(vocabulary, (1, 1, length), generator=source).to(device)

                def both(model=model, tokens=tokens, parameters=parameters):
                    loss = model.features(tokens).square().mean()
                    return torch.autograd.grad(loss, parameters, allow_unused=True)

                passes[i, every.index(length)] = time_op(both, device, 1, repeats)
                print(f"{arch}, T = {length}: {passes[i, every.index(length)].min():.1f} ms", flush=True)
        for turn in range(turns):
            for i, options in enumerate(archs.values()):
                model = memory_model(vocabulary, width, sources=generators([0]), **options).to(device)
                seconds, state_bytes[i] = decode_times(model, contexts, 2, decode_tokens, device)
                decode[i, :, turn] = 1e3 * seconds
    return xr.Dataset(
        {
            "pass_ms": (("arch", "length", "repeat"), passes, {"units": "ms"}),
            "decode_ms": (("arch", "context", "turn", "token"), decode, {"units": "ms"}),
            "state_bytes": (("arch", "context"), state_bytes, {"units": "bytes", "long_name": "states or cache"}),
        },
        coords={"arch": list(archs), "length": every, "context": contexts},
        attrs={"timing": True, "device": device, "machine": machine(device)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(time_layers, snakemake)
