"""Count the edges that the last blocks of a language model need, in two bases."""

from pathlib import Path

import numpy as np
import xarray as xr

from lib.interaction.chain import accuracy, analyse_chain, fewest_edges
from lib.interaction.language import language_chain, load_tokens
from lib.training.state import as_results, results_so_far

BASES = ["pca", "local"]


def analyse_language(
    model: Path, text: Path, *, layers: int, tokens: int, length: int, batch: int, edge_drop: float,
    ablated_tokens: int, device: str, checkpoint=None, rng,
) -> xr.Dataset:  # fmt: skip
    """Return fewest edges by basis and block, and the next-token accuracy.

    Args:
        model: folder of a causal language model.
        text: tokens, .npy.
        layers: last blocks that are analysed.
        tokens: of the bases.
        length: of a sequence.
        batch: sequences in memory at once.
        edge_drop: of the accuracy that the edges may cost.
        ablated_tokens: tokens of the ablation, the first of those of the bases.
        device: torch device.
        checkpoint: counts so far.
        rng: source of the seed of random signs.
    """
    from transformers import AutoModelForCausalLM

    network = AutoModelForCausalLM.from_pretrained(model, local_files_only=True).to(device).eval()
    network.requires_grad_(False)
    chain, sequences = language_chain(network, layers, load_tokens(text, length, tokens), batch)
    few = max(1, ablated_tokens // (length * batch))
    starts, labels = sequences.starts[:few], sequences.labels[:few]
    seed = int(rng.integers(2**31))
    results = results_so_far(checkpoint)
    for kind in BASES:
        analysed = None
        for layer in range(layers):
            key = f"{kind} {layer}"
            if key in results:
                continue
            analysed = analysed or analyse_chain(chain, sequences.starts, kind, seed=seed)
            results[key] = np.array(fewest_edges(chain, analysed, layer, starts, labels, edge_drop))
            if checkpoint:
                checkpoint.save(as_results(results))
    edges = np.array([[float(results[f"{kind} {layer}"]) for layer in range(layers)] for kind in BASES])
    return xr.Dataset(
        {
            "edges": (("ablated", "layer"), edges, {"long_name": "fewest edges within the drop"}),
            "accuracy": ((), accuracy(chain.run, iter(starts), labels), {"long_name": "next-token accuracy"}),
        },
        coords={"ablated": BASES, "layer": [f"block {layer + 1} of the last {layers}" for layer in range(layers)]},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(analyse_language, snakemake)
