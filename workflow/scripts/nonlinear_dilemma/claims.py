"""Claims of nonlinear_dilemma: a function for each, named by its id, of the stores that it rests on."""

from itertools import pairwise

import numpy as np
import xarray as xr

from lib.atlas.job.quantities import estimated, exact, mean_over
from lib.stats.correlation import rank_correlation
from lib.stats.intervals import estimate_mean, side_by_side

SEEDS = "seeds"


def _rows(fits: list[xr.Dataset], **values) -> list[xr.Dataset]:
    """Parts of the stores where coordinates have these values; a control only where it is asked for."""
    values = {"control": "none", **values}
    chosen = []
    for fit in fits:
        mask = np.ones(fit.sizes["fit"], bool)
        for name, value in values.items():
            mask &= fit[name].values == value
        if mask.any():
            chosen.append(fit.isel(fit=mask))
    return chosen


def _by_seed(fits: list[xr.Dataset], variable: str = "iia", **values) -> np.ndarray:
    """Values of a variable by seed, of fits with these coordinates; the last one where a seed has several."""
    table = {}
    for part in _rows(fits, **values):
        for seed, value in zip(part.seed.values.tolist(), part[variable].values.tolist()):
            table[seed] = value
    return np.array([table[seed] for seed in sorted(table)])


def _rates(parts: list[xr.Dataset]) -> tuple[float, float]:
    """Learning rate at which most rotations were trained, and how much better the best other one did.

    Rates are compared by the mean accuracy of the first network over layers.
    """
    rates = np.concatenate([part.rate.values for part in parts]) if parts else np.array([])
    if not len(rates):
        return np.nan, np.nan
    values, counts = np.unique(rates, return_counts=True)
    means = [np.mean(np.concatenate([one.iia.values for one in _rows(parts, rate=rate, seed=0)])) for rate in values]
    main = int(np.argmax(counts))
    others = [mean for i, mean in enumerate(means) if i != main]
    return float(values[main]), float(np.max(others) - means[main]) if others else np.nan


def _layers(fits: list[xr.Dataset], **values) -> dict[int, np.ndarray]:
    """Accuracies by seed of each layer that was tried; of rotations at the rate of most."""
    values = {"snapshot": "trained", "group": "equality", "algorithm": "both_equality", **values}
    if values["map"] == "orthogonal":
        same = {name: values[name] for name in ("snapshot", "group", "algorithm")}
        values["rate"] = _rates(_rows(fits, map="orthogonal", **same))[0]
    layers = sorted({int(place) for part in _rows(fits, **values) for place in part.place.values})
    return {layer: _by_seed(fits, place=layer, **values) for layer in layers}


def _means(layers: dict[int, np.ndarray]) -> dict:
    return _mean_over_rows([layers[layer] for layer in layers], [f"L{layer}" for layer in layers])


def _mean_over_rows(rows: list[np.ndarray], labels: list[str]) -> dict:
    """Means of several groups of units with their intervals; the error of single units is not known."""
    if all(len(row) == 1 for row in rows):
        return mean_over(SEEDS, np.stack(rows, 1), labels=labels)
    return estimated(side_by_side(estimate_mean(row) for row in rows), SEEDS, labels=labels)


def _moved(fits: list[xr.Dataset], layers: dict[int, np.ndarray], **values) -> dict:
    """Largest mean change over the last quarter of the steps, over layers."""
    means = [np.mean(_by_seed(fits, "moved", place=layer, **values)) for layer in layers]
    return exact(float(np.max(np.abs(means))))


def c1(fits):
    """Orthogonal maps lose accuracy with depth."""
    layers = _layers(fits, map="orthogonal")
    if 2 not in layers:
        return None
    same = {"snapshot": "trained", "group": "equality", "algorithm": "both_equality"}
    revnet = _layers(fits, map="revnet", blocks=10, hidden=16)
    first, second, third = (layers[layer] for layer in (1, 2, 3))
    probe = _layers(fits, map="probe")
    rate, better = _rates(_rows(fits, map="orthogonal", **same))
    return {
        "iia": _means(layers),
        "first": mean_over(SEEDS, first),
        "third": mean_over(SEEDS, third),
        "fall": mean_over(SEEDS, np.stack([first - second, second - third], 1), labels=["L1 - L2", "L2 - L3"]),
        "fall_low": exact(
            [estimate_mean(first - second).low, estimate_mean(second - third).low], labels=["L1 - L2", "L2 - L3"]
        ),
        "moved": _moved(fits, layers, map="orthogonal", rate=rate, **same),
        "better_rate": exact(better),
        "revnet": exact(float(min(values.mean() for values in revnet.values()))),
        "probe": _means(probe),
        "random_rotation": _means(_layers(fits, map="rotation")),
    }


