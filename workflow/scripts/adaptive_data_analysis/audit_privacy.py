"""Try to break the mechanisms: a lower bound on epsilon from outputs on two neighbours, beside the accounted one."""

import xarray as xr

from lib.atlas.job.seeds import generator
from lib.privacy.audit import (
    audit_epsilon,
    exponential_scores,
    laplace_scores,
    multiplicative_weights_scores,
    sparse_vector_scores,
)
from lib.progress import progress


def audit_privacy(*, size: int, epsilon: float, trials: int, level: float, root_seed: int) -> xr.Dataset:
    """Return `accounted (mechanism)` and `audited (mechanism)`: epsilon by theorem, and a bound by experiment.

    The neighbours are n zeros, and n - 1 zeros and a one. `laplace, half the noise` claims an epsilon that it does
    not keep: an audit that misses it has no power.

    Args:
        size: number n of samples.
        epsilon: privacy that each mechanism is calibrated to.
        trials: runs on each neighbour.
        level: error probability of a bound.
        root_seed: root of the random streams.
    """
    cases = {
        "laplace": (laplace_scores(size, epsilon), epsilon),
        "exponential": (exponential_scores(size, epsilon), epsilon),
        "sparse vector": (sparse_vector_scores(size, epsilon), epsilon),
        "pmw, one update": (multiplicative_weights_scores(size, epsilon), epsilon),
        "laplace, half the noise": (laplace_scores(size, 2 * epsilon), epsilon),
    }
    audited = [
        audit_epsilon(
            run, trials=trials, rng=generator(root_seed, "adaptive_data_analysis", "audit", name), level=level
        )
        for name, (run, _) in progress(cases.items(), "mechanisms", total=len(cases))
    ]
    return xr.Dataset(
        {
            "accounted": ("mechanism", [claimed for _, claimed in cases.values()], {"long_name": "claimed epsilon"}),
            "audited": ("mechanism", audited, {"long_name": "lower bound on epsilon"}),
        },
        coords={"mechanism": list(cases)},
        attrs={"n": size, "trials": trials, "level": level},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(audit_privacy, snakemake)
