"""Train heads on tokens whose classes differ in their covariance alone, or in their third moments alone."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.probing.suite import Recipe, best_linear, train_head, tune_head
from lib.probing.textures import gaussian_token_set, skewed_token_set
from lib.progress import progress


def tell_moments(
    *, heads: list[str], seeds: int, hidden: int, rates: list[float], epochs: int, batch: int, covariance: dict,
    skewness: dict, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return the accuracy of heads on two kinds of token sets.

    Args:
        heads: names of heads.
        seeds: judged data sets of each kind; one more is for tuning.
        hidden: width of the projection of the moment head.
        rates: learning rates that tuning chooses from.
        epochs: of the heads.
        batch: samples of a step.
        covariance: `classes`, `tokens`, `width`, `train`, `test` of the first kind.
        skewness: the same of the second, of two classes.
        root_seed: root of the random streams.
    """
    kinds = {"covariance": covariance, "skewness": skewness}
    accuracy = np.full((len(heads), 2, seeds), np.nan)
    linear, recipe = [], Recipe(hidden, "contiguous", tuple(rates), epochs, batch)
    for k, (kind, p) in enumerate(kinds.items()):
        data = []
        for s in range(seeds + 1):
            rng = generator(root_seed, "moment_probing", "tokens", kind, s)
            sizes = [p["train"], p["test"]]
            if kind == "covariance":
                drawn = gaussian_token_set(p["classes"], p["tokens"], p["width"], sizes, rng)
            else:
                drawn = skewed_token_set(p["tokens"], p["width"], sizes, rng)
            data.append([(torch.from_numpy(x), torch.from_numpy(y).long()) for x, y in drawn])
        fit, held = (tuple(torch.stack(part) for part in zip(*(one[j] for one in data[:-1]))) for j in (0, 1))
        own = [
            int(generator(root_seed, "moment_probing", "token head", kind, s).integers(2**31)) for s in range(seeds + 1)
        ]
        choices = {head: tune_head(head, *data[-1][0], p["classes"], recipe, own[-1]) for head in heads}
        linear.append(best_linear(choices))
        for h, head in enumerate(progress(heads, f"heads on {kind}")):
            accuracy[h, k] = train_head(head, choices[head], fit, held, p["classes"], recipe, own[:-1]).accuracy
    return xr.Dataset(
        {
            "accuracy": (("probe", "kind", "seed"), accuracy, {"long_name": "test accuracy"}),
            "classes": ("kind", [p["classes"] for p in kinds.values()]),
            "linear": ("kind", np.array(linear), {"long_name": "linear probe that validation chose"}),
        },
        coords={"probe": heads, "kind": list(kinds)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(tell_moments, snakemake)
