"""Batched multiplicative weights against a loop over queries; one attack for all m against one attack for each."""

import timeit

import numpy as np

from lib.privacy.analysts import SignAttack, random_bits
from lib.privacy.queries import Naive, PrivateMultiplicativeWeights


def best(function, repeats=3):
    """Shortest of several runs, in seconds."""
    return min(timeit.repeat(function, number=1, repeat=repeats))


def weights(batch: int, universe=256, n=500, count=8192):
    rng = np.random.default_rng(0)
    sample = rng.choice(universe, n, p=rng.dirichlet(np.ones(universe)))
    queries = random_bits(count, universe, rng).astype(np.float32)

    def run():
        mechanism = PrivateMultiplicativeWeights(sample, universe, 0.12, 0.008, np.random.default_rng(1))
        for i in range(0, count, batch):
            mechanism.answer(queries[i : i + batch])

    return best(run)


def attacks(shared: bool, n=1000):
    grid = [int(4 * 1.15**k) for k in range(45)]

    def run():
        attack = None
        for m in grid:
            if attack is None or not shared:
                attack = SignAttack(n, {"naive": Naive(np.arange(n), n)}, np.random.default_rng(0))
            attack.ask(m - 1 - attack.queries)
            attack.last_answers()

    return best(run)


if __name__ == "__main__":
    print(f"multiplicative weights, batches of 1024 over single queries: {weights(1) / weights(1024):.1f} x")
    print(f"sign attack on a grid of m, one transcript over one for each m: {attacks(False) / attacks(True):.1f} x")
