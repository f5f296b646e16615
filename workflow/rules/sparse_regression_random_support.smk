# Sparse regression on random supports: preconditioner, its lemma, errors against every baseline, limits, times.

SPARSE_REGRESSION_RANDOM_SUPPORT_DESIGNS = paper.value("designs", "names")
SPARSE_REGRESSION_RANDOM_SUPPORT_POINT = {
    key: paper.value("designs", key) for key in ("rows", "dim", "sparsity", "size", "spread", "noise")
}


use rule stage as sparse_regression_random_support_compare_designs with:
    """Measure errors of all methods on one design."""
    output:
        store=paper.store("design_{design}"),
    log:
        paper.log("design_{design}"),
    benchmark:
        paper.benchmark("design_{design}")
    wildcard_constraints:
        design="[a-z]+",
    priority: 90
    resources:
        mem_mb=mem(1000),
        runtime=minutes(1440),
    params:
        **paper.script("compare_methods"),
        points=lambda wildcards, point=SPARSE_REGRESSION_RANDOM_SUPPORT_POINT: [
            {**point, "name": wildcards.design, "design": wildcards.design}
        ],
        methods=paper.value("designs", "methods"),
        seeds=paper.value("designs", "seeds"),
        root_seed=paper.root_seed,


use rule stage as sparse_regression_random_support_compare_conditions with:
    """Measure errors against the condition number."""
    output:
        store=paper.store("conditions"),
    log:
        paper.log("conditions"),
    benchmark:
        paper.benchmark("conditions")
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(1440),
    params:
        **paper.params("conditions"),
        **paper.script("compare_methods"),
        root_seed=paper.root_seed,


use rule stage as sparse_regression_random_support_vary_sizes with:
    """Measure our errors against the numbers of rows and columns, and the sparsity."""
    output:
        store=paper.store("sizes"),
    log:
        paper.log("sizes"),
    benchmark:
        paper.benchmark("sizes")
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(1440),
    params:
        **paper.params("sizes"),
        **paper.script("compare_methods"),
        root_seed=paper.root_seed,


use rule stage as sparse_regression_random_support_vary_bases with:
    """Measure our errors against the size of the preconditioner."""
    output:
        store=paper.store("bases"),
    log:
        paper.log("bases"),
    benchmark:
        paper.benchmark("bases")
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(1440),
    params:
        **paper.params("bases"),
        **paper.script("compare_methods"),
        root_seed=paper.root_seed,


use rule stage as sparse_regression_random_support_vary_rows with:
    """Measure errors in the sample and on fresh rows, beside least squares on more rows."""
    output:
        store=paper.store("rows"),
    log:
        paper.log("rows"),
    benchmark:
        paper.benchmark("rows")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("rows"),
        **paper.script("vary_rows"),
        root_seed=paper.root_seed,


use rule stage as sparse_regression_random_support_choose_supports with:
    """Measure errors on a support that an adversary chose."""
    output:
        store=paper.store("supports"),
    log:
        paper.log("supports"),
    benchmark:
        paper.benchmark("supports")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("supports"),
        **paper.script("choose_supports"),
        root_seed=paper.root_seed,


use rule stage as sparse_regression_random_support_check_lemma with:
    """Count violations of the lemma, and measure what coefficients cost."""
    output:
        store=paper.store("lemma"),
    log:
        paper.log("lemma"),
    benchmark:
        paper.benchmark("lemma")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("lemma"),
        **paper.script("check_lemma"),
        root_seed=paper.root_seed,


use rule stage as sparse_regression_random_support_time_methods with:
    """Time ours and the trial of all subsets, alone on the machine."""
    output:
        store=paper.store("times"),
    log:
        paper.log("times"),
    benchmark:
        paper.benchmark("times")
    priority: 100
    threads: whole_machine
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("times"),
        **paper.script("time_methods"),
        root_seed=paper.root_seed,


use rule stage as sparse_regression_random_support_fit_table with:
    """Fit a sparse model to a table of your own, with its certificate."""
    input:
        table=paper.data("design_table"),
    output:
        store=paper.store("own_table"),
    log:
        paper.log("own_table"),
    benchmark:
        paper.benchmark("own_table")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("table"),
        **paper.script("fit_table"),
        root_seed=paper.root_seed,


