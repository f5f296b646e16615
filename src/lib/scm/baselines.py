"""Discovery methods for independent samples and for labelled environments, from causal-learn and NOTEARS, as baselines.

Each returns a boolean matrix (d, d): entry (j, i) alone for j -> i, both (j, i) and (i, j) for an edge without a single
direction.
"""

import contextlib
import io
import warnings

import numpy as np

from lib.scm.independence import kernel_test
from lib.scm.notears import notears


def _quiet(function, *arguments, **options):
    """Call a function that prints and warns about small or singular matrices on the way."""
    sink = io.StringIO()
    with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def from_end_marks(marks: np.ndarray) -> np.ndarray:
    """Booleans (d, d) from causal-learn's end marks: -1 tail, 1 arrow head, 2 circle; entry (i, j) is the mark at i."""
    marks = np.asarray(marks)
    d = len(marks)
    edge = np.zeros((d, d), bool)
    for i in range(d):
        for j in range(i):
            at_i, at_j = marks[i, j], marks[j, i]
            if at_i == 0 and at_j == 0:
                continue
            edge[i, j] = not (at_i == 1 and at_j == -1)
            edge[j, i] = not (at_j == 1 and at_i == -1)
    return edge


def pc(x: np.ndarray, test: str, alpha: float) -> np.ndarray:
    """PC with one of causal-learn's tests ("fisherz", "gsq")."""
    from causallearn.search.ConstraintBased.PC import pc as run

    return from_end_marks(_quiet(run, x, alpha, test, show_progress=False).G.graph)


def fci(x: np.ndarray, test: str, alpha: float) -> np.ndarray:
    """FCI with one of causal-learn's tests."""
    from causallearn.search.ConstraintBased.FCI import fci as run

    return from_end_marks(_quiet(run, x, test, alpha, show_progress=False)[0].graph)


def ges(x: np.ndarray, score: str = "local_score_BIC") -> np.ndarray:
    """GES with one of causal-learn's scores."""
    from causallearn.search.ScoreBased.GES import ges as run

    return from_end_marks(_quiet(run, x, score)["G"].graph)


def notears_edges(x: np.ndarray, cut: float = 0.0) -> np.ndarray:
    """Edges of NOTEARS whose weights exceed a cut in absolute value."""
    return np.abs(notears(x)) > cut


def by_variance(x: np.ndarray, alpha: float) -> np.ndarray:
    """A control: variables in the order of their variances, an edge where a regression on all earlier ones needs it.

    A two-sided t-test of each coefficient at level alpha, in the manner of Reisach et al. 2021 ("Beware of the
    simulated DAG!", NeurIPS 34), who take the lasso.
    """
    from scipy.special import stdtr

    n, d = x.shape
    order = np.argsort(x.var(axis=0), kind="stable")
    edges = np.zeros((d, d), bool)
    for rank, i in enumerate(order[1:], 1):
        earlier = order[:rank]
        design = np.column_stack([np.ones(n), x[:, earlier]])
        inverse = np.linalg.pinv(design.T @ design)
        coefficients = inverse @ design.T @ x[:, i]
        freedom = n - rank - 1
        variance = np.sum((x[:, i] - design @ coefficients) ** 2) / freedom
        t = coefficients[1:] / np.sqrt(variance * np.diag(inverse)[1:])
        edges[earlier, i] = 2 * stdtr(freedom, -np.abs(t)) < alpha
    return edges


def direct_lingam(x: np.ndarray) -> np.ndarray:
    """DirectLiNGAM with an adaptive lasso chosen by BIC."""
    from causallearn.search.FCMBased.lingam import DirectLiNGAM

    model = DirectLiNGAM()
    _quiet(model.fit, x)
    return model.adjacency_matrix_.T != 0


def cd_nod(x: np.ndarray, environment: np.ndarray, alpha: float) -> np.ndarray:
    """CD-NOD with kernel tests and the index of the environment as surrogate; edges among the variables only.

    Args:
        x: (n, d) pooled samples.
        environment: (n,) index of each sample's environment.
        alpha: level of the tests.
    """
    from causallearn.search.ConstraintBased.CDNOD import cdnod as run
    from causallearn.utils.cit import CIT_Base, register_ci_test

    class Kernel(CIT_Base):
        """The kernel test of this library: the p-values of causal-learn's own test in less time."""

        def __init__(self, data, **options):
            super().__init__(data, cache_path=None)
            self.check_cache_method_consistent("kernel", "as in lib.scm.independence")

        def __call__(self, first, second, condition_set=None):
            columns = list(condition_set or ())
            z = self.data[:, columns] if columns else None
            return kernel_test(self.data[:, first], self.data[:, second], z).pvalue

    register_ci_test("kernel", Kernel)
    graph = _quiet(run, x, environment[:, None].astype(float), alpha, "kernel", show_progress=False).G.graph
    d = x.shape[1]
    return from_end_marks(np.asarray(graph)[:d, :d])
