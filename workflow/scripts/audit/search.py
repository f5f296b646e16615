"""All claims of all papers in one table, to search and filter."""

from pathlib import Path

from lib.atlas.evidence import pages


def search(claims: dict, templates: list[Path]) -> str:
    """Return the HTML of the page of all claims."""
    return pages.search(claims, templates)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(search, snakemake)
