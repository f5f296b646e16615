"""How far the tensors of one form are from those of another."""

import torch


def relative_error(result: torch.Tensor, expected: torch.Tensor) -> float:
    """Largest absolute difference over the largest absolute value, computed in float64 on the CPU."""
    result, expected = result.detach().double().cpu(), expected.detach().double().cpu()
    return float((result - expected).abs().max() / expected.abs().max().clamp(min=1e-30))


def largest_error(results: list[torch.Tensor], expected: list[torch.Tensor]) -> float:
    """Largest `relative_error` of several tensors."""
    return max(relative_error(*pair) for pair in zip(results, expected, strict=True))
