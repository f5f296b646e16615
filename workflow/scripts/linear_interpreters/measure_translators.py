"""Linear interpreters of image-to-image networks: where rows look, what the residual paints, singular vectors."""

import numpy as np
import torch
import xarray as xr
from torch.nn.utils import vector_to_parameters

from lib.atlas.job.seeds import generator
from lib.interpreters.filters import band_noise, centroids, surrogate_vectors, wavelet_measures
from lib.interpreters.networks import Translator
from lib.interpreters.scope import linear_scope
from lib.interpreters.tasks import SCENE_TASKS, draw_scenes, stripes
from lib.interpreters.units import NORM_MEANS
from lib.progress import progress

SIDE = 32
PHASES = 4  # the network works at a quarter of the size, so F is the same only under shifts by 4 pixels
BAND = 60
SOURCES = ("network", "surrogate", "band noise", "white noise")


def _model(store, seed: int) -> Translator:
    model = Translator(int(store.attrs["width"]), int(store.attrs["blocks"]))
    vector_to_parameters(torch.tensor(store.weights.values[seed]), model.parameters())
    return model.double().eval()


def _correlation(first: torch.Tensor, second: torch.Tensor) -> float:
    return float(np.corrcoef(first.numpy().ravel(), second.numpy().ravel())[0, 1])


def _rows(interpreter, places: np.ndarray) -> np.ndarray:
    """Rows of F, added over output channels, at pixels (p, 2): (p, 3, side, side)."""
    targets = torch.zeros(len(places), 3, SIDE, SIDE, dtype=torch.float64)
    targets[np.arange(len(places)), :, places[:, 0], places[:, 1]] = 1
    return interpreter.rmatvec(targets.flatten(1)).numpy().reshape(-1, 3, SIDE, SIDE)


def _energies(interpreter, places: np.ndarray) -> np.ndarray:
    """Root of the energy of the rows of all three output channels at pixels (p, 2): (p, 1, side, side)."""
    total = 0.0
    for channel in range(3):
        index = (channel * SIDE + places[:, 0]) * SIDE + places[:, 1]
        total = total + np.square(interpreter.rows(index).numpy().reshape(-1, 3, SIDE, SIDE)).sum(1, keepdims=True)
    return np.sqrt(total)


def _wavelets(interpreter, count: int, tolerance: float, rng):
    """Mean measures (sources, 4) of leading right vectors and of controls, and the vectors."""
    triplets = interpreter.singular_vectors(count, tolerance)
    inner = np.arange(PHASES, SIDE - PHASES, 2 * PHASES)
    pixels = np.array([(y + a, x + b) for a, b in np.ndindex(PHASES, PHASES) for y in inner for x in inner])
    phases = np.repeat(np.arange(PHASES**2), len(inner) ** 2)
    waves = surrogate_vectors(_rows(interpreter, pixels), pixels, (SIDE, SIDE), phases, max(BAND, count))
    vectors = {
        "network": triplets.right.T.reshape(-1, 3, SIDE, SIDE),
        "surrogate": waves[:count],
        "band noise": band_noise(waves[:BAND], count, rng),
        "white noise": rng.standard_normal((count, 3, SIDE, SIDE)),
    }
    return np.array([[np.mean(part) for part in wavelet_measures(vectors[s])] for s in SOURCES]), vectors["network"]


