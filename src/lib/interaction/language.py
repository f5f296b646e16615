"""The last blocks of a causal language model of transformers, as a chain of blocks over its residual stream."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from lib.interaction.chain import Chain


class Sequences(NamedTuple):
    """Activations that enter the first analysed block by batch, and the next tokens, -100 at the last position."""

    starts: list[torch.Tensor]
    labels: list[torch.Tensor]


def decoder_blocks(model: nn.Module) -> nn.ModuleList:
    """The list of a model's blocks: the longest list of modules in it.

    Raises:
        ValueError: no list of modules.
    """
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        raise ValueError(f"model: got {type(model).__name__} without a list of blocks, expected a transformer")
    return max(lists, key=len)


def load_tokens(path: Path, length: int, count: int) -> torch.Tensor:
    """Windows (sequences, length) of about `count` tokens from the start of a .npy file of integers.

    Raises:
        ValueError: not integers, or fewer than two windows.
    """
    tokens = np.load(path, mmap_mode="r", allow_pickle=False).reshape(-1)[:count]
    if tokens.dtype.kind not in "iu" or len(tokens) < 2 * length:
        raise ValueError(f"{path}: got {len(tokens)} {tokens.dtype}, expected at least {2 * length} integers")
    whole = len(tokens) // length * length
    return torch.from_numpy(np.array(tokens[:whole], dtype=np.int64).reshape(-1, length))


def _hidden(output):
    return output[0] if isinstance(output, tuple) else output


def language_chain(model: nn.Module, layers: int, tokens: torch.Tensor, batch: int) -> tuple[Chain, Sequences]:
    """The last blocks of a model as a chain that ends in its norm and head, and what enters them.

    Args:
        model: causal language model of transformers, in evaluation mode; its blocks take the residual stream first.
        layers: number of last blocks.
        tokens: (sequences, length); sequences that do not fill a batch are left out.
        batch: sequences of a batch.

    Raises:
        ValueError: more layers than blocks, or fewer sequences than a batch.
    """
    blocks = decoder_blocks(model)
    if layers > len(blocks) or len(tokens) < batch:
        raise ValueError(
            f"layers, tokens: got {layers} layers and {len(tokens)} sequences, expected at most {len(blocks)} layers "
            f"and at least {batch} sequences"
        )
    device = next(model.parameters()).device
    calls: dict[int, tuple[tuple, dict]] = {}
    entered: list[torch.Tensor] = []

    def note(number: int):
        def hook(_module, args, kwargs):
            hidden, *rest = args if args else (kwargs["hidden_states"],)
            calls[number] = tuple(rest), {key: value for key, value in kwargs.items() if key != "hidden_states"}
            if number == 0:
                entered.append(hidden.detach())

        return hook

    chosen = list(blocks)[-layers:]
    handles = [block.register_forward_pre_hook(note(i), with_kwargs=True) for i, block in enumerate(chosen)]
    labels = []
    with torch.no_grad():
        for part in tokens[: len(tokens) // batch * batch].split(batch):
            model(part.to(device), use_cache=False)
            following = torch.full_like(part, -100)
            following[:, :-1] = part[:, 1:]
            labels.append(following.to(device))
    for handle in handles:
        handle.remove()

    def run_block(number: int, hidden: torch.Tensor) -> torch.Tensor:
        args, kwargs = calls[number]
        return _hidden(chosen[number](hidden, *args, **kwargs))

    def finish(hidden: torch.Tensor) -> torch.Tensor:
        def replace(_module, _args, output):
            return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

        handle = chosen[-1].register_forward_hook(replace)
        try:
            return model(torch.zeros(hidden.shape[:2], dtype=torch.int64, device=device), use_cache=False).logits
        finally:
            handle.remove()

    return Chain([lambda x, i=i: run_block(i, x) for i in range(layers)], finish), Sequences(entered, labels)
