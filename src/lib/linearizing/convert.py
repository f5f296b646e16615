"""A softmax model of transformers turned into a linearized one, in place."""

import torch
from torch import nn

from lib.linearizing.attention import LigerAttention, LigerSettings

KNOWN = ("llama", "mistral", "qwen2", "qwen3")


def linearize(
    model: nn.Module,
    *,
    form: str = "gla",
    window: int = 64,
    mix: tuple[float, float] = (0.5, 0.5),
    gate_source: str = "key",
    feature_map: str = "softmax",
    keep_softmax: tuple[int, ...] = (),
    slots: int | None = None,
    damping: float = 16.0,
    rotary_features: bool = False,
    seed: int = 0,
) -> nn.Module:
    """Replace the attention layers of a causal language model by Liger attention, in place.

    The new layers share the parameters of the old ones. Fine-tune the model with `lib.linearizing.adapters`.

    Args:
        model: Llama, Mistral, Qwen2 or Qwen3 for causal language modelling.
        form: of the gate, one of `lib.linearizing.recurrence.FORMS`.
        window: tokens of the softmax window, the token itself included.
        mix: weights of the recurrent half and of the window; a half of weight 0 is not computed.
        gate_source: what the logits of the gate are: the `key`, the `query`, the `value`, or a new `projection` of the
            layer's input.
        feature_map: `softmax`, or `learned` maps of queries and keys (`lib.linearizing.features.LearnedMap`).
        keep_softmax: layers left as they are; every eighth, `range(7, layers, 8)`, makes Liger-H.
        slots: of the form `gsa`; as many as a head is wide when None.
        damping: tau of the gate.
        rotary_features: whether features are computed from rotated queries and keys, as LoLCATs does.
        seed: of new parameters.

    Returns:
        The same model.

    Raises:
        ValueError: settings that do not fit, a model of another kind or one that is linearized already, attention with
            dropout, caps on its scores, or a window of its own that is shorter than the new one.
    """
    settings = LigerSettings(form, window, mix, gate_source, feature_map, slots, damping, rotary_features)
    decoder = _checked_decoder(model, settings)
    count = len(decoder.layers)
    kept_layers = sorted({int(index) for index in keep_softmax})
    if any(not 0 <= index < count for index in kept_layers) or len(kept_layers) == count:
        raise ValueError(f"keep_softmax: got {kept_layers}, expected some but not all of the layers 0 to {count - 1}")
    source = torch.Generator().manual_seed(seed)
    replaced = [layer for index, layer in enumerate(decoder.layers) if index not in kept_layers]
    settings.check(replaced[0].self_attn.head_dim)  # before the first layer is replaced
    for layer in replaced:
        layer.self_attn = LigerAttention(layer.self_attn, settings, source)
    decoder.register_forward_pre_hook(_prepare_inputs, with_kwargs=True)
    return model


def liger_layers(model: nn.Module) -> list[LigerAttention]:
    """The linearized attention layers of a model, in order."""
    return [module for module in model.modules() if isinstance(module, LigerAttention)]


def new_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Gate projections and feature maps, which the softmax model does not have."""
    return [parameter for layer in liger_layers(model) for parameter in layer.new_parameters()]


def _checked_decoder(model, settings):
    config = getattr(model, "config", None)
    kind = getattr(config, "model_type", type(model).__name__)
    if kind not in KNOWN or not hasattr(model, "get_decoder"):
        raise ValueError(f"model: got {kind}, expected a causal language model of the kinds {', '.join(KNOWN)}")
    if liger_layers(model):
        raise ValueError("model: got one that is linearized already, expected one with softmax attention")
    if config.attention_dropout:
        raise ValueError(f"model: got attention_dropout of {config.attention_dropout}, expected 0")
    if getattr(config, "attn_logit_softcapping", None):
        raise ValueError("model: got attn_logit_softcapping in its configuration, expected attention without caps")
    decoder = model.get_decoder()
    own = getattr(config, "sliding_window", None)
    if own is not None and "sliding_attention" in (getattr(config, "layer_types", None) or ["sliding_attention"]):
        if own < 1:
            raise ValueError(f"model: got a sliding_window of {own}, expected at least 1")
        if settings.mix[1] and own < settings.window:
            raise ValueError(f"window: got {settings.window}, expected at most the model's own of {own}")
    return decoder


def _prepare_inputs(decoder, args, kwargs):
    """Give linearized layers the mask of tokens and a cache of their own kind.

    While the model is in training no cache is made that nobody asked for.
    """
    from lib.linearizing.cache import LigerCache

    if len(args) > 1:
        raise ValueError(f"inputs: got {len(args)} positional arguments, expected masks and caches by name")
    mask, cache = kwargs.get("attention_mask"), kwargs.get("past_key_values")
    if mask is not None and mask.ndim != 2:
        raise ValueError(f"attention_mask shape: got {tuple(mask.shape)}, expected a mask of tokens (B, T)")
    kwargs["token_mask"] = None if mask is None or bool(mask.all()) else mask.bool()
    if all(isinstance(layer.self_attn, LigerAttention) for layer in decoder.layers):
        kwargs["attention_mask"] = None  # no layer is left that would read T x T entries made of it
    if not isinstance(cache, LigerCache):
        if cache is not None and cache.get_seq_length():
            raise ValueError(f"past_key_values: got a {type(cache).__name__} with tokens, expected a LigerCache")
        wanted = kwargs.get("use_cache")
        wanted = decoder.config.use_cache and not decoder.training if wanted is None else wanted
        kwargs |= {"use_cache": wanted, "past_key_values": LigerCache(decoder) if wanted else None}
    return args, kwargs
