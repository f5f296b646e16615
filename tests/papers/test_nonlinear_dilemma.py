"""Stages of nonlinear_dilemma, called as functions at small size, and claims where they hold and fail."""

import numpy as np
import pytest
import torch
import xarray as xr

PAPER = "nonlinear_dilemma"


@pytest.fixture(scope="module")
def networks():
    import importlib.util

    from tests.papers.conftest import SCRIPTS

    spec = importlib.util.spec_from_file_location("train_networks", SCRIPTS / PAPER / "train_networks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    groups = [
        {"name": "equality", "task": "equality", "seeds": 2, "snapshots": [0, 5]},
        {"name": "fitted_and_or", "algorithm": "and_or", "seeds": 1},
    ]
    return module.train(
        groups=groups, steps=20, batch=64, learning_rate=3e-3, every=10, patience=None, samples=None, tests=200,
        fitted={"steps": 2, "batch": 40}, root_seed=0,
    )  # fmt: skip


RUNS = [
    {"map": "revnet", "blocks": 2, "hidden": 4, "layers": [1, 3], "seeds": 2, "snapshots": ["5", "trained"]},
    {"map": "orthogonal", "layers": [2], "seeds": 1, "stored": 100},
    {"map": "neurons", "layers": [1], "seeds": 2, "size": 1},
    {"map": "probe", "layers": [1], "seeds": 2},
    {"map": "rotation", "layers": [1], "seeds": 1},
    {"map": "untrained", "blocks": 1, "hidden": 4, "layers": [1], "seeds": 1, "control": "shuffled"},
    {"map": "orthogonal", "layers": [1], "seeds": 1, "group": "fitted_and_or", "algorithm": "and_or", "evaluation": 50},
]
TRAINING = {
    "steps": 12, "batch": 16, "learning_rate": 0.01, "warmup": 0, "decay": "constant", "stored": None, "shared": 128,
    "evaluation": None, "every": 4, "patience": 2,
}  # fmt: skip


def _align(load, networks, checkpoint=None, runs=RUNS):
    return load(f"{PAPER}/align_networks", "align")(
        networks, runs=runs, training=TRAINING, tests=100, searched=60, device="cpu", checkpoint=checkpoint, root_seed=0
    )


def test_fits_have_a_row_for_each_network_layer_and_snapshot(load, networks):
    fits = _align(load, networks)
    assert fits.sizes["fit"] == 8 + 1 + 2 + 2 + 1 + 1 + 1
    revnet = fits.isel(fit=fits["map"].values == "revnet")
    assert sorted(zip(revnet.place.values, revnet.snapshot.values, revnet.seed.values)) == [
        (a, b, c) for a in (1, 3) for b in ("5", "trained") for c in (0, 1)
    ]
    assert (fits.iia >= 0).all()
    assert (fits.round_trip.dropna("fit") < 1e-5).all()
    assert fits.iia_train.notnull().sum() == 1
    assert fits.parameters.values[-1] == 24 * 23 / 2
    assert set(fits.group.values) == {"equality", "fitted_and_or"}


def test_a_fit_does_not_depend_on_those_beside_it(load, networks):
    together = _align(load, networks, runs=RUNS[:1])
    (run,) = RUNS[:1]
    alone = _align(load, networks, runs=[{**run, "layers": [3]}])
    np.testing.assert_allclose(alone.iia, together.iia[together.place.values == 3], atol=0.011)
    np.testing.assert_allclose(alone.loss, together.loss[together.place.values == 3], rtol=1e-3)


def test_killed_fits_end_as_if_they_had_not_been(load, networks, stopping):
    runs = [RUNS[1], RUNS[-1]]
    whole = _align(load, networks, runs=runs)
    checkpoint = stopping(4, 20)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            _align(load, networks, checkpoint, runs)
    xr.testing.assert_identical(_align(load, networks, checkpoint, runs), whole)


