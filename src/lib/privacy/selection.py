"""Selecting variables on the data that then judge them: regression after screening, and sums of signs.

The reusable holdout's experiment (Dwork et al., Science 2015) and Freedman's (1983) screened regression.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lib.privacy.queries import Thresholdout

KINDS = ("train", "holdout", "holdout itself", "fresh")


def signed_features(
    n: int, d: int, signal: int, bias: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Fair labels y in {-1, 1}, (n,), and standard normal features, (n, d), the first `signal` moved by bias y."""
    y = rng.integers(0, 2, n) * 2 - 1
    x = rng.standard_normal((n, d))
    x[:, :signal] += bias * y[:, None]
    return x, y


def select_and_score(
    train: tuple[np.ndarray, np.ndarray],
    holdout: tuple[np.ndarray, np.ndarray],
    fresh: tuple[np.ndarray, np.ndarray],
    sizes: list[int],
    answer: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> dict[str, np.ndarray]:
    """Choose features by their correlations on training and holdout data, and score the sum of their signs.

    Features whose correlations with the label agree in sign and are at least 1/sqrt(n) on both sets are ranked by the
    training correlation; the classifier is the sign of the sum of the first k features, each with its sign.

    Args:
        train, holdout, fresh: x (n, d) and y (n,) in {-1, 1}; `fresh` only scores.
        sizes: numbers k of features.
        answer: `answer(train means, holdout means)` returns the holdout's answers to the analyst.

    Returns:
        Accuracies by k: `train`, `holdout` (as answered), `holdout itself` and `fresh`, each (len(sizes),).

    Source: Dwork et al. 2015, Science 349, 636-638.
    """
    (x_t, y_t), (x_h, y_h), (x_f, y_f) = train, holdout, fresh
    w_t, w_h = y_t @ x_t / len(y_t), y_h @ x_h / len(y_h)
    w_a = answer(w_t, w_h)
    least = 1 / np.sqrt(len(y_t))
    candidates = np.flatnonzero((np.abs(w_t) >= least) & (np.abs(w_a) >= least) & (np.sign(w_t) == np.sign(w_a)))
    ranking = candidates[np.argsort(-np.abs(w_t[candidates]), kind="stable")]
    scores = {name: [] for name in KINDS}
    for k in sizes:
        features = ranking[:k]
        signs = np.sign(w_t[features])
        accuracy = {}
        for name, x, y in (("train", x_t, y_t), ("holdout", x_h, y_h), ("fresh", x_f, y_f)):
            vote = np.sign(x[:, features] @ signs) * y
            accuracy[name] = float(np.mean(0.5 * (1 + vote)))
        accuracy["holdout itself"] = accuracy["holdout"]
        accuracy["holdout"] = float(answer(np.array([accuracy["train"]]), np.array([accuracy["holdout"]]))[0])
        for name, value in accuracy.items():
            scores[name].append(value)
    return {name: np.array(values) for name, values in scores.items()}


def score_holdouts(
    train: tuple[np.ndarray, np.ndarray],
    holdout: tuple[np.ndarray, np.ndarray],
    fresh: tuple[np.ndarray, np.ndarray],
    sizes: list[int],
    *,
    threshold: float,
    sigma: float,
    budget: int,
    noises: dict[str, np.random.Generator],
) -> tuple[np.ndarray, list[int]]:
    """Select features and score them, through a plain holdout and through Thresholdout with each kind of noise.

    Args:
        train, holdout, fresh, sizes: as of `select_and_score`.
        threshold, sigma, budget: of `Thresholdout`.
        noises: kinds of its noise, each with its source.

    Returns:
        Accuracies (1 + len(noises), len(KINDS), len(sizes)), the plain holdout first, and for each noise the answers
        that came from the holdout.
    """
    samples = np.arange(len(holdout[1]))
    oracles = [
        Thresholdout(
            samples, samples, len(samples), threshold=threshold, sigma=sigma, budget=budget, rng=rng, noise=noise
        )
        for noise, rng in noises.items()
    ]
    answers = (lambda train, holdout: holdout, *(oracle.answer_means for oracle in oracles))
    scores = [select_and_score(train, holdout, fresh, sizes, answer) for answer in answers]
    return np.array([[one[kind] for kind in KINDS] for one in scores]), [budget - oracle.budget for oracle in oracles]


def labelled_thirds(file: Path, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """A table with a binary label in three parts of equal size, at random: features (n, d) and labels (n,) in {-1, 1}.

    Features are centred and scaled by mean and deviation of the first part, so that no part sees another.

    Args:
        file: CSV with a header; a column `label` of two values, the larger of which is 1, all others numbers.
        rng: draws the parts.

    Raises:
        ValueError: no such column, other than two labels, entries that are not finite numbers, fewer than 30 rows, or a
            feature that is constant on the first part.
    """
    import pandas as pd

    table = pd.read_csv(file)
    if "label" not in table:
        raise ValueError(f"{file}: got columns {', '.join(map(str, table.columns[:5]))}, expected one named label")
    classes = sorted(table["label"].unique())
    if len(classes) != 2:
        raise ValueError(f"{file}: got {len(classes)} different labels, expected 2")
    features = table.drop(columns="label")
    wrong = [name for name in features if not np.isfinite(pd.to_numeric(features[name], errors="coerce")).all()]
    if wrong or len(table) < 30:
        raise ValueError(f"{file}: got {len(table)} rows, and no numbers in {wrong[:3]}, expected 30 rows of numbers")
    x, y = features.to_numpy(float), np.where(table["label"] == classes[1], 1, -1)
    n = len(y) // 3
    parts = rng.permutation(len(y))[: 3 * n].reshape(3, n)
    centre, scale = x[parts[0]].mean(axis=0), x[parts[0]].std(axis=0)
    if not (scale > 0).all():
        raise ValueError(
            f"{file}: {features.columns[np.argmin(scale)]}: got a constant, expected a feature that varies"
        )
    return [((x[rows] - centre) / scale, y[rows]) for rows in parts]


def correlation_selection(x: np.ndarray, y: np.ndarray, count: int) -> np.ndarray:
    """The `count` columns of largest uncentred correlation with y in absolute value, and all that tie with the last.

    Args:
        x: (n, p), any n.
        y: (n,).
        count: number of columns, 1 to p.

    Returns:
        (p,) booleans.

    Raises:
        ValueError: a count outside its range.
    """
    if not 1 <= count <= x.shape[1]:
        raise ValueError(f"count: got {count}, expected 1 to {x.shape[1]}, the number of columns")
    correlation = np.abs(y @ x) / np.linalg.norm(x, axis=0) / np.linalg.norm(y)
    return correlation >= np.sort(correlation)[-count]


Sample = tuple[np.ndarray, np.ndarray]
ROUTES = ("same data", "fresh sample", "split sample")


def screened_regressions(
    data: Sample, second: Sample, fresh: Sample, level: float
) -> tuple[dict[str, dict[str, float]], int]:
    """Screen variables, refit on those selected, and report the refit by the data that it uses.

    On the same data and on a second sample the screen is the t-test of `freedman_selection` on all data. On a split
    sample the first half screens and the second fits; a half may have fewer samples than variables + 1, so that it is
    screened by correlation, for as many variables, at most a quarter of the samples.

    Args:
        data: x (n, p) and y (n,), n > p + 1.
        second: another sample of the same size.
        fresh: a sample that scores every fit.
        level: of the screen.

    Returns:
        `regression_report` for each of `ROUTES`, and the number of variables selected on all data.
    """
    (x, y), (x_second, y_second), (x_fresh, y_fresh) = data, second, fresh
    columns = freedman_selection(x, y, level)
    half = len(y) // 2
    count = max(1, min(int(columns.sum()), half // 2))
    half_columns = correlation_selection(x[:half], y[:half], count)
    reports = (
        regression_report(x[:, columns], y, x_fresh[:, columns], y_fresh),
        regression_report(x_second[:, columns], y_second, x_fresh[:, columns], y_fresh),
        regression_report(x[half:, half_columns], y[half:], x_fresh[:, half_columns], y_fresh),
    )
    return dict(zip(ROUTES, reports)), int(columns.sum())


def vote_query(bits: np.ndarray, answers: np.ndarray, count: int) -> np.ndarray:
    """The query that the answers to single features lead to: how often the vote of the `count` strongest is right.

    Args:
        bits: (d, n) queries, 1 where a feature's sign agrees with the label of a sample.
        answers: (d,) answers to them; their distance from 1/2 ranks the features, their side of 1/2 is the vote.
        count: number of features that vote.

    Returns:
        (n,) values 1, 0, and 1/2 at a tie.
    """
    deviation = answers - 0.5
    strongest = np.argsort(-np.abs(deviation), kind="stable")[:count]
    votes = np.sign(deviation[strongest]) @ (2 * bits[strongest] - 1)
    return 0.5 * (1 + np.sign(votes))


def freedman_selection(x: np.ndarray, y: np.ndarray, level: float) -> np.ndarray:
    """Columns whose two-sided t-test in the regression on all columns is below a level (Freedman 1983).

    Args:
        x: (n, p) with n > p + 1.
        y: (n,).
        level: a column is selected when its p-value is below it.

    Returns:
        (p,) booleans.
    """
    from scipy.stats import t as student

    design = np.column_stack([np.ones(len(y)), x])
    coefficients, freedom, inverse, residual = _least_squares(design, y)
    statistic = coefficients / np.sqrt(np.diag(inverse) * residual / freedom)
    return 2 * student.sf(np.abs(statistic[1:]), freedom) < level


def regression_report(x: np.ndarray, y: np.ndarray, fresh_x: np.ndarray, fresh_y: np.ndarray) -> dict[str, float]:
    """Least squares with an intercept, judged on the data of the fit and on fresh data.

    Args:
        x, y: (n, k) and (n,) the data of the fit, k < n - 1.
        fresh_x, fresh_y: data that had no part in the fit.

    Returns:
        `r2` and `p_value` (F-test of all coefficients) on the data of the fit, `significant`: coefficients with
        p < 0.05, `fresh_r2`: 1 - residual / total sum of squares on the fresh data.
    """
    from scipy.stats import f as fisher
    from scipy.stats import t as student

    k = x.shape[1]
    fresh_total = float(np.sum((fresh_y - fresh_y.mean()) ** 2))
    if k == 0:
        fresh_r2 = 1 - float(np.sum((fresh_y - y.mean()) ** 2)) / fresh_total
        return {"r2": 0.0, "p_value": 1.0, "significant": 0, "fresh_r2": fresh_r2}
    design = np.column_stack([np.ones(len(y)), x])
    coefficients, freedom, inverse, residual = _least_squares(design, y)
    r2 = 1 - residual / float(np.sum((y - y.mean()) ** 2))
    statistic = coefficients / np.sqrt(np.diag(inverse) * residual / freedom)
    predicted = np.column_stack([np.ones(len(fresh_y)), fresh_x]) @ coefficients
    return {
        "r2": r2,
        "p_value": float(fisher.sf((r2 / k) / ((1 - r2) / freedom), k, freedom)),
        "significant": int(np.sum(2 * student.sf(np.abs(statistic[1:]), freedom) < 0.05)),
        "fresh_r2": 1 - float(np.sum((fresh_y - predicted) ** 2)) / fresh_total,
    }


def _least_squares(design: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, int, np.ndarray, float]:
    q, r = np.linalg.qr(design)
    inverse_r = np.linalg.inv(r)
    coefficients = inverse_r @ (q.T @ y)
    residual = float(np.sum((y - design @ coefficients) ** 2))
    return coefficients, len(y) - design.shape[1], inverse_r @ inverse_r.T, residual
