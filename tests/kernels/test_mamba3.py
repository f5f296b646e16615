"""All forms of the Mamba-3 scan are one map: outputs, final states and every gradient; and it refuses bad input."""

import itertools

import pytest
import torch

from kernels.mamba3 import Mamba3State, mamba3_scan, mamba3_step
from lib.ssm.discretization import complex_scan
from tests.kernels.compiled import hold_limits, run_module
from tests.kernels.mamba3_cases import PER_TOKEN, cast, make, relative_errors, run

SHAPES = [
    {},
    {"R": 4, "S": 4, "A": 2},
    {"T": 1},
    {"T": 16, "G": 1, "S": 4},
    {"R": 2, "T": 17, "initial": False},
    {"R": 3, "H": 6, "G": 3, "A": 3, "T": 9, "S": 0},
    {"N": 7, "S": 2, "G": 4, "T": 33},
]
FORMS = ["quadratic", "chunked", "compiled"]


def _label(shape: dict) -> str:
    return "-".join(f"{name}{value}" for name, value in shape.items()) or "plain"


@pytest.mark.parametrize("shape", SHAPES, ids=_label)
@pytest.mark.parametrize("form", FORMS)
def test_forms_agree_with_the_recurrence_in_values_states_and_gradients(form, shape):
    arguments = make(**shape)
    expected = run(arguments, backend="recurrent")
    errors = relative_errors(run(arguments, backend=form, chunk_size=8), expected)
    assert max(errors.values()) < 1e-12, errors


@pytest.mark.parametrize("form", FORMS)
def test_float32_stays_close(form):
    arguments = make(T=200, b=1)
    expected = run(arguments, backend="recurrent")
    arguments = {name: cast(value, torch.float32) for name, value in arguments.items()}
    errors = relative_errors(run(arguments, backend=form, chunk_size=32), expected)
    assert max(errors.values()) < 2e-5, errors


@pytest.mark.parametrize("rank", [1, 2])
def test_gradcheck(rank):
    arguments = make(b=1, T=5, H=2, P=2, G=1, N=4, S=2, R=rank)
    state = arguments.pop("initial_state")
    mimo = arguments.pop("mimo", None)
    names = list(arguments)
    values = [*arguments.values(), *state, *(mimo or ())]

    def function(*tensors):
        options = dict(zip(names, tensors))
        start = Mamba3State(*tensors[len(names) : len(names) + 4])
        if mimo is not None:
            options["mimo"] = tensors[len(names) + 4 :]
        y, final = mamba3_scan(**options, initial_state=start, output_final_state=True, backend="chunked", chunk_size=2)
        return y, final.h

    assert torch.autograd.gradcheck(function, [value.requires_grad_() for value in values])


def test_no_rotation_and_zero_rotation_are_the_same():
    arguments = make(initial=False)
    arguments["angles"] = torch.zeros_like(arguments["angles"])
    still = mamba3_scan(**arguments, backend="chunked")[0]
    del arguments["angles"]
    torch.testing.assert_close(mamba3_scan(**arguments, backend="chunked")[0], still)


def test_complex_recurrence_is_the_rotated_real_scan():
    arguments = make(G=4, S=4, initial=False)
    for name in ("C_bias", "B_bias", "D", "z"):
        del arguments[name]
    C, B, x, log_decay, dt, trap, angles = (arguments[name] for name in PER_TOKEN if name != "z")
    turn = dt[..., None] * torch.pi * torch.tanh(angles)
    expected = complex_scan(C, B, x, log_decay, dt, torch.sigmoid(trap), turn)
    for form in ("recurrent", *FORMS):
        torch.testing.assert_close(mamba3_scan(**arguments, backend=form)[0], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [{}, {"R": 4, "S": 4}], ids=_label)
