"""Mixture of memories: each token updates and reads a few of M memories of a linear layer, and a shared one.

Of a layer with keys and values of their own for each memory, the memories that the router chooses are updated by one of
several rules; the others stay as they are. The output is q_t (sum_m g_m S_m + S_shared) (Du et al. 2025).
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, normalize, pad, silu, softplus

from kernels.gated_delta import gated_delta_rule, gated_delta_step
from kernels.gated_linear_attention import gated_linear_attention, gated_linear_attention_step
from kernels.linear_attention import linear_attention, linear_attention_step
from lib.attention.routing import Packing, pack_by_memory, topk_router, unpack
from lib.ssm import parts
from lib.training.stacked import StackedLinear, StackedRMSNorm, draw

RULES = ("linear", "retention", "scalar", "gla", "gated_delta")
CONVOLUTIONS = ("none", "global", "memory")
FORMS = ("packed", "masked")
GATE_BIAS = 4.0  # of the scalar gate at the start: a token forgets 2 %
GATE_RANK, GATE_TEMPERATURE = 16, 16.0  # of the gate for each channel
TAPS = 4


class MemoryState(NamedTuple):
    """Memories `(models, batch, slots, H, D, E)`, and the last tokens of the convolution.

    `tail` is `(models, batch, taps - 1, width)` of the global convolution, `(models, batch, slots, taps - 1, channels)`
    of those of the memories, and empty without one. The shared memory is the last slot.
    """

    memory: Tensor
    tail: Tensor


class MixtureOfMemories(nn.Module):
    """A linear layer with M routed memories and a shared one, for a stack of models.

    Args:
        width: d.
        sources: one generator for each model.
        memories: M; 0 for a plain layer with the shared memory alone.
        chosen: memories of a token.
        shared: whether one more memory sees every token.
        rule: `linear` (S + k^T v), `retention` (a fixed decay for each head), `scalar` (a decay from the token), `gla`
            (one for each key channel), `gated_delta`.
        heads, d_key, d_value: heads H of keys D and values E; all heads have the same routing.
        convolution: `global` (on the input of the layer), `memory` (on queries, keys and values along the tokens of
            each memory) or `none`.
        own: whether every memory has keys and values of its own.
        form: `packed` (tokens sorted by memory, one call of a kernel) or `masked` (every memory sees all tokens, those
            that are not its own with neither write nor decay).

    Raises:
        ValueError: a rule, convolution or form that is not there; more memories chosen than there are; no memory.

    Source: Du et al. 2025, sec. 3, and authors' code.
    """

    def __init__(
        self,
        width: int,
        sources: list[torch.Generator],
        *,
        memories: int,
        chosen: int,
        shared: bool = True,
        rule: str = "gated_delta",
        heads: int = 1,
        d_key: int,
        d_value: int,
        convolution: str = "global",
        own: bool = True,
        form: str = "packed",
    ):
        super().__init__()
        for name, value, accepted in (("rule", rule, RULES), ("convolution", convolution, CONVOLUTIONS)):
            if value not in accepted:
                raise ValueError(f"{name}: got {value!r}, expected {', '.join(accepted)}")
        if form not in FORMS or (form == "masked" and convolution == "memory"):
            raise ValueError(f"form: got {form!r}, expected packed, or masked with another convolution than memory")
        if not memories + shared or not chosen + shared or chosen > memories or (memories and not chosen):
            raise ValueError(f"chosen: got {chosen}, expected 1 to the {memories} memories (none of none, if shared)")
        self.models, self.M, self.k, self.shared = len(sources), memories, chosen, int(shared)
        self.slots = memories + self.shared
        self.rule, self.H, self.D, self.E = rule, heads, d_key, d_value
        self.convolution, self.own, self.form = convolution, own, form
        self.query = StackedLinear(width, heads * d_key, sources)
        pair = heads * (d_key + d_value)
        gates = {"scalar": heads, "gla": GATE_RANK, "gated_delta": 2 * heads}.get(rule, 0)
        self.pair = None if own else StackedLinear(width, pair, sources)
        self.columns = [pair * own, gates]
        self.write = StackedLinear(width, self.slots * sum(self.columns), sources) if sum(self.columns) else None
        self.router = StackedLinear(width, memories, sources) if memories else None
        self.gate = StackedLinear(width, heads * d_value, sources)
        self.norm = StackedRMSNorm(d_value, self.models, eps=1e-5)
        self.out = StackedLinear(heads * d_value, width, sources)
        channels = {"global": width, "memory": heads * (2 * d_key + d_value)}.get(convolution)
        self.taps = parts.convolution_weight(sources, channels, TAPS) if channels else None
        self._add_gates(sources)

    def _add_gates(self, sources):
        models, slots, H = self.models, self.slots, self.H
        if self.rule == "retention":
            fixed = torch.log1p(-(2.0 ** (-5 - torch.arange(H, dtype=torch.float64))))
            self.register_buffer("log_decay", fixed.float(), persistent=False)
        elif self.rule == "scalar":
            self.decay_bias = parts.undecayed(torch.full((models, slots, H), GATE_BIAS))
        elif self.rule == "gla":
            self.widen = draw(sources, (slots, GATE_RANK, H * self.D), "uniform", GATE_RANK**-0.5)
            self.decay_bias = parts.undecayed(torch.zeros(models, slots, H * self.D))
        elif self.rule == "gated_delta":
            self.decay_bias = parts.undecayed(
                parts.step_bias(sources, slots * H, (0.001, 0.1)).detach().unflatten(1, (slots, H))
            )
            self.A_log = parts.log_rates(sources, H, 1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """The layer on `(models, batch, T, width)`."""
        return self.mix(x)[0]

    def mix(self, x: Tensor, index: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """The layer's output and the router's logits `(models, batch, T, M)`; None without routed memories.

        Args:
            x: `(models, batch, T, width)`.
            index: memories `(models, batch, T, k)` to take in place of the router's, each with the weight 1 / k.
        """
        y, logits, _ = self._run(x, index, want_state=False)
        return y, logits

    def prefill(self, x: Tensor) -> tuple[Tensor, MemoryState]:
        """The layer's output and the state that decoding continues from, by the packed form."""
        y, _, state = self._run(x, None, want_state=True)
        return y, state

    def _run(self, x, index, want_state):
        u, tail = x, x[:, :, :0]
        if self.convolution == "global":
            u, tail = parts.short_convolution(x, self.taps)
            u = silu(u)
        logits = None if self.router is None else self.router(u)
        weights, index = self._routes(logits, index, x)
        if self.form == "masked" and not want_state:
            return self._output(self._masked(u, weights, index), x), logits, None
        packing = pack_by_memory(index, self.slots)
        q, k, v, gates, tails = self._packed_inputs(u, index, packing)
        values, memory = self._attend(q, k, v, gates, cu_seqlens=packing.bounds, output_final_state=want_state)
        mixed = (weights[..., None].to(values.dtype) * unpack(values[0].flatten(1), packing, index.shape)).sum(-2)
        state = None
        if want_state:
            shape = (self.models, x.shape[1], self.slots)
            tail = tails.unflatten(0, shape) if self.convolution == "memory" else tail
            state = MemoryState(memory.unflatten(0, shape), tail)
        return self._output(mixed, x), logits, state

    def _routes(self, logits, index, x) -> tuple[Tensor, Tensor]:
        """Weights and slots `(models, batch, T, k + shared)`."""
        shape = x.shape[:-1]
        if index is not None:
            weights = torch.full(index.shape, 1 / index.shape[-1], dtype=x.dtype, device=x.device)
        elif logits is None:
            weights, index = x.new_empty(*shape, 0), torch.empty(*shape, 0, dtype=torch.long, device=x.device)
        else:
            weights, index = topk_router(logits, self.k)
        if self.shared:
            weights = pad(weights, (0, 1), value=1.0)
            index = pad(index, (0, 1), value=self.slots - 1)
        return weights, index

    def _writes(self, u) -> Tensor:
        """Keys, values and what gates are made of, of every slot, `(models, ..., slots, columns)`."""
        pieces = []
        if self.pair is not None:
            shared = self.pair(u)
            pieces.append(shared[..., None, :].expand(*u.shape[:-1], self.slots, shared.shape[-1]))
        if self.write is not None:
            pieces.append(self.write(u).unflatten(-1, (self.slots, -1)))
        return torch.cat(pieces, -1)

    def _packed_inputs(self, u, index, packing: Packing):
        """q, k, v `[1, N, H, .]` and gates in the order of the packing, and the convolutions' tails of each slot."""
        k, slot = index.shape[-1], index.flatten()[packing.order]
        token = packing.order // k
        rows = self._writes(u).flatten(0, 3)[token * self.slots + slot]
        q = self.query(u).flatten(0, 2)[token]
        pair = self.H * (self.D + self.E)
        vectors, tails = torch.cat((q, rows[:, :pair]), 1), None
        if self.convolution == "memory":
            vectors, tails = self._convolve(vectors, packing)
        q, key, v = vectors.split([self.H * self.D, self.H * self.D, self.H * self.E], 1)
        model = torch.arange(self.models, device=u.device).repeat_interleave(len(token) // self.models)
        gates = self._gates(rows[:, pair:], model, slot)
        q, key, v = (value.view(1, len(token), self.H, -1) for value in (q, key, v))
        return q, key, v, gates, tails

    def _convolve(self, vectors, packing: Packing) -> tuple[Tensor, Tensor]:
        """The causal convolution along each memory's own tokens, and the last `taps - 1` tokens of each."""
        bounds, count = packing.bounds, len(vectors)
        sequence = torch.repeat_interleave(bounds.diff())
        since = torch.arange(count, device=vectors.device) - bounds[:-1][sequence]
        by_model = vectors.view(self.models, -1, vectors.shape[1])
        taps, total = self.taps.shape[-1], 0
        for back in range(taps):
            earlier = vectors if not back else pad(vectors, (0, 0, back, 0))[:count]
            earlier = (earlier * (since >= back)[:, None]).view_as(by_model)
            total = total + earlier * self.taps[:, None, :, taps - 1 - back]
        place = bounds[1:, None] + torch.arange(1 - taps, 0, device=vectors.device)
        there = place >= bounds[:-1, None]
        return silu(total).view_as(vectors), vectors[place.clamp(min=0)] * there[..., None]

    def _gates(self, raw, model, slot) -> tuple[Tensor, ...]:
        """Log decays, and strengths of the gated delta rule, for rows `(N, columns)` of some models and slots."""
        if self.rule == "retention":
            return (self.log_decay.to(raw.dtype).expand(len(raw), -1),)
        if self.rule == "scalar":
            return (logsigmoid(raw + self.decay_bias[model, slot]),)
        if self.rule == "gla":
            every = torch.bmm(raw.view(self.models, -1, GATE_RANK), self.widen.transpose(1, 2).flatten(2))
            wide = every.view(len(raw), self.slots, -1)[torch.arange(len(raw), device=raw.device), slot]
            return (logsigmoid(wide + self.decay_bias[model, slot]) / GATE_TEMPERATURE,)
        if self.rule == "gated_delta":
            speed, strength = raw.split(self.H, 1)
            rate = torch.exp(self.A_log)[model]
            return -rate * softplus(speed + self.decay_bias[model, slot]), torch.sigmoid(strength)
        return ()

    def _attend(self, q, k, v, gates, **options) -> tuple[Tensor, Tensor | None]:
        """Outputs and final states of the rule's kernel; `gates` as `_gates` returns them, in the order of q."""
        q, k = normalize(q, dim=-1), normalize(k, dim=-1)
        gates = [gate.reshape(q.shape if self.rule == "gla" else q.shape[:3]) for gate in gates]
        options["scale"] = 1 / math.sqrt(self.D)
        if self.rule == "gla":
            return gated_linear_attention(q, k, v, *gates, **options)
        if self.rule == "gated_delta":
            decay, strength = gates
            return gated_delta_rule(q, k, v, strength, decay, **options)
        return linear_attention(q, k, v, gates[0] if gates else None, **options)

    def _masked(self, u, weights, index) -> Tensor:
        """The mixture with every slot on all tokens, as heads of one call; others' tokens write and decay nothing."""
        models, batch, T, _ = u.shape
        pair, slots = self.H * (self.D + self.E), self.slots
        rows = self._writes(u)
        count = models * batch * T * slots
        model = torch.arange(models, device=u.device).repeat_interleave(count // models)
        slot = torch.arange(slots, device=u.device).repeat(count // slots)
        gates = self._gates(rows[..., pair:].flatten(0, 3), model, slot)
        share = torch.zeros(models, batch, T, slots, dtype=weights.dtype, device=u.device).scatter(-1, index, weights)
        mask = torch.zeros_like(share).scatter(-1, index, 1.0).to(u.dtype)

        def as_heads(value):  # (models, batch, T, slots, H * width) as [models * batch, T, slots * H, width]
            return value.reshape(models * batch, T, slots * self.H, -1)

        q = as_heads(self.query(u)[..., None, :].expand(*u.shape[:3], slots, self.H * self.D))
        k, v = (as_heads(part) for part in rows[..., :pair].split([self.H * self.D, self.H * self.E], -1))
        own = as_heads(mask[..., None].expand(*mask.shape, self.H))
        gates = [as_heads(gate.view(models, batch, T, slots, -1)) * own for gate in gates]
        o, _ = self._attend(q, k, v * own, gates)
        return (share[..., None].to(o.dtype) * o.view(models, batch, T, slots, -1)).sum(-2)

    def _output(self, mixed, x) -> Tensor:
        o = self.norm(mixed.unflatten(-1, (self.H, self.E))).flatten(-2)
        return self.out(o * silu(self.gate(x)))

    def begin(self, models: int, batch: int, context: int, source: torch.Generator | None = None) -> MemoryState:
        """State before the first token: zeros, or random as after a context that is not run."""
        like = self.out.weight
        shape = (models, batch, self.slots, self.H, self.D, self.E)
        memory = torch.zeros(shape) if source is None else torch.randn(shape, generator=source)
        tail = (models, batch, TAPS - 1 if self.convolution == "global" else 0, like.shape[2])
        if self.convolution == "memory":
            tail = (models, batch, self.slots, TAPS - 1, self.taps.shape[1])
        return MemoryState(memory.to(like), torch.zeros(tail).to(like))

    def step(self, x: Tensor, state: MemoryState) -> tuple[Tensor, MemoryState]:
        """One token `(models, batch, width)`: output and new state; the slots that it does not choose are copied."""
        models, batch, _ = x.shape
        u, tail = x, state.tail
        if self.convolution == "global":
            line = torch.cat((tail, x[:, :, None]), 2)
            u, tail = silu((line * self.taps.mT[:, None]).sum(2)), line[:, :, 1:]
        logits = None if self.router is None else self.router(u)
        weights, index = self._routes(logits, None, x)
        row = torch.arange(models * batch, device=x.device)[:, None] * self.slots + index.flatten(0, 1)
        flat, slot = row.flatten(), index.flatten()
        rows = self._writes(u).flatten(0, 2)[flat]
        count = index.shape[-1]
        pair = self.H * (self.D + self.E)
        vectors = torch.cat((self.query(u).flatten(0, 1).repeat_interleave(count, 0), rows[:, :pair]), 1)
        model = torch.arange(models, device=x.device).repeat_interleave(batch * count)
        if self.convolution == "memory":
            line = torch.cat((tail.flatten(0, 2)[flat], vectors[:, None]), 1)
            vectors = silu((line * self.taps.mT[model]).sum(1))
            tail = tail.flatten(0, 2).index_copy(0, flat, line[:, 1:]).view_as(tail)
        q, k, v = vectors.split([self.H * self.D, self.H * self.D, self.H * self.E], 1)
        q, k, v = (value.unflatten(1, (self.H, -1)) for value in (q, k, v))
        q, k = normalize(q, dim=-1), normalize(k, dim=-1)
        memory = state.memory.flatten(0, 2)
        o, new = self._advance(memory[flat], q, k, v, self._gates(rows[:, pair:], model, slot))
        memory = memory.index_copy(0, flat, new).view_as(state.memory)
        o = o.flatten(1).view(models, batch, count, -1)
        mixed = (weights[..., None].to(o.dtype) * o).sum(-2)
        return self._output(mixed, x), MemoryState(memory, tail)

    def _advance(self, memory, q, k, v, gates) -> tuple[Tensor, Tensor]:
        """One token of the rule for rows `(N, H, .)`."""
        scale = 1 / math.sqrt(self.D)
        if self.rule == "gla":
            return gated_linear_attention_step(memory, q, k, v, gates[0].view_as(q), scale=scale)
        if self.rule == "gated_delta":
            return gated_delta_step(memory, q, k, v, gates[1], gates[0], scale=scale)
        o, memory = linear_attention_step(memory, q, k, v, gates[0] if gates else None)
        return scale * o, memory
