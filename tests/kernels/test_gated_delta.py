"""The chunked gated delta rule is the recurrence; the recurrence stores and overwrites as a delta rule does."""

import pytest
import torch
from torch.nn.functional import normalize

from kernels.gated_delta import gated_delta_rule, gated_delta_step
from tests.kernels.compiled import hold_limits
from tests.kernels.devices import DEVICE


def make(B=2, H=3, T=37, D=4, E=6, seed=0):
    source = torch.Generator().manual_seed(seed)

    def normal(*size):
        return torch.randn(size, generator=source, dtype=torch.float64)

    q, k, v = normal(B, T, H, D), normalize(normal(B, T, H, D), dim=-1), normal(B, T, H, E)
    beta = 2 * torch.rand((B, T, H), generator=source, dtype=torch.float64)
    return [q, k, v, beta, -torch.rand((B, T, H), generator=source, dtype=torch.float64)], normal(B, H, D, E)


def outcome(arguments, S, backend, bounds=None):
    """Output, final memory and all gradients of a form."""
    values = [value.clone().requires_grad_() for value in (*arguments, S)]
    o, end = gated_delta_rule(
        *values[:5],
        initial_state=values[5],
        output_final_state=True,
        scale=0.7,
        chunk_size=16,
        cu_seqlens=bounds,
        backend=backend,
    )
    (o.sin().sum() + end.cos().sum()).backward()
    return [o, end, *(value.grad for value in values)]


@pytest.mark.parametrize("form", ["chunked", "compiled"])
@pytest.mark.parametrize(("T", "D", "E"), [(1, 4, 6), (16, 5, 1), (37, 1, 3), (70, 7, 8)])
def test_every_form_agrees_with_the_recurrence(T, D, E, form):
    case = make(T=T, D=D, E=E)
    for first, second in zip(outcome(*case, "recurrent"), outcome(*case, form)):
        torch.testing.assert_close(first, second, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("form", ["chunked", "compiled"])
def test_gradients_of_packed_sequences_agree_with_the_recurrence(form):
    arguments, _ = make(B=1, T=70)
    case, bounds = (arguments, make(B=4)[1]), torch.tensor([0, 33, 33, 34, 70])
    for first, second in zip(outcome(*case, "recurrent", bounds), outcome(*case, form, bounds)):
        torch.testing.assert_close(first, second, rtol=1e-11, atol=1e-11)


def test_the_number_of_threads_changes_no_digit():
    case = make(B=4, H=4, T=600, D=16, E=16)
    before = torch.get_num_threads()
    results = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        results.append(outcome(*case, "compiled"))
    torch.set_num_threads(before)
    assert all(torch.equal(first, second) for first, second in zip(*results))


def in_float32(T, D, E, B=2, strength=1.0, bounds=None):
    """What the Triton form and the recurrence in float64 make of the same numbers."""
    arguments, S = make(B=B, T=T, D=D, E=E)
    S = S if bounds is None else make(B=len(bounds) - 1, D=D, E=E)[1]
    case = [x.float() for x in (*arguments[:4], strength * arguments[4])], S.float()
    results = outcome([x.to(DEVICE) for x in case[0]], case[1].to(DEVICE), "triton", bounds)
    return [result.cpu() for result in results], outcome(
        [x.double() for x in case[0]], case[1].double(), "recurrent", bounds
    )


@pytest.mark.parametrize("strength", [0.1, 1.0, 50.0])
@pytest.mark.parametrize(("T", "D", "E"), [(1, 4, 6), (16, 5, 1), (37, 20, 12), (33, 40, 40)])
def test_the_triton_form_agrees_with_the_recurrence(T, D, E, strength):
    for result, expected in zip(*in_float32(T, D, E, strength=strength)):
        size = max(1.0, float(expected.detach().abs().max()))
        torch.testing.assert_close(result.double(), expected, rtol=0, atol=2e-5 * size)


def test_the_triton_form_on_packed_sequences():
    for result, expected in zip(*in_float32(70, 4, 6, B=1, bounds=torch.tensor([0, 33, 33, 34, 70]))):
        torch.testing.assert_close(result.double(), expected, rtol=2e-5, atol=2e-5)


def test_one_token_by_triton():
    arguments, S = make(T=1)
    *inputs, S = (value.float().to(DEVICE) for value in (*(x[:, 0] for x in arguments), S))
    for result, expected in zip(
        gated_delta_step(S, *inputs, scale=0.7, backend="triton"), gated_delta_step(S, *inputs, scale=0.7)
    ):
        torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)


def test_heads_that_triton_does_not_take_are_refused():
    arguments, _ = make(T=2, H=1, D=260, E=2)
    with pytest.raises(ValueError, match="heads of 260 and 2, expected at most 128"):
        gated_delta_rule(*(value.float().to(DEVICE) for value in arguments), backend="triton")


def test_kernels_compile_for_tensor_cores():
    without = ("decay_gradients", "step_kernel")
    hold_limits("compile_gated_delta", "bfloat16-128-128", spilled_bytes=0, without_products=without)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("width", ["64-64", "128-128", "24-40"])
def test_every_variant_compiles(dtype, width):
    without = ("decay_gradients", "step_kernel")
    hold_limits("compile_gated_delta", f"{dtype}-{width}", spilled_bytes=128, without_products=without)


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
