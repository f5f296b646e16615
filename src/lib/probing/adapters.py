"""Small trainable parts in the blocks of a frozen transformer: PSRP, which makes MP+ of moment probing, and SSF.

They attach by hooks to the submodules that the blocks of a family have, so that the backbone's own code stays.
"""

from collections.abc import Iterator

import torch
from torch import nn

PSRP_KINDS = ("shared", "unshared", "scale_only", "shift_only")
ADAPTER_DEVIATION = 0.02
# second normalisation of a block, and the module whose output the residual adds to, by family of backbones
BLOCKS = (("norm2", "mlp"), ("layernorm_after", "mlp"), ("layernorm_after", "output.dense"))


class PSRP(nn.Module):
    """Partially shared recalibration: scale and shift of y by x, (1 + W_s u) y + W_b u with u = relu(W_d x).

    Args:
        width: D of tokens.
        bottleneck: rows of W_d.
        kind: `shared`: scale and shift share W_d; `unshared`: each has its own; `scale_only`, `shift_only`.

    Raises:
        ValueError: another kind.

    Source: the authors' code of arXiv 2307.11342; `unshared` and the last two are its ablations.
    """

    def __init__(self, width: int, bottleneck: int = 16, kind: str = "shared"):
        super().__init__()
        if kind not in PSRP_KINDS:
            raise ValueError(f"kind: got {kind!r}, expected one of {', '.join(PSRP_KINDS)}")
        self.down = nn.Linear(width, bottleneck, bias=False)
        self.down_shift = nn.Linear(width, bottleneck, bias=False) if kind == "unshared" else None
        self.scale = nn.Linear(bottleneck, width, bias=False) if kind != "shift_only" else None
        self.shift = nn.Linear(bottleneck, width, bias=False) if kind != "scale_only" else None
        for linear in self.children():
            nn.init.trunc_normal_(linear.weight, std=ADAPTER_DEVIATION, a=-2, b=2)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Recalibrated output y of a perceptron, by the tokens x before its normalisation, both `(..., D)`."""
        u = self.down(x).relu()
        if self.scale is not None:
            y = (1 + self.scale(u)) * y
        if self.shift is not None:
            y = y + self.shift(u if self.down_shift is None else self.down_shift(x).relu())
        return y


class ScaleShift(nn.Module):
    """A learned scale and shift of each channel, the same for every input; 1 and 0 at the start.

    Args:
        width: channels.
        axis: of the channels.
    """

    def __init__(self, width: int, axis: int = -1):
        super().__init__()
        self.scale, self.shift, self.axis = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width)), axis

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer on an array with channels along `axis`."""
        shape = [1] * x.ndim
        shape[self.axis] = -1
        return x * self.scale.view(shape) + self.shift.view(shape)


def _submodule(module: nn.Module, name: str) -> nn.Module | None:
    try:
        return module.get_submodule(name)
    except AttributeError:
        return None


def transformer_blocks(model: nn.Module) -> Iterator[tuple[nn.Module, nn.Module, nn.Module]]:
    """Blocks of a transformer, each with its second normalisation and its perceptron, in order."""
    for block in model.modules():
        for norm, perceptron in BLOCKS:
            parts = _submodule(block, norm), _submodule(block, perceptron)
            if all(part is not None for part in parts):
                yield block, *parts
                break


def attach_psrp(model: nn.Module, bottleneck: int = 16, kind: str = "shared") -> nn.Module:
    """Put a `PSRP` into every block of a transformer, as submodules named `psrp`.

    Blocks are those of this library, of timm and of transformers that have a second normalisation and a perceptron.

    Args:
        model: the backbone, changed in place.
        bottleneck, kind: of `PSRP`.

    Returns:
        The model.

    Raises:
        ValueError: no such block, or the model has adapters already.
    """
    blocks = list(transformer_blocks(model))
    if not blocks:
        raise ValueError(f"model: {type(model).__name__} has no block with a second normalisation and a perceptron")
    for block, norm, perceptron in blocks:
        if hasattr(block, "psrp"):
            raise ValueError(f"model: {type(model).__name__} has PSRP modules already")
        weight = norm.weight
        block.psrp = PSRP(len(weight), bottleneck, kind).to(weight.device, weight.dtype)
        _hook_psrp(block.psrp, norm, perceptron)
    return model


def _hook_psrp(psrp: PSRP, norm: nn.Module, perceptron: nn.Module) -> None:
    pending = []  # tokens between the normalisation and the end of the perceptron

    def before(_, inputs):
        pending.append(inputs[0])

    def after(_, __, output):
        return psrp(pending.pop(), output)

    norm.register_forward_pre_hook(before)
    perceptron.register_forward_hook(after)


def attach_ssf(model: nn.Module) -> nn.Module:
    """Scale and shift the output of every linear layer, convolution and layer normalisation (SSF).

    Args:
        model: the backbone, changed in place; its new parts are submodules named `ssf`.

    Returns:
        The model.

    Raises:
        ValueError: it has such parts already.

    Source: Lian, Zhou, Feng and Wang 2022, Scaling and shifting your features.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear | nn.Conv2d | nn.LayerNorm)]
    for layer in layers:
        if hasattr(layer, "ssf"):
            raise ValueError(f"model: {type(model).__name__} has SSF parts already")
        width = len(layer.weight)
        layer.ssf = ScaleShift(width, 1 if isinstance(layer, nn.Conv2d) else -1).to(layer.weight.device)
        layer.register_forward_hook(lambda module, _, output: module.ssf(output))
    return model


def train_only(model: nn.Module, *names: str) -> nn.Module:
    """Freeze every parameter but those with one of these names in their path; `bias` frees all biases.

    Args:
        model: changed in place.
        names: parts of the dotted path, such as `psrp`, `ssf`, `bias`.

    Returns:
        The model.

    Raises:
        ValueError: a name that no parameter has.
    """
    paths = {path: set(path.split(".")) for path, _ in model.named_parameters()}
    for name in names:
        if not any(name in parts for parts in paths.values()):
            raise ValueError(f"names: no parameter of {type(model).__name__} has {name!r} in its path")
    for path, parameter in model.named_parameters():
        parameter.requires_grad_(bool(paths[path] & set(names)))
    return model


def psrp_parameters(width: int, blocks: int, bottleneck: int = 16, kind: str = "shared") -> int:
    """Parameters of PSRP modules in all blocks, from the sizes alone."""
    return blocks * bottleneck * width * {"shared": 3, "unshared": 4}.get(kind, 2)
