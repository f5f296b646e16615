"""Key-gated attention, the sequence of operators that it replaces, and peers, to be timed; what it moves, counted."""

from collections.abc import Callable

import torch
from torch.nn.functional import logsigmoid, scaled_dot_product_attention

from kernels.gated_linear_attention import gated_linear_attention, gated_linear_attention_step
from kernels.key_gated_attention import key_gated_attention, key_gated_attention_step
from lib.bench.operators import Operator, Shape, random_inputs

GROUP = 4  # query heads that share keys and values, as in Llama 3
DAMPING = 16.0
BLOCK = 16  # tokens of a block of the Triton form


def forward_bytes(width: int, values: int, heads: int = 1, size: int = 2, gate: int = 4) -> dict[str, float]:
    """Bytes that a forward pass reads and writes for each token and query head, each tensor moved once.

    `fused` reads q, k and v and writes the output, besides two float32 numbers for each row of q and of k. `operator`
    is gated linear attention alone: features, values and gates of every head, and the output. `sequence` is that and
    what stands before it: one pass over q, one over k, and one that repeats features, gates and values of a group for
    its heads. Compiled maps come near this, separate ones move more.

    Args:
        width: D, of queries and keys.
        values: E.
        heads: query heads of a group.
        size: bytes of a number of q, k, v and the output.
        gate: bytes of a log decay.
    """
    D, E, own = width * size, values * size, width * gate
    operator = 2 * D + own + 2 * E
    maps = 2 * D + (D + D + own) / heads
    repeats = 0.0 if heads == 1 else (D + E + own) * (1 + 1 / heads)
    return {
        "fused": D + E + (D + E) / heads + 8 * (1 + 1 / heads),
        "operator": operator,
        "sequence": operator + maps + repeats,
    }


def key_gated_counts(shape: Shape, size: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """(FLOP, bytes) of forward and of backward of the fused form with groups of `GROUP` heads.

    A head costs 2 C (D + E) in its blocks of C tokens and 2 D E to read the state, a group 2 D E to write it; the
    backward pass takes three times that. It moves q, k, v, the output, their gradients, and one float32 number for each
    channel of a group there and back.
    """
    batch, heads, tokens, width = shape
    rows, share = batch * heads * tokens, 1 / _group(heads)
    flops = (4 * BLOCK * width + 2 * width**2 * (1 + share)) * rows
    forward = forward_bytes(width, width, _group(heads), size)["fused"] * rows
    backward = (4 * width * size * (1 + share) + 8 * width * share) * rows
    return (flops, forward), (3 * flops, backward)


def _group(heads: int) -> int:
    return GROUP if heads % GROUP == 0 else 1


def grouped_inputs(shape: Shape, dtype: torch.dtype, device: str) -> tuple[torch.Tensor, ...]:
    """Standard normal q `[B, T, H, D]` and k, v `[B, T, H / GROUP, D]` as leaves, from a fixed seed."""
    q, k, v = random_inputs(shape, dtype, device)
    groups = shape[1] // _group(shape[1])
    return q, *(x.detach()[:, :, :groups].clone().requires_grad_() for x in (k, v))


def features(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """What gated linear attention takes, of every head: features of queries and keys, values, float32 log decays."""
    heads = q.shape[2] // k.shape[2]
    key, gate = torch.softmax(k, -1), logsigmoid(k.float()) / DAMPING
    return torch.softmax(q, -1), *(x.repeat_interleave(heads, 2) for x in (key, v, gate))


def _fused(shape, dtype, device, block):
    return grouped_inputs(shape, dtype, device), lambda q, k, v: key_gated_attention(q, k, v)[0]


def _sequence(operator: Callable) -> Callable:
    def build(shape, dtype, device, block):
        return grouped_inputs(shape, dtype, device), lambda q, k, v: operator(*features(q, k, v))

    return build


def _alone(operator: Callable) -> Callable:
    def build(shape, dtype, device, block):
        inputs = features(*grouped_inputs(shape, dtype, device))
        return tuple(x.detach().requires_grad_() for x in inputs), operator

    return build


def _ours(q, k, v, gate):
    return gated_linear_attention(q, k, v, gate)[0]


def _peer(q, k, v, gate):
    from fla.ops.gla import chunk_gla

    return chunk_gla(q=q, k=k, v=v, g=gate, scale=1.0)[0]


def _softmax(shape, dtype, device, block):
    inputs = tuple(x.detach().transpose(1, 2).contiguous() for x in grouped_inputs(shape, dtype, device))
    inputs = tuple(x.requires_grad_() for x in inputs)
    return inputs, lambda q, k, v: scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)


def _token(shape, dtype, device):
    batch, heads, _, width = shape
    return [x.detach()[:, 0] for x in grouped_inputs((batch, heads, 1, width), dtype, device)]


def _fused_step(shape, dtype, device, block):
    q, k, v = _token(shape, dtype, device)
    state = torch.zeros(*k.shape, v.shape[-1], device=device)
    return (), lambda: key_gated_attention_step(state, q, k, v)[0]


def _sequence_step(shape, dtype, device, block):
    q, k, v = _token(shape, dtype, device)
    state = torch.zeros(*q.shape, v.shape[-1], device=device)

    def step():
        now = (x[:, 0] for x in features(*(x[:, None] for x in (q, k, v))))
        return gated_linear_attention_step(state, *now)[0]

    return (), step


def _softmax_step(shape, dtype, device, block):
    q, k, v = (x.detach().transpose(1, 2).contiguous() for x in grouped_inputs(shape, dtype, device))
    return (), lambda: scaled_dot_product_attention(q[:, :, -1:], k, v, enable_gqa=True)


def key_gated_step_counts(shape: Shape, size: int) -> tuple[float, float]:
    """(FLOP, bytes) of one token: a group's float32 state is faded, written to and read by its heads."""
    batch, heads, _, width = shape
    share = 1 / _group(heads)
    flops = width**2 * (3 * share + 2)
    moved = 8 * width**2 * share + 2 * width * size * (1 + share)
    return flops * batch * heads, moved * batch * heads


KEY_GATED = {
    "fused": Operator(_fused, _fused_step, key_gated_counts, count_step=key_gated_step_counts),
    "unfused": Operator(_sequence(_ours), _sequence_step),
    "gated_linear_attention": Operator(_alone(_ours)),
    "sdpa": Operator(_softmax, _softmax_step),
    "fla_unfused": Operator(_sequence(_peer), None, None, "fla", True),
    "fla_gla": Operator(_alone(_peer), None, None, "fla", True),
}
