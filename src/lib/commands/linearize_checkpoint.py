"""Turn a Llama, Mistral or Qwen checkpoint into gated linear attention beside a short window; fine-tune, evaluate it.

python -m lib.commands.linearize_checkpoint models/llama texts.json linearized/ --items items.json

The checkpoint is a folder of transformers with its tokeniser; nothing is downloaded. texts.json is a list of objects
with `instruction`, `input` and `output`, or with `text`; other files are plain text with empty lines between documents.
The first texts are held out. items.json holds multiple-choice items by set:

    {"colours": [{"context": "Grass is", "choices": [" green", " pink"], "answer": 0}, ...], ...}

Printed are held-out losses and accuracies of the softmax model and of the linearized one before and after fine-tuning;
the linearized model is saved as safetensors, for lib.linearizing.checkpoints.load_linearized.
"""

import argparse
import sys
from pathlib import Path

from lib.language.choices import load_choices
from lib.linearizing.attention import GATE_SOURCES
from lib.linearizing.own import STAGES, linearize_checkpoint
from lib.linearizing.recurrence import FORMS

SHOWN = {"softmax": "softmax", "ceiling": "softmax, tuned", "before": "linearized", "after": "linearized, tuned"}


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    command = argparse.ArgumentParser(
        prog="python -m lib.commands.linearize_checkpoint",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("checkpoint", type=Path, help="folder of transformers: config.json, safetensors, tokeniser")
    command.add_argument("texts", type=Path, help=".json, .jsonl or plain text to fine-tune on")
    command.add_argument("output", type=Path, help="folder for the linearized model, which must not exist")
    command.add_argument("--items", type=Path, help="JSON of multiple-choice items by set")
    command.add_argument("--form", choices=FORMS, default="gla", help="gate of the memory (gla)")
    command.add_argument("--window", type=int, default=64, help="tokens of the softmax window (64)")
    command.add_argument(
        "--mix", type=float, nargs=2, default=(0.5, 0.5), help="weights of memory and window (0.5 0.5)"
    )
    command.add_argument("--gate-source", choices=GATE_SOURCES, default="key", help="what the gate reads (key)")
    command.add_argument("--keep-softmax", type=int, nargs="+", default=[], help="layers left as they are, from 0")
    command.add_argument("--rank", type=int, default=8, help="of the adapters (8)")
    command.add_argument("--epochs", type=float, default=2, help="passes over the texts (2)")
    command.add_argument("--tokens", type=int, default=1024, help="of a packed row (1024)")
    command.add_argument("--batch", type=int, default=8, help="rows of a step (8)")
    command.add_argument("--parts", type=int, help="of a step, one after another (as many as rows)")
    command.add_argument("--learning-rate", type=float, default=1e-3, help="of AdamW (0.001)")
    command.add_argument("--held-out", type=int, default=200, help="texts to evaluate on, the first ones (200)")
    command.add_argument("--ceiling", action="store_true", help="fine-tune the softmax model, too; twice the time")
    command.add_argument("--recompute", action="store_true", help="less memory for activations, a third more time")
    command.add_argument("--device", default="cpu", help="torch device (cpu)")
    command.add_argument("--seed", type=int, default=0, help="of adapters and orders (0)")
    return command


def main(arguments: list[str] | None = None) -> int:
    """Print losses and accuracies; return the exit status."""
    options = parser().parse_args(arguments)
    names = ("form", "window", "gate_source", "keep_softmax", "rank", "epochs", "tokens", "batch", "learning_rate")
    settings = {name: getattr(options, name) for name in (*names, "held_out", "ceiling", "recompute", "device", "seed")}
    try:
        if options.output.exists():
            raise ValueError(f"output: got {options.output}, which exists, expected a new folder")
        items = load_choices(options.items) if options.items else None
        report = linearize_checkpoint(
            options.checkpoint,
            options.texts,
            options.output,
            items=items,
            mix=tuple(options.mix),
            parts=options.parts or options.batch,
            **settings,
        )
    except (OSError, ValueError) as error:
        print(f"linearize_checkpoint: {error}", file=sys.stderr)
        return 2
    base, merged, trained = report.parameters
    print(f"parameters: {base} before, {merged} after; {trained} of adapters and new modules were trained")
    softmax, hybrid = report.key_bytes
    print(f"cache: {report.state_bytes} bytes and {hybrid} for each token; softmax: {softmax} for each token")
    stages = [stage for stage in STAGES if stage in report.losses]
    print(f"{'':16s}" + "".join(f"{SHOWN[stage]:>24s}" for stage in stages))
    print(f"{'held-out nats':16s}" + "".join(f"{report.losses[stage]:24.3f}" for stage in stages))
    for name, own in report.accuracy.items():
        cells = (f"{own[stage].value:.1%} ({own[stage].low:.0%} to {own[stage].high:.0%})" for stage in stages)
        print(f"{name:16s}" + "".join(f"{cell:>24s}" for cell in cells))
    if not options.ceiling:
        print("what these texts teach any model is in the last column, too: --ceiling tunes the softmax model alike")
    return 0


if __name__ == "__main__":
    sys.exit(main())
