"""Speed-up of the one-point separator and of the quotient algorithm over counting homomorphisms one by one."""

import time

import networkx as nx

from lib.graphs.homomorphisms import adjacency_matrix, fibre_types
from lib.graphs.trees import PRIMES, endomorphism_types, parents, special_point, to_graph


def seconds(function) -> float:
    """Time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> None:
    """Print the ratios for all trees of a size; back-tracking is compiled, the other two are not."""
    path = adjacency_matrix(nx.path_graph(3))
    fibre_types(path, path)  # compile
    for n in (8, 9, 10):
        trees = list(parents(n))
        matrices = [adjacency_matrix(to_graph(parent)) for parent in trees]
        point = seconds(lambda: [special_point(t, 12345, PRIMES[0]) for t in trees])  # noqa: B023
        full = seconds(lambda: [endomorphism_types(t) for t in trees])  # noqa: B023
        plain = seconds(lambda: [fibre_types(m, m) for m in matrices])  # noqa: B023
        print(
            f"{len(trees)} trees on {n} vertices: one point {point:.3f} s, quotients {full:.3f} s, back-tracking "
            f"{plain:.3f} s; ratios {plain / point:.1f} and {plain / full:.1f}"
        )


if __name__ == "__main__":
    main()
