"""Training on image folders: what is read, that workers do not matter, and that a stopped training goes on alike."""

import numpy as np
import pytest
import torch
from PIL import Image

from lib.probing import backbones, benchmarks, folders, tuning

SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 16, "patch_size": 4,
         "intermediate_size": 16}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for split, number in (("train", 8), ("val", 4)):
        for name, level in (("a", 40), ("b", 128), ("c", 215)):
            place = tmp_path / "set" / split / name
            place.mkdir(parents=True)
            for k in range(number):
                pixels = rng.normal(level, 15, (20, 24, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{k}.png")
    return tmp_path / "set"


def _model(method="mp", seed=0):
    torch.manual_seed(seed)
    backbone = backbones.load_backbone("vit", **SIZES)
    return tuning.prepare(method, backbone, 16, 3, 4, **({"hidden": 32} if "mp" in method else {})).eval()


def test_labels_follow_the_names_of_classes(folder):
    data = folders.ImageFolder(folder / "train", 16)
    assert data.classes == ["a", "b", "c"]
    means = [float(data[k][0].mean()) for k in (0, 8, 16)]
    np.testing.assert_allclose(means, [(level / 255 - 0.5) / 0.5 for level in (40, 128, 215)], atol=0.05)
    assert [data[k][1] for k in (0, 8, 16)] == [0, 1, 2]
    subset = folders.ImageFolder(folder / "train", 16, classes=["z", "a", "b", "c"])
    assert subset[0][1] == 1
    with pytest.raises(ValueError, match="'b'"):
        folders.ImageFolder(folder / "train", 16, classes=["a", "c"])
    with pytest.raises(FileNotFoundError, match="no image"):
        folders.ImageFolder(folder / "test", 16)


def test_random_crops_depend_on_epoch_and_image_alone(folder):
    data = folders.ImageFolder(folder / "train", 16, scale=0.3, seed=1)
    plain = torch.cat([images for images, _ in folders.loader(data, 5, 0)])
    workers = torch.cat([images for images, _ in folders.loader(data, 7, 2)])
    torch.testing.assert_close(plain, workers)
    data.epoch = 1
    assert not torch.equal(data[0][0], plain[0])


def test_boxes_lie_inside_the_image():
    rng = np.random.default_rng(0)
    for width, height in ((30, 20), (20, 300), (7, 7)):
        for _ in range(200):
            left, top, right, bottom = folders.random_box(width, height, 0.08, rng)
            assert -1e-9 <= left < right <= width + 1e-9
            assert -1e-9 <= top < bottom <= height + 1e-9
    assert folders.middle_box(40, 20, 1.0) == (10, 0, 30, 20)


def test_training_on_a_folder_learns_and_a_stopped_one_goes_on_alike(folder, tmp_path):
    from lib.atlas.job.checkpoint import Checkpoint

    data = folders.ImageFolder(folder / "train", 16, scale=0.5)
    options = {"epochs": 6, "warmup": 1, "batch": 8, "learning_rate": 0.02, "decay": 0.5}
    whole = _model()
    losses = benchmarks.train_on_folder(whole, data, **options)
    assert losses[-1] < 0.7 * losses[0]
    assert benchmarks.folder_accuracy(whole, folder / "val", data.classes, 16, 8, 0, "cpu") > 0.6

    class Stopping(Checkpoint):
        def save(self, state):
            super().save(state)
            if len(state["losses"]) == 3:
                raise KeyboardInterrupt

    checkpoint = Stopping(tmp_path / "state.zarr.zip", {}, every=0.0)
    with pytest.raises(KeyboardInterrupt):
        benchmarks.train_on_folder(_model(), data, checkpoint=checkpoint, **options)
    again = _model()
    resumed = benchmarks.train_on_folder(again, data, checkpoint=checkpoint, **options)
    np.testing.assert_array_equal(resumed, losses)
    for one, other in zip(again.parameters(), whole.parameters()):
        assert torch.equal(one, other)


def test_running_means_are_those_of_the_formula(folder):
    model = _model("lp")
    trained = benchmarks.Trained(model)
    start = trained.weights[0].detach().clone()
    with torch.no_grad():
        trained.weights[0].add_(1)
    trained.average(0.9)
    torch.testing.assert_close(trained.averages[0].data, start + 0.1)
    trained.swap()
    torch.testing.assert_close(model.head.parts["cls"].weight.data, start + 0.1)


def test_shifted_images_are_judged_among_their_own_classes(folder, tmp_path):
    class Scores(torch.nn.Module):
        def forward(self, images):
            return torch.tensor([[0.5, 0.1, 0.9]]).expand(len(images), -1)

    some = tmp_path / "some"
    some.mkdir()
    for name in ("a", "b"):
        (some / name).symlink_to(folder / "val" / name)
    classes = ["a", "b", "c"]
    assert benchmarks.folder_accuracy(Scores(), some, classes, 16, 8, 0, "cpu") == 0.5
    assert benchmarks.folder_accuracy(Scores(), folder / "val", classes, 16, 8, 0, "cpu") == pytest.approx(1 / 3)
    assert benchmarks.shifted_folders(folder / "val") == [folder / "val"]
    assert benchmarks.shifted_folders(folder.parent) == [folder / "train", folder / "val"]
