"""Compile the Triton kernels for compute capability 9.0 on any machine, and print what came out as JSON.

Arguments: `dtype-D-E-decay-direction`, for example `bfloat16-128-128-head-forward`.
"""

import json
import sys

import torch
import triton

from kernels.linear_attention import fused, fused_kernels
from kernels.linear_attention.fused_decode import SLICE, step_kernel
from tests.kernels.compiled import facts

POINTERS = {
    "before": "*fp32", "after": "*fp32", "dots": "*fp32", "update": "*fp32", "total": "*fp32", "outer": "*fp32",
    "state": "*fp32", "new": "*fp32",
    "decay": "*fp32", **dict.fromkeys(("begins", "ends", "rows", "owners", "edge", "bounds"), "*i32"),
}  # fmt: skip
PASSES = ("segment_updates", "carry_states", "causal_pass")
NUMBERS = {"scale": "fp32", **dict.fromkeys(("heads", "tokens", "batch", "rows_bucket", "tokens_bucket"), "i32")}
SHORT = {"bfloat16": "*bf16", "float16": "*fp16", "float32": "*fp32"}


def kernel_facts(kernel, values: str, constants: dict, warps: int, stages: int) -> dict:
    """Facts of one kernel on inputs of a type."""
    names = kernel.arg_names
    types = {**dict.fromkeys(("x", "y", "z", "out", "partner", "q", "k", "v"), values), **POINTERS, **NUMBERS}
    signature = {name: types.get(name, "constexpr") for name in names}
    return facts(kernel, signature, {k: v for k, v in constants.items() if k in names}, warps, stages)


def compile_case(case: str) -> dict:
    dtype, d, e, decay, way = case.split("-")
    d, e, reverse = int(d), int(e), way == "backward"
    width, block, warps, stages = fused.configuration(getattr(torch, dtype), max(d, e), 64)
    constants = {
        "M": d, "N": e, "BM": max(16, triton.next_power_of_2(d)), "BN": min(width, max(16, triton.next_power_of_2(e))),
        "C": block, "MODE": ("none", "head", "token").index(decay), "REVERSE": reverse, "HAS_BEFORE": True,
        "STORE_AFTER": True, "DOTS": reverse, "PRECISION": "tf32x3" if dtype == "float32" else "tf32",
        "WIDE_STATE": dtype == "float16", "WIDEN": False, "SIZE": d * e, "BLOCK": 1024, "HAS_OUTER": True,
        "D": d, "E": e, "BD": triton.next_power_of_2(d), "BE": SLICE,
    }  # fmt: skip
    return {
        kernel.__name__: kernel_facts(kernel, SHORT[dtype], constants, warps, stages)
        for kernel in (*(getattr(fused_kernels, name) for name in PASSES), step_kernel)
    }


if __name__ == "__main__":
    print(json.dumps({case: compile_case(case) for case in sys.argv[1:]}))
