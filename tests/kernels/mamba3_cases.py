"""Random arguments of the Mamba-3 scan, and one run of it with all gradients."""

import torch

from kernels.mamba3 import Mamba3State, mamba3_scan

PER_TOKEN = ("C", "B", "x", "log_decay", "dt", "trap", "angles", "z")


def make(b=2, T=29, H=4, P=5, G=2, N=8, R=1, S=3, A=1, initial=True, gated=True, seed=0) -> dict:
    """Arguments in float64."""
    source = torch.Generator().manual_seed(seed)

    def normal(*size):
        return torch.randn(size, generator=source, dtype=torch.float64)

    def uniform(*size):
        return torch.rand(size, generator=source, dtype=torch.float64)

    vector = (b, T, G, N) if R == 1 else (b, T, R, G, N)
    arguments = {
        "C": normal(*vector),
        "B": normal(*vector),
        "x": normal(b, T, H, P),
        "log_decay": -uniform(b, T, H),
        "dt": uniform(b, T, H) + 0.05,
        "trap": normal(b, T, H),
        "angles": normal(b, T, A, S),
        "C_bias": normal(H, R, N),
        "B_bias": normal(H, R, N),
        "D": normal(H),
        "z": normal(b, T, H, P),
    }
    if not gated:
        del arguments["D"], arguments["z"]
    if R > 1:
        arguments["mimo"] = tuple(normal(H, R, P) for _ in range(3))
    if initial:
        arguments["initial_state"] = Mamba3State(
            6 * uniform(b, H, S), normal(b, H, P, N), normal(b, H, R, N), normal(b, H, P)
        )
    return arguments


def cast(value, dtype, device="cpu"):
    """The same arguments in another type, on a device."""
    if isinstance(value, torch.Tensor):
        return value.detach().to(device, dtype)
    if isinstance(value, Mamba3State):
        return Mamba3State(*(cast(part, dtype, device) for part in value))
    return tuple(cast(part, dtype, device) for part in value)


def leaves(arguments: dict) -> dict[str, torch.Tensor]:
    """Every tensor of the arguments by name."""
    tensors = {}
    for name, value in arguments.items():
        if isinstance(value, torch.Tensor):
            tensors[name] = value
        elif isinstance(value, Mamba3State):
            tensors |= {f"initial_state.{part}": tensor for part, tensor in value._asdict().items()}
        else:
            tensors |= {f"mimo[{i}]": part for i, part in enumerate(value)}
    return tensors


def run(arguments: dict, **options) -> dict[str, torch.Tensor]:
    """Output, final state and the gradients of a random function of all of them."""
    tensors = leaves(arguments)
    for tensor in tensors.values():
        tensor.requires_grad_(True)
        tensor.grad = None
    y, state = mamba3_scan(**arguments, output_final_state=True, **options)
    source = torch.Generator().manual_seed(1)
    results = {"y": y} | {f"final.{name}": value for name, value in state._asdict().items()}
    sum(
        (value * torch.randn(value.shape, generator=source, dtype=torch.float64).to(value)).sum()
        for value in results.values()
    ).backward()
    leaf_gradients = {
        name: tensor.grad for name, tensor in tensors.items() if tensor.numel() and tensor.grad is not None
    }
    gradients = {f"d {name}": gradient.clone() for name, gradient in leaf_gradients.items()}
    return {name: value.detach() for name, value in results.items()} | gradients


def relative_errors(results: dict, expected: dict) -> dict[str, float]:
    """Largest difference over the largest entry, for each tensor; angles on the circle."""
    errors = {}
    for name, value in expected.items():
        difference = results[name].double().cpu() - value
        if name == "final.angle":
            difference = torch.remainder(difference + torch.pi, 2 * torch.pi) - torch.pi
        if difference.numel():
            errors[name] = float(difference.abs().max() / value.abs().max().clamp(min=1e-12))
    return errors
