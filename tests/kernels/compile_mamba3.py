"""Compile Mamba-3's Triton kernels for compute capability 9.0 on any machine, and print what came out as JSON.

Arguments: `rank-N-P`, for example `4-128-64`.
"""

import json
import re
import sys

import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from kernels.mamba3 import fused_kernels
from kernels.mamba3.decode import step_kernel
from kernels.mamba3.fused import power_of_two

SIZES = ("H", "G", "A", "N", "S", "P")
IN_BFLOAT16 = ("C", "B", "x", "out", "dout", "z", "y", "x_last")


def facts(kernel, constants: dict) -> dict:
    """Shared memory and matrix instructions of one compiled kernel."""
    signature = {}
    for name in kernel.arg_names:
        pointer = "*bf16" if name in IN_BFLOAT16 else "*i64" if name in ("cu", "chunks") else "*fp32"
        signature[name] = "constexpr" if name in constants else "i32" if name in SIZES else pointer
    aligned = {
        (i,): [["tt.divisibility", 16]] for i, name in enumerate(kernel.arg_names) if signature[name].startswith("*")
    }
    source = ASTSource(kernel, signature, constants, aligned)
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 4, "num_stages": 1})
    products = re.findall(r"wgmma\.mma_async|mma\.sync", made.asm["ptx"])
    return {"shared_bytes": made.metadata.shared, "tensor_core_products": len(products)}


def compile_case(case: str) -> dict:
    """Facts of all kernels at a rank, state size and head width."""
    rank, size, width = map(int, case.split("-"))
    ranks, half = power_of_two(rank), power_of_two((size + 1) // 2)
    scan = {
        "R": rank, "RP": ranks, "CT": 64 // ranks, "BN": max(16, half), "BP": max(16, power_of_two(width)),
        "WEIGHTED": rank > 1, "CAST": tl.bfloat16,
    }  # fmt: skip
    step = {"R": rank, "BN": half, "BP": 16, "HAS_D": True, "GATED": True, "WEIGHTED": rank > 1}
    chunk = (fused_kernels.forward_kernel, fused_kernels.backward_C_kernel, fused_kernels.backward_B_kernel)
    return {kernel.__name__: facts(kernel, scan) for kernel in chunk} | {"step_kernel": facts(step_kernel, step)}


if __name__ == "__main__":
    print(json.dumps({case: compile_case(case) for case in sys.argv[1:]}))
