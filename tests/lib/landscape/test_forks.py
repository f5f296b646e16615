"""Runs that fork: bit-equal to no fork with equal data, and PyTorch's own optimiser step by step."""

import numpy as np
import pytest
import torch

from lib.landscape.forks import (
    Descent,
    Order,
    advance,
    advance_together,
    fork,
    fork_orders,
    join,
    pack,
    pick,
    start,
    unpack,
)
from lib.landscape.losses import draw_mlps, mlp, mlp_losses, module_losses
from lib.landscape.parameters import select

X = torch.randn(50, 4, generator=torch.Generator().manual_seed(1))
Y = torch.arange(50) % 3
DESCENT = Descent(0.1, 0.9, 40)
WIDTHS = [4, 7, 6, 3]


def losses(parameters, index):
    return mlp_losses(parameters, X[index], Y[index])


def orders(*seeds):
    return [Order(50, 8, np.random.default_rng(seed)) for seed in seeds]


def equal(first, second):
    return all(torch.equal(value, second[name]) for name, value in first.items())


def test_a_fork_with_equal_data_is_bit_equal_to_no_fork():
    plain = advance(start(draw_mlps(WIDTHS, [0, 1])), losses, orders(0, 1), 40, DESCENT)
    trunk_orders = orders(0, 1)
    trunk = advance(start(draw_mlps(WIDTHS, [0, 1])), losses, trunk_orders, 23, DESCENT)
    forked = advance(fork(trunk), losses, fork_orders(trunk_orders), 40, DESCENT)
    for run in range(2):
        for child in range(2):
            place = 2 * run + child
            assert equal(select(forked.parameters, place), select(plain.parameters, run))
            assert equal(select(forked.momenta, place), select(plain.momenta, run))


def test_a_fork_that_drops_the_momentum_is_another_experiment():
    plain = advance(start(draw_mlps(WIDTHS, [0])), losses, orders(0), 40, DESCENT)
    trunk_orders = orders(0)
    trunk = advance(start(draw_mlps(WIDTHS, [0])), losses, trunk_orders, 23, DESCENT)
    cold = start(trunk.parameters)._replace(step=trunk.step)
    assert not equal(advance(cold, losses, trunk_orders, 40, DESCENT).parameters, plain.parameters)


def test_children_with_other_data_part():
    trunk = advance(start(draw_mlps(WIDTHS, [0])), losses, orders(0), 10, DESCENT)
    children = advance(fork(trunk), losses, orders(5, 6), 20, DESCENT)
    assert not equal(select(children.parameters, 0), select(children.parameters, 1))


def test_a_run_does_not_depend_on_the_runs_beside_it_and_the_start_is_not_changed():
    begin = start(draw_mlps(WIDTHS, [0, 1, 2]))
    before = {name: value.clone() for name, value in begin.parameters.items()}
    together = advance(begin, losses, orders(0, 1, 2), 30, DESCENT)
    assert equal(begin.parameters, before)
    alone = advance(start(draw_mlps(WIDTHS, [1])), losses, orders(1), 30, DESCENT)
    assert equal(select(together.parameters, [1]), alone.parameters)


@pytest.mark.parametrize("decay", [0.0, 1e-2])
def test_steps_are_those_of_torch_sgd_with_its_schedule(decay):
    module = mlp(WIDTHS).double()
    parameters = draw_mlps(WIDTHS, [3])
    module.load_state_dict(select(parameters, 0))
    module.double()
    x = X.double()
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda t: 1.0 if t < 20 else 2 * (1 - t / 40))
    (order,) = orders(9)
    for _ in range(40):
        index = torch.from_numpy(order.draw())
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(module(x[index]), Y[index]).backward()
        optimiser.step()
        schedule.step()
    runs = advance(
        start({name: value.double() for name, value in parameters.items()}),
        lambda p, index: mlp_losses(p, x[index], Y[index]), orders(9), 40, DESCENT._replace(weight_decay=decay),
    )  # fmt: skip
    torch.testing.assert_close(select(runs.parameters, 0), dict(module.state_dict()), rtol=1e-10, atol=1e-12)


def test_any_module_trains_as_a_stack():
    stacked = module_losses(mlp(WIDTHS, "tanh"))
    ours = advance(
        start(draw_mlps(WIDTHS, [0, 1])),
        lambda p, index: mlp_losses(p, X[index], Y[index], "tanh"), orders(0, 1), 10, DESCENT,
    )  # fmt: skip
    by_module = advance(
        start(draw_mlps(WIDTHS, [0, 1])), lambda p, index: stacked(p, X[index], Y[index]), orders(0, 1), 10, DESCENT
    )
    torch.testing.assert_close(ours.parameters, by_module.parameters, rtol=1e-4, atol=1e-5)


def test_epochs_are_permutations_without_the_incomplete_batch():
    order = Order(50, 8, np.random.default_rng(0))
    for _ in range(3):
        epoch = np.concatenate([order.draw() for _ in range(6)])
        assert len(set(epoch.tolist())) == 48
    with pytest.raises(ValueError, match="batch"):
        Order(5, 8, np.random.default_rng(0))


def test_parts_advance_as_one_stack_and_come_back():
    first, second = (start(draw_mlps(WIDTHS, seeds)) for seeds in ([0], [1, 2]))
    parts = advance_together([first, second], losses, [orders(0), orders(1, 2)], 15, DESCENT)
    whole = advance(start(draw_mlps(WIDTHS, [0, 1, 2])), losses, orders(0, 1, 2), 15, DESCENT)
    assert equal(join(parts).parameters, whole.parameters)
    assert equal(parts[1].parameters, pick(whole, slice(1, 3)).parameters)
    with pytest.raises(ValueError, match="steps"):
        join([parts[0], first])


def test_what_does_not_fit_is_refused():
    runs = start(draw_mlps(WIDTHS, [0, 1]))
    with pytest.raises(ValueError, match="orders"):
        advance(runs, losses, orders(0), 5, DESCENT)
    for until in (-1, 41):
        with pytest.raises(ValueError, match="until"):
            advance(runs, losses, orders(0, 1), until, DESCENT)


def test_a_packed_run_goes_on_to_the_same_bits():
    whole = advance(start(draw_mlps(WIDTHS, [0])), losses, orders(0), 30, DESCENT)
    order = orders(0)
    state = pack(advance(start(draw_mlps(WIDTHS, [0])), losses, order, 13, DESCENT), order[0])
    (again,) = orders(5)
    runs = unpack(dict(sorted(state.items(), reverse=True)), again)
    assert runs.step == 13
    assert equal(advance(runs, losses, [again], 30, DESCENT).parameters, whole.parameters)
