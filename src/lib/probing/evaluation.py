"""Test errors of linear probes learnt from a few labelled samples of given features."""

from typing import NamedTuple

import numpy as np
from scipy import linalg
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import StratifiedKFold

from lib.probing.logistic import LinearRule, fit_logistic
from lib.probing.naive_bayes import PooledGaussianNB

STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)  # values of C
FOLDS = 5
LR_CV = "lr cv"
STEPS = 10_000  # iterations after which a logistic regression counts as not converged


class Sample(NamedTuple):
    """Scaled features and label codes to learn from, and scaled features to be judged."""

    x: np.ndarray
    codes: np.ndarray
    test: np.ndarray


def draw_rows(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Rows (size,) without replacement, drawn anew until every label occurs.

    Raises:
        ValueError: fewer rows than labels, or more than there are.
    """
    classes = len(np.unique(labels))
    if not classes <= size <= len(labels):
        raise ValueError(f"size: got {size}, expected between {classes} labels and {len(labels)} rows")
    while True:
        rows = rng.choice(len(labels), size, replace=False)
        if len(np.unique(labels[rows])) == classes:
            return rows


def scale_features(x, test) -> tuple[np.ndarray, np.ndarray]:
    """Features moved to [0, 1] by the least and largest value in `x`; those constant in `x` are left out.

    Raises:
        ValueError: no feature that varies.
    """
    x, test = np.asarray(x, dtype=float), np.asarray(test, dtype=float)
    low, span = x.min(axis=0), np.ptp(x, axis=0)
    varies = span > 0
    if not varies.any():
        raise ValueError("x: got constant features alone, expected one that varies")
    return tuple((rows[:, varies] - low[varies]) / span[varies] for rows in (x, test))


def _predict_linear(rule: LinearRule, x) -> np.ndarray:
    scores = x @ rule.weights.T + rule.intercepts
    return (scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else np.argmax(scores, axis=1)


def shrunk_discriminant(x, codes) -> LinearRule:
    """Linear discriminant analysis with one covariance within classes, shrunk to a multiple of the identity.

    scikit-learn's shrinks the covariance of each class on its own, which a class of one row does not have.

    Source: Ledoit and Wolf 2004 for the intensity.
    """
    moments = PooledGaussianNB().fit(x, codes)
    covariance = LedoitWolf(assume_centered=True).fit(x - moments.theta_[codes]).covariance_
    centre = moments.class_prior_ @ moments.theta_
    means = moments.theta_ - centre
    weights = linalg.solve(covariance, means.T, assume_a="pos").T
    intercepts = np.log(moments.class_prior_) - 0.5 * (weights * means).sum(axis=1) - weights @ centre
    return LinearRule(weights, intercepts, 0, True)


def choose_strength(x, codes, strengths, rng: np.random.Generator, *, tol: float = 1e-4, device: str = "cpu") -> float:
    """C of the least error in stratified cross-validation; of equal ones the smallest; 1 where a class has one row."""
    least = np.bincount(codes).min()
    if least < 2:
        return 1.0
    folds = StratifiedKFold(min(FOLDS, int(least)), shuffle=True, random_state=int(rng.integers(2**31)))
    wrong = np.zeros(len(strengths))
    for fit, judge in folds.split(x, codes):
        rules = fit_logistic(x[fit], codes[fit], strengths, tol=tol, device=device)
        wrong += [np.sum(_predict_linear(rule, x[judge]) != codes[judge]) for rule in rules]
    return float(np.asarray(strengths)[np.argmin(wrong)])


def probe_predictions(
    sample: Sample, epsilons, strengths, rng: np.random.Generator, *, tol: float = 1e-4, device: str = "cpu"
) -> dict[str, np.ndarray]:
    """Predicted codes of the test rows by each probe.

    `nb EPSILON` is naive Bayes with pooled variances, `lr C` logistic regression, `lr cv` with C by cross-validation,
    `ncm` the nearest class mean, `slda` linear discriminant analysis with a shrunk covariance (Ledoit and Wolf), and
    `ridge` least squares on the labels' indicators with penalty 1.

    Args:
        sample: what is learnt from, and the rows to judge.
        epsilons: of naive Bayes.
        strengths: values of C.
        rng: source of the folds.
        tol, device: of `fit_logistic`.

    Raises:
        ValueError: a logistic regression that did not converge: it is no result.
    """
    x, codes, test = sample
    predictions = {f"nb {epsilon:g}": PooledGaussianNB(epsilon).fit(x, codes).predict(test) for epsilon in epsilons}
    means = PooledGaussianNB().fit(x, codes).theta_
    predictions["ncm"] = np.argmax(test @ means.T - 0.5 * (means**2).sum(axis=1), axis=1)
    predictions["slda"] = _predict_linear(shrunk_discriminant(x, codes), test)
    predictions["ridge"] = RidgeClassifier().fit(x, codes).predict(test)
    rules = fit_logistic(x, codes, strengths, tol=tol, max_iter=STEPS, device=device)
    if not all(rule.converged for rule in rules):
        steps = [rule.steps for rule in rules]
        raise ValueError(f"logistic regression: got {steps} iterations without convergence, expected a minimum")
    for strength, rule in zip(strengths, rules):
        predictions[f"lr {strength:g}"] = _predict_linear(rule, test)
    chosen = choose_strength(x, codes, strengths, rng, tol=tol, device=device)
    predictions[LR_CV] = predictions[f"lr {chosen:g}"]
    return predictions


def linear_eval(
    features, labels, test_features, test_labels, size: int, rng: np.random.Generator, *, epsilons=(1e-3,),
    strengths=STRENGTHS, tol: float = 1e-4, device: str = "cpu",
) -> dict[str, float]:  # fmt: skip
    """Test errors of all probes learnt from one subsample, which is the same for all of them.

    Features are moved to [0, 1] by the subsample, and those constant in it left out.

    Args:
        features, labels: (M, n) and (M,) to draw from.
        test_features, test_labels: what is judged.
        size: number of rows to learn from; drawn until every label occurs.
        rng: source of the subsample and of folds.
        epsilons, strengths, tol, device: of `probe_predictions`.

    Raises:
        ValueError: a size that does not fit, or a test label that is not among the labels.
    """
    known, codes = np.unique(labels, return_inverse=True)
    unknown = ~np.isin(test_labels, known)
    if unknown.any():
        raise ValueError(f"test_labels: got {np.asarray(test_labels)[unknown][0]}, expected labels to learn from")
    rows = np.sort(draw_rows(codes, size, rng))
    x, test = scale_features(features[rows], test_features)
    predictions = probe_predictions(Sample(x, codes[rows], test), epsilons, strengths, rng, tol=tol, device=device)
    truth = np.searchsorted(known, test_labels)
    return {name: float(np.mean(predicted != truth)) for name, predicted in predictions.items()}


def variance_deciles(features, codes) -> np.ndarray:
    """Deciles (9,) of the pooled variances of features on [0, 1]."""
    x, _ = scale_features(features, features)
    return np.quantile(PooledGaussianNB().fit(x, codes).var_, np.arange(1, 10) / 10)


def likelihood_gaps(features, codes, test_features, test_codes, epsilon: float) -> np.ndarray:
    """Mean over the test rows of each class (K,) of naive Bayes' score of the true class less the best wrong one."""
    x, test = scale_features(features, test_features)
    scores = PooledGaussianNB(epsilon).fit(x, codes).joint_log_likelihood(test)
    own = np.take_along_axis(scores, test_codes[:, None], 1)[:, 0]
    np.put_along_axis(scores, test_codes[:, None], -np.inf, 1)
    gaps = own - scores.max(axis=1)
    return np.array([gaps[test_codes == k].mean() for k in range(int(codes.max()) + 1)])
