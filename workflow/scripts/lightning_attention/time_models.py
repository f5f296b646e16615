"""Wall times of whole models: training steps at a constant number of tokens, and decoding at growing contexts."""

import numpy as np
import xarray as xr

from lib.bench.models import decode_times, step_times
from lib.bench.timing import machine, one_thread
from lib.language.models import build_model
from lib.training.stacked import generators

ARCHITECTURES = ("tnl_chunked", "tnl_tiled", "softmax")
DECODERS = ("tnl_chunked", "softmax")


def time_models(
    *,
    vocabulary: int,
    sizes: dict[str, dict],
    block: int,
    tokens_per_batch: int,
    lengths: list[int],
    tiled_longest: int,
    warmup: int,
    steps: int,
    decode_size: str,
    contexts: list[int],
    decode_tokens: int,
    recompute: bool,
    slice_tokens: int,
    device: str,
) -> xr.Dataset:
    """Return tokens per second `(architecture, size, length, step)` and decode times `(architecture, context, token)`.

    Args:
        vocabulary, sizes, block: of the models: width, layers and heads by name of the size.
        tokens_per_batch, lengths: tokens of a batch, cut into sequences of each length.
        tiled_longest: longest sequence that the left product in tiles trains on.
        warmup, steps: training steps that do not count, and that do.
        decode_size, contexts, decode_tokens: size, lengths of the context, tokens decoded at each.
        recompute, slice_tokens: whether the inside of a layer is computed again in the backward pass, and the positions
            whose logits are in memory at once (0: all).
        device: where to compute; on a GPU the training steps are in bfloat16.
    """
    rate = np.full((len(ARCHITECTURES), len(sizes), len(lengths), steps), np.nan)
    decode = np.empty((len(DECODERS), len(contexts), decode_tokens))
    state_bytes = np.empty((len(DECODERS), len(contexts)), dtype=np.int64)
    with one_thread():
        for i, architecture in enumerate(ARCHITECTURES):
            for j, size in enumerate(sizes.values()):
                model = build_model(architecture, vocabulary, generators([0]), block, **size).to(device)
                model.recompute = recompute
                feasible = [n for n in lengths if architecture != "tnl_tiled" or n <= tiled_longest]
                seconds = step_times(
                    model, vocabulary, tokens_per_batch, feasible, warmup, steps, device, slice_tokens or None
                )
                rate[i, j, [lengths.index(n) for n in feasible]] = tokens_per_batch / seconds
                print(
                    f"{architecture} {size}: {np.median(rate[i, j], -1).round()} tokens/s at T = {lengths}", flush=True
                )
        for i, architecture in enumerate(DECODERS):
            model = build_model(architecture, vocabulary, generators([0]), block, **sizes[decode_size]).to(device)
            seconds, state_bytes[i] = decode_times(model, contexts, 2, decode_tokens, device)
            decode[i] = 1e3 * seconds
    return xr.Dataset(
        {
            "tokens_per_s": (("architecture", "size", "length", "step"), rate, {"units": "tokens/s"}),
            "decode_ms": (("decoder", "context", "token"), decode, {"units": "ms"}),
            "state_bytes": (("decoder", "context"), state_bytes, {"units": "bytes", "long_name": "state or cache"}),
        },
        coords={
            "architecture": list(ARCHITECTURES),
            "size": list(sizes),
            "length": lengths,
            "decoder": list(DECODERS),
            "context": contexts,
        },
        attrs={"timing": True, "device": device, "machine": machine(device), "tokens_per_batch": tokens_per_batch},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(time_models, snakemake)