def c2(fits):
    """Reversible networks are near perfect in all layers."""
    layers = _layers(fits, map="revnet", blocks=10, hidden=16)
    if 2 not in layers:
        return None
    return {
        "iia": _means(layers),
        "smallest": exact(float(np.min(list(layers.values())))),
        "untrained_map": _means(_layers(fits, map="untrained")),
        "shuffled": mean_over(SEEDS, _by_seed(fits, map="revnet", control="shuffled")),
    }


def c3(fits):
    """Single neurons are worst or equal."""
    orthogonal, neurons = (_layers(fits, map=name) for name in ("orthogonal", "neurons"))
    if 2 not in neurons:
        return None
    gaps = {layer: orthogonal[layer] - neurons[layer] for layer in neurons}
    return {
        "neurons": _means(neurons),
        "gap_first": mean_over(SEEDS, gaps[1]),
        "gap_others": mean_over(SEEDS, np.stack([gaps[2], gaps[3]], 1), labels=["L2", "L3"]),
        "gap_first_low": exact(estimate_mean(gaps[1]).low),
    }


def _distributive(fits, name: str, **values) -> dict[int, np.ndarray]:
    return _layers(fits, group="distributive", algorithm=name, **values)


def c4(fits):
    """On And-Or the orthogonal map is not at chance, and reversible networks lose with depth."""
    revnet, orthogonal = (_distributive(fits, "and_or", map=name) for name in ("revnet", "orthogonal"))
    if 3 not in revnet:
        return None
    layers = list(revnet)
    falls = [revnet[a] - revnet[b] for a, b in pairwise(layers)]
    same = {"snapshot": "trained", "group": "distributive", "algorithm": "and_or"}
    rate, better = _rates(_rows(fits, map="orthogonal", **same))
    return {
        "revnet": _means(revnet),
        "orthogonal": _means(orthogonal),
        "gap": _mean_over_rows([revnet[a] - orthogonal[a] for a in layers], [f"L{a}" for a in layers]),
        "falls": _mean_over_rows(falls, ["L1 - L2", "L2 - L3"]),
        "moved": _moved(fits, orthogonal, map="orthogonal", rate=rate, **same),
        "better_rate": exact(better),
        "majority": exact(float(_rows(fits, **same)[0].majority.values[0])),
    }


def c5(fits):
    """Both algorithms of the distributive law fit the same network under reversible maps."""
    first, second = (_distributive(fits, name, map="revnet") for name in ("and_or_and", "and_or"))
    if 3 not in first:
        return None
    return {
        "and_or_and": _means(first),
        "and_or": _means(second),
        "orthogonal": _means(_distributive(fits, "and_or_and", map="orthogonal")),
    }


def c6(fits):
    """The identity of the first argument stays at chance."""
    revnet = _layers(fits, map="revnet", algorithm="first_argument", hidden=16, stored=_usual(fits, "first_argument"))
    if 3 not in revnet:
        return None
    seen = _by_seed(fits, "iia_train", map="revnet", algorithm="first_argument", stored=1000)
    same = {"snapshot": "trained", "algorithm": "first_argument", "map": "revnet", "hidden": 16}
    return {
        "iia": _means(revnet),
        "moved": _moved(fits, revnet, stored=_usual(fits, "first_argument"), **same),
        "optimiser_works": mean_over(SEEDS, seen),
        "orthogonal": _means(_layers(fits, map="orthogonal", algorithm="first_argument")),
        "wide": _means(_layers(fits, map="revnet", algorithm="first_argument", hidden=128)),
    }


def _usual(fits, name: str) -> int:
    """Size of the training set that is no small stored one: the largest, or 0 for fresh interventions."""
    sizes = {int(one) for part in _rows(fits, algorithm=name, map="revnet") for one in part.stored.values}
    return 0 if 0 in sizes or not sizes else max(sizes)


def c6b(fits):
    """Few interventions on the first argument's identity can be memorised, many cannot."""
    few, many = (
        _by_seed(fits, "iia_train", map="revnet", algorithm="first_argument", stored=n, place=2) for n in (1000, 100000)
    )
    if not len(few) or not len(many):
        return None
    return {"few": mean_over(SEEDS, few), "many": mean_over(SEEDS, many)}


