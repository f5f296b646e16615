"""All figures of all papers as thumbnails that lead to the files."""

from pathlib import Path

from lib.atlas.evidence import pages


def gallery(claims: dict, figures: list[Path], templates: list[Path]) -> str:
    """Return the HTML of the page of all figures."""
    return pages.gallery(claims, pages.by_paper(figures), templates)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(gallery, snakemake)
