"""RAdam: the steps of torch's."""

import numpy as np
import torch

from lib.training import radam


def test_steps_are_those_of_torch():
    rng = np.random.default_rng(0)
    start, gradients = rng.standard_normal((3, 5)), rng.standard_normal((12, 3, 5))
    parameters = start.copy()
    moments = radam.init(parameters)
    theirs = torch.from_numpy(start.copy()).requires_grad_()
    optimiser = torch.optim.RAdam([theirs], lr=0.1)
    for count, gradient in enumerate(gradients, 1):
        rate = 0.1 * 0.9**count
        optimiser.param_groups[0]["lr"] = rate
        theirs.grad = torch.from_numpy(gradient)
        optimiser.step()
        radam.step(parameters, gradient, moments, count, rate)
        np.testing.assert_allclose(parameters, theirs.detach().numpy(), rtol=1e-12)
