"""Checkpoints of long computations: stop at any moment, go on from the last one, get the same result.

The state of a computation is a flat dictionary of arrays. It is written as a store (`lib.atlas.job.store`: atomic,
checked, nothing pickled) and belongs to one identity: the parameters, inputs and code of its stage. A loop that uses
one reads

    state = checkpoint.load() if checkpoint else None
    state = state or {"epoch": 0, "weights": start, "rng": pack_generator(rng)}
    w, rng = state["weights"], unpack_generator(state["rng"])
    for epoch in range(int(state["epoch"]), epochs):
        ...                                  # one epoch, a function of the state alone
        if checkpoint:
            checkpoint.save_if_due(lambda: {"epoch": epoch + 1, "weights": w, "rng": pack_generator(rng)})

and gives the same result wherever it was interrupted, provided that everything the rest of the loop depends on is in
the state. The stage runner gives a checkpoint to a stage that takes an argument `checkpoint`, and removes it once the
stage's output is written. `lib.training.state` turns generators, torch modules and optimisers into arrays; a stage
imports that module and not this one, so that its code fingerprint does not depend on how checkpoints are kept.
"""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from lib.atlas.job import store

EVERY = 20.0


class Checkpoint:
    """The one checkpoint of a computation, kept in one file.

    Args:
        path: file of the checkpoint, ending in `.zarr.zip`.
        identity: JSON-like description of what the state belongs to; a state of another identity is not loaded.
        every: seconds between two saves by `save_if_due`.
    """

    def __init__(self, path: Path, identity: dict, every: float = EVERY):
        self.path = Path(path)
        text = json.dumps(identity, sort_keys=True, default=str)
        self.identity = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.every = every
        self._last = time.monotonic()

    def load(self) -> dict[str, np.ndarray] | None:
        """The saved state, or None when there is none, it is damaged, or it belongs to another identity.

        A state that is refused is named in the log; the computation then starts from its beginning.
        """
        if not self.path.exists():
            return None
        try:
            if store.provenance(self.path).get("checkpoint") != self.identity:
                print(f"{self.path.name}: of other parameters, inputs or code; not used", flush=True)
                return None
            dataset = store.read(self.path).load()
        except store.StoreError as error:
            print(f"{self.path.name}: not used: {error}", flush=True)
            return None
        print(f"{self.path.name}: going on from here", flush=True)
        return {str(name): np.array(variable.values) for name, variable in dataset.variables.items()}

    def save(self, state: dict[str, np.ndarray]) -> None:
        """Replace the checkpoint by this state.

        Args:
            state: arrays (numbers, booleans or strings, of any shape) and Python scalars by name.
        """
        arrays = {name: np.asarray(value) for name, value in state.items()}
        dataset = xr.Dataset(
            {name: ([f"{name}_{axis}" for axis in range(a.ndim)], a) for name, a in arrays.items()},
        )
        store.write(dataset, self.path, {"checkpoint": self.identity})
        self._last = time.monotonic()

    def save_if_due(self, state: Callable[[], dict[str, np.ndarray]]) -> bool:
        """Save when `every` seconds have passed since the last save.

        Args:
            state: called only when a save is due.

        Returns:
            Whether it was saved.
        """
        if time.monotonic() - self._last < self.every:
            return False
        self.save(state())
        return True

    def remove(self) -> None:
        """Remove the file, if there is one."""
        self.path.unlink(missing_ok=True)