use rule stage as sparse_regression_random_support_plant_signals with:
    """Measure errors of methods on a design of your own, with planted signals."""
    input:
        matrix=paper.data("design_matrix"),
    output:
        store=paper.store("own_matrix"),
    log:
        paper.log("own_matrix"),
    benchmark:
        paper.benchmark("own_matrix")
    priority: 60
    resources:
        mem_mb=mem(12000 if config["scale"] == "paper" else 1000),
        runtime=minutes(600),
    params:
        **paper.params("matrix"),
        **paper.script("plant_signals"),
        root_seed=paper.root_seed,


use rule figure as sparse_regression_random_support_designs with:
    """Figure: errors of all methods on each design."""
    input:
        designs=expand(paper.store("design_{design}"), design=SPARSE_REGRESSION_RANDOM_SUPPORT_DESIGNS),
    output:
        figure=paper.figure("designs"),
    log:
        paper.log("figure_designs"),
    benchmark:
        paper.benchmark("figure_designs")
    params:
        **paper.script("figure_designs"),


use rule figure as sparse_regression_random_support_condition with:
    """Figure: error against the condition number."""
    input:
        **paper.stores("conditions"),
    output:
        figure=paper.figure("condition"),
    log:
        paper.log("figure_condition"),
    benchmark:
        paper.benchmark("figure_condition")
    params:
        **paper.script("figure_condition"),


use rule figure as sparse_regression_random_support_samples with:
    """Figure: error against the number of rows."""
    input:
        **paper.stores("sizes", "rows"),
    output:
        figure=paper.figure("samples"),
    log:
        paper.log("figure_samples"),
    benchmark:
        paper.benchmark("figure_samples")
    params:
        **paper.script("figure_samples"),


use rule figure as sparse_regression_random_support_dimension with:
    """Figure: error against the number of columns."""
    input:
        **paper.stores("sizes"),
    output:
        figure=paper.figure("dimension"),
    log:
        paper.log("figure_dimension"),
    benchmark:
        paper.benchmark("figure_dimension")
    params:
        **paper.script("figure_dimension"),


use rule figure as sparse_regression_random_support_lemma with:
    """Figure: violations of the lemma and their bound."""
    input:
        **paper.stores("lemma"),
    output:
        figure=paper.figure("lemma"),
    log:
        paper.log("figure_lemma"),
    benchmark:
        paper.benchmark("figure_lemma")
    params:
        **paper.script("figure_lemma"),


use rule figure as sparse_regression_random_support_worst_case_support with:
    """Figure: errors on a support that an adversary chose, and on a random one."""
    input:
        **paper.stores("supports"),
    output:
        figure=paper.figure("worst_case_support"),
    log:
        paper.log("figure_worst_case_support"),
    benchmark:
        paper.benchmark("figure_worst_case_support")
    params:
        **paper.script("figure_worst_case_support"),


use rule figure as sparse_regression_random_support_runtime with:
    """Figure: time against the number of columns."""
    input:
        **paper.stores("times"),
    output:
        figure=paper.figure("runtime"),
    log:
        paper.log("figure_runtime"),
    benchmark:
        paper.benchmark("figure_runtime")
    params:
        **paper.script("figure_runtime"),


use rule figure as sparse_regression_random_support_ablation with:
    """Figure: what each half of the preconditioner does, and how large it must be."""
    input:
        **paper.stores("sizes", "bases"),
        designs=expand(paper.store("design_{design}"), design=SPARSE_REGRESSION_RANDOM_SUPPORT_DESIGNS),
    output:
        figure=paper.figure("ablation"),
    log:
        paper.log("figure_ablation"),
    benchmark:
        paper.benchmark("figure_ablation")
    params:
        **paper.script("figure_ablation"),


use rule claims as sparse_regression_random_support_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores("conditions", "sizes", "bases", "rows", "supports", "lemma", "times"),
        designs=expand(paper.store("design_{design}"), design=SPARSE_REGRESSION_RANDOM_SUPPORT_DESIGNS),
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


rule sparse_regression_random_support:
    """The paper on sparse regression with random supports: all its figures and claims."""
    input:
        paper.everything(),
