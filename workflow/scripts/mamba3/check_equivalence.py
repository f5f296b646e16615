"""Hold all forms of the Mamba-3 scan against the token-by-token form in float64: outputs, states, gradients.

Without a GPU the Triton kernels run in Triton's interpreter, on short sequences.
"""

import os

import numpy as np
import torch
import xarray as xr

from lib.progress import progress

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # read when Triton is imported

from lib.ssm import Mamba3State, mamba3_scan
from lib.ssm.discretization import complex_scan

FORMS = {"quadratic": "quadratic", "chunked": "torch", "triton": "triton"}
GROUPS = ("output", "state", "gradient")


def _draw(shape: dict, rng: np.random.Generator) -> tuple[dict, dict]:
    """Random arguments in float64: with gradients, and the state that goes in (empty where there is none)."""
    b, T, H, P, N = (shape[name] for name in ("b", "T", "H", "P", "N"))
    G, R, S = shape.get("G", 1), shape.get("R", 1), shape.get("S", N // 2)

    def normal(*size):
        return torch.from_numpy(rng.standard_normal(size))

    vector = (b, T, G, N) if R == 1 else (b, T, R, G, N)
    given = {
        "C": normal(*vector), "B": normal(*vector), "x": normal(b, T, H, P),
        "log_decay": -torch.from_numpy(rng.random((b, T, H))), "dt": torch.from_numpy(0.05 + rng.random((b, T, H))),
        "trap": normal(b, T, H), "angles": normal(b, T, S), "C_bias": normal(H, R, N), "B_bias": normal(H, R, N),
        "D": normal(H), "z": normal(b, T, H, P),
    }  # fmt: skip
    if R > 1:
        given |= {name: normal(H, R, P) for name in ("m_x", "m_z", "m_o")}
    state = {}
    if shape.get("initial", False):
        state = {
            "angle": torch.from_numpy(2 * np.pi * rng.random((b, H, S))), "h": normal(b, H, P, N),
            "B": normal(b, H, R, N), "x": normal(b, H, P),
        }  # fmt: skip
    return given, state


def _run(given: dict, state: dict, weights: list, dtype, device: str, **options) -> dict[str, list]:
    """Outputs, final state and gradients of one form."""

    def leaf(value):
        return value.to(device, dtype).clone().requires_grad_()

    given, state = ({name: leaf(value) for name, value in part.items()} for part in (given, state))
    mimo = tuple(given[name] for name in ("m_x", "m_z", "m_o")) if "m_x" in given else None
    y, final = mamba3_scan(
        **{name: value for name, value in given.items() if not name.startswith("m_")}, mimo=mimo,
        initial_state=Mamba3State(**state) if state else None, output_final_state=True, **options,
    )  # fmt: skip
    parts = [y, final.h, final.B, final.x]
    sum((part * weight.to(device, part.dtype)).sum() for part, weight in zip(parts, weights)).backward()
    leaves = [*given.values(), *state.values()]
    return {
        "output": [y.detach()],
        "state": [final.h.detach(), final.B.detach()],
        "gradient": [value.grad for value in leaves if value.numel()],
    }


def _error(found: list, wanted: list) -> float:
    """Largest difference of a tensor over its largest entry, over all tensors of a group."""
    pairs = [(a.double().cpu(), b.double().cpu()) for a, b in zip(found, wanted)]
    return max(float((a - b).abs().max() / b.abs().max().clamp(min=1e-30)) for a, b in pairs)


def check_equivalence(*, shapes: list[dict], triton_shapes: list[dict], chunk: int, rng, device: str) -> xr.Dataset:
    """Return the largest relative errors of each form.

    Args:
        shapes: sizes by letter (`b, T, H, P, N` and, where not the default, `G, R, S, initial`) for the PyTorch forms.
        triton_shapes: the same for Triton.
        chunk: rows of a chunk.
        rng: source of randomness.
        device: where the forms run.
    """
    cases = [("quadratic", torch.float64), ("quadratic", torch.float32), ("chunked", torch.float64)]
    cases += [("chunked", torch.float32), ("triton", torch.float32)]
    error = np.full((len(cases), len(GROUPS), max(len(shapes), len(triton_shapes))), np.nan)
    for i, sizes in enumerate((shapes, triton_shapes)):
        for j, shape in enumerate(progress(sizes, "shapes")):
            given, state = _draw(shape, rng)
            b, T, H, P, N = (shape[name] for name in ("b", "T", "H", "P", "N"))
            ends = [(b, T, H, P), (b, H, P, N), (b, H, shape.get("R", 1), N), (b, H, P)]
            weights = [torch.from_numpy(rng.standard_normal(size)) for size in ends]
            wanted = _run(given, state, weights, torch.float64, "cpu", backend="recurrent")
            for k, (form, dtype) in enumerate(cases):
                if (form == "triton") == bool(i):
                    found = _run(given, state, weights, dtype, device, backend=FORMS[form], chunk_size=chunk)
                    error[k, :, j] = [_error(found[group], wanted[group]) for group in GROUPS]
    return xr.Dataset(
        {
            "error": (("case", "group", "shape"), error, {"long_name": "largest relative error; NaN: not run"}),
            "complex_error": ("shape_complex", _complex_errors(rng, 5), {"long_name": "relative error of the output"}),
        },
        coords={"case": [f"{form} {str(dtype).removeprefix('torch.')}" for form, dtype in cases], "group": [*GROUPS]},
        attrs={"triton": "interpreter" if os.environ.get("TRITON_INTERPRET") == "1" else device},
    )


def _complex_errors(rng: np.random.Generator, repeats: int) -> np.ndarray:
    """Complex recurrence against the real scan with rotated B and C, on random inputs."""
    errors = []
    for _ in range(repeats):
        given, _ = _draw({"b": 2, "T": int(rng.integers(5, 40)), "H": 3, "P": 4, "N": 8}, rng)
        kept = {name: given[name] for name in ("C", "B", "x", "log_decay", "dt", "trap", "angles")}
        y, _ = mamba3_scan(**kept, backend="quadratic")
        turn = given["dt"][..., None] * torch.pi * torch.tanh(given["angles"])[:, :, None]
        C, B = (given[name].expand(-1, -1, 3, -1) for name in ("C", "B"))
        wanted = complex_scan(C, B, given["x"], given["log_decay"], given["dt"], torch.sigmoid(given["trap"]), turn)
        errors.append(_error([y], [wanted]))
    return np.array(errors)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_equivalence, snakemake)
