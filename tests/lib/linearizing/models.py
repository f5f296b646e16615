"""Tiny random models of the kinds that can be linearized."""

import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

SIZES = {
    "vocab_size": 30,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "bos_token_id": 0,
    "eos_token_id": None,
    "pad_token_id": 1,
}
SCALED = {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
SCALED |= {"original_max_position_embeddings": 16}
KINDS = {
    "llama": (LlamaConfig, LlamaForCausalLM, {}),
    "llama_scaled": (LlamaConfig, LlamaForCausalLM, {"rope_parameters": SCALED, "attention_bias": True}),
    "mistral": (MistralConfig, MistralForCausalLM, {"sliding_window": 100, "head_dim": 16}),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, {"tie_word_embeddings": True}),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM, {"head_dim": 16}),
}


def tiny(kind: str = "llama", seed: int = 0, **changes):
    """A random model in evaluation mode, in float32, with weights large enough that attention is not uniform."""
    config, model, options = KINDS[kind]
    torch.manual_seed(seed)
    made = model(config(**SIZES | options | changes)).eval()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "q_proj" in name or "k_proj" in name:
                parameter.mul_(10)
    return made


def tokens(batch: int = 2, length: int = 40, seed: int = 0) -> torch.Tensor:
    """Random tokens from 2 on."""
    return torch.randint(2, 30, (batch, length), generator=torch.Generator().manual_seed(seed))


def byte_tokeniser(start: bool = False):
    """A tokeniser of bytes: tokens 0 to 255, an end token 256 and, if asked for, a start token 257 before each text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate(letters)} | {"<end>": 256, "<start>": 257}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if start:
        tokenizer.post_processor = processors.TemplateProcessing("<start> $A", special_tokens=[("<start>", 257)])
    names = {"eos_token": "<end>"} | ({"bos_token": "<start>"} if start else {})
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def save_tiny(folder, kind: str = "llama", **changes):
    """A tiny model with its tokeniser of bytes, as a folder of transformers; the model."""
    model = tiny(kind, vocab_size=258, **changes)
    model.save_pretrained(folder)
    byte_tokeniser().save_pretrained(folder)
    return model
