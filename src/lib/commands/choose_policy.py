"""Say which policy of online matching to use on a graph whose attempts succeed with known probabilities.

python -m lib.commands.choose_policy edges.csv

Columns of the CSV: `offline`, `online`, `probability`, a line for each edge; online vertices arrive in the order in
which the file first names them. An attempt at an edge succeeds with its probability; each offline vertex can succeed
once.
"""

import argparse
import sys

import numpy as np

from lib.matching.advice import advise, read_edges


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    command = argparse.ArgumentParser(
        prog="python -m lib.commands.choose_policy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("edges", help="CSV of edges, with columns offline, online, probability")
    command.add_argument("--replicates", type=int, default=20000, help="simulated runs of each policy (20000)")
    command.add_argument("--seed", type=int, default=0, help="of the simulation (0)")
    return command


def main(arguments: list[str] | None = None) -> int:
    """Print the advice; return the exit status."""
    options = parser().parse_args(arguments)
    try:
        graph = read_edges(options.edges)
        advice = advise(graph.probabilities, options.replicates, np.random.default_rng(options.seed))
    except (OSError, ValueError) as error:
        print(f"choose_policy: {error}", file=sys.stderr)
        return 2
    print(f"no policy has more than {advice.bound:.4g} expected successes")
    for name, value, low, high in zip(advice.policies, advice.value, advice.low, advice.high):
        print(f"{name:12} {value:.4g}  ({low:.4g} to {high:.4g})")
    if advice.rivals:
        print(f"use {advice.best}; {options.replicates} runs do not tell it from {', '.join(advice.rivals)}")
    else:
        print(f"use {advice.best}: it is ahead of all others")
    return 0


if __name__ == "__main__":
    sys.exit(main())
