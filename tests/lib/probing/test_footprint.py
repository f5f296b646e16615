"""Memory of a method is that of its own process."""

import numpy as np

from lib.probing.footprint import peak_memory

TRANSFORMER = {"width": 32, "depth": 1, "heads": 2, "patch": 4, "image": 16, "channels": 3}


def test_a_large_parent_does_not_count():
    mine = np.ones(2**27)  # 1 GB
    small = peak_memory("lp", TRANSFORMER, classes=3, hidden=8, batch=2, steps=1)
    assert 2**25 < small < mine.nbytes