def test_decoding_goes_on_where_a_chunked_prefill_ended(shape):
    arguments = make(**shape)
    state = arguments.pop("initial_state")
    expected, end = mamba3_scan(**arguments, initial_state=state, output_final_state=True, backend="recurrent")
    cut = 13
    head = {name: value[:, :cut] if name in PER_TOKEN else value for name, value in arguments.items()}
    y, state = mamba3_scan(**head, initial_state=state, output_final_state=True, backend="chunked", chunk_size=8)
    outputs = [y]
    for t in range(cut, expected.shape[1]):
        token = {name: value[:, t] if name in PER_TOKEN else value for name, value in arguments.items()}
        o, state = mamba3_step(state, **token)
        outputs.append(o[:, None])
    torch.testing.assert_close(torch.cat(outputs, 1), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(state.h, end.h, rtol=1e-12, atol=1e-12)


def _sequence(state: Mamba3State, i: int) -> Mamba3State:
    return Mamba3State(*(value[i : i + 1] for value in state))


@pytest.mark.parametrize("form", ["recurrent", *FORMS])
def test_packed_sequences_are_separate_ones(form):
    arguments = make(b=1, T=30, initial=False)
    bounds = [0, 7, 7, 20, 30]
    states = make(b=4, T=1)["initial_state"]
    y, final = mamba3_scan(
        **arguments,
        cu_seqlens=torch.tensor(bounds),
        initial_state=states,
        output_final_state=True,
        backend=form,
        chunk_size=4,
    )
    for i, (start, end) in enumerate(itertools.pairwise(bounds)):
        if start == end:
            torch.testing.assert_close(final.h[i], states.h[i])
            continue
        part = {name: value[:, start:end] if name in PER_TOKEN else value for name, value in arguments.items()}
        alone, state = mamba3_scan(
            **part, initial_state=_sequence(states, i), output_final_state=True, backend="recurrent"
        )
        torch.testing.assert_close(y[:, start:end], alone)
        for packed, separate in zip(_sequence(final, i), state):
            torch.testing.assert_close(packed, separate)


def test_the_final_state_does_not_look_ahead():
    """h_T of a prefix is the state of the recurrence there, whatever follows."""
    arguments = make(initial=False, T=10)
    prefix = {name: value[:, :6] if name in PER_TOKEN else value for name, value in arguments.items()}
    _, short = mamba3_scan(**prefix, output_final_state=True, backend="chunked", chunk_size=4)
    _, exact = mamba3_scan(**prefix, output_final_state=True, backend="recurrent")
    torch.testing.assert_close(short.h, exact.h, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"log_decay": lambda v: -v}, "log_decay"),
        ({"dt": lambda v: -v}, "dt"),
        ({"angles": lambda v: v.repeat(1, 1, 1, 2)}, "angles"),
        ({"x": lambda v: v[:, :, :3]}, "heads"),
        ({"B": lambda v: v[..., :-1]}, "C shape"),
        ({"D": lambda v: v[:-1]}, "D shape"),
        ({"z": lambda v: v.float()}, "z dtype"),
        ({"C_bias": lambda v: v[:, :, :-1]}, "C_bias"),
    ],
)
def test_bad_arguments_are_refused_by_name(change, message):
    arguments = make()
    for name, edit in change.items():
        arguments[name] = edit(arguments[name])
    with pytest.raises(ValueError, match=message):
        mamba3_scan(**arguments)


def test_ranks_need_their_weights():
    arguments = make(R=2)
    with pytest.raises(ValueError, match="mimo"):
        mamba3_scan(**{**arguments, "mimo": None})
    with pytest.raises(ValueError, match="mimo m_x"):
        mamba3_scan(**{**arguments, "mimo": tuple(value[:, :1] for value in arguments["mimo"])})
    with pytest.raises(ValueError, match="backend"):
        mamba3_scan(**arguments, backend="fast")
    state = arguments["initial_state"]
    with pytest.raises(ValueError, match=r"initial_state\.h"):
        mamba3_scan(**{**arguments, "initial_state": state._replace(h=state.h[..., 1:])})


def test_triton_kernels():
    run_module("mamba3_triton_check", not torch.cuda.is_available())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "spilled_bytes"),
    [
        ("bfloat16-1-128-64", 96),
        ("bfloat16-4-128-64", 384),
        ("bfloat16-1-64-64", 128),
        ("bfloat16-2-16-16", 96),
        ("float32-1-64-64", 96),
    ],
)
def test_triton_kernels_compile_for_tensor_cores(case, spilled_bytes):
    without = ("chunk_turns", "gate_gradients", "finish_gradients", "sum_heads", "step_kernel")
    hold_limits("compile_mamba3", case, spilled_bytes=spilled_bytes, without_products=without)


@pytest.mark.parametrize("form", FORMS)
def test_angles_of_long_sequences_keep_their_digits(form):
    """Summed in float32 before the modulus they cost 1.4e-3 at 32768 tokens."""
    tokens = 2048 if form == "quadratic" else 32768
    arguments = make(b=1, T=tokens, H=1, P=2, G=1, N=4, S=2, initial=False, gated=False)
    arguments = {name: value.float() for name, value in arguments.items()}
    arguments |= {
        "dt": arguments["dt"] + 1,
        "angles": arguments["angles"].abs() + 1,
        "log_decay": 0.1 * arguments["log_decay"],
    }
    options = {"output_final_state": True, "chunk_size": 32}
    wide, end = mamba3_scan(
        **{name: value.double() for name, value in arguments.items()}, backend="compiled", **options
    )
    y, state = mamba3_scan(**arguments, backend=form, **options)
    turn = (state.angle - end.angle + torch.pi) % (2 * torch.pi) - torch.pi
    assert float(turn.abs().max()) < 2e-4
    assert float((y - wide).abs().max() / wide.abs().max()) < 2e-4


@pytest.mark.parametrize("form", ["recurrent", *FORMS])
def test_states_own_their_memory(form):
    """A view of the caller's x made decoding through one buffer wrong, and kept all tokens of a prefill in memory."""
    arguments = make(initial=False)
    _, state = mamba3_scan(**arguments, output_final_state=True, backend=form)
    for part in state:
        assert part.untyped_storage().nbytes() == part.numel() * part.element_size()
    tokens = [{name: arguments[name][:, t].clone() for name in PER_TOKEN} for t in (0, 1)]
    constants = {name: value for name, value in arguments.items() if name not in PER_TOKEN}
    buffer = {name: value.clone() for name, value in tokens[0].items()}
    _, first = mamba3_step(state, **buffer, **constants)
    kept = [part.clone() for part in first]
    for name, value in tokens[1].items():
        buffer[name].copy_(value)
    for part, copy in zip(first, kept):
        torch.testing.assert_close(part, copy, rtol=0, atol=0)
