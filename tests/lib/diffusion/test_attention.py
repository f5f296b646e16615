"""Consistent light attention against the form with copied keys and values, inside real diffusers models."""

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from torch.nn.functional import scaled_dot_product_attention

from lib.diffusion.attention import (
    ConsistentLightAttnProcessor,
    consistent_light_attention,
    install_cla,
    paper_layers,
    restore_processors,
)
from lib.diffusion.small import image_unet, transformer_relighter


def expanded(q, k, v, gamma, groups):
    """Averages copied to every frame, attention for each frame."""
    frames = len(q) // groups
    out = torch.empty_like(q)
    for i in range(len(q)):
        g = i // frames
        mean_k, mean_v = (x[g * frames : (g + 1) * frames].mean(0) for x in (k, v))
        own = torch.softmax(q[i] @ k[i].transpose(-1, -2) / q.shape[-1] ** 0.5, -1) @ v[i]
        shared = torch.softmax(q[i] @ mean_k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1) @ mean_v
        out[i] = (1 - gamma) * own + gamma * shared
    return out


@pytest.mark.parametrize(("groups", "frames", "n", "d"), [(2, 3, 7, 5), (4, 5, 9, 8), (1, 2, 1, 3), (2, 1, 6, 4)])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0])
def test_folding_frames_into_queries_is_the_expanded_form(groups, frames, n, d, gamma):
    rng = torch.Generator().manual_seed(0)
    q, k, v = (
        torch.randn(groups * frames, 3, n, d, generator=rng, dtype=torch.float64).requires_grad_() for _ in range(3)
    )
    folded, expected = consistent_light_attention(q, k, v, gamma, groups), expanded(q, k, v, gamma, groups)
    torch.testing.assert_close(folded, expected)
    weight = torch.randn(folded.shape, generator=rng, dtype=torch.float64)
    gradients = [torch.autograd.grad((x * weight).sum(), (q, k, v)) for x in (folded, expected)]
    for a, b in zip(*gradients):
        torch.testing.assert_close(a, b)


def test_equal_frames_are_not_changed():
    q, k, v = (torch.randn(1, 2, 6, 4).repeat(8, 1, 1, 1) for _ in range(3))
    torch.testing.assert_close(consistent_light_attention(q, k, v, 0.7, 2), scaled_dot_product_attention(q, k, v))


def test_guidance_halves_are_not_mixed():
    q, k, v = (torch.randn(8, 2, 6, 4) for _ in range(3))
    first = consistent_light_attention(q, k, v, 0.7, 2)[:4]
    torch.testing.assert_close(first, consistent_light_attention(q[:4], k[:4], v[:4], 0.7, 1))


def stable_diffusion_like() -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 8, 16, 16),
        norm_num_groups=4,
        cross_attention_dim=6,
        attention_head_dim=2,
        layers_per_block=1,
    ).eval()


@pytest.mark.parametrize("which", ["sd", "unet", "transformer"])
def test_gamma_zero_is_the_model_itself_and_gamma_acts(which):
    torch.manual_seed(0)
    x, prompt = torch.randn(6, 4, 8, 8), torch.randn(6, 2, 6)
    if which == "sd":
        model = stable_diffusion_like()
        call = lambda: model(x, 500, encoder_hidden_states=prompt).sample  # noqa: E731
    elif which == "unet":
        model, wide = image_unet(16, 5, [8, 16], 2).eval(), torch.randn(6, 12, 8, 8)
        call = lambda: model(wide, 500, encoder_hidden_states=torch.ones(6, 1, 5)).sample  # noqa: E731
    else:
        model, wide = transformer_relighter(8, 4, 2, 2, 8).eval(), torch.randn(6, 6, 8, 8)
        for block in model.transformer_blocks:  # adaLN-zero starts with closed gates
            torch.nn.init.normal_(block.norm1.linear.weight, std=0.1)
        torch.nn.init.normal_(model.proj_out_2.weight, std=0.1)
        t, label = torch.full((6,), 500), torch.zeros(6, dtype=torch.long)
        call = lambda: model(wide, timestep=t, class_labels=label).sample  # noqa: E731
    with torch.no_grad():
        plain = call()
        former = install_cla(model, 0.0, 2)
        torch.testing.assert_close(call(), plain, rtol=1e-4, atol=1e-5)
        restore_processors(model, former)
        former = install_cla(model, 0.8, 2)
        assert (call() - plain).abs().max() > 1e-4
        restore_processors(model, former)
        torch.testing.assert_close(call(), plain)


def test_the_paper_chooses_the_self_attentions_of_the_first_up_blocks():
    model = stable_diffusion_like()
    chosen = set(install_cla(model, 0.5))
    assert chosen
    assert all(name.split(".")[0] == "up_blocks" and name.split(".")[1] in "012" for name in chosen)
    assert all(name.endswith("attn1") for name in chosen)
    highest = {n for n, m in model.named_modules() if n.startswith("up_blocks.3") and n.endswith("attn1")}
    assert highest
    assert not highest & chosen
    for name, layer in model.named_modules():
        if name.endswith("attn1"):
            assert isinstance(layer.processor, ConsistentLightAttnProcessor) == (name in chosen)
    transformer = transformer_relighter(8, 4, 3, 2, 8)
    assert len(install_cla(transformer, 0.5)) == 3
    assert paper_layers(transformer)("transformer_blocks.0.attn1")


def test_bad_input_is_refused():
    q = torch.zeros(5, 1, 2, 2)
    with pytest.raises(ValueError, match="groups: got 2 for a batch of 5"):
        consistent_light_attention(q, q, q, 0.5, 2)
    with pytest.raises(ValueError, match="gamma"):
        ConsistentLightAttnProcessor(1.5)
    with pytest.raises(ValueError, match="groups"):
        ConsistentLightAttnProcessor(0.5, 0)
    model = stable_diffusion_like()
    with pytest.raises(ValueError, match="select"):
        install_cla(model, 0.5, select=lambda name: False)
    layer = next(m for n, m in model.named_modules() if n.endswith("attn2"))
    processor = ConsistentLightAttnProcessor(0.5)
    with pytest.raises(ValueError, match="encoder_hidden_states"):
        processor(layer, torch.zeros(2, 3, 8), torch.zeros(2, 3, 6))
    layer = next(m for n, m in model.named_modules() if n.endswith("attn1"))
    with pytest.raises(ValueError, match="attention_mask"):
        processor(layer, torch.zeros(2, 3, layer.to_q.in_features), attention_mask=torch.zeros(2, 3))
    with pytest.warns(UserWarning, match="one frame"):
        processor(layer, torch.zeros(2, 3, layer.to_q.in_features))


def test_images_as_maps_and_sequences_give_the_same():
    from diffusers.models.attention_processor import Attention, AttnProcessor2_0

    torch.manual_seed(0)
    layer = Attention(query_dim=8, heads=2, dim_head=4, norm_num_groups=4, residual_connection=True, bias=True)
    maps = torch.randn(6, 8, 3, 3)
    processor = ConsistentLightAttnProcessor(0.0, 2)
    torch.testing.assert_close(processor(layer, maps), AttnProcessor2_0()(layer, maps))
    mixed = ConsistentLightAttnProcessor(0.6, 2)(layer, maps)
    sequence = ConsistentLightAttnProcessor(0.6, 2)(layer, maps.flatten(2).transpose(1, 2))
    np.testing.assert_allclose(mixed.flatten(2).transpose(1, 2).detach(), sequence.detach(), atol=1e-6)
