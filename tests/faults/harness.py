"""Break runs of the whole workflow at smoke scale in every way that a machine does, and write what happened.

Run as `make faults` (or `python -m tests.faults.harness --seed 1`). It works on copies of the project in a temporary
folder and writes `docs/faults.md`. The exit status is 1 when any outcome is not the promised one.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from lib.atlas.job import store
from tests.conftest import ROOT, Copy, _copy, finished
from tests.faults import damage, kills, mistakes

SECTIONS = ("kills", "damage", "repairs", "configuration")
SAVED = ROOT / ".cache/faults"
LONGEST = 12.0  # seconds of jobs in each life of a run; the whole takes about 25 on an idle machine


class Table:
    """Rows of the document, and whether every promise was kept."""

    def __init__(self):
        self.rows: list[tuple[str, str, int, str]] = []
        self.broken: list[str] = []
        self.started = time.monotonic()

    def add(self, fault: str, where: str, count: int, outcome: str, kept: bool) -> None:
        self.rows.append((fault, where, count, outcome))
        if not kept:
            self.broken.append(f"{fault}, {where}: {outcome} ({count})")
        print(f"[{time.monotonic() - self.started:5.0f} s] {fault} | {where} | {count} | {outcome}", flush=True)


def undisturbed_run(folder: Path, cores: int) -> Path:
    """Results of all papers at smoke scale: the project's own where they are finished, else new ones."""
    results = finished()
    if results is None:
        whole = _copy(folder / "whole", papers=True)
        whole.snakemake(cores=cores)
        results = whole.root / "results/smoke"
    return results


def kill_runs(table: Table, copy: Copy, undisturbed: Path, number: int, seed: int, cores: int) -> list:
    """Kill and resume the whole workflow; every run is started by the same command."""
    done, complete = kills.chain(copy, number, seed, LONGEST, cores=cores)
    total, different = kills.differences(copy, undisturbed)
    broken = [name for kill in done for name in kill.broken]
    group = sum(kill.whole_group for kill in done)
    locked = sum(kill.lock_removed for kill in done)
    table.add(
        "SIGKILL, all processes of the run",
        "`snakemake all`, random moments",
        group,
        "the same command carried on",
        True,
    )
    table.add("SIGKILL, the workflow's process alone", "the same", number - group, "the same command carried on", True)
    table.add("of these kills: a dead lock was met", ".snakemake/locks", locked, "removed, nothing to type", True)
    table.add(
        "half-written files under a final name",
        "after every kill",
        len(broken),
        "none" if not broken else str(broken),
        not broken,
    )
    left = kills.leftovers(copy.root)
    table.add("temporary files left after the end", "results", len(left), "none" if not left else str(left), not left)
    outcome = "stores, figures, tables and claims identical to an undisturbed run"
    table.add(
        "comparison after the last resume", f"{total} files, {complete} runs to the end", len(different),
        outcome if not different else str(different), not different,
    )  # fmt: skip
    return done


def damage_stores(table: Table, undisturbed: Path, number: int, seed: int, folder: Path) -> None:
    """Flip bits and cut tails of the real papers' stores."""
    stores = sorted(undisturbed.rglob("*" + store.SUFFIX))
    fine = ("refused", "values and attributes unaffected")
    for (part, outcome), count in sorted(damage.flips(stores, number, seed, folder).items()):
        table.add("one bit flipped", f"{part}, {len(stores)} stores", count, outcome, outcome in fine)
    for outcome, count in damage.cuts(stores, 40, seed, folder).items():
        table.add("tail cut off", f"{len(stores)} stores", count, outcome, outcome in fine)


def damage_runs(table: Table, toy: Copy) -> None:
    """Remove, flip and cut files of a finished run and run again; run into full disks."""
    toy.snakemake()
    outcomes: Counter = Counter()
    folder = toy.root / "results/smoke/toy"
    needed_by = {"draw_0": ["means.zarr.zip", "figures/histogram.svg"], "means": ["claims.json", "tables/means.csv"]}
    for name, made in needed_by.items():
        path = folder / f"{name}{store.SUFFIX}"
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 4
        for what, contents in (
            ("removed", None),
            ("flipped bit", bytes(flipped)),
            ("tail cut off", whole[:-40]),
            ("empty", b""),
        ):
            outcomes["store " + what, damage.repaired(toy, path, [folder / one for one in made], contents)] += 1
    for (what, outcome), count in outcomes.items():
        table.add(
            what + " in a finished run", "stores of the toy paper", count, outcome, outcome == "remade, the same bytes"
        )
    full = damage.full_disk(toy, [16, 48, 100])
    if not full:
        table.add("disk full", "tmpfs", 0, "skipped: this machine does not allow mounts", True)
    for (outcome), count in Counter(outcome for _, outcome in full).items():
        where = "tmpfs of " + ", ".join(str(size) for size, o in full if o == outcome) + " KiB"
        table.add("disk full", where, count, outcome, outcome.startswith("named"))


