"""Encoders, tasks and heads of the topic language, the same in every stage that asks for them."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.language.encoders import Encoder
from lib.language.topics import Task, TopicWorld, draw_task
from lib.probing.heads import Head, random_head
from lib.probing.pretraining import load_weights

PAPER = "lp_ft_ntk"


class TaskSizes(NamedTuple):
    """Documents that are not trained on, and probability that a content word is of its document's topic."""

    validation: int
    test: int
    shifted: int
    purity: float


def stored_encoder(encoders: xr.Dataset, number: int) -> Encoder:
    """An encoder of a store of pre-trained weights, frozen and in evaluation mode."""
    world = stored_world(encoders)
    sizes = {key: int(encoders.attrs[key]) for key in ("width", "layers", "heads")}
    return load_weights(Encoder(world.vocabulary, world.length + 1, **sizes), encoders.weights.values[number])


def stored_world(encoders: xr.Dataset) -> TopicWorld:
    """The language of a store of encoders."""
    return TopicWorld(**{key: int(encoders.attrs[key]) for key in TopicWorld._fields})


def keyed_task(root_seed: int, encoders: xr.Dataset, encoder: int, seed: int, train: int, sizes: TaskSizes) -> Task:
    """The task of an encoder and seed with a number of training documents."""
    rng = generator(root_seed, PAPER, "task", encoder, seed, train)
    return draw_task(stored_world(encoders), train, *sizes, rng)


def keyed_random_head(root_seed: int, encoder: int, seed: int, classes: int, width: int) -> Head:
    """The head from which fine-tuning without probing starts."""
    return random_head(classes, width, generator(root_seed, PAPER, "random head", encoder, seed))


def stored_head(heads: xr.Dataset, encoder: int, seed: int, train: int, noise: float = 0.0) -> Head:
    """A probed head of a store, fitted on labels of which a share is noise."""
    one = heads.sel(encoder=encoder, seed=seed, documents=train, noise=noise)
    return Head(one.weights.values, one.bias.values, float(one.strength))


def noisy_labels(labels: np.ndarray, share: float, classes: int, rng: np.random.Generator) -> np.ndarray:
    """Labels of which each is replaced, with probability `share`, by a uniform one; more noise replaces more."""
    drawn = rng.random(len(labels))
    return np.where(drawn < share, rng.integers(classes, size=len(labels)), labels)
