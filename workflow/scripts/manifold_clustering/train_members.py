"""Stage 2 of every variant and seed, from the weights of stage 1."""

from dataclasses import replace
from functools import partial

import numpy as np
import torch
import xarray as xr

from lib.clustering.data import digits_problem
from lib.clustering.fit import Recipe
from lib.clustering.pipeline import VARIANTS, label_run, torch_source, train_variant
from lib.progress import progress
from lib.training.state import as_results, results_so_far

SCORES = ["accuracy", "nmi", "ari"]


def train_members(
    starts, *, variants: dict[str, list[int]], member: dict, label_eta: float, probe: int, softness: list[float],
    root_seed: int, checkpoint=None,
) -> xr.Dataset:  # fmt: skip
    """Return scores `(variant, seed, moment, score)` and, of the full method, features, rates and last batches.

    Args:
        starts: weights of stage 1.
        variants: seeds of each variant; others are not a number.
        member: recipe of stage 2.
        label_eta: temperature of labels.
        probe: images on which rates are measured.
        softness: temperatures of the softmax that starts from centroids; the most accurate on seed 0 serves all.
        root_seed: root of the random streams.
        checkpoint: finished runs are kept there.
    """
    torch.set_num_threads(1)
    problem = digits_problem(starts.attrs["dim"]).rows(starts.row.values)
    recipe, seeds = Recipe(**member), starts.seed.values
    results = results_so_far(checkpoint)
    score = np.full((len(variants), len(seeds), 2, len(SCORES)), np.nan)
    chosen = float(softness[0])
    jobs = [(name, seed) for name, own in variants.items() for seed in seeds if seed in own or name == "no_ds_kmeans"]
    jobs = [(name, seed) for name, seed in jobs if seed in variants[name] or seed == 0]
    for name, seed in progress(jobs, "runs"):
        v, s = list(variants).index(name), int(np.flatnonzero(seeds == seed)[0])
        start = starts.weight.values[s]

        def one(variant, key, seed=int(seed), start=start):
            if f"score_{key}" not in results:
                source = torch_source(root_seed, "manifold_clustering", "member", seed)
                model, trace, before, after = train_variant(problem, start, variant, recipe, source, label_eta, probe)
                results[f"score_{key}"] = np.stack([before, after])
                if key == f"full_{seed}":
                    z, c, labels = label_run(model, problem, variant, label_eta)
                    results.update({f"z_{seed}": z, f"c_{seed}": c, f"labels_{seed}": labels})
                    results[f"last_{seed}"] = np.stack(trace.cluster)
                    results.update({f"{what}_{seed}": np.array(values) for what, values in trace.passes.items()})
                if checkpoint:
                    checkpoint.save_if_due(partial(as_results, results))
            return results[f"score_{key}"]

        variant = VARIANTS[name]
        if name == "no_ds_kmeans":
            soft = {t: replace(variant, membership=replace(variant.membership, softness=t)) for t in softness}
            if seed == 0:
                accuracy = [one(soft[t], f"{name}_{t}_{seed}")[1, 0] for t in softness]
                chosen = softness[int(np.argmax(accuracy))]
            score[v, s] = one(soft[chosen], f"{name}_{chosen}_{seed}")
        else:
            score[v, s] = one(variant, f"{name}_{seed}")

    def of_full(name):
        return np.stack([results[f"{name}_{seed}"] for seed in seeds])

    return xr.Dataset(
        {
            "score": (("variant", "seed", "moment", "score_name"), score, {"long_name": "agreement with the digits"}),
            "feature": (("seed", "sample", "axis"), of_full("z"), {"long_name": "features after stage 2"}),
            "cluster": (("seed", "sample", "axis"), of_full("c"), {"long_name": "similarity features after stage 2"}),
            "label": (("seed", "start", "sample"), of_full("labels"), {"long_name": "cluster"}),
            "last": (("seed", "batch", "item", "axis"), of_full("last"), {"long_name": "last similarity features"}),
            "rate": (("seed", "epoch"), of_full("rate"), {"long_name": "coding rate R", "units": "nat"}),
            "compressed": (("seed", "epoch"), of_full("compressed"), {"long_name": "rate R_c", "units": "nat"}),
            "whole_rank": (("seed", "epoch"), of_full("rank"), {"long_name": "directions with 95 % of the energy"}),
            "class_rank": (
                ("seed", "epoch", "digit"), of_full("class_rank"), {"long_name": "directions with 95 % of a digit's"},
            ),
        },
        coords={"variant": list(variants), "seed": seeds, "moment": ["start", "end"], "score_name": SCORES},
        attrs={"softness": chosen, "label_eta": label_eta, "batch": recipe.batch, "dim": starts.attrs["dim"]},
    )  # fmt: skip


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_members, snakemake)
