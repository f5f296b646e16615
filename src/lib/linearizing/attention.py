"""The attention layer of a linearized model: a gated memory and a short softmax window, mixed before the output map."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lib.linearizing.features import LearnedMap
from lib.linearizing.recurrence import check_recurrence, recurrent_half
from lib.linearizing.window import window_attention

GATE_SOURCES = ("key", "query", "value", "projection")
FEATURE_MAPS = ("softmax", "learned")


@dataclass(frozen=True)
class LigerSettings:
    """What tells one linearized layer from another; see `lib.linearizing.convert.linearize`."""

    form: str = "gla"
    window: int = 64
    mix: tuple[float, float] = (0.5, 0.5)
    gate_source: str = "key"
    feature_map: str = "softmax"
    slots: int | None = None
    damping: float = 16.0
    rotary_features: bool = False

    def __post_init__(self):
        object.__setattr__(self, "mix", tuple(float(weight) for weight in self.mix))  # a list, where it came from JSON

    def check(self, width: int) -> None:
        """Expect settings that fit heads of a width.

        Raises:
            ValueError: an unknown form, source or map, a window below 1, or a mix that is not two weights of at least
                0, one of them positive.
        """
        check_recurrence(self.form, self.slots, width, self.damping)
        if not isinstance(self.window, int) or self.window < 1:
            raise ValueError(f"window: got {self.window!r}, expected an integer of at least 1")
        if len(self.mix) != 2 or not all(0 <= weight < float("inf") for weight in self.mix) or not any(self.mix):
            raise ValueError(f"mix: got {self.mix}, expected two weights of at least 0 that are not both 0")
        if self.gate_source not in GATE_SOURCES:
            raise ValueError(f"gate_source: got {self.gate_source!r}, expected one of {', '.join(GATE_SOURCES)}")
        if self.feature_map not in FEATURE_MAPS:
            raise ValueError(f"feature_map: got {self.feature_map!r}, expected one of {', '.join(FEATURE_MAPS)}")
        if self.form == "gsa" and (self.feature_map == "learned" or self.rotary_features):
            raise ValueError("feature_map: got one for the form gsa, which reads queries and keys as they are")


class LigerAttention(nn.Module):
    """Liger attention in place of an attention layer of transformers, with that layer's own projections and norms.

    o = alpha o^rec + beta o^win, then the output map: `recurrent_half` of queries and keys without rotary positions,
    and softmax attention with them over the last `window` keys. Parameters have the names and shapes that they had; a
    gate projection or a learned feature map are new ones.

    Args:
        attention: the layer, with `q_proj`, `k_proj`, `v_proj`, `o_proj` and, if there, `q_norm` and `k_norm`.
        settings: of the new layer.
        source: generator of the new parameters.

    Source: Lan et al. 2025, section 3.
    """

    def __init__(self, attention: nn.Module, settings: LigerSettings, source: torch.Generator):
        super().__init__()
        settings.check(attention.head_dim)
        self.settings, self.layer_idx = settings, attention.layer_idx
        self.head_dim, self.scaling = attention.head_dim, attention.scaling
        self.q_proj, self.k_proj = attention.q_proj, attention.k_proj
        self.v_proj, self.o_proj = attention.v_proj, attention.o_proj
        self.normalised = hasattr(attention, "q_norm")
        if self.normalised:
            self.q_norm, self.k_norm = attention.q_norm, attention.k_norm
        weight = attention.q_proj.weight
        heads = attention.q_proj.out_features // self.head_dim
        if settings.gate_source == "projection":
            inputs, outputs = attention.k_proj.in_features, attention.k_proj.out_features
            self.forget_proj = nn.Linear(inputs, outputs, bias=False, device=weight.device, dtype=weight.dtype)
            _draw(self.forget_proj.weight, inputs**-0.5, source)
        if settings.feature_map == "learned":
            self.query_map, self.key_map = (LearnedMap(heads, self.head_dim, source).to(weight) for _ in range(2))

    def new_parameters(self) -> list[nn.Parameter]:
        """Parameters that the replaced layer did not have."""
        names = ("forget_proj", "query_map", "key_map")
        return [parameter for name in names if hasattr(self, name) for parameter in getattr(self, name).parameters()]

    def forward(
        self,
        hidden_states: Tensor,
        position_embeddings: tuple[Tensor, Tensor] | None = None,
        attention_mask: Tensor | None = None,
        past_key_values=None,
        **kwargs,
    ) -> tuple[Tensor, None]:
        """The layer on `(B, T, width)`, called as the layer that it replaces.

        Args:
            hidden_states: `(B, T, width)`.
            position_embeddings: cosines and sines of the rotary angles, `(B or 1, T, D)`.
            attention_mask: the causal mask of layers left as they were; not read.
            past_key_values: a `LigerCache`, which moves on by T tokens, or None.
            kwargs: `token_mask`, `(B, at least T)`, False at padded tokens, which `linearize` lets the model pass on.

        Raises:
            ValueError: a mask of scores without the mask of tokens.
        """
        if attention_mask is not None and "token_mask" not in kwargs:
            raise ValueError("attention_mask: got a mask of scores alone, expected token_mask beside it")
        token_mask, tokens = kwargs.get("token_mask"), hidden_states.shape[1]
        valid = None if token_mask is None else token_mask[:, -tokens:]
        cache = None if past_key_values is None else past_key_values.layers[self.layer_idx]
        q, k, v = self.project(hidden_states)
        o = self.attend(q, k, v, position_embeddings, self.gate_logits(hidden_states, q, v), valid, cache)
        if cache is not None:
            cache.seen += tokens
        return self.o_proj(o.to(hidden_states.dtype).flatten(2)), None

    def project(self, hidden_states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries `(B, T, H, D)`, keys and values `(B, T, G, D)`, without rotary positions."""
        q, k, v = (
            layer(hidden_states).unflatten(-1, (-1, self.head_dim)) for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        return (self.q_norm(q), self.k_norm(k), v) if self.normalised else (q, k, v)

    def attend(self, q, k, v, position_embeddings=None, gate=None, valid=None, cache=None) -> Tensor:
        """Both halves, weighed and added, before the output map: `(B, T, H, D)`.

        Args:
            q, k, v: from `project`.
            position_embeddings: as of `forward`; not read where neither half has positions.
            gate: logits of the gate; the keys when None.
            valid: `(B, T)`, False at padded tokens.
            cache: the layer's own part of a cache, which is read and moved on.
        """
        (memory, near), settings, o = self.settings.mix, self.settings, 0.0
        rotated = (q, k)
        if near or settings.rotary_features:
            rotated = tuple(rotate(x, *position_embeddings) for x in (q, k))
        if memory:
            features = rotated if settings.rotary_features else (q, k)
            o = memory * self._recur(*features, v, gate, valid, cache)
        if near and cache is not None:
            o = o + near * cache.attend(*rotated, v, settings.window, self.scaling, valid)
        elif near:
            o = o + near * window_attention(*rotated, v, settings.window, scale=self.scaling, valid=valid)
        return o

    def _recur(self, q, k, v, gate, valid, cache):
        settings = self.settings
        o, state = recurrent_half(
            q,
            k,
            v,
            form=settings.form,
            gate_logits=gate,
            slots=settings.slots,
            state=None if cache is None else cache.state,
            want_state=cache is not None,
            damping=settings.damping,
            feature_map=(self.query_map, self.key_map) if settings.feature_map == "learned" else None,
            valid=valid,
        )
        if cache is not None:
            cache.state = state
        return o

    def gate_logits(self, hidden_states, q, v) -> Tensor | None:
        """Logits of the gate from the settings' source; None for the keys."""
        source = self.settings.gate_source
        if source == "projection":
            return self.forget_proj(hidden_states).unflatten(-1, (-1, self.head_dim))
        return {"key": None, "query": q, "value": v}[source]


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions of `(B, T, H, D)` by cosines and sines `(B or 1, T, D)` in the half-split layout."""
    half = x.shape[-1] // 2
    cos, sin = cos[:, :, None], sin[:, :, None]
    a, b = x[..., :half], x[..., half:]
    return torch.cat((a * cos[..., :half] - b * sin[..., :half], b * cos[..., half:] + a * sin[..., half:]), -1)


@torch.no_grad()
def _draw(weight: Tensor, bound: float, source: torch.Generator) -> None:
    weight.copy_((2 * torch.rand(weight.shape, generator=source) - 1) * bound)
