"""What the layers share: initial values, normalisation, short convolution. Tensors have a leading axis of models."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad, softplus


def segsum(x: Tensor) -> Tensor:
    """Sums over segments: entry (i, j) is x_{j+1} + ... + x_i for i >= j and -inf above the diagonal.

    Args:
        x: `[..., T]`.

    Returns:
        `[..., T, T]`; its exponential is the decay from j to i.
    """
    total = torch.cumsum(x, -1)
    lower = torch.ones(x.shape[-1], x.shape[-1], dtype=torch.bool, device=x.device).tril()
    return (total[..., :, None] - total[..., None, :]).masked_fill(~lower, -torch.inf)


def draw(rngs: Sequence[torch.Generator], size: Sequence[int], low: float, high: float) -> Tensor:
    """Uniform numbers, `[models, *size]`, model m by generator m."""
    return torch.stack([torch.empty(*size).uniform_(low, high, generator=rng) for rng in rngs])


def projection(rngs: Sequence[torch.Generator], inputs: int, outputs: int) -> torch.nn.Parameter:
    """Weights `[models, inputs, outputs]` of a linear map, uniform within 1 / sqrt(inputs)."""
    bound = 1 / math.sqrt(inputs)
    return torch.nn.Parameter(draw(rngs, (inputs, outputs), -bound, bound))


def step_bias(rngs: Sequence[torch.Generator], heads: int, bounds: tuple[float, float]) -> torch.nn.Parameter:
    """Inverse softplus of log-uniform step sizes, at least 1e-4, `[models, heads]`.

    Raises:
        ValueError: bounds that are not 0 < low <= high.
    """
    low, high = bounds
    if not 0 < low <= high:
        raise ValueError(f"dt_range: got {tuple(bounds)}, expected 0 < low <= high")
    dt = torch.exp(draw(rngs, (heads,), math.log(low), math.log(high))).clamp(min=1e-4)
    return torch.nn.Parameter(dt + torch.log(-torch.expm1(-dt)))


def rms_norm(x: Tensor, weight: Tensor, eps: float = 1e-5) -> Tensor:
    """x over its root mean square along the last axis, times a weight that broadcasts."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def decay_rate(raw: Tensor, kind: str) -> Tensor:
    """A = -max(f(raw), 1e-4), with f softplus or the heavy-tailed 1 + a (a >= 0), 1 / (1 - a) (a < 0).

    Raises:
        ValueError: another kind.
    """
    if kind == "softplus":
        rate = softplus(raw)
    elif kind == "heavy_tail":
        rate = torch.where(raw >= 0, 1 + raw, 1 / (1 - raw.clamp(max=0)))
    else:
        raise ValueError(f"decay: got {kind!r}, expected softplus or heavy_tail")
    return -rate.clamp(min=1e-4)


def short_convolution(x: Tensor, weight: Tensor, before: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Causal depthwise convolution along time.

    Args:
        x: `[models, b, T, channels]`.
        weight: `[models, channels, width]`; the last tap meets the current token.
        before: the `width - 1` tokens before x, or None for zeros.

    Returns:
        The result, of the shape of x, and the last `width - 1` tokens for the next call.
    """
    models, _, T, channels = x.shape
    width = weight.shape[-1]
    x = pad(x, (0, 0, width - 1, 0)) if before is None else torch.cat((before, x), 2)
    flat = x.permute(1, 0, 3, 2).flatten(1, 2)
    out = conv1d(flat, weight.reshape(models * channels, 1, width), groups=models * channels)
    return out.unflatten(1, (models, channels)).permute(1, 0, 3, 2), x[:, :, T:]


def convolution_weight(rngs: Sequence[torch.Generator], channels: int, width: int) -> torch.nn.Parameter:
    """Taps `[models, channels, width]`, uniform within 1 / sqrt(width)."""
    bound = 1 / math.sqrt(width)
    return torch.nn.Parameter(draw(rngs, (channels, width), -bound, bound))


def to_heads(x: Tensor, heads: int) -> Tensor:
    """`[models, b, T, heads * width]` as `[b, T, models * heads, width]`, the form of the scans."""
    models, b, T, _ = x.shape
    return x.view(models, b, T, heads, -1).permute(1, 2, 0, 3, 4).reshape(b, T, models * heads, -1)


def from_heads(x: Tensor, models: int) -> Tensor:
    """The inverse of `to_heads`."""
    b, T, H, width = x.shape
    return x.view(b, T, models, H // models, width).permute(2, 0, 1, 3, 4).reshape(models, b, T, -1)
