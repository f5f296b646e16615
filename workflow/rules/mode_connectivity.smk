# Landscapes between networks: pairs that fork, lines, curvature, descent after the fork, the identity, toys.


use rule stage as mode_connectivity_train_pairs with:
    """Train pairs that part at several steps, and independent ones."""
    output:
        store=paper.store("pairs"),
    log:
        paper.log("pairs"),
    benchmark:
        paper.benchmark("pairs")
    priority: 95
    resources:
        mem_mb=mem(4000 if config["scale"] in ("medium", "paper") else 2000),
        runtime=minutes(60),
    params:
        **paper.params("training"),
        **paper.script("train_pairs"),
        root_seed=paper.root_seed,


use rule stage as mode_connectivity_measure_lines with:
    """Measure losses and errors on the lines between all pairs."""
    input:
        **paper.stores("pairs"),
    output:
        store=paper.store("lines"),
    log:
        paper.log("lines"),
    benchmark:
        paper.benchmark("lines")
    priority: 60
    resources:
        mem_mb=mem(4000 if config["scale"] in ("medium", "paper") else 2000),
        runtime=minutes(30),
    params:
        **paper.params("lines"),
        **paper.script("measure_lines"),
        root_seed=paper.root_seed,


use rule stage as mode_connectivity_measure_curvature with:
    """Measure what curvature predicts, for networks and for layers."""
    input:
        **paper.stores("pairs"),
    output:
        store=paper.store("curvature"),
    log:
        paper.log("curvature"),
    benchmark:
        paper.benchmark("curvature")
    priority: 80
    resources:
        mem_mb=mem(4000 if config["scale"] in ("medium", "paper") else 2000),
        runtime=minutes(60),
    params:
        **paper.params("curvature"),
        **paper.script("measure_curvature"),
        root_seed=paper.root_seed,


use rule stage as mode_connectivity_follow_descent with:
    """Follow both children of every fork, and draw planes through the fork."""
    input:
        **paper.stores("pairs"),
    output:
        store=paper.store("descent"),
    log:
        paper.log("descent"),
    benchmark:
        paper.benchmark("descent")
    priority: 70
    resources:
        mem_mb=mem(4000 if config["scale"] in ("medium", "paper") else 2000),
        runtime=minutes(60),
    params:
        **paper.params("descent"),
        **paper.script("follow_descent"),


use rule stage as mode_connectivity_check_identity with:
    """Check the barrier as an integral of curvature."""
    input:
        **paper.stores("pairs"),
    output:
        store=paper.store("identity"),
    log:
        paper.log("identity"),
    benchmark:
        paper.benchmark("identity")
    priority: 80
    resources:
        mem_mb=mem(2000),
        runtime=minutes(30),
    params:
        **paper.params("identity"),
        **paper.script("check_identity"),
        root_seed=paper.root_seed,


use rule stage as mode_connectivity_run_toys with:
    """Run both toys."""
    output:
        store=paper.store("toys"),
    log:
        paper.log("toys"),
    benchmark:
        paper.benchmark("toys")
    priority: 50
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        **paper.params("toys"),
        **paper.script("run_toys"),
        root_seed=paper.root_seed,


MODE_CONNECTIVITY_RUNS = paper.params("convolutional", "steps", "rate", "momentum", "decay", "batch", "alphas")
MODE_CONNECTIVITY_CONVOLUTIONAL = expand(
    paper.store("convolutional_{architecture}_{seed}_{fork}"),
    architecture=paper.value("convolutional", "architectures"),
    seed=range(paper.value("convolutional", "seeds")),
    fork=[*paper.value("convolutional", "forks"), "independent"],
)


