"""Perceptrons on digits with noisy labels: forks of every seed at several steps, and pairs of independent runs."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from lib.landscape.digits import Digits
from lib.landscape.forks import Descent, Order, Runs, advance_together, fork, start
from lib.landscape.losses import draw_mlps, mlp_errors, mlp_losses
from lib.landscape.parameters import Parameters, flatten, select, unflatten

PAIR = 2
AT_ONCE = 4  # networks whose activations on all data stay in the cache: half the time of a large stack


class Task(NamedTuple):
    """What every run of an experiment shares.

    `widths` of the perceptrons, their `activation`, the `data`, and `labels` (seeds, samples) to train on.
    """

    widths: Sequence[int]
    activation: str
    data: Digits
    labels: torch.Tensor

    def like(self) -> Parameters:
        """A stack of one network, for shapes."""
        return draw_mlps(self.widths, [0])

    def networks(self, vectors) -> Parameters:
        """Stack of the networks whose flat parameters are the rows, `(networks, P)`."""
        return unflatten(torch.from_numpy(np.ascontiguousarray(vectors)), self.like(), stacked=True)

    def loss_of(self, owners: Sequence[int], test: bool = False) -> Callable[[Parameters], torch.Tensor]:
        """Losses of a stack over all data; `owners` says which seed's labels each network has."""
        return self._over_all(mlp_losses, owners, test)

    def error_of(self, owners: Sequence[int], test: bool = False) -> Callable[[Parameters], torch.Tensor]:
        """Shares of wrong classes of a stack over all data."""
        return self._over_all(mlp_errors, owners, test)

    def _over_all(self, measure: Callable, owners: Sequence[int], test: bool) -> Callable[[Parameters], torch.Tensor]:
        inputs, labels = self._data(owners, test)

        def of(parameters: Parameters) -> torch.Tensor:
            x = inputs.to(next(iter(parameters.values())).dtype)
            if torch.is_grad_enabled():
                return measure(parameters, x, labels, self.activation)
            parts = [slice(i, i + AT_ONCE) for i in range(0, len(labels), AT_ONCE)]
            return torch.cat([measure(select(parameters, part), x, labels[part], self.activation) for part in parts])

        return of

    def _data(self, owners: Sequence[int], test: bool):
        owners = torch.as_tensor(np.asarray(owners))
        if test:
            return self.data.test_inputs, self.data.test_labels.expand(len(owners), -1)
        return self.data.inputs, self.labels[owners]


class Pairs(NamedTuple):
    """Trained pairs as flat parameters, float32.

    `forks` (forks, seeds, 2, after, P): both children `after` steps after the fork, the last at the end of training;
    NaN where that lies beyond the end, or repeats it. `independent` (seeds, 2, 2, P): start and end of two runs.
    """

    forks: np.ndarray
    independent: np.ndarray


class _Group(NamedTuple):
    """A stack of runs with an order of the data each, and the seed whose labels each sees."""

    runs: Runs
    orders: list[Order]
    owners: list[int]


def train_pairs(
    task: Task,
    descent: Descent,
    batch: int,
    forks: Sequence[int],
    after: Sequence[int],
    stream: Callable[..., np.random.Generator],
) -> Pairs:
    """Train the pairs of all seeds as one stack: a trunk for each seed, from which two children part at every fork.

    Args:
        task: data and networks, with labels for each seed.
        descent, batch: of the training.
        forks: steps at which children part, growing.
        after: steps after the fork that are kept, growing, 0 among them.
        stream: a generator for each key, such as `stream("order", seed)`.

    Raises:
        ValueError: forks that are not between 0 and the last step.
    """
    forks, seeds, samples = sorted(forks), len(task.labels), len(task.data.inputs)
    if forks[0] < 0 or forks[-1] >= descent.steps:
        raise ValueError(f"forks: got {forks}, expected steps from 0 to {descent.steps - 1}")

    def begin(*names) -> Runs:
        numbers = [int(stream(*name).integers(2**62)) for name in names]
        return start(draw_mlps(task.widths, numbers))

    def order(*name) -> Order:
        return Order(samples, batch, stream(*name))

    each = list(range(seeds))
    both = [(seed, run) for seed in each for run in range(PAIR)]
    owners = [seed for seed, _ in both]
    trunk = _Group(begin(*(("start", s) for s in each)), [order("trunk", s) for s in each], each)
    pairs = {
        "independent": _Group(
            begin(*(("start", s, run + 1) for s, run in both)),
            [order("independent", s, run) for s, run in both],
            owners,
        )
    }
    size = flatten(trunk.runs.parameters, stacked=True).shape[1]
    kept = np.full((len(forks), seeds, PAIR, len(after) + 1, size), np.nan, dtype=np.float32)
    independent = np.empty((seeds, PAIR, 2, size), dtype=np.float32)
    independent[:, :, 0] = _vectors(pairs["independent"], seeds)
    looks = {k + a for k in forks for a in after if k + a < descent.steps}
    for step in sorted({descent.steps, *forks, *looks}):
        active = [*pairs.values()] if step > forks[-1] else [trunk, *pairs.values()]
        moved = _advance(active, task, step, descent)
        trunk = trunk if step > forks[-1] else moved[0]
        pairs = dict(zip(pairs, moved[-len(pairs) :]))
        if step in forks:
            orders = [order("child", s, step, run) for s, run in both]
            pairs[step] = _Group(fork(trunk.runs, PAIR), orders, owners)
        for i, k in enumerate(forks):
            if step == descent.steps or step - k in after:
                place = len(after) if step == descent.steps else list(after).index(step - k)
                kept[i, :, :, place] = _vectors(pairs[k], seeds)
    independent[:, :, 1] = _vectors(pairs["independent"], seeds)
    return Pairs(kept, independent)


def _vectors(group: _Group, seeds: int) -> np.ndarray:
    return flatten(group.runs.parameters, stacked=True).numpy().reshape(seeds, PAIR, -1)


def _advance(groups: list[_Group], task: Task, until: int, descent: Descent) -> list[_Group]:
    """All groups at a later step, advanced as one stack."""
    owners = torch.tensor([seed for group in groups for seed in group.owners])
    inputs, labels, activation = task.data.inputs, task.labels, task.activation

    def losses(parameters: Parameters, index: torch.Tensor) -> torch.Tensor:
        return mlp_losses(parameters, inputs[index], labels[owners[:, None], index], activation)

    runs = [group.runs for group in groups]
    moved = advance_together(runs, losses, [group.orders for group in groups], until, descent)
    return [group._replace(runs=part) for group, part in zip(groups, moved)]


def stored_task(pairs, labels: str = "labels") -> Task:
    """The task of a store of `train_pairs`, with the labels of that name."""
    values = torch.from_numpy(pairs[labels].transpose("seed", "sample").values.astype(np.int64))
    arrays = [
        pairs.inputs,
        pairs.plain_labels[0].astype(np.int64),
        pairs.test_inputs,
        pairs.test_labels.astype(np.int64),
    ]
    data = Digits(*(torch.from_numpy(np.ascontiguousarray(array.values)) for array in arrays))
    return Task(pairs.attrs["widths"], "relu", data, values)


def stored_ends(pairs) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of the groups of pairs in a store and both ends `(groups, seeds, P)`: every fork, then independent runs."""
    children = pairs.children.isel(after=-1).transpose("run", "fork", "seed", "parameter").values
    independent = pairs.independent.sel(moment="end").transpose("run", "seed", "parameter").values
    first, second = (np.concatenate([children[i], independent[i][None]]) for i in range(PAIR))
    return [*(f"k = {k}" for k in pairs.fork.values), "independent"], first, second
