"""Timing tables, crossings, bounds, and the operators that are timed."""

import numpy as np
import pytest
import torch
import xarray as xr

from lib.bench import analysis, launches, models, operators, timing
from lib.language.models import build_model
from lib.stats.intervals import Estimate, without_error
from lib.training.stacked import generators


def test_crossings():
    assert analysis.crossover([1, 4, 16], [0.25, 0.5, 2.0]) == pytest.approx(8)
    assert analysis.crossover([2, 4], [1.0, 3.0]) == 2
    assert analysis.crossover([2, 4], [0.1, 0.2]) == np.inf


def test_a_crossing_lies_between_those_of_the_ends_of_the_ratios():
    ratio = np.array([0.25, 0.5, 2.0, 8.0])
    estimate = analysis.estimate_crossover([1, 4, 16, 64], Estimate(ratio, ratio / 10, ratio / 2, 2 * ratio, 5))
    assert [estimate.low, estimate.value, estimate.high] == pytest.approx([4, 8, 16])
    # a ratio may be zero or infinite within its error: the crossing then lies at the lengths beside it
    ends = Estimate(ratio, np.nan, np.array([0.0, 0.0, 1.5, 8.0]), np.array([0.25, np.inf, np.inf, np.inf]), 5)
    estimate = analysis.estimate_crossover([1, 4, 16, 64], ends)
    assert [estimate.low, estimate.high] == pytest.approx([1, 16], rel=0.01)
    alone = analysis.estimate_crossover([1, 4, 16, 64], without_error(ratio, 1))
    assert np.isnan([alone.low, alone.high]).all()


def test_the_least_time_is_no_more_than_the_smallest_repeat():
    estimate = analysis.least_time([[3.0, 2.0, 2.01], [3.0, 2.0, 4.0]])
    assert estimate.value.tolist() == estimate.high.tolist() == [2, 2]
    assert estimate.low.tolist() == pytest.approx([2 - 19 * 0.01, 0])
    assert np.isnan(analysis.least_time([2.0]).low)
    assert np.isnan(analysis.median_time([1.0, 2.0]).low)
    assert analysis.median_time(np.arange(7.0)).value == 3


def test_bounds():
    assert analysis.roofline(2e9, 1e9, 1e12, 1e12) == pytest.approx(2)
    assert analysis.roofline(1e9, 4e9, 1e12, 1e12) == pytest.approx(4)
    # the block form at (4, 32, 8192, 128) in 16-bit types
    forward, backward = operators.linear_counts((4, 32, 8192, 128), 2)
    assert forward == (pytest.approx(103e9, rel=0.01), pytest.approx(1.07e9, rel=0.01))
    assert backward[1] / forward[1] == 14 / 8
    assert operators.softmax_counts((4, 32, 8192, 128), 2)[0][0] == pytest.approx(2.2e12, rel=0.01)
    both = operators.LINEAR_ATTENTION["chunked"].counts("both", (4, 32, 8192, 128), 2)
    assert both == (forward[0] + backward[0], forward[1] + backward[1])
    state, cache = (
        operators.LINEAR_ATTENTION[name].counts("decode", (1, 1, 1000, 64), 2) for name in ("chunked", "sdpa")
    )
    assert state == (5 * 64**2, 2 * 4 * 64**2 + 4 * 64 * 2)
    assert cache == (4 * 64 * 1000, 2 * 64 * 2 * 1001)


def test_every_operator_is_the_same_function():
    shape = (1, 2, 40, 8)
    results = {}
    for name, operator in operators.LINEAR_ATTENTION.items():
        if name != "sdpa" and operator.available("cpu"):
            inputs, function = operator.build(shape, torch.float32, "cpu", 16)
            results[name] = function(*inputs)
            with torch.no_grad():
                torch.testing.assert_close(function(*(x.detach() for x in inputs)), results[name], atol=1e-5, rtol=1e-5)
    assert len(results) == 5
    for result in results.values():
        torch.testing.assert_close(result, results["recurrent"], atol=1e-4, rtol=1e-4)


