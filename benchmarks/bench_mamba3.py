"""Ratios of the scan's forms to each other and to peers, and of stacked seeds to seeds one by one.

On a processor the PyTorch forms are timed, on a GPU the Triton kernels; the two say nothing about each other. Peers:
the scalar-decay scan alone (the cost of trapezoid and rotation), softmax attention, and on a GPU `mamba_ssm` and
`fla` where they are installed.
"""

import importlib.util

import torch
from torch.nn.functional import scaled_dot_product_attention

from kernels.linear_attention import chunk_linear_attention
from lib.bench.timing import time_op
from lib.ssm import mamba3_scan
from lib.ssm.models import sequence_model
from lib.training.loop import token_losses
from lib.training.stacked import generators

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def seconds(function, repeat: int = 5) -> float:
    """Best time of a few calls after one that does not count."""
    return float(time_op(function, DEVICE, 1, repeat).min()) / 1e3


def arguments(b: int, T: int, H: int, P: int, N: int, R: int, dtype) -> dict:
    """Random arguments of a scan that ask for gradients."""

    def normal(*size, kind=dtype):
        return torch.randn(size, device=DEVICE, dtype=kind).requires_grad_()

    steps = torch.rand(b, T, H, device=DEVICE) * 0.1 + 1e-3
    ones = tuple(torch.full((H, R, P), 1 / R, device=DEVICE) for _ in range(3))
    return {
        "C": normal(b, T, R, 1, N), "B": normal(b, T, R, 1, N), "x": normal(b, T, H, P), "log_decay": -steps,
        "dt": steps,
        "trap": normal(b, T, H, kind=torch.float32), "angles": normal(b, T, N // 4, kind=torch.float32),
        "C_bias": torch.ones(H, R, N, device=DEVICE), "B_bias": torch.ones(H, R, N, device=DEVICE),
        "D": torch.ones(H, device=DEVICE), "z": normal(b, T, H, P), "mimo": ones,
    }  # fmt: skip


def forward_backward(function) -> None:
    function().float().square().mean().backward()


def scans() -> None:
    """Forms against each other, rank 4 against rank 1, and both against the plain scalar decay and softmax."""
    shape, dtype = (
        ((8, 2048, 64, 64, 128), torch.bfloat16) if DEVICE == "cuda" else ((1, 1024, 4, 64, 64), torch.float32)
    )
    b, T, H, P, N = shape
    one, four = (arguments(*shape, rank, dtype) for rank in (1, 4))
    q, k = (torch.randn(b, H, T, N, device=DEVICE, dtype=dtype, requires_grad=True) for _ in range(2))
    v = torch.randn(b, H, T, P, device=DEVICE, dtype=dtype, requires_grad=True)
    decay = one["log_decay"].transpose(1, 2).contiguous()
    calls = {
        "Mamba-3": lambda: mamba3_scan(**one)[0],
        "Mamba-3, rank 4": lambda: mamba3_scan(**four)[0],
        "scalar decay alone": lambda: chunk_linear_attention(q, k, v, decay)[0],
        "softmax attention": lambda: scaled_dot_product_attention(q, k, v, is_causal=True),
    }
    if DEVICE == "cpu":
        calls["Mamba-3, quadratic form"] = lambda: mamba3_scan(**one, backend="quadratic")[0]
        short = {name: value[:, :128] if value.ndim > 2 else value for name, value in one.items() if name != "mimo"}
        short = {name: value if "bias" not in name else one[name] for name, value in short.items()}
        short["mimo"] = one["mimo"]
        with torch.no_grad():
            loop = seconds(lambda: mamba3_scan(**short, backend="recurrent"), 2)
            chunks = seconds(lambda: mamba3_scan(**short), 2)
        print(f"token by token over chunks, forward, T = 128: {loop / chunks:.1f}")
    print(f"{DEVICE}, (b, T, H, P, N) = {shape}, {dtype}; times over those of Mamba-3")
    base = None
    for name, call in calls.items():
        with torch.no_grad():
            forward = seconds(call)
        both = seconds(lambda: forward_backward(call))  # noqa: B023
        base = base or (forward, both)
        print(f"  {name}: forward {forward / base[0]:.2f}, forward and backward {both / base[1]:.2f}")
    if DEVICE == "cuda":
        peers(one, q, k, v, decay, base)


def peers(one: dict, q, k, v, decay, base) -> None:
    """The same shapes through other libraries, where they are installed."""
    if importlib.util.find_spec("fla"):
        from fla.ops.simple_gla import chunk_simple_gla

        swapped = [value.transpose(1, 2).contiguous() for value in (q, k, v, decay)]
        with torch.no_grad():
            forward = seconds(lambda: chunk_simple_gla(*swapped, scale=1.0))
        print(f"  fla chunk_simple_gla: forward {forward / base[0]:.2f}")
    else:
        print("  fla is not installed")
    if not importlib.util.find_spec("mamba_ssm"):
        print("  mamba_ssm is not installed")


def stacks() -> None:
    """A training step of three seeds as one model, over three steps one by one (state-tracking size)."""
    tokens = torch.randint(0, 3, (3, 32, 32), device=DEVICE)

    def step(models: int):
        model = sequence_model(
            "mamba3", 3, 32, 1, generators(range(models)), hidden=64, channel="gelu", head_dim=16, d_state=16,
            dt_range=(0.1, 1.0), backend="quadratic" if DEVICE == "cpu" else "auto",
        ).to(DEVICE)  # fmt: skip
        return seconds(lambda: token_losses(model(tokens[:models]), tokens[:models]).sum().backward())

    print(f"three seeds one by one over one stack of three: {3 * step(1) / step(3):.2f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    scans()
    stacks()
