"""Ratios of the fast forms to the plain ones, and to peer libraries where they are installed."""

import timeit

import numpy as np
from scipy.stats import bootstrap
from sklearn.covariance import LedoitWolf

from lib.compositional.logratio import clr, clr_covariance, variation_matrix
from lib.compositional.partial import drop_parts, partial, partial_from_factors, partial_from_precision, precision
from lib.compositional.regression import pair_correlations, pair_residuals
from lib.compositional.simulate import random_basis_logs
from lib.stats.bootstrap import bootstrap_counts
from lib.stats.correlation import covariance
from lib.stats.covariance import SchaferStrimmer
from lib.stats.shrinkage import shrink, shrink_factors


def seconds(function, repeat: int = 5) -> float:
    """Best time of a few calls."""
    return min(timeit.repeat(function, number=1, repeat=repeat))


def report(what: str, fast: float, slow: float, names=("ours", "plain")) -> None:
    """One line with both times and their ratio."""
    print(f"{what}: {names[0]} {fast * 1e3:.2f} ms, {names[1]} {slow * 1e3:.2f} ms, ratio {slow / fast:.1f}")


def tensor_shrinkage(x):
    """The intensity from the n x D x D tensor of products."""
    n = len(x)
    z = (x - x.mean(0)) / x.std(0, ddof=1)
    w = z[:, :, None] * z[:, None, :]
    mean = w.mean(0)
    variance, r = n / (n - 1) ** 3 * ((w - mean) ** 2).sum(0), n / (n - 1) * mean
    off = ~np.eye(x.shape[1], dtype=bool)
    return variance[off].sum() / (r[off] ** 2).sum()


def plain_forms(rng) -> None:
    """Own fast forms against own plain forms."""
    L = random_basis_logs(11, 47, rng)
    X = np.exp(L)
    report(
        "55 partial correlations, D = 11",
        seconds(lambda: partial(X)),
        seconds(lambda: pair_correlations(pair_residuals(L))),
    )
    many = np.exp(random_basis_logs(11, 47, rng, (500,)))
    report(
        "500 data sets, D = 11",
        seconds(lambda: partial(many)),
        seconds(lambda: [partial(x) for x in many], 2),
        ("batched", "loop"),
    )
    wide = np.exp(random_basis_logs(100, 300, rng))
    P = partial(wide).precision
    report(
        "all 100 subcompositions of 99 parts",
        seconds(lambda: drop_parts(P), 2),
        seconds(lambda: [partial(np.delete(wide, k, 1)) for k in range(100)], 1),
        ("eliminated", "estimated again"),
    )
    counts = bootstrap_counts(47, 1000, rng)

    def statistic(*columns, axis):
        gamma = clr_covariance(S=covariance(np.stack(columns, axis=-1)))
        return np.moveaxis(partial_from_precision(precision(gamma)).correlation, (-2, -1), (0, 1))

    resample = {"paired": True, "vectorized": True, "n_resamples": 1000, "method": "percentile", "axis": 0}
    report(
        "1000 bootstrap resamples, D = 11",
        seconds(lambda: partial_from_precision(precision(clr_covariance(S=covariance(L, counts))))),
        seconds(lambda: bootstrap(tuple(L.T), statistic, **resample), 2),
        ("counts", "scipy.stats.bootstrap"),
    )
    genes = np.exp(rng.standard_normal((40, 1500)))
    logs = np.log(genes / genes.sum(1, keepdims=True))
    report(
        "basis shrinkage, n = 40, D = 1500",
        seconds(lambda: partial_from_factors(shrink_factors(logs)), 2),
        seconds(lambda: partial(genes, shrinkage="basis"), 1),
        ("Woodbury", "dense inverse"),
    )
    few = logs[:, :400]
    report(
        "intensity, n = 40, D = 400", seconds(lambda: shrink_factors(few)), seconds(lambda: tensor_shrinkage(few), 2)
    )
    report(
        "shrunk covariance and precision, n = 40, D = 400",
        seconds(lambda: SchaferStrimmer().fit(few)),
        seconds(lambda: LedoitWolf().fit(few)),
        ("Schäfer-Strimmer", "scikit-learn LedoitWolf"),
    )
    print(f"intensities there: {float(shrink(few).shrinkage):.3f} and {LedoitWolf().fit(few).shrinkage_:.3f}")


def peers(rng) -> None:
    """Against scikit-bio and pingouin, where they are installed."""
    X = np.exp(random_basis_logs(50, 200, rng))
    try:
        from skbio.stats import composition
    except ImportError:
        print("scikit-bio is not installed: no comparison")
    else:
        report("clr, 200 x 50", seconds(lambda: clr(X)), seconds(lambda: composition.clr(X)), ("ours", "scikit-bio"))
        peer = seconds(lambda: composition.pairwise_vlr(X), 2)
        report("variation matrix, 200 x 50", seconds(lambda: variation_matrix(X)), peer, ("ours", "scikit-bio"))
    try:
        import pandas as pd
        import pingouin
    except ImportError:
        print("pingouin is not installed: no comparison")
    else:
        frame = pd.DataFrame(np.log(X[:, :-1] / X[:, -1:]))
        peer = seconds(lambda: pingouin.pcorr(frame), 2)
        report("partial correlations, 200 x 50", seconds(lambda: partial(X)), peer, ("ours", "pingouin.pcorr of alr"))


def main() -> None:
    """Print the ratios."""
    rng = np.random.default_rng(0)
    plain_forms(rng)
    peers(rng)


if __name__ == "__main__":
    main()
