"""Time and memory of the scope against plain passes, against all rows by automatic differentiation, and its size."""

import ast
import time
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import nn

from lib.bench.memory import peak_tensor_bytes
from lib.interpreters import scope as scope_module
from lib.interpreters import units
from lib.interpreters.networks import Upscaler
from lib.interpreters.scope import linear_scope


def deep_network(depth: int, width: int) -> nn.Module:
    """`depth` layers of convolution, batch normalisation and ReLU at one size, with random weights."""
    layers: list[nn.Module] = []
    for layer in range(depth):
        layers += [nn.Conv2d(3 if layer == 0 else width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers).eval()


def lines_of_code(*modules) -> int:
    """Lines of modules without docstrings, comments and blank lines."""
    count = 0
    for module in modules:
        source = Path(module.__file__).read_text()
        prose: set[int] = set()
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                prose |= set(range(node.lineno, node.end_lineno + 1))
        lines = source.splitlines()
        count += sum(
            bool(line.strip()) and not line.strip().startswith("#") for i, line in enumerate(lines, 1) if i not in prose
        )
    return count


def _seconds(function) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def measure_cost(
    *, depths: list[int], width: int, side: int, repeats: int, rows_side: int, row_repeats: int, root_seed: int
) -> xr.Dataset:
    """Return ratios of CPU times of calls in turns (depth, repeat), of all rows (repeat), and peaks (depth, way).

    Args:
        depths: numbers of layers.
        width, side: channels, and pixels of the images.
        repeats: pairs of timed calls.
        rows_side: of the image of the super-resolution network whose rows are all computed.
        row_repeats: pairs of timed calls for them.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    torch.manual_seed(root_seed)
    forward, tangent = np.zeros((2, len(depths), repeats))
    ways = ("plain", "scope", "autograd")
    peak = np.zeros((len(depths), len(ways)))
    for i, depth in enumerate(depths):
        model = deep_network(depth, width)
        x, probe = torch.randn(2, 1, 3, side, side)
        batch = torch.cat([x, probe])

        def plain(model=model, x=x):
            with torch.no_grad():
                return model(x)

        def scoped(scope, batch=batch):
            with torch.no_grad():
                return scope.replay(batch)

        def jvp(model=model, x=x, probe=probe):
            with torch.no_grad():
                return torch.func.jvp(model, (x,), (probe,))

        with linear_scope(model) as scope:
            scoped(scope)
        for k in range(repeats):
            base = _seconds(plain)
            with linear_scope(model) as scope:
                forward[i, k] = _seconds(lambda scope=scope: scoped(scope)) / base
            tangent[i, k] = _seconds(jvp) / base
        peak[i, 0] = peak_tensor_bytes(plain)
        with linear_scope(model) as scope:
            peak[i, 1] = peak_tensor_bytes(lambda scope=scope: scoped(scope))
        peak[i, 2] = peak_tensor_bytes(lambda model=model, x=x: model(x.clone().requires_grad_()))
    upscaler = Upscaler(2, 8, 2).eval()
    image = torch.randn(1, 1, rows_side, rows_side)
    outputs = 4 * rows_side**2
    rows = np.zeros(row_repeats + 1)
    error = 0.0
    chunks = (None, 256)
    for k in range(row_repeats + 1):
        with linear_scope(upscaler) as scope:
            start = time.process_time()
            ours = scope.at(image, check=False).rows(range(outputs), chunk=256)
            mine = time.process_time() - start
        peers = []
        for chunk in chunks:
            start = time.process_time()
            jacobian = torch.func.jacrev(upscaler, chunk_size=chunk)(image)
            peers.append(time.process_time() - start)
        rows[k] = mine / min(peers)
        error = max(error, float((ours - jacobian.detach().reshape(ours.shape)).norm() / ours.norm()))
    activation = 4 * width * side**2
    return xr.Dataset(
        {
            "forward": (
                ("depth", "repeat"),
                forward,
                {"long_name": "time of a scoped pass with one probe over a plain one"},
            ),
            "tangent": (
                ("depth", "repeat"),
                tangent,
                {"long_name": "time of a forward-mode product over a plain pass"},
            ),
            "rows": ("row_repeat", rows[1:], {"long_name": "time of all rows over that of reverse mode, batched"}),
            "rows_error": ((), error, {"long_name": "distance of the rows from the Jacobian, relative"}),
            "peak": (
                ("depth", "way"),
                peak / activation,
                {"long_name": "peak memory", "units": "activations of one image"},
            ),
            "lines": ((), lines_of_code(scope_module), {"long_name": "lines of code of the scope"}),
            "lines_of_units": ((), lines_of_code(units), {"long_name": "lines of code of the units"}),
        },
        coords={"depth": depths, "way": list(ways)},
        attrs={"timing": True},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_cost, snakemake)
