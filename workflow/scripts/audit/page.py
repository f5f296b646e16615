"""The audit as a page that a person reads: totals, papers, claims, figures and lineage, in one file."""

from pathlib import Path

from lib.atlas.audit import page as render


def page(claims: dict, figures: list[Path], template: Path) -> str:
    """Return the HTML of the audit; a figure is found by its paper's folder and its own name."""
    found: dict[str, dict[str, Path]] = {}
    for path in figures:
        found.setdefault(path.parents[1].name, {})[path.stem] = path
    return render(claims, found, template)


if "snakemake" in globals():
    from lib.atlas.stage import run

    run(page, snakemake)
