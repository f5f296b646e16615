"""Say from an offline data set which policy is best, and how many online episodes make it sure.

python -m lib.commands.plan_online data.csv features.csv --eps 0.1

data.csv has the columns step (1, 2, ...), state, action, reward (in [0, 1]) and next_state; features.csv has state,
action and features, or none for one-hot ones. Play the episodes, add them to the data, and ask again until none is
needed.
"""

import argparse
import sys

from lib.mdp.offline_data import plan_online, read_offline_data


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    command = argparse.ArgumentParser(
        prog="python -m lib.commands.plan_online",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("data", help="CSV of transitions")
    command.add_argument("features", help="CSV of the features of states and actions")
    command.add_argument("--eps", type=float, required=True, help="accuracy of the policy, in units of reward")
    command.add_argument("--delta", type=float, default=0.05, help="chance of failure (default 0.05)")
    command.add_argument("--candidates", type=int, default=200, help="random policies to compare (default 200)")
    return command


def main(arguments: list[str] | None = None) -> int:
    """Print the plan; return the exit status."""
    options = parser().parse_args(arguments)
    try:
        data = read_offline_data(options.data, options.features)
        plan = plan_online(data, options.eps, options.delta, candidates=options.candidates)
    except (OSError, ValueError) as error:
        print(f"plan_online: {error}", file=sys.stderr)
        return 2

    def words(policy) -> str:
        seen = data.counts.visits.sum(axis=-1) > 0
        seen[0] = False
        seen[0, data.start] = True
        return "; ".join(
            f"step {step + 1}: "
            + ", ".join(
                f"{name} -> {data.actions[policy[step, state]]}"
                for state, name in enumerate(data.states)
                if seen[step, state]
            )
            for step in range(len(policy))
        )

    print(f"best of {plan.candidates} policies, {plan.rivals} others within eps: {words(plan.policy)}")
    print(f"estimated value {plan.value:.4g}, standard deviation {plan.width:.2g} at most")
    if plan.episodes == 0:
        print("no online episode is needed")
    else:
        print(f"play {plan.episodes} online episodes, add them to the data, and ask again:")
        for number, policy in zip(plan.play, plan.policies):
            print(f"  {number} of {words(policy)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
