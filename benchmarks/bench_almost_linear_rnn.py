"""CPU time over that of compiled peers on one thread: below 1 ours is faster."""

import numpy as np
from numba import njit
from scipy.signal import lfilter

from lib.bench.ratios import cpu_ratio
from lib.dynamics import measures
from lib.dynamics.almost_linear import generate, initialise, lifted
from lib.dynamics.autoregression import fit_var, run_var
from lib.dynamics.symbolic import word_counts
from lib.dynamics.systems import lorenz63, standardise
from lib.dynamics.teacher_forcing import forced_gradient, normal_levels, train_forced, workspace


@njit
def blas_gradient(a, w, w_transposed, h, start, x, rectified, interval, states, phis, errors, gradients):
    """The forced recurrence and its backward pass with one call of BLAS for each product, sparse forcing."""
    steps, observed, batch = x.shape[0] - 1, x.shape[1], x.shape[2]
    linear = a.size - rectified
    z, phi, new = start.copy(), start.copy(), np.empty_like(start)
    for t in range(steps):
        states[:, t] = z
        phi[:linear] = z[:linear]
        phi[linear:] = np.maximum(z[linear:], 0)
        phis[:, t] = phi
        np.dot(w, phi, new)
        for i in range(a.size):
            for s in range(batch):
                z[i, s] = a[i] * z[i, s] + new[i, s] + h[i]
        for i in range(observed):
            for s in range(batch):
                errors[t, i, s] = z[i, s] - x[t + 1, i, s]
                if (t + 1) % interval == 0:
                    z[i, s] = x[t + 1, i, s]
    scale = np.float32(2 / (steps * observed * batch))
    g = np.zeros_like(start)
    for t in range(steps - 1, -1, -1):
        if (t + 1) % interval == 0:
            g[:observed] = 0
        for i in range(observed):
            for s in range(batch):
                g[i, s] += scale * errors[t, i, s]
        gradients[:, t] = g
        np.dot(w_transposed, g, new)
        for i in range(a.size):
            for s in range(batch):
                g[i, s] = a[i] * g[i, s] + (new[i, s] if i < linear or states[i, t, s] > 0 else np.float32(0))
    return g


@njit
def loop_run(a, w, h, z, rectified, steps):
    """A free run as compiled loops over the units."""
    units = a.size
    out = np.empty((steps, units), a.dtype)
    for t in range(steps):
        out[t] = z
        new = a * z + h
        for i in range(units):
            for j in range(units):
                new[i] += w[i, j] * (max(z[j], 0) if j >= units - rectified else z[j])
        z = new
    return out


def histogram_divergence(generated, true, bins, alpha=1e-5):
    """D_stsp by NumPy's own histogram of several dimensions."""
    margin = 0.1 * true.std(0)
    edges = list(zip(true.min(0) - margin, true.max(0) + margin))
    p, q = (np.histogramdd(x, bins, edges)[0] + alpha for x in (true, generated))
    p, q = p / p.sum(), q / q.sum()
    return np.sum(p * np.log(p / q))


def numpy_words(code, longest):
    """Numbers of distinct words by NumPy's unique rows."""
    windows = [np.lib.stride_tricks.sliding_window_view(code, n) for n in range(1, longest + 1)]
    return [len(np.unique(window, axis=0)) for window in windows]


