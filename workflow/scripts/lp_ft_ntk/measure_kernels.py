"""Tangent kernels where fine-tuning starts: split, ranks, spectra, regression, adapters; two facts of linear models."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.ntk.empirical import adapter_kernel, full_kernel, split_kernel
from lib.ntk.linear_extractor import adapter_bound, adapter_inner_products, extractor_motion
from lib.ntk.linearised import (
    kernel_logistic,
    kernel_regression,
    numerical_rank,
    residuals,
    singular_values,
    tuned_ratio,
)
from lib.probing.fine_tuning import features_of
from lib.probing.heads import Head
from lib.probing.pipeline import (
    PAPER,
    TaskSizes,
    keyed_random_head,
    keyed_task,
    stored_encoder,
    stored_head,
    stored_world,
)
from lib.progress import progress
from lib.training.low_rank import draw_adapters

STARTS = ("FT", "LP-FT", "LoRA", "LP-LoRA")
KERNELS = ("P", "F", "K")
SOLVERS = {"least squares": kernel_regression, "logistic": kernel_logistic}
SLICE = 100  # test documents whose kernel with the training documents is taken at once
SCALES = (2.0, 4.0)  # of the head, in the check of the square


def measure_kernels(
    encoders, heads, *, documents: int, samples: int, tests: int, seeds: int, test_seeds: int, adapters: dict,
    identity_samples: int, rate: dict, extractor: dict, inner_products: dict, purity: float, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return what the kernels of the first encoder say.

    Args:
        encoders, heads: stores of weights.
        documents: training documents of the heads.
        samples: of these, how many make the kernels.
        tests: test documents of kernel regression.
        seeds: tasks.
        test_seeds: tasks with test documents.
        adapters: rank, alpha and targets.
        identity_samples: documents of the full Jacobian.
        rate: samples, ranks and draws of adapters against their expectation.
        extractor: points, dims, width, classes, steps and step of a linear extractor.
        inner_products: cells (a rank and its errors), lengths, dims and draws of random adapters.
        purity: probability that a content word is of its document's topic.
        root_seed: root of the random streams.
    """
    encoder = stored_encoder(encoders, 0).double()
    width, classes = int(encoders.attrs["width"]), stored_world(encoders).topics // 2
    size = min(samples, documents)
    shape = (seeds, len(STARTS))
    spectra = np.full((*shape, len(KERNELS), size * classes), np.nan)
    norm, ranks = np.full((*shape, len(KERNELS)), np.nan), np.full((*shape, len(KERNELS), 2), np.nan)
    ratio = np.full(shape, np.nan)
    accuracy = np.full((test_seeds, len(STARTS), len(KERNELS), len(SOLVERS), 2), np.nan)
    traces = np.full((len(STARTS), 2, size, size), np.nan)
    for s in progress(range(seeds), "tasks"):
        task = keyed_task(root_seed, encoders, 0, s, documents, TaskSizes(0, tests, 0, purity))
        order = np.argsort(task.train.labels[:size], kind="stable")
        tokens, labels = task.train.tokens[:size][order], task.train.labels[:size][order]
        projections = _projections(encoder, adapters, generator(root_seed, PAPER, "kernel adapter", s))
        for j, start in enumerate(STARTS):
            random = keyed_random_head(root_seed, 0, s, classes, width)
            head = random if start in ("FT", "LoRA") else stored_head(heads, 0, s, documents)
            parts = _parts(encoder, head, tokens, None, projections if "LoRA" in start else None)
            outputs = head.scores(features_of(encoder, tokens))
            ratio[s, j] = tuned_ratio(parts["P"], parts["F"], residuals(outputs, labels))
            for k, name in enumerate(KERNELS):
                values = singular_values(parts[name])
                spectra[s, j, k], norm[s, j, k] = values, np.linalg.norm(parts[name])
                ranks[s, j, k] = [numerical_rank(values, len(values), kind) for kind in (np.float64, np.float32)]
            if s == 0:
                traces[j] = [np.einsum("ncmc->nm", parts[name]) for name in ("P", "F")]
            if s < test_seeds:
                test_outputs = head.scores(features_of(encoder, task.test.tokens))
                cross = _parts(encoder, head, task.test.tokens, tokens, projections if "LoRA" in start else None)
                for k, name in enumerate(KERNELS):
                    for m, solve in enumerate(SOLVERS.values()):
                        fitted = solve(parts[name], cross[name], outputs, test_outputs, labels)
                        accuracy[s, j, k, m] = [
                            np.mean(fitted.train.argmax(axis=1) == labels),
                            np.mean(fitted.test.argmax(axis=1) == task.test.labels),
                        ]
    task = keyed_task(root_seed, encoders, 0, 0, documents, TaskSizes(0, 0, 0, purity))
    random = keyed_random_head(root_seed, 0, 0, classes, width)
    split_error, squares, square_error, head_error = _identities(encoder, random, task.train.tokens[:identity_samples])
    errors = _rate(encoder, random, task.train.tokens, adapters, rate, generator(root_seed, PAPER, "adapter rate"))
    motion = _motion(extractor, generator(root_seed, PAPER, "linear extractor"))
    hits, bounds, cells = _strays(inner_products, generator(root_seed, PAPER, "inner products"))
    return xr.Dataset(
        {
            "spectrum": (("seed", "start", "kernel", "value"), spectra, {"long_name": "singular values"}),
            "norm": (("seed", "start", "kernel"), norm, {"long_name": "Frobenius norm"}),
            "numerical_rank": (("seed", "start", "kernel", "precision"), ranks, {"long_name": "numerical rank"}),
            "ratio": (("seed", "start"), ratio, {"long_name": "share of the first step that moves features"}),
            "accuracy": (("test_seed", "start", "kernel", "solver", "part"), accuracy, {"long_name": "accuracy"}),
            "trace": (("start", "part_of_kernel", "sample", "other"), traces, {"long_name": "trace of a block"}),
            "class_of": ("sample", np.sort(task.train.labels[:size])),
            "split_error": split_error,
            "square": ("scale", squares, {"long_name": "encoder's kernel of a scaled head over that of the head"}),
            "square_error": ("scale", square_error, {"long_name": "relative error of the square"}),
            "head_error": ("scale", head_error, {"long_name": "relative change of the head's kernel"}),
            "adapter_error": (("adapter_rank", "draw"), errors, {"long_name": "relative error of an adapter's kernel"}),
            "moved_outside": ("outside", motion.outside, {"long_name": "feature change off the training span"}),
            "moved_training": ("point", motion.training, {"long_name": "feature change in training"}),
            "strays": (("cell", "constant"), hits, {"long_name": "draws above the error"}),
            "bound": ("cell", bounds, {"long_name": "bound on the probability of a stray"}),
        },
        coords={
            "start": list(STARTS),
            "kernel": list(KERNELS),
            "precision": ["float64", "float32"],
            "solver": list(SOLVERS),
            "part": ["train", "test"],
            "part_of_kernel": ["P", "F"],
            "scale": list(SCALES),
            "adapter_rank": rate["ranks"],
            "cell": range(len(cells)),
            "length": ("cell", [cell[0] for cell in cells]),
            "cell_rank": ("cell", [cell[1] for cell in cells]),
            "error": ("cell", [cell[2] for cell in cells]),
            "constant": ["corrected", "as printed"],
        },
        attrs={
            "samples": size, "tests": tests, "width": width, "classes": classes, "draws": inner_products["draws"],
        },
    )  # fmt: skip


