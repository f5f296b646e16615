"""CPU time of chains and students run together, and of Jacobian Grams without Jacobians, over a peer's."""

import numpy as np
import torch

from lib.bench.ratios import cpu_ratio
from lib.degeneracy.learning_coefficient import ReducedRank, reduced_rank_loss, reduced_rank_truth, sgld
from lib.degeneracy.students import Shape, behavioural_loss, forward, train_students, two_block_teacher
from lib.interaction.chain import Chain, jacobian_gram
from lib.interaction.relu import explicit_jacobian_gram, local_jacobian_gram


def compare_chains(case, chains, steps):
    """Chains of one model together against one after another."""
    truth = reduced_rank_truth(case, np.random.default_rng(0))[None]
    loss = reduced_rank_loss(case, truth)

    def run(count):
        source = torch.Generator().manual_seed(0)
        options = {"strength": 7e4, "step_size": 7e-7, "steps": steps, "chains": count, "generator": source}
        return sgld(loss, truth, **options)

    ratio = cpu_ratio(lambda: run(chains), lambda: [run(1) for _ in range(chains)], repeats=2)
    print(f"{chains} chains of {tuple(case)}: {ratio:.3f} of one after another")


def _students(models, n=500):
    shape = Shape(8, 16, 4)
    pairs = [two_block_teacher(shape, n, np.random.default_rng(i)) for i in range(models)]
    return shape, *(torch.from_numpy(np.stack(part)) for part in zip(*pairs))


def compare_gradients(models, chains):
    """Gradients of the behavioural loss of all chains by hand against autograd, in single precision."""
    shape, inputs, targets = _students(models)
    inputs, targets = inputs.float(), targets.float()
    theta = 0.3 * torch.randn(models, chains, shape.parameters)
    ours = behavioural_loss(shape, inputs, targets, chains)
    wide, wanted = (part.repeat_interleave(chains, 0) for part in (inputs, targets))

    def by_autograd():
        own = theta.flatten(0, 1).requires_grad_(True)
        loss = (forward(shape, own, wide) - wanted).square().sum((1, 2)) / inputs.shape[1]
        return torch.autograd.grad(loss.sum(), own)[0]

    assert torch.allclose(ours(theta)[1].flatten(0, 1), by_autograd(), atol=1e-4)
    ratio = cpu_ratio(lambda: ours(theta), by_autograd)
    print(f"gradients of {models} students, {chains} chains: {ratio:.3f} of autograd")


def compare_training(models):
    """Students trained together against one after another, for the same steps."""
    shape, inputs, targets = _students(models)
    options = {"bound": 0.0, "steps": 100, "rate": 1e-2, "later_rate": 2e-3, "later": 50}

    def run(rows):
        masks = torch.ones(len(inputs[rows]), shape.parameters).double()
        return train_students(shape, inputs[rows], targets[rows], masks, torch.Generator().manual_seed(0), **options)

    ratio = cpu_ratio(lambda: run(slice(None)), lambda: [run(slice(i, i + 1)) for i in range(models)])
    print(f"{models} students together: {ratio:.3f} of one after another")


def compare_grams(width, n):
    """The Gram matrix of the Jacobians by co-firing, against its definition and against vector-Jacobian products."""
    rng = np.random.default_rng(0)
    inputs, weight = rng.standard_normal((n, width)), rng.standard_normal((width, width)) / np.sqrt(width)
    firing, following = (inputs @ weight.T > 0).astype(float), rng.standard_normal((width, width))
    chain, starts = Chain([lambda x: (x @ torch.from_numpy(weight).T).relu()]), [torch.from_numpy(inputs)]

    def closed():
        return local_jacobian_gram(weight, firing, following)

    for words, peer in (
        ("a product for each sample", lambda: explicit_jacobian_gram(weight, firing, following)),
        ("vector-Jacobian products", lambda: jacobian_gram(chain, starts, 0, following, torch.Generator())),
    ):
        assert np.allclose(closed(), peer())
        print(f"Gram matrix of {width} dimensions, {n} samples: {cpu_ratio(closed, peer):.4f} of {words}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    compare_chains(ReducedRank(4, 3, 3, 2), 32, 200)
    compare_gradients(12, 6)
    compare_training(12)
    compare_grams(128, 1000)
