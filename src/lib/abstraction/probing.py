"""Linear probes of an algorithm's variables: the baseline that asks what a layer says, not what the network uses."""

from collections.abc import Sequence

import numpy as np
import torch

from lib.abstraction.causal import Sampler, vectors_of
from lib.abstraction.networks import Cut


def variable_probes(
    sampler: Sampler, cut: Cut, owner: np.ndarray, train: int, tests: int, rngs: Sequence[np.random.Generator]
) -> np.ndarray:
    """Accuracy of logistic regression on the variables' values, averaged over variables, of each cut.

    Args:
        sampler: of an algorithm with Boolean variables; probes are trained and tested on its base inputs.
        cut: networks.
        owner: for each cut the index of its generator.
        train, tests: inputs.
        rngs: one for each network's inputs.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    inputs = np.stack([sampler(train + tests, rng).base for rng in rngs])
    copies = (max(model for _, models, _ in cut.parts for model in models) // len(rngs)) + 1
    states = cut.lower(torch.from_numpy(np.tile(inputs, (copies, 1, 1))).to(cut.device)).numpy(force=True)
    accuracy = np.zeros(len(owner))
    for i, own in enumerate(owner):
        values = np.stack([variable(vectors_of(inputs[own])) for variable in sampler.method.variables])
        for value in values:
            probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
            probe.fit(states[i, :train], value[:train])
            accuracy[i] += probe.score(states[i, train:], value[train:]) / len(values)
    return accuracy
