"""Every form of gated linear attention against a sum over all pairs of tokens, for gates from weak to very strong."""

import os

import numpy as np
import torch
import xarray as xr

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # before the kernels are imported: without a GPU Triton interprets them

from kernels.agreement import relative_error
from kernels.gated_linear_attention import gated_linear_attention, gated_linear_attention_step
from kernels.key_gated_attention import key_gated_attention, key_gated_attention_step

KINDS = {"float64": torch.float64, "float32": torch.float32}
OPERATORS = ("gla", "key-gated")  # gates as inputs, or read from the keys, as a linearized layer calls it
FORMS = [("recurrent", "float64"), ("step", "float64"), ("chunked", "float64"), ("compiled", "float64")]
FORMS += [("step", "float32"), ("chunked", "float32"), ("compiled", "float32"), ("triton", "float32")]
LARGEST_KEY = 40.0  # of a gate that forgets nothing
GATES = ("none", "weak", "strong", "mixed")
RESULTS = ("output", "state", "dq", "dk", "dv", "d_log_decay", "d_initial")


def check_forms(*, cases: int, longest: int, widest: int, strongest: float, triton_cases: int, rng) -> xr.Dataset:
    """Return largest absolute error over largest absolute value, `(form, gate, case, tensor)`, and which were tried.

    Sizes are not too small: where every gate of a case is strong, the whole gradient of the log decays vanishes, and
    there is no value to compare an error with.

    Args:
        cases: number of random sizes.
        longest: most tokens, of 16 at least.
        widest: most channels of keys and values, of 8 at least.
        strongest: least log decay.
        triton_cases: how many of the sizes Triton runs on.
        rng: source of randomness.
    """
    forms = [(operator, *form) for operator in OPERATORS for form in FORMS]
    error = np.full((len(forms), len(GATES), cases, len(RESULTS)), np.nan)
    ran = np.zeros((len(forms), cases, len(RESULTS)), dtype=bool)
    sizes = np.empty((cases, 4), dtype=int)
    for case in range(cases):
        bounds = ((16, longest), (1, 2), (8, widest), (8, widest))
        tokens, heads, d, e = (int(rng.integers(least, most + 1)) for least, most in bounds)
        sizes[case] = tokens, heads, d, e
        weights, ends = _normal(rng, 1, tokens, heads, e), _normal(rng, 1, heads, d, e)
        vectors = [_normal(rng, 1, tokens, heads, width) for width in (d, d, e)]
        start = _normal(rng, 1, heads, d, e)
        for j, gate in enumerate(GATES):
            log_decay = _log_decay(gate, (1, tokens, heads, d), strongest, rng)
            q, _, v = vectors
            inputs = {"gla": [*vectors, log_decay, start], "key-gated": [q, _key_of(log_decay), v, start]}
            expected = {name: _outcome(name, "pairs", torch.float64, inputs[name], weights, ends) for name in OPERATORS}
            for i, (operator, backend, kind) in enumerate(forms):
                if backend == "triton" and case >= triton_cases:
                    continue
                results = _outcome(operator, backend, KINDS[kind], inputs[operator], weights, ends)
                for place, name in enumerate(RESULTS):
                    if name in results:
                        ran[i, case, place] = True
                        error[i, j, case, place] = relative_error(results[name], expected[operator][name])
    return xr.Dataset(
        {
            "error": (("form", "gate", "case", "tensor"), error, {"long_name": "largest error over largest value"}),
            "ran": (("form", "case", "tensor"), ran),
        },
        coords={
            "form": [f"{operator}, {backend}, {kind}" for operator, backend, kind in forms],
            "gate": list(GATES),
            "tensor": list(RESULTS),
            "sizes": (("case", "size"), sizes),
            "size": ["tokens", "heads", "D", "E"],
        },
        attrs={"triton": "compiled" if _on_gpu() else "Triton's CPU interpreter", "strongest": strongest},
    )


def _normal(rng, *shape) -> torch.Tensor:
    """Numbers that float32 holds exactly, so that every type gets the same inputs."""
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32)).double()


def _on_gpu() -> bool:
    return torch.cuda.is_available()


def _log_decay(gate: str, shape: tuple, strongest: float, rng) -> torch.Tensor:
    """Log decays: none, those of Liger's damping, uniform down to the strongest, or one channel in eight of these."""
    if gate == "none":
        return torch.zeros(shape, dtype=torch.float64)
    weak = -np.logaddexp(0, -rng.standard_normal(shape)) / 16
    if gate == "weak":
        return torch.from_numpy(weak.astype(np.float32)).double()
    strong = strongest * rng.random(shape)
    if gate == "mixed":
        strong = np.where(rng.random(shape) < 0.125, strong, weak)
    else:
        strong.flat[0] = strongest
    return torch.from_numpy(strong.astype(np.float32)).double()


def _key_of(log_decay: torch.Tensor) -> torch.Tensor:
    """Keys whose log sigmoid is a log decay, as float32 holds them."""
    key = log_decay - torch.log(-torch.expm1(log_decay))
    return key.clamp(max=LARGEST_KEY).float().double()


def _outcome(operator: str, backend: str, kind: torch.dtype, inputs: list, weights, ends) -> dict[str, torch.Tensor]:
    """Output, final state and the gradients of all inputs."""
    device = "cuda" if backend == "triton" and _on_gpu() else "cpu"
    leaves = [x.to(device, kind, copy=True).requires_grad_() for x in inputs]
    *vectors, start = leaves
    options = {"damping": 1.0} if operator == "key-gated" else {}
    if backend == "pairs":
        if operator == "key-gated":
            q, k, v = vectors
            vectors = [q.softmax(-1), k.softmax(-1), v, torch.nn.functional.logsigmoid(k)]
        o, end = _sum_over_pairs(*vectors, start)
    elif backend == "step":
        step = key_gated_attention_step if options else gated_linear_attention_step
        outputs, end = [], start
        for token in zip(*(x.unbind(1) for x in vectors)):
            o, end = step(end, *token, **options)
            outputs.append(o)
        o = torch.stack(outputs, 1)
    else:
        attend = key_gated_attention if options else gated_linear_attention
        options |= {"output_final_state": True, "chunk_size": 32, "backend": backend}
        o, end = attend(*vectors, initial_state=start, **options)
    loss = (o * weights.to(o)).sum() + (end * ends.to(end)).sum()
    names = ["output", "state", "dq", "dk", "dv", *(["d_log_decay"] if operator == "gla" else []), "d_initial"]
    return dict(zip(names, [x.detach().cpu() for x in (o, end, *torch.autograd.grad(loss, leaves))], strict=True))


def _sum_over_pairs(q, k, v, log_decay, start) -> tuple[torch.Tensor, torch.Tensor]:
    """Output and final state, every weight exp(g_{u+1} + .. + g_t) by a sum of its own: nothing is carried along."""
    tokens = q.shape[1]
    u, t = torch.arange(tokens)[:, None], torch.arange(tokens)
    later = (t > u)[None, :, :, None, None]
    sums = torch.where(later, log_decay[:, None], 0).cumsum(2)  # [B, u, t, H, D]
    factor = torch.where((t >= u)[None, :, :, None, None], torch.exp(sums), 0)
    from_start = torch.exp(log_decay.cumsum(1))
    o = torch.einsum("bthd,buhd,buthd,buhe->bthe", q, k, factor, v)
    o = o + torch.einsum("bthd,bthd,bhde->bthe", q, from_start, start)
    end = torch.einsum("buhd,buhd,buhe->bhde", k, factor[:, :, -1], v)
    return o, end + from_start[:, -1, :, :, None] * start


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_forms, snakemake)
