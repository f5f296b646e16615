"""LinearScope: watch a network as the affine map that it is at one input.

A network's decisions at an input x (masks, winners, ratios, statistics) are held fixed; what remains is affine,

    I_x(p) = F(x) p + r(x),    I_x(x) = h(x),

and every question about F and r is a forward or backward pass on a batch whose first item is x and whose others are
probes p. Nothing of the network is changed, and the matrix F is never formed unless asked for.

Source: Navarrete Michelini, Liu, Lu and Jiang 2019, "A Tour of Convolutional Networks Guided by Linear Interpreters".
"""

import sys
from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils.weak import WeakTensorKeyDictionary

from lib.interpreters import units

HIDDEN = "through an operation that PyTorch's function protocol does not see, such as a custom autograd function"
TOGETHER = 16  # probes of one backward pass, beside which the real item weighs little
TRAINING = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)  # what acts otherwise in training mode
_NAMES: dict[Callable, str] = {}


class UnsupportedUnitError(ValueError):
    """An operation of the network for which no linear interpreter is known, by name and place."""


def _name(function) -> str:
    """Last part of the name of a function of PyTorch; `shape.__get__` of a property."""
    if getattr(function, "__name__", "") in ("__get__", "__set__"):  # made anew for each access
        return f"{function.__self__.__name__}.{function.__name__}"
    if function not in _NAMES:
        _NAMES[function] = (resolve_name(function) or getattr(function, "__name__", repr(function))).split(".")[-1]
    return _NAMES[function]


def _tensors(values):
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _axes(value) -> list[int]:
    return [value] if isinstance(value, int) else [axis for axis in value or () if isinstance(axis, int)]