def c7(fits):
    """On an untrained network a wide reversible map beats rotations, most in the first layer."""
    same = {"snapshot": "0", "group": "equality"}
    wide, orthogonal = (
        _layers(fits, **same, **one) for one in ({"map": "revnet", "hidden": 128}, {"map": "orthogonal"})
    )
    if 1 not in wide:
        return None
    count = min(len(wide[1]), len(orthogonal[1]))
    gap = wide[1][:count] - orthogonal[1][:count]
    quantities = {
        "first": mean_over(SEEDS, wide[1]),
        "orthogonal": mean_over(SEEDS, orthogonal[1]),
        "gap": mean_over(SEEDS, gap),
        "every_seed": exact(wide[1], labels=[f"seed {i}" for i in range(len(wide[1]))]),
        "narrow": _means(_layers(fits, map="revnet", blocks=10, hidden=16, **same)),
    }
    if count > 1:
        quantities["gap_low"] = exact(estimate_mean(gap).low)
        if 3 in wide:
            quantities["depth_low"] = exact(estimate_mean(wide[1] - wide[3]).low)
    return quantities


def _language(language, checkpoints) -> list[xr.Dataset]:
    """Fits of pretrained models where there are any, of the small ones otherwise; first revisions are `random`."""
    if not checkpoints:
        return [language.assign_coords(control=("fit", ["none"] * language.sizes["fit"]))]
    renamed = []
    for one in checkpoints:
        kinds = [
            "random" if name == "step0" else "trained" if name == "step143000" else str(name)
            for name in one.model.values
        ]
        renamed.append(one.assign_coords(model=("fit", kinds), control=("fit", ["none"] * len(kinds))))
    return renamed


def _largest_blocks(stores: list[xr.Dataset], **values) -> int:
    """Largest number of blocks that all models have; 0 where there are no maps."""
    blocks: dict = {}
    for part in _rows(stores, map="revnet", **values):
        for seed, number in zip(part.seed.values.tolist(), part.blocks.values.tolist()):
            blocks.setdefault(seed, set()).add(int(number))
    return max(set.intersection(*blocks.values()), default=0) if blocks else 0


def _large(language, checkpoints) -> list[xr.Dataset]:
    """Fits of the models of 410 million parameters where there are pretrained ones, of the small ones otherwise."""
    stores = _language(language, checkpoints)
    return _rows(stores, size="410M") if checkpoints else stores


def _orthogonal(stores, variable: str = "iia", **values) -> np.ndarray:
    """Values of rotations by model; of the small ones at the rate of most, pretrained ones have one rate each."""
    own = {"map": "orthogonal", "split": "sentence", **values}
    small = _rows(stores, size="small", **own)
    return _by_seed(small, variable, rate=_rates(small)[0], **own) if small else _by_seed(stores, variable, **own)


def c8(language, checkpoints):
    """Reversible maps reach nearly every intervention on a random language model, rotations do not."""
    stores = _language(language, checkpoints)
    blocks = _largest_blocks(stores, model="random", split="sentence")
    revnets = {"map": "revnet", "blocks": blocks, "model": "random", "split": "sentence"}
    revnet, own = _by_seed(stores, **revnets), _by_seed(stores, "accuracy", **revnets)
    orthogonal = _orthogonal(stores, model="random")
    count = min(len(revnet), len(orthogonal))
    return {
        "revnet": mean_over("language models", revnet),
        "orthogonal": mean_over("language models", orthogonal),
        "gap": mean_over("language models", revnet[:count] - orthogonal[:count]),
        "own_accuracy": exact(own, labels=[f"model {i}" for i in range(len(own))]),
        "moved": exact(float(np.abs(np.mean(_orthogonal(stores, "moved", model="random"))))),
        "round_trip": exact(float(np.max(_by_seed(stores, "round_trip", **revnets)))),
        "better_rate": exact(
            _rates(_rows(stores, map="orthogonal", model="random", split="sentence", size="small"))[1]
        ),
        "steps": exact(_by_seed(stores, "steps", **revnets)),
    }


