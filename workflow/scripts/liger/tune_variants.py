"""Linearize the bases in several ways and fine-tune each, every variant of a seed on the same base and batches."""

import itertools
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr

from kernels.agreement import relative_error
from lib.atlas.job.seeds import generator, seed_sequence
from lib.language.key_gates import collect_keys, count_memory_lengths
from lib.language.llama import load_arrays, small_llama, weights_as_arrays
from lib.language.worlds import CharacterWorld, RecallWorld, make_world
from lib.linearizing.adapters import TARGETS, add_adapters, merge_adapters
from lib.linearizing.convert import linearize, new_parameters
from lib.linearizing.lolcats import LOLCATS, train_new_alone, transfer_loss
from lib.training.single import train_parameters
from lib.training.state import Part, pack_generator, results_so_far, unpack_generator
from lib.training.tuning import EXTRA

PAPER = "liger"
NUMBERS = ("zero_shot", "tuned", "new_parameters", "same_names", "merge_error", "change_l1", "change_l2")
LINEARIZED = ("form", "mix", "gate_source", "feature_map")


class Choice(NamedTuple):
    """Learning rate of the adapters, that of new modules, and the share of the steps that LoLCATs' maps get."""

    learning_rate: float
    new_rate: float
    share: float


class Setting(NamedTuple):
    """What all variants of a job share."""

    name: str
    world: CharacterWorld | RecallWorld
    model: dict
    tune: dict
    window: int
    adapters: dict
    edges: np.ndarray
    root_seed: int

    def stream(self, purpose: str, n: int) -> np.random.Generator:
        """Generator of a seed, the same for every variant."""
        return generator(self.root_seed, PAPER, purpose, self.name, n)

    def seed(self, n: int) -> int:
        """Seed of torch for new weights."""
        return int(seed_sequence(self.root_seed, PAPER, "tune", self.name, n).generate_state(1)[0])


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
    setting = Setting(world, own, model, tune, window, adapters, bases["edge"].values, root_seed)
    numbers = list(range(seeds))
    results = results_so_far(checkpoint)
    names = [name.partition(":")[2] for name in bases if str(name).startswith("weight:")]

    def tune_once(label: str, name: str, n: int, choice: Choice) -> None:
        if f"{label}|numbers" not in results:
            base = {key: bases[f"weight:{key}"].sel(seed=n).values for key in names}
            _tune_one(setting, label, catalogue[name], base, n, choice, results, checkpoint)

    tuning, chosen = {}, {}
    for name in variants:
        choices = _choices(catalogue[name], tune["learning_rate"])
        tuning[name] = np.full(len(choices), np.nan)
        for i, choice in enumerate(choices if len(choices) > 1 else []):
            label = f"{name}, seed {EXTRA}, choice {i}"
            tune_once(label, name, EXTRA, choice)
            tuning[name][i] = results[f"{label}|numbers"][NUMBERS.index("tuned")]
        chosen[name] = choices[int(np.nan_to_num(tuning[name], nan=-np.inf).argmax())]
        for n in numbers:
            tune_once(f"{name}, seed {n}", name, n, chosen[name])

    def stacked(what: str) -> np.ndarray:
        return np.stack(
            [_side_by_side([results[f"{name}, seed {n}|{what}"] for name in variants]) for n in numbers], axis=1
        )

    values = stacked("numbers")
    variables = {name: (("variant", "seed"), values[..., i]) for i, name in enumerate(NUMBERS)} | {
        "near": (("variant", "seed", "distance"), stacked("near"), {"long_name": "right answers by distance"}),
        "loss": (("variant", "seed", "step"), stacked("loss").astype(np.float32), {"units": "nats"}),
        "tuning": (
            ("variant", "choice"),
            _side_by_side(list(tuning.values())),
            {"long_name": "score of a further base"},
        ),
        "chosen": (("variant", "option"), np.array(list(chosen.values())), {"long_name": "chosen options"}),
    }
    if "liger" in variants:
        gates = np.stack([results[f"liger, seed {n}|gates"] for n in numbers])
        variables["gates"] = (("seed", "layer", "group", "channel", "bin"), gates)
        variables["edge"] = ("edges", setting.edges, {"units": "tokens"})
    return xr.Dataset(
        variables,
        coords={"variant": variants, "seed": numbers, "option": list(Choice._fields)},
        attrs={
            "world": world,
            "group": group,
            "window": window,
            "step_tokens": own.batch_tokens,
            "tune_tokens": tune["steps"] * own.batch_tokens,
        },
    )


def _choices(options: dict, learning_rate: float) -> list[Choice]:
    """All options that a variant is chosen from."""
    rates = options.get("learning_rates", [learning_rate])
    lists = rates, options.get("new_rates", rates[:1]), options.get("shares", [0.0])
    return [Choice(*one) for one in itertools.product(*lists)]


def _side_by_side(rows: list[np.ndarray]) -> np.ndarray:
    """Rows of different lengths as one array, filled up with NaN."""
    wide = np.full((len(rows), max(len(row) for row in rows)), np.nan)
    for place, row in zip(wide, rows):
        place[: len(row)] = row
    return wide


