"""Steps with a replaced clean estimate against their closed forms."""

import numpy as np
import pytest
import torch
from diffusers import (
    CogVideoXDDIMScheduler,
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    LMSDiscreteScheduler,
)

from lib.diffusion.steps import (
    clean_estimate,
    executed_timesteps,
    fused_step,
    fusion_weights,
    noised,
    scaled,
    standard_normal,
    step,
)

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def schedulers():
    for kind in ("epsilon", "v_prediction"):
        yield DDIMScheduler(prediction_type=kind, clip_sample=False, timestep_spacing="trailing", **BETAS)
        yield CogVideoXDDIMScheduler(prediction_type=kind, timestep_spacing="trailing")
        yield EulerAncestralDiscreteScheduler(prediction_type=kind, timestep_spacing="trailing", **BETAS)
    yield FlowMatchEulerDiscreteScheduler(shift=3.0)


def ids(scheduler) -> str:
    return f"{type(scheduler).__name__}-{scheduler.config.get('prediction_type', 'flow')}"


@pytest.fixture
def tensors():
    rng = torch.Generator().manual_seed(0)
    return [torch.randn(2, 3, 4, 4, generator=rng) for _ in range(3)]


@pytest.mark.parametrize("scheduler", list(schedulers()), ids=ids)
def test_without_a_replacement_it_is_the_schedulers_own_step(scheduler, tensors):
    x, output, _ = tensors
    for t in executed_timesteps(scheduler, 5, 0.5):
        scaled(scheduler, x, t)
        own = clean_estimate(scheduler, output, t, x)
        mine = fused_step(scheduler, output, t, x, own, torch.Generator().manual_seed(1))
        if getattr(scheduler, "_step_index", None):
            scheduler._step_index -= 1
        theirs = step(scheduler, output, t, x, torch.Generator().manual_seed(1))
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)
        x = theirs


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("cls", [DDIMScheduler, CogVideoXDDIMScheduler])
def test_ddim_is_a_x_plus_b_z(cls, kind, tensors):
    x, output, z = tensors
    scheduler = cls(prediction_type=kind, timestep_spacing="trailing", clip_sample=False)
    timesteps = executed_timesteps(scheduler, 4, 0.5)
    abar, following = (float(scheduler.alphas_cumprod[int(t)]) for t in timesteps[:2])
    a = ((1 - following) / (1 - abar)) ** 0.5
    b = following**0.5 - a * abar**0.5
    stepped = fused_step(scheduler, output, timesteps[0], x, z)
    torch.testing.assert_close(stepped, a * x + b * z, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("clips", [{"clip_sample": True}, {"clip_sample": False, "thresholding": True}])
@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_a_replaced_estimate_is_not_clipped(kind, clips, tensors):
    x, output, z = tensors
    z = 3 * z  # far outside [-1, 1]
    plain = DDIMScheduler(prediction_type=kind, timestep_spacing="trailing", clip_sample=False)
    clipping = DDIMScheduler(prediction_type=kind, timestep_spacing="trailing", **clips)
    t = executed_timesteps(plain, 4, 0.5)[0]
    executed_timesteps(clipping, 4, 0.5)
    stepped = fused_step(clipping, output, t, x, z)
    torch.testing.assert_close(stepped, fused_step(plain, output, t, x, z))
    assert clipping.config.clip_sample == clips["clip_sample"]  # and the scheduler's own estimate still is
    own = fused_step(clipping, 9 * output, t, x, None)
    assert not torch.allclose(own, fused_step(plain, 9 * output, t, x, None))


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_euler_ancestral_is_the_formula(kind, tensors):
    x, output, z = tensors
    scheduler = EulerAncestralDiscreteScheduler(prediction_type=kind, timestep_spacing="trailing", **BETAS)
    t = executed_timesteps(scheduler, 4, 0.5)[0]
    sigma, following = (float(s) for s in scheduler.sigmas[4:6])
    up = (following**2 * (sigma**2 - following**2) / sigma**2) ** 0.5
    down = (following**2 - up**2) ** 0.5
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(3))
    expected = x + (x - z) / sigma * (down - sigma) + up * noise
    scaled(scheduler, x, t)
    stepped = fused_step(scheduler, output, t, x, z, torch.Generator().manual_seed(3))
    torch.testing.assert_close(stepped, expected, rtol=1e-4, atol=1e-4)
    assert scheduler.step_index == 5


