"""Small models: weights as arrays, prompts, guidance, training that resumes from a checkpoint, small relighters."""

import numpy as np
import pytest
import torch
import xarray as xr
from diffusers import DDPMScheduler

from lib.atlas.job.checkpoint import Checkpoint
from lib.diffusion.attention import install_cla
from lib.diffusion.frozen import live_optimisers, weights_digest
from lib.diffusion.lit_clips import (
    TARGETS,
    Method,
    Sampling,
    codec_of,
    relight_clips,
    smooth_by_video_model,
    target_lights,
    video_scheduler,
    weights_of,
)
from lib.diffusion.lit_training import build_relighter, build_video_model, train_relighter, train_video_model
from lib.diffusion.small import (
    empty_prompt,
    from_arrays,
    guided,
    image_unet,
    label_model,
    motion_unet,
    one_hot_prompt,
    patch_of,
    to_arrays,
    transformer_relighter,
    video_patches,
    video_unpatches,
    widen_input,
)
from lib.diffusion.steps import clean_estimate, executed_timesteps
from lib.diffusion.training import alphas_cumprod, one_cycle, pack, train_v_prediction, unpack
from lib.rendering.spheres import draw_light, lit_clip, shade


def models():
    torch.manual_seed(0)
    return {
        "transformer": transformer_relighter(8, 4, 2, 2, 8).eval(),
        "unet": widen_input(image_unet(8, 5, [8], 2), 24).eval(),
        "video": motion_unet(image_unet(8, 6, [8], 2), 3, 2).eval(),
    }


def inputs(name: str) -> torch.Tensor:
    rng = torch.Generator().manual_seed(1)
    shape = {"transformer": (2, 6, 8, 8), "unet": (2, 24, 4, 4), "video": (2, 12, 3, 4, 4)}[name]
    return torch.randn(shape, generator=rng)


@pytest.mark.parametrize("name", ["transformer", "unet", "video"])
def test_weights_come_back_as_arrays(name):
    model = models()[name]
    torch.nn.init.normal_(next(model.parameters()))
    again = from_arrays(to_arrays(model))
    assert type(again) is type(model)
    x, label = inputs(name), torch.tensor([0, 3])
    with torch.no_grad():
        torch.testing.assert_close(
            label_model(again)(x, torch.tensor(5), label), label_model(model)(x, torch.tensor(5), label)
        )
    broken = to_arrays(model)
    first = next(iter(broken.data_vars))
    with pytest.raises(ValueError, match="dataset"):
        from_arrays(broken.drop_vars(first))
    broken.attrs.pop("model_class")
    with pytest.raises(ValueError, match="model_class"):
        from_arrays(broken)


def test_a_wider_input_sees_nothing_new_at_first():
    torch.manual_seed(0)
    narrow = image_unet(8, 5, [8], 2).eval()
    x, more, prompt = torch.randn(2, 12, 4, 4), torch.randn(2, 12, 4, 4), torch.ones(2, 1, 5)
    with torch.no_grad():
        before = narrow(x, 3, encoder_hidden_states=prompt).sample
        after = widen_input(narrow, 24)(torch.cat([x, more], 1), 3, encoder_hidden_states=prompt).sample
    torch.testing.assert_close(before, after)
    assert narrow.config.in_channels == 24
    with pytest.raises(ValueError, match="channels"):
        widen_input(narrow, 12)


def test_patches_are_lossless():
    video = torch.randn(2, 3, 3, 8, 6)
    assert video_patches(video).shape == (2, 12, 3, 4, 3)
    torch.testing.assert_close(video_unpatches(video_patches(video)), video)
    assert video_patches(torch.zeros(2, 3, 3, 8, 8), 4).shape == (2, 48, 3, 2, 2)
    wide = torch.randn(2, 3, 3, 8, 8)
    torch.testing.assert_close(video_unpatches(video_patches(wide, 4), 4), wide)


