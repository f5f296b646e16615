"""CPU time of stacked forks, lines, Hessian products and spectra, over a peer's."""

import numpy as np
import torch
from torch.func import functional_call, grad, jvp

from lib.bench.ratios import cpu_ratio
from lib.landscape.curvature import hvp, lanczos
from lib.landscape.digits import centred_digits
from lib.landscape.experiments import Task
from lib.landscape.forks import Descent, Order, advance, start
from lib.landscape.lines import ALPHAS, barrier, interpolate
from lib.landscape.losses import draw_mlps, mlp, mlp_losses, module_loss, module_losses
from lib.landscape.parameters import flatten, select, unflatten

WIDTHS = [64, 64, 64, 64, 10]
DATA = centred_digits()


def batch_losses(parameters, index):
    return mlp_losses(parameters, DATA.inputs[index], DATA.labels[index])


def orders(runs):
    return [Order(len(DATA.inputs), 32, np.random.default_rng(seed)) for seed in range(runs)]


def compare_training(runs, steps):
    """A stack of runs against the same runs one at a time by a module and torch's SGD, and by vmap over a module."""
    descent, parameters = Descent(0.1, 0.9, 2000), draw_mlps(WIDTHS, range(runs))

    def stacked():
        return advance(start(parameters), batch_losses, orders(runs), steps, descent)

    def one_at_a_time():
        for i, order in enumerate(orders(runs)):
            module = mlp(WIDTHS)
            module.load_state_dict(select(parameters, i))
            optimiser = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
            for _ in range(steps):
                index = torch.from_numpy(order.draw())
                optimiser.zero_grad()
                torch.nn.functional.cross_entropy(module(DATA.inputs[index]), DATA.labels[index]).backward()
                optimiser.step()

    by_module = module_losses(mlp(WIDTHS))

    def mapped():
        return advance(
            start(parameters), lambda p, i: by_module(p, DATA.inputs[i], DATA.labels[i]), orders(runs), steps, descent
        )

    print(f"{runs} runs, {steps} steps: {cpu_ratio(stacked, one_at_a_time):.3f} of one at a time")
    print(f"{runs} runs, {steps} steps: {cpu_ratio(stacked, mapped):.3f} of vmap over a module")


def compare_lines(pairs):
    """Barriers of a stack of pairs against one pair at a time."""
    first, second = (draw_mlps(WIDTHS, range(k * pairs, (k + 1) * pairs)) for k in range(2))
    alone = module_loss(mlp(WIDTHS), [(DATA.inputs, DATA.labels)])

    def one_at_a_time():
        with torch.no_grad():
            for i in range(pairs):
                ends = select(first, i), select(second, i)
                [alone(interpolate(*ends, alpha)) for alpha in ALPHAS]

    loss = Task(WIDTHS, "relu", DATA, DATA.labels[None]).loss_of([0] * pairs)
    ratio = cpu_ratio(lambda: barrier(loss, first, second), one_at_a_time)
    print(f"barriers of {pairs} pairs: {ratio:.3f} of one pair at a time")


def compare_products(networks):
    """Hessian-vector products of a stack by two backward passes against forward over reverse."""
    parameters, direction = (draw_mlps(WIDTHS, range(k * networks, (k + 1) * networks)) for k in range(2))
    labels = DATA.labels.expand(networks, -1)

    def loss(p):
        return mlp_losses(p, DATA.inputs, labels)

    def forward_over_reverse():
        return jvp(grad(lambda p: loss(p).sum()), (parameters,), (direction,))[1]

    ratio = cpu_ratio(lambda: hvp(loss, parameters, direction), forward_over_reverse)
    print(f"Hessian products of {networks} networks: {ratio:.3f} of torch.func's jvp over grad")


def compare_spectra(width, steps):
    """The largest eigenvalue by Lanczos against the dense Hessian's eigenvalues, where both run."""
    widths = [64, width, 10]
    parameters = {name: value[0].double() for name, value in draw_mlps(widths, [0]).items()}
    module, inputs = mlp(widths), DATA.inputs.double()

    def loss(p):
        return torch.nn.functional.cross_entropy(functional_call(module, p, (inputs,)), DATA.labels)

    vector = flatten(parameters)
    found = []

    def dense():
        hessian = torch.autograd.functional.hessian(lambda v: loss(unflatten(v, parameters)), vector)
        found.append(float(torch.linalg.eigvalsh(hessian)[-1]))

    def ours():
        found.append(float(lanczos(loss, parameters, steps, torch.Generator().manual_seed(0)).values[-1]))

    ratio = cpu_ratio(ours, dense, repeats=2)
    error = abs(min(found) / max(found) - 1)
    print(f"largest of {len(vector)} eigenvalues, {steps} steps: {ratio:.4f} of the dense Hessian, {error:.1e} apart")


if __name__ == "__main__":
    torch.set_num_threads(1)
    compare_training(32, 50)
    compare_lines(16)
    compare_products(16)
    compare_spectra(10, 40)
