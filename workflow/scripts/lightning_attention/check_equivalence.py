"""Every form of linear attention against the recurrence in float64: outputs, final states and gradients."""

import os

import numpy as np
import torch
import xarray as xr

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # before the kernels are imported: without a GPU Triton interprets them

from kernels.linear_attention import chunk_linear_attention
from lib.attention import alibi_slopes

TENSORS = ("o", "final", "dq", "dk", "dv", "d_initial")
FORMS = ("torch float64", "torch float32", "triton float32")


def outcome(q, k, v, state, d_out, d_final, decay, backend: str, block: int) -> list[torch.Tensor]:
    """Output, final state, and gradients of q, k, v and the initial state, in float64."""
    leaves = [x.detach().clone().requires_grad_() for x in (q, k, v, state)]
    o, final = chunk_linear_attention(
        *leaves[:3], decay, initial_state=leaves[3], output_final_state=True, chunk_size=block, backend=backend
    )
    loss = (o * d_out.to(o.dtype)).sum() + (final * d_final.to(final.dtype)).sum()
    return [x.double() for x in (o.detach(), final.detach(), *torch.autograd.grad(loss, leaves))]


def shapes_of(count: int, longest: int, widths: list[int], blocks: list[int], rng) -> list[tuple]:
    """(batch, heads, T, D, E, block): one token, less than a block, one, one and a token; then at random."""
    block = blocks[0]
    rows = [(1, 3, 1, widths[0], widths[1], block), (2, 2, block - 1, widths[1], widths[0], block)]
    rows += [(1, 4, block, widths[0], widths[0], block), (2, 1, block + 1, widths[1], widths[2], block)]
    while len(rows) < count:
        tokens, d, e, c = rng.integers(1, longest + 1), rng.choice(widths), rng.choice(widths), rng.choice(blocks)
        rows.append((int(rng.integers(1, 3)), int(rng.integers(1, 5)), int(tokens), int(d), int(e), int(c)))
    return rows[:count]


def check_equivalence(
    *,
    cases: int,
    longest: int,
    widths: list[int],
    blocks: list[int],
    triton_cases: int,
    triton_longest: int,
    triton_widest: int,
    rng,
    device: str,
) -> xr.Dataset:
    """Return largest absolute error over largest absolute value, `(form, shape, tensor)`, and whether gradcheck passes.

    Args:
        cases, longest, widths, blocks: number of shapes, and what they are drawn from.
        triton_cases, triton_longest, triton_widest: how many of the shapes, of at most this size, Triton runs on.
        rng, device: randomness, and where to compute.
    """
    rows = shapes_of(cases, longest, widths, blocks, rng)
    small = [i for i, row in enumerate(rows) if row[2] <= triton_longest and max(row[3:5]) <= triton_widest]
    error = np.full((len(FORMS), len(rows), len(TENSORS)), np.nan)
    for i, (batch, heads, tokens, d, e, block) in enumerate(rows):
        draws = [(batch, heads, tokens, d)] * 2 + [(batch, heads, tokens, e), (batch, heads, d, e)]
        draws += [(batch, heads, tokens, e), (batch, heads, d, e)]
        # float32 numbers in float64: all forms get the same inputs
        wide = [torch.from_numpy(rng.standard_normal(s).astype(np.float32)).double().to(device) for s in draws]
        decay = -alibi_slopes(heads).float().double().to(device)
        expected = outcome(*wide, decay, "recurrent", block)
        for j, form in enumerate(FORMS):
            backend, dtype = form.split()
            if backend == "triton" and i not in small[:triton_cases]:
                continue
            given = [x.to(getattr(torch, dtype)) for x in (*wide, decay)]
            found = outcome(*given, backend, block)
            error[j, i] = [float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, expected)]
    tiny = [torch.randn(1, 2, 7, 3, dtype=torch.float64, requires_grad=True) for _ in range(3)]

    def form(q, k, v):
        return chunk_linear_attention(q, k, v, -alibi_slopes(2), chunk_size=4, backend="torch", output_final_state=True)

    return xr.Dataset(
        {
            "error": (("form", "shape", "tensor"), error, {"long_name": "largest error over largest value"}),
            "gradcheck": ((), bool(torch.autograd.gradcheck(form, tiny))),
        },
        coords={
            "form": list(FORMS),
            "tensor": list(TENSORS),
            "sizes": (("shape", "size"), np.array(rows)),
            "size": ["batch", "heads", "tokens", "D", "E", "block"],
        },
        attrs={"triton": "compiled" if device == "cuda" else "Triton's CPU interpreter"},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_equivalence, snakemake)
