"""Attention layers of stacked models: activations `(models, batch, T, width)`, one weight for each model.

A layer maps a sequence to a sequence; `begin` gives the state that decoding starts from, `step` moves it by one token.
"""

import torch
from torch import nn

from kernels.linear_attention import linear_attention_step
from lib.attention.blocks import block_attention
from lib.attention.decay import alibi_slopes, layer_decay
from lib.attention.plain import quadratic_attention, tiled_quadratic_attention
from lib.attention.softmax import rope, softmax_attention
from lib.training.stacked import StackedLinear, rms_normalise


def split_heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    """`(models, batch, T, width)` as `(models * batch, T, heads, width / heads)`."""
    models, batch, tokens, width = x.shape
    return x.view(models * batch, tokens, heads, width // heads)


def join_heads(x: torch.Tensor, models: int) -> torch.Tensor:
    """The inverse of `split_heads`."""
    rows, tokens, heads, width = x.shape
    return x.reshape(models, rows // models, tokens, heads * width)


def _check(width: int, heads: int) -> None:
    if width % heads:
        raise ValueError(f"heads: got {heads}, expected a divisor of the width {width}")


class TransNormerAttention(nn.Module):
    """Linear attention with a fixed decay by head and layer, an output norm and a low-rank gate.

    Q = silu(x W_q), K = silu(x W_k), V = x W_v, y = [srms(O) * sigmoid(x W_1 W_2)] W_o, where srms divides by the root
    mean square over the full width and has no weight.

    Args:
        width, heads: of the layer.
        layer, layers: place in the model; later layers decay less.
        sources: one generator for each model.
        form: `chunked`, `quadratic` for the left product with the whole mask, or `tiled` for it in tiles.
        chunk_size: of the chunked form.

    Source: Qin et al. 2023 (TransNormerLLM) and 2024, authors' code.
    """

    def __init__(self, width, heads, layer, layers, sources, form: str = "chunked", chunk_size: int = 64):
        super().__init__()
        _check(width, heads)
        if form not in ("chunked", "quadratic", "tiled"):
            raise ValueError(f"form: got {form!r}, expected chunked, quadratic or tiled")
        self.heads, self.form, self.chunk_size = heads, form, chunk_size
        self.query, self.key, self.value, self.out = (StackedLinear(width, width, sources) for _ in range(4))
        self.gate_in = StackedLinear(width, width // heads, sources)
        self.gate_out = StackedLinear(width // heads, width, sources)
        self.register_buffer("log_decay", layer_decay(alibi_slopes(heads), layer, layers).float(), persistent=False)

    def _inputs(self, x):
        silu = nn.functional.silu
        return silu(self.query(x)), silu(self.key(x)), self.value(x)

    def _output(self, o, x):
        return self.out(rms_normalise(o) * torch.sigmoid(self.gate_out(self.gate_in(x))))

    def forward(self, x):
        """The layer on `(models, batch, T, width)`."""
        q, k, v = (split_heads(part, self.heads) for part in self._inputs(x))
        if self.form == "quadratic":
            o = quadratic_attention(q, k, v, self.log_decay)
        elif self.form == "tiled":
            o = tiled_quadratic_attention(q, k, v, self.log_decay)
        else:
            o = block_attention(q, k, v, self.log_decay, self.chunk_size)
        return self._output(join_heads(o, len(x)), x)

    def begin(self, models: int, batch: int, context: int, source: torch.Generator | None = None):
        """State `(models * batch, heads, D, D)`: zeros, or random as after a context that is not run."""
        size = self.out.weight.shape[1] // self.heads
        return _filled((models * batch, self.heads, size, size), source, self.out.weight)

    def step(self, x, state):
        """One token `(models, batch, width)`: output and new state."""
        q, k, v = (part.view(-1, self.heads, state.shape[-1]) for part in self._inputs(x))
        o, state = linear_attention_step(state, q, k, v, self.log_decay)
        return self._output(o.reshape(x.shape), x), state


class SoftmaxAttention(nn.Module):
    """Causal softmax attention with rotary positions, or with a penalty on distance.

    Args:
        width, heads: of the layer.
        sources: one generator for each model.
        positions: `rope`, or `alibi` for scores minus slope times distance (Press et al. 2022).
    """

    def __init__(self, width, heads, sources, positions: str = "rope"):
        super().__init__()
        _check(width, heads)
        if positions not in ("rope", "alibi"):
            raise ValueError(f"positions: got {positions!r}, expected rope or alibi")
        self.heads, self.positions = heads, positions
        self.query, self.key, self.value, self.out = (StackedLinear(width, width, sources) for _ in range(4))

    def forward(self, x):
        """The layer on `(models, batch, T, width)`."""
        q, k, v = (split_heads(layer(x), self.heads).transpose(1, 2) for layer in (self.query, self.key, self.value))
        place = torch.arange(x.shape[2], device=x.device)
        o = softmax_attention(self._turn(q, place), self._turn(k, place), v, bias=self._penalty(place, place, q.dtype))
        return self.out(join_heads(o.transpose(1, 2), len(x)))

    def _turn(self, x, place):
        return rope(x, place) if self.positions == "rope" else x

    def _penalty(self, queries, keys, dtype):
        """Slope times distance, negative, `(heads, queries, keys)`, -inf for later keys; None for rotary positions."""
        if self.positions == "rope":
            return None
        distance = queries[:, None] - keys[None, :]
        bias = -alibi_slopes(self.heads).to(queries.device)[:, None, None] * distance
        return bias.masked_fill(distance < 0, -torch.inf).to(dtype)

    def begin(self, models: int, batch: int, context: int, source: torch.Generator | None = None, room: int = 64):
        """Cache of keys and values with `context` tokens in it and room for more, and how many there are."""
        size = self.out.weight.shape[1] // self.heads
        shape = (models * batch, self.heads, context + room, size)
        return _filled(shape, source, self.out.weight), _filled(shape, source, self.out.weight), context

    def step(self, x, state):
        """One token `(models, batch, width)`: output and new state."""
        keys, values, length = state
        if length >= keys.shape[2]:
            raise ValueError(f"state: got a cache full at {length} tokens, expected room for one more")
        q, k, v = (layer(x).view(-1, self.heads, 1, keys.shape[3]) for layer in (self.query, self.key, self.value))
        place = torch.tensor([length], device=x.device)
        keys[:, :, length : length + 1], values[:, :, length : length + 1] = self._turn(k, place), v
        penalty = self._penalty(place, torch.arange(length + 1, device=x.device), q.dtype)
        so_far = keys[:, :, : length + 1], values[:, :, : length + 1]
        o = softmax_attention(self._turn(q, place), *so_far, causal=False, bias=penalty)
        return self.out(o.reshape(x.shape)), (keys, values, length + 1)


def _filled(shape, source, like):
    if source is None:
        return torch.zeros(shape, dtype=like.dtype, device=like.device)
    return torch.randn(shape, generator=source).to(like)


class GatedUnit(nn.Module):
    """Channel mixer [f(x W_1) * (x W_2)] W_3: SGLU with f the identity, SwiGLU with f = silu."""

    def __init__(self, width, hidden, sources, activation: str):
        super().__init__()
        if activation not in ("none", "silu"):
            raise ValueError(f"activation: got {activation!r}, expected none or silu")
        self.activation = activation
        self.left, self.right = (StackedLinear(width, hidden, sources) for _ in range(2))
        self.out = StackedLinear(hidden, width, sources)

    def forward(self, x):
        """The layer on `(models, batch, T, width)`."""
        left = self.left(x)
        return self.out((nn.functional.silu(left) if self.activation == "silu" else left) * self.right(x))
