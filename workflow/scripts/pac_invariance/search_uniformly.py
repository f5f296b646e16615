"""The worst invariant head that a search finds, against the number of training interventions, and baselines."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.invariance.families import random_family
from lib.invariance.gradients import split, subset_moments, violated_share
from lib.invariance.search import candidate_subsets, irm, pooled_least_squares, stable_subsets, worst_violation
from lib.invariance.span import covariance_span
from lib.progress import progress

PENALTIES, CLOSENESS = (1.0, 10.0, 100.0, 1000.0), 0.1
BASELINES = ("least squares", "irm", "stable subsets", "parents")


def search_uniformly(
    *, kind: str, dims: list[int], numbers: list[int], sites: int, tolerance: float, subsets: int, wide: bool,
    largest: int, seeds: int, tests: int, root_seed: int, checkpoint,
) -> xr.Dataset:  # fmt: skip
    """Return the largest share of unseen interventions violated, `worst (dim, seed, number)`, and baselines.

    Args:
        kind: of the family (`lib.invariance.families`).
        dims: numbers d of covariates.
        numbers: m of training interventions, ascending.
        sites: number s.
        tolerance: eps.
        subsets: most candidate subsets; with `wide`, of those of the largest size.
        wide: take all smaller subsets, and larger ones that contain a site.
        largest: largest size of a subset.
        seeds: independent models.
        tests: unseen interventions.
        root_seed: root of the random streams.
        checkpoint: keeps finished models.
    """
    shape = (len(dims), seeds)
    state = checkpoint.load() if checkpoint else None
    state = state or {
        "done": 0, "worst": np.full((*shape, len(numbers)), np.nan),
        "feasible": np.full((*shape, len(numbers)), np.nan),
        "pooled": np.full((*shape, len(numbers)), np.nan), "baseline": np.full((*shape, len(BASELINES)), np.nan),
        "rank": np.full(shape, np.nan), "child": np.full(shape, np.nan), "candidates": np.full(shape, np.nan),
    }  # fmt: skip
    state = {name: np.array(value) for name, value in state.items()}
    units = [(j, t) for j in range(len(dims)) for t in range(seeds)]
    for unit in progress(range(int(state["done"]), len(units)), "models"):
        j, t = units[unit]
        rng = generator(root_seed, "pac_invariance", "uniform", kind, wide, dims[j], t)
        family = random_family(kind, dims[j], sites, rng)
        unseen = family.draw(tests, rng)
        state["rank"][j, t] = covariance_span(unseen[:400])[1]
        parents = family.sem.parents(family.target)
        through = family.sites if wide else None
        chosen = candidate_subsets(family.covariates(), parents, rng, largest=largest, most=subsets, through=through)
        state["candidates"][j, t] = len(chosen)
        state["child"][j, t] = np.any(family.sem.coefficients[family.sites, family.target])
        for i, m in enumerate(numbers):
            train = family.draw(m, rng)
            found = worst_violation(train, unseen, family.target, chosen, tolerance, rng)
            state["worst"][j, t, i], state["feasible"][j, t, i] = found[:2]
            state["pooled"][j, t, i] = _share(unseen, family, pooled_least_squares(train, family.target), tolerance)
        state["baseline"][j, t] = _baselines(train, unseen, family, chosen, tolerance)
        state["done"] = np.array(unit + 1)
        if checkpoint:
            checkpoint.save_if_due(lambda: state)
    dims_of = ("dim", "seed", "number")
    return xr.Dataset(
        {
            "worst": (dims_of, state["worst"], {"long_name": "largest share violated by an invariant head"}),
            "feasible": (dims_of, state["feasible"], {"long_name": "subsets with an invariant head"}),
            "pooled": (dims_of, state["pooled"], {"long_name": "share violated by pooled least squares"}),
            "baseline": (
                ("dim", "seed", "estimator"),
                state["baseline"],
                {"long_name": "share violated at the last number"},
            ),
            "rank": (("dim", "seed"), state["rank"], {"long_name": "dimension of the span of covariances"}),
            "child": (("dim", "seed"), state["child"], {"long_name": "whether a site is a child of the target"}),
            "candidates": (("dim", "seed"), state["candidates"], {"long_name": "candidate subsets"}),
        },
        coords={"dim": dims, "number": numbers, "estimator": list(BASELINES)},
        attrs={"kind": kind, "sites": sites, "tolerance": tolerance, "largest": largest},
    )


def _share(unseen, family, predictor, tolerance) -> float:
    """Share of environments that a predictor with the identity as representation, or a diagonal one, violates."""
    square, cross, _ = split(unseen, family.target)
    return float((np.abs(square @ predictor - cross).max(axis=1) > tolerance * (1 + 1e-4)).mean())


def _diagonal_violation(covariance, family, phi) -> np.ndarray:
    """Largest gradient (E,) of the head 1 on the representation diag(phi)."""
    square, cross, _ = split(covariance, family.target)
    return np.abs((square @ phi - cross) * phi).max(axis=1)


def _baselines(train, unseen, family, subsets, tolerance) -> list[float]:
    pooled = _share(unseen, family, pooled_least_squares(train, family.target), tolerance)
    trained = [irm(train, family.target, penalty) for penalty in PENALTIES]
    best = min(trained, key=lambda phi: _diagonal_violation(train, family, phi).max())
    by_irm = float((_diagonal_violation(unseen, family, best) > tolerance * (1 + 1e-4)).mean())
    stable = [
        violated_share(*subset_moments(unseen, subset, family.target), head, tolerance)[0]
        for subset, head in stable_subsets(train, family.target, subsets, CLOSENESS)
    ]
    parents = family.sem.parents(family.target)
    effects = family.sem.coefficients[family.target, parents]
    oracle = violated_share(*subset_moments(unseen, parents, family.target), effects, tolerance)[0]
    return [pooled, by_irm, max(stable, default=np.nan), float(oracle)]


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(search_uniformly, snakemake)