@pytest.fixture
def language(load):
    def one(checkpoint=None):
        common = {"split": "sentence", "steps": 3, "learning_rate": 0.01}
        return load(f"{PAPER}/align_language", "align")(
            world={"names": 4, "places": 2, "objects": 1, "fillers": 5},
            model={"layers": 2, "width": 8, "heads": 2},
            site=1,
            runs=[
                {"model": "random", "map": "revnet", "blocks": 1, "hidden": 4, "seeds": 2, **common},
                {"model": "random", "map": "orthogonal", "seeds": 2, **common},
                {"model": "trained", "map": "orthogonal", "seeds": 1, **common, "split": "name"},
            ],
            batch=16, shared=12, tests=50, share=0.8, rounds=2, plateau=0.5,
            learning={"steps": 3, "batch": 8, "learning_rate": 1e-3}, checkpoint=checkpoint, root_seed=0,
        )  # fmt: skip

    return one


def test_maps_on_the_plateau_are_trained_again_and_killed_runs_end_alike(language, stopping):
    store = language()
    assert store.steps.values.tolist() == [6, 6, 3, 3, 3]
    assert (store.round_trip < 1e-4).all()
    checkpoint = stopping(2, 9)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            language(checkpoint)
    xr.testing.assert_identical(language(checkpoint), store)


def _recentred(networks):
    """The same store with a first network that says both classes equally often, as a trained one does."""
    from lib.abstraction.causal import draw_inputs
    from lib.abstraction.networks import unpack_networks

    x, _ = draw_inputs("equality", 2000, np.random.default_rng(0))
    model = unpack_networks(networks, "equality", ["trained"], 1)
    scores = model(torch.from_numpy(x)[None])[0]
    bias = networks.equality_score_bias.copy()
    bias.loc[{"equality_snapshot": "trained"}][0, 1] -= float((scores[:, 1] - scores[:, 0]).median())
    return networks.assign(equality_score_bias=bias)


@pytest.fixture
def lookup(load, networks):
    return load(f"{PAPER}/build_lookup", "build")(
        _recentred(networks), algorithms=["both_equality"], sizes=[4], layers=[2], per_coordinate=[4],
        held_out=20, root_seed=0,
    )  # fmt: skip


@pytest.fixture
def distances(load, networks):
    return load(f"{PAPER}/measure_distances", "measure")(
        networks, seeds=2, inputs=60, compared=60, root_seed=0,
        transformers={
            "seeds": 5, "layers": 2, "width": 8, "heads": 2, "vocabulary": 9, "length": 6, "sequences": 50,
        },
    )  # fmt: skip


def test_pythia_folders_are_read_and_missing_ones_named(load, tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

    from lib.abstraction.english import CLAUSE, NAMES, OBJECTS, OPENINGS, PLACES

    words = sorted(
        {w for text in (*OPENINGS, CLAUSE) for w in text.replace(",", " ").split()}
        | {*NAMES, *PLACES, *OBJECTS, ",", "[UNK]"}
    )
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    folder = tmp_path / "pythia-tiny" / "step0"
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]").save_pretrained(folder)
    config = GPTNeoXConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=32,
    )  # fmt: skip
    GPTNeoXForCausalLM(config).save_pretrained(folder)
    maps = [{"map": "orthogonal", "split": "sentence"}, {"map": "revnet", "blocks": 1, "hidden": 4, "split": "name"}]
    entry = {
        "model": "pythia-tiny", "size": "tiny", "layer": 1, "dtype": "float64", "learning_rate": 0.01, "warmup": 1,
        "steps": 4, "patience": 5, "revisions": ["step0"], "maps": maps,
    }  # fmt: skip
    common = {"entry": entry, "names": 10, "batch": 6, "tests": 12, "evaluation": 8, "every": 2, "device": "cpu"}
    align = load(f"{PAPER}/align_checkpoint", "align")
    store = align(tmp_path, "pythia-tiny", "step0", **common, checkpoint=None, root_seed=0)
    assert store.sizes["fit"] == 2
    assert ((store.iia >= 0) & (store.iia <= 1)).all()
    assert (store.round_trip < 1e-10).all()
    assert store.parameters.values[0] == 28
    with pytest.raises(ValueError, match="expected a folder with"):
        align(tmp_path, "pythia-tiny", "step9", **common, checkpoint=None, root_seed=0)


