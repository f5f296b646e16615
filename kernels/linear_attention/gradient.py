"""The gradient of the log decay, of scalar and of channel decays, which all forms share."""

import itertools

import torch
from torch.nn.functional import pad


def decay_gradient(per_token, final, d_final, log_decay, bounds) -> torch.Tensor:
    """Gradient of the log decay: sum_{u >= t} (q_u . dq_u - k_u . dk_u) + <S_T, dS_T>, summed over what shares it.

    Args:
        per_token: `(B, H, T)`, the difference of the two products.
        final, d_final: final states and their gradients, `(B or N, H, D, E)`.
        log_decay: the tensor that the gradient belongs to, `[H]` or `[B, T, H]`.
        bounds: of packed sequences, or None.
    """
    tail = (final.double() * d_final.double()).sum((-1, -2))
    suffix = per_token.double().flip(-1).cumsum(-1).flip(-1)
    if bounds is None:
        gradient = suffix + tail[..., None]
    else:
        lengths = torch.tensor([b - a for a, b in itertools.pairwise(bounds)], device=suffix.device)
        beyond = pad(suffix, (0, 1))[0][:, list(bounds[1:])]
        gradient = suffix + (tail.T - beyond).repeat_interleave(lengths, -1)[None]
    return (gradient.sum((0, 2)) if log_decay.ndim == 1 else gradient.transpose(1, 2)).to(log_decay.dtype)


def channel_gradient(per_token, final, d_final, log_decay, bounds) -> torch.Tensor:
    """Gradient of the log decays `[B, T, H, D]`: that of scalar decays with every channel as a head.

    Args:
        per_token: q dq - k dk, `[B, T, H, D]`.
        final, d_final: final states and their gradients, `[B or N, H, D, E]`.
        log_decay: the tensor that the gradient belongs to.
        bounds: of packed sequences, or None.
    """
    alone = (value.flatten(1, 2)[:, :, None] for value in (final, d_final))
    gradient = decay_gradient(per_token.flatten(2).mT, *alone, log_decay.flatten(2), bounds)
    return gradient.view(log_decay.shape)
