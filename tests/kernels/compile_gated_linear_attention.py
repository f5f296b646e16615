"""Compile the Triton kernels for compute capability 9.0 on any machine, and print what came out as JSON.

Arguments: `dtype-D-E-direction`, for example `bfloat16-128-128-forward`.
"""

import json
import sys

import torch
import triton
import triton.language as tl

from kernels.gated_linear_attention import fused, fused_kernels
from kernels.gated_linear_attention.fused_decode import SLICE, step_kernel
from tests.kernels.compiled import facts

POINTERS = {
    **dict.fromkeys(("before", "after", "update", "total", "outer", "decay", "state", "new"), "*fp32"),
    **dict.fromkeys(("begins", "ends", "rows", "owners", "edge", "bounds"), "*i32"),
}
NUMBERS = {"scale": "fp32", "heads": "i32", "tokens": "i32"}
SHORT = {"bfloat16": ("*bf16", tl.bfloat16), "float16": ("*fp16", tl.float16), "float32": ("*fp32", tl.float32)}


def compile_case(case: str) -> dict:
    dtype, d, e, way = case.split("-")
    (values, factor), d, e = SHORT[dtype], int(d), int(e)
    columns, warps = fused.configuration(getattr(torch, dtype), max(d, e))
    types = {**dict.fromkeys(("x", "y", "z", "key", "value", "out", "q", "k", "v"), values), **POINTERS, **NUMBERS}
    common = {
        "M": d, "N": e, "C": fused.BLOCK, "REVERSE": way == "backward", "FACTOR": factor,
        "PRECISION": "tf32x3" if dtype == "float32" else "tf32", "D": d, "E": e, "BD": triton.next_power_of_2(d),
        "BE": SLICE,
    }  # fmt: skip
    tall = {"BM": max(16, triton.next_power_of_2(d)), "BN": columns}
    wide = {"BM": columns, "BN": max(16, triton.next_power_of_2(e))}
    results = {}
    for kernel in (
        fused_kernels.segment_updates,
        fused_kernels.carry_states,
        fused_kernels.score_pass,
        fused_kernels.channel_pass,
        step_kernel,
    ):
        constants = common | (wide if kernel is fused_kernels.channel_pass else tall)
        names = kernel.arg_names
        signature = {name: types.get(name, "constexpr") for name in names}
        if kernel is fused_kernels.channel_pass:
            signature["out"] = "*fp32"
        chosen = {name: value for name, value in constants.items() if name in names and signature[name] == "constexpr"}
        results[kernel.__name__] = facts(kernel, signature, chosen, warps, 2)
    return results


if __name__ == "__main__":
    print(json.dumps({case: compile_case(case) for case in sys.argv[1:]}))
