"""How each kind of operation treats a batch whose first item is real and whose other items are probes.

A non-linear unit takes its decision from the first item `a` alone and becomes affine in every item `x` of the batch:
`unit(a) + m(a) (x - a)` with a mask, ratio or scale `m(a)`. At `x = a` this is `unit(a)` to the last bit.

Source: Navarrete Michelini, Liu, Lu and Jiang 2019 (ReLU, sigmoid, max-pooling, instance normalisation); the other
units follow the same rule and are ours.
"""

from typing import NamedTuple

import torch
from torch.nn import functional as F

GATES = ("secant", "mask")
NORM_MEANS = ("frozen", "linear")
NEAR_ZERO = 1e-6  # below it a ratio to the input is replaced by the slope at zero


class Options(NamedTuple):
    """Conventions where several linear interpreters replay the same network: see
    `lib.interpreters.scope.linear_scope`.
    """

    gate: str
    norm_mean: str


def real(x: torch.Tensor) -> torch.Tensor:
    """The first item of a batch, as a constant: (1, ...)."""
    return x[:1].detach()


def first_of(unit, x: torch.Tensor, *args, **kwargs) -> torch.Tensor:
    """What a unit makes of the first item, as a constant; it sees the whole batch, on which its last bits depend."""
    with torch.no_grad():
        return unit(x, *args, **kwargs)[:1]


def relu(x, options, inplace=False):
    """Mask of the positive entries of the real item."""
    return torch.where(real(x) > 0, x, 0)


def leaky_relu(x, options, negative_slope=0.01, inplace=False):
    """Slope 1 where the real item is positive, `negative_slope` elsewhere."""
    return torch.where(real(x) > 0, x, negative_slope * x)


def prelu(x, options, weight):
    """As the leaky unit, with a learned slope for each channel."""
    return torch.where(real(x) > 0, x, weight.view(1, -1, *[1] * (x.ndim - 2)) * x)


def clamp(x, options, min=None, max=None):
    """Slope 1 inside the bounds; the bound itself, as a constant, outside."""
    a = real(x)
    inside = torch.ones_like(a, dtype=torch.bool)
    if min is not None:
        inside &= a > min
    if max is not None:
        inside &= a < max
    return torch.where(inside, x, torch.clamp(a, min, max))


def hardtanh(x, options, min_val=-1.0, max_val=1.0, inplace=False):
    """A clamp at two bounds."""
    return clamp(x, options, min_val, max_val)


def relu6(x, options, inplace=False):
    """A clamp at 0 and 6."""
    return clamp(x, options, 0.0, 6.0)


def hardsigmoid(x, options, inplace=False):
    """A clamp of x / 6 + 1 / 2 at 0 and 1."""
    a = real(x)
    return first_of(F.hardsigmoid, x) + (a.abs() < 3) * (x - a) / 6


def absolute(x, options):
    """Sign of the real item."""
    return torch.sign(real(x)) * x


def smooth(unit):
    """Rule of a smooth unit, applied to each entry: the ratio of output to input at the real item.

    With the gate `secant` the ratio is that of unit(a) - unit(0), and unit(0) is a constant; with `mask` it is
    unit(a) / a. The two differ for units that are not 0 at 0.
    """

    def rule(x, options, *args, inplace=False, **kwargs):
        a, output = real(x), first_of(unit, x, *args, **kwargs)
        with torch.enable_grad():
            zero = torch.zeros((), dtype=a.dtype, device=a.device, requires_grad=True)
            at_zero = unit(zero, *args, **kwargs)
            (slope,) = torch.autograd.grad(at_zero, zero)
        rise = output - at_zero.detach() if options.gate == "secant" else output
        near = a.abs() < NEAR_ZERO
        return output + torch.where(near, slope, rise / torch.where(near, 1, a)) * (x - a)

    return rule


def _centred(x, options, axes):
    return x - x.mean(axes, keepdim=True) if options.norm_mean == "linear" else x


