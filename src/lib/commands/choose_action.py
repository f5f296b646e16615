"""Say which action to try next, or which to keep, from a CSV of actions whose rewards are linear and sparse up to eps.

python -m lib.commands.choose_action actions.csv --sparsity 2 --eps 0.05

Each row is an action of norm at most 1; every column but `reward` is a feature, and `reward` is empty where the action
was not tried. Fill in the reward of the named action and call again; the action to keep is within 4 eps of the best.
"""

import argparse
import sys

from lib.bandits.advice import advise, read_table


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    command = argparse.ArgumentParser(
        prog="python -m lib.commands.choose_action",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("table", help="CSV of actions, with a column reward")
    command.add_argument("--sparsity", type=int, required=True, help="number of features that matter")
    command.add_argument("--eps", type=float, required=True, help="largest difference from a linear reward")
    return command


def main(arguments: list[str] | None = None) -> int:
    """Print the advice; return the exit status."""
    options = parser().parse_args(arguments)
    try:
        actions, rewards, _ = read_table(options.table)
        advice = advise(actions, rewards, options.sparsity, options.eps)
    except (OSError, ValueError) as error:
        print(f"choose_action: {error}", file=sys.stderr)
        return 2
    if not advice.final:
        print(f"try row {advice.action} next ({len(advice.used)} known rewards used)")
    elif advice.consistent:
        best = rewards[advice.action] + 4 * options.eps
        print(f"keep row {advice.action}: reward {rewards[advice.action]:.6g}, and no action has more than {best:.6g}")
    else:
        print(
            f"no parameter with {options.sparsity} nonzero entries explains the rewards to {options.eps}: "
            f"the best known is row {advice.action}, and nothing is guaranteed"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
