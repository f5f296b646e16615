"""CPU time of stacked alignment maps, networks, lookups and closest pairs, over a plainer way to the same."""

import numpy as np
import torch

from lib.abstraction.alignment import train_maps
from lib.abstraction.causal import Sampler, algorithm, draw_inputs, input_probabilities, solve
from lib.abstraction.distances import closest_pair
from lib.abstraction.interchange import Batch, interchange, owned_coordinates
from lib.abstraction.maps import RevNet
from lib.abstraction.networks import StackedMLP, train_networks
from lib.bench.ratios import cpu_ratio
from lib.training.stacked import generators


def compare_maps(models, blocks, hidden, rows=512, steps=5):
    """Reversible maps as one stack against one at a time."""
    network = StackedMLP(16, generators(range(models))).requires_grad_(False)
    states = network.lower(torch.rand(models, 3 * rows, 16) - 0.5, 1).view(models, 3, rows, 16)
    batch = Batch(states, torch.rand(models, rows, 2) < 0.5, torch.randint(0, 2, (models, rows)))
    owned = owned_coordinates(16, [8, 8])

    def train(chosen):
        own = StackedMLP(16, generators(chosen)).requires_grad_(False)
        index = list(chosen)
        part = Batch(states[index], batch.flags[index], batch.label[index])
        phi = RevNet(16, blocks, hidden, generators(chosen))
        train_maps(phi, lambda: part, lambda h, _: own.upper(h, 1), owned, part, steps=steps, learning_rate=1e-3)

    ratio = cpu_ratio(lambda: train(range(models)), lambda: [train([i]) for i in range(models)], repeats=3)
    print(f"{models} maps of {blocks} blocks of {hidden}: {ratio:.2f} of one at a time")


def compare_sharing(sentences, rows, d=64):
    """Interventions among a few shared states against a pass for each base and source."""
    phi, states = RevNet(d, 8, 256, generators([0])), torch.randn(1, sentences, d)
    index = torch.randint(0, sentences, (1, 2, rows))
    flags, owned = torch.ones(1, rows, 1, dtype=torch.bool), owned_coordinates(d, [d // 2])

    def shared():
        interchange(phi, states, flags, owned, index).square().mean().backward()

    def each():
        interchange(phi, states[:, index[0]], flags, owned).square().mean().backward()

    print(f"{rows} interventions among {sentences} states: {cpu_ratio(shared, each):.2f} of a pass for each")


def compare_networks(models, steps=100):
    """Networks trained as a stack against one at a time."""

    def train(chosen):
        network = StackedMLP(16, generators(chosen))
        rngs = [np.random.default_rng(i) for i in chosen]
        train_networks(network, "equality", rngs, steps=steps, batch=1024, learning_rate=1e-3, every=steps)

    ratio = cpu_ratio(lambda: train(range(models)), lambda: [train([i]) for i in range(models)], repeats=2)
    print(f"{models} networks: {ratio:.2f} of one at a time")


def compare_sampling(n):
    """Interventions from the law of their bits against redrawing inputs until the effect is the wanted one."""
    sampler, method = Sampler("and_or"), algorithm("and_or")
    patterns = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], bool)
    weight = input_probabilities(method.task)

    def redraw():
        rng = np.random.default_rng(0)
        for _ in range(n):
            want = rng.integers(2)
            while True:
                base, one, two = patterns[rng.choice(8, 3, p=weight)]
                label = one[1] & (two[0] | two[2])
                if (label != solve(method.task, base[None])[0]) == want:
                    break
            draw_inputs(method.task, 3, rng)

    ratio = cpu_ratio(lambda: sampler(n, np.random.default_rng(0)), redraw, repeats=2)
    print(f"{n} interventions on And-Or: {ratio:.4f} of redrawing one at a time")


def compare_closest(n, d):
    """The closest pair by products of matrices with a second look, against all differences in double precision."""
    from scipy.spatial.distance import pdist

    states = np.random.default_rng(0).standard_normal((n, d))
    assert np.isclose(closest_pair(states)[0], pdist(states).min(), rtol=1e-12)
    ratio = cpu_ratio(lambda: closest_pair(states), lambda: pdist(states).min(), repeats=2)
    print(f"closest of {n} states of width {d}: {ratio:.3f} of all distances")


if __name__ == "__main__":
    torch.set_num_threads(1)
    compare_maps(9, 10, 16)
    compare_maps(10, 1, 4)
    compare_sharing(256, 512)
    compare_networks(5)
    compare_sampling(500)
    compare_closest(2048, 704)
