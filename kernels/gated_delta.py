"""Gated delta rule: a memory that decays, then overwrites what it held under the new key.

    S <- a_t S;   S <- S + k_t^T beta_t (v_t - k_t S);   o_t = scale q_t S

(Yang et al. 2025, "Gated Delta Networks"). Tensors are `[B,H,T,D]` as in `kernels.linear_attention`.
"""

import itertools

import torch
from torch import Tensor

from kernels.linear_attention import sequence_bounds

BACKENDS = ("auto", "recurrent", "torch")


def _check(q, k, v, beta, log_decay, initial_state, sequences: int) -> None:
    if q.ndim != 4 or q.shape != k.shape:
        raise ValueError(f"k shape: got {tuple(k.shape)}, expected that of q, {tuple(q.shape)}, [B,H,T,D]")
    if v.ndim != 4 or v.shape[:3] != q.shape[:3]:
        raise ValueError(f"v shape: got {tuple(v.shape)}, expected {tuple(q.shape[:3])} and a width")
    for name, value in (("beta", beta), ("log_decay", log_decay)):
        if value.shape != q.shape[:3]:
            raise ValueError(f"{name} shape: got {tuple(value.shape)}, expected {tuple(q.shape[:3])}")
    if log_decay.device.type == "cpu" and bool((log_decay > 0).any()):
        raise ValueError(f"log_decay: got a largest value of {log_decay.max().item():g}, expected at most 0")
    expected = (sequences, q.shape[1], q.shape[3], v.shape[3])
    if initial_state is not None and tuple(initial_state.shape) != expected:
        raise ValueError(f"initial_state shape: got {tuple(initial_state.shape)}, expected {expected}")


def gated_delta_step(
    S: Tensor, q: Tensor, k: Tensor, v: Tensor, beta: Tensor, log_decay: Tensor, *, scale: float = 1.0
) -> tuple[Tensor, Tensor]:
    """One token of the gated delta rule.

    Args:
        S: memory `[B,H,D,E]`.
        q, k: `[B,H,D]`.
        v: `[B,H,E]`.
        beta, log_decay: `[B,H]`.
        scale: factor of the output.

    Returns:
        o `[B,H,E]` and the memory after the token.
    """
    S = torch.exp(log_decay)[..., None, None] * S
    write = beta[..., None] * (v - (k[..., None, :] @ S)[..., 0, :])
    S = S + k[..., :, None] * write[..., None, :]
    return scale * (q[..., None, :] @ S)[..., 0, :], S


def _steps(q, k, v, beta, log_decay, S, scale):
    outputs = []
    for t in range(q.shape[2]):
        o, S = gated_delta_step(S, q[:, :, t], k[:, :, t], v[:, :, t], beta[:, :, t], log_decay[:, :, t], scale=scale)
        outputs.append(o)
    return (torch.stack(outputs, 2) if outputs else v), S


def _chunks(q, k, v, beta, log_decay, S, scale, size):
    """The writes of a chunk solve a unit lower triangular system; the memory passes from chunk to chunk."""
    T = q.shape[2]
    pad = -T % size
    if pad:  # tokens with k = 0, beta = 0 and no decay change nothing
        q, k, v = (torch.nn.functional.pad(x, (0, 0, 0, pad)) for x in (q, k, v))
        beta, log_decay = (torch.nn.functional.pad(x, (0, pad)) for x in (beta, log_decay))
    q, k, v, beta, log_decay = (x.unflatten(2, (-1, size)) for x in (q, k, v, beta, log_decay))
    G = torch.cumsum(log_decay, -1)
    lower = torch.ones(size, size, dtype=torch.bool, device=q.device).tril()
    ratio = torch.exp((G[..., :, None] - G[..., None, :]).masked_fill(~lower, -torch.inf))
    system = (beta[..., None] * (k @ k.transpose(-1, -2)) * ratio).tril(-1)
    right = torch.cat((torch.exp(G)[..., None] * k, v), -1) * beta[..., None]
    W, U = torch.linalg.solve_triangular(system, right, upper=False, unitriangular=True).split(
        (k.shape[-1], v.shape[-1]), -1
    )
    scores = (q @ k.transpose(-1, -2)) * ratio
    from_memory = torch.exp(G)[..., None] * q
    into_memory = (torch.exp(G[..., -1:] - G)[..., None] * k).transpose(-1, -2)
    kept = torch.exp(G[..., -1])[..., None, None]
    outputs = []
    for c in range(q.shape[2]):
        written = U[:, :, c] - W[:, :, c] @ S
        outputs.append(from_memory[:, :, c] @ S + scores[:, :, c] @ written)
        S = kept[:, :, c] * S + into_memory[:, :, c] @ written
    return scale * torch.cat(outputs, 2)[:, :, :T], S


def chunk_gated_delta_rule(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    beta: Tensor,
    log_decay: Tensor,
    *,
    scale: float = 1.0,
    initial_state: Tensor | None = None,
    output_final_state: bool = False,
    cu_seqlens: Tensor | None = None,
    chunk_size: int = 64,
    backend: str = "auto",
) -> tuple[Tensor, Tensor | None]:
    """Causal attention by the gated delta rule.

    Args:
        q, k: `[B,H,T,D]`; k is expected to have unit norm.
        v: `[B,H,T,E]`.
        beta: strength of a write, `[B,H,T]`; (0,1), or (0,2) for negative eigenvalues.
        log_decay: <= 0, `[B,H,T]`.
        scale: factor of the output.
        initial_state: `[B,H,D,E]`, or one row for each packed sequence.
        output_final_state: whether to return the memory after the last token.
        cu_seqlens: offsets `[n+1]` of n sequences packed into one row (B = 1).
        chunk_size: tokens of a chunk.
        backend: `recurrent` (token by token), `torch` (chunks) or `auto`.

    Returns:
        o `[B,H,T,E]`, and the final memory or None.

    Raises:
        ValueError: a positive log_decay, or a shape that does not fit.
    """
    if backend not in BACKENDS:
        raise ValueError(f"backend: got {backend!r}, expected one of {', '.join(BACKENDS)}")
    B, H, T, D = q.shape
    if cu_seqlens is not None and B != 1:
        raise ValueError(f"q: got batch {B} with cu_seqlens, expected packed sequences in a batch of 1")
    offsets = None if cu_seqlens is None else sequence_bounds(cu_seqlens, T)
    _check(q, k, v, beta, log_decay, initial_state, B if offsets is None else len(offsets) - 1)

    def one(span: slice, S: Tensor | None):
        part = [x[:, :, span] for x in (q, k, v, beta, log_decay)]
        S = q.new_zeros(B, H, D, v.shape[-1]) if S is None else S
        if backend == "recurrent" or part[0].shape[2] == 0:
            return _steps(*part, S, scale)
        return _chunks(*part, S, scale, min(chunk_size, part[0].shape[2]))

    if offsets is None:
        o, S = one(slice(None), initial_state)
        return o, S if output_final_state else None
    outputs, states = [], []
    for i, (start, end) in enumerate(itertools.pairwise(offsets)):
        o, S = one(slice(start, end), None if initial_state is None else initial_state[i : i + 1])
        outputs.append(o)
        states.append(S)
    return torch.cat(outputs, 2), torch.cat(states) if output_final_state else None
