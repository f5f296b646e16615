"""Selecting variables on the data that then judge them: regression after screening, and sums of signs.

The reusable holdout's experiment (Dwork et al., Science 2015) and Freedman's (1983) screened regression.
"""

from collections.abc import Callable

import numpy as np


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
        answer: `answer(train means, holdout means)` gives what the analyst is told about the holdout.

    Returns:
        Accuracies by k: `train`, `holdout` (as told) and `fresh`, each (len(sizes),).
    """
    (x_t, y_t), (x_h, y_h), (x_f, y_f) = train, holdout, fresh
    w_t, w_h = y_t @ x_t / len(y_t), y_h @ x_h / len(y_h)
    told = answer(w_t, w_h)
    least = 1 / np.sqrt(len(y_t))
    kept = np.flatnonzero((np.abs(w_t) >= least) & (np.abs(told) >= least) & (np.sign(w_t) == np.sign(told)))
    kept = kept[np.argsort(-np.abs(w_t[kept]), kind="stable")]
    scores = {name: [] for name in ("train", "holdout", "fresh")}
    for k in sizes:
        chosen = kept[:k]
        signs = np.sign(w_t[chosen])
        right = {}
        for name, x, y in (("train", x_t, y_t), ("holdout", x_h, y_h), ("fresh", x_f, y_f)):
            vote = np.sign(x[:, chosen] @ signs) * y
            right[name] = float(np.mean(0.5 * (1 + vote)))
        right["holdout"] = float(answer(np.array([right["train"]]), np.array([right["holdout"]]))[0])
        for name, value in right.items():
            scores[name].append(value)
    return {name: np.array(values) for name, values in scores.items()}


def freedman_selection(x: np.ndarray, y: np.ndarray, level: float) -> np.ndarray:
    """Columns whose two-sided t-test in the regression on all columns is below a level (Freedman 1983).

    Args:
        x: (n, p) with n > p + 1.
        y: (n,).
        level: kept when the p-value is below it.

    Returns:
        (p,) booleans.
    """
    from scipy.stats import t as student

    design = np.column_stack([np.ones(len(y)), x])
    coefficients, freedom, inverse, residual = _least_squares(design, y)
    statistic = coefficients / np.sqrt(np.diag(inverse) * residual / freedom)
    return 2 * student.sf(np.abs(statistic[1:]), freedom) < level


def regression_report(x: np.ndarray, y: np.ndarray, fresh_x: np.ndarray, fresh_y: np.ndarray) -> dict[str, float]:
    """Fit least squares with an intercept; what it claims about itself, and what fresh data say.

    Args:
        x, y: (n, k) and (n,) the data of the fit, k < n - 1.
        fresh_x, fresh_y: data that had no part in it.

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
