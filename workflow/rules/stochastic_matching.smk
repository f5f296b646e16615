# Online matching with stochastic rewards: analysis programs, benchmarks by linear programs, policies.

STOCHASTIC_MATCHING_BLOCKS = range(paper.value("large", "blocks"))


use rule stage as stochastic_matching_solve_programs with:
    """Solve the analysis programs by three methods."""
    output:
        store=paper.store("programs"),
    log:
        paper.log("programs"),
    benchmark:
        paper.benchmark("programs")
    priority: 90
    resources:
        mem_mb=mem(1000),
        runtime=minutes(60),
    params:
        **paper.params("programs"),
        **paper.script("solve_programs"),


use rule stage as stochastic_matching_evaluate_triangular with:
    """Evaluate the upper-triangular instance exactly, and a control."""
    output:
        store=paper.store("triangular"),
    log:
        paper.log("triangular"),
    benchmark:
        paper.benchmark("triangular")
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(240),
    params:
        **paper.params("triangular"),
        **paper.script("evaluate_triangular"),
        root_seed=paper.root_seed,


use rule stage as stochastic_matching_evaluate_families with:
    """Evaluate random nested families exactly."""
    output:
        store=paper.store("families"),
    log:
        paper.log("families"),
    benchmark:
        paper.benchmark("families")
    resources:
        mem_mb=mem(1000),
        runtime=minutes(60),
    params:
        **paper.params("families"),
        **paper.script("evaluate_families"),
        root_seed=paper.root_seed,


use rule stage as stochastic_matching_search_against_configuration with:
    """Search masses at which balance is worst against the stochastic configuration program."""
    output:
        store=paper.store("search_configuration"),
    log:
        paper.log("search_configuration"),
    benchmark:
        paper.benchmark("search_configuration")
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(600),
    params:
        **paper.params("search_configuration"),
        **paper.script("search_masses"),
        root_seed=paper.root_seed,


use rule stage as stochastic_matching_search_against_matching with:
    """Search masses at which balance is worst against the matching program."""
    output:
        store=paper.store("search_matching"),
    log:
        paper.log("search_matching"),
    benchmark:
        paper.benchmark("search_matching")
    resources:
        mem_mb=mem(1000),
        runtime=minutes(240),
    params:
        **paper.params("search_matching"),
        **paper.script("search_masses"),
        root_seed=paper.root_seed,


use rule stage as stochastic_matching_enumerate_graphs with:
    """Solve all programs on small graphs, in rational numbers."""
    output:
        store=paper.store("graphs"),
    log:
        paper.log("graphs"),
    benchmark:
        paper.benchmark("graphs")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(60),
    params:
        **paper.params("graphs"),
        **paper.script("enumerate_graphs"),
        root_seed=paper.root_seed,


use rule stage as stochastic_matching_time_programs with:
    """Time two programs on the same graphs."""
    output:
        store=paper.store("times"),
    log:
        paper.log("times"),
    benchmark:
        paper.benchmark("times")
    threads: whole_machine
    resources:
        mem_mb=mem(3000, laptop=600),
        runtime=minutes(60),
    params:
        **paper.params("times"),
        **paper.script("time_programs"),
        root_seed=paper.root_seed,


use rule stage as stochastic_matching_compare_neighbours with:
    """Compare runs with and without the success of a vertex."""
    output:
        store=paper.store("neighbours"),
    log:
        paper.log("neighbours"),
    benchmark:
        paper.benchmark("neighbours")
    resources:
        mem_mb=mem(1000),
        runtime=minutes(60),
    params:
        **paper.params("neighbours"),
        **paper.script("compare_neighbours"),
        root_seed=paper.root_seed,


use rule stage as stochastic_matching_simulate_triangular with:
    """Simulate policies on the upper-triangular instance."""
    output:
        store=paper.store("equal_value"),
    log:
        paper.log("equal_value"),
    benchmark:
        paper.benchmark("equal_value")
    resources:
        mem_mb=mem(1000),
        runtime=minutes(60),
    params:
        **paper.params("equal_value"),
        **paper.script("simulate_triangular"),
        root_seed=paper.root_seed,


use rule stage as stochastic_matching_simulate_trap with:
    """Simulate policies on the trap."""
    input:
        programs=paper.store("programs"),
    output:
        store=paper.store("trap"),
    log:
        paper.log("trap"),
    benchmark:
        paper.benchmark("trap")
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(240),
    params:
        **paper.params("trap"),
        **paper.script("simulate_graphs"),
        root_seed=paper.root_seed,