class LinearScope(TorchFunctionMode):
    """Replays a network on `[x; probes]`; made by `linear_scope`, used as a context manager.

    Inside it, `model(batch)` returns the network's output for the first item and the linear interpreter's for the
    others. `at(x)` asks for the interpreter of one input as an object.
    """

    def __init__(self, model: nn.Module, gate: str, norm_mean: str, rules: Mapping[str, Callable], call: Callable):
        super().__init__()
        self.model, self.call = model, call
        self.options = units.Options(gate, norm_mean)
        self.rules = {**units.RULES, **rules}
        self._carriers = WeakTensorKeyDictionary()  # tensors that hold the batch; True: alike for all probes
        self._size = 0  # of the batch; 0 outside a replay
        self._asked = False  # for a replay by `replay`, which ends after `call`, not after the model
        self.backward_checked = False  # of the model, once
        self._open = False

    def __enter__(self):
        for name, module in self.model.named_modules():
            if module.training and isinstance(module, TRAINING):
                raise ValueError(f"model: module {name or 'itself'!r} is in training mode, expected model.eval()")
            if isinstance(module, torch.jit.ScriptModule) or hasattr(module, "_orig_mod"):
                raise UnsupportedUnitError(f"model: module {name or 'itself'!r} is compiled, expected plain PyTorch")
        self._hooks = [
            self.model.register_forward_pre_hook(self._watch, with_kwargs=True, prepend=True),
            self.model.register_forward_hook(self._release, always_call=True),
        ]
        self._open = True
        return super().__enter__()

    def __exit__(self, *error):
        for hook in self._hooks:
            hook.remove()
        self._open = False
        self._untrack()
        return super().__exit__(*error)

    def _watch(self, module, arguments, options):
        if not self._size:
            self._track([tensor for tensor in _tensors([*arguments, *options.values()]) if tensor.is_floating_point()])

    def _release(self, module, arguments, output):
        if not self._asked:
            self._untrack()

    def _track(self, batch: list[torch.Tensor]):
        if not batch or len(batch[0]) < 2:
            raise ValueError("batch: got less than two items, expected the real one and at least one probe")
        self._size = len(batch[0])
        for tensor in batch:
            self._carriers[tensor] = False

    def _untrack(self):
        self._size = 0
        self._carriers.clear()

    def replay(self, batch: torch.Tensor) -> torch.Tensor:
        """Output of the model's `call` for `[x; probes]`, (1 + k, ...).

        Raises:
            UnsupportedUnitError: an operation without a linear interpreter.
            ValueError: fewer than two items, or an output that is no tensor of as many.
        """
        if not self._open:
            raise ValueError("scope: it is closed, expected a call inside `with linear_scope(model) as scope:`")
        self._asked = True
        try:
            self._track([batch])
            output = self.call(self.model, batch)
            lost = isinstance(output, torch.Tensor) and output not in self._carriers
        finally:
            self._asked = False
            self._untrack()
        if not isinstance(output, torch.Tensor) or len(output) != len(batch):
            what = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
            raise ValueError(f"call: got {what}, expected a tensor with {len(batch)} items along axis 0")
        if lost:
            raise UnsupportedUnitError(f"model: its output comes {HIDDEN}")
        return output

    def _place(self) -> str:
        """Module that is at work, from the stack of calls."""
        names = {id(module): name for name, module in self.model.named_modules()}
        frame = sys._getframe(2)
        while frame is not None:
            name = names.get(id(frame.f_locals.get("self")))
            if name is not None:
                return f"module {name or 'itself'!r} ({type(frame.f_locals['self']).__name__})"
            frame = frame.f_back
        return "the network"

    def _refuse(self, name: str, why: str):
        raise UnsupportedUnitError(f"{name} in {self._place()}: {why}") from None

    def _mark(self, output, frozen: bool):
        for tensor in _tensors([output]):
            self._carriers[tensor] = frozen
            if tensor._base is not None and not frozen:  # a view that was written to changes what it is a view of
                self._carriers[tensor._base] = False
        return output

    def _live(self, value) -> bool:
        return isinstance(value, torch.Tensor) and self._carriers.get(value, True) is False

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if not self._size:
            return function(*args, **kwargs)
        carried = [tensor for tensor in _tensors([*args, *kwargs.values()]) if tensor in self._carriers]
        if not carried:
            return function(*args, **kwargs)
        name = _name(function)
        if name in units.METADATA or name in units.CONSTANTS:
            return function(*args, **kwargs)
        if all(self._carriers[tensor] for tensor in carried):
            return self._mark(function(*args, **kwargs), frozen=True)
        return self._replay(function, name, args, kwargs)

    def _replay(self, function, name: str, args, kwargs):
        """Run one operation on tensors that depend on the probes."""
        in_place = name.endswith("_") and not name.endswith("__") and name not in units.JOINTLY_AFFINE
        plain = name[:-1] if in_place else name
        self._check_axes(plain, args, kwargs)
        first = args[0] if args else kwargs.get("input")
        others = [*args[1:], *(value for key, value in kwargs.items() if key != "input")]
        others_live = any(self._live(x) for x in _tensors(others))
        if plain in self.rules:
            if not self._live(first):
                self._refuse(name, "an argument other than the first depends on the input")
            if others_live:
                self._refuse(name, "its weights depend on the input")
            options = dict(kwargs)
            first = options.pop("input", first)
            try:
                output = self.rules[plain](first, self.options, *args[1:], **options)
            except NotImplementedError as error:
                self._refuse(name, f"no linear interpreter is known for {error}")
            if plain != name or options.get("inplace"):
                output = first.copy_(output)
        elif plain in units.CHOICES:
            second = args[1] if len(args) > 1 else kwargs["other"]
            output = torch.where(units.CHOICES[plain](self._first(first), self._first(second)), first, second)
        elif plain == "scaled_dot_product_attention":
            query, key, *rest = args
            if any(self._live(x) for x in _tensors([*rest[1:], *kwargs.values()])) or kwargs.get("dropout_p"):
                self._refuse(name, "it has a mask that depends on the input, or dropout")
            output = function(units.real(query).expand_as(query), units.real(key).expand_as(key), *rest, **kwargs)
        elif plain in units.PRODUCTS or plain in units.QUOTIENTS:
            output = self._product(function, name, plain, args, kwargs)
        elif plain in units.DECISIONS:
            output = function(*(self._first(x) for x in args), **kwargs)
            if not isinstance(output, torch.Tensor) or output.shape[:1] != (1,):
                self._refuse(name, "its result is not one tensor with the batch on axis 0")
            return self._mark(output.expand(self._size, *output.shape[1:]).clone(), frozen=True)
        elif plain in (
            "batch_norm",
            "dropout",
            "dropout1d",
            "dropout2d",
            "dropout3d",
            "alpha_dropout",
            "feature_dropout",
        ):
            training = kwargs.get("training", args[5 if plain == "batch_norm" else 2 :][:1] or plain != "batch_norm")
            if training is True or training == (True,) or training == [True]:
                self._refuse(name, "it is in training mode, expected model.eval()")
            output = function(*args, **kwargs)
        elif plain in units.AFFINE or plain in units.JOINTLY_AFFINE:
            if plain in units.AFFINE and others_live:
                self._refuse(name, "an argument other than the first depends on the input")
            if plain == "detach":  # gradients stop, values do not
                return self._mark(first.view_as(first), frozen=False)
            output = function(*args, **kwargs)
            if plain in ("__setitem__", "copy_"):
                self._mark(first, frozen=False)
        else:
            self._refuse(name, "no linear interpreter is known; pass one by `rules`, or rewrite the unit")
        for tensor in _tensors([output]):
            if tensor.shape[:1] != (self._size,):
                self._refuse(name, f"axis 0 is no longer the batch: got shape {tuple(tensor.shape)}")
        return self._mark(output, frozen=False)

    def _first(self, x):
        """The real item of a tensor that carries the batch; anything else as it is."""
        return units.real(x) if isinstance(x, torch.Tensor) and x in self._carriers else x

    def _product(self, function, name, plain, args, kwargs):
        live = [self._live(x) for x in args[:2]]
        if plain in units.QUOTIENTS:
            numerator = 1 if plain in ("__rtruediv__", "__rdiv__") else 0
            if kwargs.get("rounding_mode"):
                self._refuse(name, "rounding")
            args = [self._first(x) if live[i] and i != numerator else x for i, x in enumerate(args)]
            if not live[numerator]:
                return function(*args, **kwargs).expand(self._size, *args[1 - numerator].shape[1:])
        elif all(live):
            frozen = units.PRODUCTS[plain]
            args = list(args)
            args[frozen] = units.real(args[frozen]).expand_as(args[frozen])
        if plain in ("matmul", "bmm", "__matmul__"):
            for i, least in ((0, 2), (1, 3)):
                if live[i] and args[i].ndim < least:
                    self._refuse(name, "it multiplies over the batch")
        return function(*args, **kwargs)

    def _check_axes(self, plain: str, args, kwargs):
        first = args[0] if args else kwargs.get("input", kwargs.get("tensors"))
        ndim = next((x.ndim for x in _tensors([first]) if x in self._carriers), 0)
        if plain == "permute":
            order = (
                _axes(args[1] if isinstance(args[1], list | tuple) else args[1:])
                if len(args) > 1
                else _axes(kwargs["dims"])
            )
            if order[0] % ndim != 0:
                self._refuse(plain, f"axis 0, that of the batch, moves: permute{tuple(order)}")
        if plain == "__getitem__":
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            whole = index and (index[0] is Ellipsis or index[0] == slice(None)) if not _is_tensor(index[:1]) else False
            if not whole or (index[0] is Ellipsis and sum(x is not None for x in index[1:]) >= ndim):
                self._refuse("indexing", f"it selects along axis 0, that of the batch: [{index}]")
        if plain in units.AXES and ndim:
            named = [
                kwargs.get(key)
                for key in ("dim", "dims", "axis", "axis0", "axis1", "dim0", "dim1", "source", "start_dim")
            ]
            positional = [args[place] for place in units.AXES[plain] if place < len(args)]
            span = ndim + (plain in ("unsqueeze", "stack"))
            for axis in (axis for value in [*named, *positional] for axis in _axes(value)):
                if axis % span == 0 and not (plain == "squeeze" and self._size > 1):
                    self._refuse(plain, "it works along axis 0, that of the batch")
            if plain in ("cat", "concat", "concatenate", "stack", "softmax", "chunk", "split") and not any(
                _axes(value) for value in [*named, *positional]
            ):
                self._refuse(plain, "it works along axis 0, that of the batch")

    def at(self, x: torch.Tensor, *, check: bool = True) -> "LinearInterpreter":
        """Return the interpreter of one input.

        Args:
            x: the input with its batch axis, (1, ...).
            check: replay the midpoint of two random probes, to catch non-linear code that PyTorch's function protocol
                does not see.

        Raises:
            UnsupportedUnitError: an operation without a linear interpreter, or a replay that is not affine.
            ValueError: the scope is not open, or the output is no tensor of one item for each of the batch.
        """
        if not x.is_floating_point() or x.ndim < 2 or len(x) != 1:
            raise ValueError(
                f"x: got shape {tuple(x.shape)} of {x.dtype}, expected one input with its batch axis, (1, ...)"
            )
        if not torch.isfinite(x).all():
            raise ValueError("x: got a value that is not finite")
        return LinearInterpreter(self, x, check)