def test_sentences_for_tokenizers_keep_their_promise():
    from lib.abstraction.english import NAMES, OBJECTS, PLACES, TEMPLATES, Corpus

    assert (len(set(NAMES)) >= 100, len(set(PLACES)), len(set(OBJECTS)), TEMPLATES) == (True, 20, 20, 30)

    class Words:
        """Each word one token."""

        def __init__(self):
            self.table = {}

        def __call__(self, text, add_special_tokens=True):
            lists = [text] if isinstance(text, str) else text
            ids = [[self.table.setdefault(w, len(self.table)) for w in one.replace(",", "").split()] for one in lists]
            return {"input_ids": ids[0] if isinstance(text, str) else ids}

    words = Words()
    corpus = Corpus(words, 20, "name", np.random.default_rng(0))
    seen = {part: corpus.draw(part, 60, np.random.default_rng(1)).sentences for part in ("train", "test")}
    assert not set(seen["train"].names.ravel()) & set(seen["test"].names.ravel())
    mixed = Corpus(words, 20, "sentence", np.random.default_rng(0))
    rows = {part: mixed.draw(part, 400, np.random.default_rng(2)).sentences.tokens for part in ("train", "test")}
    texts = {part: {tuple(row[row > 0]) for row in tokens} for part, tokens in rows.items()}
    assert not texts["train"] & texts["test"]
    for tokens, last, names, order, *_ in zip(*seen["train"]):
        text = tokens[: last + 1].tolist()
        assert text.count(names[int(order)]) == 1  # the indirect object is named once
        assert text.count(names[1 - int(order)]) == 2
    with pytest.raises(ValueError, match="split: got 'word'"):
        Corpus(words, 20, "word", np.random.default_rng(0))


def _fits(rows):
    """A store of fits made by hand, from dictionaries."""
    usual = {
        "map": "revnet", "group": "equality", "algorithm": "both_equality", "blocks": 0, "hidden": 0, "size": 0,
        "stored": 0, "control": "none", "rate": 0.01, "snapshot": "trained", "place": 1, "seed": 0, "iia": 0.5,
        "moved": 0.001, "iia_train": np.nan, "majority": 0.5,
    }  # fmt: skip
    rows = [{**usual, **row} for row in rows]
    numbers = ("iia", "moved", "iia_train", "majority")
    return [
        xr.Dataset(
            {name: ("fit", [float(row[name]) for row in rows]) for name in numbers},
            coords={name: ("fit", [row[name] for row in rows]) for name in usual if name not in numbers},
        )
    ]


def _grid(values, seeds=5, spread=0.002, **row):
    """Rows of layers and seeds around values by layer."""
    return [
        {"place": layer, "seed": seed, "iia": value + spread * (seed - (seeds - 1) / 2) / seeds, **row}
        for layer, value in values.items()
        for seed in range(seeds)
    ]


ORTHOGONAL = {1: 0.85, 2: 0.6, 3: 0.5}
REVNET = {1: 0.99, 2: 0.995, 3: 0.998}


def _equality(orthogonal=ORTHOGONAL, revnet=REVNET, neurons=None, **change):
    rows = _grid(orthogonal, map="orthogonal", **change)
    rows += _grid({layer: value - 0.1 for layer, value in orthogonal.items()}, seeds=1, map="orthogonal", rate=0.001)
    rows += _grid(revnet, seeds=3, blocks=10, hidden=16)
    rows += _grid({1: 0.5}, seeds=1, blocks=10, hidden=16, control="shuffled")
    rows += _grid(neurons or {1: 0.7, 2: 0.56, 3: 0.5}, map="neurons")
    for name in ("probe", "rotation", "untrained"):
        rows += _grid({1: 0.5, 2: 0.5, 3: 0.5}, map=name)
    return _fits(rows)


def test_c1(passes, verdict, blank):
    assert passes(PAPER, "c1", fits=_equality())
    assert not passes(PAPER, "c1", fits=_equality({1: 0.65, 2: 0.6, 3: 0.5}))
    assert not passes(PAPER, "c1", fits=_equality({1: 0.85, 2: 0.51, 3: 0.5}))
    assert not passes(PAPER, "c1", fits=_equality({1: 0.85, 2: 0.7, 3: 0.6}))
    assert not passes(PAPER, "c1", fits=_equality(moved=0.03))  # not trained out
    assert not passes(PAPER, "c1", fits=_equality(revnet={1: 0.9, 2: 0.99, 3: 0.99}))
    assert not passes(PAPER, "c1", fits=blank(_equality()))
    assert verdict(PAPER, "c1", at="medium", fits=_equality())["verdict"] == "reproduced"


