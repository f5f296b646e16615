"""One pair of convolutional networks on natural images: its barrier, and what predicts it."""

import functools

import numpy as np
import torch
import xarray as xr
from torch import nn
from torch.func import functional_call

from lib.atlas.job.seeds import generator
from lib.clustering.images import load_images
from lib.landscape.convolutional import ARCHITECTURES
from lib.landscape.curvature import endpoint_estimate, fork_estimate
from lib.landscape.forks import Descent, Order, Runs, advance, pack, start, unpack
from lib.landscape.lines import barrier
from lib.landscape.losses import mean_over_batches, module_loss
from lib.landscape.parameters import inner, parameters_of, select, subtract
from lib.progress import progress
from lib.training.state import Part, results_so_far

AT_ONCE, STRIDE = 500, 500  # images of a batch of the measures; steps between two looks at the checkpoint
CHILDREN = (1, 2)
FROM_THE_FORK = ("fork",)  # predictors that need the network at the fork


def _distance(loss, origin, one, other) -> torch.Tensor:
    way = subtract(other, one)
    return inner(way, way)


def _from_the_fork(loss, origin, one, other) -> torch.Tensor:
    with torch.no_grad():
        ends = (loss(one) + loss(other)).double() / 2
    return fork_estimate(loss, origin, one, other) - ends


# of a loss, the network at the fork and both ends; linear in the loss, so that batches are averaged
PREDICTORS = {
    "endpoint": lambda loss, origin, one, other: endpoint_estimate(loss, one, other),
    "distance": _distance,
    "fork": _from_the_fork,
}


def train_convolutional(
    *,
    images: str,
    architecture: str,
    seed: int,
    fork: int | str,
    steps: int,
    rate: float,
    momentum: float,
    decay: float,
    batch: int,
    alphas: int,
    device: str,
    root_seed: int,
    checkpoint=None,
) -> xr.Dataset:
    """Return losses and errors on the line between two networks, and predictions of the barrier.

    Args:
        images: folder of CIFAR-10's Python batches.
        architecture: `resnet20` or `vgg11`.
        seed: of the start and of the orders of the data.
        fork: step at which the two part; `independent` for two starts.
        steps, rate, momentum, decay, batch: of the descent; the rate falls to 0 over the second half.
        alphas: points of the line.
        device: torch device.
        root_seed: root of the random streams.
        checkpoint: where the state of the training is saved.
    """
    stream = functools.partial(generator, root_seed, "mode_connectivity", "convolutional", architecture, seed)
    (x, y), (test_x, test_y) = (_normalised(images, split, device) for split in ("train", "test"))
    descent = Descent(rate, momentum, steps, weight_decay=decay)
    build = functools.partial(ARCHITECTURES[architecture], int(y.max()) + 1, x.shape[1])
    module, results = build().to(device), results_so_far(checkpoint)

    def begin(place: int) -> Runs:
        return start(_drawn(build, stream("start", place), device))

    def train(name: str, runs: Runs, until: int, *key) -> Runs:
        part = Part(checkpoint, name, dict(results)) if checkpoint else None
        return _advance(module, x, y, runs, Order(len(x), batch, stream(*key)), until, descent, part, device)

    def once(name: str, make) -> Runs:
        """A finished run, from the checkpoint where it holds it."""
        if f"{name}:step" not in results:
            results.update({f"{name}:{key}": value for key, value in pack(make()).items()})
        prefix = f"{name}:"
        return unpack({key[len(prefix) :]: v for key, v in results.items() if key.startswith(prefix)}, device=device)

    if fork == "independent":
        origin = None
        ends = [once(f"run {c}", lambda c=c: train(f"run {c}", begin(c), steps, "independent", c)) for c in CHILDREN]
    else:
        origin = once("trunk", lambda: train("trunk", begin(1), fork, "trunk"))
        ends = [once(f"run {c}", lambda c=c: train(f"run {c}", origin, steps, "child", fork, c)) for c in CHILDREN]
    one, other = (select(end.parameters, 0) for end in ends)
    begun = origin and select(origin.parameters, 0)
    store = _measure(module, (x, y), (test_x, test_y), one, other, begun, alphas)
    return store.assign_attrs(architecture=architecture, seed=seed, fork=fork)


def _normalised(root: str, split: str, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Images with the mean 0.5 and the deviation 0.25 of each channel taken off, and classes."""
    images, classes = load_images("cifar10", root, split)
    return torch.from_numpy((images - 0.5) / 0.25).to(device), torch.from_numpy(classes).to(device)


def _drawn(build, rng: np.random.Generator, device: str) -> dict[str, torch.Tensor]:
    """A fresh start, as a stack of one, the same on every device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**62)))
        return {name: value[None].to(device) for name, value in parameters_of(build()).items()}


def _advance(module, x, y, runs: Runs, order: Order, until: int, descent: Descent, part: Part | None, device: str):
    """One run to a step, with its state saved now and then."""

    def losses(parameters, index):
        outputs = functional_call(module, select(parameters, 0), (x[index[0]],))
        return nn.functional.cross_entropy(outputs, y[index[0]])[None]

    if state := part.load() if part else None:
        runs = unpack(state, order, device)
    for stop in progress([*range(runs.step + STRIDE, until, STRIDE), until], "hundreds of steps"):
        runs = advance(runs, losses, [order], stop, descent)
        if part:
            part.save_if_due(lambda now=runs: pack(now, order))
    return runs


def _measure(module, train, test, one, other, origin, alphas: int) -> xr.Dataset:
    grid = np.linspace(0, 1, alphas).tolist()
    batches, held_out = (list(zip(x.split(AT_ONCE), y.split(AT_ONCE))) for x, y in (train, test))

    def error(outputs, targets):
        return (outputs.argmax(1) != targets).double().mean()

    lines = {
        name: barrier(module_loss(module, data, criterion), one, other, grid).curve.cpu().numpy()
        for name, data, criterion in (
            ("train_loss", batches, nn.functional.cross_entropy), ("train_error", batches, error),
            ("test_loss", held_out, nn.functional.cross_entropy), ("test_error", held_out, error),
        )
    }  # fmt: skip
    curve = lines["train_loss"]
    chord = (1 - np.array(grid)) * curve[0] + np.array(grid) * curve[-1]
    predicted = [
        np.nan
        if origin is None and name in FROM_THE_FORK
        else float(mean_over_batches(lambda loss, expect=expect: expect(loss, origin, one, other), module, batches))
        for name, expect in PREDICTORS.items()
    ]
    return xr.Dataset(
        {
            "curve": (("measure", "alpha"), np.stack(list(lines.values()))),
            "barrier": ((), float((curve - chord).max())),
            "predicted": ("predictor", predicted),
        },
        coords={"measure": list(lines), "alpha": grid, "predictor": list(PREDICTORS)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_convolutional, snakemake)
