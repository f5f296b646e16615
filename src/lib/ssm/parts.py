"""What the layers share: initial values, decay, short convolution. Tensors have a leading axis of models."""

import math

import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad, softplus

from lib.training.stacked import draw


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


def inner_heads(d_model: int, expand: int, head_dim: int) -> tuple[int, int]:
    """Inner width expand d and number of heads expand d / P.

    Raises:
        ValueError: head_dim does not divide the inner width.
    """
    inner = expand * d_model
    if inner % head_dim:
        raise ValueError(f"head_dim: got {head_dim}, expected a divisor of the inner width {inner}")
    return inner, inner // head_dim


def undecayed(value: Tensor) -> torch.nn.Parameter:
    """A parameter that weight decay leaves alone."""
    parameter = torch.nn.Parameter(value)
    parameter.no_weight_decay = True
    return parameter


def step_bias(sources: list[torch.Generator], heads: int, bounds: tuple[float, float]) -> torch.nn.Parameter:
    """Inverse softplus of log-uniform step sizes, at least 1e-4, `[models, heads]`.

    Raises:
        ValueError: bounds that are not 0 < low <= high.
    """
    low, high = bounds
    if not 0 < low <= high:
        raise ValueError(f"dt_range: got {tuple(bounds)}, expected 0 < low <= high")
    centre, spread = (math.log(high) + math.log(low)) / 2, (math.log(high) - math.log(low)) / 2
    dt = torch.exp(centre + draw(sources, (heads,), "uniform", spread).detach()).clamp(min=1e-4)
    return undecayed(dt + torch.log(-torch.expm1(-dt)))


def log_rates(sources: list[torch.Generator], heads: int, lowest: float) -> torch.nn.Parameter:
    """Logarithms of decay rates -A, uniform in [lowest, 16], `[models, heads]`."""
    spread = (16 - lowest) / 2
    return undecayed(torch.log(lowest + spread + draw(sources, (heads,), "uniform", spread).detach()))


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
    return out.unflatten(1, (models, channels)).permute(1, 0, 3, 2), x[:, :, T:].clone()


def convolution_weight(sources: list[torch.Generator], channels: int, width: int) -> torch.nn.Parameter:
    """Taps `[models, channels, width]`, uniform within 1 / sqrt(width)."""
    return draw(sources, (channels, width), "uniform", width**-0.5)


def to_heads(x: Tensor, heads: int) -> Tensor:
    """`[models, b, T, heads * width]` as `[b, T, models * heads, width]`, the form of the scans."""
    models, b, T, _ = x.shape
    return x.view(models, b, T, heads, -1).permute(1, 2, 0, 3, 4).reshape(b, T, models * heads, -1)


def from_heads(x: Tensor, models: int) -> Tensor:
    """The inverse of `to_heads`."""
    b, T, H, width = x.shape
    return x.view(b, T, models, H // models, width).permute(2, 0, 1, 3, 4).reshape(models, b, T, -1)
