"""The chunked gated delta rule is the recurrence; the recurrence stores and overwrites as a delta rule does."""

import pytest
import torch
from torch.nn.functional import normalize

from kernels.gated_delta import gated_delta_rule, gated_delta_step


def make(B=2, H=3, T=37, D=4, E=6, seed=0):
    source = torch.Generator().manual_seed(seed)

    def normal(*size):
        return torch.randn(size, generator=source, dtype=torch.float64)

    q, k, v = normal(B, T, H, D), normalize(normal(B, T, H, D), dim=-1), normal(B, T, H, E)
    beta = 2 * torch.rand((B, T, H), generator=source, dtype=torch.float64)
    return [q, k, v, beta, -torch.rand((B, T, H), generator=source, dtype=torch.float64)], normal(B, H, D, E)


@pytest.mark.parametrize("T", [1, 16, 37])
def test_chunks_agree_with_the_recurrence(T):
    arguments, S = make(T=T)
    results = []
    for backend in ("recurrent", "chunked"):
        values = [value.clone().requires_grad_() for value in (*arguments, S)]
        o, end = gated_delta_rule(
            *values[:5], initial_state=values[5], output_final_state=True, scale=0.7, chunk_size=16, backend=backend
        )
        (o.sin().sum() + end.cos().sum()).backward()
        results.append([o, end, *(value.grad for value in values)])
    for first, second in zip(*results):
        torch.testing.assert_close(first, second, rtol=1e-11, atol=1e-11)


def test_a_key_written_with_full_strength_is_read_back():
    arguments, _ = make(T=1)
    q, k, v, _, decay = (value[:, 0] for value in arguments)
    _, S = gated_delta_step(torch.randn(2, 3, 4, 6, dtype=torch.float64), q, k, v, torch.ones(2, 3), decay)
    torch.testing.assert_close((k[..., None, :] @ S)[..., 0, :], v)


def test_no_write_is_plain_decay():
    arguments, S = make(T=5)
    arguments[3] = torch.zeros_like(arguments[3])
    _, end = gated_delta_rule(*arguments, initial_state=S, output_final_state=True)
    torch.testing.assert_close(end, torch.exp(arguments[4].sum(1))[..., None, None] * S)


def test_packed_sequences_are_separate_ones():
    arguments, _ = make(B=1, T=20)
    _, S = make(B=3)
    o, end = gated_delta_rule(
        *arguments, initial_state=S, output_final_state=True, cu_seqlens=torch.tensor([0, 7, 7, 20]), chunk_size=4
    )
    for i, (start, stop) in enumerate(((0, 7), (7, 7), (7, 20))):
        if start == stop:
            torch.testing.assert_close(end[i], S[i])
            continue
        alone, last = gated_delta_rule(
            *(value[:, start:stop] for value in arguments), initial_state=S[i : i + 1], output_final_state=True
        )
        torch.testing.assert_close(o[:, start:stop], alone)
        torch.testing.assert_close(end[i : i + 1], last)


def test_bad_arguments_are_refused():
    arguments, S = make()
    with pytest.raises(ValueError, match="log_decay"):
        gated_delta_rule(*arguments[:4], -arguments[4])
    with pytest.raises(ValueError, match="k shape"):
        gated_delta_rule(arguments[0], arguments[1][..., 1:], *arguments[2:])
    with pytest.raises(ValueError, match="initial_state"):
        gated_delta_rule(*arguments, initial_state=S[:1])
    with pytest.raises(ValueError, match="backend"):
        gated_delta_rule(*arguments, backend="triton")
