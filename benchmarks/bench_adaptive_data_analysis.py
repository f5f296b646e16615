"""Private multiplicative weights against a plain compiled loop, and Thresholdout against vectorised NumPy.

CPU seconds of the two over one another, in alternation; below 1 this library is faster. The peers check nothing.
"""

import numpy as np
from numba import njit

from lib.bench.ratios import cpu_ratio
from lib.privacy.analysts import random_bits
from lib.privacy.queries import PrivateMultiplicativeWeights, Thresholdout, counts_of

BATCH = 1024


@njit(fastmath=True)
def plain_weights(queries, counts, noise, threshold, hypothesis):
    """Multiplicative weights without account, checks or limit, one query after the other."""
    answers = np.empty(len(queries))
    total = counts.sum()
    for j in range(len(queries)):
        mean = proposed = np.float32(0)
        for k in range(len(hypothesis)):
            mean += queries[j, k] * counts[k]
            proposed += queries[j, k] * hypothesis[k]
        noisy = mean / total + noise[j]
        answers[j] = proposed
        if abs(noisy - proposed) > threshold:
            answers[j] = noisy
            hypothesis *= np.exp(np.float32(0.5 * threshold * np.sign(noisy - proposed)) * queries[j])
            hypothesis /= hypothesis.sum()
    return answers


def weights(universe: int, samples: int, count: int = 8192, threshold: float = 0.12, scale: float = 0.008) -> float:
    rng = np.random.default_rng(0)
    sample = rng.choice(universe, samples, p=rng.dirichlet(np.ones(universe)))
    queries = random_bits(count, universe, rng).astype(np.float32)
    batches = [queries[i : i + BATCH] for i in range(0, count, BATCH)]

    def ours():
        mechanism = PrivateMultiplicativeWeights(sample, universe, threshold, scale, np.random.default_rng(1))
        for batch in batches:
            mechanism.answer(batch)

    def peer():
        noise, hypothesis = np.random.default_rng(1), np.full(universe, 1 / universe, np.float32)
        counts = counts_of(sample, universe)
        for batch in batches:
            plain_weights(batch, counts, noise.laplace(scale=scale, size=len(batch)), threshold, hypothesis)

    return cpu_ratio(ours, peer, 9)


def thresholdout(noise: str, count: int, threshold: float = 0.04, sigma: float = 0.01) -> float:
    train, holdout = np.random.default_rng(0).uniform(0.4, 0.6, (2, count))
    samples = np.arange(5)
    wide = {"laplace": 4, "gaussian": 1}[noise]

    def ours():
        rng = np.random.default_rng(1)
        options = {"threshold": threshold, "sigma": sigma, "budget": count, "rng": rng, "noise": noise}
        Thresholdout(samples, samples, 5, **options).answer_means(train, holdout)

    def peer():
        """Noise on the threshold is drawn for each query, which is not the algorithm but costs what it must."""
        rng = np.random.default_rng(1)
        draw = rng.laplace if noise == "laplace" else rng.normal
        bound = threshold + (draw(scale=2 * sigma, size=count) if noise == "laplace" else 0)
        far = np.abs(train - holdout) > bound + draw(scale=wide * sigma, size=count)
        np.where(far, holdout + draw(scale=sigma, size=count), train)

    return cpu_ratio(ours, peer, 9)


if __name__ == "__main__":
    for universe, samples in ((256, 500), (1024, 2000)):
        print(f"multiplicative weights over a compiled loop, U = {universe}: {weights(universe, samples):.2f}")
    for noise in ("laplace", "gaussian"):
        for count in (2000, 200000):
            print(f"Thresholdout over vectorised NumPy, {noise}, {count} queries: {thresholdout(noise, count):.2f}")
