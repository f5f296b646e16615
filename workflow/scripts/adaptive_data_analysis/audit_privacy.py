"""Try to break the mechanisms: a lower bound on epsilon from outputs on two neighbours, beside the accounted one."""

import numpy as np
import xarray as xr

from lib.atlas.progress import progress
from lib.atlas.seeds import generator
from lib.privacy.accounting import compose_basic
from lib.privacy.audit import audit_epsilon
from lib.privacy.mechanisms import SparseVector, exponential_mechanism, laplace_mechanism
from lib.privacy.queries import PrivateMultiplicativeWeights


def audit_privacy(*, size: int, epsilon: float, trials: int, level: float, root_seed: int) -> xr.Dataset:
    """Return `accounted (mechanism)` and `audited (mechanism)`: epsilon by theorem, and a bound by experiment.

    The neighbours are n zeros, and n - 1 zeros and a one. `laplace, half the noise` claims an epsilon that it does
    not keep: the audit must find it out, or it would find out nothing.

    Args:
        size: number n of samples.
        epsilon: privacy that each mechanism is calibrated to.
        trials: runs on each neighbour.
        level: error probability of a bound.
        root_seed: root of the random streams.
    """
    unit = 1 / size

    def laplace(neighbour, count, rng):
        return laplace_mechanism(np.full(count, neighbour * unit), epsilon, unit, rng)

    def careless(neighbour, count, rng):
        return laplace_mechanism(np.full(count, neighbour * unit), 2 * epsilon, unit, rng)

    def exponential(neighbour, count, rng):
        scores = np.tile([0.0, neighbour * unit], (count, 1))
        return exponential_mechanism(scores, epsilon, unit, rng)

    def sparse(neighbour, count, rng):
        answers = np.empty(count)
        for i in range(count):  # a stream of values at the threshold, as telling as can be
            test = SparseVector(0.0, epsilon, 1, unit, rng)
            first = test.first_above(np.full(3, (neighbour - 0.5) * unit))
            answers[i] = 3 if first is None else first
        return answers

    def weights(neighbour, count, rng):
        sample = np.zeros(size, int)
        sample[0] = neighbour
        query = np.array([[0.0, 1.0]], np.float32)
        answers = np.empty(count)
        for i in range(count):  # one update at most: 5 / (n b) in all
            mechanism = PrivateMultiplicativeWeights(
                sample, 2, 0.5, 5 * unit / epsilon, rng, max_updates=1, private_test=True
            )
            answers[i] = mechanism.answer(query)[0]
        return answers

    cases = {
        "laplace": (laplace, epsilon),
        "exponential": (exponential, epsilon),
        "sparse vector": (sparse, epsilon),
        "pmw, one update": (weights, compose_basic(epsilon / 5, 5)),
        "laplace, half the noise": (careless, epsilon),
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
    from lib.atlas.stage import run

    run(audit_privacy, snakemake)
