"""Alignment maps are bijections, and interchange interventions do what their definition says."""

import numpy as np
import pytest
import torch

from lib.abstraction.alignment import count_map_parameters, pick_neurons, train_maps
from lib.abstraction.interchange import (
    Batch,
    hits,
    interchange,
    intervention_accuracy,
    owned_coordinates,
    owned_masks,
    round_trip_error,
)
from lib.abstraction.maps import Identity, Orthogonal, RevNet, Standardised, random_rotation
from lib.training.stacked import generators


def _maps(d=8, models=2):
    return {
        "identity": Identity(),
        "orthogonal": Orthogonal(d, generators(range(models)), torch.double),
        "rotation": random_rotation(d, generators(range(models)), torch.double),
        "revnet": RevNet(d, 5, 6, generators(range(models))).double(),
        "standardised": Standardised(
            RevNet(d, 2, 4, generators(range(models))).double(),
            torch.full((d,), 0.3, dtype=torch.double),
            torch.tensor(2.0),
        ),
    }


@pytest.mark.parametrize("name", _maps())
def test_inverses_are_exact(name):
    h = torch.randn(2, 50, 8, dtype=torch.double)
    assert round_trip_error(_maps()[name], h) < 1e-12
    assert round_trip_error(_maps()[name].float(), h.float()) < 1e-5


def test_rotations_stay_orthogonal_while_they_train():
    phi = Orthogonal(6, generators([1, 2]))
    start = phi.rotation.weight.detach().clone()
    optimiser = torch.optim.Adam(phi.parameters(), lr=1e-2)
    h, target = torch.randn(2, 30, 6), torch.randn(2, 30, 6)
    for _ in range(100):
        optimiser.zero_grad()
        (phi(h) - target).square().mean().backward()
        optimiser.step()
    q = phi.rotation.weight
    assert (q @ q.mT - torch.eye(6)).abs().max() < 1e-5
    assert (q - start).abs().max() > 0.05


def test_revnet_is_the_written_recursion():
    phi = RevNet(4, 2, 3, generators([5]))
    h = torch.randn(1, 7, 4)
    u, v = h[0, :, :2], h[0, :, 2:]
    for step in range(4):
        enter, bias, leave, last = (part[step][0].T for part in (phi.enter, phi.enter_bias, phi.leave, phi.leave_bias))
        still, moving = (v, u) if step % 2 == 0 else (u, v)
        moving = moving + torch.relu(still @ enter + bias) @ leave + last
        u, v = (moving, v) if step % 2 == 0 else (u, moving)
    torch.testing.assert_close(phi(h)[0], torch.cat((u, v), 1))
    with pytest.raises(ValueError, match="d: got 5"):
        RevNet(5, 1, 2, generators([0]))


@pytest.mark.parametrize("name", _maps())
def test_interchange_with_itself_changes_nothing_and_with_all_coordinates_gives_the_source(name):
    phi, h = _maps()[name], torch.randn(2, 3, 20, 8, dtype=torch.double)
    flags = torch.ones(2, 20, 2, dtype=torch.bool)
    owned = owned_coordinates(8, [3, 3])
    same = h[:, :1].expand(2, 3, 20, 8)
    torch.testing.assert_close(interchange(phi, same, flags, owned), h[:, 0], atol=1e-5, rtol=0)
    none = interchange(phi, h, ~flags, owned)
    torch.testing.assert_close(none, h[:, 0], atol=1e-5, rtol=0)
    whole = interchange(phi, h[:, :2], flags[..., :1], owned_coordinates(8, [8]))
    torch.testing.assert_close(whole, h[:, 1], atol=1e-5, rtol=0)


def test_interchange_swaps_the_coordinates_of_flagged_variables_alone():
    h = torch.arange(12.0).view(1, 3, 1, 4)
    owned = owned_masks(4, [[0, 2], [3]])
    changed = interchange(Identity(), h, torch.tensor([[[True, False]]]), owned)
    assert changed.flatten().tolist() == [4.0, 1.0, 6.0, 3.0]
    both = interchange(Identity(), h, torch.tensor([[[True, True]]]), owned)
    assert both.flatten().tolist() == [4.0, 1.0, 6.0, 11.0]
    with pytest.raises(ValueError, match="no coordinate twice"):
        owned_masks(4, [[0, 1], [1]])
    with pytest.raises(ValueError, match="sizes: got"):
        owned_coordinates(4, [3, 2])


def test_answers_that_are_not_numbers_are_an_error():
    batch = Batch(torch.zeros(1, 2, 1, 2), torch.ones(1, 1, 1, dtype=torch.bool), torch.zeros(1, 1, dtype=torch.long))
    with pytest.raises(ValueError, match="not finite"):
        hits(torch.tensor([[[np.nan, 1.0]]]), batch)
    rival = batch._replace(other=torch.tensor([[2]]))
    assert hits(torch.tensor([[[0.5, 9.0, 0.1]]]), rival).item()
    assert not hits(torch.tensor([[[0.5, 9.0, 0.1]]]), batch).item()


