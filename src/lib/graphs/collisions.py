"""Groups of graphs that an invariant does not distinguish."""

from typing import NamedTuple

import xarray as xr


class Member(NamedTuple):
    """A graph of a group: row of the table, graph6 code, number of components, whether it is a forest or a tree."""

    row: int
    code: str
    components: int
    forest: bool
    tree: bool


def colliding_groups(graphs: xr.Dataset, n: int) -> list[list[Member]]:
    """Groups of at least two graphs on n vertices with equal rows.

    Args:
        graphs: for each n a table `h_n (graph_n, partition_n)` with `components_n` and `forest_n`.
        n: number of vertices.
    """
    groups: dict[tuple, list[Member]] = {}
    rows = zip(
        graphs[f"h_{n}"].values.tolist(),
        graphs[f"graph_{n}"].values.tolist(),
        graphs[f"components_{n}"].values.tolist(),
        graphs[f"forest_{n}"].values.tolist(),
    )
    for i, (row, code, components, forest) in enumerate(rows):
        member = Member(i, code, components, forest, forest and components == 1)
        groups.setdefault(tuple(row), []).append(member)
    return [group for group in groups.values() if len(group) > 1]
