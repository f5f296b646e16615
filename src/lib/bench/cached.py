"""Wall times of decoding with the caches of transformers, filled without a prefill: a state, or all keys and values."""

import time

import numpy as np
import torch
from torch import nn
from transformers.cache_utils import Cache, CacheLayerMixin

from lib.linearizing.cache import LigerCache
from lib.linearizing.convert import liger_layers

TURN = 10  # tokens decoded at one context before the next has its turn


class RoomyLayer(CacheLayerMixin):
    """Keys and values `[B, G, T, D]` in memory that is allocated once: a token is written and nothing is copied.

    Args:
        room: most tokens.
    """

    is_sliding = False

    def __init__(self, room: int):
        super().__init__()
        self.room, self.seen = room, 0

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Allocate the room."""
        self.keys, self.values = (x.new_zeros(*x.shape[:2], self.room, x.shape[-1]) for x in (key_states, value_states))
        self.is_initialized = True

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args, **kwargs):
        """Write new tokens; returns all keys and values so far, without a copy."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        span = slice(self.seen, self.seen + key_states.shape[2])
        self.keys[:, :, span], self.values[:, :, span] = key_states, value_states
        self.seen = span.stop
        return self.keys[:, :, : self.seen], self.values[:, :, : self.seen]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Keys and offset of the mask."""
        return self.seen + query_length, 0

    def get_seq_length(self) -> int:
        """Tokens seen so far."""
        return self.seen

    def get_max_length(self) -> int:
        """Most tokens."""
        return self.room


@torch.no_grad()
def filled_cache(model: nn.Module, context: int, room: int, source: torch.Generator) -> Cache:
    """A cache that stands for a context which is not run: random states, keys and values.

    Args:
        model: of transformers, with softmax attention in all layers or in none.
        context: tokens that the cache stands for.
        room: tokens that can still be decoded.
        source: of random numbers.
    """
    linear = bool(liger_layers(model))
    cache = LigerCache(model) if linear else None
    cache = cache or Cache(layers=[RoomyLayer(context + room) for _ in range(model.config.num_hidden_layers)])
    model(input_ids=torch.zeros(1, 1, dtype=torch.long), past_key_values=cache, use_cache=True)
    for layer in cache.layers:
        for name in ("state", "keys", "values"):
            part = getattr(layer, name, None)
            if part is not None:
                part.normal_(generator=source)
        layer.seen = context
    return cache


def count_cache_bytes(cache: Cache) -> int:
    """Bytes of what a cache holds of its tokens; room that is not used yet does not count."""
    if isinstance(cache, LigerCache):
        return cache.count_bytes()
    parts = [part[:, :, : layer.seen] for layer in cache.layers for part in (layer.keys, layer.values)]
    return sum(part.numel() * part.element_size() for part in parts)


@torch.no_grad()
def cached_decode_times(
    models: dict[str, nn.Module], contexts: list[int], tokens: int, turns: int, warmup: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of decoded tokens, `(model, context, turn, token)`, and bytes of the caches, `(model, context)`.

    Contexts and models take turns of a few tokens, so that a machine whose speed drifts slows all alike.

    Args:
        models: by name.
        contexts: tokens that the caches stand for.
        tokens: decoded after each context in each turn.
        turns: each begins from fresh caches.
        warmup: tokens at the beginning of each share of a turn that do not count.
    """
    seconds = np.empty((len(models), len(contexts), turns, tokens))
    held = np.empty((len(models), len(contexts)), dtype=np.int64)
    token = torch.zeros(1, 1, dtype=torch.long)
    shares = -(-tokens // TURN)
    for turn in range(turns):
        source = torch.Generator().manual_seed(turn)
        room = tokens + shares * warmup
        caches = [[filled_cache(model, n, room, source) for n in contexts] for model in models.values()]
        held[:] = [[count_cache_bytes(cache) for cache in row] for row in caches]
        for first in range(0, tokens, TURN):
            for k in range(len(contexts)):
                for i, model in enumerate(models.values()):
                    for t in range(-warmup, min(TURN, tokens - first)):
                        start = time.perf_counter()
                        model(input_ids=token, past_key_values=caches[i][k], use_cache=True)
                        if t >= 0:
                            seconds[i, k, turn, first + t] = time.perf_counter() - start
    return seconds, held
