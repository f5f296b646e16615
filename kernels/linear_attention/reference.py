"""The recurrence that defines causal linear attention with a scalar decay."""

import itertools

import torch


def recurrent_step(
    state: torch.Tensor, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, log_decay: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """One token; arguments as `linear_attention_step` takes them, arithmetic in the type of the state."""
    kv = k.to(state.dtype).unsqueeze(-1) * v.to(state.dtype).unsqueeze(-2)
    state = state + kv if log_decay is None else torch.exp(log_decay.to(state.dtype))[..., None, None] * state + kv
    return (q.to(state.dtype).unsqueeze(-2) @ state).squeeze(-2).to(v.dtype), state


def _one_sequence(q, k, v, log_decay, state, scale):
    outputs = []
    for t in range(q.shape[2]):
        decay = log_decay if log_decay is None or log_decay.ndim == 1 else log_decay[:, :, t]
        o, state = recurrent_step(state, q[:, :, t], k[:, :, t], v[:, :, t], decay)
        outputs.append(scale * o)
    return (torch.stack(outputs, 2) if outputs else v[:, :, :0]), state


def recurrent_linear_attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    log_decay: torch.Tensor | None,
    *,
    initial_state: torch.Tensor | None = None,
    output_final_state: bool = False,
    scale: float = 1.0,
    cu_seqlens: torch.Tensor | None = None,
    dtype: torch.dtype = torch.float64,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Linear attention token by token: the definition that every other form is held against.

    Args:
        q, k, v, log_decay, initial_state, output_final_state, scale, cu_seqlens: as in `chunk_linear_attention`.
        dtype: type of the state and of all arithmetic.

    Returns:
        `o` of the type of `v`, and the final state or None.
    """
    batch, heads, _, width = q.shape
    rows = batch if cu_seqlens is None else len(cu_seqlens) - 1
    state_type = torch.float64 if q.dtype == torch.float64 else torch.float32
    wide_q, wide_k, wide_v = (x.to(dtype) for x in (q, k, v))
    decay = None if log_decay is None else log_decay.to(dtype)
    state = wide_v.new_zeros(rows, heads, width, v.shape[3]) if initial_state is None else initial_state.to(dtype)
    if cu_seqlens is None:
        o, state = _one_sequence(wide_q, wide_k, wide_v, decay, state, scale)
    else:
        bounds = [int(bound) for bound in cu_seqlens]
        pieces = []
        for n, (start, stop) in enumerate(itertools.pairwise(bounds)):
            cut = [x[:, :, start:stop] for x in (wide_q, wide_k, wide_v)]
            local = decay if decay is None or decay.ndim == 1 else decay[:, :, start:stop]
            pieces.append(_one_sequence(*cut, local, state[n : n + 1], scale))
        o, state = torch.cat([piece[0] for piece in pieces], 2), torch.cat([piece[1] for piece in pieces])
    return o.to(v.dtype), state.to(state_type) if output_final_state else None
