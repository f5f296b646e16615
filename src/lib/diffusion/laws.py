"""Laws that a diffusion model is to learn: Student's, with its exact denoiser, and classes on a hidden manifold."""

import numpy as np
import torch
from scipy import special


def student_vectors(n: int, dim: int, freedom: float, rng: np.random.Generator) -> np.ndarray:
    """Draws (n, dim) of the multivariate Student law, g / sqrt(chi^2_nu / nu), one denominator for each vector.

    Args:
        n: number of draws.
        dim: number of coordinates.
        freedom: nu; infinite: the standard normal law.
        rng: source of randomness.
    """
    g = rng.standard_normal((n, dim))
    return g if np.isinf(freedom) else g / np.sqrt(rng.chisquare(freedom, (n, 1)) / freedom)


def student_radius(p, dim: int, freedom: float) -> np.ndarray:
    """Norm that a Student vector exceeds with probability p.

    The squared norm over the dimension has the F law of (dim, nu) degrees of freedom; infinite nu: chi of dim.
    """
    p = np.asarray(p, dtype=float)
    if np.isinf(freedom):
        return np.sqrt(2 * special.gammainccinv(dim / 2, p))
    # the upper tail of F is the lower one of its reciprocal, and small p lose no digits
    return np.sqrt(dim / special.fdtri(freedom, dim, p))


def student_survival(r, dim: int, freedom: float) -> np.ndarray:
    """Probability that the norm of a Student vector exceeds r."""
    r = np.asarray(r, dtype=float)
    if np.isinf(freedom):
        return special.gammaincc(dim / 2, r**2 / 2)
    return special.fdtrc(dim, freedom, r**2 / dim)


class StudentDenoiser:
    """Expected clean sample under the Student law, by quadrature over its scale.

    A Student vector is sqrt(s) g with s inverse gamma of shape and rate nu / 2. Given x = sqrt(s) g + sigma e the
    expectation is E[s / (s + sigma^2) | x] x, with posterior weights p(s) (s + sigma^2)^(-d/2) exp(-|x|^2 / 2 (s +
    sigma^2)), on a logarithmic grid of s.

    Args:
        dim: d.
        freedom: nu, finite.
        low, high, nodes: of the grid of s.
    """

    def __init__(self, dim: int, freedom: float, low: float = 0.05, high: float = 1e5, nodes: int = 240):
        self.dim = dim
        self.scale = torch.logspace(np.log10(low), np.log10(high), nodes, dtype=torch.float64)
        half = freedom / 2
        self.log_prior = -half * self.scale.log() - half / self.scale  # density times s, for the logarithmic grid

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor, label=None) -> torch.Tensor:
        """D(x, sigma) of samples (..., d) at a scalar noise level, in double precision."""
        x = x.double()
        variance = self.scale + float(sigma) ** 2
        square = x.square().sum(-1, keepdim=True)
        weight = self.log_prior - self.dim / 2 * variance.log() - square / (2 * variance)
        return (weight.softmax(-1) * (self.scale / variance)).sum(-1, keepdim=True) * x


def hidden_manifold(n: int, dim: int, classes: int, rng: np.random.Generator, latent: int = 32):
    """Samples on a manifold: tanh(1.5 F (u + M_c)) with Gaussian F (variance 1 / latent), M_c (deviation .45) and u.

    Args:
        n: number of samples, as nearly equal in the classes as they can be.
        dim: features.
        classes: number of classes.
        rng: source of the manifold and of the samples.
        latent: dimension of the manifold.

    Returns:
        Samples (n, dim) and labels (n,).
    """
    features = rng.standard_normal((dim, latent)) / np.sqrt(latent)
    centres = 0.45 * rng.standard_normal((classes, latent))
    label = np.arange(n) % classes
    return np.tanh(1.5 * (rng.standard_normal((n, latent)) + centres[label]) @ features.T), label
