"""State space models: operators and layers over `kernels`.

Layers hold several models at once: every parameter and every input has a leading axis `models`, so that seeds of a
small model train as one batched model. Model m of a stack is the one that its generator would give alone.
"""

from kernels.mamba3 import Mamba3State, exp_trapezoid_coeffs, mamba3_scan, mamba3_step, rotate_pairs
from lib.ssm.gated_delta_net import GatedDeltaNet
from lib.ssm.mamba2 import Mamba2
from lib.ssm.mamba3 import Mamba3
from lib.ssm.parts import segsum

__all__ = [
    "GatedDeltaNet",
    "Mamba2",
    "Mamba3",
    "Mamba3State",
    "exp_trapezoid_coeffs",
    "mamba3_scan",
    "mamba3_step",
    "rotate_pairs",
    "segsum",
]
