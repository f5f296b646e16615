"""Policy elimination on the rare branch: online episodes and gaps, beside what the design asks for."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.mdp.pedel import practical_beta, run_elimination, true_prediction
from lib.mdp.rare_branch import draw_offline, offline_size, rare_branch, visited_offline
from lib.mdp.requirements import required_episodes


def run_rare_branch(*, cases: list[dict], delta: float, root_seed: int) -> xr.Dataset:
    """Return `episodes` and `gap (case, run)`, NaN where a case has fewer runs, and `required (case)`.

    The paying action of the rare state is drawn anew for each run. Designs know estimated dynamics alone.

    Args:
        cases: `name`, `eps`, `layers` (horizon), `offline` (tuples of each action over 2 beta / eps^2), `divisor` (of
            beta), `runs`.
        delta: chance of failure.
        root_seed: root of the random streams.
    """
    shape = len(cases), max(case["runs"] for case in cases)
    episodes, gap, error = (np.full(shape, np.nan) for _ in range(3))
    required, layered, betas = (np.zeros(len(cases)) for _ in range(3))
    for c, case in enumerate(cases):
        rng = generator(root_seed, "offline_to_online_rl", "rare branch", case["name"])
        eps, layers, runs = case["eps"], case["layers"], case["runs"]
        problem = rare_branch(eps, layers=layers, paying=rng.integers(0, 4, runs))
        matched = practical_beta(len(problem.policies), delta)
        tuples = int(case["offline"] * offline_size(eps, matched))
        offline = draw_offline(problem, tuples, runs, rng)
        outcome = run_elimination(problem, offline, eps, matched / case["divisor"], rng)
        values = true_prediction(problem).values
        gap[c, :runs] = values.max(axis=1) - values[np.arange(runs), outcome.policy]
        episodes[c, :runs] = outcome.episodes
        error[c, :runs] = np.abs(outcome.values - values).max(axis=1)
        offset = 1.0 + tuples * visited_offline(layers).reshape(layers, -1)
        betas[c] = matched / case["divisor"]
        required[c], _, layered[c] = required_episodes(rare_branch(eps, layers=layers), offset, eps, betas[c])
    dims = ("case", "run")
    return xr.Dataset(
        {
            "episodes": (dims, episodes, {"long_name": "online episodes"}),
            "gap": (dims, gap, {"long_name": "value lost by the policy that was returned"}),
            "error": (dims, error, {"long_name": "largest error of a value at the end"}),
            "required": ("case", required, {"long_name": "online episodes of the design, one mixture"}),
            "required_layers": ("case", layered, {"long_name": "online episodes of the design, summed over layers"}),
            "beta": ("case", betas, {"long_name": "accuracy of features over that of values"}),
            "eps": ("case", [case["eps"] for case in cases]),
            "layers": ("case", [case["layers"] for case in cases]),
            "offline": ("case", [float(case["offline"]) for case in cases]),
            "divisor": ("case", [case["divisor"] for case in cases]),
        },
        coords={"case": [case["name"] for case in cases]},
        attrs={"delta": delta},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(run_rare_branch, snakemake)
