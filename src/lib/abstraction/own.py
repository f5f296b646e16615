"""Does a network of your own implement an algorithm of your own, and how complex must the map be that says so?"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from lib.abstraction.alignment import count_map_parameters, train_maps
from lib.abstraction.hooks import HookedCut, Site, rows_of
from lib.abstraction.interchange import Batch, accuracy_estimate, intervention_accuracy, owned_coordinates
from lib.abstraction.maps import Orthogonal, RevNet, Standardised, random_rotation
from lib.stats.intervals import Estimate
from lib.training.stacked import generators


class Finding(NamedTuple):
    """How far one kind of map goes.

    Args:
        map: its name.
        accuracy: share of interventions of held-out examples that the network answers as the algorithm, with its
            interval over interventions.
        parameters: degrees of freedom of the map.
        moved: change of the accuracy over the last quarter of the steps; a map that still moves is not trained out.
        phi: the map.
    """

    map: str
    accuracy: Estimate
    parameters: int
    moved: float
    phi: nn.Module


class Report(NamedTuple):
    """What was found at one site.

    Args:
        findings: random rotation, rotation, reversible networks by size, in this order.
        constant: accuracy of the most frequent counterfactual answer.
        own: share of the held-out examples that the network answers as the algorithm, without intervention.
        owned: `(variables, d)` coordinates of each variable.
    """

    findings: list[Finding]
    constant: float
    own: float
    owned: torch.Tensor


def align_module(
    model: nn.Module, site: Site, inputs, variables: np.ndarray, answer: Callable[[np.ndarray], np.ndarray], *,
    blocks: tuple[int, ...] = (1, 8), hidden: int = 64, size: int | None = None, steps: int = 1000, batch: int = 128,
    learning_rate: float = 0.002, rotation_rate: float = 0.01, tests: int = 2000, share: float = 0.8, seed: int = 0,
) -> Report:  # fmt: skip
    """Align an algorithm with a layer of any PyTorch module, by maps of growing complexity.

    Reversible networks fit random networks too: their accuracy says something of the network only beside that of
    rotations, of a network with random weights, and of the random rotation that nobody trained.

    Args:
        model: the module; its parameters are frozen here.
        site: the part whose output is aligned, and for outputs `(rows, tokens, d)` the token.
        inputs: a tensor `(n, ...)` or a dictionary of such, which the module takes.
        variables: `(n, V)`, the value of each variable of the algorithm on each input.
        answer: the algorithm's class `(k,)` from variables' values `(k, V)`.
        blocks: numbers of reversible blocks.
        hidden: width of a block.
        size: coordinates of each variable; the width over V, at most half of it, where None.
        steps, batch: of Adam.
        learning_rate, rotation_rate: of reversible networks and of rotations.
        tests: interventions on which accuracies are measured.
        share: of the examples that maps are trained on; interventions of the tests are built from the others alone.
        seed: of all random numbers.

    Raises:
        ValueError: variables that do not fit the inputs, fewer than ten examples, or a site that does not exist.
    """
    count = len(next(iter(inputs.values())) if isinstance(inputs, dict) else inputs)
    variables = np.asarray(variables)
    if variables.ndim != 2 or len(variables) != count:
        raise ValueError(f"variables: got shape {variables.shape}, expected ({count}, V)")
    if count < 10:
        raise ValueError(f"inputs: got {count} examples, expected at least ten")
    cut = HookedCut(model, site)
    rng = np.random.default_rng(seed)
    order = rng.permutation(count)
    inside, outside = order[: round(share * count)], order[round(share * count) :]
    hidden_states = torch.cat(
        [
            cut.lower(rows_of(inputs, torch.from_numpy(part)), cut.at_rows(torch.from_numpy(part)))
            for part in np.array_split(np.arange(count), max(1, count // 1024))
        ],
        1,
    )
    d, number = hidden_states.shape[-1], variables.shape[1]
    owned = owned_coordinates(d, [size or max(1, d // max(2, number))] * number)

    def draw(rows: np.ndarray, n: int, rng: np.random.Generator) -> Batch:
        base, sources = rng.choice(rows, n), rng.choice(rows, (number, n))
        flags = rng.random((n, number)) < 0.5
        flags[np.arange(n), rng.integers(0, number, n)] = True  # no intervention without an effect on some variable
        values = np.where(flags, variables[sources, np.arange(number)[:, None]].T, variables[base])
        label = torch.from_numpy(np.asarray(answer(values)).astype(np.int64))[None]
        states = torch.stack([hidden_states[:, torch.from_numpy(index)] for index in (base, *sources)], 1)
        index = torch.from_numpy(base)
        return Batch(states, torch.from_numpy(flags)[None], label, None, (rows_of(inputs, index), cut.at_rows(index)))

    test = draw(outside, tests, np.random.default_rng([seed, 1]))
    rows = torch.from_numpy(outside)
    plain = cut.upper(hidden_states[:, rows], (rows_of(inputs, rows), cut.at_rows(rows)))[0].argmax(-1).numpy()
    known = hidden_states[:, torch.from_numpy(inside)]
    mean = known.mean(1, keepdim=True)
    scale = (known - mean).std(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    source = generators([seed])
    findings = [
        _untrained(
            "random rotation", Standardised(random_rotation(d, source, mean.dtype), mean, scale), test, cut, owned
        )
    ]
    kinds = [("rotation", Orthogonal(d, source, mean.dtype), rotation_rate)]
    kinds += [(f"reversible, {k} blocks of {hidden}", RevNet(d, k, hidden, source), learning_rate) for k in blocks]
    for name, inner, rate in kinds:
        phi = Standardised(inner.to(mean.dtype), mean, scale)
        stream = np.random.default_rng([seed, 2])
        history = train_maps(
            phi, lambda stream=stream: draw(inside, batch, stream), cut.upper, owned, test, steps=steps,
            learning_rate=rate, warmup=steps // 4, decay="cosine", label=f"steps, {name}",
        )  # fmt: skip
        estimate = accuracy_estimate(float(history.accuracy[0]), tests)
        findings.append(Finding(name, estimate, count_map_parameters(inner), float(history.moved[0]), phi))
    constant = float(torch.bincount(test.label[0]).max()) / tests
    own = float(np.mean(plain == np.asarray(answer(variables[outside])).astype(np.int64)))
    return Report(findings, constant, own, owned)


def _untrained(name: str, phi: nn.Module, test: Batch, cut: HookedCut, owned: torch.Tensor) -> Finding:
    accuracy = float(intervention_accuracy(phi, test, cut.upper, owned)[0])
    return Finding(name, accuracy_estimate(accuracy, test.label.shape[1]), 0, 0.0, phi)
