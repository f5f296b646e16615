"""Say what lies between two trained networks: barrier, excess by layer, and the barrier after matching hidden units.

python -m lib.commands.compare_runs one.safetensors other.safetensors data.npz --model nets.py:build

Networks are safetensors or state_dicts of torch.save; data are an .npz file with `inputs` and `targets`, integers for
classes. Without --model, networks must be linear layers in a row.
"""

import argparse
import sys

from torch import nn

from lib.landscape.compare import compare_runs, module_at, perceptron_of, read_batches
from lib.landscape.losses import ACTIVATIONS
from lib.landscape.parameters import read_parameters


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    command = argparse.ArgumentParser(
        prog="python -m lib.commands.compare_runs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("first", help="parameters of the first network")
    command.add_argument("second", help="parameters of the second network")
    command.add_argument("data", help=".npz file with inputs and targets")
    command.add_argument("--model", help="package.module:function or file.py:function that returns the architecture")
    command.add_argument("--activation", choices=sorted(ACTIVATIONS), default="relu", help="without --model")
    command.add_argument("--points", type=int, default=11, help="points of the line, odd")
    command.add_argument("--batch", type=int, default=1000, help="samples of a batch")
    command.add_argument("--reset-statistics", action="store_true", help="batch normalisation anew at every point")
    return command


def main(arguments: list[str] | None = None) -> int:
    """Print the comparison; return the exit status."""
    options = parser().parse_args(arguments)
    try:
        if options.points < 3 or options.points % 2 == 0:
            raise ValueError(f"points: got {options.points}, expected an odd number from 3 on")
        networks = [read_parameters(path) for path in (options.first, options.second)]
        if options.model:
            module = module_at(options.model)
        else:
            module, names = perceptron_of(networks[0], options.activation)
            networks = [{names.get(name, name): value for name, value in network.items()} for network in networks]
        batches = read_batches(options.data, options.batch)
        classes = not batches[0][1].is_floating_point()
        result = compare_runs(
            module, *networks, batches,
            alphas=[i / (options.points - 1) for i in range(options.points)],
            criterion=nn.functional.cross_entropy if classes else nn.functional.mse_loss,
            reset_statistics=options.reset_statistics,
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError, ImportError, AttributeError) as error:
        print(f"compare_runs: {error}", file=sys.stderr)
        return 2
    _show(result)
    return 0


def _show(result) -> None:
    ends = result.loss.curve[[0, -1]].tolist()
    at = result.alphas[int(result.loss.excess.argmax())]
    print(f"loss {ends[0]:.4g} and {ends[1]:.4g} at the ends, barrier {float(result.loss.height):.4g} at {at:g}")
    print(f"curvature at the ends lets expect {result.expected:.4g} at 1/2")
    if result.error is not None:
        print(f"barrier of the error {100 * float(result.error.height):.2f} %")
    if result.matched is not None:
        print(f"barrier of the loss after matching hidden units {float(result.matched.height):.4g}")
    print("layer alone half of the way: rise of the loss, expected from curvature")
    for name, (excess, expected) in result.layers.items():
        print(f"  {name or '(top)'}: {excess:.4g}, {expected:.4g}")


if __name__ == "__main__":
    sys.exit(main())
