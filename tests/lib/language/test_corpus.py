"""Character corpus, token shards, windows."""

import numpy as np
import pytest

from lib.language import corpus


def test_characters_decode_to_the_text_and_strangers_are_one_token():
    made = corpus.encode_characters("abcabcabz~", held_out=0.2)
    assert made.characters == "abc"
    assert made.vocabulary == 4
    assert "".join(made.characters[i] for i in made.train) == "abcabcab"
    assert made.validation.tolist() == [3, 3]
    with pytest.raises(ValueError, match="not empty"):
        corpus.encode_characters("a", 0.1)


def test_the_manual_is_long_enough_and_split_in_order():
    made = corpus.python_manual()
    assert len(made.train) + len(made.validation) > 300_000
    assert len(made.validation) == pytest.approx(0.1 * (len(made.train) + len(made.validation)), abs=1)
    assert made.train.max() == len(made.characters) - 1
    assert corpus.python_manual().sha256 == made.sha256


def test_windows():
    tokens = np.arange(100)
    drawn = corpus.random_windows(tokens, 1000, 7, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn - drawn[:, :1], np.tile(np.arange(7), (1000, 1)))
    assert drawn[:, 0].min() == 0
    assert drawn[:, -1].max() == 99
    fixed = corpus.fixed_windows(tokens, 4, 10)
    assert fixed[:, 0].tolist() == [0, 30, 60, 90]
    for draw in (lambda: corpus.fixed_windows(tokens, 1, 101), lambda: corpus.random_windows(tokens, 1, 101, None)):
        with pytest.raises(ValueError, match="length: got 101"):
            draw()


def test_shards(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6, dtype=np.uint32))
    np.arange(6, 10, dtype="<u2").tofile(tmp_path / "b.bin")
    made = corpus.token_shards(tmp_path, 10, 0.2)
    assert np.concatenate((made.train, made.validation)).tolist() == list(range(10))
    assert len(made.validation) == 2
    with pytest.raises(ValueError, match="largest token 9"):
        corpus.token_shards(tmp_path, 9)
    np.save(tmp_path / "c.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"c\.npy"):
        corpus.token_shards(tmp_path, 10)
    with pytest.raises(ValueError, match="without shards"):
        corpus.token_shards(tmp_path / "nothing", 10)
