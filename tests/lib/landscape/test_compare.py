"""Two runs compared by path: what the function says, and the command on files of a user's own."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lib.commands.compare_runs import main
from lib.landscape.alignment import chain_specification, permute, random_permutations
from lib.landscape.compare import compare_runs, module_at, perceptron_of, read_batches
from lib.landscape.curvature import directional_curvature
from lib.landscape.losses import mlp, module_loss
from lib.landscape.parameters import parameters_of

X = torch.randn(80, 5, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def runs():
    """A network that knows the labels, and itself with its hidden units permuted."""
    torch.manual_seed(0)
    module = mlp([5, 12, 9, 3])
    one = {name: 4 * value * name.endswith("weight") for name, value in parameters_of(module).items()}
    labels = torch.func.functional_call(module, one, (X,)).argmax(1)
    specification = chain_specification(one)
    other = permute(one, specification, random_permutations(one, specification, np.random.default_rng(1)))
    return module, one, other, labels


def test_a_permuted_copy_has_a_barrier_that_matching_removes(runs):
    module, one, other, labels = runs
    result = compare_runs(module, one, other, [(X[:50], labels[:50]), (X[50:], labels[50:])])
    assert float(result.loss.height) > 0.1
    assert float(result.error.height) > 0.05
    assert float(result.matched.height) < 1e-5
    assert list(result.layers) == ["0", "2", "4"]
    loss = module_loss(module, [(X, labels)])
    assert result.expected == pytest.approx(float(directional_curvature(loss, one, other, [0, 1]).sum()) / 16, rel=1e-3)
    excess, _ = result.layers["4"]
    half = {name: (value + other[name]) / 2 if name.startswith("4") else value for name, value in one.items()}
    back = {name: (value + one[name]) / 2 if name.startswith("4") else value for name, value in other.items()}
    by_hand = (loss(half) - loss(one) + loss(back) - loss(other)) / 2
    assert excess == pytest.approx(float(by_hand), rel=1e-4, abs=1e-6)


def test_any_module_serves_and_regression_has_no_error():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Unflatten(1, (1, 5)), nn.Conv1d(1, 4, 2), nn.Tanh(), nn.Flatten(), nn.Linear(16, 1))
    other = {name: torch.randn_like(value) for name, value in parameters_of(module).items()}
    targets = torch.zeros(80, 1)
    result = compare_runs(module, parameters_of(module), other, [(X, targets)], criterion=nn.functional.mse_loss)
    assert result.error is None
    assert result.matched is None  # not a plain sequence of layers
    with pytest.raises(ValueError, match="expected those of Sequential"):
        compare_runs(module, {}, other, [(X, targets)])
    with pytest.raises(ValueError, match=r"expected \(4, 1, 2\)"):
        compare_runs(module, other | {"1.weight": torch.zeros(4, 1, 3)}, other, [(X, targets)])
    half = {name: value.half() for name, value in other.items()}
    again = compare_runs(module, half, parameters_of(module), [(X, targets)], criterion=nn.functional.mse_loss)
    torch.testing.assert_close(again.loss.height, result.loss.height, rtol=1e-2, atol=1e-3)


def test_the_command_reads_files_of_one_s_own(runs, tmp_path, capsys):
    module, one, other, labels = runs
    names = ["in.weight", "in.bias", "mid.weight", "mid.bias", "out.weight", "out.bias"]
    save_file(dict(zip(names, one.values())), tmp_path / "one.safetensors")
    torch.save(dict(zip(names, other.values())), tmp_path / "other.pt")
    np.savez(tmp_path / "data.npz", inputs=X.numpy(), targets=labels.numpy())
    paths = [str(tmp_path / name) for name in ("one.safetensors", "other.pt", "data.npz")]
    assert main(paths) == 0
    plain = capsys.readouterr().out
    result = compare_runs(module, one, other, [(X, labels)])
    assert f"barrier {float(result.loss.height):.4g} at" in plain
    assert "after matching hidden units" in plain
    (tmp_path / "nets.py").write_text(
        "from collections import OrderedDict\nfrom torch import nn\n\n\ndef build():\n"
        "    return nn.Sequential(OrderedDict([\n"
        "        ('in', nn.Linear(5, 12)), ('a', nn.ReLU()), ('mid', nn.Linear(12, 9)), ('b', nn.ReLU()),\n"
        "        ('out', nn.Linear(9, 3)),\n    ]))\n"
    )
    assert main([*paths, "--model", f"{tmp_path / 'nets.py'}:build", "--batch", "33"]) == 0
    by_module = capsys.readouterr().out
    assert by_module.splitlines()[0] == plain.splitlines()[0]
    assert "mid:" in by_module
    np.savez(tmp_path / "other.npz", inputs=X.numpy())
    np.savez(tmp_path / "narrow.npz", inputs=X[:, :3].numpy(), targets=labels.numpy())
    assert main([*paths[:2], str(tmp_path / "narrow.npz")]) == 2
    assert "compare_runs: " in capsys.readouterr().err
    for wrong in ([*paths[:2], str(tmp_path / "other.npz")], [*paths, "--points", "4"], [*paths, "--model", "nowhere"]):
        assert main(wrong) == 2
        assert capsys.readouterr().err.startswith("compare_runs: ")


def test_what_is_no_perceptron_and_no_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match="in a row"):
        perceptron_of({"a": torch.zeros(3, 2), "b": torch.zeros(3), "c": torch.zeros(4, 5), "d": torch.zeros(4)})
    with pytest.raises(ValueError, match=r"expected a torch.nn.Module"):
        module_at("builtins:list")
    np.savez(tmp_path / "uneven.npz", inputs=np.zeros((3, 2)), targets=np.zeros(2))
    with pytest.raises(ValueError, match="as many"):
        read_batches(tmp_path / "uneven.npz", 2)
