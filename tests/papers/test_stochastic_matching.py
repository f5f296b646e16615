"""Stages of stochastic_matching, called as functions at small size, and claims where they hold and where they fail."""

import pytest
import xarray as xr

PAPER = "stochastic_matching"
ALL = ["balance", "ranking", "greedy", "nonadaptive"]


SOLVED = {}  # the programs, which most tests take and none changes


@pytest.fixture
def programs(load):
    if not SOLVED:
        SOLVED["all"] = load(f"{PAPER}/solve_programs")(points=600, horizon=12.0, step=0.1, unequal_horizon=4.0)
    return SOLVED["all"]


@pytest.fixture
def triangular(load):
    return load(f"{PAPER}/evaluate_triangular")(
        sizes=[1, 2, 3, 4, 5, 10, 20, 40], control=[20], eps=0.05, replicates=400, root_seed=0
    )


@pytest.fixture
def families(load):
    return load(f"{PAPER}/evaluate_families")(families=6, most=6, root_seed=0)


@pytest.fixture
def search(load):
    def run(benchmark):
        return load(f"{PAPER}/search_masses")(sizes=[2, 3], starts=1, evaluations=40, benchmark=benchmark, root_seed=0)

    return run


@pytest.fixture
def graphs(load):
    return load(f"{PAPER}/enumerate_graphs")(graphs=12, most=3, most_edges=6, root_seed=0)


@pytest.fixture
def neighbours(load):
    return load(f"{PAPER}/compare_neighbours")(runs=150, root_seed=0)


@pytest.fixture
def simulated(load, programs):
    def run(instance, graphs, replicates, policies=ALL, offline=6):
        return load(f"{PAPER}/simulate_graphs")(
            programs, instance=instance, graphs=graphs, offline=offline, eps=0.05, replicates=replicates,
            policies=policies, root_seed=0,
        )  # fmt: skip

    return run


def _changed(store, **changes):
    return store.assign({name: change(store[name]) for name, change in changes.items()})


def _repeated(store, dim, times):
    return xr.concat([store] * times, dim, data_vars="minimal")


def test_blocks_of_graphs_differ(load, programs):
    def run(block):
        return load(f"{PAPER}/simulate_graphs")(
            programs, instance="random", graphs=1, offline=4, eps=0.1, replicates=5, policies=["greedy"],
            root_seed=0, block=block,
        )  # fmt: skip

    assert float(run("0").configuration[0]) != float(run("1").configuration[0])