@pytest.mark.parametrize("patch", [2, 4])
def test_a_video_model_returns_the_clean_clip_and_the_scheduler_recovers_it(patch):
    torch.manual_seed(0)
    model = motion_unet(image_unet(8, 6, [8], 2, patch, attention_everywhere=False), 3, 2).eval()
    assert patch_of(model) == patch
    codec = codec_of(model)
    x = codec.encode(torch.randn(2, 3, 3, 8, 8))
    label = torch.tensor([0, 3])
    for rule in ("ddim", "euler"):
        scheduler = video_scheduler(rule)
        t = executed_timesteps(scheduler, 4, 0.5)[0]
        scale = scheduler.scale_model_input(torch.ones(()), t)
        with torch.no_grad():
            clean = model(x * scale, t, encoder_hidden_states=one_hot_prompt(label, 6).repeat_interleave(3, 0)).sample
            estimate = clean_estimate(scheduler, label_model(model)(x * scale, t, label), t, x)
        torch.testing.assert_close(estimate, clean, rtol=1e-4, atol=1e-4)


def test_guidance_is_the_extrapolation_and_one_is_the_prompt_alone():
    model = models()["unet"]
    call, empty, x, t = label_model(model), empty_prompt(model), inputs("unet"), torch.tensor(7)
    label = torch.tensor([1, 2])
    with torch.no_grad():
        c, u = call(x, t, label), call(x, t, torch.full((2,), empty))
        torch.testing.assert_close(guided(call, label, empty, 2.5)(x, t), u + 2.5 * (c - u), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(guided(call, label, empty, 1.0)(x, t), c)
    assert empty_prompt(models()["transformer"]) == 4
    assert empty_prompt(models()["video"]) == 5


def test_levels_are_those_of_diffusers():
    theirs = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear").alphas_cumprod
    torch.testing.assert_close(alphas_cumprod(), theirs)


def test_the_learning_rate_goes_up_and_down():
    rates = [one_cycle(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.04)
    assert max(rates) == rates[9] == pytest.approx(1)
    assert rates[-1] < 1e-5
    assert (np.diff(rates[9:]) <= 0).all()


def test_the_learning_rate_is_that_of_torch():
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=0.1, total_steps=70, pct_start=0.1)
    for step in range(70):
        assert one_cycle(step, 70) == pytest.approx(optimiser.param_groups[0]["lr"] / 0.1, abs=5e-6)
        optimiser.step()
        schedule.step()


def fit(steps: int, checkpoint=None, stop_at=None, **options):
    """Train a linear model of v on points; `stop_at` interrupts before this step."""
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 2)

    def draw(rng):
        return (torch.from_numpy(rng.standard_normal((16, 2)).astype(np.float32)),)

    def report(items):
        for count, item in enumerate(items):
            if count == stop_at:
                raise KeyboardInterrupt
            yield item

    return train_v_prediction(
        model,
        lambda x, t: model(x),
        draw,
        rng=np.random.Generator(np.random.PCG64(3)),
        steps=steps,
        learning_rate=0.05,
        average_every=2,
        checkpoint=checkpoint,
        report=report,
        **options,
    )


def test_training_learns_and_resumes_from_its_checkpoint(tmp_path):
    whole, losses = fit(60)
    assert losses[-10:].mean() < losses[:10].mean()
    path = tmp_path / "state.zarr.zip"
    with pytest.raises(KeyboardInterrupt):
        fit(60, Checkpoint(path, {"a": 1}, every=0.0), stop_at=25)
    again, continued = fit(60, Checkpoint(path, {"a": 1}, every=0.0))
    np.testing.assert_array_equal(continued, losses)
    for name, value in whole.items():
        torch.testing.assert_close(again[name], value, rtol=0, atol=0)


