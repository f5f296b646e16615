"""Small language models on indirect object identification: random and trained ones, and alignment maps of both."""

import numpy as np
import torch
import xarray as xr

from lib.abstraction.alignment import count_map_parameters, loss_curve, train_maps
from lib.abstraction.interchange import Batch, intervention_accuracy, owned_coordinates, round_trip_error
from lib.abstraction.maps import Orthogonal, RevNet, Standardised
from lib.abstraction.sentences import Sentences, small_world, split_names, split_sentences
from lib.abstraction.transformer import LastTokenCut, SmallTransformer, train_transformer
from lib.atlas.job.checkpoint import Checkpoint
from lib.atlas.job.seeds import generator, seed_sequence
from lib.training.stacked import generators
from lib.training.state import Part, as_results, results_so_far

PAPER = "nonlinear_dilemma"
POINTS = 60  # of a loss curve
COLUMNS = {
    "iia": "accuracy on interventions of held-out sentences",
    "iia_train": "accuracy on interventions of the sentences of training",
    "moved": "change of the accuracy over the last quarter of the steps",
    "accuracy": "of the language model itself, held-out sentences",
    "steps": "of the training",
    "parameters": "degrees of freedom of the map",
    "round_trip": "largest error of the inverse",
}


def align(
    *, world: dict, model: dict, site: int, runs: list[dict], batch: int, shared: int, tests: int, share: float,
    rounds: int, plateau: float, learning: dict, checkpoint: Checkpoint | None, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return one row for each fit: a map, of one language model, for the order of the names.

    Args:
        world: numbers of `names`, `places`, `objects` and `fillers`.
        model: `layers`, `width` and `heads` of the language models.
        site: layer after which the last token's state is aligned, counted from 1.
        runs: `model` (`random` or `trained`), `map` (`revnet` with `blocks` and `hidden`, or `orthogonal`), `split`
            (`sentence` or `name`), `seeds`, `steps`, `learning_rate`, and perhaps `rounds`.
        batch: interventions of a step.
        shared: sentences of a step, among which its interventions are drawn.
        tests: interventions on which accuracies are measured.
        share: of the sentences, or names, that maps and models train on.
        rounds: a map whose loss is still on the plateau after its steps is trained for as many again, so often in all.
        plateau: loss in nats above which a map counts as not having taken off.
        learning: `steps`, `batch` and `learning_rate` of the language models.
        checkpoint: where finished fits and the state of the present one are kept.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    done = results_so_far(checkpoint)
    fits = [(run, seed) for run in runs for seed in range(run["seeds"])]
    models: dict[tuple, SmallTransformer] = {}
    for number, (run, seed) in enumerate(fits):
        if f"iia_{number}" in done:
            continue
        part = Part(checkpoint, f"fit {number}", done) if checkpoint else None
        sentences, vocabulary = small_world(generator(root_seed, PAPER, "world"), **world)
        split = split_names if run["split"] == "name" else split_sentences
        inside, outside = split(
            sentences, share if run["split"] == "sentence" else 0.5, generator(root_seed, PAPER, "split", run["split"])
        )
        key = (run["model"], run["split"], seed)
        if key not in models:
            models[key] = _language_model(run, seed, model, vocabulary, sentences, inside, learning, root_seed)
        row = _fit(
            run,
            seed,
            models[key],
            sentences,
            inside,
            outside,
            site,
            batch,
            shared,
            tests,
            rounds,
            plateau,
            part,
            root_seed,
        )
        done |= {f"{name}_{number}": np.asarray(value) for name, value in row.items()}
        if checkpoint:
            checkpoint.save_if_due(lambda done=done: as_results(done))
    return xr.Dataset(
        {
            **{
                name: ("fit", [float(done[f"{name}_{i}"]) for i in range(len(fits))], {"long_name": words})
                for name, words in COLUMNS.items()
            },
            "loss": (
                ("fit", "point"),
                np.stack([done[f"loss_{i}"] for i in range(len(fits))]),
                {"long_name": "mean loss over a part of the steps", "units": "nat"},
            ),
        },
        coords={
            **{name: ("fit", [run[name] for run, _ in fits]) for name in ("model", "map", "split")},
            "blocks": ("fit", [int(run.get("blocks", 0)) for run, _ in fits]),
            "rate": ("fit", [float(run["learning_rate"]) for run, _ in fits]),
            "seed": ("fit", [seed for _, seed in fits]),
            "size": ("fit", ["small"] * len(fits)),
        },
        attrs={"tests": tests, "sentences": len(small_world(generator(root_seed, PAPER, "world"), **world)[0].tokens)},
    )


def _language_model(
    run, seed, model, vocabulary, sentences: Sentences, inside, learning, root_seed
) -> SmallTransformer:
    """The random model of a seed, and the same one trained on the sentences that maps train on."""
    length = sentences.tokens.shape[1]
    network = SmallTransformer(
        vocabulary, length, **model, sources=generators([seed_sequence(root_seed, PAPER, "model", seed)])
    )
    if run["model"] == "trained":
        tokens, answers = (torch.from_numpy(array[inside]) for array in (sentences.tokens, sentences.answer()))
        train_transformer(
            network, tokens, answers, generator(root_seed, PAPER, "learn", run["split"], seed), **learning
        )
    return network.requires_grad_(False)


def _fit(
    run, seed, network, sentences, inside, outside, site, batch, shared, tests, rounds, plateau, part, root_seed
) -> dict:
    tokens = torch.from_numpy(sentences.tokens)
    cut = LastTokenCut(network, tokens, site)
    width = cut.hidden.shape[-1]
    owned = owned_coordinates(width, [width // 2])
    rng = generator(root_seed, PAPER, "interventions", run["split"], seed)

    def draw(n: int, rows: np.ndarray, rng) -> Batch:
        base, source = (rows[rng.integers(0, len(rows), n)] for _ in range(2))
        return interventions(base, source, np.concatenate([base, source]), np.arange(2 * n).reshape(2, n))

    def sample() -> Batch:
        """Interventions among a few sentences, each of which goes through the map once."""
        few = rng.choice(inside, min(shared, len(inside)), replace=False)
        index = rng.integers(0, len(few), (2, batch))
        return interventions(few[index[0]], few[index[1]], few, index)

    def interventions(base: np.ndarray, source: np.ndarray, states: np.ndarray, index: np.ndarray) -> Batch:
        chosen, wanted = sentences.take(base), sentences.order[source]
        label, other = (torch.from_numpy(chosen.answer(order))[None] for order in (wanted, ~wanted))
        return Batch(
            cut.hidden[:, torch.from_numpy(states)],
            torch.ones(1, len(base), 1, dtype=torch.bool),
            label,
            other,
            torch.from_numpy(base),
            torch.from_numpy(index)[None],
        )

    sources = generators([seed_sequence(root_seed, PAPER, "map", run["map"], run.get("blocks", 0), seed)])
    inner = (
        RevNet(width, run["blocks"], run["hidden"], sources) if run["map"] == "revnet" else Orthogonal(width, sources)
    )
    known = cut.hidden[:, torch.from_numpy(inside)]
    mean = known.mean(1, keepdim=True)
    phi = Standardised(inner, mean, (known - mean).std(dim=(1, 2), keepdim=True))
    test = draw(tests, outside, generator(root_seed, PAPER, "test", run["split"], seed))
    traces, history = [], None
    for turn in range(run.get("rounds", rounds)):
        steps = run["steps"]
        history = train_maps(
            phi, sample, cut.upper, owned, test, steps=steps,
            learning_rate=run["learning_rate"], warmup=max(1, 3 * steps // 10), decay="cosine", streams=[rng],
            checkpoint=part if turn == 0 else None, label=f"steps, {run['model']}, {run['map']}",
        )  # fmt: skip
        traces.append(history.loss)
        if run["map"] == "orthogonal" or traces[-1][-50:].mean() < plateau:
            break
    trace = np.concatenate(traces)
    logits = network(tokens[torch.from_numpy(outside)])[0]
    right, wrong = (
        logits.gather(1, torch.from_numpy(names[outside])[:, None])
        for names in (sentences.answer(), sentences.answer(~sentences.order))
    )
    own = draw(tests, inside, generator(root_seed, PAPER, "own", run["split"], seed))
    return {
        "iia": history.accuracy[0],
        "iia_train": intervention_accuracy(phi, own, cut.upper, owned)[0],
        "moved": history.moved[0],
        "accuracy": float((right > wrong).double().mean()),
        "steps": len(trace),
        "parameters": count_map_parameters(inner),
        "round_trip": round_trip_error(phi, cut.hidden),
        "loss": loss_curve(trace, POINTS)[0],
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(align, snakemake)
