"""Compile Mamba-3's Triton kernels for compute capability 9.0 on any machine, and print what came out as JSON.

Arguments: `dtype-rank-N-P`, for example `bfloat16-4-128-64`.
"""

import json
import sys

import torch
import triton.language as tl

from kernels.mamba3 import fused_kernels
from kernels.mamba3.fused import configuration, operand_type, power_of_two
from kernels.mamba3.fused_decode import step_kernel
from tests.kernels.compiled import facts

SIZES = ("H", "G", "A", "N", "S", "P", "tokens")
IN_INPUT_TYPE = (
    "C", "B", "x", "z", "x_last", "y", "rows", "dy", "dout", "drows", "dz", "dx", "dC", "dB", "vectors", "values",
    "gradient", "summed",
)  # fmt: skip
INTEGERS = {**dict.fromkeys(("begins", "ends", "owners", "edge"), "*i32"), "chunk0": "*i64"}
FLAGS = ("FAST", "HAS_D", "GATED", "KEEP_ROWS")
SHORT = {tl.bfloat16: "*bf16", tl.float16: "*fp16", tl.float32: "*fp32"}


def compile_case(case: str) -> dict:
    """Facts of all kernels at a rank, state size and head width."""
    name, *numbers = case.split("-")
    rank, size, width = map(int, numbers)
    dtype, ranks, half = getattr(torch, name), power_of_two(rank), power_of_two((size + 1) // 2)
    BH, BP = max(16, half), max(16, power_of_two(width))
    rows, warps, stages = configuration(dtype, 2 * BH * BP, 64)
    scan = {
        "R": rank, "RP": ranks, "CT": rows // ranks, "BH": BH, "BP": BP, "BN": 2 * BH, "N": size, "P": width,
        "S": size // 4, "CAST": operand_type(dtype), "WEIGHTED": rank > 1, **dict.fromkeys(FLAGS, True),
        "REVERSE": False,
    }  # fmt: skip
    step = {"R": rank, "BN": half, "BP": 16, "HAS_D": True, "GATED": True, "WEIGHTED": rank > 1}
    chunked = (
        fused_kernels.chunk_turns, fused_kernels.segment_updates, fused_kernels.forward_kernel,
        fused_kernels.gate_gradients, fused_kernels.backward_C_kernel, fused_kernels.backward_B_kernel,
        fused_kernels.finish_gradients, fused_kernels.sum_heads,
    )  # fmt: skip
    result = {}
    for kernel, constants, launch in (*((k, scan, (warps, stages)) for k in chunked), (step_kernel, step, (4, 1))):
        names = kernel.arg_names
        types = {**dict.fromkeys(IN_INPUT_TYPE, SHORT[operand_type(dtype)]), **INTEGERS, **dict.fromkeys(SIZES, "i32")}
        constants = {key: value for key, value in constants.items() if key in names}
        signature = {key: "constexpr" if key in constants else types.get(key, "*fp32") for key in names}
        result[kernel.__name__] = facts(kernel, signature, constants, *launch)
    return result


if __name__ == "__main__":
    print(json.dumps({case: compile_case(case) for case in sys.argv[1:]}))
