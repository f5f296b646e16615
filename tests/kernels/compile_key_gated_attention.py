"""Compile the Triton kernels for compute capability 9.0 on any machine, and print what came out as JSON.

Arguments: `dtype-D-E-R-form`, for example `bfloat16-128-128-4-gla`, R query heads in a group.
"""

import json
import sys

import torch
import triton
import triton.language as tl

from kernels.key_gated_attention import fused, fused_kernels
from kernels.key_gated_attention.fused_decode import SLICE, step_kernel
from tests.kernels.compiled import facts

VALUES = ("q", "k", "v", "out", "d_out", "dq", "dk", "dv")
STATES = ("before", "after", "final", "ahead", "update", "total", "state", "new", "reads", "q_norms", "k_norms")
POINTERS = {
    **dict.fromkeys(STATES, "*fp32"),
    **dict.fromkeys(("begins", "ends", "rows", "owners", "edge"), "*i32"),
}
NUMBERS = {"scale": "fp32", "damping": "fp32", "heads": "i32", "tokens": "i32"}
SHORT = {"bfloat16": ("*bf16", tl.bfloat16), "float16": ("*fp16", tl.float16), "float32": ("*fp32", tl.float32)}
KERNELS = (
    *((fused_kernels.segment_updates, reverse) for reverse in (False, True)),
    *((getattr(fused_kernels, f"{name}_pass"), None) for name in ("forward", "query", "value", "key")),
    (step_kernel, None),
)


def compile_case(case: str) -> dict:
    dtype, d, e, r, form = case.split("-")
    (values, factor), d, e, r = SHORT[dtype], int(d), int(e), int(r)
    columns, warps = fused.configuration(max(d, e))
    together = fused.heads_together(getattr(torch, dtype), r)
    types = {**dict.fromkeys(VALUES, values), **POINTERS, **NUMBERS}
    constants = {
        "D": d, "E": e, "C": fused.BLOCK, "R": r, "RP": together, "PARTS": triton.cdiv(r, together), "BM": columns,
        "BN": columns, "BD": fused.padded(d), "BE": fused.padded(e), "HGRN2": form == "hgrn2", "FACTOR": factor,
        "PRECISION": "tf32x3" if dtype == "float32" else "tf32",
    }  # fmt: skip
    results = {}
    for kernel, reverse in KERNELS:
        names = kernel.arg_names
        signature = {name: types.get(name, "constexpr") for name in names}
        chosen = constants | {"REVERSE": reverse}
        if kernel is step_kernel:
            chosen |= {"BD": triton.next_power_of_2(d), "BE": SLICE}
        chosen = {name: value for name, value in chosen.items() if name in names and signature[name] == "constexpr"}
        name = kernel.__name__ + ("_back" if reverse else "")
        results[name] = facts(kernel, signature, chosen, 4 if kernel is step_kernel else warps, fused.STAGES)
    return results


if __name__ == "__main__":
    print(json.dumps({case: compile_case(case) for case in sys.argv[1:]}))
