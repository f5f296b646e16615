"""Wall times and bytes of operators, and what the machine itself can do."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch


def machine(device: str) -> str:
    """Name of the processor that `device` (`cpu` or `cuda`) computes on."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown processor'}, one thread"


def processors(device: str) -> dict[str, int]:
    """`{"processors": ...}`: multiprocessors of a CUDA device; empty for a CPU, where one thread computes."""
    if device != "cuda":
        return {}
    return {"processors": torch.cuda.get_device_properties(0).multi_processor_count}


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread of the CPU inside the block."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def time_op(call: Callable[[], object], device: str, warmup: int, repeats: int) -> np.ndarray:
    """Milliseconds of each of `repeats` calls, after `warmup` calls that do not count.

    On CUDA the device's own events are used.
    """
    for _ in range(warmup):
        call()
    times = []
    if device == "cuda":
        events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(repeats)]
        torch.cuda.synchronize()
        for start, stop in events:
            start.record()
            call()
            stop.record()
        torch.cuda.synchronize()
        return np.array([start.elapsed_time(stop) for start, stop in events])
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    return np.array(times)


def machine_rates(device: str, dtype: torch.dtype) -> tuple[float, float]:
    """Measured rates of the device: bytes/s of a copy (read and written), FLOP/s of a square matrix product."""
    large = device == "cuda"
    x = torch.empty(2**28 if large else 2**24, dtype=torch.float32, device=device)
    y = torch.empty_like(x)
    copy = time_op(lambda: y.copy_(x), device, 2, 5).min() / 1e3
    n = 8192 if large else 1024
    a = torch.ones(n, n, dtype=dtype, device=device)
    product = time_op(lambda: a @ a, device, 2, 5).min() / 1e3
    return 2 * x.numel() * 4 / copy, 2 * n**3 / product


def kept_bytes(call: Callable[[], object]) -> int:
    """Bytes of all different storages that autograd keeps for the backward pass of `call`."""
    storages: dict[int, int] = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        result = call()
    del result
    return sum(storages.values())


def peak_extra_bytes(call: Callable[[], object]) -> int:
    """Bytes that `call` allocates on CUDA at its peak beyond what was there and what it returns."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    result = call()
    torch.cuda.synchronize()
    returned = result.numel() * result.element_size()
    return torch.cuda.max_memory_allocated() - before - returned
