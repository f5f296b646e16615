"""All kernels take the same calls (plain, packed, empty sequences, no tokens at all) and refuse the same ones."""

import itertools

import pytest
import torch
from torch.nn.functional import normalize

from kernels.arguments import choose_step_backend
from kernels.gated_delta import gated_delta_rule, gated_delta_step
from kernels.gated_linear_attention import gated_linear_attention, gated_linear_attention_step
from kernels.key_gated_attention import key_gated_attention, key_gated_attention_step
from kernels.linear_attention import linear_attention, linear_attention_step
from kernels.mamba3 import Mamba3State, mamba3_scan, mamba3_step
from tests.kernels.devices import DEVICE, here

H, D, E = 2, 4, 6
KERNELS = (linear_attention, gated_linear_attention, key_gated_attention, gated_delta_rule, mamba3_scan)
FORMS = [(kernel, form) for kernel in KERNELS for form in here("recurrent", "chunked", "compiled", "triton")]
FORMS += [(mamba3_scan, "quadratic")]
FIRST = dict.fromkeys((linear_attention, gated_linear_attention, key_gated_attention, gated_delta_rule), "q")
FIRST |= {mamba3_scan: "x"}


def draw(kernel, batch: int, tokens: int) -> dict[str, torch.Tensor]:
    """Inputs of a kernel, in float32."""
    torch.manual_seed(0)

    def normal(*axes):
        return torch.randn(batch, tokens, *axes, device=DEVICE)

    rates = {"log_decay": -normal(*((H, D) if kernel is gated_linear_attention else (H,))).abs()}
    if kernel is mamba3_scan:
        vectors = {"C": normal(1, D), "B": normal(1, D), "x": normal(H, E)}
        return vectors | rates | {"dt": normal(H).abs() + 0.1, "trap": normal(H), "angles": normal(D // 2)}
    vectors = {"q": normal(H, D), "k": normalize(normal(H, D), dim=-1), "v": normal(H, E)}
    if kernel is key_gated_attention:  # the keys are its rates
        return vectors
    return vectors | rates | ({"beta": torch.sigmoid(normal(H))} if kernel is gated_delta_rule else {})


def states(kernel, rows: int):
    """A random state for each of some sequences."""
    shapes = [(H, D, E)]
    if kernel is mamba3_scan:
        shapes = [(H, D // 2), (H, E, D), (H, 1, D), (H, E)]
    parts = [torch.rand(rows, *shape, device=DEVICE) for shape in shapes]
    return Mamba3State(*parts) if kernel is mamba3_scan else parts[0]


def parts_of(state) -> tuple:
    """The tensors of a state."""
    return tuple(state) if isinstance(state, tuple) else (state,)


def call(kernel, form, inputs, **options):
    return kernel(**inputs, backend=form, chunk_size=16, output_final_state=True, **options)


def agree(state, expected) -> None:
    for part, other in zip(parts_of(state), parts_of(expected), strict=True):
        torch.testing.assert_close(part, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kernel", "form"), FORMS)
@pytest.mark.parametrize("batch", [0, 1, 2])
def test_a_call_without_tokens_has_no_output_and_keeps_its_states(kernel, form, batch):
    state = states(kernel, batch)
    o, end = call(kernel, form, draw(kernel, batch, 0), initial_state=state)
    assert o.shape == (batch, 0, H, E)
    agree(end, state)
    _, end = call(kernel, form, draw(kernel, batch, 0))
    assert all(not part.any() and len(part) == batch for part in parts_of(end))


@pytest.mark.parametrize(("kernel", "form"), FORMS)
def test_a_batch_without_sequences_has_an_empty_output(kernel, form):
    o, end = call(kernel, form, draw(kernel, 0, 5))
    assert o.shape == (0, 5, H, E)
    assert all(len(part) == 0 for part in parts_of(end))


@pytest.mark.parametrize(("kernel", "form"), FORMS)
def test_packed_sequences_are_separate_ones_and_empty_ones_keep_their_states(kernel, form):
    inputs, state, bounds = draw(kernel, 1, 9), states(kernel, 4), [0, 0, 5, 5, 9]
    o, end = call(kernel, form, inputs, initial_state=state, cu_seqlens=torch.tensor(bounds))
    assert o.shape == (1, 9, H, E)
    for i, (start, stop) in enumerate(itertools.pairwise(bounds)):
        row = [part[i : i + 1] for part in parts_of(state)]
        row = Mamba3State(*row) if kernel is mamba3_scan else row[0]
        part = {name: value[:, start:stop] for name, value in inputs.items()}
        alone, last = call(kernel, "recurrent", part, initial_state=row)
        torch.testing.assert_close(o[:, start:stop], alone, rtol=1e-4, atol=1e-5)
        agree(tuple(part[i : i + 1] for part in parts_of(end)), last)
    whole, _ = call(kernel, form, inputs, cu_seqlens=torch.tensor([0, 9]))
    torch.testing.assert_close(whole, call(kernel, form, inputs)[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("kernel", "form"), FORMS)
def test_a_pack_of_empty_sequences_keeps_all_states(kernel, form):
    state = states(kernel, 3)
    o, end = call(kernel, form, draw(kernel, 1, 0), initial_state=state, cu_seqlens=torch.tensor([0, 0, 0, 0]))
    assert o.shape == (1, 0, H, E)
    agree(end, state)


@pytest.mark.parametrize(("kernel", "form"), FORMS)
@pytest.mark.parametrize(
    "cu_seqlens",
    [[0], [], [1, 4], [0, 3], [0, 5], [0, 3, 2, 4], [[0, 4]], [0.0, 4.0]],
)
def test_bounds_that_do_not_fit_are_refused(kernel, form, cu_seqlens):
    with pytest.raises(ValueError, match="cu_seqlens: got"):
        call(kernel, form, draw(kernel, 1, 4), cu_seqlens=torch.tensor(cu_seqlens))


@pytest.mark.parametrize(("kernel", "form"), FORMS)
def test_arguments_that_do_not_fit_are_refused_by_name(kernel, form):
    inputs, batch = draw(kernel, 1, 4), draw(kernel, 2, 4)
    first = FIRST[kernel]
    wrong = [
        ("cu_seqlens: got a batch of 2", batch, {"cu_seqlens": torch.tensor([0, 4])}),
        ("initial_state", inputs, {"initial_state": states(kernel, 2)}),
        ("initial_state", inputs, {"initial_state": states(kernel, 1), "cu_seqlens": torch.tensor([0, 2, 4])}),
        ("chunk_size: got 0", inputs, {"chunk_size": 0}),
        ("chunk_size: got 2.5", inputs, {"chunk_size": 2.5}),
        (f"{first} shape", {**inputs, first: inputs[first][0]}, {}),
        (f"{first} shape", {**inputs, first: inputs[first][:, :, :0]}, {}),
        ("dtype: got torch.int64", {**inputs, first: inputs[first].long()}, {}),
    ]
    if "log_decay" in inputs:
        wrong.append(("log_decay shape", {**inputs, "log_decay": inputs["log_decay"][:, :3]}, {}))
    if "log_decay" in inputs and DEVICE == "cpu":  # on a GPU nobody looks at the values
        wrong.append(("log_decay: got a largest value", {**inputs, "log_decay": -inputs["log_decay"]}, {}))
    for message, tensors, options in wrong:
        with pytest.raises(ValueError, match=message):
            kernel(**tensors, **{"backend": form, "chunk_size": 16, **options})


@pytest.mark.parametrize("kernel", FIRST)
@pytest.mark.parametrize("backend", ["torch", "fast", ""])
def test_backends_that_are_not_there_are_refused(kernel, backend):
    with pytest.raises(ValueError, match="expected one of auto, recurrent, "):
        kernel(**draw(kernel, 1, 4), backend=backend)


@pytest.mark.parametrize("kernel", FIRST)
def test_triton_takes_no_float64(kernel):
    inputs = {name: value.double() for name, value in draw(kernel, 1, 4).items()}
    with pytest.raises(ValueError, match=r"got triton for torch\.float64"):
        kernel(**inputs, backend="triton")
    assert kernel(**inputs, backend="auto")[0].dtype == torch.float64


@pytest.mark.parametrize(("kernel", "form"), FORMS)
def test_outputs_have_the_type_of_the_inputs_and_states_at_least_float32(kernel, form):
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        if (form, dtype) != ("triton", torch.float64):
            o, end = call(kernel, form, {name: value.to(dtype) for name, value in draw(kernel, 1, 4).items()})
            assert o.dtype == dtype
            wide = end.h if kernel is mamba3_scan else end
            assert wide.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


STEPS = {
    linear_attention: linear_attention_step,
    gated_linear_attention: gated_linear_attention_step,
    key_gated_attention: key_gated_attention_step,
    gated_delta_rule: gated_delta_step,
    mamba3_scan: mamba3_step,
}


@pytest.mark.parametrize("kernel", STEPS)
def test_steps_go_on_where_a_sequence_ended(kernel):
    inputs = draw(kernel, 2, 5)
    expected, end = call(kernel, "recurrent", inputs)
    _, state = call(kernel, "chunked", {name: value[:, :3] for name, value in inputs.items()})
    for t in (3, 4):
        o, state = STEPS[kernel](state, **{name: value[:, t] for name, value in inputs.items()})
        torch.testing.assert_close(o, expected[:, t], rtol=1e-4, atol=1e-5)
    agree(state, end)
    with pytest.raises(ValueError, match="expected one of auto, recurrent"):
        STEPS[kernel](state, **{name: value[:, 0] for name, value in inputs.items()}, backend="chunked")
    token = {name: value[:, 0] for name, value in inputs.items()}
    last = "v" if kernel is key_gated_attention else "log_decay"
    token[last] = token[last][:, :1]
    with pytest.raises(ValueError, match=f"{last} shape"):
        STEPS[kernel](state, **token)


def test_a_step_with_gradients_is_not_fused():
    state = torch.zeros(1, requires_grad=True)
    assert choose_step_backend("auto", ("auto", "recurrent", "triton"), state) == "recurrent"


@pytest.mark.parametrize(("kernel", "step"), STEPS.items())
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_changes_no_digit_of_a_step(kernel, step, dtype):
    inputs = {name: x[:, 0].to(dtype) for name, x in draw(kernel, 2, 1).items()}
    state = states(kernel, 2)
    expected, end = step(state, **inputs, backend="recurrent")
    with torch.autocast(DEVICE, torch.bfloat16):
        o, after = step(state, **inputs, backend="recurrent")
    assert o.dtype == dtype
    torch.testing.assert_close(o, expected, rtol=0, atol=0)
    for part, other in zip(parts_of(after), parts_of(end)):
        torch.testing.assert_close(part, other, rtol=0, atol=0)


@pytest.mark.parametrize(("kernel", "form"), FORMS)
def test_without_tokens_the_state_is_a_copy(kernel, form):
    state = states(kernel, 1)
    _, end = call(kernel, form, draw(kernel, 1, 0), initial_state=state)
    assert all(a.data_ptr() != b.data_ptr() for a, b in zip(parts_of(state), parts_of(end)))
