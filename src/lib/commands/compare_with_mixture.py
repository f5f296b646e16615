"""Say whether Gaussian moments predict the errors of linear classifiers on images that somebody generated.

python -m lib.commands.compare_with_mixture images.npz

images.npz holds `x`, float (images, ...), neither clipped nor rounded, and `label`, integers from 0. For each number of
training images a class: errors on images and on the Gaussian mixture of the same class means and covariances.
"""

import argparse
import sys

import numpy as np

from lib.probing.generated import measure_universality, read_images
from lib.stats.intervals import estimate_ratio


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    command = argparse.ArgumentParser(
        prog="python -m lib.commands.compare_with_mixture",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("images", help="an .npz file with x and label")
    command.add_argument("--sizes", type=int, nargs="+", default=[32, 128, 512], help="training images of a class")
    command.add_argument("--tests", type=int, default=500, help="test images of a class (500)")
    command.add_argument("--repeats", type=int, default=8, help="orders of SGD (8)")
    command.add_argument("--least", type=int, default=2000, help="images that each class must have (2000)")
    command.add_argument(
        "--loss", choices=["squared", "softmax"], default="squared", help="of the classifier (squared)"
    )
    command.add_argument("--rate", type=float, default=0.05, help="learning rate (0.05)")
    command.add_argument("--epochs", type=int, default=60, help="passes over the training images (60)")
    command.add_argument("--seed", type=int, default=0, help="of all randomness (0)")
    command.add_argument("--device", default="cpu", help="torch device (cpu)")
    return command


def main(arguments: list[str] | None = None) -> int:
    """Print errors, ratios and what they say; return the exit status."""
    options = parser().parse_args(arguments)
    try:
        x, label = read_images(options.images, options.least)
        result = measure_universality(
            x,
            label,
            sizes=options.sizes,
            tests=options.tests,
            repeats=options.repeats,
            rng=np.random.default_rng(options.seed),
            loss=options.loss,
            learning_rate=options.rate,
            epochs=options.epochs,
            device=options.device,
        )
    except (OSError, ValueError) as error:
        print(f"compare_with_mixture: {error}", file=sys.stderr)
        return 2
    print("images a class   error on images   on the mixture   ratio (95 % interval)")
    equal = True
    for i, n in enumerate(options.sizes):
        samples, mixture = (result.error.sel(train=s, test=s).values[i] for s in ("samples", "mixture"))
        ratio = estimate_ratio(samples, mixture)
        equal &= bool(ratio.low <= 1 <= ratio.high)
        print(
            f"{n:14d}   {samples.mean():15.4f}   {mixture.mean():14.4f}   "
            f"{ratio.value:.3f} ({ratio.low:.3f} to {ratio.high:.3f})"
        )
    largest, kurtosis = float(result.condition.max()), float(result.kurtosis.mean())
    print(f"largest condition number of a class covariance {largest:.3g}, mean kurtosis {kurtosis:.2f}")
    print(
        "the errors do not differ at these sizes"
        if equal
        else "Gaussian moments do not predict the errors at every size"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
