"""Train the softmax models that are linearized, one for each seed, and look at the gates that their keys would make."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator, seed_sequence
from lib.language.key_gates import collect_keys, count_memory_lengths
from lib.language.llama import small_llama, weights_as_arrays
from lib.language.worlds import make_world
from lib.training.single import train_parameters
from lib.training.state import Part, results_so_far
from lib.training.tuning import EXTRA

EDGES = np.geomspace(1, 1e4, 41)  # tokens
PAPER = "liger"


def train_bases(
    *,
    world: str,
    data: dict,
    model: dict,
    base: dict,
    seeds: int,
    extra: bool,
    root_seed: int,
    checkpoint=None,
) -> xr.Dataset:
    """Return weights `(seed, ...)`, training losses `(seed, step)`, scores `(seed,)` and lengths of memory of the keys.

    Args:
        world: `text` or `recall`.
        data: options of `lib.language.worlds.make_world`.
        model: sizes, see `lib.language.llama.small_llama`.
        base: `steps`, `learning_rate`, `warmup` and `decay` of the training.
        seeds: models.
        extra: whether one more model is trained, on which options are chosen.
        root_seed: root of the random streams.
        checkpoint: where the state of the training is saved.
    """
    own = make_world(world, **data)
    numbers = [*range(seeds), *([EXTRA] if extra else [])]
    results = results_so_far(checkpoint)
    for n in numbers:
        if f"{n}|score" in results:
            continue
        start = seed_sequence(root_seed, PAPER, "weights", world, n).generate_state(1)[0]
        network = small_llama(own.vocabulary, positions=own.positions, seed=int(start), **model)
        stream = generator(root_seed, PAPER, "base", world, n)
        loss = train_parameters(
            [(list(network.parameters()), base["learning_rate"])],
            lambda step, network=network, stream=stream: own.loss(network, stream, step / base["steps"]),
            steps=base["steps"], warmup=base["warmup"], decay=base["decay"], streams=[stream],
            label=f"steps of base {n}", checkpoint=Part(checkpoint, f"base {n}", results) if checkpoint else None,
        )  # fmt: skip
        network.eval()
        score, near = own.score(network, generator(root_seed, PAPER, "evaluate", world, n))
        keys = collect_keys(network, own.sample(generator(root_seed, PAPER, "gates", world, n)))
        results |= {f"{n}|weight:{name}": array for name, array in weights_as_arrays(network).items()}
        results |= {f"{n}|loss": loss, f"{n}|score": score, f"{n}|near": near}
        results |= {f"{n}|gates": count_memory_lengths(keys, EDGES)}
        print(f"base {n} of {world}: score {score:.4f}", flush=True)

    def stacked(name: str) -> np.ndarray:
        return np.stack([np.asarray(results[f"{n}|{name}"]) for n in numbers])

    names = [key.partition("|weight:")[2] for key in results if key.startswith(f"{numbers[0]}|weight:")]
    weights = {f"weight:{name}": stacked(f"weight:{name}") for name in names}
    return xr.Dataset(
        {name: (("seed", *(f"{name}_{axis}" for axis in range(w.ndim - 1))), w) for name, w in weights.items()}
        | {
            "score": ("seed", stacked("score")),
            "near": (("seed", "distance"), stacked("near"), {"long_name": "share of right answers by distance"}),
            "loss": (("seed", "step"), stacked("loss").astype(np.float32), {"units": "nats"}),
            "gates": (
                ("seed", "layer", "group", "channel", "bin"),
                stacked("gates").astype(np.int32),
                {"long_name": "keys by the length of the memory that they would make"},
            ),
            "edge": ("edges", EDGES, {"units": "tokens"}),
        },
        coords={"seed": numbers},
        attrs={
            "world": world,
            "floor": own.floor(),
            "base_tokens": base["steps"] * own.batch_tokens,
            "parameters": sum(int(w[0].size) for w in weights.values()),
        },
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_bases, snakemake)
