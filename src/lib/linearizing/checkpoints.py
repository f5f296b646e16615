"""Models of transformers from local folders, their weights memory-mapped, and linearized models saved and loaded."""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from lib.linearizing.attention import LigerAttention, LigerSettings
from lib.linearizing.convert import KNOWN, liger_layers, linearize

SETTINGS = "linearized.json"


def load_model(folder: str | Path, dtype: torch.dtype | None = None) -> nn.Module:
    """A causal language model from a folder of transformers, in evaluation mode; nothing is downloaded.

    Weights stay in the files, mapped into memory and read as they are used, unless another type is asked for.

    Args:
        folder: with config.json and safetensors, in one file or in parts with an index.
        dtype: of the weights; that of the files when None.

    Raises:
        ValueError: a folder without a configuration of a known kind, a file that is damaged, or weights that are
            missing, foreign or of other shapes.
    """
    model = _empty_model(Path(folder))
    return _fill(model, Path(folder), dtype)


def load_tokeniser(folder: str | Path):
    """The tokeniser in a folder of transformers.

    Raises:
        ValueError: no readable tokeniser.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder}: got no readable tokeniser ({_first_line(error)})") from None


def save_linearized(model: nn.Module, folder: str | Path) -> None:
    """Write a linearized model: configuration, weights as safetensors, and how it was linearized.

    Args:
        model: without adapters (`merge_adapters`).
        folder: made where it is not there.

    Raises:
        ValueError: a model that is not linearized, or has adapters.
    """
    layers = liger_layers(model)
    if not layers or not hasattr(model, "save_pretrained"):
        raise ValueError("model: got one without linearized layers, expected one from linearize")
    if any("lora_" in name for name, _ in model.named_parameters()):
        raise ValueError("model: got one with adapters, expected them merged by merge_adapters")
    folder = Path(folder)
    model.save_pretrained(folder)
    decoder_layers = enumerate(model.get_decoder().layers)
    kept_layers = [index for index, layer in decoder_layers if not isinstance(layer.self_attn, LigerAttention)]
    settings = asdict(layers[0].settings) | {"keep_softmax": kept_layers}
    (folder / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def load_linearized(folder: str | Path, dtype: torch.dtype | None = None) -> nn.Module:
    """A model that `save_linearized` wrote, in evaluation mode, its weights memory-mapped.

    Raises:
        ValueError: as `load_model`, or settings that are missing or unknown.
    """
    folder = Path(folder)
    path = folder / SETTINGS
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        keep_softmax = tuple(settings.pop("keep_softmax"))
        options = asdict(LigerSettings(**settings))
    except FileNotFoundError:
        raise ValueError(f"{folder}: got no {SETTINGS}, expected a folder that save_linearized wrote") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path}: got no readable settings ({_first_line(error)})") from None
    model = _empty_model(folder)
    try:
        linearize(model, keep_softmax=keep_softmax, **options)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
    return _fill(model, folder, dtype)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _empty_model(folder: Path) -> nn.Module:
    """The model of a configuration, its weights without storage."""
    from transformers import AutoConfig, AutoModelForCausalLM

    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder}: got no config.json, expected a folder of transformers")
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / 'config.json'}: got no readable configuration ({_first_line(error)})") from None
    if config.model_type not in KNOWN:
        raise ValueError(f"{folder}: got a model of the kind {config.model_type}, expected one of {', '.join(KNOWN)}")
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def _fill(model: nn.Module, folder: Path, dtype: torch.dtype | None) -> nn.Module:
    """Give a model without storage the weights of a folder and buffers computed anew."""
    weights = _read_weights(folder)
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    tied = set(getattr(model, "all_tied_weights_keys", None) or {}) if model.config.tie_word_embeddings else set()
    missing = [name for name in expected if name not in weights and name not in tied]
    foreign = [name for name in weights if name not in expected and not name.endswith("rotary_emb.inv_freq")]
    if missing or foreign:
        raise ValueError(f"{folder}: got weights without {missing[:3]} and with {foreign[:3]} of other models")
    unlike = [name for name, shape in expected.items() if name in weights and tuple(weights[name].shape) != shape]
    if unlike:
        name = unlike[0]
        raise ValueError(f"{folder}: got {name} of shape {tuple(weights[name].shape)}, expected {expected[name]}")
    state = {name: value if dtype is None else value.to(dtype) for name, value in weights.items() if name in expected}
    model.load_state_dict(state, strict=False, assign=True)
    model.tie_weights()
    decoder = model.get_decoder()
    decoder.rotary_emb = type(decoder.rotary_emb)(model.config)  # its buffers are in no file
    if (folder / "generation_config.json").is_file():
        model.generation_config = type(model.generation_config).from_pretrained(folder)
    model.config.dtype = model.get_input_embeddings().weight.dtype
    return model.eval()


def _read_weights(folder: Path) -> dict[str, Tensor]:
    """Tensors of all safetensors of a folder, mapped into memory."""
    from safetensors import SafetensorError, safe_open

    index = folder / "model.safetensors.index.json"
    try:
        names = sorted(set(json.loads(index.read_text())["weight_map"].values())) if index.is_file() else None
    except (ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{index}: got no readable index ({_first_line(error)})") from None
    paths = [folder / name for name in names] if names else [folder / "model.safetensors"]
    weights = {}
    for path in paths:
        try:
            with safe_open(path, framework="pt") as file:
                weights |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise ValueError(f"{path}: got no readable safetensors ({_first_line(error)})") from None
    return weights
