"""Say what the second moment of a frozen backbone's tokens adds to a linear probe, on tokens or images of your own.

python -m lib.commands.probe_tokens tokens.npz
python -m lib.commands.probe_tokens images/ --backbone models/vit

tokens.npz holds tokens (samples, 1 + words, channels), the class token first, and labels; images/ holds a folder for
each class, and the backbone is a folder with a checkpoint of transformers.
"""

import argparse
import sys
from pathlib import Path

import torch

from lib.probing.advice import advise, check_tokens, read_images, read_tokens
from lib.probing.backbones import load_backbone
from lib.probing.pretraining import compute_tokens


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    command = argparse.ArgumentParser(
        prog="python -m lib.commands.probe_tokens",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("source", help="an .npz file of tokens, or a folder of images")
    command.add_argument("--backbone", help="folder of a checkpoint of transformers, for images")
    command.add_argument("--size", type=int, default=224, help="rows and columns of an image (224)")
    command.add_argument("--folds", type=int, default=5, help="parts of the cross-validation (5)")
    command.add_argument("--hidden", type=int, default=128, help="width of the projection of the moment head (128)")
    command.add_argument("--epochs", type=int, default=20, help="passes over the samples (20)")
    return command


def main(arguments: list[str] | None = None) -> int:
    """Print the advice; return the exit status."""
    options = parser().parse_args(arguments)
    try:
        if Path(options.source).is_dir():
            if not options.backbone:
                raise ValueError("backbone: got none, expected the folder of a checkpoint for a folder of images")
            backbone = load_backbone(options.backbone).eval().requires_grad_(False)
            images, names = read_images(options.source, options.size)
            with torch.no_grad():
                tokens, labels = check_tokens(compute_tokens(backbone, images).numpy(), names)
        else:
            tokens, labels = read_tokens(options.source)
        advice = advise(tokens, labels, folds=options.folds, hidden=options.hidden, epochs=options.epochs)
    except (OSError, ValueError) as error:
        print(f"probe_tokens: {error}", file=sys.stderr)
        return 2
    for name, estimate in (("linear probing", advice.linear), ("moment probing", advice.moment)):
        print(f"{name}  {estimate.value:.1%}  ({estimate.low:.1%} to {estimate.high:.1%})")
    gain = advice.gain
    print(f"difference      {100 * gain.value:+.1f} points  ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})")
    if gain.low > 0:
        print("the second moment adds to what a linear probe reads")
    elif gain.high < 0:
        print("the linear probe is better: keep it")
    else:
        print("these samples do not tell the two apart: keep the linear probe")
    return 0


if __name__ == "__main__":
    sys.exit(main())
