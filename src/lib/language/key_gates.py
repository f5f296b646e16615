"""What a gate computed from the keys of a model forgets, before any linearization: how long its channels remember."""

import numpy as np
import torch
from torch.nn import functional


@torch.no_grad()
def collect_keys(model: torch.nn.Module, tokens: np.ndarray) -> torch.Tensor:
    """Keys without rotary positions, `(layers, n, T, groups, D)`, of a Llama on tokens `(n, T)`.

    Args:
        model: each of whose attention layers has a `k_proj`.
        tokens: integers.
    """
    keys, width = [], model.config.head_dim
    layers = [module for name, module in model.named_modules() if name.endswith("self_attn.k_proj")]
    hooks = [
        layer.register_forward_hook(lambda _module, _inputs, output: keys.append(output.unflatten(-1, (-1, width))))
        for layer in layers
    ]
    try:
        model(input_ids=torch.from_numpy(tokens), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack(keys)


def count_memory_lengths(keys: torch.Tensor, edges: np.ndarray, damping: float = 16.0) -> np.ndarray:
    """Counts `(layers, groups, D, bins)` of the tokens after which a channel has forgotten all but 1/e.

    A key z makes the log decay g = log sigmoid(z) / damping, and with it the length -1 / g.

    Args:
        keys: `(layers, n, T, groups, D)`.
        edges: of the bins, in tokens, `(bins + 1,)`; lengths beyond them are counted in the outermost bins.
        damping: of the gate.
    """
    lengths = (-damping / functional.logsigmoid(keys.double())).numpy()
    place = (np.searchsorted(edges, lengths, side="right") - 1).clip(0, len(edges) - 2)
    layers, _, _, groups, width = place.shape
    flat = np.moveaxis(place, (0, 3, 4), (0, 1, 2)).reshape(layers * groups * width, -1)
    counts = np.stack([np.bincount(row, minlength=len(edges) - 1) for row in flat])
    return counts.reshape(layers, groups, width, -1)
