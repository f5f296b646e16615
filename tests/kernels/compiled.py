"""What the compiler makes of a Triton kernel for compute capability 9.0, on any machine."""

import re
import subprocess
import tempfile

import triton
from triton import knobs
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

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
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": warps, "num_stages": stages})
    ptx = made.asm["ptx"]
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write(ptx)
        file.flush()
        command = [knobs.nvidia.ptxas.path, "-v", "--gpu-name=sm_90a", file.name, "-o", "/dev/null"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return {
        "shared_bytes": made.metadata.shared,
        "tensor_core_products": len(re.findall(r"wgmma\.mma_async|mma\.sync", ptx)),
        "registers": int(re.search(r"Used (\d+) registers", said)[1]),
        "spilled_bytes": int(re.search(r"(\d+) bytes spill stores", said)[1]),
    }