def _tune_one(
    setting: Setting, label: str, options: dict, base: dict, n: int, choice: Choice, results: dict, checkpoint
) -> None:
    """Linearize and fine-tune one base; what is measured goes into `results` under the label."""
    own, tune, kind = setting.world, setting.tune, options.get("kind", "liger")
    steps = options.get("steps", tune["steps"])
    network = small_llama(own.vocabulary, positions=own.positions, seed=setting.seed(n), **setting.model)
    if kind != "scratch":
        load_arrays(network, base)
    if kind != "softmax":
        _linearize(network, options, kind, setting, n)
    before = weights_as_arrays(network)
    zero_shot, _ = own.score(network.eval(), setting.stream("evaluate", n))
    fresh, stream = new_parameters(network), setting.stream("tune", n)
    network.train()
    losses = []
    if kind == "lolcats":
        part = Part(checkpoint, f"{label}, maps", results) if checkpoint else None
        losses.append(_train_maps(setting, label, network, stream, round(choice.share * steps), choice, results, part))
    if kind != "scratch":
        full = options.get("full", False)
        network = add_adapters(
            network, **setting.adapters, full=full, train_new=kind != "lolcats", seed=setting.seed(n)
        )
    others = {id(parameter) for parameter in fresh}
    moving = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        ([parameter for parameter in moving if id(parameter) not in others], choice.learning_rate),
        ([parameter for parameter in moving if id(parameter) in others], choice.new_rate),
    ]
    losses.append(
        train_parameters(
            groups, lambda step: own.loss(network, stream), steps=steps - sum(map(len, losses)),
            warmup=tune["warmup"], decay=tune["decay"], label=f"steps of {label}", streams=[stream],
            checkpoint=Part(checkpoint, f"{label}, adapters", results) if checkpoint else None,
        )
    )  # fmt: skip
    network.eval()
    outputs = [_logits(network, own.sample(setting.stream("sample", n)))]
    network = merge_adapters(network)
    outputs.append(_logits(network, own.sample(setting.stream("sample", n))))
    tuned, near = own.score(network, setting.stream("evaluate", n))
    after = weights_as_arrays(network)
    changes = (np.nan, np.nan) if kind == "scratch" else _changes(before, after, base)
    extra = sum(array.size for array in after.values()) - sum(array.size for array in base.values())
    same = {key: array.shape for key, array in after.items()} == {key: array.shape for key, array in base.items()}
    results[f"{label}|numbers"] = np.array([zero_shot, tuned, extra, same, relative_error(*outputs), *changes])
    results[f"{label}|loss"], results[f"{label}|near"] = np.concatenate(losses), near
    keys = collect_keys(network, own.sample(setting.stream("gates", n)))
    results[f"{label}|gates"] = count_memory_lengths(keys, setting.edges).astype(np.int32)
    print(f"{label}: {zero_shot:.4f} before, {tuned:.4f} after {steps} steps", flush=True)


@torch.no_grad()
def _logits(network, tokens: np.ndarray) -> torch.Tensor:
    return network(input_ids=torch.from_numpy(tokens), use_cache=False).logits


def _linearize(network, options: dict, kind: str, setting: Setting, n: int) -> None:
    """Replace the attention of a model as a variant says."""
    own = {key: options[key] for key in LINEARIZED if key in options}
    if kind == "lolcats":
        own |= LOLCATS
    kept_layers = (setting.model["layers"] - 1,) if options.get("last_softmax") else ()
    window = options.get("window", setting.window)
    linearize(network, window=window, keep_softmax=kept_layers, seed=setting.seed(n), **own)


def _train_maps(setting, label, network, stream, steps, choice, results, part) -> np.ndarray:
    """The first stage of LoLCATs: feature maps alone, towards the outputs of softmax attention.

    Returns NaN for each step: errors of outputs are no losses of tokens.
    """
    done = f"{label}|maps"
    maps = new_parameters(train_new_alone(network))
    if f"{done}|stream" not in results:

        def loss(step: int) -> torch.Tensor:
            return transfer_loss(network, torch.from_numpy(setting.world.draw(stream)[0]))

        train_parameters(
            [(maps, choice.new_rate)], loss, steps=steps, warmup=setting.tune["warmup"], decay=setting.tune["decay"],
            label=f"steps of the maps of {label}", streams=[stream], checkpoint=part,
        )  # fmt: skip
        results |= {f"{done}|{i}": parameter.detach().numpy().copy() for i, parameter in enumerate(maps)}
        results[f"{done}|stream"] = pack_generator(stream)
    with torch.no_grad():
        for i, parameter in enumerate(maps):
            parameter.copy_(torch.from_numpy(np.array(results[f"{done}|{i}"])))
    stream.bit_generator.state = unpack_generator(results[f"{done}|stream"]).bit_generator.state
    return np.full(steps, np.nan)


def _changes(before: dict, after: dict, base: dict) -> tuple[float, float]:
    """Relative change of all weights that a fine-tuning may move, in the norms L1 and L2."""
    names = [key for key in after if key not in base or key.split(".")[-2] in TARGETS]
    first, second = (np.concatenate([part[key].ravel().astype(float) for key in names]) for part in (before, after))
    return tuple(float(np.linalg.norm(second - first, p) / np.linalg.norm(first, p)) for p in (1, 2))


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(tune_variants, snakemake)
