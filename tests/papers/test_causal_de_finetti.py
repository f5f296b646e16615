"""Stages of causal_de_finetti, called as functions at small size, and its claims on stores made by hand."""

import numpy as np
import pytest
import xarray as xr

from lib.scm.scores import first_version_shares

SLUG = "causal_de_finetti"


def test_enumeration(load):
    run = load("causal_de_finetti/enumerate_graphs")(largest=3, models_largest=3)
    assert run.exchangeable_classes.values.tolist() == run.graphs.values.tolist() == [3, 25]
    assert run.mismatches.values.tolist() == [0, 0]
    assert run.recovered.sel(variant="corrected").values.tolist() == [3, 25]


def test_exact_mixtures(load):
    run = load("causal_de_finetti/tabulate_mixtures")(
        priors=[[1, 3], [2, 1], [1, 4]],
        coupled=[[0.2, 0.25, 0.5], [0.8, 0.5, 0.9]],
        random_priors=5,
        rng=np.random.default_rng(0),
    )
    assert run.exact.sel(statement="reverse", mixture="independent") == "16/1815"
    assert run.exact.sel(statement="causal", mixture="coupled") == "24/625"
    assert (run.dependent > 0).all()
    assert (run.independent == 0).all()


def test_baselines_see_the_same_data_as_the_rule(load):
    ours = load("causal_de_finetti/find_directions")(environments=40, seeds=4, permuted=True, root_seed=0)
    theirs = load("causal_de_finetti/fit_baselines")(environments=40, seeds=4, alpha=0.05, root_seed=0)
    np.testing.assert_array_equal(ours.truth, theirs.truth)
    assert set(np.unique(theirs.choice)) <= {0, 1, 2, 3}
    # the kernel test standardises: units change nothing
    np.testing.assert_array_equal(ours.choice.sel(arm="random units"), ours.choice.sel(arm="as drawn"))


def test_only_methods_that_see_scales_lose_by_random_units(load):
    run = load("causal_de_finetti/fit_baselines").__globals__
    rng = np.random.default_rng(1)
    data, _ = run["bivariate"](60, 2, rng)
    pooled, other = (values.reshape(2, -1).T for values in (data, run["random_scales"](data, rng)))
    environment = np.repeat(np.arange(60), 2)
    for name, method in run["METHODS"].items():
        if name not in run["SEE_SCALES"]:
            np.testing.assert_array_equal(method(pooled, environment, 0.05), method(other, environment, 0.05))


def test_the_first_version_improves_with_environments(load):
    run = load("causal_de_finetti/repeat_first_version")(
        environments=[100, 3000],
        seeds=12,
        graph_environments=3000,
        published_directions=[[100, 0.52, 0.09]],
        published_graphs=[0.9, 0.8, 0.7, 0.8, 0.8],
        root_seed=0,
    )
    highest = first_version_shares(run.p_value.values)["highest"].mean(axis=1)
    assert highest[0] < 0.9 < highest[1]
    recovered = run.recovered.mean("seed")
    assert (recovered.sel(variant="corrected") >= recovered.sel(variant="first")).all()
    assert np.isnan(run.published.sel(environments=3000)).all()


def test_graphs_are_recovered_from_many_environments(load):
    run = load("causal_de_finetti/find_graphs")(environments=20000, nodes=3, seeds=3, pc_alpha=0.01, root_seed=0)
    mean = run.score.mean("seed").sel(measure="distance")
    assert mean.sel(algorithm="corrected") < mean.sel(algorithm="pc")


def mixtures(reverse=0.01, fixed=0.0, dependent=(0.1, 0.02), independent=(0.0, 0.0)):
    """Gaps of the causal and of the reverse statement for three mixtures, and those of two random priors."""
    gap = [[0.0, 0.05, fixed], [reverse, 0.05, fixed]]
    return xr.Dataset(
        {
            "gap": (("statement", "mixture"), gap),
            "dependent": ("prior", list(dependent)),
            "independent": ("prior", list(independent)),
        },
        coords={"statement": ["causal", "reverse"], "mixture": ["independent", "coupled", "fixed"]},
    )


def enumeration(mismatches=0, corrected=543, released=519):
    """Counts by number of nodes; independence models are not compared at four nodes."""
    recovered = [[3, 25, corrected], [3, 25, released], [3, 25, 543]]
    return xr.Dataset(
        {
            "graphs": ("nodes", [3, 25, 543]),
            "iid_classes": ("nodes", [2, 11, 185]),
            "exchangeable_classes": ("nodes", [3, 25, -1]),
            "pairs": ("nodes", [9, 625, 294849]),
            "mismatches": ("nodes", [0, 0, mismatches]),
            "recovered": (("variant", "nodes"), recovered),
        },
        coords={"nodes": [2, 3, 4], "variant": ["corrected", "released", "local"]},
    )


TRUTH = np.arange(100) % 3
ORDER = np.random.default_rng(0).permutation(100)


