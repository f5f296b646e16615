"""Join the judged claims of all papers with the wording of their files."""

from pathlib import Path

from lib.atlas.evidence.audit import gather as join
from lib.atlas.evidence.audit import load_specs


def gather(claims: list[dict], papers: list[Path], runs: list[dict]) -> dict:
    """Return every claim of every paper: wording, measurement, verdict, lineage, and what kept runs say of it."""
    specs = load_specs(papers)
    return join({content["provenance"]["paper"]: content for content in claims}, specs, runs)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(gather, snakemake)
