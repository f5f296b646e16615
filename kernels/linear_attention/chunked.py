"""Linear attention in blocks, in PyTorch: inside a block the masked left product, between blocks the state.

Inside this file heads come before tokens, and blocks stand as `(rows, blocks, C, D)`. A row is a (batch, head) pair
with its blocks in order, or, for packed sequences, a head with the blocks of all sequences ordered by their place in
their sequence and then by the falling length of the sequences: the blocks that follow the first m of one place are then
the next m. With a_i the running sum of the log decay in a block, `a_end` its last value, the weights are exp(a_i) (out
of the state), exp(a_end - a_j) (into the state) and exp(a_i - a_j); no exponent is ever positive.
"""

import itertools
from dataclasses import dataclass

import torch
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from kernels.arguments import state_type
from kernels.linear_attention.gradient import decay_gradient

SLAB_ELEMENTS = 2**17  # numbers of one tensor of a slab of blocks: a few of them stay in a core's cache


@dataclass
class Blocks:
    """How tokens are laid out in blocks.

    `starts[p]` is the first block of place p, `counts[p]` how many sequences reach it; `order` sorts the sequences by
    falling length; `gather` and `scatter` map tokens to block positions and back, `valid` marks filled positions.
    """

    size: int
    sequences: int
    starts: list[int]
    counts: list[int]
    order: torch.Tensor | None = None
    gather: torch.Tensor | None = None
    scatter: torch.Tensor | None = None
    valid: torch.Tensor | None = None


def regular(blocks: int, size: int) -> Blocks:
    """One sequence of full blocks."""
    return Blocks(size, 1, list(range(blocks)), [1] * blocks)


def packed(bounds: list[int], size: int, device) -> Blocks:
    """Blocks of packed sequences; the last block of each may be short."""
    lengths = torch.tensor([b - a for a, b in itertools.pairwise(bounds)])
    order = torch.argsort(lengths, descending=True, stable=True)
    places = (lengths[order] + size - 1) // size
    counts = [int((places > p).sum()) for p in range(int(places[0]))]
    starts = [sum(counts[:p]) for p in range(len(counts))]
    first = torch.tensor(bounds[:-1])[order]
    stop = torch.tensor(bounds[1:])[order]
    heads = [first[:count] + place * size for place, count in enumerate(counts)]
    ends = [stop[:count] for count in counts]
    token = torch.cat(heads)[:, None] + torch.arange(size)
    valid = token < torch.cat(ends)[:, None]
    scatter = torch.empty(bounds[-1], dtype=torch.long)
    scatter[token[valid]] = valid.flatten().nonzero().flatten()
    token = torch.where(valid, token, 0).flatten()
    return Blocks(
        size, len(lengths), starts, counts, order.to(device), token.to(device), scatter.to(device), valid.to(device)
    )


def scan(update, decay, state, layout: Blocks) -> tuple[torch.Tensor, torch.Tensor]:
    """States before each block, and after the last ones.

    Args:
        update: `(rows, blocks, D, E)`; decay: `(rows, blocks or 1, 1, 1)`.
        state: `(rows, sequences, D, E)` before the first block of each sequence.

    Returns:
        `(rows, blocks, D, E)` and `(rows, sequences, D, E)`.
    """
    before, final = torch.empty_like(update), state.clone()
    shared = decay.shape[1] == 1
    before[:, : layout.counts[0]] = state[:, : layout.counts[0]]
    for place, (start, count) in enumerate(zip(layout.starts, layout.counts)):
        follow = layout.counts[place + 1] if place + 1 < len(layout.counts) else 0
        for left, right, target, at in ((0, follow, before, start + count), (follow, count, final, 0)):
            if right > left:
                now = slice(start + left, start + right)
                torch.addcmul(
                    update[:, now],
                    decay if shared else decay[:, now],
                    before[:, now],
                    out=target[:, at + left : at + right],
                )
    return before, final


