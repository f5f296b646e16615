"""The algorithms of `lib.bandits.elimination` by name, on what they share: actions, their design, net and supports."""

from typing import NamedTuple

import numpy as np

from lib.bandits.designs import Design, g_optimal_design
from lib.bandits.elimination import (
    Choice,
    SupportDesigns,
    better_of_predicted_and_queried,
    design_and_fit,
    design_supports,
    eliminate_on_net,
    eliminate_supports,
    query_whole_net,
)
from lib.bandits.net import RankedNet, rank_net, sparse_net

ALGORITHMS = {
    "elimination": lambda has, query: eliminate_on_net(has.actions, has.ranked, query, has.eps),
    "net": lambda has, query: query_whole_net(has.ranked, query),
    "design": lambda has, query: design_and_fit(has.actions, has.design, query)[0],
    "design_best": lambda has, query: better_of_predicted_and_queried(has.actions, has.design, query),
    "supports": lambda has, query: eliminate_supports(has.actions, has.supported, query, has.eps),
}


class Prepared(NamedTuple):
    """What does not depend on rewards; None where no algorithm asks for it.

    Args:
        actions: (N, d).
        eps: misspecification.
        ranked: the net of radius eps, ranked.
        design: a G-optimal design.
        supported: designs of all supports.
    """

    actions: np.ndarray
    eps: float
    ranked: RankedNet | None
    design: Design | None
    supported: SupportDesigns | None


def prepare(actions, sparsity: int, eps: float, names) -> Prepared:
    """Make what some algorithms need.

    Args:
        actions: (N, d).
        sparsity: s.
        eps: misspecification.
        names: of `ALGORITHMS`.
    """
    names = set(names)
    return Prepared(
        actions,
        eps,
        rank_net(actions, sparse_net(actions.shape[1], sparsity, eps)) if names & {"elimination", "net"} else None,
        g_optimal_design(actions) if names & {"design", "design_best"} else None,
        design_supports(actions, sparsity) if "supports" in names else None,
    )


def choose(name: str, prepared: Prepared, query) -> Choice:
    """Run one algorithm against the rewards behind a query."""
    return ALGORITHMS[name](prepared, query)
