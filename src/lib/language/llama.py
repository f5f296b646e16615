"""Small Llama models of transformers: built from sizes, trained on tokens, evaluated, and carried as arrays."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from lib.language.formal_tasks import IGNORE

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


def small_llama(
    vocabulary: int,
    *,
    width: int,
    layers: int,
    heads: int,
    groups: int,
    hidden: int,
    positions: int,
    theta: float = 1e4,
    seed: int = 0,
) -> "LlamaForCausalLM":
    """A Llama with random weights.

    Args:
        vocabulary: number of tokens.
        width, layers: of the model.
        heads, groups: of queries, and of keys and values.
        hidden: width of the gated perceptrons.
        positions: most tokens of a sequence.
        theta: base of the rotary angles.
        seed: of the weights.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=groups,
        max_position_embeddings=positions,
        rope_theta=float(theta),
        attn_implementation="sdpa",
        use_cache=False,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def token_loss(model: torch.nn.Module, tokens: np.ndarray, targets: np.ndarray) -> torch.Tensor:
    """Mean cross-entropy, a scalar, of tokens and targets `(n, T)`; targets of -100 do not count."""
    device = next(model.parameters()).device
    inputs, wanted = (torch.from_numpy(part).to(device) for part in (tokens, targets))
    logits = model(input_ids=inputs, use_cache=False).logits
    return functional.cross_entropy(logits.flatten(0, 1).float(), wanted.flatten(), ignore_index=IGNORE)


@torch.no_grad()
def recalled(model: torch.nn.Module, tokens: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Whether the most likely token is the target, at each position that has one, in their order, `(answers,)`."""
    device = next(model.parameters()).device
    answer = model(input_ids=torch.from_numpy(tokens).to(device), use_cache=False).logits.argmax(-1).cpu().numpy()
    asked = targets != IGNORE
    return answer[asked] == targets[asked]


def weights_as_arrays(model: torch.nn.Module) -> dict[str, np.ndarray]:
    """Parameters by name."""
    return {name: parameter.detach().cpu().numpy().copy() for name, parameter in model.named_parameters()}


@torch.no_grad()
def load_arrays(model: torch.nn.Module, arrays: dict[str, np.ndarray]) -> None:
    """Set every parameter of a model from arrays of `weights_as_arrays`.

    Raises:
        ValueError: other names or shapes.
    """
    own = dict(model.named_parameters())
    shapes = {name: tuple(parameter.shape) for name, parameter in own.items()}
    if shapes != {name: np.shape(array) for name, array in arrays.items()}:
        raise ValueError(f"arrays: got {len(arrays)} of them, expected those of the model's {len(shapes)} parameters")
    for name, parameter in own.items():
        parameter.copy_(torch.from_numpy(np.array(arrays[name])))
