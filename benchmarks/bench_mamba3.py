"""Ratios of the scan's forms to each other and to peers, and of stacked seeds to seeds one by one.

On a processor the PyTorch forms are timed, on a GPU the Triton kernels; the two say nothing about each other. Peers:
the scalar-decay scan alone (the cost of trapezoid and rotation), softmax attention, and on a GPU
flash-linear-attention where it is installed. `bench_recurrences.py` compares the compiled forms with plain recurrences.
"""

import torch

from lib.bench.mamba3 import MAMBA3, scan_inputs
from lib.bench.timing import time_op
from lib.ssm import mamba3_scan
from lib.ssm.models import sequence_model
from lib.training.loop import token_losses
from lib.training.stacked import generators

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def seconds(function, repeat: int = 5) -> float:
    """Best time of a few calls after one that does not count."""
    return float(time_op(function, DEVICE, 1, repeat).min()) / 1e3


def scans() -> None:
    """Forms against each other, rank 4 against rank 1, and both against the plain scalar decay and softmax."""
    shape, dtype = ((8, 64, 2048, 64), torch.bfloat16) if DEVICE == "cuda" else ((1, 4, 1024, 32), torch.float32)
    print(f"{DEVICE}, (b, H, T, P) = {shape}, {dtype}; times over those of Mamba-3")
    base = None
    for name, operator in MAMBA3.items():
        if not operator.available(DEVICE):
            print(f"  {name}: not available here")
            continue
        inputs, function = operator.build(shape, dtype, DEVICE, 64)
        with torch.no_grad():
            forward = seconds(lambda: function(*inputs))  # noqa: B023
        both = seconds(lambda: function(*inputs).float().square().mean().backward())  # noqa: B023
        base = base or (forward, both)
        print(f"  {name}: forward {forward / base[0]:.2f}, forward and backward {both / base[1]:.2f}")


def forms() -> None:
    """Training steps of a short sequence in the quadratic form over those in the form of the device."""
    for tokens in (16, 32, 64, 128):
        leaves, constants = scan_inputs((96, 4, tokens, 16), 1, 16, torch.float32, DEVICE)

        def step(form: str, leaves=leaves, constants=constants) -> None:
            C, B, x, dt, trap, angles, z = leaves
            y, _ = mamba3_scan(C, B, x, -dt, dt, trap, angles, z=z, backend=form, **constants)
            torch.autograd.grad(y.square().sum(), leaves)

        other = "compiled" if DEVICE == "cpu" else "triton"
        ratio = seconds(lambda: step("quadratic")) / seconds(lambda: step(other))  # noqa: B023
        print(f"training on {tokens} tokens, quadratic over {other}: {ratio:.2f}")


def stacks() -> None:
    """A training step of three seeds as one model, over three steps one by one (state-tracking size)."""
    tokens = torch.randint(0, 3, (3, 32, 32), device=DEVICE)

    def step(models: int):
        model = sequence_model(
            "mamba3",
            3,
            32,
            1,
            generators(range(models)),
            hidden=64,
            channel="gelu",
            head_dim=16,
            d_state=16,
            dt_range=(0.1, 1.0),
        ).to(DEVICE)
        return seconds(lambda: token_losses(model(tokens[:models]), tokens[:models]).sum().backward())

    print(f"three seeds one by one over one stack of three: {3 * step(1) / step(3):.2f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    scans()
    forms()
    stacks()
