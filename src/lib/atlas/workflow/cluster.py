"""Whether a cluster that a run is to be sent to answers: without its controller Slurm's commands wait for minutes."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

SECONDS = 10  # that the controller may take to answer
_WITHOUT_JOBS = {"-n", "--dry-run", "--dryrun", "--list-rules", "--list", "-l", "--lint", "--unlock", "--allowed-rules"}


def _value(arguments: Sequence[str], *options: str) -> str:
    """What follows an option of a command line; empty where it is not there."""
    for number, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name in options:
            return value if equals else next(iter(arguments[number + 1 :]), "")
    return ""


def sends_to_slurm(arguments: Sequence[str]) -> bool:
    """Whether a command line of Snakemake sends jobs to Slurm, by its executor or by that of its profile."""
    if _WITHOUT_JOBS & set(arguments):
        return False
    if executor := _value(arguments, "--executor", "-e"):
        return executor == "slurm"
    profile = Path(_value(arguments, "--profile") or "/nowhere") / "config.yaml"
    return profile.is_file() and bool(
        re.search(r"^executor: *slurm\b", profile.read_text(encoding="utf-8"), re.MULTILINE)
    )


def check_controller(arguments: Sequence[str]) -> None:
    """Refuse to send jobs to a Slurm whose controller does not answer.

    Raises:
        ValueError: one line that says so.
    """
    if not sends_to_slurm(arguments):
        return
    try:
        done = subprocess.run(["scontrol", "ping"], capture_output=True, text=True, timeout=SECONDS)
        words = " ".join((done.stdout + done.stderr).split())
        if " is UP" in done.stdout:
            return
    except FileNotFoundError:
        words = "scontrol is not installed here"
    except subprocess.TimeoutExpired:
        words = f"no answer within {SECONDS} s"
    raise ValueError(f"no Slurm controller: got {words[:200]!r} from `scontrol ping`, expected one that is UP")
