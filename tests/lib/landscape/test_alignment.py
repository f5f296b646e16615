"""Weight matching against brute force, on networks that are permuted copies, and on convolutions and residuals."""

from itertools import permutations

import numpy as np
import pytest
import torch
from torch import nn

from lib.landscape.alignment import chain_specification, match_weights, permute, random_permutations
from lib.landscape.lines import barrier
from lib.landscape.losses import draw_mlps, mlp, module_loss
from lib.landscape.parameters import inner, parameters_of, select

X = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))


def networks(*seeds, widths=(5, 12, 9, 3)):
    return [select(draw_mlps(list(widths), [seed]), 0) for seed in seeds]


def test_a_permuted_copy_is_found_and_its_barrier_vanishes():
    (one,) = networks(0)
    one = {name: 3 * value for name, value in one.items()}
    specification = chain_specification(one)
    rng = np.random.default_rng(1)
    copy = permute(one, specification, random_permutations(one, specification, rng))
    labels = torch.func.functional_call(mlp([5, 12, 9, 3]), one, (X,)).argmax(1)  # as if it had been trained
    loss = module_loss(mlp([5, 12, 9, 3]), [(X, labels)])
    torch.testing.assert_close(loss(copy), loss(one), rtol=1e-5, atol=1e-6)
    assert float(barrier(loss, one, copy).height) > 0.01
    matching = match_weights(one, copy, rng=rng)
    assert matching.sweeps > 0
    restored = permute(copy, specification, matching.permutations)
    torch.testing.assert_close(restored, one, rtol=0, atol=0)
    assert float(barrier(loss, one, restored).height) <= 1e-6


def test_the_objective_is_the_largest_of_all_permutations_of_one_layer():
    one, other = networks(0, 1, widths=(5, 5, 3))
    specification = chain_specification(one)
    best = max(
        float(inner(one, permute(other, specification, {"units 0": np.array(order)})))
        for order in permutations(range(5))
    )
    assert match_weights(one, other).objective == pytest.approx(best, rel=1e-12)


def test_the_function_is_preserved_and_the_objective_is_what_it_says():
    one, other = networks(0, 1)
    matching = match_weights(one, other, rng=np.random.default_rng(2))
    matched = permute(other, matching.specification, matching.permutations)
    module = mlp([5, 12, 9, 3])
    outputs = [torch.func.functional_call(module, p, (X,)) for p in (other, matched)]
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-5, atol=1e-5)
    assert matching.objective == pytest.approx(float(inner(one, matched)), rel=1e-12)
    assert matching.objective > float(inner(one, other))


def test_convolutions_and_norms_are_permuted_with_their_channels():
    def build():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(2, 6, 3), nn.GroupNorm(1, 6), nn.ReLU(), nn.Conv2d(6, 3, 3))

    module = build()
    parameters = parameters_of(module)
    parameters["1.weight"] = torch.rand(6)
    specification = chain_specification(parameters)
    rng = np.random.default_rng(0)
    mixed = permute(parameters, specification, random_permutations(parameters, specification, rng))
    images = torch.randn(4, 2, 8, 8)
    before, after = (torch.func.functional_call(module, p, (images,)) for p in (parameters, mixed))
    torch.testing.assert_close(before, after, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(permute(mixed, specification, match_weights(parameters, mixed).permutations), parameters)


def test_a_residual_stream_is_matched_by_a_specification_by_hand():
    rng = np.random.default_rng(0)
    draws = torch.Generator().manual_seed(0)
    shapes = {"embed": (8, 5), "inside": (8, 8), "read": (3, 8)}
    specification = {"embed": ("stream", None), "inside": ("stream", "stream"), "read": (None, "stream")}
    one = {name: torch.randn(shape, generator=draws) for name, shape in shapes.items()}
    copy = permute(one, specification, random_permutations(one, specification, rng))
    matching = match_weights(one, copy, specification, rng)
    torch.testing.assert_close(permute(copy, specification, matching.permutations), one, rtol=0, atol=0)


def test_specifications_that_do_not_fit_are_refused():
    one, other = networks(0, 1)
    with pytest.raises(ValueError, match="does not have"):
        match_weights(one, other, {"9.weight": ("a", None)})
    with pytest.raises(ValueError, match="axes of"):
        match_weights(one, other, {"0.weight": ("a", None), "2.weight": ("a", None)})
    flattened = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(18, 3))
    with pytest.raises(ValueError, match="plain sequence"):
        chain_specification(parameters_of(flattened))