def test_c2(passes, blank):
    assert passes(PAPER, "c2", fits=_equality())
    assert not passes(PAPER, "c2", fits=_equality(revnet={1: 0.97, 2: 0.99, 3: 0.99}))
    lame = _equality()
    lame[0].iia[np.flatnonzero((lame[0]["map"] == "revnet") & (lame[0].place == 3))[0]] = 0.94
    assert not passes(PAPER, "c2", fits=lame)
    assert not passes(PAPER, "c2", fits=blank(_equality()))


def test_c3(passes, blank):
    assert passes(PAPER, "c3", fits=_equality())
    assert not passes(PAPER, "c3", fits=_equality(neurons={1: 0.83, 2: 0.56, 3: 0.5}))
    assert not passes(PAPER, "c3", fits=_equality(neurons={1: 0.7, 2: 0.65, 3: 0.5}))
    assert not passes(PAPER, "c3", fits=blank(_equality()))


def _distributive(revnet, orthogonal, other=REVNET, moved=0.0):
    same = {"group": "distributive", "majority": 0.577}
    rows = _grid(revnet, blocks=10, hidden=24, algorithm="and_or", **same)
    rows += _grid(orthogonal, map="orthogonal", algorithm="and_or", moved=moved, **same)
    rows += _grid(orthogonal, seeds=1, map="orthogonal", algorithm="and_or", rate=0.001, **same)
    rows += _grid(other, blocks=10, hidden=24, algorithm="and_or_and", **same)
    rows += _grid(orthogonal, map="orthogonal", algorithm="and_or_and", **same)
    return _fits(rows)


def test_c4_and_c5(passes, blank):
    falling, high = {1: 0.97, 2: 0.93, 3: 0.89}, {1: 0.79, 2: 0.77, 3: 0.77}
    good = _distributive(falling, high)
    assert passes(PAPER, "c4", fits=good)
    assert passes(PAPER, "c5", fits=good)
    assert not passes(PAPER, "c4", fits=_distributive({1: 0.97, 2: 0.97, 3: 0.97}, high))
    assert not passes(PAPER, "c4", fits=_distributive(falling, {1: 0.6, 2: 0.6, 3: 0.6}))
    assert not passes(PAPER, "c4", fits=_distributive(falling, {1: 0.95, 2: 0.77, 3: 0.77}))
    assert not passes(PAPER, "c4", fits=_distributive(falling, high, moved=0.02))
    assert not passes(PAPER, "c5", fits=_distributive(falling, high, other={1: 0.99, 2: 0.99, 3: 0.9}))
    assert not passes(PAPER, "c5", fits=_distributive({1: 0.97, 2: 0.93, 3: 0.8}, high))
    for claim in ("c4", "c5"):
        assert not passes(PAPER, claim, fits=blank(good))


def _first(iia, few=0.99, many=0.55, moved=0.0):
    same = {"algorithm": "first_argument", "blocks": 10, "hidden": 16}
    rows = _grid(iia, moved=moved, **same)
    rows += _grid({2: 0.5}, seeds=3, stored=1000, iia_train=few, **same)
    rows += _grid({2: 0.5}, seeds=3, stored=100000, iia_train=many, **same)
    rows += _grid(iia, map="orthogonal", algorithm="first_argument")
    rows += _grid({2: 0.55}, seeds=1, algorithm="first_argument", blocks=10, hidden=128)
    return _fits(rows)


def test_c6_and_c6b(passes, blank):
    chance = {1: 0.51, 2: 0.51, 3: 0.51}
    assert passes(PAPER, "c6", fits=_first(chance))
    assert passes(PAPER, "c6b", fits=_first(chance))
    assert not passes(PAPER, "c6", fits=_first({1: 0.7, 2: 0.51, 3: 0.51}))
    assert not passes(PAPER, "c6", fits=_first(chance, few=0.6))  # an optimiser that fits nothing
    assert not passes(PAPER, "c6", fits=_first(chance, moved=0.05))
    assert not passes(PAPER, "c6b", fits=_first(chance, few=0.9))
    assert not passes(PAPER, "c6b", fits=_first(chance, many=0.7))
    for claim in ("c6", "c6b"):
        assert not passes(PAPER, claim, fits=blank(_first(chance)))