def measure_translators(
    recolor,
    move,
    template,
    *,
    vectors: int,
    images: int,
    pixels: int,
    wavelet_images: int,
    tolerance: float,
    root_seed: int,
) -> xr.Dataset:
    """Return displacements (task, mean, seed), template statistics (mean, seed), and measures of right vectors.

    Args:
        recolor, move, template: stores of `train_translators`.
        vectors: leading singular vectors.
        images: scenes for displacements and templates.
        pixels: of the object in each scene.
        wavelet_images: scenes for singular vectors.
        tolerance: of the singular triplets.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    stores = dict(zip(SCENE_TASKS, (recolor, move, template)))
    seeds = recolor.sizes["seed"]
    displacement = np.full((len(SCENE_TASKS), len(NORM_MEANS), seeds, 2), np.nan)
    template_names = ("share", "output", "residual", "linear")
    painted = np.full((len(template_names), len(NORM_MEANS), seeds), np.nan)
    measures = np.full((seeds, len(SOURCES), 4), np.nan)
    shown: dict = {name: [] for name in ("input", "target", "made", "part", "rest", "rows")}
    for seed in progress(range(seeds), "seeds"):
        for t, task in enumerate(SCENE_TASKS):
            model = _model(stores[task], seed)
            rng = generator(root_seed, "linear_interpreters", "scenes", task, seed)
            scenes = draw_scenes(task, max(images, wavelet_images), rng)
            offsets, statistics = np.zeros((len(NORM_MEANS), images, pixels, 2)), np.zeros((len(NORM_MEANS), 4, images))
            places = []
            for k in range(images):
                y, x = np.nonzero(scenes.object[k].numpy())
                drawn = rng.integers(len(y), size=pixels)
                places.append(np.stack([y[drawn], x[drawn]], axis=1))
            for n, mean in enumerate(NORM_MEANS):
                with linear_scope(model, norm_mean=mean) as scope:
                    for k in range(images):
                        interpreter = scope.at(scenes.inputs[k : k + 1].double(), check=k == 0)
                        rows = _energies(interpreter, places[k])
                        offsets[n, k] = centroids(rows) - places[k]
                        inside = scenes.object[k].expand(3, -1, -1)
                        output, rest = interpreter.output.detach(), interpreter.residual.detach()
                        truth = stripes(SIDE).double().expand(3, -1, -1)[inside]
                        statistics[n, :, k] = [
                            float(rest[inside].norm() / output[inside].norm()),
                            *(_correlation(part[inside], truth) for part in (output, rest, output - rest)),
                        ]
                        if seed == 0 and n == 0 and k == 0:
                            shown["input"].append(scenes.inputs[0].numpy())
                            shown["target"].append(scenes.targets[0].numpy())
                            shown["made"].append(output.numpy())
                            shown["part"].append((output - rest).numpy())
                            shown["rest"].append(rest.numpy())
                            shown["rows"].append(offsets[0, 0])
                    if task == "recolor" and n == 0:
                        per_image = []
                        for k in range(wavelet_images):
                            interpreter = scope.at(scenes.inputs[k : k + 1].double(), check=False)
                            one, right = _wavelets(interpreter, vectors, tolerance, rng)
                            per_image.append(one)
                            if seed == 0 and k == 0:
                                shown["right"] = right
                        measures[seed] = np.mean(per_image, axis=0)
                displacement[t, n, seed] = np.median(offsets[n], axis=(0, 1))
                if task == "template":
                    painted[:, n, seed] = statistics[n].mean(1)
            if seed == 0:
                shown.setdefault("places", []).append(places[0])
    pictures = {
        name: (("task", "channel", "y", "x"), np.stack(shown[name]))
        for name in ("input", "target", "made", "part", "rest")
    }
    return xr.Dataset(
        {
            "displacement": (
                ("task", "norm_mean", "seed", "axis"),
                displacement,
                {"long_name": "median of the row's centre less the pixel", "units": "pixels"},
            ),
            "painted": (("statistic", "norm_mean", "seed"), painted, {"long_name": "inside the object"}),
            "error": (("task", "seed"), np.stack([store.error.values for store in stores.values()])),
            **{
                name: (("seed", "source"), measures[..., i])
                for i, name in enumerate(("centroid", "bandwidth", "participation", "orientation"))
            },
            "right": (("vector", "channel", "y", "x"), shown["right"]),
            "place": (("task", "pixel", "axis"), np.stack(shown["places"])),
            "offset": (("task", "pixel", "axis"), np.stack(shown["rows"])),
            **pictures,
        },
        coords={
            "task": list(SCENE_TASKS), "norm_mean": list(NORM_MEANS), "axis": ["down", "right"],
            "statistic": list(template_names), "source": list(SOURCES),
        },
    )  # fmt: skip


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_translators, snakemake)
