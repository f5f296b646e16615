"""Class-conditional image models: samplers on data with a known velocity, training, Jacobians, models from a folder."""

import copy

import numpy as np
import pytest
import torch

from lib.atlas.job.checkpoint import Checkpoint
from lib.diffusion.classes import (
    average_decay,
    class_unet,
    ddim_scheduler,
    generate,
    load_class_model,
    noise_denoiser,
    sampler_of,
    train_conditional,
)
from lib.diffusion.edm import Churn, edm_scheduler
from lib.diffusion.jacobian import pull_back, sampler_jacobian

SCALE = 3.0


def exact_velocity(x, t, label, return_dict=False):
    """v of normal data of deviation SCALE, which no bounded sample could have."""
    abar = ddim_scheduler().alphas_cumprod
    low = t.floor().long().clamp(max=998) if torch.is_tensor(t) else int(t)
    ratio = ((1 - abar) / abar).log()
    share = t - low if torch.is_tensor(t) else 0.0
    square = (ratio[low] + share * (ratio[min(int(low) + 1, 999)] - ratio[low])).exp()
    a2 = 1 / (1 + square)
    clean = a2.sqrt() * SCALE**2 / (a2 * SCALE**2 + 1 - a2) * x
    return ((a2.sqrt() * x - clean) / (1 - a2).sqrt(),)


def tiny(seed: int = 0):
    torch.manual_seed(seed)
    return class_unet(8, 3, [16, 16]).eval()


@pytest.mark.parametrize(("name", "steps"), [("ddim", 200), ("ddpm", 200), ("heun", 40)])
def test_samplers_reach_the_law_and_do_not_clip(name, steps):
    sampler = sampler_of(exact_velocity, ddim_scheduler(), name, steps, sigma_max=80.0 * SCALE)
    x = generate(sampler, np.zeros(3000, np.int64), (1, 2, 2), 0)
    assert x.shape == (3000, 4)
    assert x.dtype == np.float32
    assert abs(x.std() / SCALE - 1) < 0.05
    assert np.abs(x).max() > 3 * SCALE


def test_denoiser_in_noise_levels_is_the_posterior_mean():
    denoise = noise_denoiser(exact_velocity, ddim_scheduler())
    x = torch.randn(4, 1, 2, 2)
    for sigma in (0.05, 0.7, 3.0, 40.0):
        own = denoise(x, torch.tensor(sigma), None)
        torch.testing.assert_close(own, SCALE**2 / (SCALE**2 + sigma**2) * x, rtol=1e-3, atol=1e-4)


def test_samples_follow_the_seed_and_not_the_batch_for_a_deterministic_sampler():
    sampler, labels = sampler_of(tiny(), ddim_scheduler(), "ddim", 3), np.arange(7) % 3
    first = generate(sampler, labels, (1, 8, 8), 5)
    np.testing.assert_array_equal(first, generate(sampler, labels, (1, 8, 8), 5))
    np.testing.assert_allclose(first, generate(sampler, labels, (1, 8, 8), 5, batch=4), atol=1e-5)
    assert np.abs(first - generate(sampler, labels, (1, 8, 8), 6)).max() > 0.1
    assert np.abs(first - generate(sampler, np.roll(labels, 1), (1, 8, 8), 5)).max() > 1e-4
    stochastic = sampler_of(tiny(), ddim_scheduler(), "ddpm", 3)
    assert np.abs(first - generate(stochastic, labels, (1, 8, 8), 5)).max() > 0.1
    with pytest.raises(ValueError, match="expected one of ddim, ddpm, heun"):
        sampler_of(tiny(), ddim_scheduler(), "euler", 3)


def test_a_group_of_one_channel_is_refused():
    """Group normalisation of single channels takes away what time and label add to a channel."""
    with pytest.raises(ValueError, match="at least 16"):
        class_unet(8, 3, [8, 16])


def test_training_resumes_and_ends_with_the_average(tmp_path):
    rng = np.random.default_rng(0)
    images, labels = rng.standard_normal((20, 1, 8, 8)).astype(np.float32), rng.integers(3, size=20)

    def fit(stop_after=None, checkpoint=None):
        def until(items):
            for i, item in enumerate(items):
                if i == stop_after:
                    raise KeyboardInterrupt
                yield item

        model = tiny()
        options = {"rng": np.random.default_rng(1), "steps": 4, "batch": 4, "learning_rate": 1e-3}
        losses = train_conditional(
            model, ddim_scheduler(), images, labels, checkpoint=checkpoint, report=until, **options
        )
        return model, losses

    model, losses = fit()
    checkpoint = Checkpoint(tmp_path / "state.zarr.zip", {}, every=0.0)
    with pytest.raises(KeyboardInterrupt):
        fit(2, checkpoint)
    assert checkpoint.path.exists()
    again, resumed = fit(None, checkpoint)
    np.testing.assert_array_equal(resumed, losses)
    for a, b in zip(model.parameters(), again.parameters()):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert [average_decay(s, 0.999) for s in (0, 10**6)] == [0.1, 0.999]


