"""EDM: preconditioning once and no more, Heun's sampler in closed form, its order, churn, solvers of diffusers."""

import itertools

import numpy as np
import pytest
import torch
from diffusers import EDMDPMSolverMultistepScheduler

from lib.diffusion.edm import Churn, edm_scheduler, heun, loss_weight, noise_grid, precondition, sample_by_scheduler

SCALE = 0.7


def gaussian(x, sigma, label=None):
    """Exact denoiser of normal data of deviation SCALE."""
    return SCALE**2 / (SCALE**2 + sigma**2) * x


def start(n: int = 4000, highest: float = 28.0) -> torch.Tensor:
    return highest * torch.randn(n, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_preconditioning_is_that_of_karras():
    scheduler = edm_scheduler(SCALE)
    x, sigma = torch.randn(5, 3), torch.rand(5, 1) + 0.1
    seen = {}

    def network(scaled, noise, label):
        seen.update(scaled=scaled, noise=noise, label=label)
        return torch.sin(scaled)

    own = precondition(scheduler, network)(x, sigma, "label")
    total = SCALE**2 + sigma**2
    torch.testing.assert_close(seen["scaled"], x / total.sqrt())
    torch.testing.assert_close(seen["noise"], sigma.log() / 4)
    assert seen["label"] == "label"
    output = sigma * SCALE / total.sqrt() * torch.sin(x / total.sqrt())
    torch.testing.assert_close(own, SCALE**2 / total * x + output)
    # the weight makes the loss of F alone: w c_out^2 = 1
    torch.testing.assert_close(loss_weight(sigma, SCALE) * (sigma * SCALE / total.sqrt()) ** 2, torch.ones(5, 1))


def test_grid_is_that_of_the_scheduler():
    scheduler = edm_scheduler(1.0, 0.01, 30.0)
    own = noise_grid(scheduler, 7)
    scheduler.set_timesteps(7)
    torch.testing.assert_close(own.float(), scheduler.sigmas)
    with pytest.raises(ValueError, match="expected at least 2"):
        noise_grid(scheduler, 1)


@pytest.mark.parametrize("solver", ["heun", "euler", "multistep"])
def test_gaussian_data_come_back_with_their_deviation(solver):
    # under the preconditioning F = 0 is the exact denoiser of normal data; preconditioned twice it would not be
    scheduler = edm_scheduler(SCALE, 0.002, 28.0)
    x = start()

    def nothing(scaled, noise, label):
        return torch.zeros_like(scaled)

    if solver == "heun":
        samples = heun(precondition(scheduler, nothing), x, noise_grid(scheduler, 24))
        assert abs(samples.std() / (x.std() / 28 * SCALE) - 1) < 0.03
        return
    if solver == "multistep":
        scheduler = EDMDPMSolverMultistepScheduler(sigma_min=0.002, sigma_max=28.0, sigma_data=SCALE)
    samples = sample_by_scheduler(scheduler, nothing, x, 24 if solver == "multistep" else 400)
    assert abs(samples.std() / (x.std() / 28 * SCALE) - 1) < 0.03


def test_sampler_of_a_linear_score_is_a_known_matrix():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((3, 3))
    covariance = torch.from_numpy(root @ root.T)
    levels = noise_grid(edm_scheduler(1.0, 0.01, 30.0), 9)

    def denoise(x, sigma):
        return x @ torch.linalg.solve(covariance + sigma**2 * torch.eye(3), covariance)

    samples = heun(denoise, levels[0] * torch.eye(3, dtype=torch.float64), levels)
    # each step is multiplication by a polynomial in the eigenvalues
    values, vectors = torch.linalg.eigh(covariance)
    factor = levels[0] * torch.ones(3, dtype=torch.float64)
    for level, following in itertools.pairwise(levels):
        slope = level / (values + level**2)
        reached = 1 + (following - level) * slope
        if following > 0:
            reached = 1 + (following - level) / 2 * (slope + following / (values + following**2) * reached)
        factor = factor * reached
    torch.testing.assert_close(samples, vectors @ torch.diag(factor) @ vectors.T)


def test_error_falls_with_the_square_of_the_steps():
    # exactly, x sqrt(SCALE^2 + low^2) / sqrt(SCALE^2 + high^2); the last step to 0 is left out of the comparison
    errors = []
    for steps in (20, 40, 80):
        levels = noise_grid(edm_scheduler(SCALE, 0.2, 28.0), steps)
        x = heun(gaussian, torch.ones(1, 1, dtype=torch.float64), torch.cat([levels[:-1], levels[-2:-1]]))
        exact = np.sqrt((SCALE**2 + 0.2**2) / (SCALE**2 + 28.0**2))
        errors.append(abs(float(x) - exact))
    assert 3.5 < errors[0] / errors[1] < 4.5
    assert 3.5 < errors[1] / errors[2] < 4.5


def test_churn_keeps_the_law_and_uses_fresh_noise():
    levels, source = noise_grid(edm_scheduler(SCALE, 0.002, 28.0), 60), torch.Generator().manual_seed(1)

    def fresh(x):
        return torch.randn(x.shape, generator=source, dtype=x.dtype)

    x = start(20000)
    plain = heun(gaussian, x, levels)
    stochastic = heun(gaussian, x, levels, churn=Churn(20.0, 0.05, 20.0), noise=fresh)
    assert abs(stochastic.std() / SCALE - 1) < 0.03
    assert np.corrcoef(plain.ravel(), x.ravel())[0, 1] > 0.999
    assert np.corrcoef(stochastic.ravel(), x.ravel())[0, 1] < 0.9
    outside = heun(gaussian, x, levels, churn=Churn(20.0, 100.0, 200.0), noise=fresh)
    torch.testing.assert_close(outside, plain)


def test_trace_is_told_state_estimate_and_derivative():
    levels, rows = noise_grid(edm_scheduler(SCALE, 0.01, 10.0), 5), []
    heun(gaussian, start(10, 10.0), levels, trace=lambda *arrays: rows.append(arrays))
    assert len(rows) == 5
    for level, (x, clean, slope) in zip(levels, rows):
        torch.testing.assert_close(clean, gaussian(x, level))
        torch.testing.assert_close(slope, (x - clean) / level)