def test_choosing_a_policy_of_an_edge_list(load, tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text("offline,online,probability\na,x,0.5\nb,x,0.1\na,y,0.4\n")
    choice = load(f"{PAPER}/choose_policy")(path, replicates=4000, root_seed=0)
    assert (choice.value <= float(choice.bound) + 0.05).all()
    assert list(choice.online.values) == ["x", "y"]


def test_s1(passes, programs, blank):
    assert passes(PAPER, "s1", programs=programs)
    for column in ([2e-4, 0, 0], [0, 2e-4, 0]):
        apart = xr.DataArray(column, dims="solver")
        assert not passes(PAPER, "s1", programs=programs.assign(ratio=programs.ratio + apart))
    assert not passes(PAPER, "s1", programs=_changed(programs, f=lambda f: f + 1e-5))
    assert not passes(PAPER, "s1", programs=blank(programs))


def test_s2(passes, programs, blank):
    assert passes(PAPER, "s2", programs=programs)
    assert not passes(PAPER, "s2", programs=_changed(programs, ratio=lambda r: r + 4e-4))
    assert not passes(PAPER, "s2", programs=blank(programs))


def test_s3(passes, graphs, blank):
    many = _repeated(graphs, "graph", 9)
    assert passes(PAPER, "s3", graphs=many)
    assert not passes(PAPER, "s3", graphs=graphs)
    assert not passes(PAPER, "s3", graphs=_changed(many, optimum=lambda v: v + 1e-3))
    assert not passes(PAPER, "s3", graphs=_changed(many, upper=lambda v: v + 1e-6))
    swapped = many.assign_coords(benchmark=["stochastic configuration", "path", "configuration", "matching"])
    assert not passes(PAPER, "s3", graphs=swapped)
    assert not passes(PAPER, "s3", graphs=blank(many))


def test_s4(passes, load, graphs, blank):
    times = load(f"{PAPER}/time_programs")(
        graphs=6, repeats=1, widest={"path": 2, "stochastic configuration": 2}, time_limit=60.0, root_seed=0
    )
    names = ["stochastic configuration", "path"]
    ratio = times.seconds.sel(program="path", drop=True) / times.seconds.sel(program=names[0], drop=True)
    assert (ratio > 1).all()
    slow = times.assign(seconds=times.seconds * 0 + xr.where(times.program == "path", 5.0, 1.0))
    assert passes(PAPER, "s4", graphs=graphs, times=slow)
    assert not passes(PAPER, "s4", graphs=graphs, times=slow.assign_coords(program=names))
    assert not passes(PAPER, "s4", graphs=_changed(graphs, columns=lambda n: n * 0 + 9), times=slow)
    assert not passes(PAPER, "s4", graphs=graphs, times=blank(slow))


def test_s5(passes, triangular, families, search, simulated, blank):
    stores = {
        "triangular": triangular,
        "families": families,
        "search_configuration": search("configuration"),
        "unequal": simulated("random", 3, 300, ["balance"]),
    }
    assert passes(PAPER, "s5", **stores)
    for name, change in (
        ("triangular", {"value": lambda v: 0.9 * v}),
        ("triangular", {"control_successes": lambda v: 2 * v}),
        ("families", {"value": lambda v: 0.7 * v}),
        ("search_configuration", {"ratio": lambda v: 0.75 * v}),
        ("unequal", {"successes": lambda v: 0.6 * v}),
    ):
        assert not passes(PAPER, "s5", **{**stores, name: _changed(stores[name], **change)})
    for name, store in stores.items():
        assert not passes(PAPER, "s5", **{**stores, name: blank(store)})


def test_s6(passes, load, triangular, blank):
    equal = load(f"{PAPER}/simulate_triangular")(
        size=3, eps=[0.01, 0.02], replicates=1500, policies=ALL[:3], root_seed=0
    )
    assert passes(PAPER, "s6", triangular=triangular, equal_value=equal)
    assert not passes(PAPER, "s6", triangular=triangular, equal_value=_changed(equal, value=lambda v: v + 0.2))
    assert not passes(PAPER, "s6", triangular=_changed(triangular, value=lambda v: v * 1.01), equal_value=equal)
    assert not passes(PAPER, "s6", triangular=triangular, equal_value=blank(equal))


def test_s7(passes, simulated, blank):
    trap = simulated("trap", 1, 1500, offline=12)
    assert passes(PAPER, "s7", trap=trap)
    assert not passes(PAPER, "s7", trap=trap.assign_coords(policy=ALL[::-1]))
    assert not passes(PAPER, "s7", trap=trap.assign_coords(policy=["balance", "greedy", "ranking", "nonadaptive"]))
    assert not passes(PAPER, "s7", trap=trap.isel(replicate=slice(4)))
    assert not passes(PAPER, "s7", trap=blank(trap))


def test_s8(passes, simulated, blank):
    runs = simulated("random", 6, 1500)
    assert passes(PAPER, "s8", heterogeneous=runs)
    assert not passes(
        PAPER, "s8", heterogeneous=runs.assign_coords(policy=["greedy", "ranking", "balance", "nonadaptive"])
    )
    assert not passes(
        PAPER, "s8", heterogeneous=runs.assign_coords(policy=["nonadaptive", "ranking", "greedy", "balance"])
    )
    assert not passes(PAPER, "s8", heterogeneous=blank(runs))


def test_s9(passes, neighbours, blank):
    many = _repeated(neighbours, "run", 34)
    assert passes(PAPER, "s9", neighbours=many)
    assert not passes(PAPER, "s9", neighbours=neighbours)
    for change in ({"hurt": lambda n: n + 1}, {"hurt": lambda n: n * 0}, {"reversed": lambda n: n + 1}):
        assert not passes(PAPER, "s9", neighbours=_changed(many, **change))
    assert not passes(PAPER, "s9", neighbours=blank(many))


def test_s10(passes, neighbours, blank):
    many = _repeated(neighbours, "run", 34)
    assert passes(PAPER, "s10", neighbours=many)
    assert not passes(PAPER, "s10", neighbours=many.assign_coords(algorithm=["ranking", "balance"]))
    for name in ("hurt", "used", "reversed"):
        assert not passes(PAPER, "s10", neighbours=_changed(many, **{name: lambda n: n + 1}))
    assert not passes(PAPER, "s10", neighbours=blank(many))


def test_s11(passes, verdict, programs, blank):
    assert verdict(PAPER, "s11", at="laptop", programs=programs)["verdict"] == "not tested at this scale"
    assert not passes(PAPER, "s11", programs=programs)
    near = _changed(programs, ratio=lambda r: r * 0 + 0.6112)
    assert passes(PAPER, "s11", programs=near)
    assert not passes(PAPER, "s11", programs=blank(programs))


def test_s12(passes, search, blank):
    runs = search("matching")
    assert passes(PAPER, "s12", search_matching=runs)
    assert not passes(PAPER, "s12", search_matching=_changed(runs, ratio=lambda r: r - 0.01))
    assert not passes(PAPER, "s12", search_matching=blank(runs))
