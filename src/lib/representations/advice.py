"""Effects of interventions from a user's own rows, with intervals and a diagnostic of support."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lib.representations.autoencoder import largest_harmless, train_autoencoders
from lib.representations.extrapolation import ControlFunction
from lib.representations.restriction import linear_fit, restriction_of, restriction_test
from lib.stats.intervals import estimate_from_error

HELD_OUT = 5  # one row of so many chooses the penalty
PERMUTATIONS = 200
TESTED = 1000  # rows of the permutation test, whose cost is quadratic in them
SINGULAR = 1e-6  # ratio of eigenvalues of the covariance of actions below which they are nearly collinear


class Interventions(NamedTuple):
    """Actions (n, k), features (n, m), outcome (n,), and the actions (Q, k) that are asked for."""

    actions: np.ndarray
    features: np.ndarray
    outcome: np.ndarray
    queries: np.ndarray


class Effects(NamedTuple):
    """Effects (Q,) with standard errors over resamples and the ends of 95 % intervals, and what to think of them.

    `support` (Q,) is the share of points that lie in the range of the training representations; `penalty` is the one
    chosen, `pvalue` that of the linear invariance constraint on held-out rows.
    """

    effect: np.ndarray
    se: np.ndarray
    low: np.ndarray
    high: np.ndarray
    support: np.ndarray
    penalty: float
    pvalue: float


def read_interventions(file, actions: Sequence[str], outcome: str) -> Interventions:
    """Rows of a table, and queries: the rows whose features and outcome are empty.

    Args:
        file: CSV with a header; every column but the actions and the outcome is a feature.
        actions: names of the columns of the actions.
        outcome: name of the column of the outcome.

    Raises:
        ValueError: a column that is missing, no feature, an entry that is not a finite number, a row that is partly
            empty, or no query.
    """
    import pandas as pd

    table = pd.read_csv(Path(file).expanduser())
    for name in (*actions, outcome):
        if name not in table:
            raise ValueError(f"{file}: got columns {', '.join(map(str, table.columns[:8]))}, expected one named {name}")
    features = [str(name) for name in table.columns if name not in (*actions, outcome)]
    if not features:
        raise ValueError(f"{file}: got actions and the outcome alone, expected columns of features")
    asked = table[[*features, outcome]].isna().all(axis=1).to_numpy()
    values = table.apply(pd.to_numeric, errors="coerce")
    needed = np.column_stack([values[list(actions)], np.where(asked[:, None], 0.0, values[[*features, outcome]])])
    wrong = np.argwhere(~np.isfinite(needed))
    if len(wrong):
        row, column = wrong[0]
        name = [*actions, *features, outcome][column]
        raise ValueError(f"{file}: {name}, row {row + 1}: got {table[name].iat[row]!r}, expected a finite number")
    if not asked.any():
        raise ValueError(f"{file}: got no row with empty features and outcome, expected the actions that are asked for")
    rows = values[~asked]
    return Interventions(
        rows[list(actions)].to_numpy(float),
        rows[features].to_numpy(float),
        rows[outcome].to_numpy(float),
        values.loc[asked, list(actions)].to_numpy(float),
    )


def extrapolate_effects(
    data: Interventions,
    *,
    latent: int,
    penalties: Sequence[float],
    allowance: float,
    resamples: int,
    seed: int,
    width: int,
    epochs: int,
    batch: int,
    learning_rate: float,
    regression: dict,
    device: str = "cpu",
) -> Effects:
    """E[Y | do(a)] at the queries, by an autoencoder under the linear invariance constraint and a control function.

    The penalty is the largest whose reconstruction error on a held-out fifth is at most `allowance` times that without
    one. Intervals are of resampled rows; the representation is not trained again, so they do not show its own error.

    Args:
        data: rows and queries.
        latent: dimension d of the representation, at most the number k of actions.
        penalties, allowance: lambda, 0 among them, and see above.
        resamples: of the rows.
        seed: of weights, batches and resamples.
        width, epochs, batch, learning_rate: see `train_autoencoders`.
        regression: options of `fit_additive`.
        device: where to compute.

    Raises:
        ValueError: more latent variables than actions, actions whose covariance is singular, or fewer rows than needed.

    Warns:
        UserWarning: actions that are nearly collinear.
    """
    k = data.actions.shape[1]
    if latent > k:
        raise ValueError(
            f"latent: got {latent}, expected at most the {k} actions: only as many directions of the latent"
            " variables as actions move are identified (rank condition)"
        )
    centre = data.actions.mean(axis=0)
    linear_fit(data.actions, data.features)  # refuses a singular covariance
    spread, axes = np.linalg.eigh(np.atleast_2d(np.cov(data.actions.T)))
    if spread[0] < SINGULAR * spread[-1]:
        warnings.warn(f"actions: nearly collinear, eigenvalues of their covariance {spread.tolist()}", stacklevel=2)
    # whitened: residuals of least squares stay, and the kernel does not depend on the units of actions
    actions, queries = ((x - centre) @ axes / np.sqrt(spread) for x in (data.actions, data.queries))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(data.outcome))
    held, own = np.split(order, [len(order) // HELD_OUT])
    trained = train_autoencoders(
        actions[own][None], data.features[own][None], penalties, [seed], latent=latent, width=width,
        epochs=epochs, batch=min(batch, len(own)), learning_rate=learning_rate, device=device,
    )  # fmt: skip
    chosen = int(
        largest_harmless(np.array(penalties), trained.reconstruction_errors(data.features[held][None]), allowance)[0]
    )
    phi = trained.encode(data.features[None])[0, chosen]
    tested = held[:TESTED]
    test = restriction_test(phi[tested], restriction_of(actions[tested]), PERMUTATIONS, rng)
    n = len(data.outcome)
    rows = np.concatenate([np.arange(n)[None], rng.integers(0, n, (resamples, n))])
    options = regression | {"batch": min(regression["batch"], n), "device": device}
    seeds = [seed + i for i in range(len(rows))]
    fit = ControlFunction(phi[rows], actions[rows], data.outcome[rows], seeds, **options)
    queries = np.tile(queries, (len(rows), 1, 1))
    effect = fit.effect(queries)
    estimate = estimate_from_error(effect[0], effect[1:].std(axis=0, ddof=1), resamples)
    return Effects(*estimate[:4], fit.support_share(queries)[0], float(penalties[chosen]), test.pvalue)
