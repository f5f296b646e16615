"""Test errors of linear probes on a user's features of one backbone and data set, at one number of samples."""

from pathlib import Path

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.probing.digits import read_features
from lib.probing.evaluation import likelihood_gaps, linear_eval, variance_deciles


def probe_files(
    features, *, backbone: str, dataset: str, size: int, classes: dict[str, int], repeats: int,
    diagnose: dict[str, int], strengths: dict[str, list[float]], epsilons: list[float], gap_epsilon: float, tol: float,
    root_seed: int, device, checkpoint,
) -> xr.Dataset:  # fmt: skip
    """Return errors (seed, backbone, subsample, m, probe) of independent subsamples, which count as seeds.

    At one number of samples of each data set, deciles of pooled variances and gaps of log-likelihoods of all rows too.

    Args:
        features: folder with `<backbone>/<dataset>/{train,val}.npy`, last column the label.
        backbone, dataset, size: which features, and how many samples.
        classes: number of classes of each data set.
        repeats: subsamples.
        diagnose: number of samples at which diagnostics are computed, by data set.
        strengths: values of C by data set.
        epsilons: of naive Bayes.
        gap_epsilon: the one of the diagnostics.
        tol: of logistic regression.
        root_seed: root of the random streams.
        device: where the logistic loss is evaluated.
        checkpoint: keeps the errors of the subsamples done.
    """
    folder = Path(features) / backbone / dataset
    x, labels = read_features(folder, "train", classes[dataset])
    test, truth = read_features(folder, "val", classes[dataset])
    state = checkpoint.load() if checkpoint else None
    rows = list(state["errors"]) if state else []
    names = [str(name) for name in state["probes"]] if state else []
    for repeat in range(len(rows), repeats):
        cell = linear_eval(
            x, labels, test, truth, size,
            generator(root_seed, "generative_vs_discriminative", "files", backbone, dataset, size, repeat),
            epsilons=epsilons, strengths=strengths[dataset], tol=tol, device=str(device),
        )  # fmt: skip
        names = list(cell)
        rows.append(np.array(list(cell.values())))
        if checkpoint:
            kept = {"errors": np.array(rows), "probes": np.array(names)}
            checkpoint.save_if_due(lambda kept=kept: kept)
    name = f"{backbone}, {dataset}"
    store = xr.Dataset(
        {"error": (("seed", "backbone", "subsample", "m", "probe"), np.array(rows)[:, None, None, None, :])},
        coords={"seed": range(repeats), "backbone": [name], "m": [size], "probe": names},
    )
    if size == diagnose[dataset]:
        gaps = likelihood_gaps(x, labels, test, truth, gap_epsilon)
        store = store.assign(
            decile=(("seed", "backbone", "tenth"), np.tile(variance_deciles(x, labels), (repeats, 1, 1))),
            gap=(("seed", "backbone", "label"), np.tile(gaps, (repeats, 1, 1))),
        ).assign_coords(tenth=np.arange(1, 10), label=np.arange(classes[dataset]))
    return store


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(probe_files, snakemake)
