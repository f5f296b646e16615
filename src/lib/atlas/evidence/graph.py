"""The lineage of a claim as a drawing: the stages behind it from left to right, each with its number of stores."""

import networkx as nx
from markupsafe import Markup

from lib.atlas.names import listed

_COLUMN, _ROW, _BOX, _HEIGHT = 178, 30, 150, 22  # pixels from box to box across and down, and of a box
_LETTERS = 23  # of a stage's name that fit a box
_MOST = 6  # stores that a box names when it is pointed at
_HEAD = Markup(
    '<svg class="lineage" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img" aria-label="Lineage: {2}">'
)
_PATH = Markup('<path d="M{} {}C{} {} {} {} {} {}"/>')
_NODE = Markup(
    '<g><title>{}</title><rect x="{}" y="{}" width="{}" height="{}" rx="3"/><text x="{}" y="{}">{}</text></g>'
)


def lineage_graph(claim: dict, *, by: str = "stage") -> nx.DiGraph:
    """Stages, and files that no stage made, with an edge to each that reads them; the claim's id is the last node.

    Args:
        claim: of a joined audit, with its `sources`.
        by: what a node is, a "stage" or a "store".

    Returns:
        Each node of a stage has `stores`, the names of those that the claim rests on.
    """
    graph = nx.DiGraph()
    graph.add_node(claim["id"], stores=set())

    def add(entry: dict, reader: str) -> None:
        name = entry.get(by, entry["store"])
        if name not in graph:
            graph.add_node(name, stores=set())
        graph.nodes[name]["stores"].add(entry["store"])
        if name != reader:  # a stage that goes on from its own store
            graph.add_edge(name, reader)
        for value in entry.get("inputs", {}).values():
            for one in listed(value):
                add(one, name)

    for source in claim["sources"]:
        add(source, claim["id"])
    return graph


def drawing(claim: dict) -> Markup:
    """The lineage of a claim as an SVG; a box holds a stage's name, and in how many stores it worked."""
    graph = lineage_graph(claim)
    if not nx.is_directed_acyclic_graph(graph):  # a stage that reads what another made of its earlier stores
        graph = lineage_graph(claim, by="store")
    # by the longest way to the claim, so that all edges point to the right
    columns = [sorted(nodes) for nodes in nx.topological_generations(graph.reverse(copy=False))][::-1]
    tallest = max(map(len, columns))
    places = {
        node: (k * _COLUMN + 1, round((i + (tallest - len(column)) / 2) * _ROW) + 3)
        for k, column in enumerate(columns)
        for i, node in enumerate(column)
    }
    shapes = []
    for first, second in sorted(graph.edges):
        (x1, y1), (x2, y2) = places[first], places[second]
        x1, y1, y2 = x1 + _BOX, y1 + _HEIGHT // 2, y2 + _HEIGHT // 2
        middle = (x1 + x2) // 2
        shapes.append(_PATH.format(x1, y1, middle, y1, middle, y2, x2, y2))
    for node, (x, y) in sorted(places.items()):
        stores = sorted(graph.nodes[node]["stores"])
        words = node if len(node) <= _LETTERS else node[: _LETTERS - 1] + "…"
        words += f" ×{len(stores)}" if len(stores) > 1 else ""
        hint = ", ".join([node, *stores[:_MOST]]) + (", ..." if len(stores) > _MOST else "")
        shapes.append(_NODE.format(hint, x, y, _BOX, _HEIGHT, x + 6, y + 15, words))
    width, height = (len(columns) - 1) * _COLUMN + _BOX + 2, tallest * _ROW
    words = " from ".join(", ".join(column) for column in reversed(columns))
    return _HEAD.format(width, height, words) + Markup("").join(shapes) + Markup("</svg>")
