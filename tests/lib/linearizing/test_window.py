"""Attention over the last few keys against the whole masked softmax."""

import pytest
import torch

from lib.linearizing.window import window_attention, window_attention_step


def draw(tokens: int, keys: int | None = None, heads: int = 4, groups: int = 2, width: int = 6):
    """Queries, keys and values in float64."""
    source = torch.Generator().manual_seed(tokens)
    keys = keys or tokens
    shapes = ((2, tokens, heads, width), (2, keys, groups, width), (2, keys, groups, width))
    return [torch.randn(*shape, generator=source, dtype=torch.float64) for shape in shapes]


def whole(q, k, v, window, scale=None, valid=None):
    """All scores at once, with those outside the window masked."""
    repeats = q.shape[2] // k.shape[2]
    k, v = (x.repeat_interleave(repeats, 2) for x in (k, v))
    scores = torch.einsum("bthd,bshd->bhts", q, k) * (scale or q.shape[-1] ** -0.5)
    behind = torch.arange(k.shape[1] - q.shape[1], k.shape[1])[:, None] - torch.arange(k.shape[1])
    seen = ((behind >= 0) & (behind < window))[None, None]
    if valid is not None:
        seen = seen & (valid[:, None, None] | (behind == 0))
    return torch.einsum("bhts,bshd->bthd", scores.masked_fill(~seen, -torch.inf).softmax(-1), v)


@pytest.mark.parametrize("window", [1, 2, 5, 33, 40, 200])
@pytest.mark.parametrize("tokens", [1, 3, 32, 67, 100])
def test_agrees_with_the_masked_softmax(window, tokens):
    inputs = [x.requires_grad_() for x in draw(tokens)]
    ours, theirs = window_attention(*inputs, window), whole(*inputs, window)
    torch.testing.assert_close(ours, theirs)
    weight = torch.randn(ours.shape, generator=torch.Generator().manual_seed(1), dtype=ours.dtype)
    for one, other in zip(*(torch.autograd.grad((o * weight).sum(), inputs) for o in (ours, theirs))):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(("tokens", "keys"), [(1, 9), (5, 9), (40, 47), (40, 90)])
@pytest.mark.parametrize("window", [1, 4, 50])
def test_keys_from_before_the_first_query(tokens, keys, window):
    inputs = draw(tokens, keys)
    torch.testing.assert_close(window_attention(*inputs, window, scale=0.7), whole(*inputs, window, 0.7))


@pytest.mark.parametrize("window", [3, 50])
def test_padded_keys_are_not_seen(window):
    inputs = draw(37, 41)
    valid = torch.ones(2, 41, dtype=torch.bool)
    valid[0, :11] = False
    ours = window_attention(*inputs, window, valid=valid)
    torch.testing.assert_close(ours, whole(*inputs, window, valid=valid))
    assert torch.isfinite(ours).all()


def test_one_token_over_keys_in_any_order():
    q, k, v = draw(1, 9)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    valid = torch.arange(9) > 2
    ours = window_attention_step(q, k[:, order], v[:, order], valid=valid[order].expand(2, 9))
    torch.testing.assert_close(ours, whole(q, k[:, 3:], v[:, 3:], 9))


def test_bfloat16_keeps_its_type():
    q, k, v = (x.bfloat16() for x in draw(40))
    o = window_attention(q, k, v, 8)
    assert o.dtype == torch.bfloat16
    torch.testing.assert_close(o.double(), whole(*(x.double() for x in (q, k, v)), 8), rtol=0, atol=0.03)


@pytest.mark.parametrize("window", [0, -3])
def test_a_window_has_at_least_one_key(window):
    with pytest.raises(ValueError, match="window: got"):
        window_attention(*draw(5), window)


def test_more_queries_than_keys_are_refused():
    q, k, v = draw(5)
    with pytest.raises(ValueError, match="k shape"):
        window_attention(q, k[:, :3], v[:, :3], 2)
