"""CPU time of small networks trained together, of ensembles drawn from the limit and of programs, over a peer's."""

import numpy as np
import torch

from lib.bench.ratios import cpu_ratio
from lib.ntk.kernels import trained_limit
from lib.ntk.networks import block_size, draw, fit_last_layer, predict, step_size, train
from lib.ntk.samples import binary_inputs, pairs, sample_pairs, unit
from lib.ntk.templates import addition, limit_step, run


def compare_training(size, width, models):
    """Networks by hand-written gradients against the same networks one at a time by autograd."""
    networks, target = draw(models, width, size, size, np.random.default_rng(0)), torch.eye(size)
    rate, scale = step_size("ntk", size), (width * size) ** -0.5

    def by_autograd():
        for first, second in zip(*networks):
            weights = [first.clone().requires_grad_(), second.clone().requires_grad_()]
            optimiser = torch.optim.SGD(weights, lr=rate)
            while True:
                residual = weights[1] @ torch.relu(weights[0]) * scale - target
                if residual.abs().max() < 1e-5:
                    break
                optimiser.zero_grad()
                (residual.square().sum() / 2).backward()
                optimiser.step()

    ratio = cpu_ratio(lambda: train(networks, target[None], "ntk"), by_autograd)
    print(f"both layers, k = {size}, width {width}, {models} networks: {ratio:.3f} of autograd, one at a time")


def compare_closed_form(size, width, models):
    """The last layer's interpolation against gradient descent on it."""
    networks, target = draw(models, width, size, size, np.random.default_rng(0)), torch.eye(size)[None]
    inputs = torch.from_numpy(unit(binary_inputs(size))).float()
    ours = predict(fit_last_layer(networks, target), inputs)
    theirs = predict(train(networks, target, "last_layer", tolerance=1e-6).networks, inputs)
    assert (ours - theirs).abs().max() < 1e-4
    ratio = cpu_ratio(
        lambda: fit_last_layer(networks, target), lambda: train(networks, target, "last_layer", tolerance=1e-5)
    )
    print(f"last layer, k = {size}, width {width}: {ratio:.3f} of gradient descent")


def compare_pairs(size, draws):
    """Deviations at all inputs with two ones by the eigenspaces, against a dense Cholesky factor in float32."""
    inputs = pairs(size)
    covariance = trained_limit("last_layer", np.eye(size), np.eye(size), unit(inputs)).covariance
    root = np.linalg.cholesky(covariance + 1e-15 * np.eye(len(inputs))).astype(np.float32)

    def dense():
        noise = np.random.default_rng(0).standard_normal((draws, size, len(inputs)), dtype=np.float32)
        return noise @ root.T

    ratio = cpu_ratio(lambda: sample_pairs("last_layer", size, (draws, size), np.random.default_rng(0)), dense)
    print(f"ensembles at all pairs, k = {size}: {ratio:.3f} of a dense factor")


def compare_programs(bits):
    """Addition of all operands at once against a loop over pairs with the same step."""
    program = addition(bits)
    step = limit_step("ntk", program)
    first, second = np.divmod(np.arange(4**bits), 2**bits)
    states = program.load(p=first, q=second)
    ratio = cpu_ratio(
        lambda: run(step, program, states), lambda: [run(step, program, states[i : i + 1]) for i in range(len(states))]
    )
    print(f"addition of {bits} bits, {len(states)} pairs: {ratio:.3f} of one pair at a time")


if __name__ == "__main__":
    torch.set_num_threads(1)
    compare_training(5, 2048, block_size(2048, 5))
    compare_training(8, 4096, block_size(4096, 8))
    compare_closed_form(8, 2048, 50)
    compare_pairs(30, 20)
    compare_programs(4)
