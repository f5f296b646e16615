"""Linearize the bases in several ways and fine-tune each, every variant of a seed on the same base and batches."""

import itertools

import numpy as np
import torch
import xarray as xr

from kernels.agreement import relative_error
from lib.atlas.job.seeds import generator, seed_sequence
from lib.language.key_gates import collect_keys, count_memory_lengths
from lib.language.llama import load_arrays, small_llama, weights_as_arrays
from lib.language.worlds import make_world
from lib.linearizing.adapters import TARGETS, add_adapters, merge_adapters
from lib.linearizing.convert import linearize, new_parameters
from lib.linearizing.lolcats import train_new_alone, transfer_loss
from lib.training.single import train_parameters
from lib.training.state import Part, pack_generator, results_so_far, unpack_generator
from lib.training.tuning import EXTRA

PAPER = "liger"
NUMBERS = ("zero_shot", "tuned", "new_parameters", "same_names", "merge_error", "change_l1", "change_l2")


def tune_variants(
    bases,
    *,
    world: str,
    group: str,
    data: dict,
    model: dict,
    tune: dict,
    window: int,
    adapters: dict,
    seeds: int,
    catalogue: dict[str, dict],
    variants: list[str],
    root_seed: int,
    checkpoint=None,
) -> xr.Dataset:
    """Return scores before and after fine-tuning, losses, numbers of new parameters, errors of merging, changes.

    Args:
        bases: store of `train_bases`.
        world, data, model: as of `train_bases`.
        group: name of these variants.
        tune: `steps`, `learning_rate`, `warmup` and `decay` of the fine-tuning.
        window: tokens of the softmax window.
        adapters: `rank` and `alpha`.
        seeds: how many of the bases.
        catalogue: options by variant: `kind` (`softmax`: as it is, `liger`, `lolcats`: maps first, then adapters, or
            `scratch`: nothing pretrained), options of `lib.linearizing.convert.linearize`, `last_softmax`, `full`,
            `steps` where there are others; lists `learning_rates`, `new_rates` (of parameters that the base does not
            have) and `shares` (of the steps that the maps get), of which the best is chosen on a further base.
        variants: those that are trained.
        root_seed: root of the random streams.
        checkpoint: where the state of the training is saved.
    """
    own = make_world(world, **data)
    numbers = list(range(seeds))
    results = results_so_far(checkpoint)
    edges = bases["edge"].values

    def trained(name: str, n: int, choice: tuple[float, float, float], label: str) -> None:
        """Train one variant of one seed, its results under `label`."""
        options = catalogue[name]
        kind, steps = options.get("kind", "liger"), options.get("steps", tune["steps"])
        rate, new_rate, share = choice
        seed = int(seed_sequence(root_seed, PAPER, "tune", world, n).generate_state(1)[0])
        network = small_llama(own.vocabulary, positions=own.positions, seed=seed, **model)
        if kind != "scratch":
            place = {"seed": n}
            base = {key: bases[f"weight:{key}"].sel(place).values for key, _ in network.named_parameters()}
            load_arrays(network, base)
        shapes = {key: tuple(p.shape) for key, p in network.named_parameters()}
        if kind != "softmax":
            _linearize(network, options, kind, window, model["layers"], seed)
        before = weights_as_arrays(network)
        zero_shot, _ = own.score(network.eval(), generator(root_seed, PAPER, "evaluate", world, n))
        fresh = new_parameters(network)
        stream = generator(root_seed, PAPER, "tune", world, n)

        def part(phase: str):
            return Part(checkpoint, f"{label}, {phase}", results) if checkpoint else None

        network.train()
        first = round(share * steps) if kind == "lolcats" else 0
        losses = []
        if first:
            losses.append(_train_maps(network, fresh, own, stream, first, new_rate, tune, label, part("maps"), results))
        if kind != "scratch":
            network = add_adapters(
                network, **adapters, full=options.get("full", False), train_new=kind != "lolcats", seed=seed
            )
        moving = [p for p in network.parameters() if p.requires_grad]
        mine = {id(p) for p in fresh}
        groups = [
            ([p for p in moving if id(p) not in mine], rate),
            ([p for p in moving if id(p) in mine], new_rate),
        ]
        losses.append(
            train_parameters(
                groups, lambda step: own.loss(network, stream, step, steps), steps=steps - first,
                warmup=tune["warmup"], decay=tune["decay"], label=f"steps of {label}", streams=[stream],
                checkpoint=part("adapters"),
            )
        )  # fmt: skip
        network.eval()
        tokens = own.sample(generator(root_seed, PAPER, "sample", world, n))
        with torch.no_grad():
            unmerged = network(input_ids=torch.from_numpy(tokens), use_cache=False).logits
            network = merge_adapters(network)
            merged = network(input_ids=torch.from_numpy(tokens), use_cache=False).logits
        tuned, near = own.score(network, generator(root_seed, PAPER, "evaluate", world, n))
        after = weights_as_arrays(network)
        changes = _changes(before, after, shapes) if kind != "scratch" else (np.nan, np.nan)
        same = {key: value.shape for key, value in after.items()} == shapes
        extra = sum(v.size for v in after.values()) - sum(int(np.prod(shape)) for shape in shapes.values())
        error = relative_error(merged, unmerged)
        results[f"{label}|numbers"] = np.array([zero_shot, tuned, extra, same, error, *changes])
        results[f"{label}|loss"], results[f"{label}|near"] = np.concatenate(losses), near
        if name == "liger":
            gates = collect_keys(network, own.sample(generator(root_seed, PAPER, "gates", world, n)))
            results[f"{label}|gates"] = count_memory_lengths(gates, edges)
        print(f"{label}: {zero_shot:.4f} before, {tuned:.4f} after {steps} steps", flush=True)

    candidates, scores = {}, {}
    for name in variants:
        options = catalogue[name]
        rates = options.get("learning_rates", [tune["learning_rate"]])
        candidates[name] = list(
            itertools.product(rates, options.get("new_rates", rates[:1]), options.get("shares", [0]))
        )
        scores[name] = np.full(len(candidates[name]), np.nan)
        if len(candidates[name]) > 1:
            for i, choice in enumerate(candidates[name]):
                label = f"{name}, seed {EXTRA}, choice {i}"
                if f"{label}|numbers" not in results:
                    trained(name, EXTRA, choice, label)
                scores[name][i] = results[f"{label}|numbers"][NUMBERS.index("tuned")]
        best = int(np.nan_to_num(scores[name], nan=-np.inf).argmax())
        for n in numbers:
            label = f"{name}, seed {n}"
            if f"{label}|numbers" not in results:
                trained(name, n, candidates[name][best], label)
        candidates[name] = (candidates[name], best)

    def stacked(what: str) -> np.ndarray:
        rows = [[np.asarray(results[f"{name}, seed {n}|{what}"]) for n in numbers] for name in variants]
        longest = max(len(item) for row in rows for item in row)
        wide = np.full((len(rows), len(numbers), longest), np.nan)
        for i, row in enumerate(rows):
            for j, item in enumerate(row):
                wide[i, j, : len(item)] = item
        return wide

    values = stacked("numbers")
    most = max(len(choices) for choices, _ in candidates.values())
    tuning = np.full((len(variants), most), np.nan)
    for i, name in enumerate(variants):
        tuning[i, : len(scores[name])] = scores[name]
    chosen = np.array([choices[best] for choices, best in candidates.values()])
    variables = {name: (("variant", "seed"), values[..., i]) for i, name in enumerate(NUMBERS)} | {
        "near": (("variant", "seed", "distance"), stacked("near"), {"long_name": "right answers by distance"}),
        "loss": (("variant", "seed", "step"), stacked("loss").astype(np.float32), {"units": "nats"}),
        "tuning": (("variant", "choice"), tuning, {"long_name": "score of a further seed"}),
        "chosen": (("variant", "option"), chosen, {"long_name": "chosen options"}),
    }
    if "liger" in variants:
        gates = np.stack([results[f"liger, seed {n}|gates"] for n in numbers]).astype(np.int32)
        variables["gates"] = (("seed", "layer", "group", "channel", "bin"), gates)
        variables["edge"] = ("edges", edges, {"units": "tokens"})
    return xr.Dataset(
        variables,
        coords={"variant": variants, "seed": numbers, "option": ["learning_rate", "new_rate", "share"]},
        attrs={
            "world": world,
            "group": group,
            "window": window,
            "step_tokens": own.batch_tokens,
            "tune_tokens": tune["steps"] * own.batch_tokens,
        },
    )