def _planted(n, rng, angle):
    """Hidden states in which a variable is the sign of one direction, and a reader that looks along it."""
    direction = torch.tensor([np.cos(angle), np.sin(angle)], dtype=torch.float)
    states = torch.from_numpy(rng.standard_normal((1, 2, n, 2))).float()
    label = (states[:, 1] @ direction > 0).long()
    batch = Batch(states, torch.ones(1, n, 1, dtype=torch.bool), label)

    def upper(h, context=None):
        score = 8 * h @ direction
        return torch.stack([-score, score], -1)

    return batch, upper


def test_a_planted_direction_is_found_by_rotations_and_not_by_neurons():
    rng = np.random.default_rng(0)
    test, upper = _planted(2000, rng, np.pi / 4)
    owned = owned_coordinates(2, [1])
    fixed = intervention_accuracy(Identity(), test, upper, owned)[0]
    phi = Orthogonal(2, generators([3]))
    history = train_maps(
        phi, lambda: _planted(256, rng, np.pi / 4)[0], upper, owned, test, steps=150, learning_rate=0.05
    )
    assert fixed < 0.85
    assert history.accuracy[0] > 0.98
    assert abs(history.moved[0]) < 0.02
    assert history.loss.shape == (150, 1)
    assert count_map_parameters(phi) == 1
    assert count_map_parameters(RevNet(4, 2, 3, generators([0]))) == 2 * 2 * (2 * 3 * 2 + 3 + 2)


def test_maps_in_a_stack_train_as_if_alone_at_their_own_rates():
    rng = np.random.default_rng(1)
    batch, upper = _planted(64, rng, 0.4)
    owned = owned_coordinates(2, [1])
    wide = batch._replace(states=batch.states.expand(2, 2, 64, 2), label=batch.label.expand(2, 64))
    together = RevNet(2, 2, 3, generators([7, 8]))
    losses = train_maps(together, lambda: wide, upper, owned, wide, steps=20, learning_rate=[0.01, 0.002]).loss
    for i, rate in enumerate((0.01, 0.002)):
        alone = RevNet(2, 2, 3, generators([7 + i]))
        one = train_maps(alone, lambda: batch, upper, owned, batch, steps=20, learning_rate=rate).loss
        np.testing.assert_allclose(one[:, 0], losses[:, i], rtol=2e-3)
    assert abs(losses[-1, 0] - losses[0, 0]) > 3 * abs(losses[-1, 1] - losses[0, 1])


def test_early_stopping_keeps_the_best_map():
    rng = np.random.default_rng(2)
    batch, upper = _planted(256, rng, 0.4)
    owned = owned_coordinates(2, [1])
    phi = Orthogonal(2, generators([5]))
    history = train_maps(
        phi, lambda: batch, upper, owned, batch, steps=2000, learning_rate=0.05, evaluation=batch, every=10, patience=3
    )
    assert history.steps < 2000
    assert history.accuracy[0] > 0.97


def test_greedy_neurons_find_planted_ones():
    rng = np.random.default_rng(3)
    states = torch.from_numpy(rng.standard_normal((3, 800, 6))).float()
    flags = torch.from_numpy(rng.random((800, 2)) < 0.6)
    values = torch.where(flags, torch.stack([states[1, :, 4], states[2, :, 1]], 1), states[0][:, [4, 1]])
    label = ((values[:, 0] > 0) == (values[:, 1] > 0)).long()

    def upper(h, context=None):
        score = 6 * torch.tanh(3 * h[..., 4]) * torch.tanh(3 * h[..., 1])
        return torch.stack([-score, score], -1)

    owned, losses = pick_neurons(states, flags, label, upper, 2)
    assert owned[0, 4]
    assert owned[1, 1]
    assert owned.sum(1).tolist() == [2, 2]
    assert len(losses) == 2
    with pytest.raises(ValueError, match="size: got 4"):
        pick_neurons(states, flags, label, upper, 4)


def test_shared_states_give_the_same_interventions_and_gradients():
    phi = RevNet(8, 2, 5, generators([0, 1])).double()
    states = torch.randn(2, 6, 8, dtype=torch.double)
    index = torch.randint(0, 6, (2, 3, 20))
    flags, owned = torch.rand(2, 20, 2) < 0.5, owned_coordinates(8, [4, 2])
    each = torch.stack([states[i][index[i]] for i in range(2)])
    one, other = interchange(phi, states, flags, owned, index), interchange(phi, each, flags, owned)
    torch.testing.assert_close(one, other)
    gradients = [torch.autograd.grad(part.square().sum(), list(phi.parameters())) for part in (one, other)]
    for first, second in zip(*gradients):
        torch.testing.assert_close(first, second)
