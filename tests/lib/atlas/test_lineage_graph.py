"""The drawing of a claim's lineage: stages from left to right, whatever reads what."""

import re

from lib.atlas.evidence.graph import drawing, lineage_graph


def made(stage: str, store: str, **inputs) -> dict:
    return {"stage": stage, "store": store, "inputs": inputs}


DATA = {"store": "years.csv", "digest": "0"}
FIRST, SECOND = made("draw", "draw_0", data=DATA), made("draw", "draw_1", data=DATA)
CLAIM = {"id": "t1", "sources": [made("means", "means", draws=[FIRST, SECOND]), {"name": "first", **FIRST}]}


def test_stages_and_files_are_nodes_and_the_claim_reads_them():
    graph = lineage_graph(CLAIM)
    assert set(graph.edges) == {("years.csv", "draw"), ("draw", "means"), ("draw", "t1"), ("means", "t1")}
    assert graph.nodes["draw"]["stores"] == {"draw_0", "draw_1"}


def test_edges_point_to_the_right():
    places = dict(re.findall(r'<title>([^,<]+).*?<rect x="(\d+)"', drawing(CLAIM)))
    order = [int(places[name]) for name in ("years.csv", "draw", "means", "t1")]
    assert order == sorted(set(order))
    assert "draw ×2" in drawing(CLAIM)


def test_stages_that_read_each_other_are_drawn_by_store():
    again = made("draw", "draw_2", means=CLAIM["sources"][0])
    words = drawing({"id": "t2", "sources": [again]})
    assert all(f"<title>{store}," in words for store in ("draw_0", "draw_1", "draw_2", "means"))


def test_names_are_escaped_and_shortened():
    words = drawing({"id": "t3", "sources": [made("<b>" + 40 * "x", "s")]})
    assert "<b>" not in words
    assert "…" in words
