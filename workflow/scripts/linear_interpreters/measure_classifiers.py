"""Small classifiers of digits: the residual's part of the logits, and whether votes find the pixels that decide."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.interpreters.classifying import RANKINGS, deletion_drops, residual_share
from lib.interpreters.networks import classifier
from lib.interpreters.scope import linear_scope
from lib.interpreters.tasks import calibrate_norms, load_digits, train_classifier
from lib.progress import progress

BASELINES = ("black", "mean")


def measure_classifiers(
    *, networks: list[dict], epochs: int, deleted: int, tested: int, judged: int, examples: int, root_seed: int
) -> xr.Dataset:
    """Return shares and accuracies (network, seed), drops by deletion (seed, baseline, ranking), and examples.

    Args:
        networks: `kind`, `inputs`, `seeds`, whether `trained`; the first one is that of deletion and examples.
        epochs: of training.
        deleted: pixels to replace.
        tested: test images whose logits are split.
        judged: of these, test images of the deletion test.
        examples: images with all their votes.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    seeds = max(network["seeds"] for network in networks)
    share, accuracy, linear, residual = np.full((4, len(networks), seeds), np.nan)
    drops = np.full((networks[0]["seeds"], len(BASELINES), len(RANKINGS)), np.nan)
    shown: dict = {}
    for i in progress(range(len(networks)), "networks"):
        network = networks[i]
        data = load_digits(network["inputs"])
        for seed in range(network["seeds"]):
            rng = generator(root_seed, "linear_interpreters", "classifiers", network["kind"], network["inputs"], seed)
            number = int(rng.integers(2**31))
            torch.manual_seed(number)
            model = classifier(network["kind"])
            if network["trained"]:
                train_classifier(model, data, epochs, number)
            else:
                calibrate_norms(model, data.train)
            outputs, residuals = [], []
            with linear_scope(model.double()) as scope:
                test = data.test[:tested].double()
                for image in test:
                    interpreter = scope.at(image[None], check=False)
                    outputs.append(interpreter.output.numpy())
                    residuals.append(interpreter.residual.numpy())
                y, r = np.stack(outputs), np.stack(residuals)
                truth = data.test_labels[:tested].numpy()
                share[i, seed] = residual_share(y, r)
                for values, logits in ((accuracy, y), (linear, y - r), (residual, r)):
                    values[i, seed] = np.mean(logits.argmax(1) == truth)
                if i == 0:
                    for b, value in enumerate((0.0, float(data.train.mean()))):
                        drops[seed, b] = deletion_drops(
                            scope, model, test[:judged], data.test_labels[:judged], value, deleted, rng
                        ).mean(1)
                if i == 0 and seed == 0:
                    chosen = test[:examples]
                    maps = [scope.at(image[None]) for image in chosen]
                    shown = {
                        "image": (("example", "y", "x"), chosen[:, 0].numpy()),
                        "votes": (
                            ("example", "class", "y", "x"),
                            np.stack([one.votes(range(10)).reshape(10, 8, 8).numpy() for one in maps]),
                        ),
                        "logits": (("example", "class"), y[:examples]),
                        "residual_logits": (("example", "class"), r[:examples]),
                        "label": ("example", truth[:examples]),
                    }
    names = [f"{n['kind']}, {n['inputs']}" + ("" if n["trained"] else ", untrained") for n in networks]
    dims = ("network", "seed")
    return xr.Dataset(
        {
            "share": (dims, share, {"long_name": "|r| / (|r| + |F x|), class-centred, mean over test images"}),
            "accuracy": (dims, accuracy, {"long_name": "test accuracy of y"}),
            "accuracy_linear": (dims, linear, {"long_name": "test accuracy of F x alone"}),
            "accuracy_residual": (dims, residual, {"long_name": "test accuracy of r alone"}),
            "drop": (
                ("deletion_seed", "baseline", "ranking"),
                drops,
                {"long_name": "mean drop of the true class's margin"},
            ),
            **shown,
        },
        coords={"network": names, "baseline": list(BASELINES), "ranking": list(RANKINGS)},
        attrs={"deleted": deleted},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_classifiers, snakemake)
