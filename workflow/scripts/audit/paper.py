"""The page of one paper: its claims beside its figures, with lineage."""

from pathlib import Path

from lib.atlas.evidence import pages
from lib.atlas.evidence.audit import gather, load_specs
from lib.atlas.evidence.costs import jobs_of_figures


def paper(claims: dict, spec: Path, runs: list[dict], figures: list[Path], templates: list[Path]) -> str:
    """Return the HTML of a paper's page.

    Times and memory come from the benchmark files beside its figures, where there are any.
    """
    slug = claims["provenance"]["paper"]
    audit = gather({slug: claims}, load_specs([spec]), runs)
    return pages.paper(audit, pages.by_paper(figures).get(slug, {}), jobs_of_figures(figures).get(slug, {}), templates)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(paper, snakemake)
