"""Fusion, SDEdit and relighting with models whose answers are known."""

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, EulerAncestralDiscreteScheduler, FlowMatchEulerDiscreteScheduler

from lib.diffusion.relighting import (
    IDENTITY,
    frame_generators,
    inpaint,
    light_gradient,
    progressive_light_fusion,
    relight,
    sdedit,
)
from lib.diffusion.steps import executed_timesteps, fusion_weights, noised

V = {"prediction_type": "v_prediction", "timestep_spacing": "trailing"}


def scheduler(kind: str):
    if kind == "flow":
        return FlowMatchEulerDiscreteScheduler(shift=3.0)
    return DDIMScheduler(clip_sample=False, **V) if kind == "ddim" else EulerAncestralDiscreteScheduler(**V)


def knows(clean: torch.Tensor, kind: str, of):
    """A video model that returns one clip, whatever the sample."""

    def model(x, t):
        if kind == "flow":
            sigma = of.sigmas[of.step_index if of.step_index is not None else of.index_for_timestep(t)]
            return (x - clean) / sigma
        a = of.alphas_cumprod[int(t)]
        return (a**0.5 * x - clean) / (1 - a) ** 0.5

    return model


def noise(*seeds):
    return [torch.Generator().manual_seed(s) for s in seeds]


@pytest.fixture
def videos():
    rng = torch.Generator().manual_seed(0)
    return [torch.rand(2, 3, 3, 4, 4, generator=rng) * 1.6 - 0.8 for _ in range(3)]


