"""How far a run is: for each paper how many files are done, stale, missing, failed or damaged.

Run as `python -m lib.atlas status results/laptop` (`make status`). Digests are not recomputed, so it takes seconds;
`python -m lib.atlas.evidence.check` does that.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.atlas import alive
from lib.atlas.evidence import costs
from lib.atlas.evidence import plan as plans
from lib.atlas.evidence.state import DONE, STATES, states
from lib.atlas.names import ROOT


def table(plan: dict, folder: Path) -> tuple[list[dict], list[str]]:
    """Counts by paper, and a line for every file that failed or is damaged.

    Args:
        plan: of the working tree (`lib.atlas.evidence.plan.read`).
        folder: what its paths are relative to.
    """
    rows, lines = [], []
    for slug, paper in plan["papers"].items():
        paths = plans.files(plan, slug)
        files = states(plan, paths, folder, deep=False)
        row = {"paper": slug, **{kind: sum(files[path].kind == kind for path in paths) for kind in STATES}}
        row["wall"] = costs.totals(costs.measured(folder / paper["folder"]))["wall"]
        rows.append(row)
        lines += [f"{path}: {files[path].reasons[0]}" for path in paths if files[path].kind in ("failed", "damaged")]
    return rows, lines


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `python -m lib.atlas status`."""
    parser.add_argument("results", type=Path, help="results of one scale, such as results/laptop")
    parser.add_argument("--why", action="store_true", help="name every file that is not done, and why")


def main(options: Namespace) -> int:
    """Print the table; the exit status is 0 when everything is done, 3 otherwise, 1 when it cannot be told."""
    plan, folder = plans.of_results(options.results, ROOT, must_exist=False)
    rows, lines = table(plan, folder)
    if options.why:
        lines = [
            f"{state.kind:8} {path}: {'; '.join(state.reasons)}"
            for slug in plan["papers"]
            for path, state in states(plan, plans.files(plan, slug), folder, deep=False).items()
            if state.kind != DONE
        ]
    print(f"{'paper':34}" + "".join(f"{kind:>9}" for kind in STATES) + f"{'wall s':>9}")
    total = {kind: sum(row[kind] for row in rows) for kind in STATES}
    for row in [*rows, {"paper": "together", **total, "wall": sum(row["wall"] for row in rows)}]:
        print(f"{row['paper']:34}" + "".join(f"{row[kind]:9d}" for kind in STATES) + f"{row['wall']:9.0f}")
    print(*lines, sep="\n", end="\n" if lines else "")
    if not alive.nobody(ROOT / alive.FOLDER):
        print("a run is going on")
    return 0 if total[DONE] == sum(total.values()) else 3
