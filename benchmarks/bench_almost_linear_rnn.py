"""Ratios: the fused forced gradient against autograd, batched runs against one at a time, measures against loops."""

import timeit

import numpy as np
import torch

from lib.dynamics import measures
from lib.dynamics.almost_linear import generate, initialise, lifted, step
from lib.dynamics.forced_reference import forced_loss
from lib.dynamics.systems import lorenz63, standardise
from lib.dynamics.teacher_forcing import forced_gradient, train_forced, workspace


def seconds(function, repeat: int = 5) -> float:
    """Best time of a few calls."""
    return min(timeit.repeat(function, number=1, repeat=repeat))


def loop_divergence(generated, true, bins, alpha=1e-5):
    """D_stsp with one dictionary look-up for each point."""
    low = true.min(0) - 0.1 * true.std(0)
    cell = (true.max(0) + 0.1 * true.std(0) - low) / bins
    tables = []
    for x in (true, generated):
        table: dict = {}
        for point in x:
            key = tuple(int(v) for v in np.floor((point - low) / cell))
            if all(0 <= k < bins for k in key):
                table[key] = table.get(key, 0) + 1
        tables.append((table, sum(table.values())))
    total, size = 0.0, bins ** true.shape[1]
    for key in {k for table, _ in tables for k in table}:
        p, q = ((table.get(key, 0) + alpha) / (n + alpha * size) for table, n in tables)
        total += p * np.log(p / q)
    return total


def loop_mixture(generated, true, draws):
    """D_stsp of the mixture form with one sum for each draw."""
    total = 0.0
    for s in draws:
        p = np.mean(np.exp(-0.5 * np.sum((true - s) ** 2, axis=1)))
        q = np.mean(np.exp(-0.5 * np.sum((generated - s) ** 2, axis=1)))
        total += np.log(p) - np.log(q)
    return total / len(draws)


def main() -> None:
    """Print the ratios."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    x = standardise(lorenz63(20_000))[0].astype(np.float32)
    for units, length, batch in ((20, 200, 16), (100, 50, 16)):
        model = initialise(units, 3, 2, rng)
        sequences = np.ascontiguousarray(
            x[rng.integers(0, 19_000, batch) + np.arange(length + 1)[:, None]].transpose(0, 2, 1)
        )
        room = workspace(units, 3, length, batch)
        forced_gradient(model, sequences, 16, 1.0, room)
        fast = seconds(lambda: [forced_gradient(model, sequences, 16, 1.0, room) for _ in range(20)]) / 20  # noqa: B023

        def autograd():
            leaves = [torch.from_numpy(v).requires_grad_() for v in model[:4]]  # noqa: B023
            data = torch.from_numpy(sequences)  # noqa: B023
            forced_loss(*leaves, data, rectified=2, interval=16, strength=1.0).backward()

        slow = seconds(autograd)
        print(
            f"gradient of a batch, M = {units}, T = {length}: {fast * 1e3:.2f} ms, autograd / fused {slow / fast:.0f}"
        )

    options = {
        "interval": 16,
        "strength": 1.0,
        "batch": 16,
        "length": 200,
        "epochs": 4,
        "batches": 25,
        "first_rate": 1e-3,
        "last_rate": 1e-4,
        "noise": 0.05,
        "every": 2,
    }
    sizes = [0, 1, 2, 3, 4, 5] * 2

    def fresh(indices):
        models = [initialise(20, 3, sizes[i], np.random.default_rng(i)) for i in indices]
        return models, [np.random.default_rng(100 + i) for i in indices]

    def score(model):
        return (float(model.w[0, 0]),)

    together = seconds(lambda: train_forced(x, *fresh(range(12)), score, **options), 3)
    apart = seconds(lambda: [train_forced(x, *fresh([i]), score, **options) for i in range(12)], 3)
    print(f"12 runs (P = 0..5, 2 seeds), {together:.2f} s at once; one at a time / at once {apart / together:.2f}")

    model = initialise(20, 3, 2, rng)
    start = lifted(model, x[0])
    fast = seconds(lambda: generate(model, start, 20_000))

    def plain():
        z = start
        for _ in range(2000):
            z = step(model, z)

    slow = seconds(plain, 2) * 10
    print(f"free run of 20000 steps: {fast * 1e3:.1f} ms, NumPy steps / compiled {slow / fast:.0f}")

    half, other = x[:10_000].astype(float), x[10_000:].astype(float)
    fast = seconds(lambda: measures.state_space_divergence(other, half, 30))
    slow = seconds(lambda: loop_divergence(other, half, 30), 2)
    print(f"D_stsp of 2 x 10000 points, 27000 cells: {fast * 1e3:.2f} ms, loop / histogram {slow / fast:.0f}")
    draws = half[:1000] + rng.standard_normal((1000, 3))
    fast = seconds(lambda: measures.state_space_divergence_gmm(other[:4000], half[:4000], 1.0, rng), 2)
    slow = seconds(lambda: loop_mixture(other[:4000], half[:4000], draws), 2)
    print(f"D_stsp of mixtures, 4000 points, 1000 draws: {fast * 1e3:.0f} ms, loop / matrix form {slow / fast:.1f}")


if __name__ == "__main__":
    main()
