# Permutations learnt exactly: limits, trained networks, ensembles, programs by templates.


use rule stage as permutation_learning_solve_limits with:
    """Solve the limit of infinite width in closed form."""
    output:
        store=paper.store("limits"),
    log:
        paper.log("limits"),
    benchmark:
        paper.benchmark("limits")
    priority: 60
    resources:
        mem_mb=mem(500),
        runtime=minutes(10),
    params:
        **paper.params("limits"),
        **paper.script("solve_limits"),


use rule stage as permutation_learning_train_networks with:
    """Train networks and keep the moments of their outputs."""
    output:
        store=paper.store("trained"),
    log:
        paper.log("trained"),
    benchmark:
        paper.benchmark("trained")
    priority: 80
    resources:
        mem_mb=mem(12000 if config["scale"] == "paper" else 1500),
        runtime=minutes(600 if config["scale"] == "paper" else 120),
    params:
        **paper.params("trained"),
        **paper.script("train_networks"),
        root_seed=paper.root_seed,


use rule stage as permutation_learning_count_exact with:
    """Count ensembles that are right on every input."""
    output:
        store=paper.store("ensembles"),
    log:
        paper.log("ensembles"),
    benchmark:
        paper.benchmark("ensembles")
    priority: 90
    resources:
        mem_mb=mem(1000),
        runtime=minutes(240),
    params:
        **paper.params("ensembles"),
        **paper.script("count_exact"),
        root_seed=paper.root_seed,


use rule stage as permutation_learning_sample_limits with:
    """Draw ensembles of the limit, all inputs jointly."""
    output:
        store=paper.store("sampled"),
    log:
        paper.log("sampled"),
    benchmark:
        paper.benchmark("sampled")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(60),
    params:
        **paper.params("sampled"),
        **paper.script("sample_limits"),
        root_seed=paper.root_seed,


use rule stage as permutation_learning_measure_hits with:
    """Grow ensembles until nine of ten inputs are right."""
    output:
        store=paper.store("hits"),
    log:
        paper.log("hits"),
    benchmark:
        paper.benchmark("hits")
    priority: 95
    resources:
        mem_mb=mem(16000 if config["scale"] == "paper" else 1000),
        runtime=minutes(1400 if config["scale"] == "paper" else 240),
        gpu=gpus(1 if config["scale"] == "paper" else 0),
    params:
        **paper.params("hits"),
        **paper.script("measure_hits"),
        root_seed=paper.root_seed,


use rule stage as permutation_learning_measure_widths with:
    """Measure bias and variance against the width."""
    output:
        store=paper.store("widths"),
    log:
        paper.log("widths"),
    benchmark:
        paper.benchmark("widths")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(60),
    params:
        **paper.params("widths"),
        **paper.script("measure_widths"),
        root_seed=paper.root_seed,


use rule stage as permutation_learning_run_templates with:
    """Run programs for all operands."""
    output:
        store=paper.store("templates"),
    log:
        paper.log("templates"),
    benchmark:
        paper.benchmark("templates")
    priority: 70
    resources:
        mem_mb=mem(4000 if config["scale"] == "paper" else 1000),
        runtime=minutes(600 if config["scale"] == "paper" else 120),
    params:
        **paper.params("templates"),
        **paper.script("run_templates"),
        root_seed=paper.root_seed,


use rule figure as permutation_learning_models_vs_k with:
    """Figure: networks until nine of ten inputs are right."""
    input:
        **paper.stores("limits", "hits"),
    output:
        figure=paper.figure("models_vs_k"),
    log:
        paper.log("figure_models_vs_k"),
    benchmark:
        paper.benchmark("figure_models_vs_k")
    params:
        **paper.script("figure_models_vs_k"),


use rule figure as permutation_learning_accuracy_vs_models with:
    """Figure: accuracy against the size of the ensemble."""
    input:
        **paper.stores("limits", "hits"),
    output:
        figure=paper.figure("accuracy_vs_models"),
    log:
        paper.log("figure_accuracy_vs_models"),
    benchmark:
        paper.benchmark("figure_accuracy_vs_models")
    params:
        **paper.script("figure_accuracy_vs_models"),


use rule figure as permutation_learning_gp_fit with:
    """Figure: outputs of trained networks and their limit."""
    input:
        **paper.stores("trained"),
    output:
        figure=paper.figure("gp_fit"),
    log:
        paper.log("figure_gp_fit"),
    benchmark:
        paper.benchmark("figure_gp_fit")
    params:
        **paper.script("figure_gp_fit"),


use rule figure as permutation_learning_exact with:
    """Figure: all inputs right at once."""
    input:
        **paper.stores("sampled", "ensembles"),
    output:
        figure=paper.figure("exact"),
    log:
        paper.log("figure_exact"),
    benchmark:
        paper.benchmark("figure_exact")
    params:
        **paper.script("figure_exact"),


use rule figure as permutation_learning_threshold with:
    """Figure: rounding at zero and halfway."""
    input:
        **paper.stores("limits"),
    output:
        figure=paper.figure("threshold"),
    log:
        paper.log("figure_threshold"),
    benchmark:
        paper.benchmark("figure_threshold")
    params:
        **paper.script("figure_threshold"),


use rule figure as permutation_learning_width with:
    """Figure: the limit is approached."""
    input:
        **paper.stores("widths"),
    output:
        figure=paper.figure("width"),
    log:
        paper.log("figure_width"),
    benchmark:
        paper.benchmark("figure_width")
    params:
        **paper.script("figure_width"),


use rule figure as permutation_learning_templates with:
    """Figure: programs executed by templates."""
    input:
        **paper.stores("templates"),
    output:
        figure=paper.figure("templates"),
    log:
        paper.log("figure_templates"),
    benchmark:
        paper.benchmark("figure_templates")
    params:
        **paper.script("figure_templates"),


use rule figure as permutation_learning_complexity with:
    """Figure: ensemble sizes for an exact permutation."""
    input:
        **paper.stores("limits"),
    output:
        figure=paper.figure("complexity"),
    log:
        paper.log("figure_complexity"),
    benchmark:
        paper.benchmark("figure_complexity")
    params:
        **paper.script("figure_complexity"),


use rule claims as permutation_learning_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores("limits", "trained", "ensembles", "sampled", "hits", "widths", "templates"),
    output:
        claims=paper.claims(),
    log:
        paper.log("claims"),
    benchmark:
        paper.benchmark("claims")
    params:
        **paper.script("claims"),
        **paper.judging(),
        root_seed=paper.root_seed,


rule permutation_learning:
    """The paper on exact learning of permutations: all its figures and claims."""
    input:
        paper.everything(),
