"""Pretrained language models on indirect object identification: alignment maps of one revision."""

from pathlib import Path

import numpy as np
import torch
import xarray as xr

from lib.abstraction.alignment import count_map_parameters, loss_curve, train_maps
from lib.abstraction.english import Corpus, Text, load_causal_lm
from lib.abstraction.hooks import HookedCut, Site
from lib.abstraction.interchange import Batch, intervention_accuracy, owned_coordinates, round_trip_error
from lib.abstraction.maps import Orthogonal, RevNet
from lib.atlas.job.checkpoint import Checkpoint
from lib.atlas.job.seeds import generator, seed_sequence
from lib.training.stacked import generators
from lib.training.state import Part, as_results, results_so_far

PAPER = "nonlinear_dilemma"
POINTS = 60  # of a loss curve
AT_ONCE = 256  # sentences that go through the model together


def align(
    folder: Path, model: str, revision: str, *, entry: dict, names: int, batch: int, tests: int, evaluation: int,
    every: int, device: str, checkpoint: Checkpoint | None, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return one row for each map of the revision, as `align_language` does.

    Args:
        folder: with one folder for each model, and in it one for each revision.
        model, revision: which.
        entry: of this model: `size` in words, `layer` after which the last token's state is aligned (from 1), `dtype`,
            `learning_rate`, `warmup`, `steps`, `patience`, and `maps`: `map`, `blocks`, `hidden` and `split`.
        names: number of names.
        batch: interventions of a step.
        tests, evaluation: interventions for accuracies, and for early stopping every `every` steps.
        every: see there.
        device: where the model is.
        checkpoint: where finished maps and the state of the present one are kept.
        root_seed: root of the random streams.
    """
    network, tokenizer = load_causal_lm(folder / model / revision, getattr(torch, entry["dtype"]))
    network = network.to(device)
    done = results_so_far(checkpoint)
    for number, one in enumerate(entry["maps"]):
        if f"iia_{number}" in done:
            continue
        part = Part(checkpoint, f"map {number}", done) if checkpoint else None
        corpus = Corpus(tokenizer, names, one["split"], generator(root_seed, PAPER, "names", one["split"]))
        row = _fit(network, corpus, model, one, entry, batch, tests, evaluation, every, device, part, root_seed)
        done |= {f"{name}_{number}": np.asarray(value) for name, value in row.items()}
        if checkpoint:
            checkpoint.save_if_due(lambda done=done: as_results(done))
    maps = range(len(entry["maps"]))
    columns = ("iia", "iia_train", "moved", "accuracy", "steps", "parameters", "round_trip")
    return xr.Dataset(
        {
            **{name: ("fit", [float(done[f"{name}_{i}"]) for i in maps]) for name in columns},
            "loss": (("fit", "point"), np.stack([done[f"loss_{i}"] for i in maps]), {"units": "nat"}),
        },
        coords={
            **{key: ("fit", [one[key] for one in entry["maps"]]) for key in ("map", "split")},
            "blocks": ("fit", [int(one.get("blocks", 0)) for one in entry["maps"]]),
            "rate": ("fit", [float(entry["learning_rate"])] * len(maps)),
            "model": ("fit", [revision] * len(maps)),
            "seed": ("fit", [entry["model"]] * len(maps)),
            "size": ("fit", [entry["size"]] * len(maps)),
        },
        attrs={"tests": tests},
    )


def _fit(network, corpus: Corpus, model, one, entry, batch, tests, evaluation, every, device, part, root_seed) -> dict:
    width = network.config.hidden_size
    dtype = next(network.parameters()).dtype
    cut = HookedCut(network, Site(layer_name(network, entry["layer"]), -1))
    sources = generators([seed_sequence(root_seed, PAPER, "map", model, one["map"], one.get("blocks", 0))])
    phi = (
        RevNet(width, one["blocks"], one["hidden"], sources)
        if one["map"] == "revnet"
        else Orthogonal(width, sources, dtype)
    )
    phi, owned = phi.to(device, dtype), owned_coordinates(width, [width // 2]).to(device)

    def draw(kind: str, n: int, rng: np.random.Generator) -> Batch:
        base, source = corpus.draw(kind, n, rng), corpus.draw(kind, n, rng)
        states = torch.stack([_states(cut, text, device) for text in (base, source)], 1)
        wanted = source.sentences.order
        label, other = (torch.from_numpy(base.sentences.answer(order))[None].to(device) for order in (wanted, ~wanted))
        return Batch(
            states, torch.ones(1, n, 1, dtype=torch.bool, device=device), label, other, _context(cut, base, device)
        )

    def upper(hidden, context):
        inputs, site = context
        rows = range(0, hidden.shape[1], AT_ONCE)
        return torch.cat([cut.upper(hidden[:, i : i + AT_ONCE], _part(inputs, site, i)) for i in rows], 1)

    rng = generator(root_seed, PAPER, "train", model, one["split"])
    test = draw("test", tests, generator(root_seed, PAPER, "test", model, one["split"]))
    held_out = draw("evaluation", evaluation, generator(root_seed, PAPER, "evaluation", model, one["split"]))
    history = train_maps(
        phi, lambda: draw("train", batch, rng), upper, owned, test, steps=entry["steps"],
        learning_rate=entry["learning_rate"], warmup=entry["warmup"], evaluation=held_out, every=every,
        patience=entry["patience"], streams=[rng], checkpoint=part, label=f"steps, {model}, {one['map']}",
    )  # fmt: skip
    own = draw("train", min(tests, 2048), generator(root_seed, PAPER, "own", model, one["split"]))
    with torch.no_grad():
        plain = upper(test.states[:, 0], test.context)[0]
    base = corpus.draw("test", tests, generator(root_seed, PAPER, "test", model, one["split"])).sentences
    right, wrong = (
        plain.gather(1, torch.from_numpy(names)[:, None].to(device))
        for names in (base.answer(), base.answer(~base.order))
    )
    return {
        "iia": history.accuracy[0],
        "iia_train": intervention_accuracy(phi, own, upper, owned)[0],
        "moved": history.moved[0],
        "accuracy": float((right > wrong).double().mean()),
        "steps": history.steps,
        "parameters": count_map_parameters(phi),
        "round_trip": round_trip_error(phi, test.states[:, 0]),
        "loss": loss_curve(history.loss, POINTS)[0],
    }


def layer_name(network, layer: int) -> str:
    """Name of the part that computes a layer, counted from 1.

    Raises:
        ValueError: a model without a list of layers, or with fewer.
    """
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == network.config.num_hidden_layers:
            if not 1 <= layer <= len(module):
                raise ValueError(f"layer: got {layer}, expected one from 1 to {len(module)}")
            return f"{name}.{layer - 1}"
    raise ValueError("network: got a model without a list of its layers, expected one, as those of transformers have")


def _inputs(text: Text, device: str) -> dict[str, torch.Tensor]:
    tokens, mask = (torch.from_numpy(array).to(device) for array in (text.sentences.tokens, text.mask))
    return {"input_ids": tokens, "attention_mask": mask}


def _context(cut: HookedCut, text: Text, device: str) -> tuple:
    return _inputs(text, device), cut.site._replace(position=torch.from_numpy(text.sentences.last).to(device))


def _part(inputs: dict, site: Site, start: int) -> tuple:
    rows = slice(start, start + AT_ONCE)
    return {name: value[rows] for name, value in inputs.items()}, site._replace(position=site.position[rows])


def _states(cut: HookedCut, text: Text, device: str) -> torch.Tensor:
    inputs, site = _context(cut, text, device)
    rows = range(0, len(text.mask), AT_ONCE)
    return torch.cat([cut.lower(*_part(inputs, site, i)) for i in rows], 1)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(align, snakemake)
