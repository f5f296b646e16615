"""CPU time of naive Bayes, logistic paths, exact errors and chosen penalties, over that of a peer."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from lib.bench.ratios import cpu_ratio
from lib.probing.evaluation import STRENGTHS
from lib.probing.logistic import fit_logistic
from lib.probing.mixtures import linear_rule_error, power_mixture
from lib.probing.naive_bayes import PooledGaussianNB


def sampled_error(mixture, weights, intercepts, rng, rows=10_000):
    """The error as the authors measure it, on a balanced test set of 10 000 rows, drawn once for each call."""
    labels = np.repeat(np.arange(len(mixture.means)), rows // len(mixture.means))
    x = mixture.draw(labels, rng)
    return np.mean(np.argmax(x @ weights.T + intercepts, axis=1) != labels)


def loss(x, codes, weights, intercepts, strength):
    """Mean logistic loss with its penalty."""
    scores = x @ weights.T + intercepts
    own = scores[np.arange(len(codes)), codes]
    return np.mean(np.logaddexp.reduce(scores, axis=1) - own) + np.sum(weights**2) / (2 * strength * len(codes))


def compare_bayes(rows, dim, rng):
    """Print the ratio of a fit to that of scikit-learn's naive Bayes, which has as many moments."""
    codes = np.arange(rows) % 10
    x = rng.normal(size=(rows, dim)) + codes[:, None]
    ratio = cpu_ratio(lambda: PooledGaussianNB().fit(x, codes), lambda: GaussianNB().fit(x, codes))
    print(f"naive Bayes, m = {rows}, n = {dim}: {ratio:.2f} of GaussianNB")


def compare_paths(rows, dim, rng):
    """Print the ratio for five penalties to scikit-learn at the tolerance that comes as near the minimum."""
    codes = np.arange(rows) % 10
    x = np.maximum(rng.normal(size=(rows, dim)) + rng.normal(size=(10, dim))[codes], 0)
    x = (x - x.min(axis=0)) / np.ptp(x, axis=0)
    exact = [loss(x, codes, *rule[:2], C) for rule, C in zip(fit_logistic(x, codes, STRENGTHS, tol=1e-7), STRENGTHS)]
    ours = fit_logistic(x, codes, STRENGTHS)
    gap = max(loss(x, codes, *rule[:2], C) - least for rule, C, least in zip(ours, STRENGTHS, exact))

    def peer(tol):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return [LogisticRegression(C=C, tol=tol, max_iter=5000).fit(x, codes) for C in STRENGTHS]

    for tol in (1e-4, 1e-5, 1e-6):
        fits = peer(tol)
        other = max(loss(x, codes, f.coef_, f.intercept_, C) - b for f, C, b in zip(fits, STRENGTHS, exact))
        if other <= 2 * gap:
            break
    ratio = cpu_ratio(lambda: fit_logistic(x, codes, STRENGTHS), lambda: peer(tol), 3)
    print(
        f"five penalties, m = {rows}, n = {dim}: {ratio:.2f} of LogisticRegression at tolerance {tol:g}, "
        f"loss above its minimum {gap:.1e} and {other:.1e}"
    )


def compare_errors(classes, dim, rng):
    """Print the ratio of an exact error to one by sampling, and its standard error."""
    mixture = power_mixture(classes, dim)
    weights, intercepts = rng.normal(size=(classes, dim)) + mixture.means, rng.normal(size=classes)
    ratio = cpu_ratio(
        lambda: [linear_rule_error(mixture, weights, intercepts) for _ in range(100)],
        lambda: [sampled_error(mixture, weights, intercepts, rng) for _ in range(2)],
        2,
    )
    print(f"error, K = {classes}, n = {dim}: {ratio / 50:.5f} of 10 000 draws")


def main() -> None:
    """Print the ratios, ours over the peer."""
    rng = np.random.default_rng(0)
    for rows, dim in ((600, 256), (10_000, 768)):
        compare_bayes(rows, dim, rng)
    for rows, dim in ((50, 768), (600, 256), (200, 1024)):
        compare_paths(rows, dim, rng)
    for classes in (2, 3):
        compare_errors(classes, 400, rng)


if __name__ == "__main__":
    main()
