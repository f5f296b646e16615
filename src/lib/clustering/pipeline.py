"""Runs of the two stages on one data set: starts, variants of stage 2, and labels at a frozen temperature."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import nn

from lib.atlas.job.seeds import generator
from lib.clustering.fit import Membership, Recipe, Trace, embed, learn_features, learn_membership
from lib.clustering.membership import project
from lib.clustering.networks import TwoHeads, centroid_head, copy_head, flat_state, load_flat_state
from lib.clustering.spectral import kmeans_labels, scores, spectral_labels
from lib.clustering.views import View

KMEANS_SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Variant:
    """What is special about a run of stage 2.

    Args:
        membership: see there.
        head: `copy` of the representation's head, `fresh`, or `kmeans`, products with centroids.
        scratch: start without stage 1.
    """

    membership: Membership = field(default_factory=Membership)
    head: str = "copy"
    scratch: bool = False


VARIANTS = {
    "full": Variant(),
    "mean_gamma": Variant(Membership(views="mean_gamma")),
    "frob": Variant(Membership(frobenius=0.05)),
    "abs": Variant(Membership(absolute=True)),
    "no_copy": Variant(head="fresh"),
    "no_ssl_init": Variant(scratch=True),
    "no_ds": Variant(Membership(kind="softmax"), head="fresh"),
    "no_ds_kmeans": Variant(Membership(kind="softmax"), head="kmeans"),
    "oracle": Variant(Membership(kind="truth")),
}


@dataclass(frozen=True)
class Problem:
    """A data set with its network and views.

    Args:
        x: samples.
        classes: (n,), 0, ..., k - 1; for scores, and for training only where a variant is an oracle.
        view: random distortion.
        build: network with a cluster head of the given width (None for that of the representation).
    """

    x: torch.Tensor
    classes: np.ndarray
    view: View
    build: Callable[[int | None], TwoHeads]

    @property
    def clusters(self) -> int:
        """Number k of classes."""
        return len(np.unique(self.classes))

    def rows(self, chosen: np.ndarray) -> "Problem":
        """The same with some of the samples."""
        return replace(self, x=self.x[torch.from_numpy(chosen)], classes=self.classes[chosen])


def torch_source(root_seed: int, *key) -> torch.Generator:
    """A generator of PyTorch named by a key (`lib.atlas.job.seeds`)."""
    return torch.Generator().manual_seed(int(generator(root_seed, *key).integers(2**62)))


def fresh_model(problem: Problem, source: torch.Generator, clusters: int | None = None) -> TwoHeads:
    """A network whose first weights are drawn from a seed that `source` gives."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (1,), generator=source)))
        return problem.build(clusters)


def train_start(
    problem: Problem, recipe: Recipe, source: torch.Generator, averaged: str = "unit"
) -> tuple[TwoHeads, Trace]:
    """Stage 1 from fresh weights."""
    model = fresh_model(problem, source)
    return model, learn_features(model, problem.x, problem.view, recipe, source, averaged=averaged)


def prepare(problem: Problem, start: np.ndarray, variant: Variant, source: torch.Generator) -> TwoHeads:
    """Network at the start of stage 2.

    Args:
        problem: data and network.
        start: weights after stage 1 (`flat_state` of all but the cluster head).
        variant: of stage 2.
        source: of fresh weights.
    """
    softmax = variant.membership.kind == "softmax"
    model = fresh_model(problem, source, problem.clusters if softmax else None)
    if not variant.scratch:
        load_flat_state(model, start, skip="cluster")
    if variant.head == "copy":
        copy_head(model)
    elif variant.head == "kmeans":
        model.eval()
        with torch.no_grad():
            outputs = model.outputs(problem.x)[0]
        features = nn.functional.normalize(outputs, dim=1)
        labels = torch.from_numpy(kmeans_labels(features.numpy(), problem.clusters, [0])[0]).long()
        centroids = torch.stack([features[labels == k].mean(0) for k in range(problem.clusters)])
        centroid_head(model, nn.functional.normalize(centroids, dim=1), float(outputs.norm(dim=1).mean()))
    return model


def start_vector(model: TwoHeads) -> np.ndarray:
    """Weights after stage 1 for `prepare`."""
    return flat_state(model, skip="cluster")


def membership_labels(c, eta: float, k: int, seeds=KMEANS_SEEDS, absolute: bool = False) -> np.ndarray:
    """Labels (seeds, n) by spectral clustering of the converged projection of C C'."""
    c = np.asarray(c, float)
    gram = c @ c.T
    return spectral_labels(project(np.abs(gram) if absolute else gram, eta).membership, k, seeds)


def label_run(model: TwoHeads, problem: Problem, variant: Variant, eta: float) -> tuple[np.ndarray, ...]:
    """Representation, similarity features and labels (seeds, n) of a network."""
    z, c = (part.numpy() for part in embed(model, problem.x))
    if variant.membership.kind == "softmax":
        return z, c, np.tile(c.argmax(1), (len(KMEANS_SEEDS), 1))
    if variant.membership.kind == "truth":
        c = z  # the cluster head was not trained
    return z, c, membership_labels(c, eta, problem.clusters, absolute=variant.membership.absolute)


def mean_scores(classes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Accuracy, NMI and ARI, means over the rows of `labels`."""
    return np.mean([scores(classes, one) for one in labels], axis=0)


def train_variant(
    problem: Problem, start: np.ndarray, variant: Variant, recipe: Recipe, source: torch.Generator, eta: float,
    probe: int = 0,
) -> tuple[TwoHeads, Trace, np.ndarray, np.ndarray]:  # fmt: skip
    """Stage 2 of one variant.

    Args:
        problem, start, variant, source: as of `prepare`.
        recipe: of stage 2.
        eta: temperature of labels.
        probe: samples on which rates are measured; none for 0.

    Returns:
        Network, trace, and scores (accuracy, NMI, ARI) before and after.
    """
    model = prepare(problem, start, variant, source)
    before = mean_scores(problem.classes, label_run(model, problem, variant, eta)[2])
    rows = torch.arange(min(probe, len(problem.x))) if probe else None
    classes = torch.from_numpy(problem.classes)
    trace = learn_membership(
        model, problem.x, problem.view, recipe, variant.membership, source, classes=classes, probe=rows
    )
    after = mean_scores(problem.classes, label_run(model, problem, variant, eta)[2])
    return model, trace, before, after
