"""Time decoded tokens of a linearized model and of the softmax model after contexts, alone on the machine."""

import numpy as np
import xarray as xr

from lib.bench.cached import cached_decode_times
from lib.bench.timing import machine, one_thread
from lib.language.llama import small_llama
from lib.linearizing.convert import linearize

VOCABULARY = 104


def time_decoding(*, model: dict, window: int, contexts: list[int], tokens: int, turns: int) -> xr.Dataset:
    """Return milliseconds `(arch, context, turn, token)` and bytes of state or cache `(arch, context)`.

    Args:
        model: sizes, see `lib.language.llama.small_llama`.
        window: tokens of the softmax window.
        contexts: tokens that the caches stand for.
        tokens, turns: decoded after each context in each turn.
    """

    def build():
        return small_llama(VOCABULARY, positions=2 * max(contexts), seed=0, **model).eval()

    models = {"liger": linearize(build(), window=window).eval(), "softmax": build()}
    with one_thread():
        seconds, held = cached_decode_times(models, contexts, tokens, turns)
    for name, row in zip(models, np.median(seconds, (2, 3))):
        print(f"{name}: " + ", ".join(f"{n} tokens {1e3 * s:.2f} ms" for n, s in zip(contexts, row)), flush=True)
    return xr.Dataset(
        {
            "decode_ms": (("arch", "context", "turn", "token"), 1e3 * seconds, {"units": "ms"}),
            "bytes": (("arch", "context"), held, {"units": "bytes", "long_name": "states or cache"}),
        },
        coords={"arch": list(models), "context": contexts},
        attrs={"timing": True, "machine": machine("cpu"), "layers": model["layers"]},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(time_decoding, snakemake)
