"""Linear classifiers by SGD against a plain loop, universality where it holds and where it fails, images of a file."""

import numpy as np
import pytest
import torch

from lib.commands import compare_with_mixture
from lib.probing.generated import heldout_ratio, measure_universality, read_images
from lib.probing.sgd import measure_errors, sgd_classifiers, sgd_orders
from lib.probing.universality import Pool, compare_classifiers, spiked_classes

SGD = {"learning_rate": 0.05, "epochs": 10, "batch": 10, "tests": 1500}


def classes_of(n: int, rng, dim: int = 20):
    label = np.arange(n) % 3
    centres = rng.standard_normal((3, dim)) * 0.5
    return centres[label] + rng.standard_normal((n, dim)), label


@pytest.mark.parametrize("loss", ["softmax", "squared"])
def test_weights_are_those_of_a_plain_loop(loss):
    rng = np.random.default_rng(0)
    x, label = rng.standard_normal((2, 7, 3)), rng.integers(4, size=(2, 7))
    orders = sgd_orders(2, 7, 3, rng)
    own = sgd_classifiers(
        torch.from_numpy(x), torch.from_numpy(label), 4,
        loss=loss, learning_rate=0.3, epochs=3, batch=3, orders=orders,
    )  # fmt: skip
    for r in range(2):
        points = np.c_[x[r], np.ones(7)] if loss == "softmax" else x[r]
        w, done = np.zeros((4, points.shape[1])), 0
        for order in orders[:, r]:
            for rows in (order[:3], order[3:6], order[6:]):
                gradient = np.zeros_like(w)
                for i in rows:
                    score, wanted = w @ points[i], np.eye(4)[label[r, i]]
                    if loss == "softmax":
                        p = np.exp(score) / np.exp(score).sum()
                        gradient += np.outer(p - wanted, points[i]) / len(rows)
                    else:
                        gradient += 2 / 4 * np.outer(score - wanted, points[i]) / len(rows)
                rate = 0.3 if loss == "softmax" else 0.3 * (1 + np.cos(np.pi * done / 9)) / 2
                w -= rate * gradient
                done += 1
        np.testing.assert_allclose(own[r].numpy(), w, rtol=1e-10, atol=1e-12)
        error, value = measure_errors(own, torch.from_numpy(x), torch.from_numpy(label))
        score = points @ w.T
        assert error[r] == pytest.approx(np.mean(score.argmax(1) != label[r]))
        assert value[r] == pytest.approx(np.mean((score - np.eye(4)[label[r]]) ** 2))
    with pytest.raises(ValueError, match="softmax or squared"):
        sgd_classifiers(
            torch.zeros(1, 2, 1), torch.zeros(1, 2, dtype=torch.long), 2,
            loss="hinge", learning_rate=1, epochs=1, batch=1, orders=orders,
        )  # fmt: skip


def test_orders_are_permutations():
    orders = sgd_orders(3, 5, 4, np.random.default_rng(0))
    assert orders.shape == (4, 3, 5)
    assert (np.sort(orders, axis=2) == np.arange(5)).all()
    assert len({tuple(row) for row in orders.reshape(-1, 5)}) > 6


def test_gaussian_classes_are_universal():
    rng = np.random.default_rng(0)
    pool = Pool(*classes_of(6000, rng))
    result = compare_classifiers(pool, 200, loss="softmax", repeats=8, rng=rng, **SGD)
    assert result.error.shape == (3, 2, 8)
    assert result.tests == 1500
    means = result.error.mean(axis=2)
    np.testing.assert_allclose(means, means[0, 0], rtol=0.1)
    halves = compare_classifiers(pool.only([2, 0]), 100, loss="squared", halves=True, repeats=2, rng=rng, **SGD)
    assert halves.error.max() < 0.5
    with pytest.raises(ValueError, match="fewer than half"):
        compare_classifiers(pool, 3000, loss="softmax", repeats=2, rng=rng, **SGD)


def test_spikes_are_not_universal():
    rng = np.random.default_rng(0)
    result = compare_classifiers(Pool(*spiked_classes(3000, rng)), 500, loss="softmax", repeats=4, rng=rng, **SGD)
    samples, mixture = result.error[0, 0].mean(), result.error[1, 1].mean()
    assert samples < 0.5 * mixture


def test_classes_of_a_pool_are_numbered_in_order():
    x, label = classes_of(30, np.random.default_rng(0))
    part = Pool(x, label).only([2, 0])
    np.testing.assert_array_equal(part.x[part.label == 0], x[label == 2].astype(np.float32))
    np.testing.assert_allclose(part.gaussians.mean[1], x[label == 0].mean(0), atol=1e-6)


def test_images_of_a_file(tmp_path, capsys):
    rng = np.random.default_rng(0)
    x, label = classes_of(1500, rng, dim=12)
    path = tmp_path / "images.npz"
    np.savez(path, x=x.reshape(-1, 3, 2, 2).astype(np.float32), label=label)
    images, labels = read_images(path, 400)
    assert images.shape == (1500, 12)
    result = measure_universality(images, labels, sizes=[50, 100], tests=200, repeats=3, rng=rng, epochs=20)
    means = result.error.mean("repeat")
    assert abs(float(means[1, 1, 1] / means[1, 0, 0]) - 1) < 0.2
    np.testing.assert_allclose(result.kurtosis, 3, atol=0.3)
    assert float(result.condition.max()) < 3
    assert float(result.heldout.min()) > 0.4
    assert float((result.distance.sel(pair="mixture") / result.distance.sel(pair="null")).mean()) < 1.6
    arguments = [str(path), "--sizes", "50", "--tests", "200", "--least", "400", "--repeats", "3", "--epochs", "20"]
    assert compare_with_mixture.main(arguments) == 0
    assert "errors do not differ" in capsys.readouterr().out
    assert compare_with_mixture.main([str(path)]) == 2
    assert "at least 2000 images of each" in capsys.readouterr().err
    with pytest.raises(ValueError, match="two training sets"):
        measure_universality(images, labels, sizes=[250], tests=10, repeats=2, rng=rng)


def test_files_that_do_not_fit(tmp_path):
    path, x = tmp_path / "x.npz", np.zeros((4, 2), np.float32)
    for arrays, message in (
        ({"x": x}, "expected x and label"),
        ({"x": x.astype(np.uint8), "label": np.arange(4) % 2}, "neither rounded nor clipped"),
        ({"x": x, "label": np.arange(3)}, "4 integers"),
        ({"x": x + np.nan, "label": np.arange(4) % 2}, "not finite"),
        ({"x": x, "label": np.arange(4) % 2 - 1}, "negative"),
        ({"x": x, "label": np.zeros(4, int)}, "two classes"),
    ):
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=message):
            read_images(path, 2)


def test_small_directions_that_are_held_out():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 5)) * [1, 1, 1, 1, 0.01]
    assert heldout_ratio(x) == pytest.approx(1e-4, rel=0.5)
    # fewer images than features: the fitted variance is 0 whatever the law, the held-out one is not
    assert heldout_ratio(rng.standard_normal((30, 40))) > 0.1
