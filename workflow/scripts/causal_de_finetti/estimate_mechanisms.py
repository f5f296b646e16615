"""Independent mechanisms across environments: in the causal factorisation their estimates are independent."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.scm.exchangeable import beta_bernoulli_pairs, mechanism_estimates
from lib.scm.independence import hsic_permutation


def estimate_mechanisms(
    *, environments: int, samples: list[int], priors: list[list[int]], permutations: int, seeds: int, root_seed: int
) -> xr.Dataset:
    """Return `p_value (factorisation, samples, seed)` and the estimates of the first seed.

    Estimates are P(X=1) and P(Y=1|X=0), P(Y=1|X=1) of each environment (causal), or the same with X and Y exchanged
    (anticausal). A conditional frequency without cases is estimated as 1/2.

    Args:
        environments: number E.
        samples: samples in each environment.
        priors: Beta parameters of P(X=1), P(Y=1|X=0), P(Y=1|X=1).
        permutations: permutations of the independence test.
        seeds: repetitions.
        root_seed: root of the random streams.
    """
    p_value = np.zeros((2, len(samples), seeds))
    first = np.zeros((2, len(samples), 3, environments))
    for seed in progress(range(seeds), "seeds"):
        for j, n in enumerate(samples):
            rng = generator(root_seed, "causal_de_finetti", "mechanisms", n, seed)
            counts = beta_bernoulli_pairs(environments, n, priors, rng)
            for i, factorisation in enumerate((counts, counts.exchanged())):
                marginal, *conditional = mechanism_estimates(factorisation)
                test = hsic_permutation(marginal, np.column_stack(conditional), permutations, rng)
                p_value[i, j, seed] = test.pvalue
                if seed == 0:
                    first[i, j] = marginal, *conditional
    return xr.Dataset(
        {
            "p_value": (("factorisation", "samples", "seed"), p_value, {"long_name": "p-value of independence"}),
            "estimate": (("factorisation", "samples", "mechanism", "environment"), first),
        },
        coords={
            "factorisation": ["causal", "anticausal"],
            "samples": ("samples", samples, {"long_name": "samples in each environment"}),
            "mechanism": ["marginal", "given 0", "given 1"],
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(estimate_mechanisms, snakemake)
