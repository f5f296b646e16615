"""The published pipelines' own classes, tiny and random, saved to folders."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from lib.diffusion.small import widen_input


def clip_text(folder: Path):
    """A CLIP text encoder of one layer, and a tokenizer of a few letters."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    words = ["<|startoftext|>", "<|endoftext|>", "l", "i", "g", "h", "t</w>", "a</w>", "e", "f", "o", "m</w>", "r"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=8)
    config = CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=8,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return CLIPTextModel(config), tokenizer


def t5_text():
    """A tokenizer of three words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {word: i for i, word in enumerate(["<pad>", "</s>", "<unk>", "light", "left", "dark"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=8
    )


def save_stable_diffusion(root: Path) -> Path:
    """Save Stable Diffusion (`sd15`), IC-Light's offsets (`ic_light.safetensors`) and a MotionAdapter (`motion`)."""
    from diffusers import (
        AutoencoderKL,
        EulerAncestralDiscreteScheduler,
        MotionAdapter,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )

    torch.manual_seed(0)
    text, tokenizer = clip_text(root)
    channels = (8, 8, 16, 16)
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=channels,
        norm_num_groups=4,
        cross_attention_dim=16,
        attention_head_dim=2,
        layers_per_block=1,
    )
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 8),
        latent_channels=4,
        norm_num_groups=4,
        sample_size=32,
    )
    pipe = StableDiffusionPipeline(
        vae,
        text,
        tokenizer,
        unet,
        EulerAncestralDiscreteScheduler(steps_offset=1),
        None,
        None,
        requires_safety_checker=False,
    )
    pipe.save_pretrained(root / "sd15")
    offsets = widen_input(UNet2DConditionModel.from_config(unet.config), 8).state_dict()
    save_file({k: 0.01 * torch.randn(v.shape) for k, v in offsets.items()}, root / "ic_light.safetensors")
    MotionAdapter(
        block_out_channels=channels,
        motion_layers_per_block=1,
        motion_num_attention_heads=2,
        motion_norm_num_groups=4,
        motion_max_seq_length=16,
    ).save_pretrained(root / "motion")
    return root


def save_transformers(root: Path) -> Path:
    """Save a CogVideoXPipeline (`cog`) and a WanPipeline (`wan`)."""
    from diffusers import (
        AutoencoderKLCogVideoX,
        AutoencoderKLWan,
        CogVideoXDDIMScheduler,
        CogVideoXPipeline,
        CogVideoXTransformer3DModel,
        FlowMatchEulerDiscreteScheduler,
        WanPipeline,
        WanTransformer3DModel,
    )
    from transformers import T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel

    torch.manual_seed(0)
    small = {"vocab_size": 8, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    cog_transformer = CogVideoXTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=4,
        out_channels=4,
        time_embed_dim=4,
        text_embed_dim=16,
        num_layers=1,
        sample_width=4,
        sample_height=4,
        sample_frames=9,
        patch_size=2,
        max_text_seq_length=8,
        use_rotary_positional_embeddings=True,
    )
    cog_vae = AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4,
        up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=2,
        temporal_compression_ratio=4,
    )
    CogVideoXPipeline(
        t5_text(), T5EncoderModel(T5Config(**small)), cog_vae, cog_transformer, CogVideoXDDIMScheduler()
    ).save_pretrained(root / "cog")
    wan_vae = AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    wan_transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=16,
        out_channels=16,
        text_dim=16,
        freq_dim=16,
        ffn_dim=16,
        num_layers=1,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=32,
    )
    WanPipeline(
        tokenizer=t5_text(),
        text_encoder=UMT5EncoderModel(UMT5Config(**small)),
        vae=wan_vae,
        transformer=wan_transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    ).save_pretrained(root / "wan")
    return root


def save_clip(root: Path) -> Path:
    """Save a CLIPVisionModelWithProjection (`clip`)."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=16,
        projection_dim=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=16,
        patch_size=8,
    )
    CLIPVisionModelWithProjection(config).save_pretrained(root / "clip")
    return root
