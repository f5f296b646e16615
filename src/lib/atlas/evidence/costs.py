"""What a run cost: wall and processor time and peak memory, from Snakemake's benchmark files.

Run as `python -m lib.atlas costs results/laptop` for the cost of every paper, and for the rules whose stated memory
or time is far from what was measured. Many rules state one number for every scale: judge those at the largest scale
that you have. Snakemake looks at a job every half second, and after 15.5 seconds every thirty: a short peak of memory
may be missed, and CPU time is counted on to the job's end at the load until the last look.
"""

import csv
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.atlas.evidence import plan as plans
from lib.atlas.names import ROOT

SPARE_MEMORY, SPARE_TIME = 1000.0, 60.0  # MB and minutes that a rule may always ask for
WASTE, MARGIN = 4.0, 0.8
FREQUENT, SELDOM = 15.5, 30.0  # seconds until which Snakemake looks often, and between its looks from then on


def number(text: str | None) -> float:
    """A number of a benchmark file; what was not measured counts as zero."""
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def whole_cpu(cpu: float, wall: float) -> float:
    """CPU seconds of a job of `wall` seconds, from those at Snakemake's last look at it."""
    if wall <= FREQUENT:
        return cpu
    return cpu * wall / (FREQUENT + SELDOM * ((wall - FREQUENT) // SELDOM))


def measured(folder: Path) -> dict[str, dict[str, float]]:
    """Wall seconds, CPU seconds and peak memory (MB) of each job of one paper.

    Args:
        folder: the paper's results.

    Returns:
        By the benchmark file's name without its suffix; of repeated measurements the last.
    """
    jobs = {}
    for file in sorted((folder / "benchmarks").rglob("*.tsv")):
        with open(file, encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines, delimiter="\t"))
        if rows:
            row = rows[-1]
            name = file.relative_to(folder / "benchmarks").with_suffix("").as_posix()
            wall = number(row.get("s"))
            cpu = whole_cpu(number(row.get("cpu_time")), wall)
            jobs[name] = {"wall": wall, "cpu": cpu, "memory": number(row.get("max_rss"))}
    return jobs


def totals(jobs: dict[str, dict[str, float]]) -> dict[str, float]:
    """Cost of a paper: number of jobs, summed wall and CPU seconds, and the peak memory of its largest job."""
    return {
        "jobs": len(jobs),
        "wall": sum(job["wall"] for job in jobs.values()),
        "cpu": sum(job["cpu"] for job in jobs.values()),
        "memory": max((job["memory"] for job in jobs.values()), default=0.0),
    }


def jobs_of_figures(figures: list[Path]) -> dict[str, dict[str, dict[str, float]]]:
    """Jobs (`measured`) of each paper that figures or tables belong to, by slug, where they were recorded."""
    folders = {path.parents[1].name: path.parents[1] for path in figures}
    jobs = {slug: measured(folder) for slug, folder in folders.items()}
    return {slug: one for slug, one in jobs.items() if one}


def of_figures(figures: list[Path]) -> dict[str, dict[str, float]]:
    """Cost (`totals`) of each paper that figures or tables belong to, by slug, where it was recorded."""
    return {slug: totals(jobs) for slug, jobs in jobs_of_figures(figures).items()}


def by_rule(plan: dict, folder: Path) -> list[dict]:
    """For each rule its jobs' largest wall time (minutes) and memory (MB) beside what the rule asks for."""
    rows = []
    for name, rule in plan["rules"].items():
        if not rule["benchmark"]:
            continue
        shape = plans.pattern(rule["benchmark"])
        home = folder / Path(rule["benchmark"].partition("/benchmarks/")[0])
        jobs = [
            job
            for key, job in measured(home).items()
            if shape.fullmatch((home / "benchmarks" / f"{key}.tsv").relative_to(folder).as_posix())
        ]
        if jobs:
            rows.append(
                {
                    "rule": name,
                    "jobs": len(jobs),
                    "minutes": max(job["wall"] for job in jobs) / 60,
                    "runtime": rule["runtime"],
                    "memory": max(job["memory"] for job in jobs),
                    "mem_mb": rule["mem_mb"],
                }
            )
    return rows


def hint(row: dict) -> str:
    """What a rule should ask for instead, empty when what it asks for fits."""
    hints = []
    for used, asked, spare, unit in (
        (row["memory"], row["mem_mb"], SPARE_MEMORY, "MB"),
        (row["minutes"], row["runtime"], SPARE_TIME, "min"),
    ):
        if not asked:
            continue
        if used > MARGIN * asked:
            hints.append(f"too little: {asked:g} {unit} for {used:.3g}")
        elif asked > max(WASTE * used, spare):
            hints.append(f"too much: {asked:g} {unit} for {used:.3g}")
    return "; ".join(hints)


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `python -m lib.atlas costs`."""
    parser.add_argument("results", type=Path, help="results of one scale, such as results/laptop")
    parser.add_argument("--all", action="store_true", help="show the rules that ask for what they need, too")


def main(options: Namespace) -> int:
    """Print cost by paper and hints by rule; return the exit status."""
    plan, folder = plans.of_results(options.results, ROOT)
    print(f"{'paper':34} {'jobs':>5} {'wall s':>8} {'CPU s':>8} {'peak MB':>8}")
    for slug, paper in plan["papers"].items():
        cost = totals(measured(folder / paper["folder"]))
        print(f"{slug:34} {cost['jobs']:5.0f} {cost['wall']:8.1f} {cost['cpu']:8.1f} {cost['memory']:8.0f}")
    print()
    for row in by_rule(plan, folder):
        advice = hint(row)
        if advice or options.all:
            print(f"{row['rule']:50} {advice or 'fits'}")
    return 0