@pytest.mark.parametrize("kind", ["ddim", "euler", "flow"])
def test_sdedit_by_a_model_that_knows_the_clip_returns_it(kind, videos):
    video, clean, _ = videos
    of = scheduler(kind)
    out = sdedit(knows(clean, kind, of), of, IDENTITY, video, steps=4, strength=0.5, generators=noise(1, 2))
    torch.testing.assert_close(out, clean, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", ["ddim", "euler", "flow"])
def test_without_weights_fusion_is_sdedit(kind, videos):
    video, clean, _ = videos
    of = scheduler(kind)
    model = lambda x, t: 0.3 * x + 0.1  # noqa: E731
    plain = sdedit(model, of, IDENTITY, video, steps=4, strength=0.5, generators=noise(1, 2))
    fused, trace = progressive_light_fusion(
        model,
        lambda v: clean,
        IDENTITY,
        video,
        scheduler=of,
        steps=4,
        strength=0.5,
        generators=noise(1, 2),
        weights=np.zeros(4),
    )
    torch.testing.assert_close(fused, plain)
    assert not trace.fused_at.any()
    assert "fused" not in trace


@pytest.mark.parametrize("kind", ["ddim", "euler", "flow"])
def test_one_step_gives_the_relit_source(kind, videos):
    video, clean, relit = videos
    of = scheduler(kind)
    seen = []

    def relighter(frames):
        seen.append(frames)
        return relit

    out, trace = progressive_light_fusion(
        knows(clean, kind, of), relighter, IDENTITY, video, scheduler=of, steps=1, strength=0.5, generators=noise(1, 2)
    )
    torch.testing.assert_close(seen[0], video, rtol=1e-3, atol=1e-3)  # the detail term makes step 0 the source itself
    torch.testing.assert_close(out, relit, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(trace.fused[0], (relit + 1) / 2, atol=1e-6)


def test_targets_are_the_formula(videos):
    video, clean, relit = videos
    of = scheduler("ddim")
    weights = fusion_weights(5)
    _, trace = progressive_light_fusion(
        knows(clean, "ddim", of),
        lambda v: relit,
        IDENTITY,
        video,
        scheduler=of,
        steps=5,
        strength=0.5,
        generators=noise(1, 2),
        threshold=0.3,
    )
    np.testing.assert_array_equal(trace.fused_at, weights > 0.3)
    detail = video - clean
    for i in np.flatnonzero(weights > 0.3):
        consistency = clean + weights[i] * detail
        expected = (1 - weights[i]) * consistency + weights[i] * relit
        np.testing.assert_allclose(trace.consistency[i], (consistency + 1) / 2, atol=1e-4)
        np.testing.assert_allclose(trace.fused[i], (expected + 1) / 2, atol=1e-4)
    rmse = np.sqrt(((trace.fused[1] - trace.fused[0]) ** 2).mean(("frame", "channel", "y", "x")))
    np.testing.assert_allclose(trace.jump[1], rmse, rtol=1e-4)


def test_a_clip_does_not_depend_on_its_neighbours(videos):
    video, _, _ = videos
    of = scheduler("euler")
    options = {"scheduler": of, "steps": 4, "strength": 0.5}
    model = lambda x, t: torch.tanh(x)  # noqa: E731
    both, _ = progressive_light_fusion(
        model, lambda v: 0.5 * v, IDENTITY, video, generators=noise(1, 2), keep_frames=False, **options
    )
    alone, _ = progressive_light_fusion(
        model, lambda v: 0.5 * v, IDENTITY, video[1], generators=noise(2), keep_frames=False, **options
    )
    assert alone.shape == video[1].shape
    torch.testing.assert_close(both[1], alone)


def test_a_foreground_of_everything_changes_nothing_and_the_rest_is_not_compensated(videos):
    video, clean, _ = videos
    of = scheduler("ddim")

    def run(mask, weights=None):
        return progressive_light_fusion(
            knows(clean, "ddim", of),
            lambda v: v,
            IDENTITY,
            video,
            scheduler=of,
            steps=4,
            strength=0.5,
            generators=noise(1, 2),
            foreground=mask,
            weights=weights,
        )

    whole, plain = run(torch.ones(1, 1, 1, 4, 4)), run(None)
    torch.testing.assert_close(whole[0], plain[0])
    half = torch.zeros(1, 1, 1, 4, 4)
    half[..., :2] = 1
    _, trace = run(half)
    np.testing.assert_allclose(trace.consistency[0][..., :2], (video[..., :2] + 1) / 2, atol=1e-4)
    np.testing.assert_allclose(trace.consistency[0][..., 2:], (clean[..., 2:] + 1) / 2, atol=1e-4)


@pytest.mark.parametrize("kind", ["ddim", "euler", "flow"])
def test_a_background_is_what_the_model_knows_and_the_foreground_is_the_video(kind, videos):
    video, clean, _ = videos
    of, half = scheduler(kind), torch.zeros(1, 1, 1, 4, 4)
    half[..., :2] = 1
    schedule = {"steps": 4, "strength": 0.5}
    model = knows(clean, kind, of)
    start = inpaint(model, of, IDENTITY, video, half, generators=noise(1, 2), **schedule)
    # the foreground is the video with the first noise drawn, at the level where the fusion starts
    drawn = torch.stack([torch.randn(video.shape[1:], generator=g) for g in noise(1, 2)])
    first = executed_timesteps(of, **schedule)[0]
    torch.testing.assert_close(start[..., :2], noised(of, video, drawn, first)[..., :2])
    fusion = {"scheduler": of, "foreground": half, "start": start, "generators": noise(3, 4), **schedule}
    # a relighter that changes nothing: the foreground's detail is added at the first step, where the weight is 1
    _, trace = progressive_light_fusion(model, lambda v: v, IDENTITY, video, **fusion)
    np.testing.assert_allclose(trace.fused[0][..., :2], (video[..., :2] + 1) / 2, atol=1e-4)
    np.testing.assert_allclose(trace.fused[0][..., 2:], (clean[..., 2:] + 1) / 2, atol=1e-4)


def test_a_foreground_of_everything_starts_where_plain_fusion_does(videos):
    video = videos[0]
    of = scheduler("ddim")
    schedule = {"steps": 4, "strength": 0.5}
    model = lambda x, t: 0.3 * torch.tanh(x)  # noqa: E731
    whole = torch.ones(1, 1, 1, 4, 4)
    start = inpaint(model, of, IDENTITY, video, whole, generators=noise(1, 2), **schedule)
    options = {"scheduler": of, "generators": noise(1, 2), **schedule}
    plain, _ = progressive_light_fusion(model, lambda v: 0.5 * v, IDENTITY, video, **options)
    options["generators"] = noise(1, 2)
    filled, _ = progressive_light_fusion(
        model, lambda v: 0.5 * v, IDENTITY, video, foreground=whole, start=start, **options
    )
    torch.testing.assert_close(filled, plain)


def test_relighting_reaches_what_the_image_model_knows_and_uses_all_frames_at_once(videos):
    frames, clean = videos[0].flatten(0, 1), videos[1].flatten(0, 1)
    of = DDIMScheduler(clip_sample=True, **V)
    model, sizes = knows(clean, "ddim", of), []

    def denoise(x, t, condition):
        sizes.append(len(x))
        torch.testing.assert_close(condition, frames)
        return model(x, t)

    out = relight(
        denoise,
        of,
        IDENTITY,
        frames,
        light_gradient("left", 4, 4),
        steps=8,
        strength=0.9,
        eta=1.0,
        generators=frame_generators([1, 2], 3),
    )
    torch.testing.assert_close(out, clean, rtol=1e-3, atol=1e-3)
    assert sizes == [6] * 8


def test_shared_noise_makes_equal_frames_equal():
    frames = torch.zeros(3, 1, 4, 4)
    of = DDIMScheduler(clip_sample=False, **V)
    model = lambda x, t, c: 0.5 * x  # noqa: E731
    options = {"steps": 3, "strength": 0.9, "eta": 1.0}
    shared = relight(model, of, IDENTITY, frames, None, generators=frame_generators([5], 3, shared=True), **options)
    own = relight(model, of, IDENTITY, frames, None, generators=frame_generators([5], 3), **options)
    torch.testing.assert_close(shared[0], shared[2])
    assert (own[0] - own[2]).abs().max() > 0.01


def test_gradients_are_bright_at_their_side():
    for side, bright in {"left": (0, 0), "right": (0, -1), "top": (0, 0), "bottom": (-1, 0)}.items():
        image = light_gradient(side, 5, 7)
        assert image.shape == (1, 3, 5, 7)
        assert image[0, 0][bright] == image.max() == 1
        assert image.min() == -1
    with pytest.raises(ValueError, match="side"):
        light_gradient("up", 4, 4)


def test_bad_input_is_refused(videos):
    video = videos[0]
    options = {"scheduler": scheduler("ddim"), "generators": noise(1, 2)}
    run = lambda **more: progressive_light_fusion(lambda x, t: x, lambda v: v, IDENTITY, **options, **more)  # noqa: E731
    with pytest.raises(ValueError, match="strength"):
        run(video=video, steps=2, strength=1.5)
    with pytest.raises(ValueError, match="video"):
        run(video=video[0, 0], steps=2, strength=0.5)
    with pytest.raises(ValueError, match="weights"):
        run(video=video, steps=2, strength=0.5, weights=np.ones(3))