def _is_tensor(values) -> bool:
    return any(isinstance(value, torch.Tensor | np.ndarray | list) for value in values)


class LinearInterpreter:
    """The affine map p -> F p + r of a network at one input; vectors are flattened in the order of the tensors.

    Replays run when something is asked for the first time, and only while the scope is open.

    Attributes:
        x: (1, ...), the input.
    """

    def __init__(self, scope: LinearScope, x: torch.Tensor, check: bool):
        self.scope, self.x = scope, x.detach()
        self._pullbacks: dict = {}
        if check:
            self._check_affine()

    @cached_property
    def _at_zero(self):
        """Replay of a probe of zeros, (2, ...)."""
        with torch.no_grad():
            return self._replay(torch.zeros_like(self.x))

    def _check_backward(self):
        """Refuse backward passes that a unit brings along: they are not those of its interpreter."""
        with torch.enable_grad():
            waiting, seen = [self._replay(torch.zeros_like(self.x).requires_grad_()).grad_fn], set()
        while waiting:
            node = waiting.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            if isinstance(node, torch.autograd.function.BackwardCFunction):
                raise UnsupportedUnitError(f"{node.name().removesuffix('Backward')}: its backward pass is its own")
            waiting += [following for following, _ in node.next_functions]
        self.scope.backward_checked = True

    def _pullback(self, probes: int):
        """Transpose of the replay of `probes` probes at once: (probes, m) to (probes, n); its graph is kept."""
        if not self.scope.backward_checked:
            self._check_backward()
        if probes not in self._pullbacks:
            zeros = torch.zeros_like(self.x).expand(probes, *self.x.shape[1:])
            self._pullbacks[probes] = torch.func.vjp(lambda values: self._replay(values)[1:], zeros)[1]
        return self._pullbacks[probes]

    @property
    def output(self) -> torch.Tensor:
        """The network's output h(x), bit for bit that of the unscoped network on the same batch."""
        return self._at_zero[0]

    @property
    def residual(self) -> torch.Tensor:
        """What the network adds whatever the probe is: r = I_x(0), of the output's shape."""
        return self._at_zero[1]

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n) of F."""
        return self.output.numel(), self.x.numel()

    def _replay(self, probes: torch.Tensor) -> torch.Tensor:
        return self.scope.replay(torch.cat([self.x, probes]))

    def _check_affine(self):
        generator = torch.Generator().manual_seed(0)
        ends = torch.randn((2, *self.x.shape[1:]), generator=generator, dtype=torch.float64)
        ends = ends.to(self.x) * self.x.abs().mean().clamp_min(1e-3) * 3
        with torch.no_grad():
            replay = self._replay(torch.cat([ends, ends.mean(0, keepdim=True), self.x]))
        size = replay.abs().max()
        error = max((replay[1:3].mean(0) - replay[3]).abs().max(), (replay[4] - replay[0]).abs().max()) / size
        bound = torch.finfo(replay.dtype).eps ** 0.6
        if size > 0 and not error <= bound:
            raise UnsupportedUnitError(
                f"model: the replay is not affine (error {float(error):.1e}, at most {bound:.1e}): it passes {HIDDEN}"
            )

    def apply(self, probes: torch.Tensor) -> torch.Tensor:
        """I_x(p) for probes (k, ...) of the input's shape: (k, ...) of the output's."""
        with torch.no_grad():
            return self._replay(probes)[1:]

    def _vectors(self, name: str, vectors, size: int) -> torch.Tensor:
        values = torch.as_tensor(vectors, dtype=self.x.dtype, device=self.x.device)
        if values.ndim not in (1, 2) or values.shape[-1] != size:
            raise ValueError(f"{name}: got shape {tuple(values.shape)}, expected ({size},) or (k, {size})")
        return values

    def matvec(self, v) -> torch.Tensor:
        """F v for one vector (n,) or several (k, n): (m,) or (k, m), by one forward pass."""
        values = self._vectors("v", v, self.shape[1])
        probes = values.view(-1, *self.x.shape[1:])
        return (self.apply(probes) - self.residual).reshape(*values.shape[:-1], self.shape[0])

    def rmatvec(self, u) -> torch.Tensor:
        """Transpose of F times one vector (m,) or several (k, m): (n,) or (k, n), by one backward pass.

        The graph of one replay is kept for the calls that follow.
        """
        values = self._vectors("u", u, self.shape[0])
        several = values.reshape(-1, *self.output.shape)
        together = min(len(several), TOGETHER)
        pullback = self._pullback(together)
        if together == len(several):
            (result,) = pullback(several)
        else:
            missing = -len(several) % together
            padded = torch.cat([several, several.new_zeros(missing, *several.shape[1:])])
            (result,) = torch.func.vmap(pullback)(padded.unflatten(0, (-1, together)))
        return result.detach().reshape(-1, self.shape[1])[: len(several)].reshape(*values.shape[:-1], self.shape[1])

    def _impulses(self, name: str, index, size: int, chunk: int):
        """Unit vectors of entries `index`, `chunk` at a time."""
        index = torch.as_tensor(np.atleast_1d(np.asarray(index)), dtype=torch.long)
        if index.ndim != 1 or not len(index) or not (int(index.min()) >= 0 and int(index.max()) < size):
            raise ValueError(f"{name}: got {index.tolist()}, expected at least one integer from 0 to {size - 1}")
        for part in index.split(chunk):
            yield F.one_hot(part, size).to(self.x)

    def columns(self, index, chunk: int = 256) -> torch.Tensor:
        """Columns of F, (k, m): what one entry of the input adds to the whole output ("projective" filters)."""
        return torch.cat([self.matvec(part) for part in self._impulses("index", index, self.shape[1], chunk)])

    def rows(self, index, chunk: int = 256) -> torch.Tensor:
        """Rows of F, (k, n): the weights by which all inputs build one entry of the output ("receptive" filters)."""
        return torch.cat([self.rmatvec(part) for part in self._impulses("index", index, self.shape[0], chunk)])

    def dense(self, chunk: int = 256) -> torch.Tensor:
        """The whole matrix F, (m, n), from the fewer of its columns and rows."""
        m, n = self.shape
        return self.columns(range(n), chunk).T if n <= m else self.rows(range(m), chunk)

    def votes(self, index, baseline=0.0, chunk: int = 256) -> torch.Tensor:
        """What each input entry adds to outputs `index` beside a baseline: rows of F times (x - baseline), (k, n).

        With baseline 0, output = sum of votes + residual.
        """
        change = (self.x - torch.as_tensor(baseline, dtype=self.x.dtype)).expand_as(self.x).flatten()
        return self.rows(index, chunk) * change

    def as_linear_operator(self):
        """F as a `scipy.sparse.linalg.LinearOperator`, of the input's precision."""
        from scipy.sparse.linalg import LinearOperator

        def several(product):
            return lambda vectors: product(np.ascontiguousarray(vectors.T)).cpu().numpy().T

        def one(product):
            return lambda vector: product(np.ascontiguousarray(vector).ravel()).cpu().numpy()

        return LinearOperator(
            self.shape, one(self.matvec), one(self.rmatvec), several(self.matvec),
            dtype=np.dtype(str(self.x.dtype).removeprefix("torch.")), rmatmat=several(self.rmatvec),
        )  # fmt: skip

    def singular_vectors(self, count: int, tolerance: float | None = None, seed: int = 0):
        """Leading singular triplets of F by Lanczos bidiagonalisation (`lib.linalg.bidiagonal`), without forming F.

        The tolerance is 1e-8 in double precision by default, and 1e-5 in others.
        """
        from lib.linalg.bidiagonal import leading_triplets

        if tolerance is None:
            tolerance = 1e-8 if self.x.dtype == torch.float64 else 1e-5
        return leading_triplets(self.as_linear_operator(), count, tolerance=tolerance, seed=seed)


