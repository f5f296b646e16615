"""Addition and multiplication by templates, for all operands: the limit of infinite width, and finite networks."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.ntk.kernels import KERNELS
from lib.ntk.networks import draw, fit_last_layer, predict
from lib.ntk.samples import binary_inputs, input_thresholds, unit
from lib.ntk.templates import addition, carry_template, limit_step, matching, multiplication
from lib.ntk.templates import run as run_program
from lib.progress import progress

_BLOCK = 2**16  # pairs of operands that run together
_CONTROL = 3  # bits of the controls


def run_templates(
    *, addition_bits: list[int], multiplication_bits: list[int], finite: dict, traced: int, root_seed: int
) -> xr.Dataset:
    """Return wrong results and extreme outputs over all pairs of operands, controls, and ensembles of networks.

    Args:
        addition_bits: sizes of the operands that are added.
        multiplication_bits: sizes of the operands that are multiplied.
        finite: bits, width, networks and ensembles that execute addition.
        traced: bits of the addition and multiplication whose outputs are kept for every step.
        root_seed: root of the random streams.
    """
    sums = np.array([[_exhaust("add", kernel, bits) for bits in addition_bits] for kernel in KERNELS])
    products = np.array(
        [
            [[_exhaust("multiply", kernel, bits, padded) for padded in (True, False)] for bits in multiplication_bits]
            for kernel in KERNELS
        ]
    )
    wrong, carrying, halved = _controls()
    outcome = _finite(**finite, root_seed=root_seed)
    quantities = ["wrong", "least_one", "largest_zero"]
    return xr.Dataset(
        {
            "addition": (("kernel", "add_bits", "quantity"), sums, {"long_name": "addition over all operands"}),
            "multiplication": (
                ("kernel", "multiply_bits", "padding", "quantity"),
                products,
                {"long_name": "multiplication over all operands"},
            ),
            "control_wrong": ("position", wrong, {"long_name": "wrong sums without a carry template"}),
            "control_carrying": (
                "position",
                carrying,
                {"long_name": "whether those are the ones that carry"},
            ),
            "control_half": ("kernel", halved, {"long_name": "wrong sums with threshold 1/2"}),
            "finite": (("rule", "ensemble"), outcome, {"long_name": "right on all operands"}),
            "trace_add": (("step_add", "bit_add"), _trace("add", traced), {"long_name": "largest outputs of a sum"}),
            "trace_multiply": (
                ("step_multiply", "bit_multiply"),
                _trace("multiply", traced),
                {"long_name": "largest outputs of a product"},
            ),
        },
        coords={
            "kernel": list(KERNELS),
            "add_bits": addition_bits,
            "multiply_bits": multiplication_bits,
            "padding": [True, False],
            "quantity": quantities,
            "rule": ["midpoint", "zero", "zero_written"],
        },
        attrs={"finite_models": finite["models"], "finite_bits": finite["bits"], "traced": traced},
    )


def _program(operation: str, bits: int):
    return addition(bits) if operation == "add" else multiplication(bits)


def _result(operation: str, program, states: np.ndarray) -> np.ndarray:
    """The number that a program computed."""
    value = program.field(states, "p")
    if operation == "multiply":
        return value
    start, bits = program.fields["c"]
    return value + (states[..., start + bits - 1].astype(np.int64) << bits)


def _start(operation: str, program, first, second) -> np.ndarray:
    return program.load(p=first, q=second) if operation == "add" else program.load(a=first, b=second, test=1)


def _wrong(operation: str, program, step, first, second):
    """Which pairs come out wrong, and the run."""
    result = run_program(step, program, _start(operation, program, first, second))
    expected = first + second if operation == "add" else first * second
    return _result(operation, program, result.states) != expected, result


def _exhaust(operation: str, kernel: str, bits: int, padded: bool = False) -> tuple[float, float, float]:
    """Wrong results, smallest output of a one and largest of a zero over all pairs of operands."""
    program = _program(operation, bits)
    step = limit_step(kernel, program, padding=bits if padded else 0)
    wrong, least, largest = 0, np.inf, -np.inf
    for start in progress(range(0, 4**bits, _BLOCK), f"{operation}, {bits} bits"):
        first, second = np.divmod(np.arange(start, min(start + _BLOCK, 4**bits)), 2**bits)
        failed, result = _wrong(operation, program, step, first, second)
        wrong += int(failed.sum())
        least, largest = min(least, result.least_one), max(largest, result.largest_zero)
    return wrong, least, largest


def _controls() -> tuple[list[int], list[bool], list[int]]:
    """Wrong sums without one carry template, whether they are those that carry there, and with threshold 1/2."""
    first, second = np.divmod(np.arange(4**_CONTROL), 2**_CONTROL)
    counts, exactly = [], []
    for position in range(_CONTROL):
        program = addition(_CONTROL).without(carry_template(position))
        failed, _ = _wrong("add", program, limit_step("ntk", program), first, second)
        low = 2 ** (position + 1)
        counts.append(int(failed.sum()))
        exactly.append(bool((failed == (first % low + second % low >= low)).all()))
    program = addition(_CONTROL)
    halved = [
        int(_wrong("add", program, limit_step(kernel, program, threshold=0.5), first, second)[0].sum())
        for kernel in KERNELS
    ]
    return counts, exactly, halved


def _finite(bits: int, width: int, models: int, ensembles: int, root_seed: int) -> np.ndarray:
    """Whether each ensemble adds all pairs rightly, by rounding rule (rule, ensemble).

    The rules: halfway between both means; zero; zero on bits that some template writes and inputs that more than one
    matches, all other bits taken from the limit.
    """
    program = addition(bits)
    size = len(program.writes)
    inputs = binary_inputs(size)
    tests = torch.from_numpy(unit(inputs)).float()
    targets = torch.from_numpy(program.writes.T.astype(np.float32))[None]
    index = {row.tobytes(): i for i, row in enumerate(inputs)}
    first, second = np.divmod(np.arange(4**bits), 2**bits)
    expected = limit_step("last_layer", program)
    cut = input_thresholds("last_layer", inputs, "midpoint")[:, None]
    judged = (program.writes.sum(axis=0) > 0) & (inputs.sum(axis=1) > 1)[:, None]
    outcome = np.zeros((3, ensembles))

    def by_table(ones: np.ndarray, known: np.ndarray):
        """A step that looks outputs up, save those that the limit must give."""

        def step(states):
            rows = np.array([index.get(row.tobytes(), -1) for row in matching(program, states).astype(np.int8)])
            seen = (rows >= 0)[:, None]
            bits_next = np.where(seen, ones[rows], False)
            bits_next = np.where(seen & ~known[rows], expected(states)[1] > 0, bits_next)
            return bits_next.astype(float), bits_next.astype(np.int8)

        return step

    for e in progress(range(ensembles), "ensembles that add"):
        rng = generator(root_seed, "permutation_learning", "finite templates", e)
        networks = fit_last_layer(draw(models, width, size, program.bits, rng), targets)
        outputs = predict(networks, tests).double().mean(dim=0).numpy()
        everywhere = np.ones(outputs.shape, bool)
        rules = ((outputs > cut, everywhere), (outputs > 0, everywhere), (outputs > 0, judged))
        for rule, (ones, known) in enumerate(rules):
            outcome[rule, e] = not _wrong("add", program, by_table(ones, known), first, second)[0].any()
    return outcome


def _trace(operation: str, bits: int) -> np.ndarray:
    """Outputs (step, bit) of one run of both largest operands."""
    program = _program(operation, bits)
    step = limit_step("ntk", program)
    top = np.array([2**bits - 1])
    states, rows = _start(operation, program, top, top), []
    for _ in range(program.steps):
        outputs, states = step(states)
        rows.append(outputs[0])
    return np.array(rows)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(run_templates, snakemake)
