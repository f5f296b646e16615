"""Which fits of a table are the usual ones, and probes where a variable can and cannot be read."""

import numpy as np
import torch
import xarray as xr

from lib.abstraction.causal import Sampler, equality_bits
from lib.abstraction.probing import variable_probes
from lib.abstraction.tables import fit_table, main_rates, usual_fits


def _store(rows):
    usual = {
        "map": "revnet", "algorithm": "a", "group": "g", "snapshot": "trained", "size": 0, "blocks": 10, "hidden": 16,
        "stored": 0, "control": "none", "rate": 0.1, "iia": 0.5,
    }  # fmt: skip
    rows = [{**usual, **row} for row in rows]
    return xr.Dataset(
        {"iia": ("fit", [row["iia"] for row in rows]), "loss": (("fit", "point"), np.zeros((len(rows), 2)))},
        coords={name: ("fit", [row[name] for row in rows]) for name in usual if name != "iia"},
    )


def test_usual_fits_are_the_deep_and_narrow_ones_on_fresh_interventions():
    stores = [
        _store([{"iia": 1.0}, {"blocks": 1, "hidden": 4}, {"hidden": 128}, {"stored": 1000}, {"control": "shuffled"}]),
        _store([{"map": "orthogonal", "blocks": 0, "rate": rate, "iia": rate} for rate in (0.1, 0.1, 0.2)]),
        _store([{"group": "fitted_a"}, {"snapshot": "0"}]),
    ]
    rows = fit_table(stores)
    assert len(rows) == 9
    assert len(main_rates(rows)) == 8
    chosen = usual_fits(rows)
    assert sorted(chosen.iia) == [0.1, 0.1, 1.0]


def test_probes_read_what_is_linear_and_nothing_from_noise():
    class Cut:
        """Hidden states that hold the first variable in one coordinate for the first network, noise for the second."""

        parts = ((1, [0, 1], None),)
        device = "cpu"

        def lower(self, inputs):
            noise = torch.from_numpy(np.random.default_rng(0).standard_normal((2, inputs.shape[1], 3)))
            bits = torch.from_numpy(equality_bits(inputs[0].numpy()).astype(float))
            noise[0, :, :2] = 2 * bits - 1 + 0.1 * noise[0, :, :2]
            return noise

    rngs = [np.random.default_rng(i) for i in range(2)]
    accuracy = variable_probes(Sampler("both_equality"), Cut(), np.array([0, 1]), 300, 400, rngs)
    assert accuracy[0] > 0.99
    assert abs(accuracy[1] - 0.5) < 0.08
