"""The cache of a linearized model for `generate`: a state of fixed size and a ring of the last keys and values."""

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicLayer

from lib.linearizing.attention import LigerAttention
from lib.linearizing.window import window_attention, window_attention_step


class LigerLayer(CacheLayerMixin):
    """State of one linearized layer: `state` of the recurrence, and rings `[B, window, G, D]` of keys and values.

    Token t lies at place t % window; keys carry their rotary positions. `there` is False at places of padded tokens,
    None where no token was padded.
    """

    is_sliding = False

    def __init__(self):
        super().__init__()
        self.reset()

    def reset(self) -> None:
        """Forget all tokens."""
        self.state = self.keys = self.values = self.there = None
        self.seen = 0
        self.is_initialized = False

    def attend(self, q, k, v, window: int, scale: float, valid: Tensor | None) -> Tensor:
        """Window attention of T new tokens, `(B, T, H, D)`, whose rotated keys and values are added to the rings."""
        tokens, before = q.shape[1], min(self.seen, window)
        if self.keys is None:
            self.keys, self.values = (x.new_zeros(x.shape[0], window, *x.shape[2:]) for x in (k, v))
            self.is_initialized = True
        if valid is not None and self.there is None:
            self.there = torch.ones(len(q), window, dtype=torch.bool, device=q.device)
        if valid is None and self.there is not None:
            valid = self.there.new_ones(len(q), tokens)
        if tokens == 1:
            return self._attend_one(q, k, v, window, scale, valid, min(before + 1, window))
        place = torch.arange(self.seen - before, self.seen, device=q.device) % window
        rings = [self.keys, self.values] if valid is None else [self.keys, self.values, self.there]
        new = [k, v] if valid is None else [k, v, valid]
        if before:
            new = [torch.cat((ring[:, place], part), 1) for ring, part in zip(rings, new)]
        o = window_attention(q, *new[:2], window, scale=scale, valid=None if valid is None else new[2])
        last = min(window, tokens)
        place = torch.arange(self.seen + tokens - last, self.seen + tokens, device=q.device) % window
        for ring, part in zip(rings, new):
            ring[:, place] = part[:, -last:].detach()
        return o

    def _attend_one(self, q, k, v, window, scale, valid, filled):
        place = self.seen % window
        self.keys[:, place], self.values[:, place] = k[:, 0].detach(), v[:, 0].detach()
        there = None
        if valid is not None:
            self.there[:, place] = valid[:, 0]
            there = self.there[:, :filled].clone()
            there[:, place] = True  # a token always sees itself
        return window_attention_step(q, self.keys[:, :filled], self.values[:, :filled], scale=scale, valid=there)

    def count_bytes(self) -> int:
        """Bytes of the state and of the rings."""
        parts = (self.state, self.keys, self.values, self.there)
        return sum(part.numel() * part.element_size() for part in parts if part is not None)

    def _each_row(self, choose) -> None:
        for name in ("state", "keys", "values", "there"):
            if getattr(self, name) is not None:
                setattr(self, name, choose(getattr(self, name)))

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Keep the rows of the beams that go on."""
        self._each_row(lambda part: part.index_select(0, beam_idx.to(part.device)))

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep some rows of the batch."""
        self._each_row(lambda part: part[indices])

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Repeat each row of the batch."""
        self._each_row(lambda part: part.repeat_interleave(repeats, 0))

    def get_seq_length(self) -> int:
        """Tokens seen so far."""
        return self.seen

    def get_max_length(self) -> int:
        """-1: there is no bound."""
        return -1

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Keys and offset of the mask of layers that were left as they are."""
        return self.seen + query_length, 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do before the first token."""

    def update(self, key_states: Tensor, value_states: Tensor, *args, **kwargs):
        """Refuse keys and values of a softmax layer."""
        raise TypeError("cache: got keys of a softmax layer for a linearized one, expected a cache made for this model")


class LigerCache(Cache):
    """One `LigerLayer` for each linearized layer and a growing list of keys for each layer left as it is.

    Args:
        model: a linearized model; `generate` makes a cache by itself where none is passed.
    """

    def __init__(self, model):
        decoder = model.get_decoder() if hasattr(model, "get_decoder") else model
        linear = [isinstance(layer.self_attn, LigerAttention) for layer in decoder.layers]
        super().__init__(layers=[LigerLayer() if yes else DynamicLayer() for yes in linear])

    def count_bytes(self) -> int:
        """Bytes of all states, keys and values."""
        total = 0
        for layer in self.layers:
            if isinstance(layer, LigerLayer):
                total += layer.count_bytes()
            elif layer.is_initialized:
                total += sum(part.numel() * part.element_size() for part in (layer.keys, layer.values))
        return total