def test_c7(passes, blank):
    def made(wide, orthogonal=0.5, spread=0.002):
        rows = _grid(wide, seeds=10, blocks=10, hidden=128, snapshot="0", spread=spread)
        rows += _grid({1: 0.55}, seeds=1, blocks=10, hidden=16, snapshot="0")
        return _fits(rows + _grid(dict.fromkeys((1, 2, 3), orthogonal), seeds=10, map="orthogonal", snapshot="0"))

    good = {1: 0.67, 2: 0.56, 3: 0.5}
    assert passes(PAPER, "c7", fits=made(good))
    assert not passes(PAPER, "c7", fits=made({1: 0.57, 2: 0.5, 3: 0.5}))
    assert not passes(PAPER, "c7", fits=made(good, orthogonal=0.6))
    assert not passes(PAPER, "c7", fits=made({1: 0.67, 2: 0.67, 3: 0.67}))
    assert not passes(PAPER, "c7", fits=made(good, spread=2.0))
    assert not passes(PAPER, "c7", fits=blank(made(good)))


def _language(
    revnet=0.99, orthogonal=0.5, own=0.5, moved=0.0, unseen=0.55, trained=0.8, size="small", seeds=3, other_rate=0.0
):
    usual = {"model": "random", "map": "revnet", "split": "sentence", "blocks": 8, "rate": 0.01, "accuracy": own}
    rows = []
    for seed in range(seeds):
        name, shift = seed if size == "small" else f"seed{seed}", 0.004 * (seed - 1)
        rows += [
            {**usual, "seed": name, "iia": revnet + shift / 4},
            {**usual, "seed": name, "iia": unseen + shift, "split": "name"},
            {**usual, "seed": name, "iia": 0.95, "split": "name", "model": "trained"},
            {**usual, "seed": name, "iia": orthogonal + shift, "map": "orthogonal", "blocks": 0, "moved": moved},
            {
                **usual,
                "seed": name,
                "iia": trained,
                "map": "orthogonal",
                "blocks": 0,
                "model": "trained",
                "accuracy": 0.95,
            },
        ]
    slow = {"map": "orthogonal", "blocks": 0, "rate": 0.001, "iia": 0.5 + other_rate}
    rows += [{**usual, "seed": 0, **slow}] if size == "small" else []
    rows = [{"moved": 0.0, "steps": 100.0, "round_trip": 1e-5, **row} for row in rows]
    return xr.Dataset(
        {name: ("fit", [row[name] for row in rows]) for name in ("iia", "accuracy", "moved", "steps", "round_trip")},
        coords={
            name: ("fit", [row[name] for row in rows]) for name in ("model", "map", "split", "blocks", "rate", "seed")
        }
        | {"size": ("fit", [size] * len(rows))},
    )


def test_c8(passes, blank):
    assert passes(PAPER, "c8", checkpoints=[], language=_language())
    assert not passes(PAPER, "c8", checkpoints=[], language=_language(revnet=0.93))
    assert not passes(PAPER, "c8", checkpoints=[], language=_language(orthogonal=0.9))
    assert not passes(PAPER, "c8", checkpoints=[], language=_language(own=0.7))
    assert not passes(PAPER, "c8", checkpoints=[], language=_language(moved=0.05))
    assert not passes(PAPER, "c8", checkpoints=[], language=_language(other_rate=0.3))
    assert not passes(PAPER, "c8", checkpoints=[], language=blank(_language()))
    poor = _language(revnet=0.7, size="410M")
    assert not passes(PAPER, "c8", language=_language(), checkpoints=[poor])


def test_c9(passes, blank):
    def made(first, last):
        rows = []
        for i, width in enumerate((1, 2, 4, 8, 16)):
            rows += _grid({layer: first[i] if layer == 1 else last[i] for layer in (1, 3)}, blocks=1, hidden=width)
        return _fits(rows)

    rising, late = [0.66, 0.75, 0.85, 0.95, 0.99], [0.51, 0.9, 0.97, 0.99, 0.996]
    assert passes(PAPER, "c9", fits=made(rising, late))
    assert not passes(PAPER, "c9", fits=made(rising[::-1], late))
    assert not passes(PAPER, "c9", fits=made([0.9, 0.92, 0.94, 0.96, 0.98], late))
    assert not passes(PAPER, "c9", fits=blank(made(rising, late)))


