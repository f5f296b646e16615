"""The first page of the audit: the headline, a matrix of verdicts, failures and totals."""

from pathlib import Path

from lib.atlas.evidence import documents, pages
from lib.atlas.evidence.costs import of_figures


def index(claims: dict, figures: list[Path], templates: list[Path], kept: list[Path], notes: dict | None = None) -> str:
    """Return the HTML of the first page.

    Times and memory come from the benchmark files beside the figures, where there are any.
    """
    verdicts = {path.stem: documents.verdicts(path.read_text(encoding="utf-8")) for path in kept}
    return pages.index(claims, of_figures(figures), templates, verdicts, notes or {})


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(index, snakemake)
