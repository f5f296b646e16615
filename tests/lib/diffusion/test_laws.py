"""Student's law and its exact denoiser against quadrature and SciPy; the hidden manifold."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from lib.diffusion.edm import edm_scheduler, heun, noise_grid
from lib.diffusion.laws import StudentDenoiser, hidden_manifold, student_radius, student_survival, student_vectors


def test_quantiles_of_the_norm():
    p = np.array([0.5, 0.01, 1e-3, 1e-4, 1e-6, 1e-8])
    np.testing.assert_allclose(student_radius(p, 8, 3), np.sqrt(8 * stats.f.isf(p, 8, 3)), rtol=1e-8)
    np.testing.assert_allclose(student_radius(p, 8, np.inf), stats.chi.isf(p, 8), rtol=1e-9)
    np.testing.assert_allclose(student_radius([0.5, 0.01, 1e-3, 1e-4], 8, 3), [3.050, 14.83, 32.33, 69.82], rtol=2e-4)
    for freedom in (3, np.inf):
        np.testing.assert_allclose(student_survival(student_radius(p, 8, freedom), 8, freedom), p, rtol=1e-9)


@pytest.mark.parametrize("freedom", [3, 10, np.inf])
def test_draws_follow_the_law_of_their_norm(freedom):
    x = student_vectors(20000, 5, freedom, np.random.default_rng(0))
    p = student_survival(np.linalg.norm(x, axis=1), 5, freedom)
    assert stats.kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize(("radius", "sigma"), [(0.5, 0.1), (3.0, 1.0), (60.0, 5.0), (2.0, 40.0)])
def test_exact_denoiser_is_the_posterior_mean(radius, sigma):
    dim, freedom = 8, 3.0

    def weight(t, power):
        s = np.exp(t)
        log_weight = (
            stats.invgamma.logpdf(s, freedom / 2, scale=freedom / 2) + t
            - dim / 2 * np.log(s + sigma**2) - radius**2 / (2 * (s + sigma**2))
        )  # fmt: skip
        return np.exp(log_weight + dim / 2 * np.log(1 + sigma**2)) * (s / (s + sigma**2)) ** power

    top, bottom = (integrate.quad(weight, -5, 16, args=(k,), limit=400, epsabs=0)[0] for k in (1, 0))
    x = torch.zeros(2, dim)
    x[:, 2] = radius
    own = StudentDenoiser(dim, freedom)(x, torch.tensor(sigma))
    np.testing.assert_allclose(own[1, 2], top / bottom * radius, rtol=1e-4)
    assert own.shape == x.shape
    assert float(own[:, 0].abs().max()) == 0


def test_exact_denoiser_follows_tweedie():
    """D = x + sigma^2 grad log p_sigma, with the density of the sum estimated by quadrature in the scale."""
    dim, freedom, sigma = 3, 4.0, 0.8
    nodes = torch.logspace(-3, 6, 4000, dtype=torch.float64)
    prior = torch.from_numpy(stats.invgamma.logpdf(nodes, freedom / 2, scale=freedom / 2)) + nodes.log()
    x = torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64, requires_grad=True)
    total = nodes + sigma**2
    log_density = torch.logsumexp(prior - dim / 2 * total.log() - x.square().sum() / (2 * total), 0)
    (score,) = torch.autograd.grad(log_density, x)
    own = StudentDenoiser(dim, freedom, low=0.001, high=1e6, nodes=2000)(x.detach(), torch.tensor(sigma))
    torch.testing.assert_close(own, (x + sigma**2 * score).detach(), rtol=1e-4, atol=0)


def test_exact_flow_maps_quantiles_of_the_noise_onto_those_of_the_law():
    levels = noise_grid(edm_scheduler(1.0), 24) * np.sqrt(3)
    p = np.array([0.5, 1e-2, 1e-4])
    noise = torch.zeros(3, 8, dtype=torch.float64)
    noise[:, 0] = torch.from_numpy(student_radius(p, 8, np.inf))
    reached = heun(StudentDenoiser(8, 3), levels[0] * noise, levels).norm(dim=1).numpy()
    np.testing.assert_allclose(reached / student_radius(p, 8, 3), 1, atol=0.03)


def test_manifold_has_classes_of_equal_size_on_few_directions():
    x, label = hidden_manifold(3000, 40, 3, np.random.default_rng(0), latent=4)
    assert np.bincount(label).tolist() == [1000] * 3
    assert np.abs(x).max() <= 1
    values = np.linalg.eigvalsh(np.cov(np.arctanh(np.clip(x, -1 + 1e-15, 1 - 1e-15)).T))
    assert values[-5] < 0.01 * values[-4]