def c9(fits):
    """Accuracy grows with the complexity of the map."""
    widths = sorted(
        {
            int(m)
            for part in _rows(fits, map="revnet", blocks=1, snapshot="trained", group="equality")
            for m in part.hidden.values
        }
    )
    if len(widths) < 3:
        return None
    correlations, gains, labels = [], [], ["L1", "L3"]
    for layer in (1, 3):
        table = np.stack(
            [
                _by_seed(fits, map="revnet", blocks=1, hidden=m, place=layer, snapshot="trained", group="equality")
                for m in widths
            ]
        )
        means = table.mean(1)
        ties = np.round(means / 0.003) if np.isfinite(means).all() else means
        correlations.append(rank_correlation(np.array(widths, float), ties))
        gains.append(table[-1] - table[0])
    return {"spearman": exact(correlations, labels=labels), "gain": mean_over(SEEDS, np.stack(gains, 1), labels=labels)}


def c9b(checkpoints):
    """On pretrained language models accuracy grows with the number of blocks."""
    stores = _large(None, checkpoints) if checkpoints else []
    blocks = sorted(
        {int(k) for part in _rows(stores, map="revnet", split="sentence", model="random") for k in part.blocks.values}
    )
    if len(blocks) < 3:
        return None
    means = np.array(
        [np.mean(_by_seed(stores, map="revnet", blocks=k, split="sentence", model="random")) for k in blocks]
    )
    return {"spearman": exact(rank_correlation(np.array(blocks, float), np.round(means / 0.003)))}


def c10(lookup):
    """A table has accuracy exactly 1 for any network that solves the task."""
    accuracy = lookup.right.values / lookup.interventions.values
    outside = lookup.held_out_right.values / lookup.attrs["held_out"]
    cases = [f"{name}, {network}" for name, network in zip(lookup.algorithm.values, lookup.network.values)]
    labels = list(dict.fromkeys(cases))
    groups = [np.array([case == label for case in cases]) for label in labels]
    return {
        "iia": exact([float(accuracy[group].min()) for group in groups], labels=labels),
        "smallest": exact(float(accuracy.min())),
        "tables": exact(len(cases) if np.isfinite(accuracy).all() else np.nan),
        "one_to_one": exact(bool(lookup.one_to_one.values.all())),
        "refused": exact(bool(lookup.refused.values.all())),
        "shuffled": exact(float((lookup.shuffled.values / lookup.interventions.values).max())),
        "held_out": exact([float(outside[group].mean()) for group in groups], labels=labels),
    }


def c11(language, checkpoints):
    """Rotations work on trained language models."""
    stores = _large(language, checkpoints)
    trained, random = (_orthogonal(stores, model=model) for model in ("trained", "random"))
    count = min(len(trained), len(random))
    if not count:
        return None
    able = _orthogonal(stores, "accuracy", model="trained")[:count] >= 0.9
    gap = (trained[:count] - random[:count])[able]
    quantities = {
        "trained": mean_over("language models", trained),
        "random": mean_over("language models", random),
        "trained_accuracy": exact(_orthogonal(stores, "accuracy", model="trained")),
    }
    quantities["gap"] = mean_over("language models", gap) if len(gap) else exact(np.nan)
    quantities["gap_low"] = exact(estimate_mean(gap).low if len(gap) > 1 else np.nan)
    return quantities


def c12(language, checkpoints):
    """A reversible map of a random language model memorises names."""
    stores = _large(language, checkpoints)
    blocks = _largest_blocks(stores, model="random", split="name")
    if not blocks:
        return None
    quantities = {
        key: mean_over("language models", _by_seed(stores, map="revnet", blocks=blocks, model="random", split=split))
        for key, split in (("unseen", "name"), ("seen", "sentence"))
    }
    trained = _by_seed(stores, map="revnet", blocks=blocks, model="trained", split="name")
    return quantities | ({"trained_unseen": mean_over("language models", trained)} if len(trained) else {})


def c13(fits, networks):
    """A network that cannot yet do the task is explained by a reversible map already."""
    same = {"snapshot": "128", "group": "equality", "algorithm": "both_equality", "place": 1}
    revnet = _by_seed(fits, map="revnet", blocks=10, hidden=16, **same)
    orthogonal = _by_seed(fits, map="orthogonal", **same)
    if not len(revnet):
        return None
    gap = revnet - orthogonal
    accuracy = networks.equality_accuracy.sel(equality_snapshot="128").values[: len(revnet)]
    return {
        "accuracy": mean_over(SEEDS, accuracy),
        "revnet": mean_over(SEEDS, revnet),
        "orthogonal": mean_over(SEEDS, orthogonal),
        "gap": mean_over(SEEDS, gap),
        "gap_low": exact(estimate_mean(gap).low if len(gap) > 1 else np.nan),
        "moved": mean_over(SEEDS, _by_seed(fits, "moved", map="revnet", blocks=10, hidden=16, **same)),
    }


