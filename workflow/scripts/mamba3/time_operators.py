"""Time one decode step and the forward pass of a sequence; on a processor the PyTorch forms, on a GPU the kernels."""

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import scaled_dot_product_attention

from kernels.linear_attention import chunk_linear_attention
from lib.atlas.progress import progress
from lib.bench.timing import time_op
from lib.ssm import Mamba3State, mamba3_scan, mamba3_step
from lib.ssm.counts import decode_count

STATE_BYTES = {"float32": 4, "bfloat16": 2}
OPERATORS = ("mamba3", "mimo", "scalar_decay", "softmax")


def _token(b: int, H: int, P: int, N: int, R: int, rng: torch.Generator, device: str, dtype, T: int | None = None):
    """Arguments of one step, or with T of a scan, and the options."""

    def normal(*size, kind=torch.float32):
        return torch.randn(size, generator=rng).to(device, kind)

    time_axis = () if T is None else (T,)
    vector = (b, *time_axis, R, 1, N)
    steps = torch.rand((b, *time_axis, H), generator=rng).to(device) * 0.1 + 1e-3
    x, z = (normal(b, *time_axis, H, P, kind=dtype) for _ in range(2))
    arguments = [normal(*vector, kind=dtype), normal(*vector, kind=dtype), x, -steps, steps]
    arguments += [normal(b, *time_axis, H), normal(b, *time_axis, N // 2)]
    options = {
        "C_bias": torch.ones(H, R, N, device=device), "B_bias": torch.ones(H, R, N, device=device),
        "D": torch.ones(H, device=device), "z": z, "mimo": tuple(torch.ones(H, R, P, device=device) for _ in range(3)),
    }  # fmt: skip
    return arguments, options


def _prefills(T: int, heads: int, P: int, N: int, rng: torch.Generator, device: str, dtype) -> list:
    """Forward passes of the operators, in their order."""
    (siso, one), (mimo, four) = (_token(1, heads, P, N, rank, rng, device, dtype, T) for rank in (1, 4))
    q, k, v = (torch.randn(1, heads, T, width, generator=rng).to(device, dtype) for width in (N, N, P))
    decay = -0.1 * torch.rand(1, heads, T, generator=rng).to(device)
    return [
        lambda: mamba3_scan(*siso, **one),
        lambda: mamba3_scan(*mimo, **four),
        lambda: chunk_linear_attention(q, k, v, decay),
        lambda: scaled_dot_product_attention(q, k, v, is_causal=True),
    ]


def time_operators(
    *, heads: int, head_dim: int, states: list[int], ranks: list[int], batches: list[int], tokens: list[int],
    repeats: int, device: str,
) -> xr.Dataset:  # fmt: skip
    """Return milliseconds of decode steps and forward passes, and the counted work of a step.

    Args:
        heads, head_dim: H and P.
        states: sizes N.
        ranks: ranks R of the decode step.
        batches: sequences of a decode step.
        tokens: lengths of the forward pass, one sequence.
        repeats: timed calls.
        device: torch device.
    """
    rng = torch.Generator().manual_seed(0)
    dtypes = ["float32", "bfloat16"] if device == "cuda" else ["float32"]
    decode = np.zeros((len(dtypes), len(ranks), len(states), len(batches), repeats))
    for (d, r, n, b), _ in progress(np.ndenumerate(decode[..., 0]), "decode steps", total=decode[..., 0].size):
        dtype, sizes = getattr(torch, dtypes[d]), (batches[b], heads, head_dim, states[n], ranks[r])
        arguments, options = _token(*sizes, rng, device, torch.float32 if dtypes[d] == "float32" else dtype)
        H, P, N, R = sizes[1:]
        state = Mamba3State(
            torch.zeros(batches[b], H, N // 2, device=device),
            torch.zeros(batches[b], H, P, N, device=device, dtype=dtype),
            torch.zeros(batches[b], H, R, N, device=device), torch.zeros(batches[b], H, P, device=device),
        )  # fmt: skip
        with torch.no_grad():
            decode[d, r, n, b] = time_op(lambda: mamba3_step(state, *arguments, **options), device, 2, repeats)  # noqa: B023
    prefill = np.zeros((len(OPERATORS), len(tokens), repeats))
    N, P, dtype = states[0], head_dim, torch.bfloat16 if device == "cuda" else torch.float32
    for i, T in enumerate(progress(tokens, "lengths")):
        for o, call in enumerate(_prefills(T, heads, P, N, rng, device, dtype)):
            with torch.no_grad():
                prefill[o, i] = time_op(call, device, 2, repeats)
    counts = [
        [[decode_count(heads, head_dim, N, R, state_bytes=size).intensity for N in states] for R in ranks]
        for size in STATE_BYTES.values()
    ]
    return xr.Dataset(
        {
            "decode_ms": (("dtype", "rank", "state", "batch", "repeat"), decode, {"units": "ms"}),
            "prefill_ms": (("operator", "tokens", "repeat"), prefill, {"units": "ms"}),
            "intensity": (("state_dtype", "rank", "state"), np.array(counts), {"units": "FLOP/byte"}),
        },
        coords={
            "dtype": dtypes, "rank": ranks, "state": states, "batch": batches, "operator": [*OPERATORS],
            "tokens": tokens, "state_dtype": [*STATE_BYTES],
        },
        attrs={"timing": True, "timed_on": device, "heads": heads, "head_dim": head_dim},
    )  # fmt: skip


if "snakemake" in globals():
    from lib.atlas.stage import run

    run(time_operators, snakemake)