def test_c9b(passes, blank):
    def made(values):
        rows = [
            _language(value, size="410M", seeds=1)
            .isel(fit=[0])
            .assign_coords(blocks=("fit", [k]), model=("fit", ["step0"]))
            for k, value in zip((1, 2, 4, 8, 16), values)
        ]
        return [xr.concat(rows, "fit")]

    assert passes(PAPER, "c9b", checkpoints=made([0.5, 0.7, 0.9, 0.97, 1]))
    assert not passes(PAPER, "c9b", checkpoints=made([0.5, 0.9, 0.7, 0.6, 0.8]))
    assert not passes(PAPER, "c9b", checkpoints=blank(made([0.5, 0.7, 0.9, 0.97, 1])))


def test_c10(passes, lookup, blank):
    assert passes(PAPER, "c10", lookup=lookup)
    assert not passes(PAPER, "c10", lookup=lookup.assign(right=lookup.right - (lookup.case == 1)))
    assert not passes(PAPER, "c10", lookup=lookup.assign(shuffled=lookup.interventions))
    assert not passes(PAPER, "c10", lookup=lookup.assign(one_to_one=lookup.case > 0))
    assert not passes(PAPER, "c10", lookup=lookup.assign(refused=lookup.refused & False))
    assert not passes(PAPER, "c10", lookup=blank(lookup))


def test_c11_and_c12(passes, blank):
    def passing(claim, **change):
        store = _language(size="410M", seeds=5, **change)
        return passes(PAPER, claim, language=_language(), checkpoints=[store])

    assert passing("c11")
    assert not passing("c11", trained=0.6)
    assert not passing("c11", orthogonal=0.75)
    assert passing("c12")
    assert not passing("c12", unseen=0.8)
    assert not passing("c12", revnet=0.8)
    for claim in ("c11", "c12"):
        store = _language(size="410M", seeds=5)
        assert not passes(PAPER, claim, language=_language(), checkpoints=[blank(store)])


def _snapshots(accuracy):
    """A store of networks with task accuracies `(snapshot, seed)` alone."""
    names = [str(128 * i) for i in range(len(accuracy))] + ["trained"]
    values = np.concatenate([accuracy, np.ones((1, accuracy.shape[1]))])
    return xr.Dataset(
        {"equality_accuracy": (("equality_snapshot", "equality_seed"), values)}, coords={"equality_snapshot": names}
    )


def test_c13(passes, blank):
    half = _snapshots(np.full((3, 3), 0.5))

    def made(revnet, orthogonal):
        same = {"seeds": 3, "snapshot": "128"}
        return _fits(
            _grid({1: revnet}, blocks=10, hidden=16, **same) + _grid({1: orthogonal}, map="orthogonal", **same)
        )

    assert passes(PAPER, "c13", fits=made(0.72, 0.5), networks=half)
    assert not passes(PAPER, "c13", fits=made(0.6, 0.45), networks=half)
    assert not passes(PAPER, "c13", fits=made(0.72, 0.65), networks=half)
    assert not passes(PAPER, "c13", fits=made(0.72, 0.5), networks=half + 0.2)
    assert not passes(PAPER, "c13", fits=blank(made(0.72, 0.5)), networks=half)


def test_c14(passes, blank):
    accuracy = 0.5 + 0.5 / (1 + np.exp(-(np.arange(17)[:, None] - np.array([7, 8, 9])) / 1.5))

    def made(revnet, orthogonal):
        rows = []
        for i in range(17):
            for seed in range(3):
                same = {"snapshot": str(128 * i), "seed": seed}
                rows.append({"blocks": 10, "hidden": 16, "iia": revnet(accuracy[i, seed]), **same})
                rows.append({"map": "orthogonal", "iia": orthogonal(accuracy[i, seed]), **same})
        return _fits(rows)

    def ahead(a):
        return min(1, a + 0.2)

    def behind(a):
        return 0.5 + 0.8 * (a - 0.5)

    networks = _snapshots(accuracy)
    assert passes(PAPER, "c14", fits=made(ahead, behind), networks=networks)
    assert not passes(PAPER, "c14", fits=made(behind, behind), networks=networks)
    assert not passes(PAPER, "c14", fits=made(ahead, ahead), networks=networks)
    assert not passes(PAPER, "c14", fits=made(ahead, lambda a: 1 - a), networks=networks)
    assert not passes(PAPER, "c14", fits=blank(made(ahead, behind)), networks=networks)


