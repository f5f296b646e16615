"""Language models whose layers are mixtures of memories, and the single memories that they are compared with."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from lib.attention.layers import GatedUnit, SoftmaxAttention
from lib.attention.memories import MixtureOfMemories
from lib.attention.routing import load_balance_loss, memory_load
from lib.language.models import LanguageModel
from lib.language.recall import mqar
from lib.ssm.models import GeluUnit
from lib.training.loop import language_loss, token_losses
from lib.training.stacked import count_parameters, stack_batches


class MemoryModel(LanguageModel):
    """A language model that hands on what its routers say, and takes a routing from outside."""

    def routed(self, tokens: Tensor, index: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """Logits `(models, batch, T, vocabulary)`, and those of the routers, one tensor for each layer that has one.

        Args:
            tokens: `(models, batch, T)`.
            index: memories of each token, `(models, batch, T, k)`, in place of the routers' choice.
        """
        x, routers = self.embedding(tokens), []
        for layer, (mixer, norm) in enumerate(zip(self.mixers, self.mixer_norms)):
            if isinstance(mixer, MixtureOfMemories) and mixer.M:
                y, logits = mixer.mix(norm(x), index)
                routers.append(logits)
            else:
                y = mixer(norm(x))
            x = self._channel(x + y, layer)
        return self.head(self.norm(x)), routers

    @property
    def chosen(self) -> int:
        """Memories of a token in the layers that route; 0 where there is none."""
        return max((mixer.k for mixer in self.mixers if isinstance(mixer, MixtureOfMemories)), default=0)


def memory_model(
    vocabulary: int,
    width: int,
    layers: list[str],
    sources: list,
    *,
    hidden: int,
    tied: bool = False,
    channel: str = "gelu",
    softmax_heads: int = 4,
    **options,
) -> MemoryModel:
    """A pre-norm model with a mixer and a channel mixer in each layer.

    Args:
        vocabulary, width: sizes.
        layers: `memories`, `softmax` (rotary positions) or `alibi` for each layer.
        sources: one generator for each model.
        hidden: width of the channel mixers.
        tied: whether the head is the embedding.
        channel: `gelu` or `swiglu`.
        softmax_heads: heads of the layers of softmax attention.
        options: of `MixtureOfMemories`.

    Raises:
        ValueError: another kind of layer or of channel mixer.
    """
    if channel not in ("gelu", "swiglu"):
        raise ValueError(f"channel: got {channel!r}, expected gelu or swiglu")
    kinds = {
        "memories": lambda: MixtureOfMemories(width, sources, **options),
        "softmax": lambda: SoftmaxAttention(width, softmax_heads, sources),
        "alibi": lambda: SoftmaxAttention(width, softmax_heads, sources, positions="alibi"),
    }
    for kind in layers:
        if kind not in kinds:
            raise ValueError(f"layers: got {kind!r}, expected {' or '.join(kinds)}")
    channels = [
        GeluUnit(width, hidden, sources) if channel == "gelu" else GatedUnit(width, hidden, sources, "silu")
        for _ in layers
    ]
    return MemoryModel(vocabulary, width, [kinds[kind]() for kind in layers], channels, sources, tied)


def active_parameters(model: MemoryModel) -> int:
    """Parameters of one model that a token meets: of the routed memories, those of the chosen ones alone."""
    idle = 0
    for mixer in model.mixers:
        if isinstance(mixer, MixtureOfMemories) and mixer.M:
            share = (mixer.M - mixer.k) / mixer.slots
            own = [mixer.write.weight] if mixer.write is not None else []
            own += [value for name, value in mixer.named_parameters() if name in ("decay_bias", "widen")]
            idle += round(share * sum(value[0].numel() for value in own))
    return count_parameters(model) - idle


def state_numbers(model: MemoryModel) -> int:
    """Numbers in all memories of one sequence, of layers of softmax attention none."""
    return sum(mixer.slots * mixer.H * mixer.D * mixer.E for mixer in model.mixers if hasattr(mixer, "slots"))


def describe(model: MemoryModel) -> dict[str, int]:
    """What is compared beside a score: memories of a token, parameters, active ones, and bytes of the states."""
    return {
        "chosen_memories": model.chosen,
        "parameters": count_parameters(model),
        "active_parameters": active_parameters(model),
        "state_bytes": 4 * state_numbers(model),
    }


def recall_routes(tokens: Tensor, pairs: int, memories: int) -> Tensor:
    """An ideal routing of associative recall: key, value and query of a pair go to the memory `key mod M`.

    Args:
        tokens: sequences of `lib.language.recall.mqar` without gaps, `(models, batch, 3 pairs)`.
        pairs: of a sequence.
        memories: M.

    Returns:
        `(models, batch, T, 1)`.
    """
    index = tokens % memories
    keys = index[..., 0 : 2 * pairs : 2]
    index = index.clone()
    index[..., 1 : 2 * pairs : 2] = keys
    return index[..., None]


def with_ideal_routes(model: MemoryModel) -> Callable[[Tensor], Tensor]:
    """The model with the ideal routing of associative recall: tokens `(models, batch, 3 pairs)` to logits."""
    memories = model.mixers[0].M
    return lambda tokens: model.routed(tokens, recall_routes(tokens, tokens.shape[-1] // 3, memories))[0]


def recall_load(
    model: MemoryModel, pairs: int, n_keys: int, sequences: int, rngs: list, oracle: bool, device: str = "cpu"
) -> np.ndarray:
    """Share of tokens that each memory receives on fresh sequences of recall, `(models, layers that route, M)`.

    Args:
        model: a stack; without routed memories the shares are one NaN.
        pairs, n_keys: as in `mqar`.
        sequences: for each model.
        rngs: one generator for each model.
        oracle: whether the routing is the ideal one.
        device: torch device.
    """
    memories = next((mixer.M for mixer in model.mixers if isinstance(mixer, MixtureOfMemories)), 0)
    if not memories:
        return np.full((len(rngs), 1, 1), np.nan)
    tokens, _ = stack_batches([mqar(sequences, pairs, n_keys, rng) for rng in rngs], device)
    if oracle:
        index = [recall_routes(tokens, pairs, memories)]
    else:
        with torch.no_grad():
            index = [logits.topk(model.chosen, -1)[1] for logits in model.routed(tokens)[1]]
    return torch.stack([memory_load(part, memories) for part in index], 1).cpu().numpy()


def routed_tokens(model: MemoryModel, windows: Tensor, vocabulary: int, layer: int) -> np.ndarray:
    """How often each memory of a layer receives each token, counts `(models, M, vocabulary)`.

    Args:
        model: a stack.
        windows: tokens `(windows, T)`, the same for all models.
        vocabulary: number of tokens.
        layer: among those that route.
    """
    models = len(model.norm.weight)
    memories = model.mixers[0].M
    counts = np.zeros((models, memories, vocabulary))
    with torch.no_grad():
        for part in windows.split(16):
            tokens = part.expand(models, *part.shape)
            index = model.routed(tokens)[1][layer].topk(model.chosen, -1)[1]
            for j, (own, chosen) in enumerate(zip(tokens, index)):
                pair = chosen * vocabulary + own[..., None]
                counts[j] += np.bincount(pair.flatten().cpu().numpy(), minlength=memories * vocabulary).reshape(
                    memories, vocabulary
                )
    return counts


def balanced_losses(model: MemoryModel, losses: Tensor, routers: list[Tensor], weight: float) -> Tensor:
    """Losses `(models,)` with the balance of the routers' load added."""
    return losses + weight * load_balance_loss(routers, model.chosen) if routers and weight else losses


