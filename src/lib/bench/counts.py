"""Operations and bytes of one decode step."""

from typing import NamedTuple


class DecodeCount(NamedTuple):
    """Floating-point operations, bytes moved, and their ratio, of one token."""

    flops: int
    bytes: int

    @property
    def intensity(self) -> float:
        """Operations for each byte."""
        return self.flops / self.bytes


def decode_count(
    heads: int, width: int, size: int, rank: int = 1, *, groups: int = 1, state_bytes: int = 4, io_bytes: int = 2
) -> DecodeCount:
    """Operations and bytes of a decode step of one layer and sequence.

    A head's state `[P,N]` is scaled once (P N) and gets, for each rank, two outer products and one read-out of 2 P N
    each: (6 R + 1) P N. The state is read and written; x, z, y, B, C and the previous B and x are moved once.

    Args:
        heads, width, size, rank, groups: H, P, N, R, G.
        state_bytes: of a number of the state, and of the previous B and x.
        io_bytes: of a number of x, z, y, B, C.

    Raises:
        ValueError: a size below 1.
    """
    for name, value in (("heads", heads), ("width", width), ("size", size), ("rank", rank), ("groups", groups)):
        if value < 1:
            raise ValueError(f"{name}: got {value}, expected at least 1")
    state = heads * width * size
    carried = 2 * heads * (rank * size + width)
    inputs = 3 * heads * width + 2 * groups * rank * size
    return DecodeCount((6 * rank + 1) * state, 2 * state * state_bytes + carried * state_bytes + inputs * io_bytes)


def paper_intensity(P: int, N: int, R: int) -> float:
    """Operations a byte of a head's decode step as the paper counts: 2-byte data, each tensor moved once (Table 2)."""
    return (4 * N * P * R + N * P - P * R) / (2 * (1 + 2 * N * R + P * R + N * P))
