"""Wall times of whole models: training steps at a constant number of tokens, and decoding at growing contexts.

What is compared takes turns, so that a machine whose speed drifts slows all of it.
"""

import time

import numpy as np
import torch
import xarray as xr

from lib.bench.timing import machine, one_thread
from lib.language.models import build_model
from lib.training.loop import adamw, clip_each, language_loss
from lib.training.stacked import generators

TURN = 10  # tokens decoded at one context before the next has its turn
ARCHITECTURES = ("tnl_chunked", "tnl_quadratic", "softmax")


def _clock(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def step_times(
    model, vocabulary: int, tokens: int, lengths: list[int], warmup: int, steps: int, device: str
) -> np.ndarray:
    """Seconds `(length, step)` of full training steps on random windows, `tokens` in all; the lengths take turns."""
    optimiser = adamw(model, 1e-4)
    parameters = list(model.parameters())
    seconds = np.empty((len(lengths), warmup + steps))
    draw = torch.Generator().manual_seed(0)
    windows = [torch.randint(vocabulary, (1, tokens // n, n + 1), generator=draw).to(device) for n in lengths]
    for step in range(warmup + steps):
        for k, window in enumerate(windows):
            start = _clock(device)
            optimiser.zero_grad(set_to_none=True)
            language_loss(model, window).sum().backward()
            clip_each(parameters, 1.0)
            optimiser.step()
            seconds[k, step] = _clock(device) - start
    return seconds[:, warmup:]


def decode_times(model, contexts: list[int], warmup: int, tokens: int, device: str) -> tuple[np.ndarray, list[int]]:
    """Seconds `(context, token)` of tokens after contexts that fill the state with random values; the states' bytes.

    The contexts take turns.
    """
    begun = [model.begin(1, 1, context, torch.Generator().manual_seed(0)) for context in contexts]
    last = [torch.zeros(1, 1, dtype=torch.long, device=device) for _ in contexts]
    seconds = np.empty((len(contexts), tokens))
    with torch.no_grad():
        for done in range(0, tokens, TURN):
            for k in range(len(contexts)):
                for t in range(-warmup, min(TURN, tokens - done)):
                    start = _clock(device)
                    logits, begun[k] = model.step(last[k], begun[k])
                    last[k] = logits.argmax(-1)
                    if t >= 0:
                        seconds[k, done + t] = _clock(device) - start
    held = []
    for states in begun:
        parts = [part for state in states for part in (state if isinstance(state, tuple) else (state,))]
        held.append(sum(x.numel() * x.element_size() for x in parts if isinstance(x, torch.Tensor)))
    return seconds, held


def time_models(
    *,
    vocabulary: int,
    sizes: dict[str, dict],
    block: int,
    tokens_per_batch: int,
    lengths: list[int],
    quadratic_longest: int,
    warmup: int,
    steps: int,
    decode_size: str,
    contexts: list[int],
    decode_tokens: int,
    device: str,
) -> xr.Dataset:
    """Return tokens per second `(architecture, size, length, step)` and decode times `(architecture, context, token)`.

    Args:
        vocabulary, sizes, block: of the models: width, layers and heads by name of the size.
        tokens_per_batch, lengths: tokens of a batch, cut into sequences of each length.
        quadratic_longest: longest sequence that the quadratic form trains on.
        warmup, steps: training steps that do not count, and that do.
        decode_size, contexts, decode_tokens: size, lengths of the context, tokens decoded at each.
        device: where to compute.
    """
    rate = np.full((len(ARCHITECTURES), len(sizes), len(lengths), steps), np.nan)
    decoders = ("tnl_chunked", "softmax")
    decode = np.empty((len(decoders), len(contexts), decode_tokens))
    held = np.empty((len(decoders), len(contexts)), dtype=np.int64)
    with one_thread():
        for i, architecture in enumerate(ARCHITECTURES):
            for j, size in enumerate(sizes.values()):
                model = build_model(architecture, vocabulary, generators([0]), block, **size).to(device)
                feasible = [n for n in lengths if architecture != "tnl_quadratic" or n <= quadratic_longest]
                seconds = step_times(model, vocabulary, tokens_per_batch, feasible, warmup, steps, device)
                rate[i, j, [lengths.index(n) for n in feasible]] = tokens_per_batch / seconds
                print(
                    f"{architecture} {size}: {np.median(rate[i, j], -1).round()} tokens/s at T = {lengths}", flush=True
                )
        for i, architecture in enumerate(decoders):
            model = build_model(architecture, vocabulary, generators([0]), block, **sizes[decode_size]).to(device)
            seconds, held[i] = decode_times(model, contexts, 2, decode_tokens, device)
            decode[i] = 1e3 * seconds
    return xr.Dataset(
        {
            "tokens_per_s": (("architecture", "size", "length", "step"), rate, {"units": "tokens/s"}),
            "decode_ms": (("decoder", "context", "token"), decode, {"units": "ms"}),
            "state_bytes": (("decoder", "context"), held, {"units": "bytes", "long_name": "state or cache"}),
        },
        coords={
            "architecture": list(ARCHITECTURES),
            "size": list(sizes),
            "length": lengths,
            "decoder": list(decoders),
            "context": contexts,
        },
        attrs={"timing": True, "device": device, "machine": machine(device), "tokens_per_batch": tokens_per_batch},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(time_models, snakemake)
