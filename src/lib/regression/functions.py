"""Functions to approximate, by name: smooth, kinked, oscillating, of several variables."""

import numpy as np


def _ridge_weights(dim: int) -> np.ndarray:
    """0.9 * 2^-i, i = 1..dim: their sum is below 1."""
    return 0.9 * 0.5 ** np.arange(1, dim + 1)


def rational(x: np.ndarray) -> np.ndarray:
    """1 / (1 + sum_i c_i x_i), c_i = 0.9 / 2^i, for x in [-1, 1]^dim: (..., dim) -> (...,)."""
    return 1 / (1 + x @ _ridge_weights(x.shape[-1]))


FUNCTIONS = {
    "runge": lambda x: 1 / (1 + 5 * x[..., 0] ** 2),
    "bell": lambda x: 1 / (1 + 2 * x[..., 0] ** 2),
    "kink": lambda x: np.abs(x[..., 0]),
    "exponential": lambda x: np.exp(x[..., 0]),
    "oscillation": lambda x: np.sin(10 * x[..., 0]),
    "decay": lambda x: np.exp(-x[..., 0] / 2),
    "periodic": lambda x: 1 / (1 + 5 * np.sin(np.pi * x[..., 0]) ** 2),
    "rational": rational,
}
FORMULAS = {
    "runge": "1/(1 + 5x²)",
    "bell": "1/(1 + 2x²)",
    "kink": "|x|",
    "exponential": "exp(x)",
    "oscillation": "sin(10x)",
    "decay": "exp(-x/2)",
    "periodic": "1/(1 + 5 sin²(πx))",
    "rational": "1/(1 + Σ cᵢxᵢ)",
    "next": "next basis function",
}


def named_function(name: str):
    """The function with that name: points (..., dim) to values (...,).

    Raises:
        ValueError: an unknown name.
    """
    if name not in FUNCTIONS:
        raise ValueError(f"function: got {name!r}, expected one of {', '.join(FUNCTIONS)}")
    return FUNCTIONS[name]
