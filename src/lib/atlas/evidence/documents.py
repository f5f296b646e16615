"""The claims of a run as documents: an index, a page for each paper, the table of the README, the citations.

Run as `python -m lib.atlas claims results/laptop` (`make claims`). It reads the papers' own `claims.json`: papers may
have been run alone. Other scales have documents of their own, such as `docs/claims-medium.md`. The README speaks of
laptop scale and is written when every paper has claims there.
"""

import json
import re
import textwrap
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.atlas.evidence import costs, runs, stamp
from lib.atlas.evidence.audit import gather, load_specs, quantity_text
from lib.atlas.evidence.spread import sentence, turns
from lib.atlas.evidence.stability_document import DOCUMENT, document
from lib.atlas.job.claims import NOT_REPRODUCED, NOT_TESTED, REPRODUCED
from lib.atlas.names import ROOT, document_name
from lib.atlas.workflow.place import check_own

WIDTH, WHOLE = 110, {"break_long_words": False, "break_on_hyphens": False}
BEGIN, END = "<!-- papers: written by `make claims` -->", "<!-- end of papers -->"
HEAD = ("paper", "claims", "reproduced", "not reproduced", "not at this scale", "CPU minutes", "peak GiB")


def processor() -> str:
    """Name of this machine's processor and number of its cores."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} cores of {names[0]}" if names else "an unknown processor"


def inert(text: str) -> str:
    """Text in which Markdown finds no markup, and no HTML."""
    return re.sub(r"([<>*|`\[\]])", r"\\\1", text)


def wrap(text: str, first: str = "", rest: str = "") -> str:
    """Prose of a paper's file as Markdown in short lines; nothing in it counts as markup.

    Args:
        text: any white space between its words counts as one space.
        first, rest: what the first and every further line begin with.
    """
    words = inert(" ".join(text.split()))
    room = WIDTH - len(rest)
    lines = textwrap.wrap(words, room, **WHOLE)
    lines = [re.sub(r"^(?=[-+#]+ |=+$|-+$)", r"\\", line) for line in lines]  # no list and no heading by chance
    lines = [re.sub(r"^(\d+)(?=[.)] )", r"\1\\", line) for line in lines]
    return "\n".join((rest if number else first) + line for number, line in enumerate(lines))


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _verdicts(totals: dict[str, int]) -> str:
    return ", ".join(f"{number} {verdict}" for verdict, number in totals.items() if number)


def _check(check: dict, quantities: dict) -> str:
    """One pass rule, whether it holds, and what was measured."""
    name = check["rule"].split(" ")[0]
    holds = {True: "holds", False: "**does not hold**", None: "is not judged"}[check["holds"]]
    values = wrap("; ".join(quantity_text(quantities[name])) if name in quantities else "nothing", "  ", "  ")
    line = f"- `{check['rule']}` {holds}: {values.strip()}"
    return line if len(line) <= WIDTH and "\n" not in values else f"- `{check['rule']}` {holds}:\n{values}"


def claim_section(claim: dict) -> str:
    """One claim of a joined audit: statement, what the paper says, how it was measured, pass rules, remarks."""
    verdict = f"**{claim['verdict']}**" if claim["verdict"] == NOT_REPRODUCED else claim["verdict"]
    firm = {True: ", firm", False: ", within error", None: ""}[claim["firm"]]
    parts = [
        f"## {claim['id']}: {verdict}{firm}",
        wrap(claim["statement"], "> ", "> "),
        wrap(f"The paper: {claim['paper_value']} ({claim['where']}; {claim['known_from']})."),
        wrap(f"Measured: {claim['measures']}."),
        "\n".join(_check(check, claim["quantities"]) for check in claim["pass"]),
    ]
    if "stability" in claim:
        text = wrap(f"Other runs: {sentence(claim['stability'])}.")
        parts.append(text.replace("the verdict turns", "**the verdict turns**"))
    return "\n\n".join(parts + [wrap(claim[key]) for key in ("remarks",) if key in claim])


_VERDICT = re.compile(r"^## (\w+): \*{0,2}([a-z ]+?)\*{0,2}(?:, (?:firm|within error))?$", re.MULTILINE)


def verdicts(page: str) -> dict[str, str]:
    """Verdicts by claim, as a paper's page states them."""
    return dict(_VERDICT.findall(page))


