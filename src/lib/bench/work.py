"""Operations that a function really makes, counted from the tensor operations that it calls."""

from collections.abc import Callable, Iterable

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten
ELEMENTWISE = {aten.add, aten.sub, aten.mul, aten.div, aten.exp, aten.tanh, aten.sigmoid, aten.silu, aten.cos, aten.sin}
ELEMENTWISE |= {aten.rsub, aten.neg, aten.remainder, aten.sum}
COMPLEX_PRODUCT = 6  # real operations


class _Counter(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        packet = function.overloadpacket
        if packet in flop_registry:
            self.operations += flop_registry[packet](*args, **(kwargs or {}), out_val=out)
        elif packet in ELEMENTWISE:
            several = COMPLEX_PRODUCT if packet is aten.mul and out.is_complex() else 1
            self.operations += several * max(out.numel(), args[0].numel() if packet is aten.sum else 0)
        return out


def count_operations(call: Callable[[], object]) -> int:
    """Floating-point operations of a call: products of matrices as 2 m n k, an elementwise result as one.

    Compiled kernels are not seen; count the form in PyTorch.
    """
    with _Counter() as counter:
        call()
    return counter.operations


def tensor_bytes(tensors: Iterable[torch.Tensor | None]) -> int:
    """Bytes of tensors, None passed over."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors if tensor is not None)
