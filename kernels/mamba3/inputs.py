"""The arguments of a Mamba-3 scan after their checks, which all forms share."""

from typing import NamedTuple

import torch
from torch import Tensor

from kernels import arguments
from kernels.arguments import check_shape
from kernels.mamba3.state import Mamba3State


class Sizes(NamedTuple):
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


class Inputs(NamedTuple):
    """Arguments with axes for ranks and angle groups: C, B `[b,T,R,G,N]`, angles `[b,T,A,S]`, biases `[H,R,N]`."""

    C: Tensor
    B: Tensor
    x: Tensor
    log_decay: Tensor
    dt: Tensor
    trap: Tensor
    angles: Tensor
    C_bias: Tensor
    B_bias: Tensor
    D: Tensor | None
    z: Tensor | None
    mimo: tuple[Tensor, Tensor, Tensor] | None

    @property
    def sizes(self) -> Sizes:
        """Sizes of the call."""
        b, T, R, G, N = self.C.shape
        return Sizes(b, T, *self.x.shape[2:], R, G, N, *self.angles.shape[2:])

    def to(self, dtype: torch.dtype) -> "Inputs":
        """The same values in another type."""
        *tensors, mimo = self
        return Inputs(
            *(None if value is None else value.to(dtype) for value in tensors),
            None if mimo is None else tuple(weight.to(dtype) for weight in mimo),
        )

    def tokens(self, span: slice) -> "Inputs":
        """The arguments of some of the tokens."""
        by_token = {name: getattr(self, name)[:, span] for name in ("C", "B", "x", "log_decay", "dt", "trap", "angles")}
        return self._replace(**by_token, z=None if self.z is None else self.z[:, span])


def check_inputs(C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo) -> Inputs:
    """Check the arguments of `mamba3_scan`, and give ranks and angle groups their axes.

    Raises:
        ValueError: a shape, type, sign or divisibility that does not fit.
    """
    arguments.check_sequences("x", x)
    b, T, H, P = x.shape
    if B.ndim not in (4, 5):
        raise ValueError(f"B shape: got {tuple(B.shape)}, expected [b, T, G, N] or [b, T, R, G, N]")
    if B.ndim == 4:
        B, C = B[:, :, None], C[:, :, None] if C.ndim == 4 else C
    R, G, N = B.shape[2:]
    check_shape("B", B, (b, T, R, G, N))
    check_shape("C", C, (b, T, R, G, N))
    if H % G:
        raise ValueError(f"x heads: got {H}, expected a multiple of the {G} groups of B and C")
    angles = x.new_zeros(b, T, 1, 0) if angles is None else angles[:, :, None] if angles.ndim == 3 else angles
    A, S = angles.shape[2:]
    check_shape("angles", angles, (b, T, A, S))
    if 2 * S > N:
        raise ValueError(f"angles: got {S} pairs, expected at most N / 2 = {N // 2}")
    if H % A:
        raise ValueError(f"x heads: got {H}, expected a multiple of the {A} angle groups")
    for name, value in (("log_decay", log_decay), ("dt", dt), ("trap", trap)):
        check_shape(name, value, (b, T, H))
    arguments.check_log_decay(log_decay)
    if dt.device.type == "cpu" and bool((dt <= 0).any()):
        raise ValueError(f"dt: got a smallest value of {dt.min().item():g}, expected values above 0")
    biases = []
    for name, bias in (("C_bias", C_bias), ("B_bias", B_bias)):
        bias = x.new_zeros(H, R, N) if bias is None else bias[:, None] if bias.ndim == 2 else bias
        check_shape(name, bias, (H, R, N))
        biases.append(bias)
    if D is not None:
        check_shape("D", D, (H,))
    if z is not None:
        check_shape("z", z, (b, T, H, P))
    if mimo is None and R > 1:
        raise ValueError(f"mimo: got None, expected (m_x, m_z, m_o) of shape [H, {R}, P], because B has rank {R}")
    if mimo is not None:
        for name, weight in zip(("m_x", "m_z", "m_o"), mimo):
            check_shape(f"mimo {name}", weight, (H, R, P))
    arguments.check_types(x=x, C=C, B=B, z=z)
    return Inputs(C, B, x, log_decay, dt, trap, angles, *biases, D, z, mimo)


def check_state(state: Mamba3State, sizes: Sizes, sequences: int) -> None:
    """Expect a state with one row for each sequence.

    Raises:
        ValueError: another shape.
    """
    H, P, R, N, S = sizes.H, sizes.P, sizes.R, sizes.N, sizes.S
    shapes = Mamba3State((H, S), (H, P, N), (H, R, N), (H, P))
    for name, shape in shapes._asdict().items():
        check_shape(f"initial_state.{name}", getattr(state, name), (sequences, *shape))