def choices(accuracy):
    """Structures of which a share is the true one, the others a neighbour of it."""
    right = np.argsort(ORDER) < round(100 * accuracy)
    return np.where(right, TRUTH, (TRUTH + 1) % 3)


def directions(accuracy=(0.65, 0.78, 0.86, 0.9), permuted=0.4, power=0.6):
    """Choices by number of environments, with a permuted arm at 200 whose tests have no power."""
    runs = []
    for number, share in zip((300, 100, 500, 200), np.array(accuracy)[[2, 0, 3, 1]]):
        arms = ["as drawn", "permuted"] if number == 200 else ["as drawn"]
        choice = [choices(share), choices(permuted)][: len(arms)]
        p_value = np.full((len(arms), 3, 100), 0.5)
        against = np.where(TRUTH < 2, 1 - TRUTH, 2)
        rejected = np.argsort(ORDER) < round(100 * power)
        p_value[0, against, np.arange(100)] = np.where(rejected, 0.001, 0.5)
        runs.append(
            xr.Dataset(
                {
                    "choice": (("arm", "seed"), choice),
                    "truth": ("seed", TRUTH),
                    "p_value": (("arm", "test", "seed"), p_value),
                },
                coords={"arm": arms, "test": ["x->y", "y->x", "none"]},
                attrs={"environments": number},
            )
        )
    return runs


def baselines(accuracy=0.4, best=None):
    """Choices of all methods at one accuracy, of NOTEARS with a cut at another."""
    names = ["pc", "fci", "ges", "notears", "notears_cut", "direct_lingam", "cd_nod"]
    shares = [best if best and name == "notears_cut" else accuracy for name in names]
    return [
        xr.Dataset(
            {
                "choice": (("algorithm", "seed"), [choices(share) for share in shares]),
                "choice_in_random_units": (("control", "seed"), [choices(accuracy)] * 2),
                "truth": ("seed", TRUTH),
            },
            coords={"algorithm": names, "control": ["notears_cut", "by_variance"]},
            attrs={"environments": number},
        )
        for number in (100, 200, 300, 500)
    ]


def graphs(distance=(0.3, 0.2, 0.15, 0.08), exact=(0.3, 0.5, 0.7, 0.8), pc=0.25):
    """Scores of 100 graphs by number of environments, with a spread of distances that all methods share."""
    names, measures = ["corrected", "released", "pc"], ["distance", "hamming", "exact"]
    spread = np.linspace(-0.05, 0.05, 100)
    runs = []
    for number, d, e in zip((2000, 4000, 10000, 20000), distance, exact):
        score = np.ones((3, 3, 100))
        score[:, 0] = np.array([[d], [d], [pc]]) + spread
        score[:, 2] = np.arange(100) < round(100 * e)
        runs.append(
            xr.Dataset(
                {
                    "score": (("algorithm", "measure", "seed"), score),
                    "unplaced": (("variant", "seed"), np.zeros((2, 100))),
                    "layers_right": ("seed", np.ones(100, bool)),
                },
                coords={"algorithm": names, "measure": measures, "variant": ["corrected", "released"]},
                attrs={"nodes": 3, "environments": number},
            )
        )
    return runs


def mechanisms(causal=0.5, anticausal=0.01):
    p_value = np.stack([np.full((2, 40), causal), np.full((2, 40), anticausal)])
    return xr.Dataset(
        {"p_value": (("factorisation", "samples", "seed"), p_value)},
        coords={"factorisation": ["causal", "anticausal"], "samples": [200, 100000]},
    )


def first(highest=(0.55, 1.0), conservative=(0.1, 0.92), recovered=0.85, corrected=0.9):
    """P-values of 100 runs at 100 and 4000 environments, and graphs found where the authors found 0.84."""
    p_value = np.zeros((2, 3, 100))
    for i in range(2):
        order = np.argsort(ORDER)
        p_value[i, 0] = 0.5
        p_value[i, 1] = np.where(order < round(100 * conservative[i]), 0.01, 0.2)
        p_value[i, 2] = np.where(order < round(100 * highest[i]), 0.01, 0.9)
    shares = [[recovered, corrected]] * 5
    hits = [[np.argsort(ORDER) < round(100 * share) for share in row] for row in shares]
    return xr.Dataset(
        {
            "p_value": (("environments", "test", "seed"), p_value),
            "recovered": (("graph", "variant", "seed"), np.array(hits)),
            "published_recovered": ("graph", np.full(5, 0.84)),
        },
        coords={
            "environments": [100, 4000],
            "test": ["x->y", "y->x", "none"],
            "graph": list("abcde"),
            "variant": ["first", "corrected"],
        },
    )