def recall_loss(model: MemoryModel, tokens: Tensor, targets: Tensor, pairs: int, weight: float, oracle: bool) -> Tensor:
    """Losses `(models,)` of the answers to the queries of associative recall, with the balance of the load.

    Args:
        model: a stack.
        tokens, targets: of `mqar`, `(models, batch, 3 pairs)`.
        pairs: of a sequence.
        weight: of the balance; an ideal routing has none.
        oracle: whether the routing is the ideal one.
    """
    index = recall_routes(tokens, pairs, model.mixers[0].M) if oracle else None
    logits, routers = model.routed(tokens, index)
    losses = token_losses(logits[:, :, 2 * pairs :], targets[:, :, 2 * pairs :])
    return losses if oracle else balanced_losses(model, losses, routers, weight)


def text_loss(model: MemoryModel, windows: Tensor, weight: float) -> Tensor:
    """Next-token losses `(models,)` of windows `(models, batch, T + 1)`, with the balance of the load."""
    if not model.chosen:
        return language_loss(model, windows)
    logits, routers = model.routed(windows[..., :-1])
    return balanced_losses(model, token_losses(logits, windows[..., 1:]), routers, weight)


def tail_losses(model: MemoryModel, windows: np.ndarray, tail: int, device: str = "cpu") -> np.ndarray:
    """Mean loss in nats of the last tokens of windows, `(models,)`.

    Args:
        model: a stack.
        windows: tokens `(windows, T + 1)`.
        tail: tokens at the end whose losses count.
        device: torch device.
    """
    models, total = len(model.norm.weight), 0.0
    with torch.no_grad():
        for part in torch.from_numpy(windows).split(8):
            tokens = part.expand(models, *part.shape).to(device)
            logits = model.head(model.features(tokens[..., :-1])[:, :, -tail:])
            total = total + token_losses(logits, tokens[..., -tail:]).double() * len(part)
    return (total / len(windows)).cpu().numpy()
