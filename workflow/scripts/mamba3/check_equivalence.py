"""All forms of the Mamba-3 scan against the token-by-token form in float64: outputs, states, gradients.

Without a GPU the Triton kernels run in Triton's interpreter, on short sequences.
"""

import os

import numpy as np
import torch
import xarray as xr

from lib.progress import progress

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # read when Triton is imported

from kernels.agreement import largest_error
from lib.ssm.equivalence import GROUPS, complex_error, outcome, random_case

CASES = {
    "quadratic float64": ("quadratic", torch.float64),
    "quadratic float32": ("quadratic", torch.float32),
    "chunked float64": ("chunked", torch.float64),
    "chunked float32": ("chunked", torch.float32),
    "triton float32": ("triton", torch.float32),
}
COMPLEX_CASES = 5


def check_equivalence(*, shapes: list[dict], triton_shapes: list[dict], chunk: int, rng, device: str) -> xr.Dataset:
    """Return the largest relative errors of each form.

    Args:
        shapes: sizes by letter (`b, T, H, P, N` and, where not the default, `G, R, S, initial`) for the PyTorch forms.
        triton_shapes: the same for Triton.
        chunk: rows of a chunk.
        rng: source of randomness.
        device: where the forms run.
    """
    error = np.full((len(CASES), len(GROUPS), max(len(shapes), len(triton_shapes))), np.nan)
    for on_triton, sizes in enumerate((shapes, triton_shapes)):
        for j, shape in enumerate(progress(sizes, "shapes")):
            case = random_case(shape, rng)
            expected = outcome(case, "recurrent", torch.float64)
            for k, (backend, dtype) in enumerate(CASES.values()):
                if (backend == "triton") == bool(on_triton):
                    results = outcome(case, backend, dtype, device, chunk_size=chunk)
                    error[k, :, j] = [largest_error(results[group], expected[group]) for group in GROUPS]
    sizes = ({"b": 2, "T": int(rng.integers(5, 40)), "H": 3, "P": 4, "N": 8} for _ in range(COMPLEX_CASES))
    complex_errors = np.array([complex_error(rng, size) for size in sizes])
    return xr.Dataset(
        {
            "error": (("case", "group", "shape"), error, {"long_name": "largest relative error; NaN: not run"}),
            "complex_error": ("shape_complex", complex_errors, {"long_name": "relative error of the output"}),
        },
        coords={"case": list(CASES), "group": [*GROUPS]},
        attrs={"triton": "interpreter" if os.environ.get("TRITON_INTERPRET") == "1" else device},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_equivalence, snakemake)
