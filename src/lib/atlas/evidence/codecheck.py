"""Draft the `codecheck.yml` of a paper from its audit (https://codecheck.org.uk/spec/config/2.0/).

Run as `python -m lib.atlas codecheck results/laptop quadratic_network` (`make codecheck PAPER=quadratic_network`). The
file names what a codechecker has to make again, the paper, and in the summary what our audit says. What only a
codechecker or the paper's authors know is left open, in values that begin with `OPEN`.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import yaml

from lib.atlas.evidence import plan as plans
from lib.atlas.evidence.audit import gather, quantity_text
from lib.atlas.evidence.crate import expect_done
from lib.atlas.evidence.state import states
from lib.atlas.job.stage import open_input
from lib.atlas.names import ROOT
from lib.atlas.workflow.config import load_yaml

SPECIFICATION = "https://codecheck.org.uk/spec/config/2.0/"
OPEN = "OPEN"
HEAD = """%YAML 1.1
---
# Drafted by `make codecheck` from the audit of Linear Atlas. Values that begin with OPEN are for the codechecker; the
# summary says what our own audit found, and is to be replaced by what the check finds.
"""


class _Dumper(yaml.SafeDumper):
    """YAML in which text of several lines keeps its lines."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def summary(paper: dict, scale: str) -> str:
    """What the audit says of a paper: totals, and a line for each central claim.

    Args:
        paper: of a joined audit (`lib.atlas.evidence.audit.gather`).
        scale: of the run.
    """
    totals = ", ".join(f"{number} {verdict}" for verdict, number in paper["totals"].items() if number)
    lines = [
        f"Not checked yet. The project's own audit at {scale} scale: {_count(len(paper['claims']), 'claim')}, {totals}."
    ]
    for claim in paper["claims"]:
        if claim.get("central"):
            measured = "; ".join(
                f"{name} {', '.join(quantity_text(claim['quantities'][name]))}"
                for name in dict.fromkeys(check["quantity"] for check in claim["pass"])
                if name in claim["quantities"]
            )
            lines.append(f"{claim['id']} ({claim['verdict']}): {claim['statement']} [{measured or 'not measured'}]")
    return "\n".join(lines) + "\n"


def draft(slug: str, plan: dict, folder: Path, root: Path) -> dict:
    """The content of `codecheck.yml`.

    Args:
        slug: name of the paper.
        plan: of the working tree.
        folder: what the plan's paths are relative to; the file is to lie there.
        root: the project's root folder.

    Raises:
        ValueError: no such paper, or something of it is not up to date.
    """
    if slug not in plan["papers"]:
        raise ValueError(f"{slug}: no such paper, expected one of {', '.join(sorted(plan['papers']))}")
    place, spec = plan["papers"][slug], load_yaml(root / f"config/papers/{slug}.yaml")
    products = [*place["figures"], place["claims"]]
    expect_done(states(plan, products, folder, deep=False))
    claims = open_input(str(folder / place["claims"]))
    (paper,) = gather({slug: claims}, {slug: spec})["papers"]
    titles = {Path(path).stem: f"{entry['title']} (claims {', '.join(entry['claims'])})"
              for path, entry in ((name, spec["figures"][Path(name).stem]) for name in place["figures"])}  # fmt: skip
    about = spec["paper"]
    return {
        "version": SPECIFICATION,
        "manifest": [
            *({"file": path, "comment": titles[Path(path).stem]} for path in place["figures"]),
            {"file": place["claims"], "comment": "every claim with what was measured, its pass rules and verdict"},
        ],
        "paper": {
            "title": about["title"],
            "authors": [{"name": name, "ORCID": f"{OPEN}: ORCID of {name}"} for name in about["authors"]],
            "reference": f"https://arxiv.org/abs/{about['arxiv']}",
        },
        "codechecker": [{"name": f"{OPEN}: your name", "ORCID": f"{OPEN}: your ORCID"}],
        "report": f"{OPEN}: address or DOI of the certificate's document",
        "summary": summary(paper, plan["scale"]),
        "repository": f"{OPEN}: address of the checked clone",
        "check_time": f"{OPEN}: when the check was completed",
        "certificate": f"{OPEN}: YYYY-NNN, from the register",
        "linear_atlas": {
            "target": slug,
            "scale": plan["scale"],
            "commit": claims["provenance"]["commit"],
            "command": f"snakemake --cores 2 {slug} --config scale={plan['scale']}",
        },
    }


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `python -m lib.atlas codecheck`."""
    parser.add_argument("results", type=Path, help="results of one scale, such as results/laptop")
    parser.add_argument("paper", help="name of a paper, such as quadratic_network")
    parser.add_argument(
        "--to", type=Path, default=ROOT / "codecheck.yml", help="the file; by default in the root folder"
    )


def main(options: Namespace) -> int:
    """Write the draft; return the exit status."""
    plan, folder = plans.of_results(options.results, ROOT)
    content = draft(options.paper, plan, folder, ROOT)
    text = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    options.to.write_text(HEAD + text, encoding="utf-8")
    left = (HEAD + text).count(OPEN) - HEAD.count(OPEN)
    print(f"{options.to}: {len(content['manifest'])} files to make again, {left} fields left open")
    return 0