def paper_page(paper: dict, data: dict, scale: str, machine: str) -> str:
    """The page of one paper of a joined audit.

    Args:
        data: what a user can supply, as the paper's file lists it under `data`.
        paper: an entry of `papers` in what `lib.atlas.evidence.audit.gather` returns.
        scale: at which the claims were judged.
        machine: on which they were measured.
    """
    where = [f"[arXiv:{paper['arxiv']}](https://arxiv.org/abs/{paper['arxiv']})"] if "arxiv" in paper else []
    source = ", ".join([*map(inert, paper["authors"]), inert(str(paper.get("venue", paper["year"]))), *where])
    parts = [
        f"# {inert(paper['title'])}",
        "\n".join(textwrap.wrap(source + ".", WIDTH, **WHOLE)),
        wrap(paper["summary"]),
        wrap(
            f"Of {_plural(len(paper['claims']), 'claim')} at {scale} scale: {_verdicts(paper['totals'])}. "
            f"Measured on {machine}. Written by make claims, not by hand; the audit page of a run adds errors, seeds, "
            "figures and lineage."
        ),
        *(claim_section(claim) for claim in paper["claims"]),
    ]
    if "notes" in paper:
        parts += ["## Notes", "\n".join(wrap(note, "- ", "  ") for note in paper["notes"])]
    if data:
        parts += ["## Data of your own", "Paths under these keys in `data:` of `config/config.yaml`:"]
        entries = [
            f"- `{key}`: {inert(entry['layout'])}; published: {inert(entry['published'])}"
            for key, entry in data.items()
        ]
        parts.append(
            "\n".join(textwrap.fill(" ".join(e.split()), WIDTH, subsequent_indent="  ", **WHOLE) for e in entries)
        )
    return "\n\n".join(parts) + "\n"


def table(audit: dict, cost: dict[str, dict[str, float]], folder: str) -> str:
    """The table of papers.

    Args:
        audit: joined by `lib.atlas.evidence.audit.gather`.
        cost: by slug, as `lib.atlas.evidence.costs.totals` returns it; without jobs where results came without times.
        folder: of the papers' pages, relative to the document that holds the table.
    """
    timed = all(cost[paper["slug"]]["jobs"] for paper in audit["papers"])
    head = HEAD if timed else HEAD[:-2]
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for paper in audit["papers"]:
        slug, totals = paper["slug"], paper["totals"]
        cells = [f"[`{slug}`]({folder}/{slug}.md) {inert(paper['title'])}", len(paper["claims"])]
        cells += [totals[verdict] for verdict in (REPRODUCED, NOT_REPRODUCED, NOT_TESTED)]
        spent = cost[slug]
        cells += [f"{spent['cpu'] / 60:.0f}", f"{spent['memory'] / 1024:.1f}"] if timed else []
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _sums(audit: dict, cost: dict[str, dict[str, float]], machine: str) -> str:
    papers, jobs = audit["papers"], [cost[paper["slug"]] for paper in audit["papers"]]
    counts = f"{_plural(len(papers), 'paper')}, {_plural(sum(len(paper['claims']) for paper in papers), 'claim')}"
    text = f"{counts} at {audit['scale']} scale: {_verdicts(audit['totals'])}. Measured on {machine}"
    if all(each["jobs"] for each in jobs):
        text += (
            f"; all jobs together took {sum(each['cpu'] for each in jobs) / 60:.0f} CPU minutes, and no job more than "
            f"{max(each['memory'] for each in jobs) / 1024:.1f} GiB"
        )
    return wrap(f"{text}.")


