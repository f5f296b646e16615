"""Tangent kernels of a network with a linear head, split by what the head and what the features learn.

For f(x) = V phi(x) + b the kernel of all parameters is exactly P + F: P = (phi(x) . phi(x') + 1) I from V and b, and
F = V J(x) J(x')^T V^T from the parameters of phi, whose Jacobian is J. No Jacobian is held: gradients of each output
are taken at the outputs of the layers, and a linear layer contributes the sum over tokens t, t' of
(a_t . a'_t')(g_t . g'_t'), with its inputs a and these gradients g. Where it is cheaper, the rows sum_t g_t a_t^T are
formed, some of a layer at a time. What is no linear layer, embedding or layer norm is differentiated sample by sample.

Source: Tomihari and Sato 2024, proposition 4.1; for low-rank adapters proposition 4.4.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

FORMS = ("auto", "rows", "tokens")
_NUMBERS = 2**24  # of an intermediate array

Inputs = torch.Tensor | tuple[torch.Tensor, ...]


class SplitKernel(NamedTuple):
    """Both parts of a tangent kernel, each (n, C, m, C): sample, output, other sample, other output.

    Attributes:
        pretrained: P, of the head's parameters, which takes the features as they are.
        tuned: F, of the parameters of the features.
    """

    pretrained: torch.Tensor
    tuned: torch.Tensor

    @property
    def total(self) -> torch.Tensor:
        """The kernel of all parameters."""
        return self.pretrained + self.tuned


class _Trace(NamedTuple):
    """A layer's inputs (n, T, inputs), or indices (n, T), and gradients at its outputs (n, C, T, outputs)."""

    inputs: torch.Tensor
    gradients: torch.Tensor


def jacobian(function: Callable, parameters: Mapping[str, torch.Tensor], inputs: Inputs) -> torch.Tensor:
    """Jacobian (n, outputs, p) of a function of parameters and inputs, over all parameters in their order.

    One backward pass for each sample and output, which any function allows; for small networks and for comparison.

    Args:
        function: takes the parameters and a batch of inputs, returns (n, outputs).
        parameters: by name.
        inputs: tensor, or tuple of tensors, with samples along the first axis.
    """
    values = {name: value.detach().clone().requires_grad_() for name, value in parameters.items()}
    rows = []
    for sample in _slices(inputs, 1):
        for output in function(values, sample)[0].unbind():
            slopes = torch.autograd.grad(output, list(values.values()), retain_graph=True, materialize_grads=True)
            rows.append(torch.cat([slope.flatten() for slope in slopes]))
    return torch.stack(rows).view(len(_tuple(inputs)[0]), -1, len(rows[0]))


def full_kernel(
    function: Callable, parameters: Mapping[str, torch.Tensor], inputs: Inputs, others: Inputs | None = None
) -> torch.Tensor:
    """Tangent kernel (n, C, m, C) by `jacobian`, for small networks and for comparison."""
    first = jacobian(function, parameters, inputs)
    second = first if others is None else jacobian(function, parameters, others)
    return torch.einsum("ncp,mdp->ncmd", first, second)


def split_kernel(
    module: nn.Module, head: torch.Tensor, inputs: Inputs, others: Inputs | None = None, *, bias: bool = True,
    only: Callable[[str], bool] | None = None, form: str = "auto", layers: int | None = None, batch: int = 64,
) -> SplitKernel:  # fmt: skip
    """The tangent kernel of head @ module(x) (+ b), split into both parts; in the dtype of the module.

    Args:
        module: gives features (n, h); in evaluation mode, so that samples do not touch each other.
        head: V, (C, h).
        inputs, others: tensor or tuple of tensors, samples along the first axis; `others` is `inputs` where None.
        bias: whether the head has one.
        only: tells by its name whether a parameter of the module counts; all of them where None.
        form: of linear layers and embeddings: `rows` forms gradients of each sample, some outputs of a layer at a time,
            `tokens` contracts pairs of tokens, `auto` takes whichever costs fewer operations.
        layers: layers whose inputs and gradients are held at once; all of them where None.
        batch: samples of one pass.

    Raises:
        ValueError: a module in training mode, a head of another width, another form, or parameters that two layers
            share or that act outside the layer that owns them.
    """
    if form not in FORMS:
        raise ValueError(f"form: got {form!r}, expected one of {', '.join(FORMS)}")
    features = _features(module, inputs, batch)
    if head.shape[1] != features.shape[1]:
        raise ValueError(f"head: got {head.shape[1]} columns, expected {features.shape[1]}, the width of the features")
    others_features = features if others is None else _features(module, others, batch)
    gram = features @ others_features.mT + float(bias)
    identity = torch.eye(len(head), dtype=gram.dtype, device=gram.device)
    pretrained = torch.einsum("nm,cd->ncmd", gram, identity)
    return SplitKernel(pretrained, _tuned(module, head, inputs, others, only, None, form, layers, batch))


