"""Identities of the objective, the projection against a convex solver, and free representations."""

import numpy as np
import torch
import xarray as xr
from scipy import optimize

from lib.atlas.job.seeds import generator
from lib.clustering.coding_rate import block_membership, coding_rate, compressed_rate, one_hot
from lib.clustering.free_representation import (
    energy_shares,
    maximise_coding_rate,
    minimise_self_expression,
    self_expressive_value,
)
from lib.clustering.membership import marginal_error, project, sinkhorn
from lib.clustering.spectral import unit_rows


def check_theory(
    members, *, draws: int, eps2: float, eta: float, half_steps: int, fixed_steps: int, solver_size: int,
    solver_draws: int, free: dict, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return errors of identities `(draw)`, of projections, and energies of free representations `(start, order)`.

    Args:
        members: last batches of stage 2.
        draws: random features and memberships.
        eps2: squared distortion.
        eta: temperature of the projections.
        half_steps: as in training.
        fixed_steps: symmetric updates before the error is measured.
        solver_size: samples of the problems that the convex solver gets.
        solver_draws: number of these.
        free: samples, dim, mu, eps2, starts, steps and rate of the free representations.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    rng = generator(root_seed, "manifold_clustering", "theory")
    identities = np.array([_identities(eps2, rng) for _ in range(draws)])
    batches = members.last.values.astype(float)
    errors = np.full((*batches.shape[:2], 3), np.nan)
    for s, b in np.ndindex(errors.shape[:2]):
        gram = batches[s, b] @ batches[s, b].T
        few = marginal_error(sinkhorn(torch.from_numpy(gram), eta, half_steps).numpy())
        errors[s, b] = (*few, project(gram, eta, steps=fixed_steps).error)
    gaps = []
    for _ in range(solver_draws):
        c = unit_rows(rng.standard_normal((solver_size, 3)))
        gaps.append(np.abs(project(c @ c.T, eta, tolerance=1e-12).membership - _solve(c @ c.T, eta)).max())
    start = torch.from_numpy(rng.standard_normal((free["starts"], free["samples"], free["dim"])))
    expressed = minimise_self_expression(start, free["mu"], free["steps"], free["rate"])
    spread = maximise_coding_rate(start, free["eps2"], free["steps"], free["rate"])
    inner = [_inner_gap(one, free["mu"]) for one in start.numpy()]
    names = ["uniform", "block", "identity", "reduction"]
    return xr.Dataset(
        {
            "identity": (("draw", "property"), identities, {"long_name": "error, or rate reduction", "units": "nat"}),
            "marginal": (("seed", "batch", "measure"), errors, {"long_name": "error of row and column sums"}),
            "solver_gap": ("problem", np.array(gaps), {"long_name": "largest difference from a convex solver"}),
            "energy": (
                ("objective", "start", "order"),
                torch.stack([energy_shares(one) for one in (expressed, spread)]).numpy(),
                {"long_name": "share of the energy"},
            ),
            "inner_gap": ("start", np.array(inner), {"long_name": "closed form less the minimum by linear algebra"}),
        },
        coords={
            "property": names, "measure": ["few, mean", "few, largest", "many, largest"],
            "objective": ["self-expression", "coding rate"], "seed": members.seed.values,
        },
        attrs={"dim": free["dim"]},
    )  # fmt: skip


def _identities(eps2: float, rng) -> tuple[float, float, float, float]:
    """Errors at uniform, block and identity membership, and the rate reduction of a random one."""
    n, d, k = 24, 6, 3
    z = torch.from_numpy(unit_rows(rng.standard_normal((n, d))))
    rate = float(coding_rate(z, eps2))
    labels = torch.from_numpy(rng.permutation(np.arange(n) % k))
    hard = 0.0
    for j in range(k):
        part = z[labels == j].numpy()
        hard += len(part) / (2 * n) * np.linalg.slogdet(np.eye(d) + d / (len(part) * eps2) * part.T @ part)[1]
    random = project((lambda a: a + a.T)(rng.standard_normal((n, n))), rng.uniform(0.2, 2.0), tolerance=1e-13)
    uniform = torch.full((n, n), 1 / n, dtype=torch.float64)
    return (
        abs(float(compressed_rate(z, uniform, eps2)) - rate),
        max(abs(float(compressed_rate(z, one, eps2)) - hard)
            for one in (block_membership(labels, torch.float64), one_hot(labels, torch.float64))),
        abs(float(compressed_rate(z, torch.eye(n, dtype=torch.float64), eps2)) - 0.5 * np.log1p(d / eps2)),
        rate - float(compressed_rate(z, torch.from_numpy(random.membership), eps2)),
    )  # fmt: skip


def _solve(similarity: np.ndarray, eta: float) -> np.ndarray:
    """The projection by SciPy's sequential quadratic programming on the primal problem."""
    n = len(similarity)
    sums = np.concatenate([np.kron(np.eye(n), np.ones(n)), np.kron(np.ones(n), np.eye(n))[:-1]])  # one is redundant
    result = optimize.minimize(
        lambda p: float(-similarity.ravel() @ p + eta * (p @ np.log(p))), np.full(n * n, 1 / n),
        jac=lambda p: -similarity.ravel() + eta * (np.log(p) + 1), method="SLSQP", bounds=[(1e-12, 1)] * n**2,
        constraints={"type": "eq", "fun": lambda p: sums @ p - 1, "jac": lambda p: sums},
        options={"maxiter": 500, "ftol": 1e-14},
    )  # fmt: skip
    return result.x.reshape(n, n)


def _inner_gap(z: np.ndarray, mu: float) -> float:
    """Closed form of the least self-expressive value less that of the minimiser by linear algebra."""
    gram = z @ z.T
    c = np.linalg.solve(np.eye(len(z)) + mu * gram, mu * gram)
    value = 0.5 * np.sum(c**2) + mu / 2 * np.sum((z - c @ z) ** 2)
    return abs(value - self_expressive_value(z, mu))


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(check_theory, snakemake)