def main() -> None:
    """Print the ratios."""
    rng = np.random.default_rng(0)
    x = standardise(lorenz63(20_000))[0].astype(np.float32)
    for units, length, batch in ((20, 200, 16), (40, 50, 16), (100, 50, 16)):
        model = initialise(units, 3, 2, rng)
        begin = rng.integers(0, 19_000, batch) + np.arange(length + 1)[:, None]
        sequences = np.ascontiguousarray(x[begin].transpose(0, 2, 1))
        room = workspace(units, 3, 2, length, batch)
        arrays = [np.empty((units, length, batch), np.float32) for _ in range(3)]
        errors = np.empty((length, 3, batch), np.float32)

        def ours():
            for _ in range(20):
                gradient = forced_gradient(model, sequences, 16, 1.0, room)[1]  # noqa: B023
            return gradient

        def peer():
            for _ in range(20):
                start = np.concatenate([sequences[0], model.lift @ sequences[0]])  # noqa: B023
                states, phis, gradients = arrays  # noqa: B023
                turned = np.ascontiguousarray(model.w.T)  # noqa: B023
                forms = (model.a, model.w, turned, model.h, start, sequences)  # noqa: B023
                g = blas_gradient(*forms, 2, 16, states, phis, errors, gradients)  # noqa: B023
                flat, inputs, rectified = (v.reshape(len(v), -1) for v in (gradients, states, phis))
            decays = np.einsum("ik,ik->i", flat, inputs)
            return decays, flat @ rectified.T, flat.sum(1), g[3:] @ sequences[0].T  # noqa: B023

        for own, other in zip(ours(), peer()):
            np.testing.assert_allclose(own, other, rtol=1e-3, atol=1e-4)
        print(f"gradient of a batch, M = {units}, T = {length}, over numba with BLAS: {cpu_ratio(ours, peer):.2f}")

    shape, levels = (201, 3, 16), normal_levels(0.05)
    ratio = cpu_ratio(
        lambda: [levels[rng.integers(0, len(levels), shape, np.uint16)] for _ in range(50)],
        lambda: [np.float32(0.05) * rng.standard_normal(shape, np.float32) for _ in range(50)],
    )
    print(f"noise of a batch over NumPy's normal numbers: {ratio:.2f}")

    options = {"interval": 16, "strength": 1.0, "batch": 16, "length": 200, "epochs": 2, "batches": 25}
    options |= {"first_rate": 1e-3, "last_rate": 1e-4, "noise": 0.05, "every": 2}
    sizes = [0, 1, 2, 3, 4, 5]

    def train(streams):
        models = [initialise(20, 3, p, np.random.default_rng(p)) for p in sizes]
        rngs = [np.random.default_rng(seed) for seed in sorted(set(streams))]
        return train_forced(x, models, rngs, lambda model: (float(model.w[0, 0]),), streams=streams, **options)

    ratio = cpu_ratio(lambda: train([0] * 6), lambda: train(range(6)), 3)
    print(f"P = 0..5 on the same sequences over each on its own: {ratio:.2f}")

    model = initialise(20, 3, 2, rng)
    start = lifted(model, x[0])
    ratio = cpu_ratio(
        lambda: generate(model, start, 20_000), lambda: loop_run(model.a, model.w, model.h, start, 2, 20_000)
    )
    print(f"free run of 20000 steps over compiled loops: {ratio:.2f}")

    half, other = x[:10_000].astype(float), x[10_000:].astype(float)
    cells = measures.grid(half, 30)
    np.testing.assert_allclose(measures.divergence_on(cells, other), histogram_divergence(other, half, 30), rtol=1e-6)
    ratio = cpu_ratio(
        lambda: measures.state_space_divergence(other, half, 30), lambda: histogram_divergence(other, half, 30)
    )
    print(f"D_stsp of 2 x 10000 points, 27000 cells, over numpy.histogramdd: {ratio:.2f}")

    code = np.cumsum(rng.random(100_000) < 0.05) % 3
    np.testing.assert_array_equal(word_counts(code, 8), numpy_words(code, 8))
    ratio = cpu_ratio(lambda: word_counts(code, 8), lambda: numpy_words(code, 8), 1)
    print(f"words of up to 8 letters in 100000 symbols over numpy.unique: {ratio:.3f}")

    constant, coefficients, _ = fit_var(half, 1)
    noise = 0.01 * rng.standard_normal((10_000, 3))

    def filtered():
        """The same run in the coordinates where lags do not mix, by SciPy's recursive filter."""
        values, vectors = np.linalg.eig(coefficients[0])
        driven = (noise + constant) @ np.linalg.inv(vectors).T
        start = np.linalg.solve(vectors, half[0].astype(complex))
        runs = [lfilter([1], [1, -a], u, zi=[a * z])[0] for a, u, z in zip(values, driven.T, start)]
        return (np.stack(runs, axis=1) @ vectors.T).real

    np.testing.assert_allclose(run_var(constant, coefficients, half[:1], noise), filtered(), rtol=1e-6, atol=1e-9)
    ratio = cpu_ratio(lambda: run_var(constant, coefficients, half[:1], noise), filtered)
    print(f"autoregression of order 1, 10000 steps, over scipy.signal.lfilter: {ratio:.2f}")


if __name__ == "__main__":
    main()
