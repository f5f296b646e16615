"""Training in two stages: heads, views, resumption, what each variant means."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.clustering.data import toy_problem
from lib.clustering.fit import Membership, Recipe, embed, learn_features, learn_membership
from lib.clustering.networks import centroid_head, convolutional, copy_head, flat_state, load_flat_state, resnet18
from lib.clustering.pipeline import VARIANTS, membership_labels, prepare, start_vector, torch_source, train_start
from lib.clustering.spectral import clustering_accuracy
from lib.clustering.views import noise_view, photo_view, small_image_view

RECIPE = Recipe(epochs=2, batch=40, rate=1e-3, decay=1e-4, eps2=0.2, invariance=5.0)


@pytest.fixture
def problem():
    return toy_problem("circles", 100, 10, 4, np.random.default_rng(0))[0]


@pytest.mark.parametrize(
    ("build", "side"), [(lambda: convolutional(1, 8, 5), 8), (lambda: resnet18(3, 5, hidden=32), 16)]
)
def test_heads_are_unit_and_equal_after_the_copy(build, side):
    model = build()
    channels = next(model.parameters()).shape[1]
    x = torch.rand(3, channels, side, side)
    z, c = embed(model, x)
    assert torch.allclose(z.norm(dim=1), torch.ones(3))
    assert not torch.allclose(z, c)
    copy_head(model)
    z, c = embed(model, x)
    assert torch.equal(z, c)


def test_a_head_of_centroids_gives_scaled_products():
    model = convolutional(1, 8, 5, 3)
    centroids = torch.eye(5)[:3]
    centroid_head(model, centroids, 2.0)
    model.eval()
    z, logits = model.outputs(torch.rand(4, 1, 8, 8))
    assert torch.allclose(logits, z @ centroids.T / 2, atol=1e-6)


def test_weights_survive_as_a_vector_without_the_cluster_head():
    one, other = convolutional(1, 8, 5), convolutional(1, 8, 5, 3)
    load_flat_state(other, flat_state(one, skip="cluster"), skip="cluster")
    x = torch.rand(3, 1, 8, 8)
    assert torch.equal(embed(one, x)[0], embed(other, x)[0])
    with pytest.raises(ValueError, match="vector"):
        load_flat_state(one, np.zeros(3, np.float32))


@pytest.mark.parametrize("view", [small_image_view, photo_view])
def test_views_are_random_but_repeatable_and_differ_between_images(view):
    x = torch.rand(1, 3, 8, 8).expand(4, -1, -1, -1)
    first = view(x, torch.Generator().manual_seed(0))
    assert torch.equal(first, view(x, torch.Generator().manual_seed(0)))
    assert not torch.allclose(first[0], first[1])
    assert first.shape == x.shape


def test_noise_has_its_size():
    noise = noise_view(0.3)(torch.zeros(4000, 5), torch.Generator().manual_seed(0))
    assert noise.std() == pytest.approx(0.3, rel=0.03)


def test_photo_views_stay_in_range():
    y = photo_view(torch.rand(50, 3, 8, 8), torch.Generator().manual_seed(0))
    assert y.min() >= 0
    assert y.max() <= 1 + 1e-5


def test_number_of_steps():
    assert RECIPE.length(100) == 6
    assert replace(RECIPE, steps=5).length(100) == 5


@pytest.mark.parametrize("kind", ["doubly_stochastic", "softmax", "truth"])
def test_training_resumes_to_the_same_weights(problem, kind, tmp_path):
    from lib.atlas.job.checkpoint import Checkpoint

    class Stopping(Checkpoint):
        def save(self, state):
            super().save(state)
            if self.ends:
                raise KeyboardInterrupt

    classes = torch.from_numpy(problem.classes)
    membership = Membership(kind=kind)

    def train(checkpoint=None):
        torch.manual_seed(0)
        model = problem.build(2 if kind == "softmax" else None)
        source = torch_source(0, "resume")
        probe = torch.arange(20)
        arguments = (model, problem.x, problem.view, RECIPE, membership, source)
        trace = learn_membership(*arguments, classes=classes, probe=probe, checkpoint=checkpoint)
        return flat_state(model), trace

    checkpoint = Stopping(tmp_path / "c.zarr.zip", {}, every=0.0)
    checkpoint.ends = True
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint)
    checkpoint.ends = False
    weights, trace = train(checkpoint)
    expected, whole = train()
    assert np.array_equal(weights, expected)
    assert trace.loss == whole.loss
    assert trace.passes["rate"] == whole.passes["rate"]
    assert len(trace.passes["rate"]) == RECIPE.epochs + 1
    assert len(trace.cluster) == (2 if kind == "doubly_stochastic" else 0)


def test_stage_one_raises_rate_and_similarity(problem):
    model, trace = train_start(problem, replace(RECIPE, epochs=15), torch_source(0, "start"))
    assert np.mean(trace.loss[-6:]) < np.mean(trace.loss[:6]) - 0.3
    with pytest.raises(ValueError, match="averaged"):
        learn_features(model, problem.x, problem.view, RECIPE, torch_source(0), averaged="other")


def test_a_training_with_the_classes_finds_them(problem):
    start = start_vector(train_start(problem, replace(RECIPE, epochs=10), torch_source(0, "start"))[0])
    model = prepare(problem, start, VARIANTS["oracle"], torch_source(0, "member"))
    recipe, classes = replace(RECIPE, epochs=40, rate=3e-3), torch.from_numpy(problem.classes)
    membership = VARIANTS["oracle"].membership
    learn_membership(model, problem.x, problem.view, recipe, membership, torch_source(1), classes=classes)
    labels = membership_labels(embed(model, problem.x)[0], 0.1, 2)
    assert clustering_accuracy(problem.classes, labels[0]) > 0.95
    with pytest.raises(ValueError, match="classes"):
        learn_membership(model, problem.x, problem.view, recipe, membership, torch_source(1))


def test_variants_start_as_they_say(problem):
    source = torch_source(0, "member")
    start = start_vector(train_start(problem, RECIPE, torch_source(0, "start"))[0])
    z, c = embed(prepare(problem, start, VARIANTS["full"], source), problem.x)
    assert torch.equal(z, c)
    fresh, other = embed(prepare(problem, start, VARIANTS["no_copy"], source), problem.x)
    assert torch.equal(z, fresh)
    assert not torch.allclose(fresh, other, atol=0.1)
    assert not torch.allclose(
        embed(prepare(problem, start, VARIANTS["no_ssl_init"], source), problem.x)[0], z, atol=0.1
    )
    assert prepare(problem, start, VARIANTS["no_ds_kmeans"], source).cluster.out_features == 2


def test_memberships_of_views():
    c = torch.nn.functional.normalize(torch.randn(6, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    one, two = Membership(views="mean_c"), Membership(views="mean_gamma")
    assert torch.allclose(one.of_views(c, c), two.of_views(c, c), atol=1e-6)
    signed = torch.cat([c, -c])
    assert Membership(absolute=True).of_views(signed, signed)[0, 6] == pytest.approx(
        float(Membership(absolute=True).of_views(signed, signed)[0, 0]), rel=1e-4
    )
    with pytest.raises(ValueError, match="kind"):
        Membership(kind="other")
    with pytest.raises(ValueError, match="views"):
        Membership(views="other")
