"""Time one decode step and the forward pass of a sequence; on a processor the PyTorch forms, on a GPU the kernels."""

from functools import partial

import numpy as np
import torch
import xarray as xr

from lib.bench.counts import decode_count
from lib.bench.mamba3 import MAMBA3, step_call, step_work
from lib.bench.timing import machine, one_thread, time_op
from lib.progress import progress

STATE_BYTES = {"float32": 4, "bfloat16": 2}
OPERATORS = ("chunked", "rank_4", "scalar_decay", "sdpa")


def time_operators(
    *,
    heads: int,
    decode_heads: int,
    head_dim: int,
    states: list[int],
    ranks: list[int],
    batches: list[int],
    tokens: list[int],
    repeats: int,
    device: str,
) -> xr.Dataset:
    """Return milliseconds of decode steps and forward passes, and the counted work of a step.

    Args:
        heads, decode_heads, head_dim: H of the forward pass and of the decode step, and P.
        states: sizes N.
        ranks: ranks R of the decode step.
        batches: sequences of a decode step.
        tokens: lengths of the forward pass, one sequence.
        repeats: timed calls.
        device: torch device.
    """
    dtypes = ["float32", "bfloat16"] if device == "cuda" else ["float32"]
    decode = np.zeros((len(dtypes), len(ranks), len(states), len(batches), repeats))
    prefill = np.zeros((len(OPERATORS), len(tokens), repeats))
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    with torch.no_grad(), one_thread():
        for (d, r, n, b), _ in progress(np.ndenumerate(decode[..., 0]), "steps", total=decode[..., 0].size):
            kind = getattr(torch, dtypes[d])
            call = step_call((batches[b], decode_heads, 1, head_dim), ranks[r], states[n], kind, device, kind)
            decode[d, r, n, b] = time_op(call, device, 2, repeats)
        for i, T in enumerate(progress(tokens, "lengths")):
            for o, name in enumerate(OPERATORS):
                inputs, function = MAMBA3[name].build((1, heads, T, head_dim), dtype, device, 64)
                prefill[o, i] = time_op(partial(function, *inputs), device, 2, repeats)
    counts = [
        [[decode_count(decode_heads, head_dim, N, R, state_bytes=size).intensity for N in states] for R in ranks]
        for size in STATE_BYTES.values()
    ]
    with torch.no_grad():
        made = [
            [step_work((batches[-1], decode_heads, 1, head_dim), R, N, torch.float32, device) for N in states]
            for R in ranks
        ]
    return xr.Dataset(
        {
            "decode_ms": (("dtype", "rank", "state", "batch", "repeat"), decode, {"units": "ms"}),
            "prefill_ms": (("operator", "tokens", "repeat"), prefill, {"units": "ms"}),
            "intensity": (("state_dtype", "rank", "state"), np.array(counts), {"units": "FLOP/byte"}),
            "step_work": (
                ("rank", "state", "part"),
                np.array(made),
                {"long_name": "operations made and bytes of tensors"},
            ),
        },
        coords={
            "dtype": dtypes,
            "rank": ranks,
            "state": states,
            "batch": batches,
            "operator": [*OPERATORS],
            "tokens": tokens,
            "state_dtype": [*STATE_BYTES],
            "part": ["operations", "bytes"],
        },
        attrs={
            "timing": True,
            "timed_on": device,
            "machine": machine(device),
            "heads": heads,
            "decode_heads": decode_heads,
            "head_dim": head_dim,
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(time_operators, snakemake)
