"""Compile the Triton kernels for compute capability 9.0 on any machine, and print what came out as JSON.

Arguments: `dtype-D-E`, for example `bfloat16-128-128`.
"""

import json
import sys

import torch
import triton

from kernels.gated_delta import fused, fused_kernels
from kernels.gated_delta.fused_decode import SLICE, step_kernel
from tests.kernels.compiled import facts

INTEGERS = dict.fromkeys(("begins", "ends", "rows", "bounds"), "*i32")
NUMBERS = {"scale": "fp32", **dict.fromkeys(("heads", "tokens", "batch", "chunks"), "i32")}
SHORT = {"bfloat16": "*bf16", "float16": "*fp16", "float32": "*fp32"}
INPUTS = ("q", "k", "v", "out", "d_out")
KERNELS = (
    "solve_chunks",
    "pass_states",
    "read_chunks",
    "pass_adjoints",
    "chunk_weights",
    "channel_gradients",
    "decay_gradients",
)


def compile_case(case: str) -> dict:
    dtype, d, e = case.split("-")
    d, e = int(d), int(e)
    block, warps, precision = fused.configuration(getattr(torch, dtype), max(d, e))
    constants = {
        "D": d, "E": e, "BD": max(16, triton.next_power_of_2(d)), "BE": max(16, triton.next_power_of_2(e)), "C": block,
        "BN": fused.SLICE, "PRECISION": precision, "SLICES": triton.cdiv(d, fused.SLICE),
    }  # fmt: skip
    results = {}
    for kernel in (*(getattr(fused_kernels, name) for name in KERNELS), step_kernel):
        own = constants if kernel is not step_kernel else constants | {"BD": triton.next_power_of_2(d), "BE": SLICE}
        names = kernel.arg_names
        types = {name: "constexpr" if name in own else "*fp32" for name in names}
        types |= {name: kind for name, kind in (INTEGERS | NUMBERS).items() if name in names}
        types |= {name: SHORT[dtype] for name in INPUTS if name in names}
        results[kernel.__name__] = facts(kernel, types, {k: v for k, v in own.items() if k in names}, warps, 2)
    return results


if __name__ == "__main__":
    print(json.dumps({case: compile_case(case) for case in sys.argv[1:]}))
