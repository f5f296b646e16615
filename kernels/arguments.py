"""Checks of arguments and the choice of a backend, alike for all kernels."""

import os

import torch
from torch import Tensor

TRITON_TYPES = (torch.float32, torch.bfloat16, torch.float16)
TYPES = (torch.float64, *TRITON_TYPES)
FORGOTTEN = {torch.float64: -750.0, torch.float32: -110.0}  # log decays whose exp is 0, by the type of the states
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"  # Triton, too, reads it once


def state_type(dtype: torch.dtype) -> torch.dtype:
    """Type of the states of an operator on inputs of a type: float64 for float64, float32 for all others."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def bounded_log_decay(log_decay: Tensor | None, kind: torch.dtype) -> Tensor | None:
    """Log decays in the type of the states, at least the `FORGOTTEN` of that type.

    Below it exp is 0 in that type, so that no value changes; running sums over tokens, whose differences the parallel
    forms take, stay small enough to keep the decays between later tokens.
    """
    return None if log_decay is None else log_decay.to(kind).clamp(min=FORGOTTEN[kind])


def check_shape(name: str, tensor: Tensor, *accepted: tuple[int, ...]) -> None:
    """Compare a tensor's shape with the accepted ones.

    Raises:
        ValueError: it is none of them.
    """
    if tuple(tensor.shape) not in accepted:
        expected = " or ".join(str(tuple(shape)) for shape in accepted)
        raise ValueError(f"{name} shape: got {tuple(tensor.shape)}, expected {expected}")


def check_sequences(name: str, tensor: Tensor) -> None:
    """Expect `[B, T, H, D]` with at least one head and one component; B and T may be 0.

    Raises:
        ValueError: another shape.
    """
    if tensor.ndim != 4 or 0 in tensor.shape[2:]:
        raise ValueError(f"{name} shape: got {tuple(tensor.shape)}, expected [B, T, H, D] with H and D of at least 1")


def check_types(accepted: tuple[torch.dtype, ...] = TYPES, **tensors: Tensor | None) -> None:
    """Expect one of the accepted types, the same for all tensors; None is passed over.

    Raises:
        ValueError: another type, or two different ones.
    """
    first, *others = ((name, tensor.dtype) for name, tensor in tensors.items() if tensor is not None)
    if first[1] not in accepted:
        raise ValueError(f"{first[0]} dtype: got {first[1]}, expected {' or '.join(map(str, accepted))}")
    for name, dtype in others:
        if dtype != first[1]:
            raise ValueError(f"{name} dtype: got {dtype}, expected that of {first[0]}, {first[1]}")


def check_vectors(q: Tensor, k: Tensor, v: Tensor) -> None:
    """Expect q, k `[B, T, H, D]` and v `[B, T, H, E]` of one type.

    Raises:
        ValueError: other shapes or types.
    """
    check_sequences("q", q)
    check_shape("k", k, tuple(q.shape))
    check_sequences("v", v)
    check_shape("v", v, (*q.shape[:3], v.shape[3]))
    check_types(q=q, k=k, v=v)


def check_scalars(like: Tensor, **tensors: Tensor | None) -> None:
    """Expect numbers for each token and head in the type of the inputs or in float32; None is passed over.

    Raises:
        ValueError: another type.
    """
    for name, tensor in tensors.items():
        if tensor is not None and tensor.dtype not in (like.dtype, torch.float32):
            raise ValueError(f"{name} dtype: got {tensor.dtype}, expected {like.dtype} or torch.float32")


def check_log_decay(log_decay: Tensor | None) -> None:
    """Expect values of at most 0; on a GPU nobody looks, because the look would wait for the device.

    Raises:
        ValueError: a positive value.
    """
    if log_decay is not None and log_decay.device.type == "cpu" and bool((log_decay > 0).any()):
        raise ValueError(f"log_decay: got a largest value of {log_decay.max().item():g}, expected at most 0")


def check_chunk_size(chunk_size: int) -> None:
    """Expect a positive integer.

    Raises:
        ValueError: anything else.
    """
    if not isinstance(chunk_size, int) or chunk_size < 1:
        raise ValueError(f"chunk_size: got {chunk_size!r}, expected a positive integer")


def choose_backend(backend: str, accepted: tuple[str, ...], x: Tensor) -> str:
    """The backend that runs on a tensor: `auto` is Triton on CUDA and compiled on a CPU, where they are there.

    Raises:
        ValueError: an unknown backend, or Triton for float64 or away from a CUDA device (its interpreter excepted),
            compiled code away from a CPU.
    """
    if backend not in accepted:
        raise ValueError(f"backend: got {backend!r}, expected one of {', '.join(accepted)}")
    if backend == "auto":
        fused = "triton" in accepted and x.is_cuda and x.dtype in TRITON_TYPES
        return "triton" if fused else "compiled" if "compiled" in accepted and x.device.type == "cpu" else "chunked"
    if backend == "compiled" and x.device.type != "cpu":
        raise ValueError(f"backend: got compiled for a tensor on {x.device}, expected one on a CPU")
    if backend == "triton":
        _check_triton(x)
    return backend


def choose_step_backend(backend: str, accepted: tuple[str, ...], *tensors: Tensor | None) -> str:
    """The backend of one token: `auto` is Triton on CUDA where no gradient is asked for, `recurrent` elsewhere.

    Args:
        backend: asked for.
        accepted: those that there are.
        tensors: what the step takes, the state first.

    Raises:
        ValueError: as `choose_backend`.
    """
    if backend not in accepted:
        raise ValueError(f"backend: got {backend!r}, expected one of {', '.join(accepted)}")
    state = tensors[0]
    if backend == "auto":
        learning = torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in tensors)
        fused = "triton" in accepted and state.is_cuda and state.dtype in TRITON_TYPES and not learning
        return "triton" if fused else "recurrent"
    if backend == "triton":
        _check_triton(state)
    return backend


def _check_triton(x: Tensor) -> None:
    if x.dtype not in TRITON_TYPES:
        raise ValueError(f"backend: got triton for {x.dtype}, expected {' or '.join(map(str, TRITON_TYPES))}")
    if not x.is_cuda and not INTERPRETED:
        raise ValueError(f"backend: got triton for a tensor on {x.device}, expected one on a CUDA device")