use rule stage as mode_connectivity_train_convolutional with:
    """Train one pair of convolutional networks, and measure its barrier."""
    input:
        images=paper.data("cifar10"),
    output:
        store=paper.store("convolutional_{architecture}_{seed}_{fork}"),
    log:
        paper.log("convolutional_{architecture}_{seed}_{fork}"),
    benchmark:
        paper.benchmark("convolutional_{architecture}_{seed}_{fork}")
    wildcard_constraints:
        architecture="[a-z0-9]+",
        seed=r"\d+",
        fork=r"\d+|independent",
    priority: 100
    resources:
        mem_mb=mem(8000),
        runtime=minutes(600),
        gpu=gpus(1),
    params:
        **MODE_CONNECTIVITY_RUNS,
        **paper.script("train_convolutional"),
        root_seed=paper.root_seed,


use rule figure as mode_connectivity_interp with:
    """Figure: losses between two networks."""
    input:
        **paper.stores("lines"),
    output:
        figure=paper.figure("interp"),
    log:
        paper.log("figure_interp"),
    benchmark:
        paper.benchmark("figure_interp")
    params:
        **paper.script("figure_interp"),


use rule figure as mode_connectivity_fork with:
    """Figure: the barrier against the step of the fork."""
    input:
        **paper.stores("lines", "descent"),
    output:
        figure=paper.figure("fork"),
    log:
        paper.log("figure_fork"),
    benchmark:
        paper.benchmark("figure_fork")
    params:
        **paper.script("figure_fork"),


use rule figure as mode_connectivity_trajectory with:
    """Figure: ends, midpoint and angle after the fork."""
    input:
        **paper.stores("descent"),
    output:
        figure=paper.figure("trajectory"),
    log:
        paper.log("figure_trajectory"),
    benchmark:
        paper.benchmark("figure_trajectory")
    params:
        **paper.script("figure_trajectory"),


use rule figure as mode_connectivity_plane with:
    """Figure: the plane through the fork and both ends."""
    input:
        **paper.stores("descent"),
    output:
        figure=paper.figure("plane"),
    log:
        paper.log("figure_plane"),
    benchmark:
        paper.benchmark("figure_plane")
    params:
        **paper.script("figure_plane"),


use rule figure as mode_connectivity_theory with:
    """Figure: predicted and measured barriers."""
    input:
        **paper.stores("curvature", "lines", "identity"),
    output:
        figure=paper.figure("theory"),
    log:
        paper.log("figure_theory"),
    benchmark:
        paper.benchmark("figure_theory")
    params:
        **paper.script("figure_theory"),


use rule figure as mode_connectivity_layerwise with:
    """Figure: excess losses by layer."""
    input:
        **paper.stores("curvature", "identity"),
    output:
        figure=paper.figure("layerwise"),
    log:
        paper.log("figure_layerwise"),
    benchmark:
        paper.benchmark("figure_layerwise")
    params:
        **paper.script("figure_layerwise"),


use rule figure as mode_connectivity_toy with:
    """Figure: two toys of a ridge."""
    input:
        **paper.stores("toys"),
    output:
        figure=paper.figure("toy"),
    log:
        paper.log("figure_toy"),
    benchmark:
        paper.benchmark("figure_toy")
    params:
        **paper.script("figure_toy"),


use rule table as mode_connectivity_pairs with:
    """Table: all pairs."""
    input:
        **paper.stores("lines"),
    output:
        table=paper.table("pairs"),
    log:
        paper.log("table_pairs"),
    benchmark:
        paper.benchmark("table_pairs")
    params:
        **paper.script("table_pairs"),


use rule claims as mode_connectivity_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores("lines", "descent", "curvature", "identity", "toys"),
        **paper.available(
            convolutional=MODE_CONNECTIVITY_CONVOLUTIONAL if config["scale"] == "paper" else [],
        ),
    output:
        claims=paper.claims(),
    log:
        paper.log("claims"),
    benchmark:
        paper.benchmark("claims")
    params:
        **paper.params("convolutional", "predictor"),
        **paper.script("claims"),
        **paper.judging(),
        root_seed=paper.root_seed,


rule mode_connectivity:
    """The paper on linear mode connectivity: all its figures and claims."""
    input:
        paper.everything(),