def c14(fits, networks):
    """Rotations follow the network's learning, reversible maps run ahead."""
    steps = [name for name in networks.equality_snapshot.values.tolist() if name != "trained"]
    same = {"group": "equality", "algorithm": "both_equality", "place": 1}
    tables = {}
    for name, one in (("revnet", {"map": "revnet", "blocks": 10, "hidden": 16}), ("orthogonal", {"map": "orthogonal"})):
        rows = [_by_seed(fits, snapshot=step, **same, **one) for step in steps]
        count = min(map(len, rows))
        if count == 0 or len(steps) < 5:
            return None
        tables[name] = np.stack([row[:count] for row in rows])
    accuracy = networks.equality_accuracy.sel(equality_snapshot=steps).values[:, : tables["revnet"].shape[1]]
    early = accuracy <= 0.85

    def excess(name: str) -> np.ndarray:
        return np.array([(tables[name] - accuracy)[early[:, i], i].mean() for i in range(accuracy.shape[1])])

    known = all(np.isfinite(table).all() for table in (accuracy, *tables.values()))
    ties = (lambda values: np.round(values / 0.01)) if known else (lambda values: values)
    spearman = [rank_correlation(ties(a), ties(o)) for a, o in zip(accuracy.T, tables["orthogonal"].T)]
    return {
        "spearman": mean_over(SEEDS, spearman),
        "revnet_excess": mean_over(SEEDS, excess("revnet")),
        "orthogonal_excess": mean_over(SEEDS, excess("orthogonal")),
    }


LEVELS = ["inputs", "L1", "L2", "L3"]


def c15(distances):
    """The premises hold: hidden states are injective on data, and both classes are reached."""
    apart = distances.distance.sel(pairs="different output").values
    return {
        "duplicates": exact(distances.duplicates.sum("seed", skipna=False).values, labels=LEVELS),
        "different_output": mean_over("networks", apart, labels=LEVELS),
        "all_pairs": mean_over("networks", distances.distance.sel(pairs="all").values, labels=LEVELS),
        "different_variables": mean_over(
            "networks", distances.distance.sel(pairs="different variables").values, labels=LEVELS
        ),
        "classes": exact(distances.classes.values),
    }


def c15b(distances):
    """States with equal variables lie closer than others."""
    pair = (distances.distance.sel(pairs=f"{kind} variables").values for kind in ("different", "equal"))
    ratio = np.divide(*pair)
    return {
        "ratio": mean_over("networks", ratio, labels=LEVELS),
        "layers": mean_over("networks", ratio[:, 1:], labels=LEVELS[1:]),
        "over_inputs": exact(ratio[:, 1:].mean(0) / ratio[:, 0].mean(), labels=LEVELS[1:]),
    }


def c16(fits):
    """On a network trained to implement And-Or rotations tell the algorithms apart, reversible maps do not."""
    same = {"group": "fitted_and_or", "snapshot": "trained", "place": 2}
    quantities = {}
    for name, one in (("orthogonal", {"map": "orthogonal"}), ("revnet", {"map": "revnet", "blocks": 10})):
        for key, algorithm in (("own", "and_or"), ("other", "and_or_and")):
            values = _by_seed(fits, algorithm=algorithm, **same, **one)
            if not len(values):
                return None
            quantities[f"{name}_{key}"] = mean_over(SEEDS, values)
            if name == "orthogonal":
                moved = np.mean(_by_seed(fits, "moved", algorithm=algorithm, **same, **one))
                quantities[f"{key}_moved"] = exact(float(np.abs(moved)))
    reverse = {"group": "fitted_and_or_and", "snapshot": "trained", "place": 2}
    for name in ("orthogonal", "revnet"):
        rows = [_by_seed(fits, algorithm=algorithm, map=name, **reverse) for algorithm in ("and_or_and", "and_or")]
        if all(map(len, rows)):
            quantities[f"reverse_{name}"] = _mean_over_rows(rows, ["own", "other"])
    return quantities


def c17(distances):
    """Random transformers are injective."""
    states = distances.state.values.tolist()
    closest = distances.closest.min(("model", "depth"), skipna=False).values
    known = np.isfinite(closest).all()
    return {
        "closest": exact(closest, labels=states),
        "duplicates": exact(int((distances.closest.values < 1e-9).sum()) if known else np.nan),
        "control": exact(float(distances.control.max())),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
