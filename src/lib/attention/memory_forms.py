"""The mixture of memories as it is defined, token by token, and how far the other forms are from it."""

import copy
import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import silu

from kernels.agreement import relative_error
from lib.attention.memories import GATE_TEMPERATURE, MixtureOfMemories


def recurrent_mixture(layer: MixtureOfMemories, x: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs of a layer token by token, and its memories after the last one.

    Every slot is written out by its own weights and then kept or replaced; where the queries of all slots are the same
    the memories are mixed and read once, as in the paper.

    Args:
        layer: whose parameters are taken.
        x: `(models, batch, T, width)`.

    Returns:
        `(models, batch, T, width)` and `(models, batch, slots, H, D, E)`.
    """
    models, batch, T, width = x.shape
    H, D, E, slots = layer.H, layer.D, layer.E, layer.slots
    memory = x.new_zeros(models, batch, slots, H, D, E)
    channels = H * (2 * D + E)
    tails = x.new_zeros(models, batch, slots, 3, channels)
    before = x.new_zeros(models, batch, 3, width)
    mixed = []
    for t in range(T):
        u = x[:, :, t]
        if layer.convolution == "global":
            line = torch.cat((before, u[:, :, None]), 2)
            before, u = line[:, :, 1:], silu((line * layer.taps.mT[:, None]).sum(2))
        share = _shares(layer, u)
        read, after, kept = 0.0, [], []
        for slot in range(slots):
            q, k, v, decay, strength, tail = _slot_inputs(layer, u, slot, tails[:, :, slot])
            S = decay * memory[:, :, slot]
            if layer.rule == "gated_delta":
                v = strength * (v - (k[..., None, :] @ S)[..., 0, :])
            S = S + k[..., :, None] * v[..., None, :]
            chosen = (share[..., slot] > 0)[..., None, None]
            after.append(torch.where(chosen[..., None], S, memory[:, :, slot]))
            kept.append(torch.where(chosen, tail, tails[:, :, slot]))
            weight = share[..., slot, None, None]
            if layer.convolution == "memory":  # queries differ, so outputs are mixed
                read = read + weight * (q[..., None, :] @ after[-1])[..., 0, :]
            else:
                read = read + weight[..., None] * after[-1]
        memory, tails = torch.stack(after, 2), torch.stack(kept, 2)
        if layer.convolution != "memory":
            read = (q[..., None, :] @ read)[..., 0, :]
        mixed.append(read.flatten(2) / math.sqrt(D))
    return layer._output(torch.stack(mixed, 2), x), memory


def _shares(layer, u) -> Tensor:
    """Weight of each slot in the output, `(models, batch, slots)`; 0 where a token does not choose it."""
    parts = []
    if layer.M:
        probability = torch.softmax(u @ layer.router.weight, -1)
        least = probability.sort(-1, descending=True)[0][..., layer.k - 1 : layer.k]
        chosen = torch.where(probability >= least, probability, 0.0)
        parts.append(chosen / chosen.sum(-1, keepdim=True))
    if layer.shared:
        parts.append(torch.ones_like(u[..., :1]))
    return torch.cat(parts, -1)


def _slot_inputs(layer, u, slot: int, tail):
    """q, k `(models, batch, H, D)`, v, the decay's factor `(models, batch, H, D, 1)`, strength, and new tail."""
    H, D, pair, gates = layer.H, layer.D, layer.H * (layer.D + layer.E), layer.columns[1]
    width = sum(layer.columns)
    own = u @ layer.write.weight[:, :, slot * width : (slot + 1) * width] if width else u[..., :0]
    vectors = own[..., :pair] if layer.own else u @ layer.pair.weight
    raw = own[..., width - gates :]
    line = torch.cat((u @ layer.query.weight, vectors), -1)
    new = tail
    if layer.convolution == "memory":
        seen = torch.cat((tail, line[:, :, None]), 2)
        new, line = seen[:, :, 1:], silu((seen * layer.taps.mT[:, None]).sum(2))
    q, k, v = (part.unflatten(-1, (H, -1)) for part in line.split([H * D, H * D, H * layer.E], -1))
    q, k = (part / part.norm(dim=-1, keepdim=True).clamp(min=1e-12) for part in (q, k))
    log_decay, strength = torch.zeros_like(q[..., :1]), None
    if layer.rule == "retention":
        log_decay = layer.log_decay.to(u.dtype)[:, None].expand(*q.shape[:3], 1)
    elif layer.rule == "scalar":
        log_decay = torch.log(torch.sigmoid(raw + layer.decay_bias[:, None, slot]))[..., None]
    elif layer.rule == "gla":
        wide = raw @ layer.widen[:, slot] + layer.decay_bias[:, None, slot]
        log_decay = (torch.log(torch.sigmoid(wide)) / GATE_TEMPERATURE).unflatten(-1, (H, D))
    elif layer.rule == "gated_delta":
        speed = torch.log1p(torch.exp(raw[..., :H] + layer.decay_bias[:, None, slot]))
        log_decay = (-torch.exp(layer.A_log)[:, None] * speed)[..., None]
        strength = torch.sigmoid(raw[..., H:])[..., None]
    return q, k, v, torch.exp(log_decay)[..., None], strength, new


def form_errors(layer: MixtureOfMemories, x: Tensor, weights: Tensor) -> dict[str, float]:
    """Largest relative errors of a layer's form against the definition in float64: output, memories, gradients.

    Args:
        layer: in the type that its form is tried in.
        x: `(models, batch, T, width)`, of any type.
        weights: gradient of the output, like x.
    """
    exact = copy.deepcopy(layer).double()
    results = []
    for module, kind in ((layer, next(layer.parameters()).dtype), (exact, torch.float64)):
        inputs = x.detach().to(kind).requires_grad_()
        leaves = [inputs, *module.parameters()]
        if module is exact:
            y, memory = recurrent_mixture(module, inputs)
        else:
            y = module(inputs)
            memory = module.prefill(inputs.detach())[1].memory if layer.form == "packed" else None
        gradients = torch.autograd.grad((y * weights.to(kind)).sum(), leaves)
        results.append((y, memory, gradients))
    (y, memory, gradients), (expected, memory_expected, wanted) = results
    errors = {"output": relative_error(y, expected)}
    if memory is not None:
        errors["memories"] = relative_error(memory, memory_expected)
    errors["gradients"] = relative_error(*(torch.cat([g.flatten() for g in part]) for part in (gradients, wanted)))
    return errors


def _kernel_outcome(kernel, leaves: list[Tensor], backend: str, bounds, d_out: Tensor, d_end: Tensor) -> list[Tensor]:
    """Output, final states and all gradients."""
    leaves = [value.detach().clone().requires_grad_() for value in leaves]
    *inputs, state = leaves
    o, end = kernel(
        *inputs, initial_state=state, output_final_state=True, cu_seqlens=bounds, chunk_size=16, backend=backend
    )
    loss = (o * d_out.to(o.dtype)).sum() + (end * d_end.to(end.dtype)).sum()
    return [o, end, *torch.autograd.grad(loss, leaves)]


def kernel_errors(cases: int, longest: int, widest: int, rng: np.random.Generator, device: str) -> dict[str, float]:
    """Largest relative errors of the rules' kernels on packed sequences, some of them empty, over random sizes.

    Args:
        cases, longest, widest: number of sizes, most tokens, most channels.
        rng: source of randomness.
        device: torch device.

    Returns:
        By kernel, backend and type: over outputs, final states and gradients.
    """
    from kernels.gated_delta import gated_delta_rule
    from kernels.gated_linear_attention import gated_linear_attention
    from kernels.linear_attention import linear_attention

    kinds = {"float64": torch.float64, "float32": torch.float32}
    forms = [
        (backend, name)
        for backend in ("chunked", "compiled")
        for name in kinds
        if device == "cpu" or backend != "compiled"
    ]
    kernels = {
        "linear": (linear_attention, [*forms, ("triton", "float32")]),
        "gla": (gated_linear_attention, [*forms, ("triton", "float32")]),
        "gated_delta": (gated_delta_rule, [*forms, ("triton", "float32")]),
    }
    worst: dict[str, float] = {}
    for case in range(cases):
        tokens, heads, d, e = (int(rng.integers(1, most + 1)) for most in (longest, 2, widest, widest))
        cuts = np.sort(rng.integers(0, tokens + 1, 2))
        bounds = torch.tensor([0, *cuts, cuts[-1], tokens])
        rows = len(bounds) - 1

        def normal(*shape):
            return torch.from_numpy(rng.standard_normal(shape)).to(device)

        vectors = [normal(1, tokens, heads, width) for width in (d, d, e)]
        vectors[1] = torch.nn.functional.normalize(vectors[1], dim=-1)
        gates = {
            "linear": [-normal(1, tokens, heads).abs()],
            "gla": [-normal(1, tokens, heads, d).abs()],
            "gated_delta": [torch.sigmoid(normal(1, tokens, heads)), -normal(1, tokens, heads).abs()],
        }
        ends = normal(1, tokens, heads, e), normal(rows, heads, d, e)
        state = normal(rows, heads, d, e)
        for name, (kernel, backends) in kernels.items():
            leaves = [*vectors, *gates[name], state]
            expected = _kernel_outcome(kernel, leaves, "recurrent", bounds, *ends)
            for backend, kind in backends:
                if backend == "triton" and case >= 2:  # its interpreter is slow
                    continue
                results = _kernel_outcome(kernel, [x.to(kinds[kind]) for x in leaves], backend, bounds, *ends)
                key = f"{name}, {backend}, {kind}"
                error = max(relative_error(*pair) for pair in zip(results, expected))
                worst[key] = max(worst.get(key, 0.0), error)
    return worst


def interference(rule: str, steps: int, memories: int, rng: np.random.Generator, device: str) -> dict[str, float]:
    """Largest change of memories that no token chose, in decoding and in the packed form, and its gradient.

    Args:
        rule: of the update.
        steps: random tokens.
        memories: M, of which each token chooses one.
        rng: source of randomness.
        device: torch device.
    """
    seeds = [torch.Generator().manual_seed(int(rng.integers(2**31)))]
    layer = MixtureOfMemories(8, seeds, memories=memories, chosen=1, shared=False, rule=rule, d_key=4, d_value=4)
    layer = layer.to(device).double()
    x = torch.from_numpy(rng.standard_normal((1, 1, steps, 8))).to(device)
    state, largest = layer.begin(1, 1, 0, torch.Generator().manual_seed(0)), 0.0
    with torch.no_grad():
        for t in range(steps):
            before = state.memory
            _, state = layer.step(x[:, :, t], state)
            moved = (state.memory - before).abs().amax((0, 1, 3, 4, 5))
            moved[moved.argmax()] = 0.0  # that of the memory that the token chose
            largest = max(largest, float(moved.max()))
    inputs = x[:, :, :64].detach().requires_grad_()
    index = layer.mix(inputs)[1].argmax(-1, keepdim=True)
    chosen = index[0, 0, :, 0]
    memory = layer._run(inputs, index, want_state=True)[2].memory
    gradients, packed = 0.0, 0.0
    for m in range(memories):
        reached = chosen == m  # the convolution of a token that chooses m reaches three tokens back
        for back in range(1, 4):
            reached[:-back] |= (chosen == m)[back:]
        if reached.all():
            continue
        (gradient,) = torch.autograd.grad(memory[:, :, m].sum(), inputs, retain_graph=True)
        gradients = max(gradients, float(gradient[0, 0][~reached].abs().max()))
        altered = torch.where(reached[:, None], inputs, -inputs)
        moved = layer._run(altered, index, want_state=True)[2].memory[:, :, m] - memory[:, :, m]
        packed = max(packed, float(moved.detach().abs().max()))
    return {"decoding": largest, "packed": packed, "gradient": gradients}


def routing_identities(rng: np.random.Generator, device: str) -> dict[str, float]:
    """Relative errors of what must be equal: relabelled memories, all memories chosen, one block-sparse key.

    Args:
        rng: source of randomness.
        device: torch device.
    """

    def layer(**options):
        seeds = [torch.Generator().manual_seed(3)]
        options = {"memories": 4, "chosen": 2, "rule": "linear", "d_key": 3, "d_value": 5} | options
        return MixtureOfMemories(8, seeds, **options).to(device).double()

    x = torch.from_numpy(rng.standard_normal((1, 2, 20, 8))).to(device)
    first, relabelled = layer(rule="gated_delta"), layer(rule="gated_delta")
    order = torch.tensor([2, 0, 3, 1, 4])
    with torch.no_grad():
        relabelled.router.weight.copy_(first.router.weight[:, :, order[:4]])
        columns = first.write.weight.unflatten(2, (5, -1))[:, :, order].flatten(2)
        relabelled.write.weight.copy_(columns)
        relabelled.decay_bias.copy_(first.decay_bias[:, order])
        errors = {"relabelled memories": relative_error(relabelled(x), first(x))}
        # with one pair of keys and values for all memories: one linear attention with key 1_I x k, query g x q
        mixture = layer(own=False, shared=False)
        u = silu(_convolution(x, mixture.taps))
        share = _shares(mixture, u.flatten(1, 2)).view(1, 2, 20, 4)
        q, pair = u @ mixture.query.weight, u @ mixture.pair.weight
        k, v = pair[..., :3], pair[..., 3:]
        q, k = (part / part.norm(dim=-1, keepdim=True) for part in (q, k))
        wide_q = (share[..., None] * q[..., None, :]).flatten(3)
        wide_k = ((share > 0)[..., None] * k[..., None, :]).flatten(3)
        scores = torch.tril(wide_q @ wide_k.mT) / math.sqrt(3)
        errors["one block-sparse key"] = relative_error(mixture._output(scores @ v, x), mixture(x))
    return errors


def _convolution(x: Tensor, taps: Tensor) -> Tensor:
    """Causal depthwise convolution of one model, written out."""
    total = torch.zeros_like(x)
    for back in range(taps.shape[-1]):
        total[:, :, back:] += x[:, :, : x.shape[2] - back] * taps[:, None, None, :, taps.shape[-1] - 1 - back]
    return total