def test_c15_and_c15b(passes, distances, blank):
    table = np.zeros((3, 4, 5))
    table[..., 0] = table[..., 1] = table[..., 3] = np.array([0.1, 1e-3, 1e-3, 1e-3])
    table[..., 2] = 0.05
    table[..., 4] = np.array([0.2, 0.1, 0.1, 0.1])
    table *= 1 + 0.01 * np.arange(3)[:, None, None]
    good = xr.Dataset(
        {
            "distance": (("seed", "place", "pairs"), table),
            "duplicates": (("seed", "place"), np.zeros((3, 4), int)),
            "classes": ("seed", [2, 2, 2]),
        },
        coords={"pairs": distances.pairs},
    )
    assert passes(PAPER, "c15", distances=good)
    assert passes(PAPER, "c15b", distances=good)
    different = good.pairs == "different output"
    assert not passes(PAPER, "c15", distances=good.assign(distance=good.distance.where(~different, 0.005)))
    assert not passes(PAPER, "c15", distances=good.assign(duplicates=good.duplicates + (good.place == 2)))
    assert not passes(PAPER, "c15", distances=good.assign(classes=good.classes - 1))
    equal = good.pairs == "equal variables"
    assert not passes(PAPER, "c15b", distances=good.assign(distance=good.distance.where(~equal, 0.05)))
    close = good.distance.where(~(equal & (good.place == 0)), 0.001)
    assert not passes(PAPER, "c15b", distances=good.assign(distance=close))
    for claim in ("c15", "c15b"):
        assert not passes(PAPER, claim, distances=blank(good))


def test_c16(passes, blank):
    def made(own=0.999, other=0.64, revnet=0.99, moved=0.0):
        same = {"group": "fitted_and_or", "seeds": 3}
        rows = _grid({2: own}, map="orthogonal", algorithm="and_or", spread=0, **same)
        rows += _grid({2: other}, map="orthogonal", algorithm="and_or_and", moved=moved, **same)
        rows += _grid({2: 0.995}, blocks=10, algorithm="and_or", **same)
        return _fits(rows + _grid({2: revnet}, blocks=10, algorithm="and_or_and", **same))

    assert passes(PAPER, "c16", fits=made())
    assert not passes(PAPER, "c16", fits=made(own=0.9))
    assert not passes(PAPER, "c16", fits=made(other=0.8))
    assert not passes(PAPER, "c16", fits=made(revnet=0.9))
    assert not passes(PAPER, "c16", fits=made(moved=0.05))
    assert not passes(PAPER, "c16", fits=blank(made()))


def test_c17(passes, distances, blank):
    assert passes(PAPER, "c17", distances=distances)
    assert not passes(PAPER, "c17", distances=distances.assign(closest=distances.closest * (distances.model > 0)))
    assert not passes(PAPER, "c17", distances=distances.assign(control=distances.control + 1))
    assert not passes(PAPER, "c17", distances=blank(distances))


@pytest.mark.parametrize(("scale", "most"), [("laptop", 1.5e9), ("medium", 1.5e9), ("paper", 75e9)])
def test_stacks_of_maps_fit_into_memory(parameters, scale, most):
    """What the blocks keep for the backward pass: inside and half of the state, at both halves of each block."""
    align = parameters(PAPER, scale)["align"]
    for run in (run for study in align["studies"] for run in study["runs"]):
        if run["map"] != "revnet":
            continue
        own = {**align["training"], **run}
        models = len(run["layers"]) * run["seeds"] * len(run.get("snapshots", ["trained"]))
        rows = own["batch"] * 3 if not own["shared"] else own["shared"]
        kept = 2 * run["blocks"] * (2 * run["hidden"] + 24) * (rows + own["batch"])
        assert 4 * models * kept < most, run
