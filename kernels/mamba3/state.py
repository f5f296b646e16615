"""What a Mamba-3 layer carries from one token to the next, and the checks that every form shares."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Mamba3State:
    """Recurrent state of the exponential-trapezoidal scan.

    Attributes:
        angle: cumulative rotation modulo 2 pi, `[b,H,S]` (S may be 0).
        h: state, `[b,H,P,N]`.
        B: rotated B of the previous token, one row for each rank, `[b,H,R,N]`.
        x: input of the previous token before the rank weights, `[b,H,P]`.
    """

    angle: Tensor
    h: Tensor
    B: Tensor
    x: Tensor

    def detach(self) -> "Mamba3State":
        """The same values without their history."""
        return Mamba3State(self.angle.detach(), self.h.detach(), self.B.detach(), self.x.detach())


def zero_state(batch: int, heads: int, width: int, size: int, rank: int = 1, angles: int = 0, **options) -> Mamba3State:
    """State before the first token.

    Args:
        batch, heads, width, size, rank, angles: b, H, P, N, R and S of `Mamba3State`.
        options: dtype and device.
    """
    return Mamba3State(
        torch.zeros(batch, heads, angles, **options),
        torch.zeros(batch, heads, width, size, **options),
        torch.zeros(batch, heads, rank, size, **options),
        torch.zeros(batch, heads, width, **options),
    )


def _refuse(name: str, came, expected: str):
    raise ValueError(f"{name}: got {came}, expected {expected}")


def _shape(name: str, tensor: Tensor, expected: tuple[int, ...]) -> None:
    if tuple(tensor.shape) != expected:
        _refuse(f"{name} shape", tuple(tensor.shape), f"{expected}")


@dataclass
class Sizes:
    """Sizes of a call, by the letters of the docstrings; A is the number of angle groups."""

    b: int
    T: int
    H: int
    P: int
    R: int
    G: int
    N: int
    A: int
    S: int


def canonical(C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo, initial_state, sequences=None):
    """Check a call, and give ranks and angle groups their axes.

    Args:
        C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo, initial_state: as `mamba3_scan` takes them.
        sequences: number of packed sequences, or None.

    Returns:
        `(C, B, angles, C_bias, B_bias, sizes)`: B, C `[b,T,R,G,N]`, angles `[b,T,A,S]`, biases `[H,R,N]`.

    Raises:
        ValueError: a shape, type, sign or divisibility that does not fit.
    """
    if x.ndim != 4:
        _refuse("x shape", tuple(x.shape), "[b, T, H, P]")
    b, T, H, P = x.shape
    siso = B.ndim == 4
    if B.ndim not in (4, 5):
        _refuse("B shape", tuple(B.shape), "[b, T, G, N] or [b, T, R, G, N]")
    if siso:
        B, C = B[:, :, None], C[:, :, None] if C.ndim == 4 else C
    R, G, N = B.shape[2:]
    _shape("B", B, (b, T, R, G, N))
    _shape("C", C, (b, T, R, G, N))
    if H % G:
        _refuse("x heads", H, f"a multiple of the {G} groups of B and C")
    angles = x.new_zeros(b, T, 1, 0) if angles is None else angles[:, :, None] if angles.ndim == 3 else angles
    A, S = angles.shape[2:]
    _shape("angles", angles, (b, T, A, S))
    if 2 * S > N:
        _refuse("angles", f"{S} pairs", f"at most N / 2 = {N // 2}")
    if H % A:
        _refuse("x heads", H, f"a multiple of the {A} angle groups")
    for name, value in (("log_decay", log_decay), ("dt", dt), ("trap", trap)):
        _shape(name, value, (b, T, H))
    values_are_near = x.device.type == "cpu"  # on a GPU a look at the values would stop the stream
    if values_are_near and bool((log_decay > 0).any()):
        _refuse("log_decay", f"a largest value of {log_decay.max().item():g}", "values of at most 0")
    if values_are_near and bool((dt <= 0).any()):
        _refuse("dt", f"a smallest value of {dt.min().item():g}", "values above 0")
    biases = []
    for name, bias in (("C_bias", C_bias), ("B_bias", B_bias)):
        bias = x.new_zeros(H, R, N) if bias is None else bias[:, None] if bias.ndim == 2 else bias
        _shape(name, bias, (H, R, N))
        biases.append(bias)
    if D is not None:
        _shape("D", D, (H,))
    if z is not None:
        _shape("z", z, (b, T, H, P))
    if mimo is None and R > 1:
        _refuse("mimo", "nothing", f"(m_x, m_z, m_o) of shape [H, {R}, P], because B has rank {R}")
    if mimo is not None:
        for name, weight in zip(("m_x", "m_z", "m_o"), mimo):
            _shape(f"mimo {name}", weight, (H, R, P))
    if initial_state is not None:
        n = sequences or b
        _shape("initial_state.angle", initial_state.angle, (n, H, S))
        _shape("initial_state.h", initial_state.h, (n, H, P, N))
        _shape("initial_state.B", initial_state.B, (n, H, R, N))
        _shape("initial_state.x", initial_state.x, (n, H, P))
    for name, value in (("C", C), ("B", B), ("z", z)):
        if value is not None and value.dtype != x.dtype:
            _refuse(f"{name} dtype", value.dtype, f"that of x, {x.dtype}")
    return C, B, angles, *biases, Sizes(b, T, H, P, R, G, N, A, S)
