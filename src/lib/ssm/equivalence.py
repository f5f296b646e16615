"""Random cases of the Mamba-3 scan, and everything that a form of it makes of one: outputs, states, gradients."""

from typing import NamedTuple

import numpy as np
import torch

from kernels.agreement import relative_error
from kernels.mamba3 import Mamba3State, mamba3_scan
from lib.ssm.discretization import complex_scan

GROUPS = ("output", "state", "gradient")
RANK_WEIGHTS = ("m_x", "m_z", "m_o")


class Case(NamedTuple):
    """Arguments of a scan by name, its initial state (empty for none), and gradients of output and final state."""

    arguments: dict[str, torch.Tensor]
    state: dict[str, torch.Tensor]
    weights: list[torch.Tensor]


def random_arguments(sizes: dict, rng: np.random.Generator) -> tuple[dict, dict]:
    """Random arguments of a scan and its initial state, in float64.

    Args:
        sizes: by letter, `b, T, H, P, N` and, where not the default, `G` (1), `R` (1), `S` (N / 2), `initial` (False).
        rng: source of randomness.

    Returns:
        Arguments by name, with the rank weights as `m_x`, `m_z`, `m_o` for R > 1; parts of the state by name, none
        where `initial` is False.
    """
    b, T, H, P, N = (sizes[name] for name in ("b", "T", "H", "P", "N"))
    G, R, S = sizes.get("G", 1), sizes.get("R", 1), sizes.get("S", N // 2)

    def normal(*axes: int) -> torch.Tensor:
        return torch.from_numpy(rng.standard_normal(axes))

    vector = (b, T, G, N) if R == 1 else (b, T, R, G, N)
    arguments = {
        "C": normal(*vector),
        "B": normal(*vector),
        "x": normal(b, T, H, P),
        "log_decay": -torch.from_numpy(rng.random((b, T, H))),
        "dt": torch.from_numpy(0.05 + rng.random((b, T, H))),
        "trap": normal(b, T, H),
        "angles": normal(b, T, S),
        "C_bias": normal(H, R, N),
        "B_bias": normal(H, R, N),
        "D": normal(H),
        "z": normal(b, T, H, P),
    }
    if R > 1:
        arguments |= {name: normal(H, R, P) for name in RANK_WEIGHTS}
    if not sizes.get("initial", False):
        return arguments, {}
    state = {
        "angle": torch.from_numpy(2 * np.pi * rng.random((b, H, S))),
        "h": normal(b, H, P, N),
        "B": normal(b, H, R, N),
        "x": normal(b, H, P),
    }
    return arguments, state


def random_case(sizes: dict, rng: np.random.Generator) -> Case:
    """A case in float64; `sizes` as in `random_arguments`."""
    arguments, state = random_arguments(sizes, rng)
    b, T, H, P, N = (sizes[name] for name in ("b", "T", "H", "P", "N"))
    ends = [(b, T, H, P), (b, H, P, N), (b, H, sizes.get("R", 1), N), (b, H, P)]
    return Case(arguments, state, [torch.from_numpy(rng.standard_normal(axes)) for axes in ends])


def outcome(case: Case, backend: str, dtype: torch.dtype, device: str = "cpu", **options) -> dict[str, list]:
    """What a backend computes in a type: tensors by `GROUPS`.

    Args:
        case: arguments and gradients of the outputs.
        backend: of `mamba3_scan`.
        dtype, device: that all tensors are cast and moved to.
        options: further arguments of `mamba3_scan`.
    """

    def leaf(value: torch.Tensor) -> torch.Tensor:
        return value.to(device, dtype).clone().requires_grad_()

    arguments, state = ({name: leaf(value) for name, value in part.items()} for part in case[:2])
    leaves = [*arguments.values(), *state.values()]
    mimo = tuple(arguments.pop(name) for name in RANK_WEIGHTS) if "m_x" in arguments else None
    y, final = mamba3_scan(
        **arguments,
        mimo=mimo,
        initial_state=Mamba3State(**state) if state else None,
        output_final_state=True,
        backend=backend,
        **options,
    )
    parts = [y, final.h, final.B, final.x]
    sum((part * weight.to(device, part.dtype)).sum() for part, weight in zip(parts, case.weights)).backward()
    return {
        "output": [y.detach()],
        "state": [final.h.detach(), final.B.detach()],
        "gradient": [value.grad for value in leaves if value.numel()],
    }


def complex_error(rng: np.random.Generator, sizes: dict, backend: str = "quadratic") -> float:
    """Relative error of the real scan with rotated B and C against the complex recurrence, on random inputs.

    Args:
        rng: source of randomness.
        sizes: as in `random_arguments`, with G = 1, R = 1, S = N / 2.
        backend: of the real scan.
    """
    arguments, _ = random_arguments(sizes, rng)
    C, B, x, log_decay, dt, trap, angles = (
        arguments[name] for name in ("C", "B", "x", "log_decay", "dt", "trap", "angles")
    )
    y, _ = mamba3_scan(C, B, x, log_decay, dt, trap, angles, backend=backend)
    turn = dt[..., None] * torch.pi * torch.tanh(angles)[:, :, None]
    C, B = (value.expand(-1, -1, sizes["H"], -1) for value in (C, B))
    return relative_error(y, complex_scan(C, B, x, log_decay, dt, torch.sigmoid(trap), turn))
