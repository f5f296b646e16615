"""The Gated DeltaNet layer (Yang et al. 2025): one memory under the gated delta rule."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, silu, softplus

from kernels.gated_delta import gated_delta_rule
from lib.ssm import parts
from lib.training.stacked import StackedLinear, StackedRMSNorm


class GatedDeltaNet(nn.Module):
    """Gated DeltaNet mixer for a stack of models.

    Args:
        d_model: width d.
        sources: one generator for each model of the stack.
        n_heads: H.
        d_key, d_value: widths of keys and values of a head.
        conv: width of the causal convolution on q, k, v.
        negative_eigenvalues: beta in (0, 2) instead of (0, 1).
        dt_range: log-uniform step sizes at the start.
        chunk_size: of the delta rule.
    """

    def __init__(
        self,
        d_model: int,
        sources: list[torch.Generator],
        *,
        n_heads: int,
        d_key: int,
        d_value: int,
        conv: int = 4,
        negative_eigenvalues: bool = False,
        dt_range: tuple[float, float] = (0.001, 0.1),
        chunk_size: int = 32,
    ):
        super().__init__()
        self.models, self.H, self.K, self.V = len(sources), n_heads, d_key, d_value
        self.strongest = 2.0 if negative_eigenvalues else 1.0
        self.chunk_size = chunk_size
        self.columns = [n_heads * (2 * d_key + d_value), n_heads * d_value, n_heads, n_heads]
        self.in_proj = StackedLinear(d_model, sum(self.columns), sources)
        self.out_proj = StackedLinear(n_heads * d_value, d_model, sources)
        self.conv = parts.convolution_weight(sources, self.columns[0], conv)
        self.dt_bias = parts.step_bias(sources, n_heads, dt_range)
        self.A_log = parts.log_rates(sources, n_heads, 1e-3)
        self.norm = StackedRMSNorm(d_value, self.models, eps=1e-5)

    def forward(self, u: Tensor) -> Tensor:
        """Mix a sequence `[models, b, T, d]`."""
        qkv, gate, a, beta = torch.split(self.in_proj(u), self.columns, -1)
        qkv = silu(parts.short_convolution(qkv, self.conv)[0])
        q, k, v = torch.split(qkv, [self.H * self.K, self.H * self.K, self.H * self.V], -1)
        q, k, v = (parts.to_heads(value, self.H) for value in (q, k, v))
        log_decay = -torch.exp(self.A_log)[:, None, None] * softplus(a + self.dt_bias[:, None, None])
        beta, log_decay = (
            parts.to_heads(value, self.H)[..., 0] for value in (self.strongest * torch.sigmoid(beta), log_decay)
        )
        q, k = normalize(q, dim=-1), normalize(k, dim=-1)
        o, _ = gated_delta_rule(
            q, k, v.to(q.dtype), beta, log_decay, scale=1 / math.sqrt(self.K), chunk_size=self.chunk_size
        )
        o = parts.from_heads(o.contiguous(), self.models).unflatten(-1, (self.H, self.V))
        o = self.norm(o).flatten(-2) * silu(gate)
        return self.out_proj(o)
