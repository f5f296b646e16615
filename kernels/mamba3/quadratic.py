"""The scan as one masked product over all pairs of tokens: T^2 time and memory, fastest for short sequences."""

import torch
from torch import Tensor


def masked_product(q, k, rows, log_decay, gamma, ahead, S0) -> tuple[Tensor, Tensor]:
    """Outputs of the rows `[b,H,T,R,P]`, before skip and gate, and the final state `[b,H,P,N]`.

    Args:
        q, k: rotated C and B, `[b,H,T,R,N]`.
        rows: weighted inputs, `[b,H,T,R,P]`.
        log_decay, gamma, ahead: `[b,H,T]`; `ahead` is what the next token adds to the weight of a token.
        S0: state before the first token, `[b,H,P,N]`, or None.
    """
    b, H, T, R, P = rows.shape
    sums = torch.cumsum(log_decay, 2, dtype=torch.float64)  # a difference of large sums would lose small decays
    mask = torch.ones(T, T, dtype=torch.bool, device=sums.device).tril()
    decay = torch.exp((sums[..., :, None] - sums[..., None, :]).masked_fill(~mask, -torch.inf).to(log_decay.dtype))
    from_start, to_end = torch.exp(sums.to(log_decay.dtype)), torch.exp((sums[..., -1:] - sums).to(log_decay.dtype))
    weighted = (gamma + ahead)[..., None, None] * k
    flat = k.shape[3] * T
    scores = q.reshape(b, H, flat, -1) @ weighted.reshape(b, H, flat, -1).transpose(2, 3)
    if R == 1:
        scores = scores * decay
    else:
        scores = (scores.view(b, H, T, R, T, R) * decay[:, :, :, None, :, None]).view(b, H, flat, flat)
    out = (scores @ rows.reshape(b, H, flat, P)).view(b, H, T, R, P)
    out = out - ahead[..., None, None] * ((q @ k.transpose(3, 4)) @ rows)
    tail = to_end[..., None, None] * weighted
    final = rows.reshape(b, H, flat, P).transpose(2, 3) @ tail.reshape(b, H, flat, -1)
    if S0 is not None:
        out = out + from_start[..., None, None] * (q @ S0.transpose(2, 3)[:, :, None])
        final = final + from_start[..., -1, None, None] * S0
    return out, final
