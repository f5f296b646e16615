"""Times of the interaction basis by co-firing, against explicit Jacobians, and its agreement with autodiff."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.bench.timing import machine, one_thread, time_op
from lib.interaction.basis import gram, interaction_basis
from lib.interaction.relu import explicit_jacobian_gram, local_jacobian_gram
from lib.progress import progress


def time_basis(
    *, widths: list[int], n: int, repeats: int, explicit_width: int, explicit_n: int, checked_width: int,
    checked_n: int, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return milliseconds of one layer's basis by width, of the explicit Gram matrix, and the deviation from autodiff.

    Args:
        widths: of the layer and the next.
        n: samples.
        repeats: of each, taking turns.
        explicit_width: of the explicit form.
        explicit_n: samples of one explicit repeat, whose time is scaled to n.
        checked_width, checked_n: where Jacobians by autodiff are compared.
        root_seed: root of the random streams.
    """
    layers = {d: _layer(d, n, generator(root_seed, "loss_degeneracy", "times", d)) for d in widths}
    times, explicit = np.zeros((len(widths), repeats)), np.zeros(repeats)
    _, weight, firing, following = layers[explicit_width]
    with one_thread():
        for r in progress(range(repeats), "repeats"):
            for i, d in enumerate(widths):
                times[i, r] = time_op(lambda d=d: _basis(*layers[d]), "cpu", 0, 1)[0]
            part = firing[r * explicit_n : (r + 1) * explicit_n]
            one = time_op(lambda part=part: explicit_jacobian_gram(weight, part, following), "cpu", 0, 1)[0]
            explicit[r] = one * n / len(part)
    return xr.Dataset(
        {
            "basis_ms": (("width", "repeat"), times, {"units": "ms"}),
            "explicit_ms": (
                "repeat",
                explicit,
                {"units": "ms", "long_name": "explicit Gram matrix, scaled to n samples"},
            ),
            "deviation": (
                (),
                _deviation(checked_width, checked_n, root_seed),
                {"long_name": "from autodiff, relative"},
            ),
        },
        coords={"width": widths},
        attrs={"timing": True, "machine": machine("cpu"), "explicit_width": explicit_width, "samples": n},
    )


def _layer(width: int, n: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Activations, weight, firing and next basis of a random layer."""
    activations = rng.standard_normal((n, width))
    weight = rng.standard_normal((width, width)) / np.sqrt(width)
    return activations, weight, (activations @ weight.T > 0).astype(float), rng.standard_normal((width, width))


def _basis(activations, weight, firing, following):
    return interaction_basis(gram(activations), local_jacobian_gram(weight, firing, following))


def _deviation(width: int, n: int, root_seed: int) -> float:
    """Largest difference of the co-firing form from Jacobians by autodiff, relative to the largest entry."""
    import torch

    activations, weight, firing, following = _layer(width, n, generator(root_seed, "loss_degeneracy", "autodiff"))
    f = torch.from_numpy(activations).requires_grad_(True)
    outputs = (f @ torch.from_numpy(weight).T).relu() @ torch.from_numpy(following).T
    rows = [torch.autograd.grad(outputs[:, i].sum(), f, retain_graph=True)[0].numpy() for i in range(width)]
    expected = sum(row.T @ row for row in rows) / n
    return float(np.max(np.abs(local_jacobian_gram(weight, firing, following) - expected)) / np.max(np.abs(expected)))


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(time_basis, snakemake)
