"""A checkpoint of one's own: the function, the command, and what it refuses."""

import json

import pytest
import torch

from lib.commands.linearize_checkpoint import main
from lib.linearizing.adapters import add_adapters
from lib.linearizing.checkpoints import load_linearized, load_model, load_tokeniser
from lib.linearizing.instructions import pack_rows, read_texts
from lib.linearizing.own import linearize_checkpoint
from lib.linearizing.training import fine_tune, mean_loss
from tests.lib.linearizing.models import save_tiny

TEXTS = [{"instruction": f"Count to {n}.", "output": " ".join(map(str, range(n + 1)))} for n in range(1, 13)]
ITEMS = {"counting": [{"context": "0 1", "choices": [" 2", " 7"], "answer": 0}] * 4}
OPTIONS = {"tokens": 32, "held_out": 3, "epochs": 1, "batch": 2, "parts": 1, "window": 4, "learning_rate": 0.01}


@pytest.fixture
def world(tmp_path):
    """A tiny checkpoint, texts and items, by path."""
    save_tiny(tmp_path / "model")
    (tmp_path / "texts.json").write_text(json.dumps(TEXTS))
    (tmp_path / "items.json").write_text(json.dumps(ITEMS))
    return tmp_path


def test_the_report_is_of_the_model_that_is_saved(world):
    out = world / "out"
    report = linearize_checkpoint(world / "model", world / "texts.json", out, items=ITEMS, **OPTIONS)
    rows = pack_rows(read_texts(world / "texts.json")[:3], load_tokeniser(out), 32)
    assert report.losses["softmax"] == pytest.approx(mean_loss(load_model(world / "model"), rows), rel=1e-5)
    assert report.losses["after"] == pytest.approx(mean_loss(load_linearized(out), rows), rel=1e-5)
    assert report.losses["after"] < report.losses["before"]
    base, merged, trained = report.parameters
    assert base == merged == sum(parameter.numel() for parameter in load_model(world / "model").parameters())
    assert trained == 2 * 8 * ((32 + 32) + 2 * (32 + 16))
    assert report.state_bytes == 2 * (2 * 8 * 8 + 2 * 4 * 2 * 8) * 4
    assert report.key_bytes == (2 * 2 * 2 * 8 * 4, 0)
    assert {stage: estimate.n for stage, estimate in report.accuracy["counting"].items()} == dict.fromkeys(
        ("softmax", "before", "after"), 4
    )


def test_recomputed_activations_change_no_result(world):
    results = [
        linearize_checkpoint(world / "model", world / "texts.json", world / str(again), recompute=again, **OPTIONS)
        for again in (False, True)
    ]
    assert results[0].losses == pytest.approx(results[1].losses, rel=1e-5)


def test_the_ceiling_is_the_softmax_model_with_the_same_adapters(world):
    """It leaves the weights as they were: all that comes after is the same with it and without it."""
    run = [
        linearize_checkpoint(world / "model", world / "texts.json", world / str(ceiling), ceiling=ceiling, **OPTIONS)
        for ceiling in (False, True)
    ]
    assert {stage: run[1].losses[stage] for stage in run[0].losses} == run[0].losses
    assert (run[0].trace == run[1].trace).all()
    assert "ceiling" not in run[0].losses
    model, tokeniser = add_adapters(load_model(world / "model")), load_tokeniser(world / "model")
    texts = read_texts(world / "texts.json")
    rows, held_out = (pack_rows(part, tokeniser, 32) for part in (texts[3:], texts[:3]))
    fine_tune(model, rows, held_out, epochs=1, batch=2, learning_rate=0.01)
    assert run[1].losses["ceiling"] == pytest.approx(mean_loss(model, held_out), rel=1e-6)
    assert run[1].losses["ceiling"] < run[1].losses["softmax"]


def test_new_modules_are_saved(world):
    options = OPTIONS | {"gate_source": "projection", "keep_softmax": (0,)}
    report = linearize_checkpoint(world / "model", world / "texts.json", world / "out", **options)
    assert report.parameters[1] - report.parameters[0] == 16 * 32
    assert report.state_bytes == (4 * 8 * 8 + 2 * 4 * 2 * 8) * 4
    assert report.key_bytes == (2 * 2 * 2 * 8 * 4, 2 * 2 * 8 * 4)
    assert "model.layers.1.self_attn.forget_proj.weight" in load_linearized(world / "out").state_dict()


def run(world, *more):
    """The command with small numbers."""
    numbers = {"tokens": 32, "held-out": 3, "epochs": 1, "batch": 2, "window": 4, "learning-rate": 0.01}
    small = [text for name, value in numbers.items() for text in (f"--{name}", str(value))]
    paths = [str(world / name) for name in ("model", "texts.json", "out")]
    return main([*paths, *small, *more])


def test_the_command(world, capsys):
    assert run(world, "--items", str(world / "items.json"), "--form", "gsa") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3].startswith("held-out nats")
    assert lines[-2].startswith("counting")
    assert lines[-2].count("%") == 9
    assert "--ceiling" in lines[-1]
    model = load_linearized(world / "out")
    tokens = torch.tensor([load_tokeniser(world / "out")("Count")["input_ids"]])
    assert model.generate(tokens, max_new_tokens=3).shape == (1, 8)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--held-out", "12"), "held_out: got 12 of 12 texts"),
        (("--tokens", "100000"), "texts: got"),
        (("--mix", "0", "0"), "mix: got"),
        (("--keep-softmax", "5"), "keep_softmax: got"),
        (("--window", "0"), "window: got 0"),
        (("--rank", "0"), "rank: got 0"),
        (("--items", "nowhere.json"), "nowhere.json: got no readable JSON"),
        (("--batch", "1000"), "rows: got"),
    ],
)
def test_what_the_command_refuses(world, capsys, more, message):
    assert run(world, *more) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"linearize_checkpoint: {message}")
    assert len(error.splitlines()) == 1
    assert not (world / "out").exists()


def test_an_output_that_exists_is_left_alone(world, capsys):
    (world / "out").mkdir()
    assert run(world) == 2
    assert "which exists" in capsys.readouterr().err