def test_one_step_of_training_is_the_gradient_of_the_velocity_loss():
    model, scheduler = tiny(), ddim_scheduler()
    start = copy.deepcopy(model)
    images, labels = np.random.default_rng(0).standard_normal((5, 1, 8, 8)).astype(np.float32), np.arange(5) % 3
    rng = np.random.default_rng(2)
    loss = train_conditional(
        model, scheduler, images, labels, rng=np.random.default_rng(2), steps=1, batch=3, learning_rate=1e-3,
        highest_decay=0.0,
    )  # fmt: skip
    rows, t = rng.integers(5, size=3), torch.from_numpy(rng.integers(1000, size=3))
    noise = torch.from_numpy(rng.standard_normal((3, 1, 8, 8), np.float32))
    clean, a2 = torch.from_numpy(images[rows]), scheduler.alphas_cumprod[t].view(-1, 1, 1, 1)
    velocity = a2.sqrt() * noise - (1 - a2).sqrt() * clean
    output = start(a2.sqrt() * clean + (1 - a2).sqrt() * noise, t, torch.from_numpy(labels[rows])).sample
    own = (output - velocity).square().mean()
    np.testing.assert_allclose(loss[0], own.item(), rtol=1e-5)
    own.backward()
    moved = torch.cat([(b - a).detach().flatten() for a, b in zip(start.parameters(), model.parameters())])
    slope = torch.cat([a.grad.flatten() for a in start.parameters()])
    large = slope.abs() > 1e-4  # the first step of Adam goes by the sign
    assert (moved[large].sign() == -slope[large].sign()).all()


def test_jacobian_of_the_sampler_agrees_with_differences_and_with_gradients():
    model = tiny().double()
    sampler = sampler_of(model, ddim_scheduler(), "ddim", 3)
    z = torch.randn(1, 8, 8, dtype=torch.float64)

    def of_class(noise):
        return sampler(noise, torch.ones(len(noise), dtype=torch.long))

    x, rows = sampler_jacobian(of_class, z)
    direction = torch.randn_like(z)
    step = 1e-4
    with torch.no_grad():
        difference = (of_class((z + step * direction)[None]) - of_class((z - step * direction)[None])) / (2 * step)
        torch.testing.assert_close(of_class(z[None]).flatten(), x)
    torch.testing.assert_close(rows @ direction.flatten(), difference.flatten(), rtol=1e-3, atol=1e-6)
    value, gradient = pull_back(of_class, torch.stack([z, z]), lambda samples: samples.norm(dim=1))
    torch.testing.assert_close(value[0], x.norm())
    torch.testing.assert_close(gradient[1], (x / x.norm()) @ rows)


def test_jacobian_of_a_linear_score_is_a_known_factor():
    sampler = sampler_of(exact_velocity, ddim_scheduler(), "ddim", 20)
    z = torch.randn(1, 2, 2)
    x, rows = sampler_jacobian(lambda noise: sampler(noise, None), z)
    factor = float(x[0] / z.flatten()[0])
    torch.testing.assert_close(rows, factor * torch.eye(4), rtol=1e-4, atol=1e-5)


def test_a_model_from_a_folder(tmp_path):
    model, scheduler = tiny(), edm_scheduler(0.5, 0.002, 80.0)
    model.save_pretrained(tmp_path / "unet")
    with pytest.raises(ValueError, match="without scheduler"):
        load_class_model(tmp_path)
    scheduler.save_pretrained(tmp_path / "scheduler")
    again, own = load_class_model(tmp_path)
    assert own.config.sigma_max == 80.0
    labels = np.arange(3)
    samples = [
        generate(sampler_of(net, sch, "heun", 4, churn=Churn(2.0)), labels, (1, 8, 8), 1)
        for net, sch in ((model, scheduler), (again, own))
    ]
    np.testing.assert_allclose(*samples, atol=1e-4)
    ddim_scheduler().save_pretrained(tmp_path / "scheduler")
    with pytest.raises(ValueError, match="expected EDMEulerScheduler"):
        load_class_model(tmp_path)
