"""Learning coefficients of reduced-rank regression by Langevin chains, at two step sizes and two lengths."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.degeneracy.learning_coefficient import (
    ReducedRank,
    learning_coefficient,
    reduced_rank_loss,
    reduced_rank_truth,
    sgld,
)

TRACE = 200  # points of each trace


def sample_chains(
    *, cases: list[list[int]], samples: float, chains: int, lengths: list[int], burn: float, step_scales: list[float],
    localisation: float, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return estimates with their errors and diagnostics by case, step size and length, and traces.

    Args:
        cases: inputs, hidden units, outputs and rank of the truth.
        samples: n, which enters by n beta = n / ln n alone.
        chains: of each case and step size.
        lengths: steps after which estimates are made, the last that of the chains.
        burn: first share of the steps, which does not count.
        step_scales: eta n beta; the first is judged.
        localisation: gamma.
        root_seed: root of the random streams.
    """
    cases = [ReducedRank(*case) for case in cases]
    strength = samples / np.log(samples)
    shape = (len(cases), len(step_scales), len(lengths))
    value, error, r_hat, drift = (np.full(shape, np.nan) for _ in range(4))
    mixed = np.zeros(shape, dtype=bool)
    by_chain = np.full((*shape, chains), np.nan)
    steps = max(lengths)
    points = min(TRACE, steps)
    trace = np.full((len(cases), len(step_scales), points), np.nan)
    for sizes in dict.fromkeys(case[:3] for case in cases):  # cases of one shape are one stack
        own = [i for i, case in enumerate(cases) if case[:3] == sizes]
        rng = generator(root_seed, "loss_degeneracy", "truths", *sizes)
        truths = torch.stack([reduced_rank_truth(cases[i], rng) for i in own])
        centres = truths.repeat(len(step_scales), 1)
        scales = torch.tensor(step_scales, dtype=torch.float64).repeat_interleave(len(own))
        losses = sgld(
            reduced_rank_loss(cases[own[0]], centres),
            centres,
            strength=strength,
            step_size=scales / strength,
            steps=steps,
            chains=chains,
            generator=torch.Generator().manual_seed(int(rng.integers(2**62))),
            localisation=localisation,
            label=f"steps, shape {sizes}",
        )
        for place, (scale, i) in enumerate((s, i) for s in range(len(step_scales)) for i in own):
            chain = losses[:, place]
            trace[i, scale] = strength * chain[: steps // points * points].reshape(points, -1).mean(axis=1)
            for k, length in enumerate(lengths):
                one = learning_coefficient(chain[:length], strength=strength, burn=int(burn * length), refuse=False)
                value[i, scale, k], error[i, scale, k], by_chain[i, scale, k] = one[:3]
                r_hat[i, scale, k], drift[i, scale, k], mixed[i, scale, k] = *one.diagnostics[:2], one.mixed
    dims = ("case", "scale", "length")
    return xr.Dataset(
        {
            "value": (dims, value, {"long_name": "estimated learning coefficient"}),
            "error": (dims, error, {"long_name": "standard error over chains"}),
            "by_chain": ((*dims, "chain"), by_chain, {"long_name": "estimate of each chain"}),
            "r_hat": (dims, r_hat, {"long_name": "split R-hat of the loss"}),
            "drift": (dims, drift, {"long_name": "change from the first to the second half"}),
            "mixed": (dims, mixed, {"long_name": "whether the chains have mixed"}),
            "trace": (("case", "scale", "point"), trace, {"long_name": "n beta times the loss, mean over chains"}),
            "known": ("case", [case.coefficient for case in cases], {"long_name": "known learning coefficient"}),
            "parameters": ("case", [case.parameters for case in cases], {"long_name": "parameters"}),
            "hessian_rank": ("case", [case.hessian_rank for case in cases], {"long_name": "rank of the Hessian"}),
        },
        coords={
            "case": ["({}, {}, {}), rank {}".format(*case) for case in cases],
            "true_rank": ("case", [case.rank for case in cases]),
            "scale": step_scales,
            "length": lengths,
            "step": ("point", (np.arange(points) + 0.5) * (steps // points)),
        },
        attrs={"strength": strength, "chains": chains},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(sample_chains, snakemake)