REPRODUCED = {
    "c1": {"mixtures": mixtures()},
    "c1b": {"mixtures": mixtures()},
    "c1c": {"enumeration": enumeration()},
    "c2": {"mixtures": mixtures()},
    "c3": {"enumeration": enumeration()},
    "c4": {"enumeration": enumeration()},
    "c5": {"directions": directions()},
    "c6": {"directions": directions(), "baselines": baselines()},
    "c7": {"graphs": graphs()},
    "c8": {"directions": directions()},
    "c9": {"mechanisms": mechanisms()},
    "c10": {"first": first()},
    "c11": {"first": first()},
}
NOT_REPRODUCED = {
    "c1": [{"mixtures": mixtures(reverse=0.0)}],
    "c1b": [{"mixtures": mixtures(dependent=(0.1, 0.0))}, {"mixtures": mixtures(independent=(0.0, 0.01))}],
    "c1c": [{"enumeration": enumeration(mismatches=1)}],
    "c2": [{"mixtures": mixtures(fixed=1e-3)}],
    "c3": [{"enumeration": enumeration(corrected=542)}],
    "c4": [{"enumeration": enumeration(released=543)}, {"enumeration": enumeration(corrected=519)}],
    "c5": [{"directions": directions((0.5, 0.78, 0.86, 0.9))}, {"directions": directions((0.65, 0.98, 0.81, 0.82))}],
    "c6": [
        {"directions": directions(), "baselines": baselines(accuracy=0.8)},
        {"directions": directions(), "baselines": baselines(best=0.97)},
    ],
    "c7": [
        {"graphs": graphs(pc=0.1)},
        {"graphs": graphs(distance=(0.3, 0.28, 0.26, 0.2))},
        {"graphs": graphs(exact=(0.3, 0.5, 0.7, 0.6))},
    ],
    "c8": [{"directions": directions(permuted=0.75)}, {"directions": directions(power=0.2)}],
    "c9": [{"mechanisms": mechanisms(causal=0.01)}, {"mechanisms": mechanisms(anticausal=0.5)}],
    "c10": [
        {"first": first(highest=(0.55, 0.95))},
        {"first": first(highest=(0.9, 1.0))},
        {"first": first(conservative=(0.1, 0.8))},
        {"first": first(conservative=(0.1, 1.0))},
        {"first": first(conservative=(0.3, 0.92))},
    ],
    "c11": [{"first": first(recovered=0.6)}, {"first": first(recovered=1.0)}, {"first": first(corrected=0.8)}],
}


@pytest.mark.parametrize("name", REPRODUCED)
def test_claims_hold_where_they_should_and_nowhere_else(passes, blank, name):
    assert passes(SLUG, name, **REPRODUCED[name])
    for stores in NOT_REPRODUCED[name]:
        assert not passes(SLUG, name, **stores)
    assert not passes(SLUG, name, **{store: blank(value) for store, value in REPRODUCED[name].items()})


@pytest.mark.parametrize(
    ("name", "stores", "word", "firm"),
    [
        ("c1", {"mixtures": mixtures()}, "reproduced", True),
        ("c1b", {"mixtures": mixtures()}, "reproduced", False),  # two priors do not stand for all
        ("c1b", {"mixtures": mixtures(independent=(0.0, 0.01))}, "not reproduced", True),
        ("c5", {"directions": directions()}, "reproduced", False),
        ("c5", {"directions": directions((0.58, 0.78, 0.86, 0.9))}, "not reproduced", False),
        ("c5", {"directions": directions((0.4, 0.78, 0.86, 0.9))}, "not reproduced", True),
        # a lower bound judges by more than the error; above zero in the mean it fails within it
        ("c6", {"directions": directions(), "baselines": baselines()}, "reproduced", True),
        ("c6", {"directions": directions(), "baselines": baselines(best=0.84)}, "not reproduced", False),
        ("c6", {"directions": directions(), "baselines": baselines(best=0.97)}, "not reproduced", True),
        ("c7", {"graphs": graphs(exact=(0.1, 0.4, 0.7, 0.95))}, "reproduced", True),
        ("c7", {"graphs": graphs()}, "reproduced", False),
        ("c7", {"graphs": graphs(exact=(0.1, 0.4, 0.7, 0.69))}, "not reproduced", False),
        ("c9", {"mechanisms": mechanisms()}, "reproduced", True),
    ],
)
def test_verdicts_near_a_bound_are_within_error(verdict, name, stores, word, firm):
    claim = verdict(SLUG, name, **stores)
    assert (claim["verdict"], claim["firm"]) == (word, firm)


def test_every_claim_has_stores_made_by_hand(claim_ids):
    assert sorted(REPRODUCED) == sorted(NOT_REPRODUCED) == sorted(claim_ids(SLUG))


@pytest.mark.parametrize(
    ("name", "store", "variable"),
    [("c5", "directions", "p_value"), ("c6", "baselines", "choice"), ("c6", "baselines", "truth")],
)
def test_one_missing_variable_breaks_the_claim(passes, blank, name, store, variable):
    stores = REPRODUCED[name]
    broken = [one.assign({variable: blank(one)[variable]}) for one in stores[store]]
    assert not passes(SLUG, name, **{**stores, store: broken})
