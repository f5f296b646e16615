"""Peak memory of a computation in PyTorch, counted by its tensors, on any device."""

import weakref
from collections.abc import Callable

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class _Allocations(TorchDispatchMode):
    """Bytes of all storages that operations made and that are alive."""

    def __init__(self):
        super().__init__()
        self.bytes = self.peak = 0
        self._alive: set[int] = set()

    def _free(self, key: int, size: int):
        self._alive.discard(key)
        self.bytes -= size

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        known = {x.untyped_storage()._cdata for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)}
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                key = storage._cdata
                if key not in known and key not in self._alive:
                    self._alive.add(key)
                    self.bytes += storage.nbytes()
                    weakref.finalize(storage, self._free, key, storage.nbytes())
        self.peak = max(self.peak, self.bytes)
        return result


def peak_tensor_bytes(call: Callable[[], object]) -> int:
    """Bytes of tensors alive at the same time, at the most, that operations inside `call` made.

    What one operation takes and gives back inside itself is not seen.
    """
    with _Allocations() as allocations:
        result = call()
    del result
    return allocations.peak
