"""Fixed decays by head and layer."""

import torch


def _geometric(heads: int) -> list[float]:
    return [2.0 ** (-8.0 * (head + 1) / heads) for head in range(heads)]


def alibi_slopes(heads: int) -> torch.Tensor:
    """Slopes s_h of the decay exp(-s_h) by head, `(H,)` float64: 2^(-8 (h + 1) / H) for a power of two.

    For other H: the slopes of the next lower power of two c, then every second slope of 2 c.

    Raises:
        ValueError: fewer than one head.

    Source: Press et al. 2022 (ALiBi); Qin et al. 2024, authors' code.
    """
    if heads < 1:
        raise ValueError(f"heads: got {heads}, expected at least 1")
    lower = 2 ** (heads.bit_length() - 1)
    slopes = _geometric(lower)
    if lower < heads:
        slopes += _geometric(2 * lower)[::2][: heads - lower]
    return torch.tensor(slopes, dtype=torch.float64)


def layer_decay(slopes: torch.Tensor, layer: int, layers: int) -> torch.Tensor:
    """Log decays by head of one layer: -s_h (1 - layer / (layers - 1) + 1e-5); the last layer hardly decays.

    Args:
        slopes: `(H,)`.
        layer: from 0.
        layers: how many there are; a single layer has the full slopes.

    Raises:
        ValueError: a layer that is not there.

    Source: Qin et al. 2024, authors' code.
    """
    if not 0 <= layer < layers:
        raise ValueError(f"layer: got {layer}, expected 0 to {layers - 1}")
    return -slopes * (1 - layer / max(1, layers - 1) + 1e-5)