def test_flow_matching_is_the_formula(tensors):
    x, output, z = tensors
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    t = executed_timesteps(scheduler, 4, 0.4)[0]
    sigma, following = (float(s) for s in scheduler.sigmas[6:8])
    stepped = fused_step(scheduler, output, t, x, z)
    torch.testing.assert_close(stepped, x + (following - sigma) * (x - z) / sigma, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scheduler", list(schedulers()), ids=ids)
def test_the_clean_estimate_undoes_the_noise(scheduler, tensors):
    _, noise, clean = tensors
    t = executed_timesteps(scheduler, 5, 0.5)[0]
    x = noised(scheduler, clean, noise, t)
    kind = scheduler.config.get("prediction_type", "flow")
    if kind == "flow":
        output = noise - clean
    elif kind == "epsilon":
        output = noise
    else:
        a = float(scheduler.alphas_cumprod[int(t)])
        output = a**0.5 * noise - (1 - a) ** 0.5 * clean
    torch.testing.assert_close(clean_estimate(scheduler, output, t, x), clean, rtol=1e-4, atol=1e-3)


def test_other_schedulers_are_not_covered(tensors):
    x, output, z = tensors
    scheduler = LMSDiscreteScheduler()
    t = executed_timesteps(scheduler, 3, 0.5)[0]
    with pytest.raises(NotImplementedError, match="LMSDiscreteScheduler"):
        fused_step(scheduler, output, t, x, z)
    with pytest.raises(NotImplementedError, match="sample"):
        fused_step(DDIMScheduler(prediction_type="sample"), output, torch.tensor(5), x, z)


def test_executed_steps_are_the_last_ones():
    scheduler = DDIMScheduler(timestep_spacing="trailing")
    assert executed_timesteps(scheduler, 10, 0.5).tolist() == list(range(499, 0, -50))
    assert executed_timesteps(scheduler, 8, 0.9).tolist() == [888, 777, 666, 555, 443, 332, 221, 110]
    assert len(executed_timesteps(scheduler, 25, 0.5)) == 25
    assert len(executed_timesteps(scheduler, 15, 0.9)) == 15
    assert scheduler.num_inference_steps == 17
    for strength in (0, -0.1, 1.01):
        with pytest.raises(ValueError, match="strength"):
            executed_timesteps(scheduler, 5, strength)
    with pytest.raises(ValueError, match="steps"):
        executed_timesteps(scheduler, 0, 0.5)


def test_weights_fall_from_one_to_zero():
    np.testing.assert_allclose(fusion_weights(5), [1, 0.75, 0.5, 0.25, 0])
    np.testing.assert_allclose(fusion_weights(5, 2), [1, 1 - 1 / 16, 0.75, 1 - 9 / 16, 0])
    assert (fusion_weights(25) > 0.15).sum() == 21  # 21 of 25 steps, as in the authors' AnimateDiff runs
    assert (fusion_weights(10) > 0.15).sum() == 8
    np.testing.assert_array_equal(fusion_weights(1), [1])
    with pytest.raises(ValueError, match="power"):
        fusion_weights(3, 0)
    with pytest.raises(ValueError, match="steps"):
        fusion_weights(0)


def test_noise_of_an_item_does_not_depend_on_the_batch():
    both = standard_normal(torch.zeros(2, 5), [torch.Generator().manual_seed(s) for s in (1, 2)])
    alone = standard_normal(torch.zeros(1, 5), [torch.Generator().manual_seed(2)])
    torch.testing.assert_close(both[1:], alone)
