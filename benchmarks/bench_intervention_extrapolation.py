"""CPU time of stacked autoencoders, of the permutation test and of effects, over that of a plain peer."""

import numpy as np
import torch
from torch import nn

from lib.bench.ratios import cpu_ratio
from lib.representations.autoencoder import train_autoencoders
from lib.representations.extrapolation import ControlFunction
from lib.representations.interventions import draw_model, draw_together
from lib.representations.restriction import (
    gaussian_kernel,
    linear_fit,
    median_distance,
    moment_restriction,
    restriction_of,
    restriction_test,
)

OPTIONS = {"latent": 2, "width": 32, "epochs": 2, "batch": 256, "learning_rate": 2e-3}


def train_one_by_one(actions, features, penalty):
    """The same networks and loss, each as modules of PyTorch, one after another."""
    for a, x in zip(actions, features):
        a, x = (torch.from_numpy(part.astype(np.float32)) for part in (a, (x - x.mean(axis=0)) / x.std()))
        width = median_distance(a.numpy())
        sizes = [(x.shape[1], 32), (32, 32), (32, 2)]
        encoder, decoder = (
            nn.Sequential(*[part for i, o in pairs for part in (nn.Linear(i, o), nn.LeakyReLU(0.2))][:-1])
            for pairs in (sizes, [(o, i) for i, o in sizes[::-1]])
        )
        optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 2e-3, fused=True)
        for _ in range(2):
            order = torch.randperm(len(x))
            for rows in order.split(256)[: len(x) // 256]:
                z = encoder(x[rows])
                loss = (decoder(z) - x[rows]).square().sum(dim=1).mean()
                if penalty:
                    scaled = (z - z.mean(dim=0)) / (z.std(dim=0, correction=0) + 1e-6)
                    design = torch.cat([a[rows], torch.ones(len(rows), 1)], dim=1)
                    residual = scaled - design @ torch.linalg.solve(design.T @ design, design.T @ scaled)
                    kernel = torch.exp(-torch.cdist(a[rows], a[rows]).square() / (2 * width**2))
                    loss = loss + penalty * (residual * (kernel @ residual)).sum() / len(rows) ** 2
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()


def compare_training(sets, penalty):
    """Print the ratio for a number of data sets."""
    models = [draw_model(np.random.default_rng(s)) for s in range(sets)]
    data = draw_together(models, 2048, [np.random.default_rng(s) for s in range(sets)])
    ratio = cpu_ratio(
        lambda: train_autoencoders(data.actions, data.features, [penalty], range(sets), **OPTIONS),
        lambda: train_one_by_one(data.actions, data.features, penalty),
        repeats=3,
    )
    print(f"training, {sets} models, penalty {penalty:g}: {ratio:.2f} of one by one")


def test_by_refits(values, actions, permutations, rng):
    """The permutation test with one least-squares fit and one product for each permutation."""
    kernel = gaussian_kernel(actions, median_distance(actions))
    residual = linear_fit(actions, values / values.std(axis=0))[2]
    moved = [residual, *(residual[rng.permutation(len(actions))] for _ in range(permutations))]
    return [moment_restriction(linear_fit(actions, one)[2], kernel) for one in moved]


def compare_test(rows):
    """Print the ratio for a number of rows."""
    rng = np.random.default_rng(0)
    actions, values = rng.uniform(-1, 1, (rows, 2)), rng.standard_normal((rows, 2))
    ours = restriction_test(values, restriction_of(actions), 5, rng).statistic
    assert abs(ours - test_by_refits(values, actions, 5, rng)[0]) < 1e-9
    ratio = cpu_ratio(
        lambda: restriction_test(values, restriction_of(actions), 100, rng),
        lambda: test_by_refits(values, actions, 100, rng),
        repeats=3,
    )
    print(f"permutation test, {rows} rows: {ratio:.2f} of refits")


def compare_effects(sets):
    """Print the ratio of effects of many fits at once to those of the fits one by one."""
    rng = np.random.default_rng(0)
    z, a = rng.standard_normal((2, sets, 1000, 2))
    y = rng.standard_normal((sets, 1000))
    options = {"hidden": 32, "epochs": 1, "batch": 250, "learning_rate": 3e-3}
    queries = rng.standard_normal((sets, 100, 2))
    together = ControlFunction(z, a, y, range(sets), **options)
    alone = [ControlFunction(z[[s]], a[[s]], y[[s]], [s], **options) for s in range(sets)]
    one_by_one = np.concatenate([fit.effect(queries[[s]]) for s, fit in enumerate(alone)])
    assert np.allclose(together.effect(queries), one_by_one, atol=1e-4)
    ratio = cpu_ratio(
        lambda: together.effect(queries), lambda: [f.effect(queries[[s]]) for s, f in enumerate(alone)], repeats=3
    )
    print(f"effects, {sets} fits: {ratio:.2f} of one by one")


def main() -> None:
    """Print the ratios, ours over the peer."""
    torch.set_num_threads(1)
    for sets, penalty in ((1, 0.0), (8, 0.0), (1, 30.0), (8, 30.0), (32, 30.0)):
        compare_training(sets, penalty)
    for rows in (500, 1500):
        compare_test(rows)
    compare_effects(8)


if __name__ == "__main__":
    main()
