"""Moment heads against sums written out, closed forms, invariances and the counts of the paper."""

import numpy as np
import pytest
import torch
from scipy import linalg

from lib.probing import moments


@pytest.fixture
def tokens():
    return torch.from_numpy(np.random.default_rng(0).normal(size=(3, 1 + 11, 20)))


def test_channel_centred_second_moment_is_numpys_covariance(tokens):
    both = moments.second_moment(tokens[..., :8], tokens[..., 8:], "channel").numpy()
    for sample, ours in zip(tokens.numpy(), both):
        np.testing.assert_allclose(ours, np.cov(sample, rowvar=False, bias=True)[:8, 8:], atol=1e-14)


def test_grand_centring_subtracts_one_number(tokens):
    shifted = tokens + 5.0
    by_channel = tokens + torch.arange(20.0)
    grand = lambda x: moments.second_moment(x, x, "grand")  # noqa: E731
    torch.testing.assert_close(grand(shifted), grand(tokens))
    assert not torch.allclose(grand(by_channel), grand(tokens))
    torch.testing.assert_close(
        moments.second_moment(by_channel, by_channel, "channel"), moments.second_moment(tokens, tokens, "channel")
    )


@pytest.mark.parametrize("layout", moments.LAYOUTS)
def test_heads_hold_the_channels_of_their_layout(layout):
    x = torch.arange(12).expand(2, 5, 12)
    heads = moments.split_heads(x, 3, layout)
    assert heads.shape == (2, 3, 5, 4)
    for channel in range(12):
        head = channel // 4 if layout == "contiguous" else channel % 3
        assert channel in heads[0, head, 0]


def test_pairs_of_six_heads():
    assert moments.head_pairs(6, "near") == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    assert moments.head_pairs(6, "half") == [(0, 3), (1, 4), (2, 5)]
    assert moments.head_pairs(6, "one") == [(0, i) for i in range(1, 6)]
    assert len(moments.head_pairs(6, "all")) == 15


@pytest.mark.parametrize("pairing", moments.PAIRINGS)
@pytest.mark.parametrize("layout", moments.LAYOUTS)
@pytest.mark.parametrize("centring", moments.CENTRINGS)
def test_mhc3_is_its_definition_written_as_loops(tokens, pairing, layout, centring):
    torch.manual_seed(0)
    head = moments.MHC3(20, 32, 4, pairing, layout, centring).double()
    with torch.no_grad():
        head.norm.weight.normal_()
        head.norm.bias.normal_()
    words = tokens[:, 1:]
    projected = words.numpy() @ head.project.weight.detach().numpy().T + head.project.bias.detach().numpy()
    gain, shift = head.norm.weight.detach().numpy(), head.norm.bias.detach().numpy()
    for b in range(3):
        heads = []
        for h in range(4):
            own = projected[b][:, 8 * h : 8 * h + 8] if layout == "contiguous" else projected[b][:, h::4]
            own = (own - own.mean(1, keepdims=True)) / np.sqrt(own.var(1, keepdims=True) + 1e-5) * gain + shift
            heads.append(own - {"grand": own.mean(), "channel": own.mean(0), "none": 0}[centring])
        expected = []
        for i, j in moments.head_pairs(4, pairing):
            moment = sum(np.outer(x, y) for x, y in zip(heads[i], heads[j])) / 11
            expected.append(moment if pairing == "all" else moment / np.linalg.norm(moment, axis=0))
        np.testing.assert_allclose(head.cross_moments(words)[b].detach().numpy(), expected, atol=1e-10)


@pytest.mark.parametrize("width", [7, 8, 16, 31, 32, 33, 64, 128])
def test_width_after_two_convolutions_is_what_torch_computes(width):
    head = moments.MHC3(5, 2 * width, 2)
    features = head(torch.randn(2, 3, 5))
    assert features.shape == (2, moments.reduced_width(width) ** 2) == (2, head.features)


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="at least 7"):
        moments.MHC3(20, 24, 4)
    with pytest.raises(ValueError, match="divisor"):
        moments.MHC3(20, 30, 4)
    with pytest.raises(ValueError, match="same tokens"):
        moments.second_moment(torch.zeros(2, 3, 4), torch.zeros(2, 5, 4))
    with pytest.raises(ValueError, match="no token"):
        moments.second_moment(torch.zeros(2, 0, 4), torch.zeros(2, 0, 4))
    for options in ({"pairing": "far"}, {"head_layout": "random"}, {"centring": "median"}, {"heads": 1}):
        with pytest.raises(ValueError, match="got"):
            moments.MHC3(20, 32, **options)


