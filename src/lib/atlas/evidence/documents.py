"""The table of claims as a document: what `docs/claims.md` holds.

Run as `python -m lib.atlas claims results/laptop > docs/claims.md` (`make claims`). It reads the joined audit
and nothing else, or with `--paper` the claims of single papers, which may have been run alone at another scale.
"""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.atlas.evidence.audit import VERDICTS, gather, load_specs, quantity_text
from lib.atlas.job.claims import NOT_REPRODUCED

HEAD = "| id | statement | paper | measured | pass rule | verdict |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _row(claim: dict) -> str:
    names = dict.fromkeys(check["rule"].split(" ")[0] for check in claim["pass"])
    quantities = {name: claim["quantities"][name] for name in names if name in claim["quantities"]}
    measured = "; ".join(f"{name}: {', '.join(quantity_text(quantity))}" for name, quantity in quantities.items())
    rules = "; ".join(check["rule"] for check in claim["pass"])
    verdict = f"**{claim['verdict']}**" if claim["verdict"] == NOT_REPRODUCED else claim["verdict"]
    cells = (claim["id"], claim["statement"], claim["paper_value"], measured or "nothing", rules, verdict)
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def document(audit: dict, command: str = "make claims") -> str:
    """The document as Markdown; of each claim the quantities that its pass rule names.

    Args:
        audit: what `lib.atlas.evidence.audit.gather` returned.
        command: what writes the document.
    """
    totals = ", ".join(f"{audit['totals'][verdict]} {verdict}" for verdict in VERDICTS)
    lines = [
        f"# Claims at {audit['scale']} scale",
        "",
        f"Written by `{command}` from the measured claims, not by hand. Measured on two CPU cores with the pinned",
        "libraries; the audit page of a run has the full table with errors, seeds and lineage.",
        f"Totals: {totals}.",
    ]
    for paper in audit["papers"]:
        lines += ["", f"## {paper['slug']}: {paper['title']}", "", HEAD, "| --- " * 6 + "|"]
        lines += [_row(claim) for claim in paper["claims"]]
        remarks = [f"- {c['id']}: {' '.join(c['remarks'].split())}" for c in paper["claims"] if "remarks" in c]
        lines += ["", *remarks] if remarks else []
    return "\n".join(lines) + "\n"


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `python -m lib.atlas claims`."""
    parser.add_argument("results", type=Path, help="results of one scale, such as results/laptop")
    parser.add_argument("--paper", nargs="+", default=[], metavar="SLUG", help="only these, from their own claims")


def main(options: Namespace) -> int:
    """Print the document; return the exit status."""
    file = options.results / "audit/claims.json"
    try:
        if not options.paper:
            print(document(json.loads(file.read_text(encoding="utf-8"))), end="")
            return 0
        contents = {}
        for slug in options.paper:
            file = options.results / slug / "claims.json"
            contents[slug] = json.loads(file.read_text(encoding="utf-8"))
        audit = gather(contents, load_specs([Path("config/papers") / f"{slug}.yaml" for slug in contents]))
        command = f"python -m lib.atlas claims {options.results} --paper {' '.join(contents)}"
        print(document(audit, command), end="")
    except (OSError, ValueError, KeyError) as error:
        print(f"{file}: not a readable audit ({error})", file=sys.stderr)
        return 1
    return 0
