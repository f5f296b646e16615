"""What the compiler makes of a Triton kernel for compute capability 9.0, on any machine."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import triton
from triton import knobs
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

ROOT = Path(__file__).resolve().parents[2]
SHARED_BYTES = 227 * 1024  # that a block may use there


def facts(kernel, signature: dict[str, str], constants: dict, warps: int, stages: int) -> dict[str, int]:
    """Shared memory, matrix instructions, registers and spilled bytes of a thread.

    Args:
        kernel: a jitted function.
        signature: type of each argument by name, `constexpr` for the constants.
        constants: values by name.
        warps, stages: of the launch.
    """
    names = kernel.arg_names
    aligned = {(i,): [["tt.divisibility", 16]] for i, name in enumerate(names) if signature[name].startswith("*")}
    source = ASTSource(kernel, signature, {(names.index(name),): value for name, value in constants.items()}, aligned)
    binary = triton.compile(
        source, target=GPUTarget("cuda", 90, 32), options={"num_warps": warps, "num_stages": stages}
    )
    ptx = binary.asm["ptx"]
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write(ptx)
        file.flush()
        command = [knobs.nvidia.ptxas.path, "-v", "--gpu-name=sm_90a", file.name, "-o", "/dev/null"]
        report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return {
        "shared_bytes": binary.metadata.shared,
        "tensor_core_products": len(re.findall(r"wgmma\.mma_async|mma\.sync", ptx)),
        "registers": int(re.search(r"Used (\d+) registers", report)[1]),
        "spilled_bytes": int(re.search(r"(\d+) bytes spill stores", report)[1]),
    }


def run_module(module: str, interpret: bool, *arguments: str) -> str:
    """What a module of this folder prints, in a process of its own, because Triton reads its mode once."""
    environment = os.environ | {"TRITON_INTERPRET": str(int(interpret)), "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    command = [sys.executable, "-m", f"tests.kernels.{module}", *arguments]
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, (process.stdout + process.stderr)[-3000:]
    return process.stdout


def hold_limits(module: str, *cases: str, spilled_bytes: int, without_products: tuple[str, ...] = ()) -> None:
    """Compile the cases of a module; kernels fit into shared memory and registers, and use tensor cores."""
    for case, kernels in json.loads(run_module(module, False, *cases)).items():
        for name, measured in kernels.items():
            assert measured["shared_bytes"] <= SHARED_BYTES, (case, name)
            assert measured["spilled_bytes"] <= spilled_bytes, (case, name, measured)
            assert measured["tensor_core_products"] > 0 or name in without_products, (case, name)