def test_the_loss_of_the_clean_sample_is_that_of_v_times_the_share_of_noise():
    # at the lowest level alone, s^2 = 1 - abar_0, and the first step has seen no update
    _, of_v = fit(1, highest_level=1)
    _, of_clean = fit(1, highest_level=1, loss_of="clean")
    assert of_clean[0] == pytest.approx(of_v[0] * (1 - float(alphas_cumprod()[0])), rel=1e-4)
    with pytest.raises(ValueError, match="loss_of"):
        fit(1, loss_of="noise")


def test_packed_arrays_come_back():
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.float32(3) * np.ones((), np.float32), "c": np.zeros((0, 2))}
    again = unpack(pack(arrays))
    assert list(again) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[name], array)
        assert again[name].dtype == array.dtype


SAMPLING = Sampling(2, 0.9, 1.0, 1.5, 3, 0.5, 0.15, 2)


@pytest.mark.parametrize(
    "method",
    [
        Method(),
        Method(gamma=0.5),
        Method(shared_noise=True),
        Method(smooth=1.0),
        Method(relighter="unet", gamma=1.0),
        Method(fuse="linear", gamma=0.5),
        Method(fuse="constant", step="euler"),
        Method(fuse="quadratic"),
        Method(sdedit=0.2),
        Method(sdedit=0.6, step="euler"),
    ],
)
def test_a_method_gives_the_same_for_a_clip_alone_or_among_others(method):
    networks = models()
    source = np.random.default_rng(0).random((3, 3, 3, 8, 8))
    direction = np.array([0, 2, 1])
    before = {k: [p.clone() for p in m.parameters()] for k, m in networks.items()}
    options = {"method": method, "sampling": SAMPLING, "relighters": networks, "vdm": networks["video"]}
    video, trace = relight_clips(source, direction, seeds=[5, 6, 7], **options)
    assert video.shape == source.shape
    assert 0 <= video.min() <= video.max() <= 1
    alone, _ = relight_clips(source[2:], direction[2:], seeds=[7], **options)
    np.testing.assert_allclose(video[2:], alone, atol=2e-4)
    assert ("fused" in trace) == (method.fuse is not None)
    if method.fuse:
        assert trace.sizes["clip"] == 3
    for name, network in networks.items():
        for p, q in zip(network.parameters(), before[name]):
            torch.testing.assert_close(p, q, rtol=0, atol=0)
        assert not any("Consistent" in type(m.processor).__name__ for m in network.modules() if hasattr(m, "processor"))


def test_lit_clip_methods_are_checked():
    with pytest.raises(ValueError, match="vdm"):
        relight_clips(np.zeros((1, 2, 3, 8, 8)), np.array([0]), Method(fuse="linear"), SAMPLING, models(), None, [1])
    with pytest.raises(ValueError, match="step"):
        video_scheduler("heun")
    with pytest.raises(ValueError, match="fuse"):
        weights_of("cubic", 5, 0.1)
    np.testing.assert_array_equal(weights_of("constant", 10, 0.15), [1] * 8 + [0] * 2)
    np.testing.assert_array_equal(weights_of("always", 10, 0.15), np.ones(10))
    np.testing.assert_allclose(weights_of("root", 5, 0.15), [1, 0.5, 1 - 0.5**0.5, 1 - 0.75**0.5, 0])


def test_both_step_rules_start_from_the_same_noise_level():
    ddim, euler = video_scheduler("ddim"), video_scheduler("euler")
    torch.testing.assert_close(ddim.alphas_cumprod, euler.alphas_cumprod)
    video = torch.zeros(1, 3, 3, 8, 8)
    rng = [torch.Generator().manual_seed(0)]
    assert (
        smooth_by_video_model(video, np.array([0]), 0.5, "ddim", models()["video"], rng, steps=2).shape == video.shape
    )


