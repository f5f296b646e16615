"""Scores of directions between two variables: structures chosen against true ones, and p-values of directed tests.

Structures are numbered as in `lib.scm.exchangeable.MODES`: 0 for x -> y, 1 for y -> x, 2 for no edge; an edge without a
direction is 3.
"""

import numpy as np

UNDIRECTED = 3


def structure(edges: np.ndarray) -> int:
    """Structure of a boolean matrix (2, 2), entry (j, i) for j -> i; both entries for an edge without direction."""
    forward, backward = bool(edges[0, 1]), bool(edges[1, 0])
    return {(True, False): 0, (False, True): 1, (False, False): 2, (True, True): UNDIRECTED}[forward, backward]


def fair_scores(choice: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """1 for the true structure, 1/2 for an edge without direction where there is an edge, else 0.

    Args:
        choice: (n,) structures that a method chose.
        truth: (n,) true structures.

    Returns:
        (n,) float64.
    """
    return np.where(choice == UNDIRECTED, 0.5 * (truth < 2), choice == truth)


def released_scores(choice: np.ndarray, truth: np.ndarray, *, sees_backward: bool = True) -> np.ndarray:
    """1 for the true structure, else 0, as in the released evaluation of Guo et al. 2023.

    It counts an edge without direction as no edge.

    Args:
        choice, truth: (n,) structures.
        sees_backward: False where it counts y -> x as no edge too, as it does for GES and FCI.
    """
    unseen = (choice == UNDIRECTED) | ((choice == 1) & (not sees_backward))
    return (np.where(unseen, 2, choice) == truth).astype(float)


def first_version_shares(pvalues: np.ndarray, alpha: float = 0.05) -> dict[str, np.ndarray]:
    """Whether X -> Y is chosen, by the two decisions of the paper's first version.

    Args:
        pvalues: (..., 3, n), in the order of `Direction`: along x -> y, along y -> x, none.
        alpha: level of the second decision.

    Returns:
        `highest`: the p-value of x -> y is the largest; `conservative`: it alone is not rejected; (..., n) booleans.
    """
    forward, backward, none = np.moveaxis(np.asarray(pvalues), -2, 0)
    return {
        "highest": forward > np.maximum(backward, none),
        "conservative": (forward >= alpha) & (backward < alpha) & (none < alpha),
    }


def directed_pvalues(pvalues: np.ndarray, truth: np.ndarray, *, reverse: bool) -> np.ndarray:
    """P-values of the statement along the true direction, or against it, of the data sets that have a direction.

    Args:
        pvalues: (tests, n), in the order of `Direction`: along x -> y, along y -> x, none.
        truth: (n,) true structures.
        reverse: against the true direction: power and not size.
    """
    directed = np.flatnonzero(truth < 2)
    return pvalues[truth[directed].astype(int) ^ int(reverse), directed]
