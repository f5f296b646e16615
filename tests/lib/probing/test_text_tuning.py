"""Files of texts, an encoder of transformers from a folder, and its fine-tuning in epochs, on tiny random models."""

import json

import numpy as np
import pytest
import torch

from lib.language.texts import load_text_encoder, read_text_set, read_texts, tokenise
from lib.ntk.empirical import split_kernel
from lib.probing.heads import random_head
from lib.probing.text_tuning import TextClassifier, text_features, tune_text_classifier

WORDS = ["<s>", "<pad>", "</s>", "<unk>", "good", "bad", "film", "book", "very", "the"]


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(json.dumps, rows)))


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    folder = tmp_path_factory.mktemp("encoder")
    config = RobertaConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        initializer_range=0.3, max_position_embeddings=20, type_vocab_size=1, pad_token_id=1, bos_token_id=0,
        eos_token_id=2,
    )  # fmt: skip
    torch.manual_seed(0)
    RobertaModel(config).save_pretrained(folder)
    coder = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    coder.pre_tokenizer = pre_tokenizers.Whitespace()
    coder.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=coder, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def set_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    rng = np.random.default_rng(0)

    def rows(count, thing):
        labels = [i % 2 for i in range(count)]
        words = [["the", "very", thing][: rng.integers(1, 4)] for _ in labels]
        return [
            {"text": " ".join([*word, "good" if label else "bad"]), "label": label}
            for word, label in zip(words, labels)
        ]

    for part, count in (("train", 40), ("validation", 20), ("test", 20)):
        write_lines(folder / f"reviews/{part}.jsonl", rows(count, "film"))
    write_lines(folder / "reviews/shifted/books.jsonl", rows(10, "book"))
    return folder


@pytest.fixture
def prepared(encoder_folder, set_folder):
    encoder, tokeniser = load_text_encoder(encoder_folder)
    parts = read_text_set(set_folder / "reviews")
    return encoder, {name: (tokenise(tokeniser, texts, 12), texts.labels) for name, texts in parts.items()}


def fit(encoder, parts, *, epochs=6, rate=5e-3, adapters=None, checkpoint=None):
    model = TextClassifier(encoder, random_head(2, encoder.width, np.random.default_rng(0)), adapters)
    (x, y), (held_out, held_out_labels) = parts["train"], parts["validation"]
    result = tune_text_classifier(
        model,
        x,
        y,
        held_out,
        held_out_labels,
        epochs=epochs,
        batch=8,
        learning_rate=rate,
        seed=3,
        checkpoint=checkpoint,
    )
    return model, result


def test_files_and_what_is_refused(tmp_path, set_folder):
    parts = read_text_set(set_folder / "reviews")
    assert list(parts) == ["train", "validation", "test", "shifted/books"]
    assert parts["train"].labels.tolist() == [0, 1] * 20
    write_lines(tmp_path / "pairs.jsonl", [{"text": "the film", "text_pair": "good", "label": 1}])
    assert read_texts(tmp_path / "pairs.jsonl").second == ["good"]
    write_lines(tmp_path / "mixed.jsonl", [{"text": "a", "text_pair": "b", "label": 1}, {"text": "a", "label": 0}])
    with pytest.raises(ValueError, match="text_pair in all or none"):
        read_texts(tmp_path / "mixed.jsonl")
    write_lines(tmp_path / "bare.jsonl", [{"text": "a"}])
    with pytest.raises(ValueError, match="text and label"):
        read_texts(tmp_path / "bare.jsonl")
    write_lines(tmp_path / "words.jsonl", [{"text": "a", "label": "yes"}])
    with pytest.raises(ValueError, match="expected integers"):
        read_texts(tmp_path / "words.jsonl")
    with pytest.raises(FileNotFoundError, match="expected one of JSON lines"):
        read_text_set(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no config\.json"):
        load_text_encoder(tmp_path)


def test_features_do_not_see_the_padding(prepared):
    encoder, parts = prepared
    (tokens, mask), _ = parts["test"]
    row = int(mask.sum(1).argmin())
    length = int(mask[row].sum())
    assert length < tokens.shape[1]
    together = text_features(encoder, (tokens, mask), 7)[row]
    alone = text_features(encoder, (tokens[row : row + 1, :length], mask[row : row + 1, :length]), 1)[0]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_split_kernel_of_roberta_is_the_full_one(prepared):
    encoder, parts = prepared
    encoder, head = (
        encoder.double(),
        torch.randn(2, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1)),
    )
    inputs = tuple(part[:4] for part in parts["train"][0])
    outputs = torch.cat([encoder(*(part[i : i + 1] for part in inputs)) for i in range(4)]) @ head.mT
    rows = [torch.autograd.grad(one, list(encoder.parameters()), retain_graph=True) for one in outputs.flatten()]
    slopes = torch.stack([torch.cat([part.flatten() for part in row]) for row in rows]).view(4, 2, -1)
    full = torch.einsum("ncp,mdp->ncmd", slopes, slopes)
    split = split_kernel(encoder, head, inputs, layers=4, batch=3)
    assert float((split.tuned - full).norm() / full.norm()) < 1e-10


