"""Small sequence models around one kind of mixer, for formal tasks, recall and text."""

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from lib.attention.layers import GatedUnit, SoftmaxAttention
from lib.language.models import LanguageModel
from lib.ssm.gated_delta_net import GatedDeltaNet
from lib.ssm.mamba2 import Mamba2
from lib.ssm.mamba3 import Mamba3
from lib.training.stacked import StackedLinear, count_parameters

MAMBA3 = {
    "mamba3": {},
    "mimo": {"rank": 4},
    "euler": {"lam": 1.0},
    "half": {"lam": 0.5},
    "no_bias": {"bias": ""},
    "b_bias": {"bias": "B"},
    "c_bias": {"bias": "C"},
    "euler_no_bias": {"lam": 1.0, "bias": ""},
    "conv": {"conv": 4},
    "no_rotation": {"rotation": "none"},
    "fixed_rotation": {"rotation": "fixed"},
    "heavy_tail": {"decay": "heavy_tail"},
}
OTHERS = ("mamba2", "mamba2_data", "gdn", "gdn_signed", "softmax")


def mixer(
    name: str,
    width: int,
    sources: list,
    *,
    head_dim: int,
    d_state: int,
    dt_range: tuple[float, float],
    expand: int = 2,
    rope_fraction: float = 1.0,
    gdn_value_dim: int | None = None,
    backend: str = "auto",
    chunk_size: int = 64,
) -> nn.Module:
    """A mixer by name.

    Args:
        name: a key of `MAMBA3` (Mamba-3, its MIMO form of rank 4, its ablations), `mamba2` (A learned for each head),
            `mamba2_data` (A from the input), `gdn`, `gdn_signed` (eigenvalues in [-1, 1]) or `softmax`.
        width: d.
        sources: one generator for each model.
        head_dim, d_state, dt_range, expand, rope_fraction, backend, chunk_size: as in `Mamba3`; softmax attention has
            heads of head_dim, Gated DeltaNet keys of d_state.
        gdn_value_dim: width of the values of Gated DeltaNet, which divides its inner width into heads; None: head_dim.

    Raises:
        ValueError: another name.
    """
    sizes = {"head_dim": head_dim, "d_state": d_state, "expand": expand, "dt_range": dt_range}
    if name in MAMBA3:
        variant = MAMBA3[name]
        return Mamba3(
            width, sources, **sizes, rope_fraction=rope_fraction, backend=backend, chunk_size=chunk_size, **variant
        )
    if name in ("mamba2", "mamba2_data"):
        return Mamba2(width, sources, **sizes, data_decay=name == "mamba2_data", backend=backend, chunk_size=chunk_size)
    if name in ("gdn", "gdn_signed"):
        values = gdn_value_dim or head_dim
        return GatedDeltaNet(
            width,
            sources,
            n_heads=expand * width // values,
            d_key=d_state,
            d_value=values,
            dt_range=dt_range,
            negative_eigenvalues=name == "gdn_signed",
            chunk_size=min(chunk_size, 32),
        )
    if name == "softmax":
        return SoftmaxAttention(width, width // head_dim, sources)
    raise ValueError(f"name: got {name!r}, expected one of {', '.join([*MAMBA3, *OTHERS])}")


class GeluUnit(nn.Module):
    """Channel mixer gelu(x W_1) W_2."""

    def __init__(self, width: int, hidden: int, sources: list):
        super().__init__()
        self.up, self.down = StackedLinear(width, hidden, sources), StackedLinear(hidden, width, sources)

    def forward(self, x: Tensor) -> Tensor:
        """Mix channels of `[models, ..., width]`."""
        return self.down(gelu(self.up(x)))


def sequence_model(
    name: str,
    vocabulary: int,
    width: int,
    layers: int,
    sources: list,
    *,
    hidden: int,
    channel: str,
    tied: bool = False,
    **options,
) -> LanguageModel:
    """A pre-norm model of `layers` pairs of mixer and channel mixer.

    Args:
        name: of the mixer.
        vocabulary, width, layers: sizes.
        sources: one generator for each model.
        hidden: width of the channel mixers.
        channel: `gelu` or `swiglu`.
        tied: whether the head is the embedding.
        options: further arguments of `mixer`.

    Raises:
        ValueError: another channel mixer.
    """
    if channel not in ("gelu", "swiglu"):
        raise ValueError(f"channel: got {channel!r}, expected gelu or swiglu")
    mixers = [mixer(name, width, sources, **options) for _ in range(layers)]
    channels = [
        GeluUnit(width, hidden, sources) if channel == "gelu" else GatedUnit(width, hidden, sources, "silu")
        for _ in range(layers)
    ]
    return LanguageModel(vocabulary, width, mixers, channels, sources, tied)


def token_turns(model: LanguageModel, vocabulary: int) -> Tensor | None:
    """Rotation that each single token brings in the first layer, `(models, vocabulary, H, S)`.

    None where that layer has no data-dependent rotation.
    """
    first = model.mixers[0]
    if not isinstance(first, Mamba3) or first.rotation != "data":
        return None
    weight = model.embedding.weight
    with torch.no_grad():
        tokens = torch.arange(vocabulary, device=weight.device).expand(len(weight), 1, -1)
        return first.turns(model.mixer_norms[0](model.embedding(tokens)))[:, 0]


def hidden_for(parameters: int, name: str, vocabulary: int, width: int, layers: int, *, channel: str, **options) -> int:
    """Width of the channel mixers, a multiple of 4, that brings a model closest to a number of parameters."""

    def size(hidden: int) -> int:
        return _parameters(name, vocabulary, width, layers, hidden=hidden, channel=channel, **options)

    least, more = size(4), size(8)
    return max(4, 4 * round(1 + (parameters - least) / (more - least)))


def matched_hidden(
    name: str, vocabulary: int, width: int, layers: int, *, hidden: int, channel: str, like: str = "mamba3", **options
) -> int:
    """Width of the channel mixers that gives a model the parameters of another one whose channel mixers have `hidden`.

    Args:
        name, vocabulary, width, layers, channel, options: as in `sequence_model`.
        hidden: width of the other model's channel mixers.
        like: mixer of the other model.
    """
    parameters = _parameters(like, vocabulary, width, layers, hidden=hidden, channel=channel, **options)
    return hidden_for(parameters, name, vocabulary, width, layers, channel=channel, **options)


def _parameters(name: str, vocabulary: int, width: int, layers: int, **options) -> int:
    """Parameters of a model, without memory for their values."""
    with torch.device("meta"):
        return count_parameters(sequence_model(name, vocabulary, width, layers, [None], **options))


def state_bytes(name: str, width: int, *, head_dim: int, d_state: int, expand: int = 2, bytes_each: int = 4) -> int:
    """Bytes of one layer's matrix state h for one sequence, as the paper counts state size; softmax has none fixed.

    Raises:
        ValueError: softmax attention, whose cache grows.
    """
    if name == "softmax":
        raise ValueError("name: got softmax, expected a model with a state of fixed size")
    return expand * width * d_state * bytes_each