def adapter_kernel(
    module: nn.Module, head: torch.Tensor, inputs: Inputs, projections: Mapping[str, torch.Tensor],
    others: Inputs | None = None, *, layers: int | None = None, batch: int = 64,
) -> torch.Tensor:  # fmt: skip
    """F of low-rank adapters W + B A at their start, B = 0, where B alone has a gradient: (n, C, m, C).

    Args:
        module, head, inputs, others, layers, batch: as of `split_kernel`.
        projections: A (r, inputs of the layer) for the name of each adapted linear layer, scaled as the adapter is.

    Raises:
        ValueError: a name that is not that of a linear layer; as of `split_kernel`.
    """
    linear = {name for name, layer in module.named_modules() if isinstance(layer, nn.Linear)}
    if not projections or not set(projections) <= linear:
        raise ValueError(f"projections: got {sorted(projections)}, expected names of linear layers")
    only = {f"{name}.weight" for name in projections}.__contains__
    return _tuned(module, head, inputs, others, only, projections, "auto", layers, batch)


def _tuple(inputs: Inputs) -> tuple[torch.Tensor, ...]:
    return (inputs,) if isinstance(inputs, torch.Tensor) else tuple(inputs)


def _slices(inputs: Inputs, batch: int):
    return zip(*(part.split(batch) for part in _tuple(inputs)))


@torch.no_grad()
def _features(module: nn.Module, inputs: Inputs, batch: int) -> torch.Tensor:
    return torch.cat([module(*part) for part in _slices(inputs, batch)])


def _tuned(module, head, inputs, others, only, projections, form, layers, batch) -> torch.Tensor:
    """F, layer by layer."""
    if any(part.training for part in module.modules()):
        raise ValueError("module: got one in training mode, expected evaluation mode (dropout off)")
    wanted = {name for name, _ in module.named_parameters() if only is None or only(name)}
    owners = {name: layer for name, layer in module.named_modules() if _handled(layer) and _owned(name, layer) & wanted}
    n, m = len(_tuple(inputs)[0]), len(_tuple(inputs if others is None else others)[0])
    total = torch.zeros(n, len(head), m, len(head), dtype=head.dtype, device=head.device)
    names = list(owners)
    step = layers or max(1, len(names))
    for start in range(0, len(names), step):
        group = names[start : start + step]
        first = _traces(module, head, inputs, group, batch)
        second = first if others is None else _traces(module, head, others, group, batch)
        for name in group:
            own = {part.rpartition(".")[2] for part in _owned(name, owners[name]) & wanted}
            projection = projections[name] if projections else None
            total += _layer_kernel(owners[name], own, first.pop(name), second.pop(name, None), projection, form)
    rest = wanted - {part for name, layer in owners.items() for part in _owned(name, layer)}
    if rest:
        total += _rest_kernel(module, head, inputs, others, sorted(rest))
    _check(total, module, head, inputs, inputs if others is None else others, wanted, projections)
    return total


def _check(total, module, head, inputs, others, wanted: set[str], projections) -> None:
    """Compare one entry with gradients by autograd.

    Raises:
        ValueError: they differ, because a parameter acts in another way than by the layer that owns it being called.
    """
    if not wanted:
        return
    values = {
        name: value.clone().requires_grad_() if name in wanted else value
        for name, value in _every_value(module).items()
    }
    rows = []
    for sample in (inputs, others):
        one = tuple(part[:1] for part in _tuple(sample))
        output = torch.func.functional_call(module, values, one)[0] @ head[0]
        slopes = torch.autograd.grad(output, [values[name] for name in sorted(wanted)], materialize_grads=True)
        if projections:
            names = [name.removesuffix(".weight") for name in sorted(wanted)]
            slopes = [slope @ projections[name].mT for slope, name in zip(slopes, names)]
        rows.append(torch.cat([slope.flatten() for slope in slopes]))
    expected, size = rows[0] @ rows[1], rows[0].norm() * rows[1].norm()
    if not abs(total[0, 0, 0, 0] - expected) <= 10 * torch.finfo(total.dtype).eps ** 0.5 * size:
        raise ValueError(
            f"module: got {float(total[0, 0, 0, 0]):.6g} by its layers and {float(expected):.6g} by autograd for the "
            "first sample; expected each parameter to act only where the one layer that owns it is called"
        )


