"""One fresh teacher, its samples, and what message passing and linear estimators make of them.

Errors are (kappa / d) |S_hat - S|_F^2 as in Maillard, Troiani, Martin, Krzakala and Zdeborova (2024, arXiv:2408.03733):
1 for the prior mean S_hat = I.
"""

from typing import NamedTuple

import numpy as np

from lib.amp.matrix import gamp
from lib.teacher_student import quadratic as q

BASELINES = ("identity", "min_norm", "ridge", "spectral", "linear_regression", "constant")


class Measurements(NamedTuple):
    """A teacher S (d, d), the operator that measures it, and the labels (n,) of the reduced linear model."""

    teacher: np.ndarray
    sensing: q.RankOne | q.Goe
    labels: np.ndarray


def sample_measurements(
    d: int, m: int, n: int, rng: np.random.Generator, noise: float = 0.0, sensing: str = "rank1"
) -> Measurements:
    """Draw a teacher and n labels y = tr(Phi S) + sqrt(noise) xi.

    Args:
        d, m, n: inputs, hidden units and samples.
        rng: draws the teacher, the sensing matrices and the noise, in this order.
        noise: variance of the labels' noise, >= 0.
        sensing: `rank1` (Phi_i of Gaussian inputs) or `goe` (Gaussian matrices).

    Raises:
        ValueError: another kind of sensing, or d or m below 1.
    """
    if sensing not in ("rank1", "goe"):
        raise ValueError(f"sensing: got {sensing!r}, expected rank1 or goe")
    teacher = q.sample_teacher(d, m, rng)
    operator = q.RankOne(rng.standard_normal((n, d))) if sensing == "rank1" else q.Goe(n, d, rng)
    return Measurements(teacher, operator, operator.forward(teacher) + np.sqrt(noise) * rng.standard_normal(n))


def message_passing_errors(
    measurements: Measurements,
    kappa: float,
    noise: float,
    *,
    iterations: int,
    damping: float = 0.5,
    onsager: bool = True,
) -> tuple[np.ndarray, bool]:
    """Errors of GAMP-RIE by iteration, (iterations + 1,), and whether it converged.

    The last error is repeated once the estimate rests.

    Args:
        measurements: teacher, operator and labels.
        kappa: ratio m / d.
        noise: variance of the labels' noise.
        iterations, damping, onsager: see `lib.amp.matrix.gamp`.
    """
    teacher, sensing, labels = measurements

    def error(estimate):
        return float(q.frobenius_error(estimate, teacher, kappa))

    run = gamp(sensing, labels, kappa, noise, error=error, iterations=iterations, damping=damping, onsager=onsager)
    return np.pad(run.errors, (0, iterations + 1 - len(run.errors)), mode="edge"), run.converged


class NetworkSamples(NamedTuple):
    """A teacher S (d, d), Gaussian inputs x (n, d) and the network's labels y (n,)."""

    teacher: np.ndarray
    x: np.ndarray
    y: np.ndarray


def sample_network(d: int, m: int, n: int, rng: np.random.Generator, neuron_deviation: float = 0.0) -> NetworkSamples:
    """Draw a teacher network and n samples y = (1/m) sum_k (w_k . x / sqrt(d) + neuron_deviation * z_k)^2.

    Args:
        d, m, n: inputs, hidden units and samples.
        rng: draws the weights, the inputs and the noise, in this order.
        neuron_deviation: standard deviation of the noise inside each hidden unit.
    """
    weights = rng.standard_normal((m, d))
    x = rng.standard_normal((n, d))
    z = rng.standard_normal((n, m)) if neuron_deviation else np.zeros((n, m))
    y = np.mean((x @ weights.T / np.sqrt(d) + neuron_deviation * z) ** 2, axis=1)
    return NetworkSamples(weights.T @ weights / m, x, y)


def reduced_labels(y: np.ndarray, d: int) -> np.ndarray:
    """Labels (n,) of the reduced linear model from those of a network, its trace replaced by the mean label.

    The mean of y estimates tr S / d plus the variance of the noise inside the hidden units, so both leave the labels.
    """
    return np.sqrt(d) * (y - np.mean(y))


def baseline_errors(
    d: int, m: int, n: int, penalties: np.ndarray, fresh: int, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Errors of the linear estimators on a fresh noiseless teacher, in the order of `BASELINES`.

    Identity, minimum norm, ridge and spectral are scored in the Frobenius form; linear regression of the raw labels on
    (1, x), and the constant alone, by the test error on fresh inputs, which is the same up to the trace.

    Args:
        d, m, n: inputs, hidden units and samples.
        penalties: candidates (k,) for the ridge penalty.
        fresh: number of fresh inputs.
        rng: draws the teacher, the inputs, the fresh inputs and the split of the ridge, in this order.

    Returns:
        Errors (6,), and the ridge penalty.
    """
    kappa = m / d
    teacher = q.sample_teacher(d, m, rng)
    x, test = rng.standard_normal((n, d)), rng.standard_normal((fresh, d))
    y, raw = q.forward(x, teacher), q.network_outputs(x, teacher)
    ridge, penalty = q.ridge(x, y, penalties, rng)
    estimates = [np.eye(d), q.minimum_norm(x, y), ridge, q.spectral(x, y, kappa, 0.0)]
    predictions = [q.linear_regression(x, raw, test), np.full(fresh, raw.mean())]
    errors = [q.frobenius_error(estimate, teacher, kappa) for estimate in estimates]
    errors += [q.measured_test_error(prediction, test, teacher, m) for prediction in predictions]
    return np.array(errors), penalty
