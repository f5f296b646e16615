"""Times of the kernels on this machine beside its limits and installed peers: printed and, on request, stored.

On a CPU small shapes are timed on one thread, on a CUDA device the six shapes of `GPU` and those of the paper's Mamba-3
and of a linearized Llama 3, in bfloat16. With `--keep NAME` the tables stay in `resources/measured`; the figures of
speed, prefill and decoding then show those of their operators beside the times of the run. A further family of
operators is one more entry of `FAMILIES`.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from lib.bench.analysis import roofline
from lib.bench.key_gated import KEY_GATED
from lib.bench.mamba3 import MAMBA3
from lib.bench.operators import LINEAR_ATTENTION, measure

# batch, heads, tokens, width of a head
GPU = [
    (8, 16, 2048, 64),
    (4, 16, 2048, 128),
    (4, 32, 8192, 128),
    (1, 96, 8192, 128),
    (2, 16, 16384, 128),
    (1, 16, 131072, 128),
]
GPU_CURVE = [(4, 32, tokens, 128) for tokens in (1024, 2048, 4096, 8192, 16384, 32768)]
CPU = [(1, 4, 1024, 64), (1, 4, 4096, 64)]
CPU_LONG = [(1, 4, 8192, 64)]
QUADRATIC = ("quadratic", "tiled", "recurrent", "cumsum")  # too slow or too large for the long shapes


def linear_attention_cases(device: str) -> list:
    """What is timed of linear attention: operator, pass, shape."""
    shapes = GPU_CURVE + [shape for shape in GPU if shape not in GPU_CURVE] if device == "cuda" else CPU + CPU_LONG
    cases = [
        (name, way, s) for s in shapes for name in ("chunked", "sdpa", "fla_simple_gla") for way in ("forward", "both")
    ]
    short = GPU[1:2] if device == "cuda" else CPU[:1]
    cases += [(name, "forward", shape) for shape in short for name in QUADRATIC]
    return cases + [(name, "decode", shapes[-1]) for name in ("chunked", "sdpa")]


def mamba3_cases(device: str) -> list:
    """What is timed of Mamba-3: the paper's 64 heads of 64 with N = 128, and small shapes on a CPU."""
    shapes = [(1, 4, 1024, 32), (1, 4, 4096, 32)]
    batches = [(1, 4, 1, 32), (16, 4, 1, 32)]
    if device == "cuda":
        shapes = [(1, 64, tokens, 64) for tokens in (2048, 4096, 8192, 16384, 32768)] + [(8, 64, 2048, 64)]
        batches = [(batch, 64, 1, 64) for batch in (1, 32, 128)]
    cases = [(name, way, shape) for shape in shapes for name in MAMBA3 for way in ("forward", "both")]
    return cases + [(name, "decode", shape) for shape in batches for name in ("chunked", "rank_4")]


def key_gated_cases(device: str) -> list:
    """What is timed of key-gated attention: 32 heads of 128 in groups of four, as in Llama 3, and small CPU shapes."""
    shapes = [(1, 8, 1024, 64), (1, 8, 4096, 64)]
    if device == "cuda":
        shapes = [(4, 32, tokens, 128) for tokens in (1024, 2048, 4096, 8192, 16384)] + [(8, 32, 2048, 64)]
    cases = [(name, way, shape) for shape in shapes for name in KEY_GATED for way in ("forward", "both")]
    return cases + [(name, "decode", shapes[-1]) for name in ("fused", "unfused", "sdpa")]


FAMILIES = {
    "linear_attention": (LINEAR_ATTENTION, linear_attention_cases),
    "mamba3": (MAMBA3, mamba3_cases),
    "key_gated": (KEY_GATED, key_gated_cases),
}


def report(table, first: str) -> None:
    """Print each case: time, achieved rates, share of the roofline, ratio to the first operator."""
    print(f"{table.attrs['machine']}, {table.attrs['dtype']}: copy {table.copy_bandwidth / 1e9:.0f} GB/s, ", end="")
    print(f"matrix product {table.matrix_rate / 1e12:.2f} TFLOP/s")
    times = table.time_ms.min("repeat").values
    keys = list(zip(*(table[name].values for name in ("pass", "batch", "heads", "tokens", "width"))))
    reference = {key: t for key, t, name in zip(keys, times, table["operator"].values) if name == first}
    print(f"{'shape (B, H, T, D)':22} {'pass':8} {'operator':22} {'ms':>9} ", end="")
    print(f"{'GB/s':>7} {'GFLOP/s':>8} {'bound':>6} {'ratio':>7}")
    for key, t, name, flops, bytes_moved in zip(
        keys, times, table["operator"].values, table.flops.values, table.bytes.values
    ):
        rates = f"{'':7} {'':8} {'':6}"
        if np.isfinite(flops):
            bound = roofline(flops, bytes_moved, float(table.matrix_rate), float(table.copy_bandwidth))
            rates = f"{bytes_moved / t / 1e6:7.1f} {flops / t / 1e6:8.1f} {bound / t:6.0%}"
        ratio = f"{t / reference[key]:7.2f}" if key in reference else ""
        print(f"{tuple(int(x) for x in key[1:])!s:22} {key[0]:8} {name:22} {t:9.3f} {rates} {ratio}")


def keep(table, name: str) -> None:
    """Write a table where the figures look for it."""
    from lib.atlas import provenance
    from lib.atlas.job import store

    root = Path(__file__).parents[1]
    record = {"stage": "bench_kernels", "commit": provenance.git_commit(root), "timing": True}
    path = root / "resources/measured" / f"{name}.zarr.zip"
    store.write(table, path, {**record, "libraries": provenance.libraries()})
    print(f"kept as {path}")


def main() -> None:
    """Measure, print, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", choices=FAMILIES, nargs="+", default=list(FAMILIES))
    parser.add_argument("--keep", metavar="NAME", help="keep the tables as resources/measured/FAMILY_NAME.zarr.zip")
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for family in options.family:
        operators, cases = FAMILIES[family]
        table = measure(
            operators,
            cases(device),
            device=device,
            dtype=torch.bfloat16 if device == "cuda" else torch.float32,
            warmup=25 if device == "cuda" else 1,
            repeats=100 if device == "cuda" else 5,
        )
        report(table, next(iter(operators)))
        if options.keep:
            keep(table, f"{family}_{options.keep}")


if __name__ == "__main__":
    main()