@pytest.mark.parametrize("adapters", [None, {"rank": 2, "alpha": 2, "targets": ["query", "value"], "seed": 5}])
def test_an_encoder_of_transformers_learns(prepared, adapters):
    encoder, parts = prepared
    before = {name: value.detach().clone() for name, value in encoder.named_parameters()}
    model, result = fit(encoder, parts, rate=5e-3 if adapters is None else 2e-2, adapters=adapters, epochs=20)
    assert result.losses[-1] < 0.5 * result.losses[0]
    scores = model.end_head().scores(text_features(model, parts["test"][0], 8))
    assert np.mean(scores.argmax(1) == parts["test"][1]) == result.held_out.max() == 1
    frozen = all(torch.equal(value, before[name]) for name, value in encoder.named_parameters())
    assert frozen == (adapters is not None)


def test_the_weights_are_those_of_the_best_epoch(prepared):
    encoder, parts = prepared
    model, result = fit(encoder, parts, epochs=3, rate=3e-3)
    scores = model.end_head().scores(text_features(model, parts["validation"][0], 8))
    assert np.mean(scores.argmax(1) == parts["validation"][1]) == result.held_out.max()


def test_a_stopped_training_goes_on_to_the_same_weights(encoder_folder, prepared, tmp_path):
    from lib.atlas.job.checkpoint import Checkpoint

    class Stopping(Checkpoint):
        def save(self, state):
            super().save(state)
            if len(state["losses"]) == 2:
                raise KeyboardInterrupt

    _, parts = prepared
    model, result = fit(load_text_encoder(encoder_folder)[0], parts, epochs=3)
    checkpoint = Stopping(tmp_path / "checkpoint.zarr.zip", {}, every=0.0)
    with pytest.raises(KeyboardInterrupt):
        fit(load_text_encoder(encoder_folder)[0], parts, epochs=3, checkpoint=checkpoint)
    again, repeated = fit(load_text_encoder(encoder_folder)[0], parts, epochs=3, checkpoint=checkpoint)
    assert np.array_equal(result.losses, repeated.losses)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values()))


def test_stages_at_paper_scale(encoder_folder, set_folder):
    import importlib.util
    from pathlib import Path

    def load(name):
        path = Path(__file__).resolve().parents[3] / f"workflow/scripts/lp_ft_ntk/{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, name)

    recipe = {"batch": 8, "learning_rate": 1e-3}
    adapters = {"rank": 2, "alpha": 2, "targets": ["query", "value"]}
    options = {
        "task": "reviews", "repeat": 0, "recipes": {"reviews": dict.fromkeys(["ft", "lp-ft", "lora"], recipe)},
        "adapters": adapters, "epochs": 1, "length": 12, "device": "cpu", "checkpoint": None,
    }  # fmt: skip
    for procedure in ("lp", "lp-ft", "lora"):
        rng = np.random.default_rng(0)
        store = load("tune_texts")(encoder_folder, set_folder, procedure=procedure, rng=rng, **options)
        assert (float(store.change) == 0) == (procedure == "lp")
        assert store["shift"].values.tolist() == ["books"]
        assert 0 <= float(store.scaled_ece) <= 1
    kernels = load("measure_text_kernels")(
        encoder_folder, set_folder, task="reviews", adapters=adapters, samples=10, layers=4, batch=5, length=12,
        device="cpu", rng=np.random.default_rng(0),
    )  # fmt: skip
    assert np.isfinite(kernels.ratio).all()
    assert (kernels.norm.sel(kernel="P") > 0).all()