def test_a_table_has_every_case_and_says_that_it_is_timed():
    cases = [("chunked", way, (1, 2, tokens, 8)) for way in operators.PASSES for tokens in (32, 16)]
    cases += [("chunked", "forward", (2, 2, 16, 8)), ("fla_simple_gla", "forward", (1, 2, 16, 8))]
    table = operators.measure(operators.LINEAR_ATTENTION, cases, device="cpu", block=16, repeats=2)
    assert table.attrs["timing"] is True
    assert table.sizes == {"case": 7, "repeat": 2}  # the peer needs a GPU
    assert float(table.time_ms.min()) > 0
    tokens, times = analysis.times_of(table, "chunked", "forward")
    np.testing.assert_allclose(times, table.time_ms.min("repeat").values[[1, 0]])
    assert tokens.tolist() == [16, 32]
    both = table.flops[table["pass"].values == "both"].values[0] / table.flops[0].values
    assert both == pytest.approx(3.5)
    with pytest.raises(ValueError, match="'other'"):
        operators.measure(operators.LINEAR_ATTENTION, [("other", "forward", (1, 1, 1, 1))], device="cpu")


def test_repeats_are_counted_and_threads_restored():
    calls, threads = [], torch.get_num_threads()
    assert len(timing.time_op(lambda: calls.append(torch.get_num_threads()), "cpu", 2, 3)) == 3
    assert len(calls) == 5
    with timing.one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == threads
    assert "one thread" in timing.machine("cpu")


def test_kept_bytes_are_those_of_what_autograd_keeps():
    x = torch.ones(100, requires_grad=True)
    assert timing.kept_bytes(lambda: x * 2) == 0
    assert timing.kept_bytes(lambda: (x * x).sum()) == 400
    assert timing.kept_bytes(lambda: torch.exp(x)) == 400


def _table(times: dict):
    rows = [(name, t, ms) for name, row in times.items() for t, ms in row.items()]
    names, tokens, values = zip(*rows)
    return xr.Dataset(
        {"time_ms": (("case", "repeat"), np.array(values)[:, None] * [2.0, 1.0])},
        coords={
            "operator": ("case", list(names)),
            "pass": ("case", ["forward"] * len(rows)),
            "tokens": ("case", list(tokens)),
            **{name: ("case", [1] * len(rows)) for name in ("batch", "heads", "width")},
        },
    )


def test_ratios_are_taken_at_common_lengths():
    table = _table({"chunked": {64: 1.0, 16: 0.5, 32: 0.7}, "sdpa": {64: 3.0, 128: 9.0, 16: 0.25}})
    lengths, ratios = analysis.time_ratios(table, "sdpa", "forward")
    assert lengths.tolist() == [16, 64]
    assert ratios.value.tolist() == [0.5, 3.0]
    assert ratios.n == 2
    assert analysis.case_of(table, "sdpa", "forward", (1, 1, 128, 1)).time_ms.values.tolist() == [18.0, 9.0]
    assert analysis.case_of(table, "sdpa", "both", (1, 1, 128, 1)) is None


def test_growth_leaves_out_what_is_too_short_to_measure():
    squares = {t: 1e-3 * t**2 for t in (64, 128, 256, 512)}
    table = _table({"sdpa": {16: 9.0, 32: 9.0, **squares}})
    assert analysis.growth_exponent(table, "sdpa", "forward", start=64).value == pytest.approx(2)
    everything = analysis.growth_exponent(table, "sdpa", "forward")
    assert analysis.growth_exponent(table, "sdpa", "forward", least_ms=1e6) == everything


def test_long_sequences_are_cut_until_the_device_is_full():
    for shape in ((8, 16, 2048, 64), (1, 16, 131072, 128)):
        assert launches.programs_per_processor(shape, 64, 132) >= 2
    assert launches.programs_per_processor((1, 1, 256, 64), 64, 132) == 1 / 132


def test_a_state_stays_and_a_cache_grows():
    sizes = {"width": 16, "layers": 2, "heads": 2}
    sizes_of = {}
    for architecture in ("tnl_chunked", "softmax"):
        model = build_model(architecture, 11, generators([0]), 16, **sizes)
        seconds, sizes_of[architecture] = models.decode_times(model, [8, 32], 1, 3, "cpu")
        assert seconds.shape == (2, 3)
        assert (seconds > 0).all()
    assert sizes_of["tnl_chunked"] == [2 * 2 * 8 * 8 * 4] * 2  # layers, heads, D, D, bytes
    assert sizes_of["softmax"][1] - sizes_of["softmax"][0] == 2 * 2 * 4 * 16 * (32 - 8)
    assert models.step_times(model, 11, 32, [8, 16], 1, 2, "cpu").shape == (2, 2)
