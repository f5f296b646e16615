"""Time a training step by each method, and measure the memory of a process that trains by it."""

import numpy as np
import xarray as xr

from lib.bench.timing import machine, one_thread, time_op
from lib.probing.footprint import batch_of, example, peak_memory
from lib.probing.tuning import training_step
from lib.progress import progress

WARMUP = 2


def time_methods(
    *, methods: list[str], transformer: dict, classes: int, hidden: int, batch: int, repeats: int
) -> xr.Dataset:
    """Return milliseconds of training steps that take turns, and the largest resident set of a process by method.

    Args:
        methods: of `lib.probing.tuning.METHODS`.
        transformer: sizes of the untrained backbone.
        classes: K.
        hidden: width of the projection of the moment head.
        batch: images of a step.
        repeats: rounds in which each method makes one step, after two that do not count.
    """
    times = np.zeros((len(methods), repeats))
    with one_thread():
        models = [example(method, transformer, classes, hidden) for method in methods]
        images, labels = batch_of(transformer, classes, batch)
        for r in progress(range(-WARMUP, repeats), "rounds"):
            for m, model in enumerate(models):
                step = time_op(lambda model=model: training_step(model, images, labels), "cpu", 0, 1)
                if r >= 0:
                    times[m, r] = step[0]
    memory = [peak_memory(method, transformer, classes, hidden, batch) for method in progress(methods, "processes")]
    return xr.Dataset(
        {
            "step_ms": (("tuning", "repeat"), times, {"units": "ms"}),
            "memory": ("tuning", np.array(memory, float), {"units": "bytes", "long_name": "largest resident set"}),
        },
        coords={"tuning": methods},
        attrs={"timing": True, "machine": machine("cpu"), "batch": batch},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(time_methods, snakemake)