def test_attention_makes_frames_of_a_still_clip_more_alike():
    torch.manual_seed(0)
    network = transformer_relighter(8, 4, 2, 2, 8).eval()
    for block in network.transformer_blocks:
        torch.nn.init.normal_(block.norm1.linear.weight, std=0.2)
    torch.nn.init.normal_(network.proj_out_2.weight, std=0.2)
    call, label = label_model(network), torch.zeros(4, dtype=torch.long)
    x = torch.randn(4, 6, 8, 8)
    with torch.no_grad():
        spread = []
        for gamma in (0.0, 1.0):
            install_cla(network, gamma, 1)
            hidden = []
            layer = network.transformer_blocks[0].attn1
            handle = layer.register_forward_hook(lambda m, i, o, outputs=hidden: outputs.append(o))
            call(x, torch.tensor(500), label)
            handle.remove()
            spread.append(hidden[0].std(0).mean())
    assert spread[1] < spread[0]


LIT = {"size": 8, "frames": 3, "batch": 2, "learning_rate": 3e-3, "label_drop": 0.1}


def test_a_transformer_learns_to_relight():
    torch.manual_seed(0)
    model = build_relighter("transformer", 8, layers=1, heads=2, head_dim=8, channels=[8])
    losses = train_relighter(model, steps=40, rng=np.random.default_rng(0), **LIT)
    assert losses[-10:].mean() < 0.9 * losses[:5].mean()
    with pytest.raises(ValueError, match="architecture"):
        build_relighter("mlp", 8, layers=1, heads=2, head_dim=8, channels=[8])


def test_unets_are_trained_in_place_with_an_empty_prompt_after_the_labels():
    torch.manual_seed(0)
    relighter = build_relighter("unet", 8, layers=1, heads=2, head_dim=8, channels=[8])
    video_model = build_video_model(8, 3, patch=2, attention_everywhere=False, heads=2, channels=[8])
    assert empty_prompt(relighter) == 4  # after the four directions
    assert empty_prompt(video_model) == 5  # after the four directions and the source light
    assert relighter.config.in_channels == 2 * relighter.config.out_channels  # the noisy image, the frame to relight
    before = [weights_digest(network) for network in (relighter, video_model)]
    options = {"steps": 10, "rng": np.random.default_rng(0), **LIT}  # weights are averaged every ten steps
    losses = [train_relighter(relighter, **options), train_video_model(video_model, highest_level=650, **options)]
    assert np.isfinite(losses).all()
    for network, digest in zip((relighter, video_model), before):
        assert weights_digest(network) != digest


def test_weights_have_one_digest_and_an_optimiser_is_noticed():
    model, again = (models()["unet"] for _ in range(2))
    assert weights_digest(model) == weights_digest(again)
    before = live_optimisers()
    optimiser = torch.optim.SGD(again.parameters(), lr=0.1)
    assert live_optimisers() == before + 1
    with torch.no_grad():
        next(again.parameters()).add_(1e-6)
    assert weights_digest(model) != weights_digest(again)
    del optimiser


def test_lights_of_targets_are_the_lights_they_were_made_with():
    rng = np.random.default_rng(0)
    clips, light = lit_clip(rng, 2, 3, 8), draw_light(rng, 2)
    light = light._replace(elevation=np.full(2, 0.35))  # on the grid of the fit
    dims = ("step", "clip", "frame", "channel", "y", "x")
    videos = np.stack([shade(clips, light._replace(intensity=scale * light.intensity)) for scale in (1.0, 0.5)])
    trace = xr.Dataset({"fused_at": ("step", [True, True, False])})
    for target in TARGETS:
        trace[target] = (dims, np.concatenate([videos, np.full_like(videos[:1], np.nan)]))
    lights = target_lights(trace, clips, light.direction)
    np.testing.assert_allclose(lights[:, 0], np.repeat(light.intensity.mean(1)[:, None], 3, 1), rtol=1e-6)
    np.testing.assert_allclose(lights[:, 1], 0.5 * lights[:, 0], rtol=1e-6)
    assert np.isnan(lights[:, 2]).all()
