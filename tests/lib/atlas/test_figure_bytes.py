"""The bytes of a figure: the same for values that differ by less than is printed; its PNG belongs to its SVG."""

import numpy as np
import pytest

from lib.atlas.job import figure

NOISE = 1e-13


def drawn(scale: float, hatch: str = "") -> bytes:
    """Two panels side by side, one of them with a twin axis, whose widths and values carry a factor."""
    fig, axes = figure.new_figure(2, gridspec_kw={"width_ratios": [1.0, 1.7 * scale]})
    x = np.linspace(0, 1, 7)
    axes[0].plot(x, x**2 * scale, marker="o", label="a")
    axes[0].axhline(2.0**-9 * scale)
    axes[1].bar([0, 1], [0.3, 0.7 * scale], width=0.8 * scale, hatch=hatch)
    axes[1].imshow([[0.1, 0.9]], extent=(0, 1, 0, scale), aspect="auto")
    axes[1].fill_between(x, x * scale, x + 1)
    axes[0].legend()
    return figure.svg_bytes(fig, {"inputs": {}})


@pytest.mark.parametrize("hatch", ["", "//"])
def test_values_that_differ_in_a_last_digit_give_the_same_bytes(hatch):
    one = drawn(1.0, hatch)
    assert all(drawn(1.0 + sign * NOISE, hatch) == one for sign in (-1, 1, 3, -7))
    assert drawn(1.01, hatch) != one


def test_clip_paths_that_round_to_the_same_are_written_once():
    def nested(shift: float) -> bytes:
        fig = figure.Figure(figsize=(4, 3))
        for left in (0.1, 0.1 + shift):
            fig.add_axes((left, 0.1, 0.8, 0.8)).plot([0, 1], [0, 1])
        return figure.svg_bytes(fig, {"inputs": {}})

    assert nested(0) == nested(NOISE)
    assert nested(0).count(b"<clipPath") == 1
    assert nested(0.01).count(b"<clipPath") == 2


@pytest.mark.parametrize("hatch", ["", "//"])
def test_every_name_that_is_used_is_defined_once(hatch):
    import re

    contents = drawn(1.0, hatch)
    names = re.findall(rb' id="([^"]+)"', contents)
    used = set(re.findall(rb"url\(#([^)]+)\)", contents)) | set(re.findall(rb'xlink:href="#([^"]+)"', contents))
    assert len(names) == len(set(names))
    assert used
    assert used <= set(names)
    assert any(name.startswith(b"h") for name in used) == bool(hatch)


def test_zero_has_no_sign_where_it_is_a_coordinate_and_keeps_it_in_words():
    fig, axes = figure.new_figure()
    axes.set_title("from -0 to 1")
    axes.plot([0, 1], [0, 1])
    fig.text(0, -1e-14, "corner")
    contents = figure.svg_bytes(fig, {"inputs": {}})
    assert b"from -0 to 1" in contents
    assert b'"-0"' not in contents
    assert b" -0)" not in contents


def test_a_figure_names_the_picture_beside_it(tmp_path):
    fig, axes = figure.new_figure()
    axes.plot([1, 2], [3, 4])
    picture = figure.png_bytes(fig)
    assert picture == figure.png_bytes(fig)
    path = tmp_path / "one.svg"
    path.write_bytes(figure.svg_bytes(fig, {"inputs": {}, "picture": figure.digest_of(picture)}))
    with pytest.raises(ValueError, match=r"one\.png is missing"):
        figure.description(path)
    path.with_suffix(".png").write_bytes(picture)
    assert figure.description(path)["picture"] == figure.digest_of(picture)
    path.with_suffix(".png").write_bytes(picture[:-1])
    with pytest.raises(ValueError, match="not the picture that was drawn"):
        figure.description(path)
    assert figure.description(path, check=False)["inputs"] == {}