def _projections(encoder, adapters: dict, rng) -> dict[str, torch.Tensor]:
    """A of adapters at their usual start, times alpha / r."""
    source = [torch.Generator().manual_seed(int(rng.integers(2**62)))]
    drawn = draw_adapters(encoder, tuple(adapters["targets"]), adapters["rank"], source)
    scale = adapters["alpha"] / adapters["rank"]
    return {name: scale * adapter.down[0].detach().double() for name, adapter in drawn.items()}


def _parts(encoder, head: Head, tokens, others, projections) -> dict[str, np.ndarray]:
    """P, F and K of documents with others; F of adapters where their projections are passed."""
    weights, second = torch.from_numpy(head.weights), None if others is None else torch.from_numpy(others)
    parts = []
    for first in torch.from_numpy(tokens).split(len(tokens) if others is None else SLICE):
        if projections is None:
            parts.append(split_kernel(encoder, weights, first, second))
        else:
            pretrained, _ = split_kernel(encoder, weights, first, second, only=lambda name: False)
            parts.append((pretrained, adapter_kernel(encoder, weights, first, projections, second)))
    pretrained, tuned = (torch.cat(part).numpy() for part in zip(*parts))
    return {"P": pretrained, "F": tuned, "K": pretrained + tuned}


def _identities(encoder, head: Head, tokens) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """By the full Jacobian of outputs: error of the split, and what scaled heads do to both parts.

    Of the encoder's kernel its size over that under the head and its error about the square, of the head's its change.
    """
    x = torch.from_numpy(tokens)
    own = {f"encoder.{name}": value.detach() for name, value in encoder.named_parameters()}
    ends = {"weights": torch.from_numpy(head.weights), "bias": torch.from_numpy(head.bias)}

    def outputs(values, sample):
        every = {**own, **ends, **values}
        inner = {name.removeprefix("encoder."): every[name] for name in own}
        return torch.func.functional_call(encoder, inner, sample) @ every["weights"].mT + every["bias"]

    full = full_kernel(outputs, {**own, **ends}, x)
    base, base_head = full_kernel(outputs, own, x), full_kernel(outputs, ends, x)
    rows = []
    for scale in SCALES:
        scaled = {name: scale * value for name, value in ends.items()}
        kernel = full_kernel(lambda v, s, scaled=scaled: outputs({**scaled, **v}, s), own, x)
        error = (kernel - scale**2 * base).norm() / (scale**2 * base.norm())
        head_error = (full_kernel(outputs, scaled, x) - base_head).norm() / base_head.norm()
        rows.append([float(kernel.norm() / base.norm()), float(error), float(head_error)])
    total = split_kernel(encoder, ends["weights"], x).total
    return float((full - total).norm() / full.norm()), *np.array(rows).T


