"""Pages of the audit for everybody: structure, texts for drawings, contrast of colours, and what axe-core finds."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import ROOT, Copy

pytestmark = pytest.mark.workflow
AXE = "4.10.3"
STYLE = (ROOT / "workflow/report/pages/style.css").read_text()
VERDICTS = ("reproduced", "failed", "gated", "data", "untested")
_VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}


CLOSED_BY_OTHERS = {
    "p",
    "li",
    "dt",
    "dd",
    "tr",
    "td",
    "th",
    "thead",
    "tbody",
    "option",
}  # whose end tag HTML lets be left out


class Page(HTMLParser):
    """Elements of a page: `(tag, attributes, ancestors)`, and what is wrong with their nesting."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict, list[str]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)
        self.wrong += [f"{tag} is not closed" for tag in self.open if tag not in ("p", "li")]

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), list(self.open)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), list(self.open)))

    def handle_endtag(self, tag):
        if tag not in self.open:
            self.wrong.append(f"{tag} is closed and was not open")
            return
        while (inner := self.open.pop()) != tag:
            if inner not in CLOSED_BY_OTHERS:
                self.wrong.append(f"{inner} is not closed")

    def all(self, *tags: str) -> list[tuple[dict, list[str]]]:
        return [(attributes, above) for tag, attributes, above in self.elements if tag in tags]


def barriers(page: Path) -> list[str]:
    """What keeps somebody from using a page, as far as its text tells."""
    parsed = Page(page.read_text(encoding="utf-8"))
    ids = [attributes["id"] for _, attributes, _ in parsed.elements if "id" in attributes]
    levels = [int(tag[1]) for tag, _, _ in parsed.elements if re.fullmatch("h[1-6]", tag)]
    lines = list(parsed.wrong)
    lines += [f"id {name} twice" for name in set(ids) if ids.count(name) > 1]
    lines += [] if levels.count(1) == 1 and levels[0] == 1 else ["not one h1 before all other headings"]
    lines += [f"h{high} after h{low}" for low, high in pairwise(levels) if high > low + 1]
    lines += [f"image without a text: {a.get('src')}" for a, _ in parsed.all("img") if len(a.get("alt", "")) < 10]
    drawings = parsed.all("svg")
    lines += [
        "drawing without a text" for a, _ in drawings if not a.get("aria-label") and a.get("aria-hidden") != "true"
    ]
    fields = parsed.all("input", "select", "textarea")
    lines += [f"field without a label: {a.get('name')}" for a, above in fields if "label" not in above]
    lines += ["th without a scope" for a, _ in parsed.all("th") if "scope" not in a]
    lines += [
        f"lost anchor {a['href']}"
        for a, _ in parsed.all("a")
        if a.get("href", "").startswith("#") and a["href"][1:] not in ids
    ]
    html, *_ = parsed.all("html")
    return lines + ([] if html[0].get("lang") else ["no language"])


def pages(run: Copy) -> list[Path]:
    return sorted((run.root / "results/smoke/audit").glob("*.html"))


def test_pages_have_structure_and_texts(finished_toy):
    assert {page.name: barriers(page) for page in pages(finished_toy) if barriers(page)} == {}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<h1>", "<h2>", "h1"),
        ('alt="', 'title="', "image without a text"),
        ('aria-label="', 'data-label="', "drawing without a text"),
        ("</main>", "", "main is not closed"),
        ('id="main"', 'id="other"', "lost anchor #main"),
    ],
)
def test_a_barrier_is_noticed(finished_toy, tmp_path, old, new, words):
    page = tmp_path / "toy.html"
    text = (finished_toy.root / "results/smoke/audit/toy.html").read_text()
    assert old in text
    page.write_text(text.replace(old, new))
    assert any(words in line for line in barriers(page))


def _colours(block: str) -> dict[str, tuple[float, ...]]:
    pairs = re.findall(r"--([a-z]+): #([0-9a-f]{3,6})\b", block)
    return {
        name: tuple(int(2 * c if len(h) == 3 else h[2 * i : 2 * i + 2], 16) for i, c in enumerate(h[:3]))
        for name, h in pairs
    }


def contrast(a: tuple, b: tuple) -> float:
    """Contrast ratio of two colours, from 1 to 21 (WCAG 2)."""

    def luminance(colour: tuple) -> float:
        parts = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    bright, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_known_pairs():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_words_stand_out_from_their_ground(scheme):
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    colours = _colours(blocks[("light", "dark", "print").index(scheme)])
    pairs = [(word, ground) for word in ("ink", "soft", "link", *VERDICTS) for ground in ("ground", "wash")]
    pairs += [("on", verdict) for verdict in VERDICTS if verdict != "untested"]
    assert {
        pair: contrast(*(colours[name] for name in pair))
        for pair in pairs
        if contrast(*(colours[name] for name in pair)) < 4.5
    } == {}


def axe() -> str:
    """The source of axe-core, from npm."""
    folder = ROOT / f".cache/axe-{AXE}"
    source = folder / "node_modules/axe-core/axe.min.js"
    if not source.exists():
        if shutil.which("npm") is None:
            pytest.skip("npm, which brings axe-core, is not on this machine")
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([*command, f"axe-core@{AXE}"], capture_output=True, text=True, timeout=300)
        if not source.exists():
            pytest.skip(f"npm could not bring axe-core: {done.stderr.strip()[-200:]}")
    return source.read_text()


def violations(page: Path, folder: Path, width: int, dark: bool) -> list[str]:
    """What axe-core finds on a page in Chromium.

    Args:
        page: of the audit.
        folder: for the browser's own files.
        width: of the window in pixels.
        dark: as in a browser that prefers dark pages.
    """
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        assert not os.environ.get("CI"), "continuous integration installs Chromium"
        pytest.skip("no Chromium on this machine")
    run = (
        "axe.run().then((r) => { const pre = document.createElement('pre'); pre.id = 'axe';"
        "const short = (v) => [v.id, v.help, v.nodes.map((n) => n.html.slice(0, 160))];"
        "pre.textContent = JSON.stringify(r.violations.map(short));"
        "document.body.append(pre); });"
    )
    text = page.read_text(encoding="utf-8").replace("<head>", f'<head><base href="{page.as_uri()}">', 1)
    copy = folder / page.name
    copy.write_text(text.replace("</body>", f"<script>{axe()}</script><script>{run}</script></body>"), encoding="utf-8")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         f"--user-data-dir={folder / 'profile'}",
         f"--window-size={width},1000", "--virtual-time-budget=20000", "--dump-dom",
         *(["--blink-settings=preferredColorScheme=0"] if dark else []), copy.as_uri()],
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    (found,) = re.findall(r'<pre id="axe">(.*?)</pre>', done.stdout, re.DOTALL)
    return [f"{name}: {words}: {nodes[:2]}" for name, words, nodes in json.loads(unescape(found))]


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), [(1200, False), (390, False), (1200, True)])
def test_axe_finds_nothing(finished_toy, tmp_path, width, dark):
    found = {page.name: violations(page, tmp_path, width, dark) for page in pages(finished_toy)}
    assert {name: lines for name, lines in found.items() if lines} == {}
