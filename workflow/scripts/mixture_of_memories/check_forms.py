"""Every form of the kernels and of the layer against its definition in float64, and what a token leaves untouched."""

import os

import numpy as np
import torch
import xarray as xr

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # before the kernels are imported: without a GPU Triton interprets them

from lib.attention.memories import CONVOLUTIONS, FORMS, RULES, MixtureOfMemories
from lib.attention.memory_forms import form_errors, interference, kernel_errors, routing_identities
from lib.training.stacked import generators

TYPES = {"float64": torch.float64, "float32": torch.float32}
NARROWEST = 8  # channels: keys of a few are now and then almost zero, and their direction is not float32's to know
TENSORS = ("output", "memories", "gradients")


def check_forms(
    *, cases: int, longest: int, widest: int, memories: int, untouched_steps: int, rng, device: str
) -> xr.Dataset:
    """Return largest errors over largest values and the largest change of a memory that no token chose.

    Args:
        cases, longest, widest: number of random sizes, most tokens, most channels of keys and values (8 at least).
        memories: most memories.
        untouched_steps: random tokens after which the memories that they did not choose are compared.
        rng, device: randomness, and where to compute.
    """
    layers = [(form, convolution) for form in FORMS for convolution in CONVOLUTIONS]
    layers.remove(("masked", "memory"))
    shape = (len(RULES), len(layers), len(TYPES), cases, len(TENSORS))
    layer_error = np.full(shape, np.nan)
    for rule_place, rule in enumerate(RULES):
        for case in range(cases):
            number = int(rng.integers(2, memories + 1))
            options = {
                "memories": number,
                "chosen": int(rng.integers(1, number + 1)),
                "shared": bool(rng.integers(2)),
                "heads": int(rng.integers(1, 3)),
                "d_key": int(rng.integers(NARROWEST, widest + 1)),
                "d_value": int(rng.integers(NARROWEST, widest + 1)),
                "own": bool(rng.integers(2)),
            }
            tokens, batch = int(rng.integers(1, longest + 1)), int(rng.integers(1, 4))
            seeds = [int(seed) for seed in rng.integers(0, 2**31, 2)]
            x, weights = (torch.from_numpy(rng.standard_normal((2, batch, tokens, 8))).to(device) for _ in range(2))
            for i, (form, convolution) in enumerate(layers):
                for j, kind in enumerate(TYPES.values()):
                    layer = MixtureOfMemories(
                        8, generators(seeds), rule=rule, convolution=convolution, form=form, **options
                    ).to(device, kind)
                    errors = form_errors(layer, x.to(kind), weights)
                    layer_error[rule_place, i, j, case] = [errors.get(name, np.nan) for name in TENSORS]
    kernels = kernel_errors(cases, longest, widest, rng, device)
    change = [interference(rule, untouched_steps, memories, rng, device) for rule in RULES]
    return xr.Dataset(
        {
            "layer_error": (("rule", "layer", "type", "case", "tensor"), layer_error),
            "kernel_error": ("kernel", np.array(list(kernels.values()))),
            "change": (("rule", "quantity"), np.array([list(one.values()) for one in change])),
            "identity": ("relation", np.array(list((relations := routing_identities(rng, device)).values()))),
        },
        coords={
            "rule": list(RULES),
            "layer": [f"{form}, convolution {convolution}" for form, convolution in layers],
            "type": list(TYPES),
            "tensor": list(TENSORS),
            "kernel": list(kernels),
            "quantity": list(change[0]),
            "relation": list(relations),
        },
        attrs={"triton": "compiled" if device == "cuda" else "Triton's CPU interpreter"},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_forms, snakemake)
