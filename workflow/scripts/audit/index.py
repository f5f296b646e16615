"""The first page of the audit: the headline, a matrix of verdicts, failures and totals."""

from pathlib import Path

from lib.atlas.evidence import pages
from lib.atlas.evidence.costs import of_figures


def index(claims: dict, figures: list[Path], templates: list[Path]) -> str:
    """Return the HTML of the first page.

    Times and memory come from the benchmark files beside the figures, where there are any.
    """
    return pages.index(claims, of_figures(figures), templates)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(index, snakemake)
