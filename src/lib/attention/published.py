"""Weights of a mixture of memories from a state dictionary of the authors' layers."""

import torch

from lib.attention.memories import MixtureOfMemories


def load_published(layer: MixtureOfMemories, state: dict[str, torch.Tensor], prefix: str = "") -> None:
    """Fill a layer under the gated delta rule from a checkpoint of the authors' code.

    Args:
        layer: a stack of one model with `convolution="memory"`.
        state: tensors by name; of the layer are `gate`, `q_proj`, `k_proj.i`, `v_proj.i`, `a_proj.i`, `b_proj.i` for
            each memory i, `shared_k`, `shared_v`, `shared_a`, `shared_b`, `A_log`, `dt_bias`, `q_conv1d`, `k_conv1d`,
            `v_conv1d`, `g_proj`, `o_norm`, `o_proj`, all but `A_log` and `dt_bias` with `.weight` behind.
        prefix: before these names.

    Raises:
        ValueError: a layer of another kind, a tensor that is not there, or one of another shape (named).

    Source: Du et al. 2025, authors' code.
    """
    if layer.models != 1 or layer.rule != "gated_delta" or layer.convolution != "memory" or not layer.own:
        raise ValueError("layer: expected one model, gated_delta, the convolution of the memories, own keys and values")

    def read(name: str, shape: tuple[int, ...]) -> torch.Tensor:
        if prefix + name not in state:
            raise ValueError(f"state: has no {prefix + name}")
        tensor = state[prefix + name]
        if tuple(tensor.shape) != shape:
            raise ValueError(f"{prefix + name} shape: got {tuple(tensor.shape)}, expected {shape}")
        return tensor.detach()

    width = layer.out.weight.shape[2]
    H, keys, values = layer.H, layer.H * layer.D, layer.H * layer.E
    sizes = {"k": keys, "v": values, "a": H, "b": H}
    columns = []
    for slot in range(layer.slots):
        for name, size in sizes.items():
            routed = slot < layer.M
            columns.append(read(f"{name}_proj.{slot}.weight" if routed else f"shared_{name}.weight", (size, width)).T)
    taps = [
        read(f"{name}_conv1d.weight", (n, 1, layer.taps.shape[-1]))
        for name, n in (("q", keys), ("k", keys), ("v", values))
    ]
    filled = {
        layer.write.weight: torch.cat(columns, 1)[None],
        layer.query.weight: read("q_proj.weight", (keys, width)).T[None],
        layer.gate.weight: read("g_proj.weight", (values, width)).T[None],
        layer.out.weight: read("o_proj.weight", (width, values)).T[None],
        layer.norm.weight: read("o_norm.weight", (layer.E,))[None],
        layer.A_log: read("A_log", (H,))[None],
        layer.decay_bias: read("dt_bias", (H,)).expand(1, layer.slots, H),
        layer.taps: torch.cat(taps)[None, :, 0],
    }
    if layer.M:
        filled[layer.router.weight] = read("gate.weight", (layer.M, width)).T[None]
    with torch.no_grad():
        for parameter, value in filled.items():
            parameter.copy_(value)
