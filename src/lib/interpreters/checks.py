"""Independent truths about linear interpreters: Jacobians, what biases do, explicit matrices, refusals."""

import numpy as np
import torch
from torch import nn

from lib.interpreters.networks import SmallUNet, Translator, Upscaler, classifier, randomise
from lib.interpreters.scope import UnsupportedUnitError, linear_scope

PIECEWISE_LINEAR = ("vgg", "resnet", "alexnet", "functional", "upscaler", "vgg-free", "hf-resnet", "hf-mobilenet")
BOUNDED = ("hf-mobilenet",)  # ReLU6: its bound is a constant that is no bias
SIDES = {"hf-mobilenet": 16, "hf-resnet": 16, "hf-convnext": 8}


def logits_of(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    """Logits of a classifier of transformers."""
    return model(batch).logits


def build(name: str, seed: int) -> tuple[nn.Module, dict, tuple[int, ...]]:
    """A small network with random weights in float64.

    Args:
        name: a kind of `classifier`, `upscaler`, `translator`, `unet`, with `, linear mean` or `, mask`; `hf-` are
            unmodified architectures of transformers, built from a configuration.
        seed: of the weights.

    Returns:
        The network in evaluation mode, options for `linear_scope`, and the shape of an input.
    """
    kind, _, variant = name.partition(", ")
    options: dict = {"linear mean": {"norm_mean": "linear"}, "mask": {"gate": "mask"}}.get(variant, {})
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if kind.startswith("hf-"):
            model, options = _from_transformers(kind.removeprefix("hf-")), {"call": logits_of}
        elif kind in ("upscaler", "translator", "unet"):
            model = {
                "upscaler": lambda: Upscaler(2, 8, 2), "translator": lambda: Translator(4, 1), "unet": SmallUNet,
            }[kind]()  # fmt: skip
        else:
            model = classifier(kind, widths=(8, 12))
    side = SIDES.get(kind, 8)
    channels = 3 if kind.startswith("hf-") or kind == "translator" else 1
    return randomise(model, seed).double().eval(), options, (1, channels, side, side)


def _from_transformers(kind: str) -> nn.Module:
    import transformers

    if kind == "resnet":
        config = transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="bottleneck", num_labels=5
        )
        return transformers.ResNetForImageClassification(config)
    if kind == "convnext":
        config = transformers.ConvNextConfig(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2, num_labels=5)
        return transformers.ConvNextForImageClassification(config)
    config = transformers.MobileNetV2Config(depth_multiplier=0.25, image_size=16, num_labels=5)
    return transformers.MobileNetV2ForImageClassification(config)


def autograd_jacobian(model: nn.Module, x: torch.Tensor, call=None) -> torch.Tensor:
    """Jacobian of a network by reverse mode, (m, n), without a scope."""
    call = call or (lambda model, batch: model(batch))
    jacobian = torch.func.jacrev(lambda z: call(model, z).flatten())(x)
    return jacobian.reshape(jacobian.shape[0], x.numel())


def bias_effect(model: nn.Module, x: torch.Tensor, call=None) -> torch.Tensor:
    """Sum over all biases of bias times derivative of the output with respect to it, (m,).

    The shift of batch normalisation in evaluation mode, beta - gamma mean / deviation, is a bias. Of piecewise linear
    networks this is the residual of the linear interpreter.
    """
    call = call or (lambda model, batch: model(batch))
    x = x.detach()
    biases, hooks = [], []

    def add_shift(module, arguments, output):
        if isinstance(module, nn.BatchNorm2d):
            shift = module.bias - module.weight * module.running_mean * torch.rsqrt(module.running_var + module.eps)
        else:
            shift = module.bias
        value = shift.detach().clone().requires_grad_()
        biases.append(value)
        change = value - value.detach()  # zero, with the derivative of the bias
        return output + (change if isinstance(module, nn.Linear) else change.view(1, -1, 1, 1))

    for module in model.modules():
        if getattr(module, "bias", None) is not None:
            hooks.append(module.register_forward_hook(add_shift))
    output = call(model, x).flatten()
    for hook in hooks:
        hook.remove()
    if not biases:
        return torch.zeros_like(output)
    gradients = torch.autograd.grad(output, biases, torch.eye(len(output)).to(output), is_grads_batched=True)
    return sum((g * b).flatten(1).sum(1) for g, b in zip(gradients, biases)).detach()


class _OwnSquare(torch.autograd.Function):
    """A square with a backward pass of its own."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(context, gradient):
        return 2 * context.saved_tensors[0] * gradient


class _Applied(nn.Module):
    def __init__(self, unit):
        super().__init__()
        self.unit = unit

    def forward(self, x):
        return self.unit(x)


UNSUPPORTED = {
    "exp": torch.exp,
    "pow": lambda x: x**3,
    "cumprod": lambda x: torch.cumprod(x, 1),
    "sort": lambda x: torch.sort(x, -1).values,
    "logsumexp": lambda x: torch.logsumexp(x, 1),
    "median": lambda x: x.median(-1).values,
    "tolist": lambda x: x * x.tolist()[0][0][0][0],
    "numpy": lambda x: torch.from_numpy(np.abs(x.numpy())),
    "roll": lambda x: torch.roll(x, 1, 0),
    "indexing": lambda x: x[:1] + x,
    "reshape": lambda x: x.reshape(-1, 1, *x.shape[2:]).reshape(1, -1),
    "dropout": lambda x: nn.functional.dropout(x, 0.5, training=True),
    "_OwnSquare": lambda x: x + _OwnSquare.apply(x),
}


def refusals() -> dict[str, bool]:
    """For each unit that cannot be replayed: whether `UnsupportedUnitError` refuses it by its name."""
    outcome = {}
    for name, unit in UNSUPPORTED.items():
        model = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), _Applied(unit)).eval()
        try:
            with linear_scope(model) as scope:
                interpreter = scope.at(torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(0)))
                interpreter.rows([0])
            outcome[name] = False
        except UnsupportedUnitError as error:
            outcome[name] = name in str(error)
    return outcome
