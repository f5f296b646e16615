"""Three-layer networks of the Boolean tasks, many at once, trained on a task or to implement one algorithm."""

import numpy as np
import torch
from torch import nn

from lib.abstraction.causal import Sampler, draw_inputs
from lib.abstraction.interchange import Batch, intervention_loss, owned_coordinates
from lib.abstraction.maps import Identity
from lib.progress import progress
from lib.training.stacked import StackedLinear

LAYERS = 3


class StackedMLP(nn.Module):
    """Three blocks Linear(d, d), ReLU and two scores, for each model; starts as PyTorch's linear layers do.

    Layer l is the output of block l after its ReLU; layer 0 is the input.

    Args:
        d: width of inputs and layers.
        sources: one generator for each model.
    """

    def __init__(self, d: int, sources: list[torch.Generator]):
        super().__init__()
        self.d = d
        self.blocks = nn.ModuleList(StackedLinear(d, d, sources, bias=True) for _ in range(LAYERS))
        self.score = StackedLinear(d, 2, sources, bias=True)

    def lower(self, inputs: torch.Tensor, layer: int) -> torch.Tensor:
        """Hidden states `(models, rows, d)` at a layer."""
        for block in self.blocks[:layer]:
            inputs = torch.relu(block(inputs))
        return inputs

    def upper(self, hidden: torch.Tensor, layer: int) -> torch.Tensor:
        """Scores `(models, rows, 2)` from hidden states at a layer."""
        for block in self.blocks[layer:]:
            hidden = torch.relu(block(hidden))
        return self.score(hidden)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Scores `(models, rows, 2)`."""
        return self.upper(inputs, 0)

    def arrays(self) -> dict[str, np.ndarray]:
        """Weights `(models, layer, inputs, outputs)`, biases `(models, layer, outputs)`, and those of the scores."""
        return {
            "weight": np.stack([block.weight.numpy(force=True) for block in self.blocks], 1),
            "bias": np.stack([block.bias.numpy(force=True)[:, 0] for block in self.blocks], 1),
            "score_weight": self.score.weight.numpy(force=True).copy(),
            "score_bias": self.score.bias.numpy(force=True)[:, 0].copy(),
        }


def stacked_mlp(weight, bias, score_weight, score_bias) -> StackedMLP:
    """Frozen networks from arrays as `StackedMLP.arrays` gives them; models along the first axis."""
    weight, bias, score_weight, score_bias = (
        torch.from_numpy(np.ascontiguousarray(array)) for array in (weight, bias, score_weight, score_bias)
    )
    network = StackedMLP(weight.shape[-1], [torch.Generator()] * len(weight))
    with torch.no_grad():
        for layer, block in enumerate(network.blocks):
            block.weight.set_(weight[:, layer].contiguous())
            block.bias.set_(bias[:, layer, None].contiguous())
        network.score.weight.set_(score_weight)
        network.score.bias.set_(score_bias[:, None].contiguous())
    return network.requires_grad_(False)


class Cut:
    """A stack of networks, each cut at a layer of its own, equal layers side by side.

    Args:
        network: frozen networks.
        places: for each cut the model's index and its layer, sorted by layer.

    Raises:
        ValueError: places that are not sorted by layer.
    """

    def __init__(self, network: StackedMLP, places: list[tuple[int, int]]):
        if [layer for _, layer in places] != sorted(layer for _, layer in places):
            raise ValueError(f"places: got {places}, expected them sorted by layer")
        self.parts = []
        self.device = network.score.weight.device
        arrays = network.arrays()
        for layer in sorted({layer for _, layer in places}):
            models = [model for model, own in places if own == layer]
            part = stacked_mlp(**{name: array[models] for name, array in arrays.items()}).to(self.device)
            self.parts.append((layer, models, part))

    def lower(self, inputs: torch.Tensor) -> torch.Tensor:
        """Hidden states `(cuts, rows, d)` of each network's inputs `(models, rows, d)`."""
        with torch.no_grad():
            return torch.cat([part.lower(inputs[models], layer) for layer, models, part in self.parts])

    def upper(self, hidden: torch.Tensor, context=None) -> torch.Tensor:
        """Scores `(cuts, rows, 2)`."""
        split = hidden.split([len(models) for _, models, _ in self.parts])
        return torch.cat([part.upper(piece, layer) for piece, (layer, _, part) in zip(split, self.parts)])


