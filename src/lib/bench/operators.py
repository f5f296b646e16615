"""Operators to be timed, as data, and one function that times any list of them.

Another family of kernels adds its own table of operators and calls `measure` with it.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from lib import attention
from lib.attention.blocks import block_attention
from lib.attention.plain import tiled_quadratic_attention
from lib.bench.timing import machine, machine_rates, one_thread, processors, time_op

Shape = tuple[int, int, int, int]  # batch, heads, tokens, width of a head
PASSES = ("forward", "both", "decode")  # `both`: forward and backward


@dataclass(frozen=True)
class Operator:
    """One operator.

    Args:
        build: takes shape, type, device and block length; returns the inputs (leaves) and the function of them.
        decode: the same for one token at the context length `tokens`, or None.
        count: takes shape and element size; returns (FLOP, bytes) of forward and of backward, or None.
        module: what must be importable for it; a peer that is not installed is left out.
        cuda: whether it needs a CUDA device.
        count_step: (FLOP, bytes) of a decode step, from shape and element size, or None.
    """

    build: Callable
    decode: Callable | None = None
    count: Callable | None = None
    module: str | None = None
    cuda: bool = False
    count_step: Callable | None = None

    def counts(self, way: str, shape: Shape, size: int) -> tuple[float, float]:
        """(FLOP, bytes) of a pass, NaN where they are not counted."""
        if way == "decode":
            return self.count_step(shape, size) if self.count_step else (np.nan, np.nan)
        if self.count is None:
            return np.nan, np.nan
        parts = self.count(shape, size)[: 2 if way == "both" else 1]
        return sum(part[0] for part in parts), sum(part[1] for part in parts)

    def available(self, device: str) -> bool:
        """Whether it can run here."""
        here = self.module is None or importlib.util.find_spec(self.module) is not None
        return here and (device == "cuda" or not self.cuda)


def random_inputs(shape: Shape, dtype: torch.dtype, device: str, heads_first: bool = False) -> tuple[torch.Tensor, ...]:
    """Standard normal q, k, v as leaves, from a fixed seed.

    Args:
        shape: batch, heads, tokens, width.
        dtype, device: of the tensors.
        heads_first: `[B, H, T, D]`, as softmax attention takes them, and not `[B, T, H, D]`.
    """
    batch, heads, tokens, width = shape
    axes = shape if heads_first else (batch, tokens, heads, width)
    source = torch.Generator().manual_seed(0)
    return tuple(torch.randn(axes, generator=source).to(device, dtype).requires_grad_() for _ in range(3))


def head_decay(shape: Shape, device: str) -> torch.Tensor:
    """Log decays of the heads: minus the ALiBi slopes."""
    return -attention.alibi_slopes(shape[1]).float().to(device)


def _linear(form: Callable) -> Callable:
    def build(shape, dtype, device, block):
        decay = head_decay(shape, device)
        return random_inputs(shape, dtype, device), lambda q, k, v: form(q, k, v, decay, block)

    return build


def _softmax(shape, dtype, device, block):
    return random_inputs(shape, dtype, device, heads_first=True), attention.softmax_attention


def _linear_decode(shape, dtype, device, block):
    batch, heads, _, width = shape
    q, k, v = (x.detach() for x in random_inputs((batch, heads, 1, width), dtype, device))
    state, decay = torch.zeros(batch, heads, width, width, device=device), head_decay(shape, device)
    return (), lambda: attention.linear_attention_step(state, q[:, 0], k[:, 0], v[:, 0], decay)[0]


def _softmax_decode(shape, dtype, device, block):
    q, k, v = (x.detach() for x in random_inputs(shape, dtype, device, heads_first=True))
    return (), lambda: attention.softmax_attention(q[:, :, -1:], k, v, causal=False)


def _peer(name: str) -> Callable:
    """An operator of flash-linear-attention, which has these axes and a default scale of D^-1/2."""

    def build(shape, dtype, device, block):
        import fla.ops.simple_gla as ops

        inputs, decay = random_inputs(shape, dtype, device), head_decay(shape, device)
        return inputs, lambda q, k, v: getattr(ops, name)(q, k, v, g_gamma=decay, scale=1.0)[0]

    return build


def linear_counts(shape: Shape, size: int, block: int = 64) -> tuple[tuple[float, float], tuple[float, float]]:
    """(FLOP, bytes) of forward and backward of the block form with full tiles; each tensor moves once."""
    batch, heads, tokens, width = shape
    rows = batch * heads * tokens
    forward = (4 * block * width + 4 * width**2) * rows, 4 * width * size * rows
    backward = (10 * block * width + 10 * width**2) * rows, 7 * width * size * rows
    return forward, backward


def linear_step_counts(shape: Shape, size: int) -> tuple[float, float]:
    """(FLOP, bytes) of one token: a float32 state is scaled, added to, read out; it is read and written once."""
    batch, heads, _, width = shape
    return 5 * width**2 * batch * heads, (8 * width**2 + 4 * width * size) * batch * heads


def softmax_step_counts(shape: Shape, size: int) -> tuple[float, float]:
    """(FLOP, bytes) of one token over a cache of `tokens` keys and values."""
    batch, heads, tokens, width = shape
    return 4 * width * tokens * batch * heads, 2 * width * size * (tokens + 1) * batch * heads


def softmax_counts(shape: Shape, size: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """(FLOP, bytes) of forward and backward of causal softmax attention; each tensor moves once."""
    batch, heads, tokens, width = shape
    pairs, rows = batch * heads * tokens**2 / 2, batch * heads * tokens
    return (4 * width * pairs, 4 * width * size * rows), (10 * width * pairs, 7 * width * size * rows)


LINEAR_ATTENTION = {
    "chunked": Operator(
        _linear(block_attention),
        _linear_decode,
        linear_counts,
        count_step=linear_step_counts,
    ),
    "sdpa": Operator(_softmax, _softmax_decode, softmax_counts, count_step=softmax_step_counts),
    "quadratic": Operator(_linear(lambda q, k, v, decay, block: attention.quadratic_attention(q, k, v, decay))),
    "tiled": Operator(_linear(lambda q, k, v, decay, block: tiled_quadratic_attention(q, k, v, decay))),
    "recurrent": Operator(_linear(lambda q, k, v, decay, block: attention.recurrent_attention(q, k, v, decay))),
    "cumsum": Operator(_linear(lambda q, k, v, decay, block: attention.cumsum_attention(q, k, v, decay))),
    "fla_simple_gla": Operator(_peer("chunk_simple_gla"), None, linear_counts, "fla", True),
}


def measure(
    operators: dict[str, Operator],
    cases: list[tuple[str, str, Shape]],
    *,
    device: str,
    dtype: torch.dtype = torch.float32,
    block: int = 64,
    warmup: int = 1,
    repeats: int = 5,
) -> xr.Dataset:
    """Time a list of cases, one after the other on one thread.

    Args:
        operators: by name.
        cases: (operator, pass, shape); what cannot run on this device is left out.
        device: `cpu` or `cuda`.
        dtype: of the inputs.
        block: block length of the operators that have one.
        warmup, repeats: calls that do not count, and that do.

    Returns:
        `time_ms: (case, repeat)`, `flops`, `bytes` of each case (NaN where not counted), with operator, pass and shape
        as coordinates; the machine, its measured copy bandwidth and matrix rate in the attributes. `timing` is set.

    Raises:
        ValueError: an unknown operator or pass.
    """
    for name, way, _ in cases:
        if name not in operators or way not in PASSES:
            raise ValueError(f"cases: got {name!r}, {way!r}, expected {', '.join(operators)} and {', '.join(PASSES)}")
    cases = [case for case in cases if operators[case[0]].available(device)]
    size = torch.empty(0, dtype=dtype).element_size()
    times, flops, traffic = [], [], []
    with one_thread():
        bandwidth, rate = machine_rates(device, dtype)
        for name, way, shape in cases:
            operator = operators[name]
            inputs, function = (operator.decode if way == "decode" else operator.build)(shape, dtype, device, block)
            if way == "both":
                gradient = torch.ones_like(function(*inputs))

                def call(function=function, inputs=inputs, gradient=gradient):
                    torch.autograd.grad(function(*inputs), inputs, gradient)

            else:

                def call(function=function, inputs=inputs):
                    with torch.no_grad():
                        function(*inputs)

            times.append(time_op(call, device, warmup, repeats))
            print(f"{name} {way} {shape}: {times[-1].min():.3f} ms", flush=True)
            work = operator.counts(way, shape, size)
            flops.append(work[0])
            traffic.append(work[1])
            del inputs, function
    columns = [np.array([case[2][axis] for case in cases], dtype=np.int64) for axis in range(4)]
    coordinates = {"operator": [case[0] for case in cases], "pass": [case[1] for case in cases]}
    return xr.Dataset(
        {
            "time_ms": (("case", "repeat"), np.array(times, dtype=np.float32), {"units": "ms"}),
            "flops": ("case", np.array(flops, dtype=np.float64), {"long_name": "operations with full tiles"}),
            "bytes": ("case", np.array(traffic, dtype=np.float64), {"units": "bytes", "long_name": "each tensor once"}),
            "copy_bandwidth": ((), bandwidth, {"units": "bytes/s", "long_name": "measured rate of a copy"}),
            "matrix_rate": ((), rate, {"units": "FLOP/s", "long_name": "measured rate of a square matrix product"}),
        },
        coords={
            **{name: ("case", values) for name, values in coordinates.items()},
            **{name: ("case", column) for name, column in zip(("batch", "heads", "tokens", "width"), columns)},
        },
        attrs={
            "timing": True,
            "device": device,
            "machine": machine(device),
            "dtype": str(dtype).removeprefix("torch."),
            "block": block,
            **processors(device),
        },
    )
