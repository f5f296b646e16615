"""Stacked autoencoders under the constraint: gradients, agreement with single trainings, resumption."""

import numpy as np
import pytest
import torch

from lib.atlas.job.checkpoint import Checkpoint
from lib.representations.autoencoder import (
    Autoencoders,
    batch_moment,
    batch_restriction,
    largest_harmless,
    scale_in_batch,
    train_autoencoders,
)
from lib.representations.interventions import draw_model, draw_together
from lib.representations.restriction import gaussian_kernel, linear_fit, moment_restriction
from lib.training.stacked import generators

SMALL = {"latent": 2, "width": 8, "epochs": 3, "batch": 32, "learning_rate": 2e-3}


@pytest.fixture
def data():
    models = [draw_model(np.random.default_rng(s)) for s in range(3)]
    return draw_together(models, 100, [np.random.default_rng(10 + s) for s in range(3)])


@pytest.fixture
def train(data):
    def one(sets=(0, 1, 2), penalties=(0.0, 50.0), **options):
        chosen = list(sets)
        return train_autoencoders(
            data.actions[chosen], data.features[chosen], penalties, [7 + s for s in chosen], **SMALL | options
        )

    return one


class Stopping(Checkpoint):
    """A checkpoint that is saved each time it may be and interrupted once, at its second save."""

    saves = 0

    def save(self, state):
        super().save(state)
        self.saves += 1
        if self.saves == 2:
            raise KeyboardInterrupt


def _double(*shape):
    return torch.from_numpy(np.random.default_rng(0).standard_normal(shape))


def test_the_moment_of_a_minibatch_is_that_of_its_residuals():
    actions, z = _double(2, 40, 2), _double(2, 3, 40, 2)
    moment = batch_moment(z, batch_restriction(actions, torch.tensor([1.0, 0.7], dtype=torch.float64)))
    for s, width in enumerate((1.0, 0.7)):
        kernel = gaussian_kernel(actions[s].numpy(), width)
        for i in range(3):
            residual = linear_fit(actions[s].numpy(), z[s, i].numpy())[2]
            assert moment[s, i].item() == pytest.approx(moment_restriction(residual, kernel), rel=1e-9)


@pytest.mark.parametrize("scaling", ["coordinate", "trace", "none"])
def test_gradients_pass_through_least_squares_and_scale(scaling):
    actions, z = _double(2, 12, 2), _double(2, 2, 12, 2).requires_grad_()
    restricted = batch_restriction(actions, torch.ones(2, dtype=torch.float64))
    assert torch.autograd.gradcheck(lambda z: batch_moment(scale_in_batch(z, scaling), restricted), z, atol=1e-6)


def test_the_scale_of_a_representation_cannot_cheat_the_penalty():
    z, restricted = _double(1, 1, 50, 2), batch_restriction(_double(1, 50, 2), torch.ones(1, dtype=torch.float64))
    small = z * torch.tensor([1e-3, 10.0])
    scaled = [batch_moment(scale_in_batch(one, "coordinate"), restricted).item() for one in (z, small)]
    assert scaled[0] == pytest.approx(scaled[1], rel=1e-2)
    assert batch_moment(scale_in_batch(z * 1e-3, "none"), restricted) < 1e-5 * scaled[0]
    trace = [batch_moment(scale_in_batch(one, "trace"), restricted).item() for one in (z, z * 1e-2)]
    assert trace[0] == pytest.approx(trace[1], rel=1e-2)


def test_models_trained_together_are_those_trained_alone(train, data):
    together = train().encode(data.features)
    for s in range(3):
        for i, penalty in enumerate((0.0, 50.0)):
            alone = train([s], [penalty]).encode(data.features[[s]])
            assert np.allclose(together[s, i], alone[0, 0], atol=1e-5)


def test_the_same_seeds_give_the_same_bits(train, data):
    assert np.array_equal(train().encode(data.features), train().encode(data.features))


@pytest.mark.parametrize("kind", ["leaky", "variational"])
def test_a_stopped_training_goes_on_to_the_same_weights(train, data, tmp_path, kind):
    checkpoint = Stopping(tmp_path / "checkpoint.zarr.zip", {}, every=0.0)
    with pytest.raises(KeyboardInterrupt):
        train(kind=kind, checkpoint=checkpoint)
    resumed = train(kind=kind, checkpoint=checkpoint)
    assert np.array_equal(resumed.encode(data.features), train(kind=kind).encode(data.features))


def test_a_penalty_lowers_the_moment(train, data):
    def moments(penalty):
        phi = train(penalties=[penalty], epochs=40).encode(data.features)[:, 0]
        scaled = (phi - phi.mean(axis=1, keepdims=True)) / phi.std(axis=1, keepdims=True)
        return [moment_restriction(linear_fit(a, z)[2], gaussian_kernel(a, 1.0)) for a, z in zip(data.actions, scaled)]

    assert np.mean(moments(1000.0)) < 0.8 * np.mean(moments(0.0))


def test_reconstruction_improves_and_is_of_the_data(train, data):
    start, end = (
        train(epochs=epochs, learning_rate=1e-2).reconstruction_errors(data.features).mean() for epochs in (1, 60)
    )
    assert end < 0.7 * start
    model = train()
    x = (data.features[0] - data.features[0].mean(axis=0)) / np.sqrt(
        ((data.features[0] - data.features[0].mean(axis=0)) ** 2).mean()
    )
    with torch.no_grad():
        stacked = torch.from_numpy(np.tile(x.astype(np.float32), (6, 1, 1)))
        direct = (model.decoder(model.encoder(stacked)) - stacked).square().sum(-1).mean(-1)
    assert model.reconstruction_errors(data.features)[0] == pytest.approx(direct[:2].numpy(), rel=1e-4)


def test_the_divergence_is_that_of_two_normal_laws():
    model = Autoencoders(4, 2, 8, generators([0]), "variational")
    x = _double(1, 30, 4).float()
    with_divergence, z = model.losses(x)
    code = model.encoder(x)
    spread = code[..., 2:].clamp(-12, 4).exp().sqrt()
    laws = torch.distributions.Normal(code[..., :2], spread)
    divergence = torch.distributions.kl_divergence(laws, torch.distributions.Normal(0.0, 1.0)).sum(-1).mean()
    error = (model.decoder(z) - x).square().sum(-1).mean()
    assert with_divergence.item() == pytest.approx((error + 1e-3 * divergence).item(), rel=1e-5)


def test_the_largest_harmless_penalty():
    errors = np.array([[1.0, 1.1, 1.3, 1.15], [1.0, 1.3, 1.4, 1.5]])
    assert largest_harmless(np.array([0.0, 3.0, 10.0, 30.0]), errors, 1.2).tolist() == [3, 0]
    with pytest.raises(ValueError, match="allowance"):
        largest_harmless(np.array([0.0]), errors[:, :1], 0.5)


def test_input_is_checked(train, data):
    with pytest.raises(ValueError, match="batch"):
        train(batch=200)
    with pytest.raises(ValueError, match="penalties"):
        train(penalties=[-1.0])
    with pytest.raises(ValueError, match="scaling"):
        train(scaling="other")
    with pytest.raises(ValueError, match="kind"):
        train(kind="other")
    with pytest.raises(ValueError, match="features"):
        train_autoencoders(data.actions, data.features[:, :50], [0.0], [1, 2, 3], **SMALL)