def _rate(encoder, head: Head, tokens, adapters: dict, rate: dict, rng) -> np.ndarray:
    """Relative errors (ranks, draws) of kernels of adapters with A of variance 1/r about that of the layers."""
    x, weights = torch.from_numpy(tokens[: rate["samples"]]), torch.from_numpy(head.weights)
    layers = {
        name: layer.in_features
        for name, layer in encoder.named_modules()
        if name.rpartition(".")[2] in adapters["targets"]
    }
    exact = split_kernel(encoder, weights, x, only={f"{name}.weight" for name in layers}.__contains__).tuned
    errors = np.empty((len(rate["ranks"]), rate["draws"]))
    for i, r in enumerate(rate["ranks"]):
        for j in range(rate["draws"]):
            drawn = {n: torch.from_numpy(rng.standard_normal((r, d)) / np.sqrt(r)) for n, d in layers.items()}
            errors[i, j] = float((adapter_kernel(encoder, weights, x, drawn) - exact).norm() / exact.norm())
    return errors


def _motion(extractor: dict, rng):
    x = rng.standard_normal((extractor["points"], extractor["dims"]))
    labels = rng.integers(extractor["classes"], size=extractor["points"])
    labels[: extractor["classes"]] = range(extractor["classes"])
    return extractor_motion(x, labels, extractor["width"], extractor["steps"], extractor["step"], rng)


def _strays(inner_products: dict, rng) -> tuple[np.ndarray, np.ndarray, list[tuple]]:
    """How many draws exceed each cell's error with the corrected constant and with the printed one; bounds; cells."""
    pairs = [(cell["rank"], error) for cell in inner_products["cells"] for error in cell["errors"]]
    cells = [(length, *pair) for length in inner_products["lengths"] for pair in pairs]
    draws, dims = inner_products["draws"], inner_products["dims"]
    hits = np.zeros((len(cells), 2), np.int64)
    for i, (length, rank, error) in enumerate(cells):
        u, v = rng.standard_normal((2, draws, dims))
        cosines = (u * v).sum(axis=1) / (np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1))
        cosines[: draws // 2] = 1.0  # the same point twice
        stray = length**2 * np.abs(adapter_inner_products(rank, cosines, rng))
        hits[i] = [np.sum(stray > constant * error) for constant in (length**2, length)]
    return hits, np.array([adapter_bound(rank, error) for _, rank, error in cells]), cells


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_kernels, snakemake)
