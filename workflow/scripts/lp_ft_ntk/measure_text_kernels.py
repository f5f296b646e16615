"""Tangent kernels of an encoder of transformers where fine-tuning on a set of texts starts."""

from pathlib import Path

import numpy as np
import torch
import xarray as xr

from lib.language.texts import load_text_encoder, read_texts, tokenise
from lib.ntk.empirical import adapter_kernel, split_kernel
from lib.ntk.linearised import numerical_rank, residuals, singular_values, tuned_ratio
from lib.probing.heads import probe_head, random_head
from lib.probing.text_tuning import text_features
from lib.training.low_rank import draw_adapters

STARTS = ("FT", "LP-FT", "LoRA", "LP-LoRA")


def measure_text_kernels(
    encoder, folder, *, task: str, adapters: dict, samples: int, layers: int, batch: int, length: int, device: str, rng
) -> xr.Dataset:
    """Return norms, ranks and the share of the first step that moves features, for the four starts.

    Args:
        encoder: folder of an encoder of transformers.
        folder: has a folder for each set of texts.
        task: name of the set.
        adapters: rank, alpha and targets.
        samples: training texts of the kernels.
        layers: layers whose inputs and gradients are held at once.
        batch: texts of one pass.
        length: tokens of a text at most.
        device: torch device.
        rng: generator.
    """
    backbone, tokeniser = load_text_encoder(str(encoder))
    texts = read_texts(Path(str(folder)) / task / "train.jsonl")
    inputs = tokenise(tokeniser, texts, length)
    features = text_features(backbone, inputs, batch, device)
    backbone = backbone.to(device).double()
    chosen = np.sort(rng.permutation(len(texts.labels))[:samples])
    x, labels = tuple(part[chosen].to(device) for part in inputs), texts.labels[chosen]
    probed = probe_head(features, texts.labels)
    random = random_head(len(probed.weights), backbone.width, rng)
    source = [torch.Generator().manual_seed(int(rng.integers(2**62)))]
    drawn = draw_adapters(backbone.cpu(), tuple(adapters["targets"]), adapters["rank"], source)
    backbone = backbone.to(device)
    scale = adapters["alpha"] / adapters["rank"]
    projections = {name: scale * one.down[0].detach().double().to(device) for name, one in drawn.items()}
    norm, ratio = np.empty((len(STARTS), 3)), np.empty(len(STARTS))
    ranks = np.empty((len(STARTS), 3, 2))
    for j, start in enumerate(STARTS):
        head = random if start in ("FT", "LoRA") else probed
        weights = torch.from_numpy(head.weights).to(device)
        options = {"layers": layers, "batch": batch}
        only = (lambda name: False) if "LoRA" in start else None
        pretrained, tuned = split_kernel(backbone, weights, x, only=only, **options)
        if "LoRA" in start:
            tuned = adapter_kernel(backbone, weights, x, projections, **options)
        parts = [part.cpu().numpy() for part in (pretrained, tuned, pretrained + tuned)]
        slopes = residuals(head.scores(features[chosen]), labels)
        ratio[j] = tuned_ratio(parts[0], parts[1], slopes)
        for k, part in enumerate(parts):
            values = singular_values(part)
            norm[j, k] = np.linalg.norm(part)
            ranks[j, k] = [numerical_rank(values, len(values), kind) for kind in (np.float64, np.float32)]
    return xr.Dataset(
        {
            "norm": (("start", "kernel"), norm, {"long_name": "Frobenius norm"}),
            "numerical_rank": (("start", "kernel", "precision"), ranks, {"long_name": "numerical rank"}),
            "ratio": ("start", ratio, {"long_name": "share of the first step that moves features"}),
        },
        coords={"start": list(STARTS), "kernel": ["P", "F", "K"], "precision": ["float64", "float32"]},
        attrs={"task": task, "samples": len(chosen)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_text_kernels, snakemake)