def index(audit: dict, cost: dict[str, dict[str, float]], machine: str) -> str:
    """The document that leads to the papers' pages; arguments as for `table` and `paper_page`."""
    name = document_name(audit["scale"])
    head = [f"# Claims at {audit['scale']} scale", _sums(audit, cost, machine), table(audit, cost, name)]
    every = [(paper["slug"], claim) for paper in audit["papers"] for claim in paper["claims"]]
    failures = [(slug, claim, claim["statement"]) for slug, claim in every if claim["verdict"] == NOT_REPRODUCED]
    turning = [(slug, claim, sentence(claim["stability"])) for slug, claim in every if turns(claim)]
    for title, claims in (("Not reproduced", failures), ("Verdicts that turn", turning)):
        lines = [
            f"- [`{slug}` {claim['id']}]({name}/{slug}.md): {wrap(words)}".replace("\n", "\n  ")
            for slug, claim, words in claims
        ]
        head += [f"## {title}", "\n".join(lines)] if lines else []
    return "\n\n".join(head) + "\n"


def in_readme(text: str, block: str) -> str:
    """The README with another block of papers.

    Raises:
        ValueError: the comments that enclose the block are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md: got no block of papers, expected one between {BEGIN} and {END}")
    return f"{before}{begin}\n\n{block}\n\n{end}{after}"


def write(results: Path, root: Path, machine: str) -> list[Path]:
    """Write the documents of a run; returns what was written.

    Args:
        results: results of one scale.
        root: the project's root folder.
        machine: on which the run was made.

    Raises:
        ValueError: no paper has claims there, or they cannot be read.
    """
    contents = runs.load(results)
    files = {file.stem: file for file in sorted((root / "config/papers").glob("*.yaml"))}
    foreign = contents.keys() - files.keys()
    if foreign:
        raise ValueError(f"{results}: got claims of {', '.join(sorted(foreign))}, expected some of config/papers")
    specs = load_specs([files[slug] for slug in contents])
    audit = gather(contents, specs, [runs.contents(file) for slug in contents for file in runs.paths(root, slug)])
    cost = {slug: costs.totals(costs.measured(results / slug)) for slug in contents}
    name = document_name(audit["scale"])
    texts = {root / f"docs/{name}.md": index(audit, cost, machine)}
    for paper in audit["papers"]:
        texts[root / f"docs/{name}/{paper['slug']}.md"] = paper_page(
            paper, specs[paper["slug"]].get("data", {}), audit["scale"], machine
        )
    if audit["scale"] == "laptop" and contents.keys() == files.keys():
        readme = root / "README.md"
        block = table(audit, cost, f"docs/{name}") + "\n\n" + _sums(audit, cost, machine)
        texts[readme] = in_readme(readme.read_text(encoding="utf-8"), block)
        cff = root / "CITATION.cff"
        texts[cff] = citation(cff.read_text(encoding="utf-8"), specs)
    (root / "docs" / name).mkdir(parents=True, exist_ok=True)
    sound = stamp.is_sound(results, root)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    if sound:  # the first page names what differs from these documents
        stamp.renew(results, root=root)
    return list(texts)


def citation(text: str, specs: dict[str, dict]) -> str:
    """`CITATION.cff` with the reproduced papers as its references.

    Args:
        text: the file; what stands before its `references:` is kept.
        specs: the papers' files, by slug.
    """
    lines = [text.partition("references:\n")[0].rstrip(), "references:"]
    for spec in specs.values():
        paper = spec["paper"]
        lines += ["  - type: article", f"    title: {json.dumps(paper['title'], ensure_ascii=False)}", "    authors:"]
        lines += [f"      - name: {json.dumps(name, ensure_ascii=False)}" for name in paper["authors"]]
        lines += [f"    year: {paper['year']}", f"    url: https://arxiv.org/abs/{paper['arxiv']}"]
    return "\n".join(lines) + "\n"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `python -m lib.atlas claims`."""
    parser.add_argument("results", type=Path, help="results of one scale, such as results/laptop")
    parser.add_argument("--processor", default=processor(), help="where the run was made; this machine's by default")


def main(options: Namespace) -> int:
    """Write the documents, keep the run, and name the files; return the exit status."""
    check_own(options.results)
    for path in [*write(options.results, ROOT, options.processor), *runs.keep(options.results, ROOT)]:
        print(path.relative_to(ROOT))
    if (ROOT / DOCUMENT).exists():  # rules and functions may have changed since
        (ROOT / DOCUMENT).write_text(document(ROOT), encoding="utf-8")
        print(DOCUMENT)
    return 0
