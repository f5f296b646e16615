"""Rows and singular vectors of the linear interpreters of one super-resolution network, on crops of photographs."""

import numpy as np
import torch
import xarray as xr
from torch import nn
from torch.nn.utils import vector_to_parameters

from lib.atlas.job.seeds import generator
from lib.interpreters.filters import (
    angle_between,
    band_noise,
    edge_tangents,
    fit_gabor,
    shape_tensors,
    surrogate_vectors,
    wavelet_measures,
)
from lib.interpreters.networks import Upscaler
from lib.interpreters.scope import LinearInterpreter, linear_scope
from lib.interpreters.tasks import crops, enlarge
from lib.progress import progress

SOURCES = ("network", "surrogate", "band noise", "bicubic", "white noise")
BAND = 60  # leading waves of the surrogate that band noise is mixed from
GRID = 4  # pixels between the positions of the mean row filter
SHOWN = 6  # positions whose rows and columns are shown


class _Bicubic(nn.Module):
    def __init__(self, scale: int):
        super().__init__()
        self.scale = scale

    def forward(self, x):
        return enlarge(x, self.scale)


def _images(vectors: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(vectors).reshape(-1, side, side)


def _mean_filters(interpreter: LinearInterpreter, side: int, scale: int):
    """Rows of F at a grid of positions for each output phase, (p, 1, side, side), their input pixels and phases."""
    places = np.arange(GRID // 2, side, GRID)
    wide = side * scale
    pixels = [(y, x, a, b) for a, b in np.ndindex(scale, scale) for y in places for x in places]
    index = [(y * scale + a) * wide + x * scale + b for y, x, a, b in pixels]
    rows = interpreter.rows(index).numpy().reshape(-1, 1, side, side)
    return rows, [(y, x) for y, x, _, _ in pixels], np.array([a * scale + b for _, _, a, b in pixels])


def _adaptation(interpreter, crop, scale: int, pixels: int, rng) -> tuple[np.ndarray, np.ndarray, float]:
    """Anisotropy of rows at edge and at flat pixels, (pixels,) each, and the median angle of edge rows to the edge."""
    energy, tangent = edge_tangents(crop)
    inner = np.zeros(crop.shape, bool)
    inner[4:-4, 4:-4] = True
    ranked = energy[inner]
    sets = (inner & (energy >= np.quantile(ranked, 0.9))), (inner & (energy <= np.quantile(ranked, 0.3)))
    results, angles = [], []
    for chosen in sets:
        y, x = np.nonzero(chosen)
        drawn = rng.permutation(len(y))[:pixels]
        y, x = y[drawn], x[drawn]
        rows = interpreter.rows(y * scale * crop.shape[1] * scale + x * scale).numpy()
        ratio, axis = shape_tensors(_images(rows, len(crop)))
        results.append(ratio)
        angles.append(angle_between(axis, tangent[y, x]))
    return np.median(results[0]), np.median(results[1]), float(np.median(angles[0]))


def measure_upscaler(
    weights, *, seed: str, side: int, vectors: int, images: int, pixels: int, tolerance: float, root_seed: int
) -> xr.Dataset:
    """Return measures of right vectors (crop, source), adaptation of rows (crop), and pictures of one crop.

    Args:
        weights: store of `train_upscaler`.
        seed: which training.
        side: of the crops, pixels of the small image.
        vectors: leading singular vectors.
        images: crops.
        pixels: edge pixels and flat pixels whose rows are measured.
        tolerance: of the singular triplets.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    scale = int(weights.attrs["scale"])
    model = Upscaler(scale, int(weights.attrs["width"]), int(weights.attrs["blocks"]))
    vector_to_parameters(torch.tensor(weights.weights.values), model.parameters())
    model = model.double().eval()
    rng = generator(root_seed, "linear_interpreters", "filters", int(seed))
    with linear_scope(_Bicubic(scale).eval()) as scope:
        plain = scope.at(torch.zeros(1, 1, side, side, dtype=torch.float64))
        bicubic = plain.singular_vectors(vectors, tolerance)
        bicubic_rows, bicubic_columns = _at_positions(plain, side, scale)
    measures = np.full((images, len(SOURCES), 4), np.nan)
    gabor, widths = np.full((2, images, len(SOURCES)), np.nan)
    edge, flat, angle, steps = np.full((4, images), np.nan)
    names, shown = [], {}
    chosen = crops(side, images)
    for k in progress(range(images), "crops"):
        name, crop = chosen[k]
        names.append(f"{name} {k}")
        with linear_scope(model) as scope:
            interpreter = scope.at(torch.tensor(crop)[None, None])
            triplets = interpreter.singular_vectors(vectors, tolerance)
            rows, positions, phases = _mean_filters(interpreter, side, scale)
            edge[k], flat[k], angle[k] = _adaptation(interpreter, crop, scale, pixels, rng)
            if k == 0:
                net_rows, net_columns = _at_positions(interpreter, side, scale)
                shown = {"crop": (("y", "x"), crop), "output": (("Y", "X"), interpreter.output[0].numpy())}
        steps[k] = triplets.steps
        waves = surrogate_vectors(rows, positions, (side, side), phases, max(BAND, vectors))
        by_source = {
            "network": _images(triplets.right.T, side),
            "surrogate": waves[:vectors, 0],
            "band noise": band_noise(waves[:BAND], vectors, rng)[:, 0],
            "bicubic": _images(bicubic.right.T, side),
            "white noise": rng.standard_normal((vectors, side, side)),
        }
        for s, source in enumerate(SOURCES):
            measures[k, s] = [float(np.mean(part)) for part in wavelet_measures(by_source[source])]
            fits = np.array([fit_gabor(image) for image in by_source[source]])
            gabor[k, s], widths[k, s] = np.median(fits, axis=0)
        if k == 0:
            shown |= {
                "values": ("vector", triplets.values),
                "values_bicubic": ("vector", bicubic.values),
                "right": (("source", "vector", "y", "x"), np.stack([by_source[source] for source in SOURCES])),
                "left": (("vector", "Y", "X"), triplets.left.T.reshape(-1, side * scale, side * scale)),
                "rows": (("operator", "place", "y", "x"), np.stack([net_rows, bicubic_rows])),
                "columns": (("operator", "place", "Y", "X"), np.stack([net_columns, bicubic_columns])),
            }
    parts = {
        "centroid": "mean frequency, cycles per pixel", "bandwidth": "deviation of frequency, cycles per pixel",
        "participation": "participation ratio", "orientation": "share of power near the main orientation",
    }  # fmt: skip
    return xr.Dataset(
        {
            **{
                key: (("image", "source"), measures[..., i], {"long_name": text})
                for i, (key, text) in enumerate(parts.items())
            },
            "gabor": (("image", "source"), gabor, {"long_name": "median R^2 of Gabor functions"}),
            "width": (("image", "source"), widths, {"long_name": "median smaller width", "units": "pixels"}),
            "edge": ("image", edge, {"long_name": "median anisotropy of rows at edges"}),
            "flat": ("image", flat, {"long_name": "median anisotropy of rows at flat pixels"}),
            "angle": ("image", angle, {"long_name": "median angle of edge rows to the edge", "units": "degrees"}),
            "steps": ("image", steps, {"long_name": "Lanczos steps"}),
            "psnr": ((), float(weights.psnr), {"units": "dB"}),
            "psnr_bicubic": ((), float(weights.psnr_bicubic), {"units": "dB"}),
            **shown,
        },
        coords={"image": names, "source": list(SOURCES), "operator": ["network", "bicubic"]},
        attrs={"side": side, "vectors": vectors},
    )  # fmt: skip


def _at_positions(interpreter: LinearInterpreter, side: int, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of F at positions along the diagonal, at the size of the input and of the output."""
    places = np.linspace(side // 6, side - 1 - side // 6, SHOWN).astype(int)
    rows = interpreter.rows(places * scale * side * scale + places * scale).numpy()
    columns = interpreter.columns(places * side + places).numpy()
    return rows.reshape(-1, side, side), columns.reshape(-1, side * scale, side * scale)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_upscaler, snakemake)