def test_the_score_is_the_mean_of_two_classifiers_and_words_may_come_in_any_order(tokens):
    probe = moments.MomentProbe(20, 4, hidden=32).double()
    scores = probe(tokens)
    first, second = probe.classify_first(tokens[:, 0]), probe.classify_second(probe.second(tokens[:, 1:]))
    torch.testing.assert_close(scores, (first + second) / 2)
    shuffled = torch.cat([tokens[:, :1], tokens[:, 1 + torch.randperm(11)]], 1)
    torch.testing.assert_close(probe(shuffled), scores)
    changed = tokens.clone()
    changed[:, 0] += 1
    torch.testing.assert_close(probe.second(changed[:, 1:]), probe.second(tokens[:, 1:]))
    assert not torch.allclose(probe(changed), scores)


def test_linear_probe_in_each_mode_is_a_linear_map_of_means(tokens):
    probe = moments.LinearProbe(20, 4, "cls+gap").double()
    cls, gap = (probe.parts[name] for name in ("cls", "gap"))
    torch.testing.assert_close(probe(tokens), (cls(tokens[:, 0]) + gap(tokens[:, 1:]).mean(1)) / 2)
    with pytest.raises(ValueError, match="mode"):
        moments.LinearProbe(20, 4, "max")


def test_parameter_counts_of_the_paper():
    parts = moments.moment_probe_parameters(768, 1000)
    with torch.device("meta"):
        probe = moments.MomentProbe(768, 1000)
    assert parts["total"] == moments.count_trainable(probe) == 4_047_146
    assert parts["first"] == 769_000
    assert abs((parts["first"] + parts["second"]) / 1e6 - 3.65) < 0.005


@pytest.mark.parametrize("pairing", moments.PAIRINGS)
def test_parameter_counts_are_those_of_the_module(pairing):
    parts = moments.moment_probe_parameters(20, 7, 64, 4, pairing)
    assert parts["total"] == moments.count_trainable(moments.MomentProbe(20, 7, hidden=64, pairing=pairing))


def test_baselines_of_equal_size():
    target = moments.moment_probe_parameters(64, 30, 128)["total"]
    perceptron = moments.PerceptronProbe(64, 30, moments.perceptron_width(64, 30, target))
    assert abs(moments.count_trainable(perceptron) - target) <= (64 + 1 + 30) / 2
    width = moments.covariance_width(64, 30, target)
    sizes = [moments.count_trainable(moments.CovarianceProbe(64, 30, w)) for w in (width, width + 1)]
    assert sizes == [moments.covariance_parameters(64, 30, w) for w in (width, width + 1)]
    assert sizes[0] <= target < sizes[1]


def test_newton_schulz_approaches_the_root_of_scipy():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 40, 6))
    matrices = torch.from_numpy(np.einsum("bni,bnj->bij", x, x) / 40)
    errors = []
    for steps in (2, 5, 15):
        roots = moments.matrix_square_root(matrices, steps).numpy()
        errors.append(max(np.abs(root - linalg.sqrtm(m)).max() for root, m in zip(roots, matrices.numpy())))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-10


def test_covariance_pool_ignores_the_mean_and_has_finite_gradients_at_zero(tokens):
    for power in ("element", "matrix"):
        pool = moments.CovariancePool(20, 5, power).double()
        torch.testing.assert_close(pool(tokens[:, 1:] + torch.arange(20.0)), pool(tokens[:, 1:]))
        constant = torch.ones(2, 4, 20, dtype=torch.float64, requires_grad=True)
        features = pool(constant)
        features.sum().backward()
        assert features.shape == (2, 15)
        assert features.abs().max() < 1e-3
        assert constant.grad.isfinite().all()


def test_two_moments_and_characteristic_function_of_one_token():
    x = torch.from_numpy(np.random.default_rng(2).normal(size=(4, 1, 3)))
    features = moments.two_moments(x)
    assert features.shape == (4, 9)
    torch.testing.assert_close(features[:, :3], x[:, 0])
    torch.testing.assert_close(features[:, 3], x[:, 0, 0] ** 2)
    torch.testing.assert_close(features[:, 4], x[:, 0, 0] * x[:, 0, 1])
    frequencies = torch.from_numpy(np.random.default_rng(3).normal(size=(5, 3)))
    value = moments.characteristic_features(x, frequencies)
    torch.testing.assert_close(value[:, :5] ** 2 + value[:, 5:] ** 2, torch.ones(4, 5, dtype=torch.float64))


def test_characteristic_function_of_normal_tokens():
    words = torch.from_numpy(np.random.default_rng(4).normal(size=(1, 200_000, 2)))
    frequencies = torch.tensor([[0.5, 0.0], [1.0, 1.0], [0.0, 2.0]], dtype=torch.float64)
    value = moments.characteristic_features(words, frequencies)[0]
    expected = torch.cat([(-(frequencies**2).sum(1) / 2).exp(), torch.zeros(3)])
    torch.testing.assert_close(value, expected.double(), atol=0.01, rtol=0)
