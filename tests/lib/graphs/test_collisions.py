"""Groups of graphs with equal rows."""

import numpy as np
import xarray as xr

from lib.graphs.collisions import Member, colliding_groups


def test_rows_that_are_equal_form_a_group():
    graphs = xr.Dataset(
        {
            "h_3": (("graph_3", "partition_3"), np.array([[4, 2], [0, 6], [4, 2], [1, 1]])),
            "components_3": ("graph_3", [1, 1, 2, 3]),
            "forest_3": ("graph_3", [True, False, True, True]),
        },
        coords={"graph_3": ["BW", "Bw", "BG", "B?"]},
    )
    path, edge_and_vertex = Member(0, "BW", 1, True, True), Member(2, "BG", 2, True, False)
    assert colliding_groups(graphs, 3) == [[path, edge_and_vertex]]
