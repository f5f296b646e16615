"""What a trained network says about a series: scores of its free run, its linear regions and its symbolic code."""

import numpy as np
import xarray as xr
from scipy.optimize import linear_sum_assignment

from lib.dynamics import symbolic
from lib.dynamics.almost_linear import AlmostLinearRNN, codes
from lib.dynamics.measures import Scorer
from lib.dynamics.orbits import fixed_points, lyapunov_spectrum


def score_free_run(
    model: AlmostLinearRNN, z: np.ndarray, steps: int, score: Scorer, length: int, ranks: int = 64
) -> xr.Dataset:
    """Quality of a free run, and how many linear regions it visits.

    Args:
        model: the network.
        z: states of its free run `(time, M)`; fewer than `steps` say that it diverged.
        steps: states of a run that did not diverge.
        score: measures of a series.
        length: number of states to score, from the first.
        ranks: number of regions whose shares are returned.

    Returns:
        Scalars `D_stsp` (NaN for a run that diverged), `D_H` (1), and numbers of regions (0): `raw`, visited at all;
        `used`, for at least 0.5 % of the time; `n95`, the fewest that hold 95 % of it. `share` (rank) of the time in
        the most used regions, largest first, 0 where there are fewer (NaN).
    """
    if len(z) < steps:
        blank = ("rank", np.full(ranks, np.nan))
        return xr.Dataset({"D_stsp": np.nan, "D_H": 1.0, "raw": 0, "used": 0, "n95": 0, "share": blank})
    distance, spectrum = score(z[:length, : model.observed])
    fraction = symbolic.occupancy(codes(model, z)).fraction
    return xr.Dataset(
        {
            "D_stsp": distance,
            "D_H": spectrum,
            "raw": len(fraction),
            "used": int((fraction >= 0.005).sum()),
            "n95": symbolic.regions_holding(fraction),
            "share": ("rank", np.pad(fraction, (0, ranks))[:ranks]),
        }
    )


def region_table(model: AlmostLinearRNN, code: np.ndarray, regions: int, eigenvalues: int = 4) -> xr.Dataset:
    """The most used linear regions of an orbit, transitions between them, and their fixed points.

    Args:
        model: M units, N of them observed.
        code: symbols of the orbit `(time,)`.
        regions: number R of rows; those beyond the regions that the orbit visits are blank.
        eigenvalues: number E of eigenvalues of each Jacobian, largest modulus first.

    Returns:
        Along `region` (R), most used first: `symbol` (-1 where blank), `fraction` of the time, `kept`, whether the
        region is in the reduced graph (those that are come first), and `is_real`, whether its fixed point lies in it.
        `transition` probabilities and the 0/1 `adjacency` of the reduced graph (region, to). `point` (region, dim), the
        observed part of the fixed point. `eigenvalue_real`, `eigenvalue_imag` (region, eigenvalue). NaN where blank.
    """
    used, (vertices, edges) = symbolic.occupancy(code), symbolic.reduced_graph(code)
    symbols = used.symbols[:regions]
    k, core = len(symbols), min(regions, len(vertices))
    symbol, fraction, transition = np.full(regions, -1), np.zeros(regions), np.zeros((regions, regions))
    adjacency, is_real = np.zeros((regions, regions), np.uint8), np.zeros(regions, bool)
    point = np.full((regions, model.observed), np.nan)
    values = np.full((regions, eigenvalues), complex(np.nan, np.nan))
    symbol[:k], fraction[:k] = symbols, used.fraction[:k]
    transition[:k, :k] = symbolic.transition_matrix(code, symbols)
    adjacency[:core, :core] = edges[:core, :core]
    for i, fixed in enumerate(fixed_points(model, symbols)):
        point[i], is_real[i] = fixed.point[: model.observed], fixed.real
        leading = fixed.eigenvalues[:eigenvalues]
        values[i, : len(leading)] = leading
    return xr.Dataset(
        {
            "symbol": ("region", symbol),
            "fraction": ("region", fraction),
            "transition": (("region", "to"), transition),
            "kept": ("region", np.arange(regions) < core),
            "adjacency": (("region", "to"), adjacency),
            "point": (("region", "dim"), point),
            "is_real": ("region", is_real),
            "eigenvalue_real": (("region", "eigenvalue"), values.real),
            "eigenvalue_imag": (("region", "eigenvalue"), values.imag),
        }
    )


def graph_of(table: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Symbols and 0/1 adjacency of the reduced graph in a `region_table`."""
    k = int(table.kept.sum())
    return table.symbol.values[:k], table.adjacency.values[:k, :k]


def lobes_and_middle(points: np.ndarray, centres: np.ndarray) -> tuple[int, int, int]:
    """Which of three regions are the two lobes, in the order of their centres, and which is the one between.

    Args:
        points: fixed points of the three regions (3, dim); NaN where there is none. The first two coordinates decide.
        centres: fixed points of the system inside its lobes (2, dim).
    """
    distance = np.abs(points[:, None, :2] - centres[None, :, :2]).max(-1)
    lobes, order = linear_sum_assignment(np.nan_to_num(distance, nan=1e6, posinf=1e6))
    first, second = (int(lobe) for lobe in lobes[np.argsort(order)])
    return first, second, 3 - first - second


def symbolic_portrait(
    model: AlmostLinearRNN, code: np.ndarray, regions: int, exponents: int, lyapunov_steps: int
) -> xr.Dataset:
    """Regions, words, entropies and Lyapunov exponents of an orbit.

    Args:
        model: the network.
        code: symbols of the orbit `(time,)`.
        regions: see `region_table`.
        exponents: number of Lyapunov exponents.
        lyapunov_steps: number of steps that the exponents are averaged over, from the first.

    Returns:
        The variables of `region_table` and of `lib.dynamics.symbolic.word_table`, `graph_entropy` of the reduced graph
        and `word_growth`, the growth rate of words in it (nats per step), and `lyapunov` (exponent), per step.
    """
    table = region_table(model, code, regions)
    graph = graph_of(table)
    words = symbolic.word_table(code, graph)
    return xr.merge([table, words]).assign(
        graph_entropy=symbolic.graph_entropy(graph[1]),
        word_growth=symbolic.growth_rate(words.kept_words.values),
        lyapunov=("exponent", lyapunov_spectrum(model, code[:lyapunov_steps], exponents)),
    )
