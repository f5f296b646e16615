"""Advice on tokens of one's own: where the second moment decides, where it does not, and input that is refused."""

import numpy as np
import pytest
from PIL import Image

from lib.commands import probe_tokens
from lib.probing import advice, backbones, textures


@pytest.fixture
def covariance_tokens():
    (split,) = textures.gaussian_token_set(2, 16, 6, [160], np.random.default_rng(0))
    return split


def test_the_second_moment_helps_where_it_alone_tells_classes_apart(covariance_tokens):
    tokens, labels = covariance_tokens
    result = advice.advise(tokens, labels, folds=2, hidden=32, epochs=8)
    assert result.linear.high < 0.75
    assert result.gain.low > 0.1
    assert len(result.chosen) == 2


def test_labels_that_mean_nothing_give_no_gain(covariance_tokens):
    tokens, labels = covariance_tokens
    shuffled = np.random.default_rng(1).permutation(labels)
    assert advice.advise(tokens, shuffled, folds=2, hidden=32, epochs=2).gain.low < 0


def test_input_that_is_refused(covariance_tokens, tmp_path):
    tokens, labels = covariance_tokens
    for bad, message in (
        ((tokens[:, 0], labels), "shape"),
        ((tokens[:, :2], labels), "shape"),
        ((tokens, labels[1:]), "one for each"),
        ((np.where(tokens == tokens[0, 0, 0], np.nan, tokens), labels), "finite"),
        ((tokens, labels * 0), "class"),
    ):
        with pytest.raises(ValueError, match=message):
            advice.check_tokens(*bad)
    with pytest.raises(ValueError, match="rarest"):
        advice.advise(tokens[:6], labels[:6])
    np.savez(tmp_path / "other.npz", x=tokens)
    with pytest.raises(ValueError, match="expected tokens and labels"):
        advice.read_tokens(tmp_path / "other.npz")
    with pytest.raises(FileNotFoundError, match="no image"):
        advice.read_images(tmp_path, 8)


def test_images_are_cut_to_the_middle_square(tmp_path):
    for name, colour in (("dark", 0), ("light", 255)):
        (tmp_path / name).mkdir()
        pixels = np.full((8, 16, 3), colour, np.uint8)
        pixels[:, :4] = 128  # cut off
        Image.fromarray(pixels).save(tmp_path / name / "one.png")
    images, names = advice.read_images(tmp_path, 4)
    assert images.shape == (2, 3, 4, 4)
    assert names.tolist() == ["dark", "light"]
    np.testing.assert_allclose(images[0, 0], -0.485 / 0.229, rtol=1e-5)
    np.testing.assert_allclose(images[1, 2], (1 - 0.406) / 0.225, rtol=1e-5)


def test_the_command(covariance_tokens, tmp_path, capsys):
    tokens, labels = covariance_tokens
    np.savez(tmp_path / "tokens.npz", tokens=tokens, labels=labels)
    options = ["--folds", "2", "--hidden", "32", "--epochs", "8"]
    assert probe_tokens.main([str(tmp_path / "tokens.npz"), *options]) == 0
    assert "the second moment adds" in capsys.readouterr().out
    assert probe_tokens.main([str(tmp_path / "nothing.npz")]) == 2
    assert probe_tokens.main([str(tmp_path)]) == 2
    assert "expected the folder of a checkpoint" in capsys.readouterr().err


def test_the_command_on_images(tmp_path, capsys):
    rng = np.random.default_rng(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 16, "patch_size": 4,
             "intermediate_size": 16}  # fmt: skip
    backbones.load_backbone("vit", **sizes).model.save_pretrained(tmp_path / "model")
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for k in range(6):
            Image.fromarray(rng.normal(level, 20, (16, 16, 3)).clip(0, 255).astype(np.uint8)).save(
                tmp_path / "images" / name / f"{k}.png"
            )
    options = ["--backbone", str(tmp_path / "model"), "--size", "16", "--folds", "2", "--hidden", "32", "--epochs", "1"]
    assert probe_tokens.main([str(tmp_path / "images"), *options]) == 0
    printed = capsys.readouterr().out
    assert "moment probing" in printed
    assert "points" in printed
