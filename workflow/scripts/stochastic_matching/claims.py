"""Claims of stochastic_matching: a function for each, named by its id, of the stores that it rests on."""

import itertools

import numpy as np

from lib.atlas.job.quantities import estimated, exact, mean_over, share_of, timed
from lib.stats.intervals import end_of, estimate_mean, estimate_median, extreme_of, without_error

REPLICATES = "replicates"
TRIANGULAR = (5, 10, 20, 40)
ODE, LP, UNEQUAL = "differential equation", "linear program", "unequal"


def s1(programs):
    """Programs A and B have the published constants, by two methods, and A that of its closed form."""
    from scipy.special import exp1

    ratio = programs.ratio.sel(program=["A", "B"])
    load = programs.loads.values[programs.loads.values <= 10]
    split = programs.f.sel(program="A").values[: len(load)]
    return {
        "a": exact(float(ratio.sel(program="A", solver=ODE))),
        "b": exact(float(ratio.sel(program="B", solver=ODE))),
        "methods_apart": exact(float(np.abs(ratio.sel(solver=ODE) - ratio.sel(solver=LP)).max(skipna=False))),
        "gompertz_error": exact(float(abs(ratio.sel(program="A", solver=ODE) - np.e * exp1(1)))),
        "split_error": exact(float(np.max(np.abs(split - np.exp(1 + load) * exp1(1 + load))))),
    }


def s2(programs):
    """Program C, a heuristic, has the digits of the paper's constant for equal probabilities."""
    ratio = programs.ratio.sel(program="C")
    return {"c": exact([float(ratio.sel(solver=solver)) for solver in (ODE, LP)], labels=[ODE, LP])}


def s3(graphs):
    """Adaptive optimum, path, stochastic configuration and matching program are in this order on all graphs."""
    chain = ["path", "stochastic configuration", "matching"]
    lower, upper = (
        graphs[end].sel(benchmark=chain).transpose("graph", "benchmark").values for end in ("lower", "upper")
    )
    optimum = graphs.optimum.values
    smaller = np.column_stack([optimum, upper[:, :-1]])
    stochastic, configuration = (
        graphs.upper.sel(benchmark=name).values / optimum for name in ("stochastic configuration", "configuration")
    )
    return {
        "violations": exact(int(np.sum(~(smaller <= lower + 1e-7)))),
        "graphs": exact(len(optimum)),
        "certificate_gap": exact(float(np.max(upper - lower))),
        "over_optimum": mean_over("graphs", stochastic),
        "largest_over_optimum": exact(float(np.max(stochastic))),
        "configuration_below": share_of("graphs", int(np.sum(configuration < 1 - 1e-9)), len(optimum)),
    }


def s4(graphs, times):
    """The stochastic configuration program has fewer columns than the path program, and is solved faster."""
    p = graphs.probabilities.values > 0
    compared = (p.sum(axis=(1, 2)) >= 3) & (p.any(axis=2).sum(axis=1) >= 2)
    counts = {name: graphs[name].isel(graph=compared) for name in ("columns", "rows", "nonzeros")}
    path, ours = (
        {name: count.sel(benchmark=b).values for name, count in counts.items()}
        for b in ("path", "stochastic configuration")
    )
    ratio = times.seconds.sel(program="path").values / times.seconds.sel(program="stochastic configuration").values
    median = estimate_median(ratio)
    return {
        "graphs": exact(int(compared.sum())),
        "fewer_columns": exact(bool(compared.any() and np.all(ours["columns"] < path["columns"]))),
        "columns_ratio": exact(float(np.median(path["columns"] / ours["columns"])) if compared.any() else np.nan),
        "nonzeros_ratio": exact(float(np.median(path["nonzeros"] / ours["nonzeros"])) if compared.any() else np.nan),
        "time_ratio": timed(median, "graphs"),
        "time_ratio_low": timed(end_of(median, "low"), "graphs"),
        "largest_edges": exact(times.largest.values, labels=times.program.values),
    }


def _ratios(store):
    """Exact value over the stochastic configuration program."""
    return store.value.values / store.configuration.values


def _simulated(store, policy: str):
    """Successes over the optimum of the program, (replicate, graph)."""
    return (store.successes.sel(policy=policy) / store.configuration).transpose("replicate", "graph").values


def s5(triangular, families, search_configuration, unequal):
    """Stochastic Balance keeps .613 of the stochastic configuration program, .611 where probabilities are unequal."""
    sizes = [n for n in TRIANGULAR if n in triangular["size"].values] or triangular["size"].values.tolist()
    exact_ones = _ratios(triangular.sel(size=sizes))
    balance = estimate_mean(_simulated(unequal, "balance"))
    largest = 20 if 20 in triangular.control.values else triangular.control.values[-1]
    control = triangular.control_successes.sel(control=largest) / triangular.control_configuration.sel(control=largest)
    control = estimate_mean(control.values)
    return {
        "triangular": exact(exact_ones, labels=[f"n = {n}" for n in sizes]),
        "families": exact(float(np.min(_ratios(families)))),
        "searched": exact(
            search_configuration.ratio.min("start", skipna=False).values,
            labels=[f"n = {n}" for n in search_configuration["size"].values],
        ),
        "unequal": estimated(extreme_of(balance, np.min), REPLICATES),
        "unequal_low": estimated(without_error(np.min(balance.low), balance.n), REPLICATES),
        "unequal_graphs": exact(unequal.sizes["graph"]),
        "control": estimated(control, REPLICATES),
        "control_high": estimated(end_of(control, "high"), REPLICATES),
    }


