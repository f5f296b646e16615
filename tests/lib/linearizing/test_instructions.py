"""Texts from files, and their packing into rows."""

import json

import pytest

from lib.linearizing.instructions import format_instruction, pack_rows, read_texts
from tests.lib.linearizing.models import byte_tokeniser


def test_an_instruction_has_the_headings_of_its_parts():
    text = format_instruction("Add.", "1 and 2", "3")
    assert text == "### Instruction:\nAdd.\n\n### Input:\n1 and 2\n\n### Response:\n3"
    assert "Input" not in format_instruction("Say hello.", " ", "Hello.")


def test_texts_of_each_kind_of_file(tmp_path):
    entries = [{"instruction": "Add.", "input": "1 and 2", "output": "3"}, {"text": "plain"}, "bare"]
    expected = [format_instruction("Add.", "1 and 2", "3"), "plain", "bare"]
    (tmp_path / "a.json").write_text(json.dumps(entries))
    (tmp_path / "b.jsonl").write_text("\n\n".join(json.dumps(entry) for entry in entries))
    (tmp_path / "c.txt").write_text("first\nline\n\n\n\nsecond\n")
    assert read_texts(tmp_path / "a.json") == read_texts(tmp_path / "b.jsonl") == expected
    assert [text.strip() for text in read_texts(tmp_path / "c.txt")] == ["first\nline", "second"]
    assert read_texts(tmp_path / "a.json")[0].count("###") == 3


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{", "got no readable texts"),
        ("a.json", "{}", "got dict without entries"),
        ("a.json", "[]", "got list without entries"),
        ("a.json", '["x", {"instruction": "a"}]', "entry 1: got"),
        ("a.json", '["x", 3]', "entry 1: got"),
        ("a.json", '[""]', "entry 0: got"),
        ("a.txt", "\n", "got list without entries"),
    ],
)
def test_other_files_are_refused(name, content, message, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        read_texts(tmp_path / name)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="got no readable texts"):
        read_texts(tmp_path / "none.json")


@pytest.mark.parametrize("start", [False, True])
def test_rows_hold_the_texts_one_after_another(start):
    tokeniser = byte_tokeniser(start)
    rows = pack_rows(["abc", "de", "fghij"], tokeniser, 4)
    before = "<start>" if start else ""
    whole = "".join(f"{before}{text}<end>" for text in ("abc", "de", "fghij"))
    length = 16 if start else 13
    assert rows.shape == (length // 4, 4)
    assert whole.startswith(tokeniser.decode(rows.flatten()))


def test_rows_that_cannot_be_filled():
    with pytest.raises(ValueError, match="texts: got 4 tokens"):
        pack_rows(["abc"], byte_tokeniser(), 5)
    with pytest.raises(ValueError, match="length: got 1"):
        pack_rows(["abc"], byte_tokeniser(), 1)
