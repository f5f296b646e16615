"""Gaussian naive Bayes whose variances are pooled over classes: a linear rule in closed form, fitted in one pass."""

from typing import NamedTuple

import numpy as np
from scipy import special
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import check_is_fitted, validate_data


class ClassMoments(NamedTuple):
    """Counts (K,), means (K, n) and sums of squared deviations from the own mean (K, n) of each class."""

    count: np.ndarray
    mean: np.ndarray
    square: np.ndarray


def class_moments(x: np.ndarray, codes: np.ndarray, classes: int) -> ClassMoments:
    """Moments of each class, by one product with the indicators of classes.

    Args:
        x: (m, n).
        codes: (m,) integers from 0 to `classes` - 1.
        classes: number K of classes; one without a row has count 0 and zeros.
    """
    indicator = np.zeros((classes, len(x)))
    indicator[codes, np.arange(len(x))] = 1.0
    count = indicator.sum(axis=1)
    safe = np.maximum(count, 1)[:, None]
    centre = x.mean(axis=0)  # sums of deviations lose no digits where features lie far from zero
    mean = centre + indicator @ (x - centre) / safe
    deviation = x - mean[codes]
    mean = np.where(count[:, None] > 0, mean, 0.0)
    return ClassMoments(count, mean, indicator @ deviation**2)


def merge_moments(first: ClassMoments, second: ClassMoments) -> ClassMoments:
    """Moments of two samples together (Chan, Golub and LeVeque 1983)."""
    count = first.count + second.count
    safe = np.maximum(count, 1)[:, None]
    shift = np.where((first.count * second.count > 0)[:, None], second.mean - first.mean, 0.0)
    share = second.count[:, None] / safe
    mean = np.where(first.count[:, None] > 0, first.mean + shift * share, second.mean)
    square = first.square + second.square + shift**2 * first.count[:, None] * share
    return ClassMoments(count, mean, square)


class PooledGaussianNB(ClassifierMixin, BaseEstimator):
    """Naive Bayes with one Gaussian variance for each feature, common to all classes.

    The score of class k is log pi_k - 1/2 sum_i (x_i - mu_ki)^2 / v_i, with v the mean over classes, weighted by their
    shares pi, of the biased variances within classes, plus `epsilon`. What it depends on k is linear in x. It is not
    scikit-learn's GaussianNB, whose variances are those of each class and whose rule is quadratic.

    Args:
        epsilon: added to every variance, in the squared units of the features.

    Attributes:
        classes_: (K,) labels.
        class_count_: (K,) rows of each class.
        class_prior_: (K,) their shares.
        theta_: (K, n) means.
        var_: (n,) pooled variances, `epsilon` included.
        n_features_in_: n.

    Source: Zheng et al. 2023, arXiv 2302.02334, and the authors' code.
    """

    def __init__(self, epsilon=1e-9):
        self.epsilon = epsilon

    def fit(self, X, y):
        """Fit all rows at once.

        Args:
            X: (m, n) finite numbers.
            y: (m,) labels.

        Raises:
            ValueError: numbers that are not finite, or `epsilon` not above zero.
        """
        X, y = validate_data(self, X, y, dtype=float)
        check_classification_targets(y)
        self._start(unique_labels(y))
        return self._update(X, y)

    def partial_fit(self, X, y, classes=None):
        """Take in more rows; the result is that of one fit to all of them, up to rounding.

        Args:
            X: (m, n) finite numbers.
            y: (m,) labels.
            classes: all labels that will come; needed at the first call alone.

        Raises:
            ValueError: a label that is none of the classes, no classes at the first call, or others later.
        """
        first = not hasattr(self, "classes_")
        X, y = validate_data(self, X, y, dtype=float, reset=first)
        check_classification_targets(y)
        if first and classes is None:
            raise ValueError("classes: got None, expected all labels at the first call of partial_fit")
        if first:
            self._start(unique_labels(classes))
        elif classes is not None and not np.array_equal(unique_labels(classes), self.classes_):
            raise ValueError(f"classes: got {list(classes)}, expected those of the first call, {list(self.classes_)}")
        return self._update(X, y)

    def _start(self, classes):
        if not self.epsilon > 0:
            raise ValueError(f"epsilon: got {self.epsilon!r}, expected a number above 0")
        self.classes_ = classes
        shape = (len(classes), self.n_features_in_)
        self._moments = ClassMoments(np.zeros(len(classes)), np.zeros(shape), np.zeros(shape))

    def _update(self, X, y):
        codes = np.searchsorted(self.classes_, y)
        known = codes < len(self.classes_)
        known[known] = self.classes_[codes[known]] == y[known]
        if not known.all():
            raise ValueError(f"y: got the label {y[~known][0]}, expected one of {list(self.classes_)}")
        self._moments = merge_moments(self._moments, class_moments(X, codes, len(self.classes_)))
        count, self.theta_, square = self._moments
        self.class_count_ = count
        self.class_prior_ = count / count.sum()
        self.var_ = square.sum(axis=0) / count.sum() + self.epsilon  # sum_k pi_k M2_k / m_k = sum_k M2_k / m
        return self

    def _linear(self):
        """Weights (K, n) and intercepts (K,) of the scores in x - centre, and the centre."""
        check_is_fitted(self, "theta_")
        if not self.class_count_.all():
            empty = self.classes_[self.class_count_ == 0][0]
            raise ValueError(f"class {empty}: got no sample, expected at least one of each class")
        centre = self.class_prior_ @ self.theta_
        weights = (self.theta_ - centre) / self.var_
        return weights, np.log(self.class_prior_) - 0.5 * ((self.theta_ - centre) * weights).sum(axis=1), centre

    def linear_rule(self):
        """Weights (K, n) and intercepts (K,) of the same rule: the class of the largest `weights @ x + intercepts`."""
        weights, intercepts, centre = self._linear()
        return weights, intercepts - weights @ centre

    def joint_log_likelihood(self, X):
        """Scores (m, K): log pi_k + log N(x; mu_k, v) without what all classes share.

        Raises:
            ValueError: a class without a sample, or numbers that are not finite.
        """
        check_is_fitted(self, "theta_")
        X = validate_data(self, X, dtype=float, reset=False)
        weights, intercepts, centre = self._linear()
        return (X - centre) @ weights.T + intercepts

    def decision_function(self, X):
        """Scores (m, K); for two classes (m,), the second less the first."""
        scores = self.joint_log_likelihood(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_log_proba(self, X):
        """Logarithms of class probabilities (m, K)."""
        return special.log_softmax(self.joint_log_likelihood(X), axis=1)

    def predict_proba(self, X):
        """Class probabilities (m, K)."""
        return special.softmax(self.joint_log_likelihood(X), axis=1)

    def predict(self, X):
        """Labels (m,) of the largest scores; of equal ones the first class."""
        scores = self.joint_log_likelihood(X)
        return self.classes_[np.argmax(scores, axis=1)]
