"""The few lines that a run ends with: verdicts by paper, and where to look."""

import json
from collections.abc import Iterable
from pathlib import Path


def summary(audit: str, papers: Iterable) -> str:
    """Verdicts of the papers whose claims are on disk, and the audit page when it is there.

    Args:
        audit: folder of the audit.
        papers: the papers of this run (`lib.atlas.workflow.paper.Paper`).
    """
    lines = []
    for paper in papers:
        file = Path(paper.claims())
        if not file.exists():
            continue
        verdicts = [entry["verdict"] for entry in json.loads(file.read_text(encoding="utf-8"))["claims"]]
        counted = {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(sorted(verdicts, key=len))}
        lines.append(f"  {paper.slug}: " + ", ".join(f"{number} {verdict}" for verdict, number in counted.items()))
    if lines:
        lines.insert(0, "Claims:")
    page = Path(audit) / "index.html"
    if page.exists():
        lines.append(f"Audit: {page}")
    return "\n".join(lines)


def failures(logs: dict[str, str]) -> list[str]:
    """A line for each failed job: the last line of its log, and where that is.

    Args:
        logs: the failed jobs by their logs; one that wrote no log was ended from outside, or did not begin.
    """
    lines = []
    for log, job in logs.items():
        try:
            text = Path(log).read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            text = []
        words = [line.strip() for line in text if line.strip()]
        if words[-1:] != ["interrupted"]:
            lines.append(f"failed: {job}: " + (f"{words[-1][:300]} ({log})" if words else f"it wrote no log ({log})"))
    return lines


def missing_table(missing: dict[str, dict[str, dict]], scale: str) -> list[str]:
    """Lines that name every data set and checkpoint that a scale asks for and nobody supplied.

    Args:
        missing: for each paper, the missing keys with their `layout`, `published` and, where known, `licence`.
        scale: of the run.
    """
    rows = [(slug, key, entry) for slug, keys in missing.items() for key, entry in keys.items()]
    if not rows:
        return []
    lines = [
        f"linear atlas: scale {scale} asks for {len(rows)} data sets or checkpoints that are not supplied; what rests "
        "on them is left out and marked `needs data`. Supply them under `data:` of config/config.yaml:"
    ]
    for slug, key, entry in rows:
        words = f"  {key} ({slug}): {entry['layout']}; published: {entry['published']}"
        lines.append(" ".join(words.split()) + (f"; licence: {entry['licence']}" if "licence" in entry else ""))
    return ["  " + line if index else line for index, line in enumerate(lines)]