def scan_back(update, decay, state, layout: Blocks) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of the state after each block and before the first ones, from those after the last ones."""
    after, first = torch.empty_like(update), state.clone()
    shared = decay.shape[1] == 1
    for place in reversed(range(len(layout.counts))):
        start, count = layout.starts[place], layout.counts[place]
        follow = layout.counts[place + 1] if place + 1 < len(layout.counts) else 0
        after[:, start + follow : start + count] = state[:, follow:count]
        now = slice(start, start + count)
        target, at = (after, layout.starts[place - 1]) if place else (first, 0)
        torch.addcmul(update[:, now], decay if shared else decay[:, now], after[:, now], out=target[:, at : at + count])
    return after, first


def _weights(decay: torch.Tensor | None, scale: float, like: torch.Tensor, size: int):
    """Weights out of the state (times scale), into the state, of a whole block, and inside a block (times scale).

    Shapes `(r, g, C, 1)`, `(r, g, C, 1)`, `(r, g, 1, 1)`, `(r, g, C, C)`, with g = 1 where all blocks are alike.
    """
    if decay is None:
        decay = like.new_zeros(1, 1, size)
    a = decay.cumsum(-1, dtype=torch.float64)  # a difference of large sums would lose the small decays between
    tail = torch.exp((a[..., -1:] - a).to(like.dtype))
    inside = (a[..., :, None] - a[..., None, :]).to(like.dtype)
    later = torch.ones(size, size, dtype=torch.bool, device=a.device).triu_(1)
    inside = inside.masked_fill_(later, -torch.inf).exp_()
    out = torch.exp(a.to(like.dtype))
    end = out[..., -1:]
    if scale != 1.0:
        inside, out = inside * scale, out * scale
    return out[..., None], tail[..., None], end[..., None], inside


def _slabs(rows: int, layout: Blocks, width: int):
    """Cuts `(rows, blocks, layout)` of the work: whole rows together, or parts of one row in order."""
    blocks = layout.starts[-1] + layout.counts[-1]
    at_once = max(1, SLAB_ELEMENTS // (layout.size * width))
    if layout.gather is None and blocks > at_once:
        for row in range(rows):
            for start in range(0, blocks, at_once):
                stop = min(start + at_once, blocks)
                yield slice(row, row + 1), slice(start, stop), regular(stop - start, layout.size)
        return
    together = max(1, at_once // blocks)
    for row in range(0, rows, together):
        yield slice(row, min(row + together, rows)), slice(0, blocks), layout


def _of(weight: torch.Tensor, rows: slice, blocks: slice) -> torch.Tensor:
    """The part of a weight, or of a decay, that belongs to a slab."""
    weight = weight if weight.shape[0] == 1 else weight[rows]
    return weight if weight.shape[1] == 1 else weight[:, blocks]


def _forward(q, k, v, decay, state, scale, layout: Blocks):
    """Outputs `(rows, blocks, C, E)` and final states; `decay` is `(rows or 1, blocks or 1, C)` or None."""
    out = v.new_empty(*q.shape[:3], v.shape[3])
    final = state.clone()
    uniform = decay is None or decay.shape[1] == 1
    shared = _weights(decay, scale, q, layout.size) if uniform else None
    for rows, blocks, local in _slabs(q.shape[0], layout, max(q.shape[3], v.shape[3], layout.size)):
        parts = shared if uniform else _weights(decay[rows, blocks], scale, q, layout.size)
        w_out, w_in, w_end, inside = (_of(w, rows, blocks) for w in parts) if uniform else parts
        x, y, z = (tensor[rows, blocks] for tensor in (q, k, v))
        flat = [tensor.flatten(0, 1) for tensor in (x, y, z)]
        update = torch.bmm((y * w_in).flatten(0, 1).mT, flat[2]).view(*x.shape[:2], x.shape[3], z.shape[3])
        before, final[rows] = scan(update, w_end, final[rows], local)
        scores = torch.bmm(flat[0], flat[1].mT)
        scores.view(*x.shape[:3], -1).mul_(inside)
        result = torch.bmm(scores, flat[2])
        result.baddbmm_((x * w_out).flatten(0, 1), before.flatten(0, 1))
        out[rows, blocks] = result.view(z.shape)
    return out, final


def _states(k, v, decay, state, layout: Blocks, width: int):
    """States before each slab, in the order of `_slabs`."""
    starts, running = [], state.clone()
    for rows, blocks, local in _slabs(k.shape[0], layout, width):
        starts.append(running[rows].clone())
        if local is layout:
            continue
        _, w_in, w_end, _ = _weights(None if decay is None else _of(decay, rows, blocks), 1.0, k, layout.size)
        y, z = k[rows, blocks], v[rows, blocks]
        update = torch.bmm((y * w_in).flatten(0, 1).mT, z.flatten(0, 1)).view(*y.shape[:2], y.shape[3], z.shape[3])
        running[rows] = scan(update, w_end, running[rows], local)[1]
    return starts


def _backward(q, k, v, decay, state, d_out, d_final, scale, layout: Blocks):
    """Gradients of q, k, v and of the initial states; everything of a slab is computed in one sweep from the end."""
    width = max(q.shape[3], v.shape[3], layout.size)
    dq, dk, dv = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
    d_state = d_final.clone()
    uniform = decay is None or decay.shape[1] == 1
    shared = _weights(decay, scale, q, layout.size) if uniform else None
    starts = _states(k, v, decay, state, layout, width)
    for (rows, blocks, local), start in zip(reversed(list(_slabs(q.shape[0], layout, width))), reversed(starts)):
        parts = shared if uniform else _weights(decay[rows, blocks], scale, q, layout.size)
        w_out, w_in, w_end, inside = (_of(w, rows, blocks) for w in parts) if uniform else parts
        x, y, z, d = (tensor[rows, blocks] for tensor in (q, k, v, d_out))
        fx, fy, fz, fd = (tensor.flatten(0, 1) for tensor in (x, y, z, d))
        shape = (*x.shape[:2], x.shape[3], z.shape[3])
        before, _ = scan(torch.bmm((y * w_in).flatten(0, 1).mT, fz).view(shape), w_end, start, local)
        d_update = torch.bmm((x * w_out).flatten(0, 1).mT, fd).view(shape)
        after, d_state[rows] = scan_back(d_update, w_end, d_state[rows], local)
        before, after = before.flatten(0, 1), after.flatten(0, 1)
        scores = torch.bmm(fx, fy.mT)
        scores.view(*x.shape[:3], -1).mul_(inside)
        d_scores = torch.bmm(fd, fz.mT)
        d_scores.view(*x.shape[:3], -1).mul_(inside)
        # the part through the state first, scaled in place, then the part inside the block on top
        for target, outer, weight, left, right in (
            (dq, torch.bmm(fd, before.mT), w_out, d_scores, fy),
            (dk, torch.bmm(fz, after.mT), w_in, d_scores.mT, fx),
            (dv, torch.bmm(fy, after), w_in, scores.mT, fd),
        ):
            outer.view(*x.shape[:3], -1).mul_(weight)
            target[rows, blocks] = outer.baddbmm_(left, right).view(*x.shape[:3], -1)
    return dq, dk, dv, d_state


class _Chunked(torch.autograd.Function):
    """Keeps q, k, v, the log decay and the states at both ends; all else is computed again in the backward pass."""

    @staticmethod
    def forward(ctx, q, k, v, log_decay, initial_state, scale, size, bounds):
        inputs = q, k, v, log_decay
        q, k, v, log_decay = _heads_first(*inputs)
        layout, cut, rows = _plan(q, size, bounds)
        decay = _block_decay(log_decay, q, layout, cut)
        state = _to_rows(initial_state, q, v, layout, rows)
        out, final = _forward(cut(q), cut(k, True), cut(v), decay, state, scale, layout)
        o = _to_tokens(out, v, layout)
        final = _from_rows(final, q, v, layout)
        ctx.save_for_backward(*inputs, initial_state, final if _needs_decay(inputs[3]) else None)
        ctx.options = scale, size, bounds
        return o.transpose(1, 2), final

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out, d_final):
        *inputs, initial_state, final = ctx.saved_tensors
        scale, size, bounds = ctx.options
        q, k, v, log_decay = _heads_first(*inputs)
        d_out = d_out.transpose(1, 2)
        layout, cut, rows = _plan(q, size, bounds)
        decay = _block_decay(log_decay, q, layout, cut)
        state = _to_rows(initial_state, q, v, layout, rows)
        d_state = _to_rows(d_final, q, v, layout, rows)
        parts = _backward(
            cut(q), cut(k, True), cut(v), decay, state, cut(d_out.to(v.dtype), True), d_state, scale, layout
        )
        dq, dk, dv = (_to_tokens(part, like, layout, keep=True) for part, like in zip(parts[:3], (q, k, v)))
        d_log_decay = None
        if _needs_decay(inputs[3]):
            per_token = (q * dq).sum(-1) - (k * dk).sum(-1)
            d_log_decay = decay_gradient(per_token, final, d_final, inputs[3], bounds)
        d_initial = None
        if initial_state is not None:
            d_initial = _from_rows(parts[3], q, v, layout).to(initial_state.dtype)
        dq, dk, dv = (part.to(like.dtype).transpose(1, 2) for part, like in zip((dq, dk, dv), (q, k, v)))
        return dq, dk, dv, d_log_decay, d_initial, None, None, None


def _heads_first(q, k, v, log_decay):
    """The same tensors with heads before tokens, as views; decays by head stay."""
    by_token = log_decay is not None and log_decay.ndim == 3
    return *(x.transpose(1, 2) for x in (q, k, v)), log_decay.transpose(1, 2) if by_token else log_decay


def _needs_decay(log_decay) -> bool:
    return log_decay is not None and log_decay.requires_grad


def _plan(q, size, bounds):
    """Layout, the function that cuts a tensor `(B, H, T, X)` into blocks (filling with zeros), and the row count."""
    batch, heads, tokens, _ = q.shape
    if bounds is None:
        size = min(size, tokens)
        blocks = -(-tokens // size)
        layout, rows = regular(blocks, size), batch * heads

        def cut(x, zero=False):
            x = x.to(state_type(x.dtype))
            x = pad(x, (0, 0, 0, blocks * size - tokens)) if blocks * size > tokens else x.contiguous()
            return x.view(rows, blocks, size, x.shape[-1])

    else:
        size = max(1, min(size, max(b - a for a, b in itertools.pairwise(bounds))))
        layout, rows = packed(bounds, size, q.device), heads

        def cut(x, zero=False):
            x = x[0].to(state_type(x.dtype)).index_select(1, layout.gather).view(rows, -1, size, x.shape[-1])
            return x.mul_(layout.valid[:, :, None]) if zero else x

    return layout, cut, rows


def _block_decay(log_decay, q, layout: Blocks, cut):
    """Log decay in blocks: `(rows, 1, C)` where all blocks are alike, `(rows, blocks, C)` elsewhere, or None."""
    batch, heads, tokens, _ = q.shape
    if log_decay is None:
        return None
    log_decay = log_decay.to(state_type(q.dtype))
    if log_decay.ndim == 1:
        if layout.gather is None and tokens % layout.size == 0:
            return log_decay.repeat(batch)[:, None, None].expand(-1, 1, layout.size)
        log_decay = log_decay[None, :, None].expand(batch, heads, tokens)
    return cut(log_decay.unsqueeze(-1), True).squeeze(-1)


def _to_rows(state, q, v, layout: Blocks, rows: int):
    """States `(B or N, H, D, E)` as `(rows, sequences, D, E)` in the order of the layout; zeros for None."""
    if state is None:
        return torch.zeros(rows, layout.sequences, q.shape[3], v.shape[3], dtype=state_type(q.dtype), device=q.device)
    state = state.to(state_type(q.dtype))
    if layout.order is None:
        return state.reshape(rows, 1, *state.shape[2:])
    return state.index_select(0, layout.order).transpose(0, 1).contiguous()


def _from_rows(state, q, v, layout: Blocks):
    if layout.order is None:
        return state.reshape(*q.shape[:2], q.shape[3], v.shape[3])
    result = torch.empty_like(state.transpose(0, 1))
    result[layout.order] = state.transpose(0, 1)
    return result


def _to_tokens(x, like, layout: Blocks, keep: bool = False):
    """Blocks `(rows, blocks, C, X)` as `(B, H, T, X)`, in the type of `like` or, with `keep`, in their own."""
    if layout.gather is not None:
        x = x.flatten(1, 2).index_select(1, layout.scatter)[None]
    else:
        x = x.reshape(*like.shape[:2], -1, x.shape[-1])[:, :, : like.shape[2]]
    return x if keep else x.to(like.dtype)


def chunked_linear_attention(q, k, v, log_decay, initial_state, scale, size, bounds):
    """The block form: output and final state; arguments as `linear_attention` has checked them, with a token."""
    return _Chunked.apply(q, k, v, log_decay, initial_state, scale, size, bounds)
