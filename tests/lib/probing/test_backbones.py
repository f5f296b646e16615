"""Backbones and adapters: shapes, invariances, what is frozen, and the blocks of other libraries."""

import copy

import pytest
import torch
from torch import nn

from lib.probing import adapters, backbones, moments

TINY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 16, "patch_size": 4}
TRANSFORMERS = {
    "vit": (TINY | {"intermediate_size": 48}, 16, 1),
    "deit": (TINY | {"intermediate_size": 48}, 16, 2),
    "dinov2": (TINY | {"mlp_ratio": 2}, 16, 1),
    "swin": ({"image_size": 16, "patch_size": 2, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2],
              "window_size": 4}, 16, 0),
    "convnext": ({"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2, "patch_size": 2}, 16, 0),
    "resnet": ({"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}, 16, 0),
}  # fmt: skip


@pytest.fixture(scope="module", params=TRANSFORMERS)
def loaded(request):
    config, width, prefix = TRANSFORMERS[request.param]
    torch.manual_seed(0)
    return request.param, backbones.load_backbone(request.param, **config).eval(), width, prefix


def test_backbones_of_transformers_by_name(loaded):
    name, backbone, _, prefix = loaded
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        tokens = backbone.forward_tokens(images)
        own = backbone.model(images).last_hidden_state
    assert backbone.prefix == prefix
    if own.ndim == 4:
        torch.testing.assert_close(tokens[:, 1:].mT.unflatten(2, own.shape[2:]), own)
    else:
        torch.testing.assert_close(tokens[:, 1:], own[:, prefix:])
        torch.testing.assert_close(tokens[:, 0], own[:, 0] if prefix else own.mean(1))
    if name in ("vit", "deit", "dinov2"):
        assert tokens.shape == (2, 1 + 16, 32)
    probe = moments.MomentProbe(tokens.shape[-1], 5, hidden=32)
    assert probe(tokens).shape == (2, 5)


@pytest.mark.parametrize("name", ["vit", "deit", "dinov2", "swin", "own"])
def test_recalibration_attaches_to_the_blocks_of_a_family(name):
    torch.manual_seed(0)
    if name == "own":
        plain, images = backbones.VisionTransformer(12, 4, width=16, depth=2, heads=2), torch.randn(2, 1, 12, 12)
        depth, width = 2, [16, 16]
    else:
        plain, images = backbones.load_backbone(name, **TRANSFORMERS[name][0]), torch.randn(2, 3, 16, 16)
        depth, width = 2, [8, 16] if name == "swin" else [32, 32]
    plain = plain.eval()
    model = adapters.attach_psrp(copy.deepcopy(plain), 4)
    parts = [module for module in model.modules() if isinstance(module, adapters.PSRP)]
    assert [len(part.scale.weight) for part in parts] == width
    changed = model.forward_tokens(images)
    assert not torch.allclose(changed, plain.forward_tokens(images))
    with torch.no_grad():
        for part in parts:
            part.scale.weight.zero_()
            part.shift.weight.zero_()
    torch.testing.assert_close(model.forward_tokens(images), plain.forward_tokens(images))
    adapters.train_only(model, "psrp")
    assert moments.count_trainable(model) == sum(adapters.psrp_parameters(w, 1, 4) for w in width)
    model.forward_tokens(images).square().sum().backward()
    assert all(part.scale.weight.grad.abs().max() > 0 for part in parts)
    assert len(parts) == depth
    with pytest.raises(ValueError, match="already"):
        adapters.attach_psrp(model)


def test_a_block_with_recalibration_is_its_formula():
    torch.manual_seed(0)
    block = backbones.Block(8, 2, 2.0)
    holder = adapters.attach_psrp(nn.Sequential(block), 3)
    x = torch.randn(2, 5, 8)
    after = x + block.attn(block.norm1(x))
    u = (after @ block.psrp.down.weight.T).relu()
    perceptron = nn.Sequential(*block.mlp)(block.norm2.forward(after))
    expected = after + (1 + u @ block.psrp.scale.weight.T) * _unhooked(block, after) + u @ block.psrp.shift.weight.T
    torch.testing.assert_close(holder(x), expected)
    torch.testing.assert_close(perceptron, _unhooked(block, after))


def _unhooked(block, x):
    hidden = torch.nn.functional.layer_norm(x, (8,), block.norm2.weight, block.norm2.bias)
    first, _, last = block.mlp
    hidden = torch.nn.functional.gelu(hidden @ first.weight.T + first.bias)
    return hidden @ last.weight.T + last.bias


def test_kinds_of_recalibration_and_their_parameters():
    x, y = torch.randn(4, 8), torch.randn(4, 8)
    for kind, matrices in (("shared", 3), ("unshared", 4), ("scale_only", 2), ("shift_only", 2)):
        part = adapters.PSRP(8, 3, kind)
        assert moments.count_trainable(part) == matrices * 24 == adapters.psrp_parameters(8, 1, 3, kind)
    scale, shift = adapters.PSRP(8, 3, "scale_only"), adapters.PSRP(8, 3, "shift_only")
    torch.testing.assert_close(scale(x, torch.zeros_like(y)), torch.zeros_like(y))
    torch.testing.assert_close(shift(x, y) - shift(x, 2 * y), -y)
    assert adapters.psrp_parameters(768, 12) == 442_368
    with pytest.raises(ValueError, match="kind"):
        adapters.PSRP(8, 3, "both")


def test_scale_and_shift_start_as_the_identity_and_can_undo_any_change_of_channels():
    torch.manual_seed(0)
    plain = backbones.VisionTransformer(12, 4, width=16, depth=1, heads=2)
    images = torch.randn(2, 1, 12, 12)
    model = adapters.train_only(adapters.attach_ssf(copy.deepcopy(plain)), "ssf")
    torch.testing.assert_close(model(images), plain(images))
    layers = [m for m in plain.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.LayerNorm)]
    assert moments.count_trainable(model) == 2 * sum(len(layer.weight) for layer in layers)
    with torch.no_grad():
        model.embed.ssf.scale.fill_(2.0)
        plain.embed.weight *= 2
        plain.embed.bias *= 2
    torch.testing.assert_close(model(images), plain(images))


def test_training_some_parts_only():
    model = adapters.train_only(backbones.VisionTransformer(12, 4, width=16, depth=1, heads=2), "bias")
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained == {name for name, _ in model.named_parameters() if name.endswith("bias")}
    with pytest.raises(ValueError, match="psrp"):
        adapters.train_only(model, "psrp")
    with pytest.raises(ValueError, match="no block"):
        adapters.attach_psrp(backbones.ConvolutionalNetwork())


def test_shown_patches_keep_their_positions():
    torch.manual_seed(0)
    model = backbones.VisionTransformer(12, 4, width=16, depth=2, heads=2)
    images = torch.randn(2, 1, 12, 12)
    order = torch.stack([torch.randperm(9) for _ in range(2)])
    some = model.forward_tokens(images, order)
    whole = model.forward_tokens(images)
    torch.testing.assert_close(some[:, 0], whole[:, 0])
    torch.testing.assert_close(some[0, 1:], whole[0, 1:][order[0]])


def test_a_masked_autoencoder_does_not_see_what_it_predicts():
    torch.manual_seed(0)
    model = backbones.VisionTransformer(12, 4, width=16, depth=1, heads=2)
    decoder = backbones.MaskedDecoder(model)
    images = torch.randn(1, 1, 12, 12, requires_grad=True)
    chosen = torch.tensor([[0, 4]])
    decoder(model.forward_tokens(images, chosen), chosen).sum().backward()
    seen = torch.nn.functional.unfold(images.grad.abs(), 4, stride=4).sum(1)[0] > 0
    assert seen.nonzero().flatten().tolist() == [0, 4]
    loss = backbones.masked_loss(model, decoder, images, 3)
    assert 0.5 < loss.item() < 3


def test_a_map_becomes_tokens():
    features = torch.randn(2, 6, 3, 5)
    tokens = backbones.map_tokens(features)
    assert tokens.shape == (2, 16, 6)
    torch.testing.assert_close(tokens[:, 0].mean(-1), torch.zeros(2))
    torch.testing.assert_close(tokens[1, 1 + 7], features[1, :, 1, 2])
    network = backbones.ConvolutionalNetwork()
    assert network(torch.randn(2, 1, 24, 24)).shape == (2, 145, 64)


def test_sources_that_are_not_there():
    with pytest.raises(ValueError, match="nosuchmodel"):
        backbones.load_backbone("nosuchmodel")
    with pytest.raises(FileNotFoundError, match="/no/such/folder"):
        backbones.load_backbone("/no/such/folder")
    with pytest.raises(ValueError, match="patch"):
        backbones.VisionTransformer(10, 4)


def test_a_checkpoint_in_a_folder(tmp_path):
    first = backbones.load_backbone("vit", **TRANSFORMERS["vit"][0]).eval()
    first.model.save_pretrained(tmp_path)
    images = torch.randn(1, 3, 16, 16)
    second = backbones.load_backbone(str(tmp_path)).eval()
    torch.testing.assert_close(second.forward_tokens(images), first.forward_tokens(images))
    with pytest.raises(ValueError, match="config"):
        backbones.load_backbone(str(tmp_path), hidden_size=8)


def test_backbones_of_timm():
    timm = pytest.importorskip("timm")
    backbone = backbones.load_backbone("timm:vit_tiny_patch16_224", img_size=32).eval()
    assert backbone.forward_tokens(torch.randn(1, 3, 32, 32)).shape == (1, 5, 192)
    assert timm.__version__


def test_timm_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(ImportError, match="needs timm"):
        backbones.load_backbone("timm:vit_tiny_patch16_224")
