"""The audit as a page that a person reads: totals, papers, claims, figures and lineage, in one file."""

from pathlib import Path

from lib.atlas.evidence.audit import page as render
from lib.atlas.evidence.costs import measured, totals


def page(claims: dict, figures: list[Path], template: Path) -> str:
    """Return the HTML of the audit; a figure is found by its paper's folder and its own name.

    Times and memory come from the benchmark files beside the figures, where there are any.
    """
    figures_of: dict[str, dict[str, Path]] = {}
    for path in figures:
        figures_of.setdefault(path.parents[1].name, {})[path.stem] = path
    costs = {slug: totals(measured(next(iter(paths.values())).parents[1])) for slug, paths in figures_of.items()}
    return render(claims, figures_of, template, {slug: cost for slug, cost in costs.items() if cost["jobs"]})


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(page, snakemake)
