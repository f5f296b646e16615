"""The Mamba-3 layer (Lahoti et al. 2026, sec. 3.4) and its ablations."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import silu, softplus

from kernels.mamba3 import Mamba3State, mamba3_scan, mamba3_step, rotate_pairs
from lib.ssm import parts
from lib.training.stacked import StackedLinear, StackedRMSNorm, rms_normalise


@dataclass
class LayerState:
    """State of a layer between two calls: of the scan, the convolution's last tokens, number of tokens so far."""

    scan: Mamba3State
    tail: Tensor | None
    tokens: int


class Mamba3(nn.Module):
    """Mamba-3 mixer for a stack of models.

    Args:
        d_model: width d.
        sources: one generator for each model of the stack.
        expand: inner width over d.
        head_dim: P; there are H = expand d / P heads.
        d_state: N.
        n_groups: G groups of B and C.
        rank: R; 1 is SISO.
        rope_fraction: part of N that rotates, S = N rope_fraction / 2 pairs.
        rotation: `data` (angles from the input), `fixed` (10000^(-i/S) for each token, standard RoPE) or `none`.
        lam: fixed lambda in (0, 1]: 1 is exponential-Euler, 1/2 the trapezoid; None learns it.
        bias: which of B and C get biases for each head, initially 1: `BC`, `B`, `C` or an empty string.
        conv: width of a causal convolution and silu on (x, B, C); 0 for none.
        decay: `softplus` or `heavy_tail`, see `parts.decay_rate`.
        dt_range: log-uniform step sizes at the start.
        is_outproj_norm: RMSNorm over each head and rank before the gate, with a weight for each channel, as in the
            authors' code; rank R takes R scans.
        backend, chunk_size: of `mamba3_scan`.

    Raises:
        ValueError: sizes that do not divide, an unknown rotation, bias or decay, or a lambda outside (0, 1].
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
        rank: int = 1,
        rope_fraction: float = 0.5,
        rotation: str = "data",
        lam: float | None = None,
        bias: str = "BC",
        conv: int = 0,
        decay: str = "softplus",
        dt_range: tuple[float, float] = (0.001, 0.1),
        is_outproj_norm: bool = False,
        backend: str = "auto",
        chunk_size: int = 64,
    ):
        super().__init__()
        if rotation not in ("data", "fixed", "none"):
            raise ValueError(f"rotation: got {rotation!r}, expected data, fixed or none")
        if bias not in ("BC", "B", "C", ""):
            raise ValueError(f"bias: got {bias!r}, expected BC, B, C or an empty string")
        if lam is not None and not 0 < lam <= 1:
            raise ValueError(f"lam: got {lam!r}, expected None or a number above 0 and at most 1")
        self.inner, self.H = parts.inner_heads(d_model, expand, head_dim)
        self.models = len(sources)
        self.P, self.N, self.G, self.R = head_dim, d_state, n_groups, rank
        self.S = 0 if rotation == "none" else int(d_state * rope_fraction) // 2
        self.rotation, self.decay = rotation, decay
        self.trap = None if lam is None else math.inf if lam == 1 else math.log(lam / (1 - lam))
        self.backend, self.chunk_size = backend, chunk_size
        vectors = d_state * n_groups * rank
        self.columns = [self.inner, self.inner, vectors, vectors, self.H, self.H]
        self.columns += [self.H if lam is None else 0, self.S if rotation == "data" else 0]
        m, H, R, N, P = self.models, self.H, self.R, self.N, self.P
        self.in_proj = StackedLinear(d_model, sum(self.columns), sources)
        self.out_proj = StackedLinear(self.inner, d_model, sources)
        self.dt_bias = parts.step_bias(sources, H, dt_range)
        self.D = parts.undecayed(torch.ones(m, H))
        self.B_norm, self.C_norm = (StackedRMSNorm(N, m, eps=1e-5) for _ in range(2))
        self.B_bias, self.C_bias = (nn.Parameter(torch.ones(m, H, R, N)) if name in bias else None for name in "BC")
        self.conv = parts.convolution_weight(sources, self.inner + 2 * vectors, conv) if conv else None
        self.norm = nn.Parameter(torch.ones(m, H, P)) if is_outproj_norm else None
        if rank > 1:
            self.m_x = nn.Parameter(torch.full((m, H, R, P), 1 / R))
            self.m_z = nn.Parameter(torch.ones(m, H, R, P))
            self.m_o = nn.Parameter(torch.full((m, H, R, P), 1 / R))
        parts.decay_rate(torch.zeros(1), decay)

    def _vectors(self, raw: Tensor, norm: nn.Module) -> Tensor:
        """B or C normalised, `[b, T, R, models * G, N]`."""
        b, T = raw.shape[1:3]
        value = norm(raw.view(self.models, b, T, self.R, self.G, self.N)).permute(1, 2, 3, 0, 4, 5).to(raw.dtype)
        return value.reshape(b, T, self.R, self.models * self.G, self.N)

    def _turn_fixed(self, C: Tensor, B: Tensor, first: int) -> tuple[Tensor, Tensor]:
        """Heads of C and B with their biases, rotated by standard RoPE."""
        frequency = 10000.0 ** (-torch.arange(self.S, device=C.device) / self.S)
        angle = (first + 1 + torch.arange(C.shape[1], device=C.device))[:, None, None, None] * frequency
        rotated = []
        for value, bias in ((C, self.C_bias), (B, self.B_bias)):
            value = value.repeat_interleave(self.H // self.G, 3)
            if bias is not None:
                value = value + bias.flatten(0, 1).transpose(0, 1)
            rotated.append(rotate_pairs(value, angle.to(value.dtype)))
        return rotated[0], rotated[1]

    def _inputs(self, u: Tensor, state: LayerState | None) -> tuple[tuple, dict, Tensor | None]:
        """Arguments of the scan, with a time axis, and the convolution's last tokens."""
        z, xBC, dt, a, trap, angles = torch.split(
            self.in_proj(u),
            [self.columns[0], sum(self.columns[1:4]), *self.columns[4:]],
            -1,
        )
        tail = None
        if self.conv is not None:
            xBC, tail = parts.short_convolution(xBC, self.conv, None if state is None else state.tail)
            xBC = silu(xBC)
        x, B, C = torch.split(xBC, self.columns[1:4], -1)
        B, C = self._vectors(B, self.B_norm), self._vectors(C, self.C_norm)
        dt = softplus(dt + self.dt_bias[:, None, None])
        log_decay = dt * parts.decay_rate(a, self.decay)
        dt, log_decay = (parts.to_heads(value, self.H)[..., 0] for value in (dt, log_decay))
        trap = parts.to_heads(trap, self.H)[..., 0] if self.trap is None else torch.full_like(dt, self.trap)
        biases = {"C_bias": self.C_bias, "B_bias": self.B_bias}
        if self.rotation == "fixed":
            C, B = self._turn_fixed(C, B, 0 if state is None else state.tokens)
            biases = {}
        options = {name: None if bias is None else bias.flatten(0, 1) for name, bias in biases.items()}
        options |= {"D": self.D.flatten(), "z": parts.to_heads(z, self.H)}
        if self.R > 1:
            options["mimo"] = tuple(weight.flatten(0, 1) for weight in (self.m_x, self.m_z, self.m_o))
        angles = angles.permute(1, 2, 0, 3) if self.rotation == "data" else None
        return (C, B, parts.to_heads(x, self.H), log_decay, dt, trap, angles), options, tail

    def turns(self, u: Tensor) -> Tensor:
        """Angle that each token adds, `[models, b, T, H, S]`, for inputs `[models, b, T, d]` (`rotation="data"`)."""
        _, dt, _, _, angles = torch.split(self.in_proj(u), [sum(self.columns[:4]), *self.columns[4:]], -1)
        dt = softplus(dt + self.dt_bias[:, None, None])
        return dt[..., None] * torch.pi * torch.tanh(angles)[..., None, :]

    def _output(self, y: Tensor) -> Tensor:
        return self.out_proj(parts.from_heads(y, self.models))

    def _gated(self, scan: Callable, options: dict) -> tuple[Tensor, Mamba3State | None]:
        """Output of a scan with its gate and rank weights, `[..., models * H, P]`, and the state that it returns."""
        if self.norm is None:
            return scan(**options)
        z, weight = options.pop("z"), self.norm.flatten(0, 1)
        if self.R == 1:
            y, state = scan(**options)
            return rms_normalise(y, 1e-5) * weight * silu(z), state
        m_x, m_z, m_o = options.pop("mimo")
        total = 0.0
        for r in range(self.R):  # the norm stands between the ranks' outputs and their sum
            single = torch.zeros_like(m_o)
            single[:, r] = 1.0
            y, state = scan(**options, mimo=(m_x, single, single))
            total = total + rms_normalise(y, 1e-5) * weight * silu(z * m_z[:, r]) * m_o[:, r]
        return total, state

    def forward(
        self, u: Tensor, state: LayerState | None = None, return_state: bool = False
    ) -> Tensor | tuple[Tensor, LayerState]:
        """Mix a sequence.

        Args:
            u: `[models, b, T, d]`.
            state: what an earlier call returned.
            return_state: whether to return the state after the last token as well.
        """
        arguments, options, tail = self._inputs(u, state)
        scan = partial(
            mamba3_scan,
            *arguments,
            initial_state=None if state is None else state.scan,
            output_final_state=return_state,
            backend=self.backend,
            chunk_size=self.chunk_size,
        )
        y, after = self._gated(scan, options)
        if not return_state:
            return self._output(y)
        return self._output(y), LayerState(after, tail, u.shape[2] + (0 if state is None else state.tokens))

    def step(self, u: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """One token `[models, b, d]` after `state`; returns its output and the new state."""
        arguments, options, tail = self._inputs(u[:, :, None], state)
        options["z"] = options["z"][:, 0]
        arguments = [None if value is None else value[:, 0] for value in arguments]
        backend = self.backend if self.backend in ("auto", "triton") else "recurrent"
        y, after = self._gated(partial(mamba3_step, state.scan, *arguments, backend=backend), options)
        return self._output(y[:, None])[:, :, 0], LayerState(after, tail, state.tokens + 1)
