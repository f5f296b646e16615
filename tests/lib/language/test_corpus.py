"""Character corpus, token shards, windows."""

import numpy as np
import pytest

from lib.language import corpus


def test_characters_decode_to_the_text_and_strangers_are_one_token():
    text = corpus.encode_characters("abcabcabz~", held_out=0.2)
    assert text.characters == "abc"
    assert text.vocabulary == 4
    assert "".join(text.characters[i] for i in text.train) == "abcabcab"
    assert text.validation.tolist() == [3, 3]
    with pytest.raises(ValueError, match="not empty"):
        corpus.encode_characters("a", 0.1)


def test_the_manual_is_long_enough_and_split_in_order():
    text = corpus.python_manual()
    assert len(text.train) + len(text.validation) > 300_000
    assert len(text.validation) == pytest.approx(0.1 * (len(text.train) + len(text.validation)), abs=1)
    assert text.train.max() == len(text.characters) - 1
    assert corpus.python_manual().sha256 == text.sha256


def test_windows():
    tokens = np.arange(100)
    windows = corpus.random_windows(tokens, 1000, 7, np.random.default_rng(0))
    np.testing.assert_array_equal(windows - windows[:, :1], np.tile(np.arange(7), (1000, 1)))
    assert windows[:, 0].min() == 0
    assert windows[:, -1].max() == 99
    fixed = corpus.fixed_windows(tokens, 4, 10)
    assert fixed[:, 0].tolist() == [0, 30, 60, 90]
    for draw in (lambda: corpus.fixed_windows(tokens, 1, 101), lambda: corpus.random_windows(tokens, 1, 101, None)):
        with pytest.raises(ValueError, match="length: got 101"):
            draw()


def test_shards(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6, dtype=np.uint32))
    np.arange(6, 10, dtype="<u2").tofile(tmp_path / "b.bin")
    text = corpus.token_shards(tmp_path, 10, 0.2)
    assert text.train[np.arange(8)].tolist() == list(range(8))
    assert text.validation[np.arange(2)].tolist() == [8, 9]
    windows = corpus.random_windows(text.train, 50, 4, np.random.default_rng(0))  # across the end of a file
    np.testing.assert_array_equal(windows - windows[:, :1], np.tile(np.arange(4), (50, 1)))
    assert windows.max() == 7
    with pytest.raises(IndexError, match="of 8 tokens"):
        text.train[np.array([8])]
    assert len(text.validation) == 2
    with pytest.raises(ValueError, match="largest token 9"):
        corpus.token_shards(tmp_path, 9)
    np.save(tmp_path / "c.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"c\.npy"):
        corpus.token_shards(tmp_path, 10)
    with pytest.raises(ValueError, match="without shards"):
        corpus.token_shards(tmp_path / "nothing", 10)