def s6(triangular, equal_value):
    """Against the matching program the upper-triangular family bottoms out near .621, for every policy alike."""
    small = triangular.sel(size=[n for n in triangular["size"].values if n <= 10])
    ratio = small.value.values / small.matching.values
    runs = equal_value.successes.astype(float).transpose("replicate", "policy", "eps")
    fine, coarse = np.sort(runs.eps.values)[:2]
    limit = ((coarse * runs.sel(eps=fine) - fine * runs.sel(eps=coarse)) / (coarse - fine)).values  # linear in eps
    mean, se, _, _, n = estimate_mean(limit)
    labels = list(equal_value.policy.values)
    return {
        "ratio": exact(ratio, labels=[f"n = {n}" for n in small["size"].values]),
        "worst_size": exact(int(small["size"].values[np.argmin(ratio)])),
        "worst": exact(float(np.min(ratio))),
        "simulated": mean_over(REPLICATES, limit / triangular.matching.sel(size=3).item(), labels=labels),
        "standard_errors": estimated(
            without_error(np.abs(mean - equal_value.value.item()) / se, n), REPLICATES, labels=labels
        ),
    }


def s7(trap):
    """On the trap Balance beats Ranking, Ranking beats Greedy, and Greedy beats Nonadaptive."""
    order = ["balance", "ranking", "greedy", "nonadaptive"]
    ratio = np.stack([_simulated(trap, policy)[:, 0] for policy in order], axis=1)
    differences = ratio[:, :-1] - ratio[:, 1:]
    labels = [f"{a} - {b}" for a, b in itertools.pairwise(order)]
    estimate = estimate_mean(differences)
    return {
        "ratio": mean_over(REPLICATES, ratio, labels=order),
        "difference": estimated(estimate, REPLICATES, labels=labels),
        "difference_low": estimated(end_of(estimate, "low"), REPLICATES, labels=labels),
    }


def s8(heterogeneous):
    """Greedy beats Balance on many random graphs, and yet Balance is close to it in the mean."""
    balance, greedy = (_simulated(heterogeneous, policy) for policy in ("balance", "greedy"))
    behind = estimate_mean(greedy - balance)
    relative = estimate_mean(balance.mean(axis=0) / greedy.mean(axis=0))
    means = {p: _simulated(heterogeneous, p).mean(axis=0) for p in heterogeneous.policy.values}
    best = np.argmax(list(means.values()), axis=0) if np.isfinite(list(means.values())).all() else np.zeros(0)
    graphs = heterogeneous.sizes["graph"]
    return {
        "greedy_wins": share_of("graphs", int(np.sum(behind.low > 0)), graphs),
        "balance_wins": share_of("graphs", int(np.sum(behind.high < 0)), graphs),
        "balance_over_greedy": estimated(relative, "graphs"),
        "balance_over_greedy_low": estimated(end_of(relative, "low"), "graphs"),
        "best_share": share_of(
            "graphs", [int(np.sum(best == i)) for i in range(len(means))], graphs, labels=list(means)
        ),
        "ratio": mean_over("graphs", np.stack(list(means.values()), axis=1), labels=list(means)),
    }


def _runs(neighbours, algorithm: str):
    return neighbours.sel(algorithm=algorithm)


def s9(neighbours):
    """With Balance at most L - k neighbours are worse off, and other loads grow by L - k together at most."""
    runs = _runs(neighbours, "balance")
    bound = np.maximum(runs.attempts - runs.attempt, 0).values
    withheld = bound > 0
    hurt, excess = runs.hurt.values, runs.excess.values
    wrong = ~((hurt <= bound) & (excess >= 0) & (excess <= bound) & (runs.reversed.values == 0))
    return {
        "violations": exact(int(wrong.sum())),
        "runs": exact(len(bound)),
        "tight": share_of("runs", int(np.sum(hurt[withheld] == bound[withheld])), max(int(withheld.sum()), 1)),
    }


def s10(neighbours):
    """With Ranking exactly max(L - k, 0) neighbours are worse off than u, and nobody is better off than without."""
    runs = _runs(neighbours, "ranking")
    bound = np.maximum(runs.attempts - runs.attempt, 0).values
    wrong = ~(
        (runs.used.values == np.minimum(runs.attempt, runs.attempts).values)
        & (runs.hurt.values == bound)
        & (runs.reversed.values == 0)
    )
    return {
        "exceptions": exact(int(wrong.sum())),
        "runs": exact(len(bound)),
        "withheld": share_of("runs", int(np.sum(bound > 0)), len(bound)),
    }


def s11(programs):
    """Whether a program for unequal probabilities has the paper's constant .611."""
    ratio = programs.ratio.sel(solver=UNEQUAL)
    return {
        "unequal": exact(ratio.values, labels=programs.program.values),
        "distance": exact(float(np.abs(ratio - 0.611).min(skipna=False))),
    }


def s12(search_matching):
    """A search over the masses of nested families does not get below the all-ones instance of three vertices."""
    least = search_matching.ratio.min("start", skipna=False)
    return {
        "least": exact(float(least.min(skipna=False))),
        "by_size": exact(least.values, labels=[f"n = {n}" for n in search_matching["size"].values]),
        "starts": exact(search_matching.sizes["start"]),
    }


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
