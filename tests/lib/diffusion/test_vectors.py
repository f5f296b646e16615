"""Stacked denoisers: each model as if alone, with and without labels, arrays and back, training."""

import numpy as np
import pytest
import torch

from lib.atlas.job.checkpoint import Checkpoint
from lib.diffusion.edm import edm_scheduler, heun, noise_grid, precondition
from lib.diffusion.vectors import VectorDenoiser, sample_vectors, stack_from_arrays, stack_to_arrays, train_vectors


def test_each_model_is_as_if_alone():
    stack = VectorDenoiser(3, 16, 2, 4, [5, 7], [True, False])
    x, noise, label = torch.randn(2, 6, 3), torch.randn(2, 6, 1), torch.randint(4, (2, 6))
    whole = stack(x, noise, label)
    for i, seed in enumerate((5, 7)):
        alone = VectorDenoiser(3, 16, 2, 4, [seed], [i == 0])
        part = slice(i, i + 1)
        torch.testing.assert_close(alone(x[part], noise[part], label[part]), whole[part])
    level = torch.tensor(0.3)  # one level for all
    torch.testing.assert_close(stack(x, level, label), stack(x, level.expand(2, 6, 1), label))
    with pytest.raises(ValueError, match="one for each of 2 models"):
        VectorDenoiser(3, 16, 2, 4, [5, 7], [True])


def test_normalisation_bounds_what_blocks_add():
    growth = []
    for normalise in (True, False):
        model = VectorDenoiser(2, 16, 1, 0, [0], [normalise])
        with torch.no_grad():
            h = [model.input(size * torch.ones(1, 1, 2)) for size in (1e4, 2e4)]
            inner = [torch.nn.functional.layer_norm(v, (16,)) if normalise else v for v in h]
            added = [model.second[0](torch.nn.functional.silu(model.first[0](v))).norm() for v in inner]
        growth.append(float(added[1] / added[0]))
    assert growth[0] < 1.01
    assert growth[1] > 1.9


def test_weights_come_back_from_arrays():
    model = VectorDenoiser(3, 8, 1, 2, [1, 2], [True, False])
    store = stack_to_arrays(model).assign(other=("n", np.zeros(2)))
    again = stack_from_arrays(store)
    x, label = torch.randn(2, 4, 3), torch.zeros(2, 4, dtype=torch.long)
    torch.testing.assert_close(again(x, torch.tensor(0.1), label), model(x, torch.tensor(0.1), label))
    with pytest.raises(ValueError, match="no attribute stack"):
        stack_from_arrays(store.assign_attrs({}).drop_attrs())


def test_samples_do_not_depend_on_the_batch():
    model, scheduler = VectorDenoiser(2, 8, 1, 0, [0, 1]), edm_scheduler(sigma_max=10.0)
    start = 10 * torch.randn(2, 7, 2)
    whole = sample_vectors(model, scheduler, start, 4)
    torch.testing.assert_close(sample_vectors(model, scheduler, start, 4, batch=3), whole)
    with torch.no_grad():
        torch.testing.assert_close(heun(precondition(scheduler, model), start, noise_grid(scheduler, 4)), whole)


def test_training_resumes_and_models_are_independent(tmp_path):
    def fit(seeds, stop_at=None, checkpoint=None):
        model, calls = VectorDenoiser(2, 16, 1, 0, seeds), []
        rngs = [np.random.default_rng(seed) for seed in seeds]

        def draw(i, rng):
            calls.append(i)
            if len(calls) == stop_at:
                raise KeyboardInterrupt
            return (rng.standard_normal((64, 2), np.float32),)

        losses = train_vectors(
            model,
            edm_scheduler(),
            draw,
            rngs=rngs,
            steps=60,
            learning_rate=0.01,
            checkpoint=checkpoint,
        )
        return model, losses

    _model, losses = fit([3, 4])
    _, alone = fit([4])
    np.testing.assert_allclose(losses[:, 1], alone[:, 0], rtol=1e-4)
    # F = 0 is exact, and leaves the loss of the best denoiser, 1
    assert losses[0].mean() > 1.2
    assert abs(losses[-20:].mean() - 1) < 0.15
    checkpoint = Checkpoint(tmp_path / "state.zarr.zip", {}, every=0.0)
    with pytest.raises(KeyboardInterrupt):
        fit([3, 4], 50, checkpoint)
    assert checkpoint.path.exists()
    np.testing.assert_array_equal(fit([3, 4], None, checkpoint)[1], losses)