def misconfigure(table: Table, toy: Copy, number: int, commands: int, seed: int, folder: Path) -> None:
    """Feed malformed configurations to the loader, and a sample of them to the real command."""
    both = mistakes.copy_of_configuration(ROOT, folder / "configuration")
    for name in ("config/papers/toy.yaml", "workflow/schemas/papers/toy.yaml"):
        (both / name).write_bytes((toy.root / name).read_bytes())
    every = mistakes.everything(both)
    counts: Counter = Counter()
    for mistake in mistakes.sample(every, number, seed):
        try:
            fault = mistakes.fault_of(mistakes.said_by_loader(mistake, both), mistake)
        except Exception as error:
            fault = f"{type(error).__name__}"
        counts[mistake.kind, fault or "one line that names the key"] += 1
    for (kind, outcome), count in sorted(counts.items()):
        table.add(f"configuration: {kind}", "loader", count, outcome, outcome == "one line that names the key")
    every = mistakes.everything(toy.root)
    counts = Counter()
    for mistake in mistakes.sample(every, commands, seed):
        said, fault = mistakes.said_by_command(mistake, toy)
        counts[fault or "exit status 1, one line that names the key, no traceback"] += 1
        if fault:
            print(mistake.kind, mistake.file, mistake.key, mistake.arguments, said)
    for outcome, count in counts.items():
        table.add(
            "configuration: a sample of all kinds", "`snakemake`", count, outcome, outcome.startswith("exit status 1,")
        )


def document(sections: dict[str, dict]) -> str:
    """The saved sections as `docs/faults.md`."""
    rows = [row for saved in sections.values() for row in saved["rows"]]
    broken = [line for saved in sections.values() for line in saved["broken"]]
    caused = ("SIGKILL", "one bit", "tail", "store", "disk", "configuration")
    faults = sum(count for fault, _, count, _ in rows if fault.startswith(caused))
    times = ", ".join(f"{name} {saved['minutes']:.0f} min (seed {saved['seed']})" for name, saved in sections.items())
    killed = sections.get("kills", {}).get("moments", [])
    absent = [name for name in SECTIONS if name not in sections]
    missing = f" Not run yet: {', '.join(absent)}." if absent else ""
    moments = [
        "The moments of the kills, in seconds after the first job (negative: after the command was typed, before any",
        "job), and in brackets the finished files; in a kill marked * the workflow's process died alone and its jobs",
        "lived on:",
        "",
        ", ".join(f"{moment:.1f} s{'' if whole else '*'} ({files})" for moment, whole, files in killed) + ".",
        "",
    ]
    lines = [
        "# What happens when things break",
        "",
        "Written by `make faults`, not by hand. Every fault was really caused, on copies of the project: kills and",
        "damage of stores with all its papers at smoke scale, repairs and the command's configurations with a toy",
        f"paper. `docs/audit.md` says what is promised. Sections: {times}.{missing}",
        "",
        f"**{faults} faults, {len(broken)} broken promises.**",
        "",
        "| fault | where | times | what happened |",
        "| --- | --- | --- | --- |",
        *(f"| {fault} | {where} | {count} | {outcome} |" for fault, where, count, outcome in rows),
        "",
        *(moments if killed else []),
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the harness; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.harness", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="of every random choice")
    parser.add_argument("--kills", type=int, default=24)
    parser.add_argument("--flips", type=int, default=300)
    parser.add_argument("--mistakes", type=int, default=1000, help="malformed configurations for the loader")
    parser.add_argument("--commands", type=int, default=24, help="malformed configurations for the real command")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=SECTIONS, help="what to break now")
    options = parser.parse_args(arguments)
    failed = False
    for section in options.sections:
        table, more = Table(), {}
        with tempfile.TemporaryDirectory(prefix="atlas-faults-") as name:
            folder = Path(name)
            toy = _copy(folder / "toy", papers=False)
            if section == "kills":
                copy = _copy(folder / "killed", papers=True)
                undisturbed = undisturbed_run(folder, options.cores)
                killed = kill_runs(table, copy, undisturbed, options.kills, options.seed, options.cores)
                more["moments"] = [(kill.moment, kill.whole_group, kill.files) for kill in killed]
            elif section == "damage":
                (folder / "damaged").mkdir()
                undisturbed = undisturbed_run(folder, options.cores)
                damage_stores(table, undisturbed, options.flips, options.seed, folder / "damaged")
            elif section == "repairs":
                damage_runs(table, toy)
            else:
                misconfigure(table, toy, options.mistakes, options.commands, options.seed, folder)
        minutes = (time.monotonic() - table.started) / 60
        saved = {"rows": table.rows, "broken": table.broken, "seed": options.seed, "minutes": minutes, **more}
        SAVED.mkdir(parents=True, exist_ok=True)
        (SAVED / f"{section}.json").write_text(json.dumps(saved), encoding="utf-8")
        for line in table.broken:
            print("BROKEN:", line, file=sys.stderr)
        failed |= bool(table.broken)
    there = [section for section in SECTIONS if (SAVED / f"{section}.json").exists()]
    sections = {section: json.loads((SAVED / f"{section}.json").read_text(encoding="utf-8")) for section in there}
    (ROOT / "docs/faults.md").write_text(document(sections), encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
