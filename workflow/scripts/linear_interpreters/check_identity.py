"""Linear interpreters of networks with random weights against independent truths."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.interpreters.checks import (
    BOUNDED,
    PIECEWISE_LINEAR,
    autograd_jacobian,
    bias_effect,
    build,
    refusals,
)
from lib.interpreters.scope import linear_scope


def check_identity(*, models: list[str], inputs: int, draws: int, root_seed: int) -> xr.Dataset:
    """Return errors of each network (model) on its inputs (input), and of its weights (draw); refusals (unit).

    Args:
        models: names of `lib.interpreters.checks.build`.
        inputs: of each network, spread over the draws.
        draws: sets of random weights.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    names = models
    identity = np.zeros((len(names), inputs))
    same = np.zeros((len(names), inputs), bool)
    adjoint = np.zeros((len(names), draws))
    jacobian, bias = np.full((2, len(names), draws), np.nan)
    residual = np.zeros((len(names), draws))
    for i, name in enumerate(names):
        for t in sorted(range(inputs), key=lambda t: t % draws):
            if t < draws:
                model, options, shape = build(name, t)
            rng = generator(root_seed, "linear_interpreters", "identity", name, t)
            x = torch.tensor(rng.standard_normal(shape))
            batch = torch.cat([x, torch.zeros_like(x)])
            with torch.no_grad():
                plain = options["call"](model, batch) if "call" in options else model(batch)
            with linear_scope(model, **options) as scope:
                interpreter = scope.at(x, check=t < draws)
                output, r = interpreter.output.detach().flatten(), interpreter.residual.flatten()
                few = len(output) < x.numel()
                matrix = interpreter.dense() if few and t >= draws else interpreter.columns(range(x.numel())).T
                identity[i, t] = (matrix @ x.flatten() + r - output).abs().max() / output.abs().max()
                same[i, t] = torch.equal(output, plain[0].flatten())
                if t < draws:
                    u = torch.tensor(rng.standard_normal((3, len(output))))
                    v = torch.tensor(rng.standard_normal((3, x.numel())))
                    forward, backward = interpreter.matvec(v), interpreter.rmatvec(u)
                    gaps = ((u * forward).sum(1) - (backward * v).sum(1)).abs()
                    adjoint[i, t] = (gaps / (u.norm(dim=1) * forward.norm(dim=1))).max()
            if t < draws:
                truth = autograd_jacobian(model, x, options.get("call"))
                jacobian[i, t] = float((matrix - truth.detach()).norm() / truth.detach().norm())
                residual[i, t] = r.abs().max()
                if name in PIECEWISE_LINEAR and name not in BOUNDED:
                    bias[i, t] = (r - bias_effect(model, x, options.get("call"))).abs().max()
    refused = refusals()
    return xr.Dataset(
        {
            "identity": (
                ("model", "input"),
                identity,
                {"long_name": "largest error of F x + r, over the largest output"},
            ),
            "same": (
                ("model", "input"),
                same,
                {"long_name": "whether the output is bit for bit that of the plain run"},
            ),
            "adjoint": (("model", "draw"), adjoint, {"long_name": "gap of <u, F v> and <F' u, v>, relative"}),
            "jacobian": (("model", "draw"), jacobian, {"long_name": "distance of F from the Jacobian, relative"}),
            "bias": (("model", "draw"), bias, {"long_name": "largest distance of r from the effect of all biases"}),
            "residual": (("model", "draw"), residual, {"long_name": "largest entry of r"}),
            "piecewise": ("model", np.array([name in PIECEWISE_LINEAR for name in names])),
            "refused": ("unit", np.array(list(refused.values())), {"long_name": "whether a unit is refused by name"}),
        },
        coords={"model": names, "unit": list(refused)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_identity, snakemake)