use rule stage as stochastic_matching_simulate_heterogeneous with:
    """Simulate policies on random graphs."""
    input:
        programs=paper.store("programs"),
    output:
        store=paper.store("heterogeneous"),
    log:
        paper.log("heterogeneous"),
    benchmark:
        paper.benchmark("heterogeneous")
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(240),
    params:
        **paper.params("heterogeneous"),
        **paper.script("simulate_graphs"),
        root_seed=paper.root_seed,


use rule stage as stochastic_matching_simulate_unequal with:
    """Simulate balance on random graphs with small probabilities."""
    input:
        programs=paper.store("programs"),
    output:
        store=paper.store("unequal"),
    log:
        paper.log("unequal"),
    benchmark:
        paper.benchmark("unequal")
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(240),
    params:
        **paper.params("unequal"),
        **paper.script("simulate_graphs"),
        root_seed=paper.root_seed,


use rule stage as stochastic_matching_simulate_large with:
    """Simulate policies on a block of large random graphs."""
    input:
        programs=paper.store("programs"),
    output:
        store=paper.store("large_{block}"),
    log:
        paper.log("large_{block}"),
    benchmark:
        paper.benchmark("large_{block}")
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(600),
    params:
        **paper.params("large", "instance", "graphs", "offline", "eps", "replicates", "policies"),
        **paper.script("simulate_graphs"),
        root_seed=paper.root_seed,


use rule stage as stochastic_matching_choose_policy with:
    """Say which policy to use on a graph of your own."""
    input:
        edges=paper.data("edge_list"),
    output:
        store=paper.store("choice"),
    log:
        paper.log("choice"),
    benchmark:
        paper.benchmark("choice")
    resources:
        mem_mb=mem(2000),
        runtime=minutes(60),
    params:
        **paper.params("choice"),
        **paper.script("choose_policy"),
        root_seed=paper.root_seed,


use rule figure as stochastic_matching_programs with:
    """Figure: splits and ratios of the analysis programs."""
    input:
        programs=paper.store("programs"),
    output:
        figure=paper.figure("programs"),
    log:
        paper.log("figure_programs"),
    benchmark:
        paper.benchmark("figure_programs")
    params:
        **paper.script("figure_programs"),


use rule figure as stochastic_matching_hard with:
    """Figure: ratios on the upper-triangular instance."""
    input:
        triangular=paper.store("triangular"),
    output:
        figure=paper.figure("hard"),
    log:
        paper.log("figure_hard"),
    benchmark:
        paper.benchmark("figure_hard")
    params:
        **paper.script("figure_hard"),


use rule figure as stochastic_matching_algorithms with:
    """Figure: policies on the trap and on random graphs."""
    input:
        **paper.stores("trap", "heterogeneous"),
        large=expand(paper.store("large_{block}"), block=STOCHASTIC_MATCHING_BLOCKS),
    output:
        figure=paper.figure("algorithms"),
    log:
        paper.log("figure_algorithms"),
    benchmark:
        paper.benchmark("figure_algorithms")
    params:
        **paper.script("figure_algorithms"),


use rule figure as stochastic_matching_lpchain with:
    """Figure: benchmarks over the adaptive optimum."""
    input:
        graphs=paper.store("graphs"),
    output:
        figure=paper.figure("lpchain"),
    log:
        paper.log("figure_lpchain"),
    benchmark:
        paper.benchmark("figure_lpchain")
    params:
        **paper.script("figure_lpchain"),


use rule figure as stochastic_matching_neighbours with:
    """Figure: joint outcome of a vertex and its neighbours."""
    input:
        neighbours=paper.store("neighbours"),
    output:
        figure=paper.figure("neighbours"),
    log:
        paper.log("figure_neighbours"),
    benchmark:
        paper.benchmark("figure_neighbours")
    params:
        **paper.script("figure_neighbours"),


use rule figure as stochastic_matching_size with:
    """Figure: sizes of two programs."""
    input:
        graphs=paper.store("graphs"),
    output:
        figure=paper.figure("size"),
    log:
        paper.log("figure_size"),
    benchmark:
        paper.benchmark("figure_size")
    params:
        **paper.script("figure_size"),


use rule claims as stochastic_matching_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores(
            "programs", "triangular", "families", "search_configuration", "search_matching", "graphs", "times"
        ),
        **paper.stores("neighbours", "equal_value", "trap", "heterogeneous", "unequal"),
    output:
        claims=paper.claims(),
    log:
        paper.log("claims"),
    benchmark:
        paper.benchmark("claims")
    params:
        **paper.script("claims"),
        **paper.judging(),


rule stochastic_matching:
    """The paper on online matching with stochastic rewards: all its figures and claims."""
    input:
        paper.everything(),
