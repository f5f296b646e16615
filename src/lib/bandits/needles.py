"""Searches for a needle: random order, a design and its fit, elimination, and a control that cheats."""

import numpy as np

from lib.bandits.designs import g_optimal_design
from lib.bandits.elimination import design_and_fit, eliminate_optimistically
from lib.bandits.hard import first_hits

SEARCHES = ("random", "design", "elimination", "leaky")


def all_first_hits(actions, tau: float, rng: np.random.Generator) -> np.ndarray:
    """At which query each search plays the needle, for every secret.

    The needle i has theta = v_i eps / tau and reward eps / tau; all other rewards are 0, within eps of the model
    because |<v_i, v_j>| <= tau. The order of equal actions is fixed before the secret, so no search can see it there.

    Args:
        actions: unit vectors (N, d) that span their space (`lib.bandits.designs.coordinates_in_span`).
        tau: largest |inner product| of two of them.
        rng: random generator of the random order.

    Returns:
        (len(SEARCHES), N): random order; design, then the order of the fit's predictions; optimistic elimination of the
        N candidates; a control that is shown the sign of the misspecification, which is 0 at the secret alone.
    """
    n = len(actions)
    design = g_optimal_design(actions)
    order = rng.permutation(n)
    products = actions @ actions.T
    height = 1 / tau  # in units of eps
    parameters = height * products

    def at_random(query, secret):
        for action in order:
            query(action)

    def by_design(query, secret):
        _, theta = design_and_fit(actions, design, query)
        for action in np.argsort(-(actions @ theta), kind="stable"):
            query(action)

    def by_elimination(query, secret):
        eliminate_optimistically(np.full(n, height), np.arange(n), lambda action: parameters[action], query, 1.0)

    def leaky(query, secret):
        signs = -np.sign(products[secret])
        signs[secret] = 0
        for action in np.argsort(np.abs(signs), kind="stable"):
            query(action)

    searches = dict(zip(SEARCHES, (at_random, by_design, by_elimination, leaky)))
    return np.array([first_hits(search, n, height) for search in searches.values()])
