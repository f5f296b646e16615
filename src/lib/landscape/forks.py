"""Runs of stochastic gradient descent that fork: copies of parameters, momenta and schedule go on with other data.

Frankle et al. 2020, instability analysis: train to step k, copy the run, and go on with different orders of the data.
Copies continue momentum and learning rate at the same global step; with equal orders of data a fork changes nothing, to
the last bit. Many runs train as one stack.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch

from lib.landscape.parameters import Parameters, concatenate, select
from lib.training.loop import rate
from lib.training.state import pack_generator, unpack_generator

Losses = Callable[[Parameters, torch.Tensor], torch.Tensor]


class Descent(NamedTuple):
    """Constants of stochastic gradient descent with momentum, as in `torch.optim.SGD`.

    The rate at global step t of `steps` is `learning_rate` times `lib.training.loop.rate`.
    """

    learning_rate: float
    momentum: float
    steps: int
    decay: str = "linear_half"
    weight_decay: float = 0.0


class Runs(NamedTuple):
    """A stack of runs after the same number of steps: parameters and momenta, `(runs, ...)`."""

    parameters: Parameters
    momenta: Parameters
    step: int


class Order:
    """Batches of one run: epochs in random order, the incomplete batch at the end of each left out.

    Args:
        samples: number of samples.
        batch: samples of a batch.
        rng: of the orders; a copy of an `Order` (`copy.deepcopy`) gives the same batches.

    Raises:
        ValueError: a batch is larger than the data.
    """

    def __init__(self, samples: int, batch: int, rng: np.random.Generator):
        if not 1 <= batch <= samples:
            raise ValueError(f"batch: got {batch}, expected 1 to the number of samples, {samples}")
        self.samples, self.batch, self.rng = samples, batch, rng
        self.batches: list[np.ndarray] = []

    def draw(self) -> np.ndarray:
        """Indices of the next batch, `(batch,)`."""
        if not self.batches:
            order = self.rng.permutation(self.samples)
            whole = self.samples - self.samples % self.batch
            self.batches = list(order[:whole].reshape(-1, self.batch)[::-1])
        return self.batches.pop()

    def pack(self) -> dict[str, np.ndarray]:
        """State as arrays, for a checkpoint."""
        rest = np.array(self.batches, dtype=np.int64).reshape(-1, self.batch)
        return {"rng": pack_generator(self.rng), "batches": rest}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a state that `pack` returned."""
        self.rng, self.batches = unpack_generator(state["rng"]), list(state["batches"])


def start(parameters: Parameters) -> Runs:
    """Runs at step 0, with momenta of zero."""
    return Runs(parameters, {name: torch.zeros_like(value) for name, value in parameters.items()}, 0)


def advance(runs: Runs, losses: Losses, orders: Sequence[Order], until: int, descent: Descent) -> Runs:
    """Runs at step `until`; the argument is not changed.

    Args:
        runs: stack of R runs.
        losses: of stacked parameters and indices `(R, batch)` of samples, returns `(R,)`.
        orders: one for each run, whose state goes on.
        until: global step, at most `descent.steps`.
        descent: constants.

    Raises:
        ValueError: another number of orders than runs, or a step that lies before or beyond.
    """
    count = len(next(iter(runs.parameters.values())))
    if len(orders) != count:
        raise ValueError(f"orders: got {len(orders)}, expected one for each of {count} runs")
    if not runs.step <= until <= descent.steps:
        raise ValueError(f"until: got {until}, expected {runs.step} to {descent.steps}")
    parameters = {name: value.detach().clone().requires_grad_() for name, value in runs.parameters.items()}
    momenta = {name: value.clone() for name, value in runs.momenta.items()}
    values, moving = list(parameters.values()), [momenta[name] for name in parameters]
    device = values[0].device
    for step in range(runs.step, until):
        index = torch.from_numpy(np.stack([order.draw() for order in orders])).to(device)
        gradients = torch.autograd.grad(losses(parameters, index).sum(), values)
        size = descent.learning_rate * rate(step, descent.steps, 0, descent.decay)
        with torch.no_grad():
            for value, momentum, gradient in zip(values, moving, gradients):
                if descent.weight_decay:
                    gradient = gradient.add(value, alpha=descent.weight_decay)
                momentum.mul_(descent.momentum).add_(gradient)
                value.sub_(momentum, alpha=size)
    return Runs({name: value.detach() for name, value in parameters.items()}, momenta, until)


def pack(runs: Runs, order: Order | None = None) -> dict[str, np.ndarray]:
    """State of a stack, and of one order of the data, as arrays, for a checkpoint."""
    stacks = {"parameter": runs.parameters, "momentum": runs.momenta}
    arrays = {f"{kind}:{name}": v.cpu().numpy() for kind, stack in stacks.items() for name, v in stack.items()}
    drawn = {f"order:{name}": v for name, v in order.pack().items()} if order else {}
    return {"step": np.array(runs.step), "names": np.array(list(runs.parameters)), **arrays, **drawn}


def unpack(state: dict[str, np.ndarray], order: Order | None = None, device: str = "cpu") -> Runs:
    """The stack of a state from `pack`; the state of the order goes into `order`."""
    names = [str(name) for name in state["names"]]  # a file keeps an order of its own
    parameters, momenta = (
        {name: torch.from_numpy(np.array(state[f"{kind}:{name}"])).to(device) for name in names}
        for kind in ("parameter", "momentum")
    )
    if order:
        order.restore({name: state[f"order:{name}"] for name in ("rng", "batches")})
    return Runs(parameters, momenta, int(state["step"]))


def fork(runs: Runs, copies: int = 2) -> Runs:
    """Every run `copies` times, copies of a run side by side: parameters, momenta and step."""

    def repeat(stack: Parameters) -> Parameters:
        return {name: value.repeat_interleave(copies, 0) for name, value in stack.items()}

    return Runs(repeat(runs.parameters), repeat(runs.momenta), runs.step)


def fork_orders(orders: Sequence[Order], copies: int = 2) -> list[Order]:
    """Exact copies of orders to go on with after `fork`: with them the children are what the parent would be."""
    return [deepcopy(order) for order in orders for _ in range(copies)]


def join(parts: Sequence[Runs]) -> Runs:
    """One stack of runs that are all at the same step.

    Raises:
        ValueError: they are at different steps.
    """
    steps = sorted({part.step for part in parts})
    if len(steps) != 1:
        raise ValueError(f"parts: got steps {steps}, expected one")
    return Runs(concatenate(p.parameters for p in parts), concatenate(p.momenta for p in parts), steps[0])


def pick(runs: Runs, index) -> Runs:
    """Some runs of a stack, by a slice or a list of indices."""
    return Runs(select(runs.parameters, index), select(runs.momenta, index), runs.step)


def advance_together(
    parts: Sequence[Runs], losses: Losses, orders: Sequence[Sequence[Order]], until: int, descent: Descent
) -> list[Runs]:
    """Several stacks at the same step, advanced as one stack; arguments as of `advance`, with orders for each part."""
    sizes = [len(next(iter(part.parameters.values()))) for part in parts]
    whole = advance(join(parts), losses, [order for part in orders for order in part], until, descent)
    ends = np.cumsum(sizes)
    return [pick(whole, slice(int(end) - size, int(end))) for size, end in zip(sizes, ends)]
