"""Partial correlations, subcompositions, bootstrap and shrinkage beside vectorised NumPy without checks.

CPU seconds of the two over one another, in alternation; below 1 this library is faster.
"""

import numpy as np
from sklearn.covariance import LedoitWolf

from lib.bench.ratios import cpu_ratio
from lib.compositional.logratio import clr, clr_covariance, variation_matrix
from lib.compositional.partial import drop_parts, partial, partial_from_factors, partial_from_precision, precision
from lib.compositional.simulate import random_basis_logs
from lib.stats.bootstrap import bootstrap_counts
from lib.stats.correlation import covariance
from lib.stats.covariance import SchaferStrimmer
from lib.stats.shrinkage import shrink_factors


def correlations(precisions):
    """Partial correlations of precisions (..., D, D)."""
    scale = 1 / np.sqrt(np.diagonal(precisions, axis1=-2, axis2=-1))
    return -precisions * scale[..., :, None] * scale[..., None, :]


def from_alr(logs):
    """Partial correlations from the inverse of the covariance of additive log-ratios, (..., n, D) to (..., D, D)."""
    ratios = logs[..., :-1] - logs[..., -1:]
    ratios = ratios - ratios.mean(axis=-2, keepdims=True)
    inverse = np.linalg.inv(ratios.swapaxes(-1, -2) @ ratios / (ratios.shape[-2] - 1))
    row = -inverse.sum(axis=-1)
    whole = np.empty((*inverse.shape[:-2], logs.shape[-1], logs.shape[-1]))
    whole[..., :-1, :-1], whole[..., -1, -1] = inverse, -row.sum(axis=-1)
    whole[..., -1, :-1] = whole[..., :-1, -1] = row
    return correlations(whole)


def subcompositions(logs):
    """Precisions of all subcompositions that leave one part out: one inverse for each, all at once."""
    d = logs.shape[-1]
    cov = np.cov(logs, rowvar=False)
    rest = np.array([[i for i in range(d) if i != k] for k in range(d)])
    block = cov[rest[:, :, None], rest[:, None, :]]
    block = block - block.mean(-1, keepdims=True)
    block = block - block.mean(-2, keepdims=True)
    return np.linalg.inv(block + 1 / (d - 1)) - 1 / (d - 1)


def resamples(logs, count, rng):
    """Partial correlations of bootstrap resamples: rows are drawn and covariances computed for all at once."""
    return from_alr(logs[rng.integers(0, len(logs), (count, len(logs)))])


def intensity(x):
    """Shrinkage intensity of correlations, by products of squares instead of the n x D x D tensor."""
    n = len(x)
    z = (x - x.mean(0)) / x.std(0, ddof=1)
    mean = z.T @ z / n
    variance = n / (n - 1) ** 3 * (np.square(z).T @ np.square(z) - n * mean**2)
    off = ~np.eye(x.shape[1], dtype=bool)
    return variance[off].sum() / np.square(n / (n - 1) * mean[off]).sum()


def main() -> None:
    """Print the ratios."""
    rng = np.random.default_rng(0)
    for parts, n, many in ((11, 47, 500), (50, 200, 50)):
        one, all_sets = (np.exp(random_basis_logs(parts, n, rng, size)) for size in ((), (many,)))
        for name, data in (("one data set", one), (f"{many} data sets", all_sets)):
            ratio = cpu_ratio(lambda x=data: partial(x), lambda x=data: from_alr(np.log(x)), 15)
            print(f"partial correlations, D = {parts}, {name}: {ratio:.2f} of the inverse of alr covariances")
    wide = random_basis_logs(100, 300, rng)
    ratio = cpu_ratio(
        lambda: drop_parts(precision(clr_covariance(S=covariance(wide)))), lambda: subcompositions(wide), 5
    )
    print(f"all subcompositions of 99 of 100 parts: {ratio:.2f} of batched inverses")
    logs = random_basis_logs(11, 47, rng)

    def counted():
        counts = bootstrap_counts(47, 1000, rng)
        return partial_from_precision(precision(clr_covariance(S=covariance(logs, counts))))

    ratio = cpu_ratio(counted, lambda: resamples(logs, 1000, rng), 9)
    print(f"1000 bootstrap resamples, D = 11: {ratio:.2f} of batched rows")
    genes = rng.standard_normal((40, 1500))
    ratio = cpu_ratio(
        lambda: partial_from_factors(shrink_factors(genes)),
        lambda: partial(np.exp(genes), shrinkage="basis"),
        3,
    )
    print(f"basis shrinkage, n = 40, D = 1500: {ratio:.2f} of a dense inverse")
    few = genes[:, :400]
    ratio = cpu_ratio(lambda: shrink_factors(few), lambda: intensity(few), 9)
    print(f"factors with their intensities, n = 40, D = 400: {ratio:.2f} of one intensity by matrix products")
    ratio = cpu_ratio(lambda: SchaferStrimmer().fit(few), lambda: LedoitWolf().fit(few), 5)
    print(f"Schäfer and Strimmer's covariance, n = 40, D = 400: {ratio:.2f} of scikit-learn's LedoitWolf")
    try:
        from skbio.stats import composition
    except ImportError:
        print("scikit-bio is not installed: no comparison")
    else:
        X = np.exp(random_basis_logs(50, 200, rng))
        ratio = cpu_ratio(lambda: clr(X), lambda: composition.clr(X), 15)
        print(f"clr, 200 x 50: {ratio:.2f} of scikit-bio")
        ratio = cpu_ratio(lambda: variation_matrix(X), lambda: composition.pairwise_vlr(X), 5)
        print(f"variation matrix, 200 x 50: {ratio:.2f} of scikit-bio")


if __name__ == "__main__":
    main()
