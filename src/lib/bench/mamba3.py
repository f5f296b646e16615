"""Mamba-3's scan and its peers as operators to be timed; N is twice the width P of a head, as in the paper."""

from collections.abc import Callable

import torch

from lib import attention
from lib.bench.counts import decode_count
from lib.bench.operators import Operator, Shape, random_inputs, softmax_counts
from lib.bench.work import count_operations, tensor_bytes
from lib.ssm import mamba3_scan, mamba3_step

ANGLES = 4  # N / ANGLES pairs rotate


def scan_inputs(shape: Shape, rank: int, size: int, dtype: torch.dtype, device: str) -> tuple[tuple, dict]:
    """Leaves (C, B, x, dt, trap, angles, z) and constants of a scan, from a fixed seed.

    Args:
        shape: batch, heads, tokens, width P of a head.
        rank, size: R and N.
        dtype: of C, B, x, z.
        device: torch device.
    """
    batch, heads, tokens, width = shape
    source = torch.Generator().manual_seed(0)

    def normal(*axes, kind=torch.float32):
        return torch.randn(axes, generator=source).to(device, kind).requires_grad_()

    C, B = (normal(batch, tokens, rank, 1, size, kind=dtype) for _ in range(2))
    x, z = (normal(batch, tokens, heads, width, kind=dtype) for _ in range(2))
    dt = (0.1 * torch.rand((batch, tokens, heads), generator=source) + 1e-3).to(device).requires_grad_()
    leaves = (C, B, x, dt, normal(batch, tokens, heads), normal(batch, tokens, size // ANGLES), z)
    ones = torch.ones(heads, rank, size, device=device)
    weights = tuple(torch.full((heads, rank, width), 1 / rank, device=device) for _ in range(3))
    constants = {"C_bias": ones, "B_bias": ones, "D": torch.ones(heads, device=device)}
    return leaves, constants | {"mimo": weights if rank > 1 else None}


def _step_inputs(shape: Shape, rank: int, size: int, dtype: torch.dtype, device: str, state_dtype=None) -> tuple:
    """State after one token, arguments and constants of a decode step; the decay is minus the step size."""
    leaves, constants = scan_inputs((*shape[:2], 1, shape[3]), rank, size, dtype, device)
    C, B, x, dt, trap, angles, z = (value.detach() for value in leaves)
    _, state = mamba3_scan(C, B, x, -dt, dt, trap, angles, z=z, output_final_state=True, **constants)
    state = state._replace(h=state.h.to(state_dtype or torch.float32))
    C, B, x, dt, trap, angles, z = (value[:, 0] for value in (C, B, x, dt, trap, angles, z))
    return state, (C, B, x, -dt, dt, trap, angles), constants | {"z": z}


def step_call(shape: Shape, rank: int, size: int, dtype: torch.dtype, device: str, state_dtype=None) -> Callable:
    """A function of no arguments that makes one decode step; the state is what one token left.

    Args:
        shape, rank, size, dtype, device: as in `scan_inputs`; the number of tokens does not matter.
        state_dtype: of the matrix state, float32 by default.
    """
    state, arguments, options = _step_inputs(shape, rank, size, dtype, device, state_dtype)
    return lambda: mamba3_step(state, *arguments, **options)[0]


def step_work(shape: Shape, rank: int, size: int, dtype: torch.dtype, device: str) -> tuple[int, int]:
    """Operations that a decode step makes, and bytes of the tensors that it reads and leaves.

    Args:
        shape, rank, size, dtype, device: as in `step_call`; the form in PyTorch is counted, whatever the device runs.
    """
    state, arguments, options = _step_inputs(shape, rank, size, dtype, device)
    weights = options["mimo"] or ()
    y, after = mamba3_step(state, *arguments, **options, backend="recurrent")
    operations = count_operations(lambda: mamba3_step(state, *arguments, **options, backend="recurrent"))
    constants = [value for name, value in options.items() if name != "mimo"]
    return operations, tensor_bytes([*state, *after, *arguments, *constants, *weights, y])


def _scan(rank: int) -> Callable:
    def build(shape, dtype, device, block):
        leaves, constants = scan_inputs(shape, rank, 2 * shape[3], dtype, device)

        def function(C, B, x, dt, trap, angles, z):
            return mamba3_scan(C, B, x, -dt, dt, trap, angles, z=z, chunk_size=block, **constants)[0]

        return leaves, function

    return build


def _step(rank: int) -> Callable:
    return lambda shape, dtype, device, block: ((), step_call(shape, rank, 2 * shape[3], dtype, device))


def scan_counts(rank: int) -> Callable:
    """Counter of a scan of rank R: (FLOP, bytes) of forward and of backward, each tensor once.

    A row of a chunk of c rows costs 2 c (N + P) + 4 N P; a token has R rows, in chunks of 64. The backward pass costs
    2.5 times that. Bytes are those of x, z and y, of B and C once for all heads, and of three float32 numbers for each
    head.
    """

    def count(shape: Shape, size: int, block: int = 64):
        batch, heads, tokens, width = shape
        N, places = 2 * width, batch * tokens
        flops = (2 * block * (N + width) + 4 * N * width) * rank * heads * places
        vectors, scalars = heads * width * size, 3 * 4 * heads + 4 * N // ANGLES
        forward = (3 * vectors + 2 * rank * N * size + scalars) * places
        backward = (5 * vectors + 4 * rank * N * size + 2 * scalars) * places
        return (flops, forward), (2.5 * flops, backward)

    return count


def step_counts(rank: int) -> Callable:
    """Counter of a decode step of rank R with a float32 state: (FLOP, bytes)."""

    def count(shape: Shape, size: int) -> tuple[int, int]:
        batch, heads, _, width = shape
        one = decode_count(heads, width, 2 * width, rank, io_bytes=size)
        return batch * one.flops, batch * one.bytes

    return count


def _wide(shape, dtype, device) -> tuple[torch.Tensor, ...]:
    """Keys and queries of N, values of P, and a decay for each token and head."""
    batch, heads, tokens, width = shape
    q, k, _ = random_inputs((batch, heads, tokens, 2 * width), dtype, device)
    v = random_inputs(shape, dtype, device)[2]
    source = torch.Generator().manual_seed(1)
    decay = (-0.1 * torch.rand((batch, tokens, heads), generator=source)).to(device).requires_grad_()
    return q, k, v, decay


def _scalar_decay(shape, dtype, device, block):
    inputs = _wide(shape, dtype, device)
    return inputs, lambda q, k, v, decay: attention.linear_attention(q, k, v, decay, chunk_size=block)[0]


def _peer(shape, dtype, device, block):
    from fla.ops.simple_gla import chunk_simple_gla

    inputs = _wide(shape, dtype, device)
    return inputs, lambda q, k, v, decay: chunk_simple_gla(q, k, v, g=decay, scale=1.0)[0]


def _softmax(shape, dtype, device, block):
    return random_inputs(shape, dtype, device, heads_first=True), attention.softmax_attention


MAMBA3 = {
    "chunked": Operator(_scan(1), _step(1), scan_counts(1), count_step=step_counts(1)),
    "rank_4": Operator(_scan(4), _step(4), scan_counts(4), count_step=step_counts(4)),
    "scalar_decay": Operator(_scalar_decay),
    "sdpa": Operator(_softmax, None, softmax_counts),
    "fla_simple_gla": Operator(_peer, None, None, "fla", True),
}
