"""The forced loss as the recurrence says it, in torch, with gradients by autograd: the definition of the fused form."""

import torch


def forced_loss(
    a: torch.Tensor,
    w: torch.Tensor,
    h: torch.Tensor,
    lift: torch.Tensor,
    x: torch.Tensor,
    *,
    rectified: int,
    interval: int,
    strength: float,
) -> torch.Tensor:
    """Mean squared error of the one-step predictions of a forced run.

    Args:
        a, w, h, lift: parameters (M,), (M, M), (M,), (M - N, N).
        x: sequences `(T + 1, N, S)`.
        rectified: P.
        interval: forcing after every this many steps.
        strength: 1 replaces the observed units by the data (sparse teacher forcing), less mixes (generalised).
    """
    observed, linear = x.shape[1], len(a) - rectified
    z = torch.cat([x[0], lift @ x[0]])
    loss = 0.0
    for t in range(1, len(x)):
        phi = torch.cat([z[:linear], torch.relu(z[linear:])])
        z = a[:, None] * z + w @ phi + h[:, None]
        loss = loss + ((z[:observed] - x[t]) ** 2).sum()
        if t % interval == 0:
            z = torch.cat([strength * x[t] + (1 - strength) * z[:observed], z[observed:]])
    return loss / ((len(x) - 1) * x.shape[1] * x.shape[2])
