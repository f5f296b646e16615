"""Generators, torch modules and optimisers as arrays, and back: what a checkpoint holds."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from lib.atlas.job.checkpoint import Checkpoint


class Part:
    """One of several computations in a row that share a checkpoint; what the earlier ones gave is kept with it.

    Args:
        checkpoint: of the whole.
        name: of this part; a state of another part is not loaded.
        results: arrays of the parts that are done, by name.
    """

    def __init__(self, checkpoint: "Checkpoint", name: str, results: dict[str, np.ndarray]):
        self.checkpoint, self.name, self.results = checkpoint, name, results

    def load(self) -> dict[str, np.ndarray] | None:
        """State of this part, or None where the checkpoint holds none."""
        whole = self.checkpoint.load() or {}
        if str(whole.get("part")) != self.name:
            return None
        return {key[len("state:") :]: value for key, value in whole.items() if key.startswith("state:")}

    def save_if_due(self, state: "Callable[[], dict[str, np.ndarray]]") -> bool:
        """As `Checkpoint.save_if_due`."""
        return self.checkpoint.save_if_due(
            lambda: (
                {"part": self.name}
                | {f"result:{key}": value for key, value in self.results.items()}
                | {f"state:{key}": value for key, value in state().items()}
            )
        )


def results_so_far(checkpoint: "Checkpoint | None") -> dict[str, np.ndarray]:
    """What the parts that are done gave, from a checkpoint that `Part` wrote; empty where there is none."""
    whole = (checkpoint.load() if checkpoint else None) or {}
    return {key[len("result:") :]: value for key, value in whole.items() if key.startswith("result:")}


def as_results(results: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """State of a checkpoint that holds finished parts alone, for `results_so_far`."""
    return {f"result:{key}": value for key, value in results.items()}


def pack_generator(rng: np.random.Generator) -> np.ndarray:
    """State of a PCG64 generator as six 64-bit words.

    Raises:
        ValueError: another bit generator.
    """
    whole = rng.bit_generator.state
    if whole["bit_generator"] != "PCG64":
        raise ValueError(f"rng: got {whole['bit_generator']}, expected PCG64")
    mask = 2**64 - 1
    state, inc = whole["state"]["state"], whole["state"]["inc"]
    words = [state >> 64, state & mask, inc >> 64, inc & mask, whole["has_uint32"], whole["uinteger"]]
    return np.array(words, dtype=np.uint64)


def unpack_generator(words: np.ndarray) -> np.random.Generator:
    """The generator whose state `pack_generator` returned."""
    a, b, c, d, has, buffered = (int(word) for word in words)
    bits = np.random.PCG64()
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": a << 64 | b, "inc": c << 64 | d},
        "has_uint32": has,
        "uinteger": buffered,
    }
    return np.random.Generator(bits)


def _leaves(tree, prefix: str):
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, f"{prefix}:{key}")
    else:
        yield prefix, tree.detach().cpu().numpy() if hasattr(tree, "detach") else np.asarray(tree)


def torch_arrays(**objects: "torch.nn.Module | torch.optim.Optimizer | torch.Generator") -> dict[str, np.ndarray]:
    """State of torch modules, optimisers and generators as arrays, each under the name of its keyword.

    Learning rates are in the state; other hyperparameters of an optimiser are not: the caller constructs it again.
    """
    arrays: dict[str, np.ndarray] = {}
    for name, item in objects.items():
        if hasattr(item, "get_state"):
            arrays[name] = item.get_state().numpy()
            continue
        tree = item.state_dict()
        if "param_groups" in tree:
            rates = {str(i): group["lr"] for i, group in enumerate(tree["param_groups"])}
            tree = {"state": tree["state"], "lr": rates}
        arrays.update(_leaves(tree, name))
    return arrays


def load_torch(
    arrays: dict[str, np.ndarray], **objects: "torch.nn.Module | torch.optim.Optimizer | torch.Generator"
) -> None:
    """Load a state from `torch_arrays` into objects that were constructed in the same way.

    Raises:
        ValueError: the state has nothing under the name of an object.
    """
    import torch

    for name, item in objects.items():
        own = {key[len(name) + 1 :]: value for key, value in arrays.items() if key.startswith(f"{name}:")}
        if hasattr(item, "set_state"):
            item.set_state(torch.from_numpy(arrays[name].copy()))
        elif not own:
            raise ValueError(f"arrays: got nothing under {name!r}, expected the state of {type(item).__name__}")
        elif hasattr(item, "param_groups"):
            tree = item.state_dict()
            tree["state"] = {}
            for key, value in own.items():
                kind, index, *rest = key.split(":")
                if kind == "lr":
                    tree["param_groups"][int(index)]["lr"] = float(value)
                else:
                    tree["state"].setdefault(int(index), {})[rest[0]] = torch.from_numpy(np.array(value))
            item.load_state_dict(tree)
        else:
            item.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in own.items()})
