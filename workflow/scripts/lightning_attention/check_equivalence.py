"""Every form of linear attention against the recurrence in float64: outputs, final states and gradients."""

import os

import numpy as np
import torch
import xarray as xr

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # before the kernels are imported: without a GPU Triton interprets them

from kernels.agreement import relative_error
from lib.attention.equivalence import RESULTS, outcome, passes_gradcheck, random_case, random_shapes

# the store calls the block form in PyTorch "torch"
FORMS = {
    "torch float64": ("chunked", torch.float64),
    "torch float32": ("chunked", torch.float32),
    "triton float32": ("triton", torch.float32),
}


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
    shapes = random_shapes(cases, longest, widths, blocks, rng)
    small = [shape for shape in shapes if shape.tokens <= triton_longest and max(shape.D, shape.E) <= triton_widest]
    error = np.full((len(FORMS), len(shapes), len(RESULTS)), np.nan)
    for i, shape in enumerate(shapes):
        case = random_case(shape, rng, device)
        expected = outcome(case, "recurrent", torch.float64, shape.block)
        for j, (backend, dtype) in enumerate(FORMS.values()):
            if backend != "triton" or shape in small[:triton_cases]:
                results = outcome(case, backend, dtype, shape.block)
                error[j, i] = [relative_error(*pair) for pair in zip(results, expected)]
    return xr.Dataset(
        {
            "error": (("form", "shape", "tensor"), error, {"long_name": "largest error over largest value"}),
            "gradcheck": ((), passes_gradcheck()),
        },
        coords={
            "form": list(FORMS),
            "tensor": list(RESULTS),
            "sizes": (("shape", "size"), np.array(shapes)),
            "size": ["batch", "heads", "tokens", "D", "E", "block"],
        },
        attrs={"triton": "compiled" if device == "cuda" else "Triton's CPU interpreter"},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_equivalence, snakemake)
