"""Private regression simulated user by user, beside the form that draws the noise of means alone."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.privacy.local import clip, l2_randomizer
from lib.privacy.moments import mean_noise, moment_noise, release_moments
from lib.progress import progress
from lib.regression.designs import design_covariance, draw_design, spread_parameter
from lib.regression.private import Rounds, limit_rounds, solve_private, user_gradients

CHUNK = 50_000


def simulate_users(*, cases: list[dict], noise: float, delta: float, root_seed: int, checkpoint) -> xr.Dataset:
    """Return l2 errors (case, seed): `users` of the simulation of every user, `limit` of the aggregated one.

    A case of method `rounds` is iterative hard thresholding, any other a calibration of `lib.privacy.moments`, whose
    error is that before the threshold, over that of the truth where the sample was too small.

    Args:
        cases: `name`, `method`, `design`, `dim`, `sparsity`, `users`, `epsilon`, `seeds`, `bound_x`, and `rounds`.
        noise: size C of the errors of y, +-C.
        delta: of Gaussian releases.
        root_seed: root of the random streams, one for each chunk of users.
        checkpoint: keeps the sums over the chunks done.
    """
    most = max(case["seeds"] for case in cases)
    state = checkpoint.load() if checkpoint else None
    state = state or {"unit": 0, "users": np.full((len(cases), most), np.nan), "round": 0, "chunk": 0}
    table = np.array(state["users"])
    units = [(c, seed) for c, case in enumerate(cases) for seed in range(case["seeds"])]
    for unit in progress(range(int(state["unit"]), len(units)), "runs"):
        c, seed = units[unit]
        table[c, seed] = _run_users(cases[c], seed, noise, delta, root_seed, unit, table, state, checkpoint)
        state = {"round": 0, "chunk": 0}
    limits = np.full_like(table, np.nan)
    for c, case in enumerate(cases):
        limits[c, : case["seeds"]] = _run_limit(case, noise, delta, root_seed)
    names = [case["name"] for case in cases]
    return xr.Dataset(
        {
            "users": (("case", "seed"), table, {"long_name": "l2 error, every user simulated"}),
            "limit": (("case", "seed"), limits, {"long_name": "l2 error, noise of means drawn"}),
            "seeds": ("case", [case["seeds"] for case in cases], {"long_name": "runs of each case"}),
        },
        coords={"case": names},
    )


def _rounds(case: dict) -> Rounds:
    if case["method"] == "rounds":
        covariance = design_covariance(case["design"], case["dim"])
        return Rounds(case["rounds"], 2 * case["sparsity"], float(1 / np.linalg.eigvalsh(covariance)[-1]))
    return Rounds(1, case["dim"], 1.0)


def _bound_y(case: dict, noise: float) -> float:
    return case["bound_x"] + noise  # |<x, theta>| <= bound_x, since |theta|_1 = 1


def _run_users(case, seed, noise, delta, root_seed, unit, table, state, checkpoint) -> float:
    theta, settings = spread_parameter(case["dim"], case["sparsity"]), _rounds(case)
    bounds = (case["bound_x"], _bound_y(case, noise))
    group = case["users"] // settings.rounds
    dim = case["dim"]
    width = dim if case["method"] == "rounds" else dim * (dim + 1)
    current = np.array(state.get("current", np.zeros(dim)))
    for t in range(int(state["round"]), settings.rounds):
        first_chunk = int(state["chunk"]) if t == int(state["round"]) else 0
        total = np.array(state["total"]) if first_chunk else np.zeros(width)
        for chunk in range(first_chunk, -(-group // CHUNK)):
            rng = generator(root_seed, "private_sparse_regression", "users", case["name"], seed, t, chunk)
            x = draw_design(case["design"], min(CHUNK, group - chunk * CHUNK), dim, rng)
            y = x @ theta + rng.choice([-noise, noise], len(x))
            total += _sum_releases(case, x, y, current, settings, bounds, delta, rng)
            if checkpoint:
                position = {"unit": unit, "round": t, "chunk": chunk + 1, "total": total, "current": current}
                checkpoint.save_if_due(lambda position=position: position | {"users": table})
        if case["method"] == "rounds":
            current = settings.project(current - settings.step * total / group)
    if case["method"] == "rounds":
        return float(np.linalg.norm(current - theta))
    square, cross = total[: dim * dim].reshape(1, dim, dim) / group, total[dim * dim :][None] / group
    return float(_unpenalised_error(square, cross, theta)[0])


def _sum_releases(case, x, y, current, settings, bounds, delta, rng) -> np.ndarray:
    if case["method"] == "rounds":
        gradients = user_gradients(x, y, current, settings, *bounds)
        return l2_randomizer(gradients, settings.radius(len(current), *bounds), case["epsilon"], rng).sum(axis=0)
    x, y = clip(x, bounds[0]), clip(y, bounds[1])
    square, cross = release_moments(x, y, *bounds, case["epsilon"], delta, rng, calibration=case["method"])
    return np.concatenate([square.ravel(), cross])


def _unpenalised_error(square, cross, theta) -> np.ndarray:
    result = solve_private(square, cross, 0.0, floor=0.1)
    return np.where(result.valid, np.linalg.norm(result.unpenalised - theta, axis=1), np.linalg.norm(theta))


def _run_limit(case, noise, delta, root_seed) -> np.ndarray:
    theta, settings = spread_parameter(case["dim"], case["sparsity"]), _rounds(case)
    bounds = (case["bound_x"], _bound_y(case, noise))
    covariance = design_covariance(case["design"], case["dim"])
    rng = generator(root_seed, "private_sparse_regression", "users, limit", case["name"])
    if case["method"] == "rounds":
        path = limit_rounds(covariance, theta, settings, case["users"], case["epsilon"], *bounds, case["seeds"], rng)
        return np.linalg.norm(path[:, -1] - theta, axis=1)
    noises = moment_noise(case["method"], case["dim"], *bounds, case["epsilon"], delta)
    square, cross = mean_noise(noises, case["dim"], case["users"], (case["seeds"],), rng)
    return _unpenalised_error(covariance + square, covariance @ theta + cross, theta)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(simulate_users, snakemake)
