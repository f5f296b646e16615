"""Say which linear probe errs least on labelled features, by number of labelled samples.

python -m lib.commands.choose_probe features.npy --samples 20 100 500

The file is an array (samples, features + 1) of floats whose last column is the label, from 0. Printed are the errors
of naive Bayes, logistic regression and the best probe, and the interval of the difference of the first two.
"""

import argparse
import sys

import numpy as np

from lib.probing.choice import compare_probes, read_table
from lib.probing.evaluation import LR_CV

EPSILON = 1e-3


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    command = argparse.ArgumentParser(
        prog="python -m lib.commands.choose_probe",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("table", help=".npy array whose last column is the label")
    command.add_argument("--samples", type=int, nargs="+", default=[], help="numbers of labelled samples")
    command.add_argument("--repeats", type=int, default=5, help="splits of the rows (default 5)")
    command.add_argument("--seed", type=int, default=0, help="of the splits (default 0)")
    return command


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each number of samples; return the exit status."""
    options = parser().parse_args(arguments)
    try:
        features, labels = read_table(options.table)
        rng = np.random.default_rng(options.seed)
        advice = compare_probes(features, labels, rng, sizes=options.samples, repeats=options.repeats, epsilon=EPSILON)
    except (OSError, ValueError) as error:
        print(f"choose_probe: {error}", file=sys.stderr)
        return 2
    print("samples  naive Bayes  logistic  logistic less naive Bayes  best")
    bayes, logistic = advice.error_of(f"nb {EPSILON:g}").value, advice.error_of(LR_CV).value
    for k, size in enumerate(advice.sizes):
        name = advice.best[k]
        value, low, high = (getattr(advice.difference, end)[k] for end in ("value", "low", "high"))
        best = f"{name} ({advice.error_of(name).value[k]:.3f})"
        print(f"{size:7d}  {bayes[k]:11.3f}  {logistic[k]:8.3f}  {value:+.3f} [{low:+.3f}, {high:+.3f}]  {best:>12}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