def _linearize(network, options: dict, kind: str, window: int, layers: int, seed: int) -> None:
    """Replace the attention of a model as a variant says."""
    mine = {key: options[key] for key in ("form", "mix", "gate_source", "feature_map", "slots") if key in options}
    if kind == "lolcats":
        mine |= {"form": "normalised", "feature_map": "learned", "rotary_features": True}
    kept_layers = (layers - 1,) if options.get("last_softmax") else ()
    linearize(network, window=options.get("window", window), keep_softmax=kept_layers, seed=seed, **mine)


def _train_maps(network, maps, own, stream, steps, rate, tune, label, part, results) -> np.ndarray:
    """The first stage of LoLCATs: feature maps alone, towards the outputs of softmax attention."""
    done = f"{label}|maps"
    if f"{done}|loss" not in results:
        train_new_alone(network)

        def loss(step: int) -> torch.Tensor:
            return transfer_loss(network, torch.from_numpy(own.draw(stream, step, steps)[0]))

        trace = train_parameters(
            [(maps, rate)], loss, steps=steps, warmup=tune["warmup"], decay=tune["decay"],
            label=f"steps of the maps of {label}", streams=[stream], checkpoint=part,
        )  # fmt: skip
        results |= {f"{done}|{i}": parameter.detach().numpy().copy() for i, parameter in enumerate(maps)}
        results |= {f"{done}|loss": trace, f"{done}|stream": pack_generator(stream)}
    with torch.no_grad():
        for i, parameter in enumerate(maps):
            parameter.copy_(torch.from_numpy(np.array(results[f"{done}|{i}"])))
    stream.bit_generator.state = unpack_generator(results[f"{done}|stream"]).bit_generator.state
    return np.full(steps, np.nan)  # errors of outputs, not losses of tokens


def _changes(before: dict, after: dict, base: dict) -> tuple[float, float]:
    """Relative change of all weights that a fine-tuning may move, in the norms L1 and L2."""
    names = [key for key in after if key not in base or key.split(".")[-2] in TARGETS]
    first, second = (np.concatenate([part[key].ravel().astype(float) for key in names]) for part in (before, after))
    return tuple(float(np.linalg.norm(second - first, p) / np.linalg.norm(first, p)) for p in (1, 2))


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(tune_variants, snakemake)
