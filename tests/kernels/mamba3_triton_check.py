"""Triton's scan and decode step against the recurrence in float64; ends with an error where they differ.

On a GPU the compiled kernels are checked, elsewhere the same code in Triton's interpreter.
"""

import os

import torch

from kernels.mamba3 import Mamba3State, fused, mamba3_scan, mamba3_step
from tests.kernels.mamba3_cases import PER_TOKEN, cast, make, relative_errors, run

DEVICE = "cpu" if os.environ.get("TRITON_INTERPRET") == "1" else "cuda"
BOUND = {torch.float32: 5e-6 if DEVICE == "cpu" else 2e-5, torch.float16: 1e-2, torch.bfloat16: 3e-2}
SHAPES = [
    ({"T": 21, "N": 10, "S": 3, "b": 1, "H": 2, "G": 1}, torch.float32),
    ({"T": 11, "R": 4, "S": 4, "A": 2, "b": 1}, torch.float32),
    ({"T": 9, "R": 3, "H": 3, "G": 3, "A": 3, "b": 1, "initial": False}, torch.float32),
    ({"T": 1, "H": 2}, torch.float32),
    ({"T": 17, "S": 0, "H": 2, "G": 1, "b": 1}, torch.float16),
    ({"T": 5, "R": 2, "b": 1, "H": 2, "gated": False}, torch.float32),
    ({"T": 5, "b": 1, "H": 2, "gated": False}, torch.float32),
]
if DEVICE == "cuda":
    SHAPES += [
        ({"T": 200, "N": 128, "P": 64, "S": 32, "G": 1}, torch.bfloat16),
        ({"T": 200, "N": 128, "P": 64, "S": 32, "G": 1, "R": 4}, torch.bfloat16),
        ({"T": 200, "N": 128, "P": 64, "S": 32, "G": 1}, torch.float32),
    ]
SMALL = ("log_decay", "dt", "trap", "initial_state")  # stay in float32


def narrow(arguments: dict, dtype=torch.float32) -> dict:
    """Arguments as the kernels get them."""
    return {name: cast(value, torch.float32 if name in SMALL else dtype, DEVICE) for name, value in arguments.items()}


def compare(arguments: dict, dtype=torch.float32, **options) -> None:
    """Outputs, final states and gradients of one call."""
    expected = run(arguments, backend="recurrent", **options)
    errors = relative_errors(run(narrow(arguments, dtype), backend="triton", chunk_size=16, **options), expected)
    assert len(errors) >= len(expected) - 2, sorted(set(expected) - set(errors))
    assert max(errors.values()) < BOUND[dtype], errors


def check_scan() -> None:
    """Outputs, final states, gradients."""
    for shape, dtype in SHAPES:
        compare(make(**shape), dtype)


def check_inference() -> None:
    """Without gradients the kernel keeps no rows, and the output is the same."""
    arguments = narrow(make(b=1, T=9, R=2, H=2))
    with torch.no_grad():
        y, _ = mamba3_scan(**arguments, backend="triton", chunk_size=16)
    arguments["x"].requires_grad_()
    assert torch.equal(y, mamba3_scan(**arguments, backend="triton", chunk_size=16)[0])


def check_packed() -> None:
    """Packed sequences with an empty one among them, states and gradients."""
    arguments = make(b=1, T=23, H=2)
    arguments["initial_state"] = make(b=3, T=1, H=2)["initial_state"]
    compare(arguments, cu_seqlens=torch.tensor([0, 6, 6, 23]))


def check_segments() -> None:
    """Long sequences cut into segments, packed ones too: states, angles and suffix sums pass from one to the next."""
    whole = fused.segment_length
    fused.segment_length = lambda tokens, programs, processors, block: 2 * block
    try:
        compare(make(b=1, T=39, H=2, G=1, R=2, P=3))
        arguments = make(b=1, T=60, H=2, P=3)
        arguments["initial_state"] = make(b=4, T=1, H=2, P=3)["initial_state"]
        compare(arguments, cu_seqlens=torch.tensor([0, 40, 40, 45, 60]))
    finally:
        fused.segment_length = whole


def check_step() -> None:
    """Decoding token by token."""
    for shape in ({"T": 5, "N": 10, "S": 3}, {"T": 4, "R": 4, "S": 4, "A": 2}):
        arguments = make(**shape)
        state = arguments.pop("initial_state")
        expected, end = mamba3_scan(**arguments, initial_state=state, output_final_state=True, backend="recurrent")
        state, arguments, outputs = cast(state, torch.float32, DEVICE), narrow(arguments), []
        for t in range(shape["T"]):
            token = {name: value[:, t] if name in PER_TOKEN else value for name, value in arguments.items()}
            y, state = mamba3_step(state, **token, backend="triton")
            outputs.append(y)
        assert isinstance(state, Mamba3State)
        for result, target in ((torch.stack(outputs, 1), expected), (state.h, end.h), (state.B, end.B)):
            torch.testing.assert_close(result.double().cpu(), target, rtol=1e-5, atol=1e-5)


if __name__ == "__main__":
    check_scan()
    check_inference()
    check_packed()
    check_segments()
    check_step()
