"""Any PyTorch module cut at one of its parts by hooks: hidden states are read there, and others put in their place."""

from collections.abc import Callable
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import nn


class Site(NamedTuple):
    """Where hidden states are.

    Args:
        module: name of a part, as in `Module.named_modules`, whose output holds the states.
        position: of the token for states `(rows, tokens, d)`: a number (-1: the last), or one for each row; None where
            states are `(rows, d)`.
    """

    module: str
    position: int | torch.Tensor | None = None


class _Reached(Exception):
    """Ends a forward pass whose rest is of no interest."""


def _tensor(output) -> torch.Tensor:
    return output[0] if isinstance(output, tuple) else output


def _pick(states: torch.Tensor, position) -> torch.Tensor:
    if position is None:
        return states
    if isinstance(position, int):
        return states[:, position]
    return states[torch.arange(len(states), device=states.device), position]


def _put(states: torch.Tensor, position, new: torch.Tensor) -> torch.Tensor:
    if position is None:
        return new
    index = torch.full((len(states),), position, device=states.device) if isinstance(position, int) else position
    index = index % states.shape[1]
    chosen = torch.arange(states.shape[1], device=states.device) == index[:, None]
    return torch.where(chosen[..., None], new[:, None].to(states.dtype), states)


def _part(model: nn.Module, name: str) -> nn.Module:
    try:
        return model.get_submodule(name)
    except AttributeError:
        names = ", ".join(list(dict(model.named_modules()))[1:9])
        raise ValueError(f"module: got {name!r}, expected the name of a part, such as {names}") from None


def run(model: nn.Module, inputs):
    """A module's output tensor, of inputs that are a tensor, or a dictionary of arguments."""
    output = model(**inputs) if isinstance(inputs, dict) else model(inputs)
    return output.logits if hasattr(output, "logits") else _tensor(output)


@contextmanager
def _hooked(part: nn.Module, hook: Callable):
    handle = part.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@torch.no_grad()
def read_states(model: nn.Module, site: Site, inputs) -> torch.Tensor:
    """Hidden states `(rows, d)` at a site; layers after it are not computed.

    Raises:
        ValueError: no such part, or one that the forward pass does not reach.
    """
    states = []

    def hook(part, arguments, output):
        states.append(_pick(_tensor(output), site.position))
        raise _Reached

    with _hooked(_part(model, site.module), hook):
        try:
            run(model, inputs)
        except _Reached:
            return states[0]
    raise ValueError(f"module: got {site.module!r}, which the forward pass does not reach")


def write_states(model: nn.Module, site: Site, inputs, states: torch.Tensor) -> torch.Tensor:
    """The module's output with other hidden states `(rows, d)` at a site; gradients reach the states.

    Raises:
        ValueError: no such part.
    """

    def hook(part, arguments, output):
        changed = _put(_tensor(output), site.position, states)
        return (changed, *output[1:]) if isinstance(output, tuple) else changed

    with _hooked(_part(model, site.module), hook):
        return run(model, inputs)


def rows_of(inputs, index):
    """Some rows of inputs that are a tensor or a dictionary of tensors."""
    return {name: value[index] for name, value in inputs.items()} if isinstance(inputs, dict) else inputs[index]


class HookedCut:
    """One module cut at a site, with the interface of the other cuts: a stack of one model.

    Args:
        model: the module; its parameters are frozen here.
        site: where it is cut.
        at: logits `(rows, classes)` from the module's output; None: the output, at the site's position where it has one
            for each token.
    """

    def __init__(self, model: nn.Module, site: Site, at: Callable | None = None):
        self.model, self.site, self.at = model.requires_grad_(False).eval(), site, at

    def at_rows(self, index) -> Site:
        """The site for some rows."""
        position = self.site.position
        return self.site._replace(position=position[index]) if isinstance(position, torch.Tensor) else self.site

    def lower(self, inputs, site: Site | None = None) -> torch.Tensor:
        """Hidden states `(1, rows, d)`."""
        return read_states(self.model, site or self.site, inputs)[None]

    def upper(self, hidden: torch.Tensor, context) -> torch.Tensor:
        """Logits `(1, rows, classes)`; `context` is the base inputs, or a pair of these and the rows' own site."""
        inputs, site = context if isinstance(context, tuple) else (context, self.site)
        output = write_states(self.model, site, inputs, hidden[0])
        if self.at is not None:
            output = self.at(output)
        elif output.ndim == 3:
            output = _pick(output, -1 if site.position is None else site.position)
        return output[None]
