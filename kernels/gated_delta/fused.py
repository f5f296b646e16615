"""The gated delta rule on the Triton kernels: chunks, launches, and the backward pass.

Arithmetic is in float32, on tensor cores by three TF32 products, or by one where the inputs are short. Without a GPU it
runs under Triton's interpreter (`TRITON_INTERPRET=1`) on small shapes.
"""

import torch
import triton
from torch.autograd.function import once_differentiable

from kernels.arguments import INTERPRETED
from kernels.gated_delta import fused_kernels as kernels
from kernels.packed import cut_segments

SLICE = 32  # columns of a program's state


def configuration(dtype: torch.dtype, width: int) -> tuple[int, int, str]:
    """Tokens of a chunk, warps, and precision of the products.

    Args:
        dtype: of the inputs.
        width: the wider of D and E.
    """
    exact = dtype == torch.float32 and not torch.backends.cuda.matmul.allow_tf32
    return 16, 8 if width > 64 else 4, "tf32x3" if exact else "tf32"


def _padded(width: int) -> int:
    return max(16, triton.next_power_of_2(width))


class _Launch:
    """Chunks and constants of one call."""

    def __init__(self, q, v, bounds):
        self.batch, self.tokens, self.heads, self.D = q.shape
        self.E = v.shape[3]
        self.C, warps, precision = configuration(q.dtype, max(self.D, self.E))
        self.chunks = cut_segments(self.batch, self.tokens, bounds, self.C, q.device)
        self.count, self.sequences = len(self.chunks.begins), len(self.chunks.bounds) - 1
        self.BN = min(SLICE, _padded(self.E))
        self.slices = triton.cdiv(self.E, self.BN)
        self.device = q.device
        self.shapes = {"D": self.D, "E": self.E, "BD": _padded(self.D), "C": self.C, "PRECISION": precision}
        if not INTERPRETED:
            self.shapes |= {"num_warps": warps}
        self.cuts = (self.chunks.begins, self.chunks.ends, self.chunks.rows)

    def empty(self, *shape) -> torch.Tensor:
        return torch.empty(*shape, dtype=torch.float32, device=self.device)

    def like_tokens(self, width: int) -> torch.Tensor:
        return self.empty(self.batch, self.tokens, self.heads, width)

    def states(self) -> torch.Tensor:
        return self.empty(self.count, self.heads, self.D, self.E)

    def forward(self, q, k, v, beta, decay, state):
        """T, W, U, N, the memories before the chunks and after the sequences."""
        T = self.empty(self.count, self.heads, self.C, self.C)
        W, U, news = self.like_tokens(self.D), self.like_tokens(self.E), self.like_tokens(self.E)
        states, after = self.states(), torch.empty_like(state)
        kernels.solve_chunks[(self.count, self.heads)](
            k, v, beta, decay, T, W, U, *self.cuts, self.heads, self.tokens, BE=_padded(self.E), **self.shapes
        )
        kernels.pass_states[(self.sequences, self.slices, self.heads)](
            k, decay, W, U, news, states, state, after, *self.cuts, self.chunks.bounds, self.heads, self.tokens,
            BN=self.BN, **self.shapes,
        )  # fmt: skip
        return T, W, U, news, states, after


class _Fused(torch.autograd.Function):
    """Keeps its inputs; the backward pass solves the chunks again."""

    @staticmethod
    def forward(ctx, q, k, v, beta, log_decay, state, scale, bounds):
        q, k, v, beta, log_decay = (part.contiguous() for part in (q, k, v, beta, log_decay))
        launch, start = _Launch(q, v, bounds), state.float().contiguous()
        out = torch.empty_like(v)
        with torch.cuda.device_of(q):
            *_, news, states, after = launch.forward(q, k, v, beta, log_decay, start)
            kernels.read_chunks[(launch.count, launch.slices, launch.heads)](
                q, k, log_decay, news, states, out, *launch.cuts, scale, launch.heads, launch.tokens,
                BN=launch.BN, **launch.shapes,
            )  # fmt: skip
        ctx.save_for_backward(q, k, v, beta, log_decay, state)
        ctx.options = scale, bounds
        ctx.set_materialize_grads(False)
        return out, after

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out, d_final):
        q, k, v, beta, log_decay, state = ctx.saved_tensors
        scale, bounds = ctx.options
        launch, start = _Launch(q, v, bounds), state.float().contiguous()
        d_out = torch.zeros_like(v) if d_out is None else d_out.contiguous()
        d_final = torch.zeros_like(start) if d_final is None else d_final.float().contiguous()
        d_news, adjoints, d_state = launch.like_tokens(launch.E), launch.states(), torch.empty_like(start)
        dq, dk, dv = launch.like_tokens(launch.D), launch.like_tokens(launch.D), launch.like_tokens(launch.E)
        d_beta, d_decay, later = (launch.empty(beta.shape) for _ in range(3))
        slices, right = triton.cdiv(launch.D, SLICE), launch.like_tokens(launch.D)
        dP, dA = (launch.empty(launch.count, launch.heads, launch.C, launch.C) for _ in range(2))
        come, go = (launch.empty(slices, *beta.shape) for _ in range(2))
        through = launch.empty(slices, launch.count, launch.heads)
        with torch.cuda.device_of(q):
            T, W, U, news, states, _ = launch.forward(q, k, v, beta, log_decay, start)
            kernels.pass_adjoints[(launch.sequences, launch.slices, launch.heads)](
                q, k, log_decay, W, d_out, d_news, adjoints, d_final, d_state, *launch.cuts, launch.chunks.bounds,
                scale, launch.heads, launch.tokens, BN=launch.BN, **launch.shapes,
            )  # fmt: skip
            common = {name: launch.shapes[name] for name in launch.shapes if name != "BD"}
            kernels.chunk_weights[(launch.count, launch.heads)](
                q, k, v, beta, log_decay, T, W, U, news, states, d_out, d_news, right, dP, dA, dv, d_beta, later,
                *launch.cuts, scale, launch.heads, launch.tokens, BN=SLICE, **common,
            )  # fmt: skip
            kernels.channel_gradients[(launch.count, slices, launch.heads)](
                q, k, beta, log_decay, news, states, adjoints, d_out, right, dP, dA, dq, dk, come, go, through,
                *launch.cuts, scale, launch.heads, launch.tokens, launch.batch, launch.count, BN=SLICE, **common,
            )  # fmt: skip
            kernels.decay_gradients[(launch.count, launch.heads)](
                log_decay, later, come, go, through, d_decay, *launch.cuts, launch.heads, launch.tokens, launch.batch,
                launch.count, SLICES=slices, C=launch.C,
            )  # fmt: skip
        like = (q, k, v, beta, log_decay, state)
        return *(g.to(x.dtype) for g, x in zip((dq, dk, dv, d_beta, d_decay, d_state), like)), None, None


def fused_gated_delta_rule(q, k, v, beta, log_decay, state, scale, bounds):
    """The Triton form; arguments as `gated_delta_rule` has checked them, with a token and not too wide."""
    return _Fused.apply(q, k, v, beta, log_decay, state, scale, bounds)