def linear_scope(
    model: nn.Module,
    *,
    gate: str = "secant",
    norm_mean: str = "frozen",
    rules: Mapping[str, Callable] | None = None,
    call: Callable | None = None,
) -> LinearScope:
    """Return a scope in which a network is replayed as an affine map.

    Modules, functions and in-place operations are seen alike, through PyTorch's function protocol. Of two factors
    that both
    depend on the input, the second is frozen at the real one's values (a gate), of a matrix product the first
    (attention).

    Args:
        model: any module in evaluation mode whose batch stays on axis 0.
        gate: `secant` writes a smooth unit as unit(0) + ratio * a, `mask` as ratio * a; the same where unit(0) = 0.
        norm_mean: `frozen` takes mean and variance of the real item as constants; `linear` the variance alone.
        rules: more units by PyTorch's name of the operation, `rule(x, options, *args, **kwargs)` as in
            `lib.interpreters.units`.
        call: `call(model, batch)` that returns the output; `model(batch)` by default.

    Raises:
        ValueError: another gate or norm_mean.
    """
    if gate not in units.GATES:
        raise ValueError(f"gate: got {gate!r}, expected one of {units.GATES}")
    if norm_mean not in units.NORM_MEANS:
        raise ValueError(f"norm_mean: got {norm_mean!r}, expected one of {units.NORM_MEANS}")
    return LinearScope(model, gate, norm_mean, rules or {}, call or (lambda model, batch: model(batch)))