def _every_value(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach() for name, value in (*module.named_parameters(), *module.named_buffers())}


def _handled(layer: nn.Module) -> bool:
    return type(layer) in (nn.Linear, nn.Embedding, nn.LayerNorm)


def _owned(name: str, layer: nn.Module) -> set[str]:
    prefix = f"{name}." if name else ""
    return {f"{prefix}{key}" for key, _ in layer.named_parameters(recurse=False)}


def _traces(module: nn.Module, head: torch.Tensor, inputs: Inputs, names: list[str], batch: int) -> dict[str, _Trace]:
    """Inputs and gradients of some layers; those that are called several times get the tokens of all calls."""
    layers = {name: layer for name, layer in module.named_modules() if name in names}
    parts: dict[str, list[_Trace]] = {name: [] for name in names}
    for sample in _slices(inputs, batch):
        features, calls = _run_watched(module, layers, sample)
        outputs = [call.output for call in calls]
        gradients = [
            torch.autograd.grad((features @ row).sum(), outputs, retain_graph=True, materialize_grads=True)
            for row in head
        ]
        for name in names:
            places = [i for i, call in enumerate(calls) if call.name == name]
            if not places:
                raise ValueError(f"module: its layer {name} takes no part in the features")
            seen = torch.cat([_by_token(calls[i].inputs, layers[name]) for i in places], dim=1)
            slopes = [torch.cat([_flat(row[i].detach()) for i in places], dim=1) for row in gradients]
            parts[name].append(_Trace(seen, torch.stack(slopes, dim=1)))
    return {name: _joined(traces) for name, traces in parts.items()}


class _Call(NamedTuple):
    """One call of a layer."""

    name: str
    inputs: torch.Tensor
    output: torch.Tensor


def _run_watched(module: nn.Module, layers: dict[str, nn.Module], sample: tuple) -> tuple[torch.Tensor, list[_Call]]:
    """Features of a batch, with the graph from the outputs of some layers to them, and the calls of these layers."""
    calls: list[_Call] = []

    def watch(name: str, arguments: tuple, output: torch.Tensor) -> torch.Tensor:
        output = output if output.requires_grad else output.detach().requires_grad_()
        calls.append(_Call(name, arguments[0].detach(), output))
        return output

    hooks = [
        layer.register_forward_hook(lambda _, arguments, output, name=name: watch(name, arguments, output))
        for name, layer in layers.items()
    ]
    try:
        with torch.enable_grad():
            return module(*sample), calls
    finally:
        for hook in hooks:
            hook.remove()


def _joined(traces: list[_Trace]) -> _Trace:
    return _Trace(*(torch.cat(part) for part in zip(*traces)))


def _flat(x: torch.Tensor) -> torch.Tensor:
    """(n, ..., width) as (n, tokens, width)."""
    return x.reshape(len(x), -1, x.shape[-1])


def _by_token(x: torch.Tensor, layer: nn.Module) -> torch.Tensor:
    if isinstance(layer, nn.Embedding):
        return x.reshape(len(x), -1)
    if isinstance(layer, nn.LayerNorm):
        x = functional.layer_norm(x, layer.normalized_shape, eps=layer.eps)
    return _flat(x)


