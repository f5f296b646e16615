"""Run the examples of a page in this Python; used by `test_library` inside an environment that holds the wheel alone.

Usage: python library_examples.py PAGE. Prints a JSON list: heading, expected output, output or error of each example.
Sections that need no extra run first, while the packages of the extras cannot be imported.
"""

import contextlib
import importlib.abc
import io
import json
import re
import sys
import traceback

EXTRAS = {
    "torch",
    "triton",
    "diffusers",
    "transformers",
    "accelerate",
    "peft",
    "skimage",
    "av",
    "imageio",
    "sage",
    "causallearn",
}


class Absent(importlib.abc.MetaPathFinder):
    """Makes the packages of the extras look as if they were not installed."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in EXTRAS:
            raise ModuleNotFoundError(f"No module named {name!r}, which only an extra installs", name=name)
        return None


def examples(page: str) -> list[tuple[str, bool, str, str]]:
    """Heading, whether the section needs an extra, code and expected output of every example."""
    needs = {}
    for line in re.findall(r"^\| \[.*$", page, re.MULTILINE):
        cells = line.strip("|").split("|")
        for anchor in re.findall(r"\(#([\w-]+)\)", cells[0]):
            needs[anchor.replace("-", " ")] = cells[2].strip().startswith("`") and " for " not in cells[2]
    sections = re.split(r"^## (.*)$", page, flags=re.MULTILINE)[1:]
    return [
        (heading, needs.get(heading, False), *example)
        for heading, text in zip(sections[::2], sections[1::2])
        for example in re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```\n", text, re.DOTALL)
    ]


def outcome(code: str) -> str:
    """What an example prints, or its error."""
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            exec(code, {"__name__": "example"})
    except Exception:
        return traceback.format_exc(limit=-2)
    return output.getvalue()


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        page = examples(file.read())
    absent = Absent()
    sys.meta_path.insert(0, absent)
    results = [(heading, expected, outcome(code)) for heading, needs, code, expected in page if not needs]
    sys.meta_path.remove(absent)
    results += [(heading, expected, outcome(code)) for heading, needs, code, expected in page if needs]
    print(json.dumps(results))


if __name__ == "__main__":
    main()
