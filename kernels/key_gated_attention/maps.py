"""What is read from a query and from a key: features and log decays in PyTorch, and checks."""

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from kernels.arguments import check_sequences, check_shape, check_types

FORMS = ("gla", "hgrn2")
DAMPING = 16.0


def damping_of(form: str, damping: float | None) -> float:
    """What divides the log decay: of `gla` 16 by default, of `hgrn2` nothing, which is 1.

    Raises:
        ValueError: an unknown form, a damping that is not positive and finite, or one for `hgrn2`.
    """
    if form not in FORMS:
        raise ValueError(f"form: got {form!r}, expected one of {', '.join(FORMS)}")
    if damping is None:
        return DAMPING if form == "gla" else 1.0
    if form != "gla":
        raise ValueError(f"damping: got {damping!r}, expected None: {form} has none")
    if not (damping > 0 and math.isfinite(damping)):
        raise ValueError(f"damping: got {damping!r}, expected a positive number")
    return float(damping)


def check_groups(q: Tensor, k: Tensor, v: Tensor) -> None:
    """Expect q `[B, T, H, D]`, k `[B, T, G, D]` and v `[B, T, G, E]` of one type, G dividing H.

    Raises:
        ValueError: other shapes or types.
    """
    check_sequences("q", q)
    check_sequences("k", k)
    groups = k.shape[2]
    check_shape("k", k, (*q.shape[:2], groups, q.shape[3]))
    check_sequences("v", v)
    check_shape("v", v, (*k.shape[:3], v.shape[3]))
    check_types(q=q, k=k, v=v)
    if q.shape[2] % groups:
        raise ValueError(f"k shape: got {groups} groups, expected a divisor of the {q.shape[2]} heads of q")


def key_maps(k: Tensor, form: str, damping: float) -> tuple[Tensor, Tensor]:
    """Features of keys and log decays, both like k."""
    key = torch.softmax(k, -1) if form == "gla" else torch.sigmoid(-k)
    return key, logsigmoid(k) / damping
