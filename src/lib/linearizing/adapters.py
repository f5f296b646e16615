"""Low-rank adapters of a model of transformers, by peft."""

import warnings

import torch
from torch import nn

from lib.linearizing.convert import new_parameters

TARGETS = ("q_proj", "k_proj", "v_proj")


def add_adapters(
    model: nn.Module,
    rank: int = 8,
    alpha: float = 8,
    targets: tuple[str, ...] = TARGETS,
    *,
    full: bool = False,
    train_new: bool = True,
    seed: int = 0,
) -> nn.Module:
    """Freeze a model except for low-rank adapters W + (alpha / rank) B A of some projections, with B at zero.

    Args:
        model: a causal language model of transformers, linearized or not.
        rank, alpha: of the adapters.
        targets: last parts of the names of the adapted layers.
        full: train the targets' own weights in place of adapters.
        train_new: train gate projections and feature maps, which the softmax model does not have, too.
        seed: of A.

    Returns:
        A model that is called as before: peft's around the same modules, or the model itself with `full`.

    Raises:
        ValueError: a rank below 1, no layer of such a name, or a model that has adapters already.
    """
    from peft import LoraConfig, PeftModel, get_peft_model

    names = [name for name, _ in model.named_modules() if name.rpartition(".")[2] in targets]
    missing = set(targets) - {name.rpartition(".")[2] for name in names}
    if missing or not targets:
        raise ValueError(f"targets: got {targets}, expected names of layers; there is no {', '.join(sorted(missing))}")
    if not isinstance(rank, int) or rank < 1:
        raise ValueError(f"rank: got {rank!r}, expected an integer of at least 1")
    if isinstance(model, PeftModel):
        raise ValueError("model: got one with adapters, expected one without")
    new = new_parameters(model)
    model.requires_grad_(False)
    if full:
        for name in names:
            model.get_submodule(name).requires_grad_(True)
    else:
        config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(targets), lora_dropout=0.0, bias="none")
        with torch.random.fork_rng(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*gradient_checkpointing.*", FutureWarning)  # peft asks by the old name
            torch.manual_seed(seed)
            model = get_peft_model(model, config)
    for parameter in new:
        parameter.requires_grad_(train_new)
    return model


def merge_adapters(model: nn.Module) -> nn.Module:
    """The model with its adapters added to the weights: names and shapes are those of the base again.

    A model without adapters comes back as it is.
    """
    from peft import PeftModel

    return model.merge_and_unload() if isinstance(model, PeftModel) else model


def trainable_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Parameters that training moves, by name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