def train_networks(
    network: StackedMLP, task: str, rngs: list[np.random.Generator], *, steps: int, batch: int, learning_rate: float,
    keep: tuple[int, ...] = (), tests: int = 10000, every: int = 100, patience: int | None = None,
    samples: int | None = None,
) -> tuple[np.ndarray, np.ndarray, list[dict[str, np.ndarray]]]:  # fmt: skip
    """Train networks on a task with Adam, and leave in each the weights of its best evaluation.

    Args:
        network: a stack; each model has data of its own.
        task: `equality` or `distributive`.
        rngs: one generator for each model.
        steps, batch, learning_rate: of Adam.
        keep: numbers of steps after which the weights are kept; 0 is the start.
        tests: inputs on which the models are evaluated.
        every: steps between two evaluations.
        patience: evaluations without a better one, after which training of all models ends once each had so many.
        samples: size of a stored training set that is passed over in random order; None: fresh inputs at every step.

    Returns:
        Steps of the evaluations, accuracies `(evaluations, models)`, and for each of `keep` the weights.

    Raises:
        ValueError: a loss is not finite.
    """
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    held_out = [draw_inputs(task, tests, rng) for rng in rngs]
    tests_x = torch.from_numpy(np.stack([x for x, _ in held_out]))
    tests_y = torch.from_numpy(np.stack([y for _, y in held_out]))
    stored = [draw_inputs(task, samples, rng) for rng in rngs] if samples else None
    orders: list[np.ndarray] = []
    at, curve, kept = [], [], []
    best = np.full(len(rngs), -1.0)
    best_state = {name: value.clone() for name, value in network.state_dict().items()}
    since = np.zeros(len(rngs), int)
    for step in progress(range(steps + 1), f"steps, {task}"):
        if step in keep:
            kept.append(network.arrays())
        if step % every == 0 or step == steps:
            with torch.no_grad():
                accuracy = (network(tests_x).argmax(-1) == tests_y).double().mean(1).numpy()
            at.append(step)
            curve.append(accuracy)
            better = accuracy > best
            best = np.where(better, accuracy, best)
            since = np.where(better, 0, since + 1)
            for name, value in network.state_dict().items():
                best_state[name][better] = value[better]
            if patience is not None and (since >= patience).all():
                break
        if step == steps:
            break
        if stored is None:
            drawn = [draw_inputs(task, batch, rng) for rng in rngs]
        else:
            place = step % (samples // batch)
            if place == 0:
                orders = [rng.permutation(samples) for rng in rngs]
            rows = slice(place * batch, (place + 1) * batch)
            drawn = [(x[order[rows]], y[order[rows]]) for (x, y), order in zip(stored, orders)]
        x, y = (torch.from_numpy(np.stack(part)) for part in zip(*drawn))
        loss = nn.functional.cross_entropy(network(x).flatten(0, 1), y.flatten(), reduction="sum") / batch
        if not torch.isfinite(loss):
            raise ValueError(f"training: got the loss {float(loss)} at step {step}, expected a number")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.load_state_dict(best_state)
    return np.array(at), np.stack(curve), kept


def train_fitted(
    network: StackedMLP, algorithm: str, rngs: list[np.random.Generator], *, steps: int, batch: int,
    learning_rate: float, layer: int = 2, plain: float = 0.4,
) -> None:  # fmt: skip
    """Train whole networks to implement one algorithm: interchange training with neurons of a layer as its variables.

    Args:
        network: a stack, changed in place.
        algorithm: with two variables; the first owns the first half of the neurons, the second the rest.
        rngs: one generator for each model.
        steps, batch, learning_rate: of Adam; interventions are fresh at every step.
        layer: where variables are.
        plain: share of inputs without an intervention.
    """
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    sampler, owned = Sampler(algorithm), owned_coordinates(network.d, [network.d // 2] * 2)
    count = round(plain * batch)
    for _ in progress(range(steps), f"steps, {algorithm}"):
        inputs, flags, labels = [], [], []
        for rng in rngs:
            drawn = sampler(batch - count, rng)
            x, y = draw_inputs(sampler.method.task, count, rng)
            both = np.concatenate([np.concatenate([drawn.base[:, None], drawn.sources], 1), np.stack([x] * 3, 1)])
            inputs.append(both.swapaxes(0, 1))
            flags.append(np.concatenate([drawn.flags, np.zeros((count, 2), bool)]))
            labels.append(np.concatenate([drawn.label, y]))
        x, swapped, label = (torch.from_numpy(np.stack(part)) for part in (inputs, flags, labels))
        states = network.lower(x.flatten(1, 2), layer).unflatten(1, x.shape[1:3])
        batch_now = Batch(states, swapped, label)
        losses = intervention_loss(Identity(), batch_now, lambda h, _: network.upper(h, layer), owned)
        if not torch.isfinite(losses).all():
            raise ValueError(f"training: got the losses {losses.tolist()}, expected numbers")
        optimiser.zero_grad()
        losses.sum().backward()
        optimiser.step()


@torch.no_grad()
def task_accuracy(network: StackedMLP, task: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Accuracy of each model on fresh inputs of a task, `(models,)`."""
    x, y = draw_inputs(task, n, rng)
    models = network.score.weight.shape[0]
    return (
        (network(torch.from_numpy(x).expand(models, *x.shape)).argmax(-1) == torch.from_numpy(y))
        .double()
        .mean(1)
        .numpy()
    )


DIMS = {
    "weight": ("layer", "{d}_from", "{d}_to"),
    "bias": ("layer", "{d}_to"),
    "score_weight": ("{d}_from", "class"),
    "score_bias": ("class",),
}


def pack_networks(group: str, snapshots: dict[str, dict[str, np.ndarray]]) -> dict[str, tuple]:
    """Variables of a store that hold weights of a group of networks, by snapshot.

    Args:
        group: name of the group; dimensions and variables begin with it.
        snapshots: by name, arrays as `StackedMLP.arrays` gives them.
    """
    return {
        f"{group}_{name}": (
            (f"{group}_snapshot", f"{group}_seed", *(dim.format(d=f"{group}_neuron") for dim in dims)),
            np.stack([arrays[name] for arrays in snapshots.values()]),
            {"long_name": f"{name.replace('_', ' ')} of the networks"},
        )
        for name, dims in DIMS.items()
    } | {f"{group}_snapshot": list(snapshots)}


def unpack_networks(store, group: str, snapshots: list[str], seeds: int) -> StackedMLP:
    """Networks of a group as one stack, snapshot by snapshot, the first `seeds` of each.

    Raises:
        ValueError: a group or snapshot that the store does not have.
    """
    have = store[f"{group}_snapshot"].values.tolist() if f"{group}_snapshot" in store else []
    if missing := [one for one in snapshots if one not in have]:
        raise ValueError(f"snapshots: got {missing} of {group}, expected some of {have}")
    part = store.sel({f"{group}_snapshot": snapshots}).isel({f"{group}_seed": slice(0, seeds)})
    arrays = {name: part[f"{group}_{name}"].values for name in DIMS}
    return stacked_mlp(**{name: array.reshape(-1, *array.shape[2:]) for name, array in arrays.items()})
