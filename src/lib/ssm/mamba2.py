"""The Mamba-2 layer (Dao and Gu 2024): short convolution, exponential-Euler step, gated RMSNorm."""

import torch
from torch import Tensor, nn
from torch.nn.functional import silu, softplus

from kernels.mamba3 import mamba3_scan
from lib.ssm import parts
from lib.training.stacked import StackedLinear, StackedRMSNorm


class Mamba2(nn.Module):
    """Mamba-2 mixer for a stack of models; the scan is Mamba-3's with lambda = 1, no rotation and no bias.

    Args:
        d_model: width d.
        sources: one generator for each model of the stack.
        expand, head_dim, d_state, n_groups: as in `Mamba3`.
        conv: width of the causal convolution on (x, B, C).
        data_decay: A from the input as in Mamba-3, instead of one learned scalar for each head.
        dt_range: log-uniform step sizes at the start.
        backend, chunk_size: of `mamba3_scan`.

    Raises:
        ValueError: head_dim does not divide the inner width.
    """

    def __init__(
        self,
        d_model: int,
        sources: list[torch.Generator],
        *,
        expand: int = 2,
        head_dim: int = 64,
        d_state: int = 128,
        n_groups: int = 1,
        conv: int = 4,
        data_decay: bool = False,
        dt_range: tuple[float, float] = (0.001, 0.1),
        backend: str = "auto",
        chunk_size: int = 64,
    ):
        super().__init__()
        self.inner, self.H = parts.inner_heads(d_model, expand, head_dim)
        self.models, self.N, self.G = len(sources), d_state, n_groups
        self.backend, self.chunk_size = backend, chunk_size
        vectors = d_state * n_groups
        self.columns = [self.inner, self.inner + 2 * vectors, self.H, self.H if data_decay else 0]
        self.in_proj = StackedLinear(d_model, sum(self.columns), sources)
        self.out_proj = StackedLinear(self.inner, d_model, sources)
        self.conv = parts.convolution_weight(sources, self.inner + 2 * vectors, conv)
        self.conv_bias = nn.Parameter(torch.zeros(self.models, self.inner + 2 * vectors))
        self.dt_bias = parts.step_bias(sources, self.H, dt_range)
        self.A_log = None if data_decay else parts.log_rates(sources, self.H, 1.0)
        self.D = parts.undecayed(torch.ones(self.models, self.H))
        self.norm = StackedRMSNorm(self.inner, self.models, eps=1e-5)

    def forward(self, u: Tensor) -> Tensor:
        """Mix a sequence `[models, b, T, d]`."""
        b, T = u.shape[1:3]
        z, xBC, dt, a = torch.split(self.in_proj(u), self.columns, -1)
        xBC, _ = parts.short_convolution(xBC, self.conv)
        xBC = silu(xBC + self.conv_bias[:, None, None])
        x, B, C = torch.split(xBC, [self.inner, self.N * self.G, self.N * self.G], -1)
        dt = softplus(dt + self.dt_bias[:, None, None])
        A = parts.decay_rate(a, "softplus") if self.A_log is None else -torch.exp(self.A_log)[:, None, None]
        dt, log_decay = (parts.to_heads(value, self.H)[..., 0] for value in (dt, dt * A))
        B, C = (
            value.view(self.models, b, T, self.G, self.N).permute(1, 2, 0, 3, 4).reshape(b, T, -1, self.N)
            for value in (B, C)
        )
        y, _ = mamba3_scan(
            C,
            B,
            parts.to_heads(x, self.H),
            log_decay,
            dt,
            torch.full_like(dt, torch.inf),
            D=self.D.flatten(),
            backend=self.backend,
            chunk_size=self.chunk_size,
        )
        return self.out_proj(self.norm(parts.from_heads(y, self.models) * silu(z)))