def _layer_kernel(layer, own: set[str], first: _Trace, second: _Trace | None, projection, form: str) -> torch.Tensor:
    """Kernel of a layer's own parameters, (n, C, m, C)."""
    second = second or first
    n, c = first.gradients.shape[:2]
    m = len(second.gradients)
    total = torch.zeros(n, c, m, c, dtype=first.gradients.dtype, device=first.gradients.device)
    if "bias" in own:
        total += _product(first.gradients.sum(2), second.gradients.sum(2))
    if "weight" not in own:
        return total
    if isinstance(layer, nn.LayerNorm):
        return total + _product(*((g * a[:, None]).sum(2) for a, g in (first, second)))
    if isinstance(layer, nn.Embedding):
        first, second = (_without(trace, layer.padding_idx) for trace in (first, second))
    elif projection is not None:
        first, second = (_Trace(a @ projection.mT, g) for a, g in (first, second))
    if form == "auto":
        form = _cheapest(layer, first, second)
    return total + (_by_rows if form == "rows" else _by_tokens)(layer, first, second)


def _without(trace: _Trace, padding: int | None) -> _Trace:
    """Gradients are zero where an embedding looks up its padding, whose row is not trained."""
    if padding is None:
        return trace
    return _Trace(trace.inputs, trace.gradients * (trace.inputs != padding)[:, None, :, None])


def _product(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Inner products (n, C, m, C) of rows (n, C, ...) and (m, C, ...)."""
    n, c, m = *first.shape[:2], len(second)
    return (first.flatten(2).flatten(0, 1) @ second.flatten(2).flatten(0, 1).mT).view(n, c, m, c)


def _cheapest(layer: nn.Module, first: _Trace, second: _Trace) -> str:
    """Operations for each pair of samples: rows C^2 in out, tokens T T' (in + C^2 out)."""
    c, t, out = first.gradients.shape[1:]
    table = isinstance(layer, nn.Embedding)
    inside = layer.num_embeddings if table else first.inputs.shape[2]
    tokens = t * second.gradients.shape[2] * ((1 if table else inside) + c * c * out)
    return "rows" if c * c * inside * out < tokens else "tokens"


def _by_rows(layer: nn.Module, first: _Trace, second: _Trace) -> torch.Tensor:
    """Gradients of the weight for each sample and output, some rows of the weight at a time."""
    table = isinstance(layer, nn.Embedding)
    out, inside = first.gradients.shape[3], layer.num_embeddings if table else first.inputs.shape[2]
    n, c, m = *first.gradients.shape[:2], len(second.gradients)
    step = max(1, _NUMBERS // (max(n, m) * c * inside))

    def rows(trace: _Trace, part: slice) -> torch.Tensor:
        g = trace.gradients[..., part]
        a = functional.one_hot(trace.inputs, inside).to(g.dtype) if table else trace.inputs
        return g.mT @ a[:, None]

    total = torch.zeros(n, c, m, c, dtype=first.gradients.dtype, device=first.gradients.device)
    for start in range(0, out, step):
        part = slice(start, start + step)
        left = rows(first, part)
        total += _product(left, left if second is first else rows(second, part))
    return total


def _by_tokens(layer: nn.Module, first: _Trace, second: _Trace) -> torch.Tensor:
    """Sum over pairs of tokens of the products of inputs times the products of gradients."""
    n, c, t = first.gradients.shape[:3]
    m, s = len(second.gradients), second.gradients.shape[2]
    side = max(1, int((_NUMBERS / (c * c * t * s)) ** 0.5))
    total = torch.zeros(n, c, m, c, dtype=first.gradients.dtype, device=first.gradients.device)
    for i in range(0, n, side):
        a, g = first.inputs[i : i + side], first.gradients[i : i + side]
        for j in range(0, m, side):
            b, k = second.inputs[j : j + side], second.gradients[j : j + side]
            if isinstance(layer, nn.Embedding):
                alike = (a[:, :, None, None] == b[None, None]).to(g.dtype)
            else:
                alike = torch.einsum("nti,msi->ntms", a, b)
            slopes = torch.einsum("ncto,mdso->nctmds", g, k)
            total[i : i + side, :, j : j + side] = torch.einsum("ntms,nctmds->ncmd", alike, slopes)
    return total


def _rest_kernel(module: nn.Module, head: torch.Tensor, inputs: Inputs, others: Inputs | None, names: list[str]):
    """Kernel of parameters of layers of another kind, by the Jacobian over these alone."""
    every = _every_value(module)
    wanted = {name: every[name] for name in names}

    def outputs(values, sample):
        return torch.func.functional_call(module, {**every, **values}, sample) @ head.mT

    return full_kernel(outputs, wanted, inputs, others)
