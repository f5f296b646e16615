"""What key-gated attention moves, counted from real tensors, and its rivals, which compute the same."""

import pytest
import torch

from lib.bench.key_gated import GROUP, KEY_GATED, features, forward_bytes, grouped_inputs, key_gated_counts
from lib.bench.operators import measure
from lib.bench.work import tensor_bytes

SHAPE = (2, 8, 5, 6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_bytes_are_those_of_the_tensors(dtype):
    q, k, v = grouped_inputs(SHAPE, dtype, "cpu")
    query, key, value, gate = features(q, k, v)
    o = KEY_GATED["unfused"].build(SHAPE, dtype, "cpu", 16)[1](q, k, v)
    narrow = [x[:, :, ::GROUP] for x in (key, value, gate)]  # of a group
    numbers = torch.empty(*q.shape[:3], 2), torch.empty(*k.shape[:3], 2)
    steps = [(q, query), (k, narrow[0], narrow[2]), (*narrow, key, value, gate), (query, key, value, gate, o)]
    size, rows = q.element_size(), q[..., 0].numel()
    counted = forward_bytes(q.shape[3], v.shape[3], GROUP, size)
    assert counted["fused"] * rows == tensor_bytes([q, k, v, o, *numbers])
    assert counted["operator"] * rows == tensor_bytes(steps[-1])
    assert counted["sequence"] * rows == tensor_bytes([x for step in steps for x in step])
    assert key_gated_counts(SHAPE, size)[0][1] == counted["fused"] * rows


def test_heads_of_their_own_save_the_gate_and_the_features():
    D = E = 128
    short, wide = (forward_bytes(D, E, gate=gate) for gate in (2, 4))
    assert short["operator"] == 2 * (3 * D + 2 * E)
    assert wide["operator"] == 2 * (2 * D + 2 * E) + 4 * D
    assert short["fused"] == wide["fused"] == 2 * (2 * D + 2 * E) + 16
    assert wide["sequence"] == wide["operator"] + 2 * 4 * D + 4 * D


def test_all_that_is_timed_computes_the_same():
    inputs, fused = KEY_GATED["fused"].build(SHAPE, torch.float64, "cpu", 16)
    expected = fused(*inputs)
    inputs, unfused = KEY_GATED["unfused"].build(SHAPE, torch.float64, "cpu", 16)
    torch.testing.assert_close(unfused(*inputs), expected, rtol=1e-6, atol=1e-6)  # its gates are float32
    inputs, alone = KEY_GATED["gated_linear_attention"].build(SHAPE, torch.float64, "cpu", 16)
    torch.testing.assert_close(alone(*inputs), expected, rtol=1e-6, atol=1e-6)
    steps = [KEY_GATED[name].decode(SHAPE, torch.float32, "cpu", 16)[1]() for name in ("fused", "unfused")]
    torch.testing.assert_close(*steps)


def test_every_operator_is_timed():
    names = [name for name, operator in KEY_GATED.items() if not operator.cuda]
    cases = [(name, way, SHAPE) for name in names for way in ("forward", "both")]
    cases += [(name, "decode", SHAPE) for name in ("fused", "unfused", "sdpa")]
    table = measure(KEY_GATED, cases, device="cpu", repeats=1)
    assert table.sizes["case"] == len(cases)
    assert (table.time_ms > 0).all()
