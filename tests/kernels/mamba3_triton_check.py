"""Triton's scan and decode step against the recurrence in float64; ends with an error where they differ."""

import torch

from kernels.mamba3 import Mamba3State, fused, mamba3_scan, mamba3_step
from tests.kernels.mamba3_cases import PER_TOKEN, cast, make, relative_errors, run

SHAPES = [
    ({"T": 21, "N": 10, "S": 3, "b": 1}, torch.float32, 5e-6),
    ({"T": 11, "R": 4, "S": 4, "A": 2, "b": 1}, torch.float32, 5e-6),
    ({"T": 9, "R": 3, "H": 3, "G": 3, "A": 3, "b": 1, "initial": False}, torch.float32, 5e-6),
    ({"T": 1}, torch.float32, 5e-6),
    ({"T": 17, "S": 0, "G": 1, "b": 1}, torch.float16, 1e-2),
]
SMALL = ("log_decay", "dt", "trap", "initial_state")  # stay in float32


def check_scan() -> None:
    """Outputs, final states, gradients."""
    for shape, dtype, bound in SHAPES:
        given = make(**shape)
        wanted = run(given, backend="recurrent")
        given = {name: cast(value, torch.float32 if name in SMALL else dtype) for name, value in make(**shape).items()}
        errors = relative_errors(run(given, backend="triton", chunk_size=16), wanted)
        assert len(errors) >= len(wanted) - 2, sorted(set(wanted) - set(errors))
        assert max(errors.values()) < bound, (shape, errors)


def check_packed() -> None:
    """Packed sequences with an empty one among them, states and gradients."""
    given = make(b=1, T=23, H=2)
    given["initial_state"] = make(b=3, T=1, H=2)["initial_state"]
    cu = torch.tensor([0, 6, 6, 23])
    wanted = run(given, backend="recurrent", cu_seqlens=cu)
    given = {name: cast(value, torch.float32) for name, value in given.items()}
    errors = relative_errors(run(given, backend="triton", chunk_size=16, cu_seqlens=cu), wanted)
    assert max(errors.values()) < 5e-6, errors


def check_segments() -> None:
    """Long sequences cut into segments, packed ones too: states, angles and suffix sums pass from one to the next."""
    whole = fused.segment_length
    fused.segment_length = lambda tokens, programs, processors, block: 2 * block
    try:
        given = make(b=1, T=39, H=2, G=1, R=2, P=3)
        wanted = run(given, backend="recurrent")
        given = {name: cast(value, torch.float32) for name, value in given.items()}
        errors = relative_errors(run(given, backend="triton", chunk_size=16), wanted)
        assert max(errors.values()) < 5e-6, errors
        given = make(b=1, T=60, H=2, P=3)
        given["initial_state"] = make(b=4, T=1, H=2, P=3)["initial_state"]
        cu = torch.tensor([0, 40, 40, 45, 60])
        wanted = run(given, backend="recurrent", cu_seqlens=cu)
        given = {name: cast(value, torch.float32) for name, value in given.items()}
        errors = relative_errors(run(given, backend="triton", chunk_size=16, cu_seqlens=cu), wanted)
        assert max(errors.values()) < 5e-6, errors
    finally:
        fused.segment_length = whole


def check_step() -> None:
    """Decoding token by token."""
    for shape in ({"T": 5, "N": 10, "S": 3}, {"T": 4, "R": 4, "S": 4, "A": 2}):
        given = make(**shape)
        state = given.pop("initial_state")
        wanted, end = mamba3_scan(**given, initial_state=state, output_final_state=True, backend="recurrent")
        state, outputs = cast(state, torch.float32), []
        for t in range(shape["T"]):
            token = {
                name: cast(value[:, t] if name in PER_TOKEN else value, torch.float32) for name, value in given.items()
            }
            y, state = mamba3_step(state, **token, backend="triton")
            outputs.append(y)
        torch.testing.assert_close(torch.stack(outputs, 1).double(), wanted, rtol=1e-5, atol=1e-5)
        assert isinstance(state, Mamba3State)
        torch.testing.assert_close(state.h.double(), end.h, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(state.B.double(), end.B, rtol=1e-5, atol=1e-5)


if __name__ == "__main__":
    check_scan()
    check_packed()
    check_segments()
    check_step()