def _per_channel(weight, ndim):
    return 1 if weight is None else weight.view(1, -1, *[1] * (ndim - 2))


def instance_norm(
    x,
    options,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-5,
):
    """Mean and variance of the real item; none of its own where running statistics are used."""
    if not use_input_stats:
        return F.instance_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    a, axes = real(x), tuple(range(2, x.ndim))
    scale = _per_channel(weight, x.ndim) / torch.sqrt(a.var(axes, correction=0, keepdim=True) + eps)
    output = first_of(F.instance_norm, x, None, None, weight, bias, True, momentum, eps)
    return output + scale * _centred(x - a, options, axes)


def layer_norm(x, options, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Mean and variance of the real item, over the last axes."""
    a, axes = real(x), tuple(range(-len(normalized_shape), 0))
    scale = (1 if weight is None else weight) / torch.sqrt(a.var(axes, correction=0, keepdim=True) + eps)
    return first_of(F.layer_norm, x, normalized_shape, weight, bias, eps) + scale * _centred(x - a, options, axes)


def group_norm(x, options, num_groups, weight=None, bias=None, eps=1e-5):
    """Mean and variance of the real item, over each group of channels."""
    a, axes = real(x), tuple(range(2, x.ndim + 1))

    def grouped(values):
        return values.unflatten(1, (num_groups, -1))

    scale = 1 / torch.sqrt(grouped(a).var(axes, correction=0, keepdim=True) + eps)
    change = (scale * _centred(grouped(x - a), options, axes)).flatten(1, 2)
    return first_of(F.group_norm, x, num_groups, weight, bias, eps) + _per_channel(weight, x.ndim) * change


def rms_norm(x, options, normalized_shape, weight=None, eps=None):
    """Root mean square of the real item."""
    a, axes = real(x), tuple(range(-len(normalized_shape), 0))
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    scale = (1 if weight is None else weight) * torch.rsqrt(a.square().mean(axes, keepdim=True) + eps)
    return first_of(F.rms_norm, x, normalized_shape, weight, eps) + scale * (x - a)


def normalize(x, options, p=2.0, dim=1, eps=1e-12, out=None):
    """Norm of the real item."""
    return x / real(x).norm(p, dim, keepdim=True).clamp_min(eps)


def max_pool(pool, spatial: int):
    """Rule of max-pooling over `spatial` axes: the entries at the winners of the real item."""

    def rule(x, options, *args, return_indices=False, **kwargs):
        if return_indices:
            raise NotImplementedError("return_indices=True")
        _, winners = pool(real(x), *args, return_indices=True, **kwargs)
        index = winners.flatten(-spatial).expand(x.shape[0], -1, -1)
        return x.flatten(-spatial).gather(-1, index).view(x.shape[0], *winners.shape[1:])

    return rule


# by the name under which PyTorch calls the operation, whether as a function, as a method or in place
RULES = {
    "relu": relu, "leaky_relu": leaky_relu, "prelu": prelu, "relu6": relu6, "hardtanh": hardtanh,
    "hardsigmoid": hardsigmoid, "clamp": clamp, "clip": clamp, "abs": absolute, "absolute": absolute,
    "clamp_min": lambda x, options, min: clamp(x, options, min),
    "clamp_max": lambda x, options, max: clamp(x, options, None, max),
    "sigmoid": smooth(torch.sigmoid), "tanh": smooth(torch.tanh), "gelu": smooth(F.gelu), "silu": smooth(F.silu),
    "softplus": smooth(F.softplus), "elu": smooth(F.elu), "selu": smooth(F.selu), "celu": smooth(F.celu),
    "mish": smooth(F.mish), "hardswish": smooth(F.hardswish), "logsigmoid": smooth(F.logsigmoid), "softsign":
    smooth(F.softsign), "erf": smooth(torch.erf), "sin": smooth(torch.sin), "atan": smooth(torch.atan),
    "instance_norm": instance_norm, "layer_norm": layer_norm, "group_norm": group_norm, "rms_norm": rms_norm,
    "normalize": normalize,
    "max_pool1d": max_pool(F.max_pool1d, 1), "max_pool2d": max_pool(F.max_pool2d, 2), "max_pool3d":
    max_pool(F.max_pool3d, 3),
    "adaptive_max_pool1d": max_pool(F.adaptive_max_pool1d, 1), "adaptive_max_pool2d": max_pool(F.adaptive_max_pool2d,
    2), "adaptive_max_pool3d": max_pool(F.adaptive_max_pool3d, 3),
}  # fmt: skip


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# affine in their first argument, item by item; the others are weights and sizes
AFFINE = _names("""
    conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d linear pad constant_pad_nd
    avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d interpolate upsample
    pixel_shuffle pixel_unshuffle channel_shuffle unfold fold reshape view view_as reshape_as flatten unflatten
    squeeze unsqueeze expand expand_as permute transpose swapaxes movedim contiguous clone detach to float double type
    type_as half bfloat16 mean sum cumsum narrow select chunk split unbind tensor_split __getitem__ index_select flip
    roll repeat grid_sample neg __neg__ negative tril triu masked_fill requires_grad_ mT.__get__ alias positive __pos__
""")
# their axes must not be that of the batch: argument names, and where they stand among positional ones
AXES = {
    "transpose": (1, 2), "swapaxes": (1, 2), "movedim": (1, 2), "mean": (1,), "sum": (1,), "cumsum": (1,), "narrow":
    (1,),
    "select": (1,), "chunk": (2,), "split": (2,), "unbind": (1,), "tensor_split": (2,), "index_select": (1,), "flip":
    (1,),
    "roll": (2,), "cat": (1,), "concat": (1,), "concatenate": (1,), "stack": (1,), "squeeze": (1,), "unsqueeze": (1,),
    "normalize": (2,), "flatten": (1,), "unflatten": (1,), "softmax": (1,),
    "var": (1,), "std": (1,), "norm": (2,), "vector_norm": (2,), "argmax": (1,), "argmin": (1,),
}  # fmt: skip
# affine in all their tensors together
JOINTLY_AFFINE = _names("""
    add sub subtract rsub cat concat concatenate stack hstack where __add__ __radd__ __iadd__ __sub__ __rsub__ __isub__
    copy_ __setitem__
""")
# products: the factor that is frozen where both depend on the probes
PRODUCTS = {"mul": 1, "multiply": 1, "__mul__": 1, "__rmul__": 1, "__imul__": 1, "matmul": 0, "bmm": 0, "__matmul__": 0}
# the larger or smaller of two tensors, as their real items decide
CHOICES = {"maximum": torch.gt, "minimum": torch.lt}
QUOTIENTS = _names("div divide true_divide __truediv__ __itruediv__ __div__ __idiv__ __rtruediv__ __rdiv__")
# decisions and statistics: what they say of the real item holds for every probe
DECISIONS = _names("""
    gt lt ge le eq ne greater less __gt__ __lt__ __ge__ __le__ __eq__ __ne__ sign sgn heaviside isnan isinf isfinite
    argmax argmin softmax var std norm vector_norm round floor ceil
""")
# new tensors of the same shape, type or device that do not depend on the values
CONSTANTS = _names("zeros_like ones_like empty_like full_like new_zeros new_ones new_full new_empty")
# what a model may ask of a tensor without reading its values
METADATA = _names("""
    size dim numel ndimension nelement stride is_contiguous is_floating_point is_complex element_size get_device
    __len__ dim_order storage_offset is_same_size __hash__
    shape.__get__ dtype.__get__ device.__get__ ndim.__get__ layout.__get__ requires_grad.__get__ is_leaf.__get__
    is_cuda.__get__ is_sparse.__get__ is_mps.__get__ is_meta.__get__ is_quantized.__get__ is_nested.__get__
    is_xpu.__get__ is_cpu.__get__ itemsize.__get__ nbytes.__get__ names.__get__ grad_fn.__get__ _version.__get__
""")
