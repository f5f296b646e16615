# Invariant representations: spans of covariances, exact and approximate invariance, samples, scope.


use rule stage as pac_invariance_measure_spans with:
    """Measure the dimension of spans of covariances."""
    output:
        store=paper.store("spans"),
    log:
        paper.log("spans"),
    benchmark:
        paper.benchmark("spans")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("spans"),
        **paper.script("measure_spans"),
        root_seed=paper.root_seed,


use rule stage as pac_invariance_find_transitions with:
    """Search for exactly invariant representations that do not generalise."""
    output:
        store=paper.store("transitions"),
    log:
        paper.log("transitions"),
    benchmark:
        paper.benchmark("transitions")
    priority: 90
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("transitions"),
        **paper.script("find_transitions"),
        root_seed=paper.root_seed,


use rule stage as pac_invariance_search_uniformly with:
    """Search for the worst invariant head."""
    output:
        store=paper.store("uniform"),
    log:
        paper.log("uniform"),
    benchmark:
        paper.benchmark("uniform")
    priority: 80
    resources:
        mem_mb=mem(8000 if config["scale"] == "paper" else 1000),
        runtime=minutes(1400),
    params:
        **paper.params("uniform"),
        **paper.script("search_uniformly"),
        root_seed=paper.root_seed,


use rule pac_invariance_search_uniformly as pac_invariance_search_widely with:
    """The same, at equal coverage in all dimensions."""
    output:
        store=paper.store("uniform_wide"),
    log:
        paper.log("uniform_wide"),
    benchmark:
        paper.benchmark("uniform_wide")
    params:
        **paper.params("uniform_wide"),


use rule pac_invariance_search_uniformly as pac_invariance_search_cancelling with:
    """The same, where paths cancel."""
    output:
        store=paper.store("uniform_cancelling"),
    log:
        paper.log("uniform_cancelling"),
    benchmark:
        paper.benchmark("uniform_cancelling")
    params:
        **paper.params("uniform_cancelling"),


use rule stage as pac_invariance_cancel_paths with:
    """Measure gradients on a child that cancelling paths hide."""
    output:
        store=paper.store("cancelled"),
    log:
        paper.log("cancelled"),
    benchmark:
        paper.benchmark("cancelled")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("cancelled"),
        **paper.script("cancel_paths"),
        root_seed=paper.root_seed,


use rule stage as pac_invariance_measure_gaps with:
    """Measure errors of empirical gradients."""
    output:
        store=paper.store("gaps"),
    log:
        paper.log("gaps"),
    benchmark:
        paper.benchmark("gaps")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("gaps"),
        **paper.script("measure_gaps"),
        root_seed=paper.root_seed,


use rule stage as pac_invariance_fix_heads with:
    """Measure violations of the heads of fixed programmes."""
    output:
        store=paper.store("heads"),
    log:
        paper.log("heads"),
    benchmark:
        paper.benchmark("heads")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("heads"),
        **paper.script("fix_heads"),
        root_seed=paper.root_seed,


use rule stage as pac_invariance_search_samples with:
    """Search for heads on finite samples."""
    output:
        store=paper.store("samples"),
    log:
        paper.log("samples"),
    benchmark:
        paper.benchmark("samples")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("samples"),
        **paper.script("search_samples"),
        root_seed=paper.root_seed,


use rule stage as pac_invariance_shift_families with:
    """Judge invariant heads on a wider family."""
    output:
        store=paper.store("shift"),
    log:
        paper.log("shift"),
    benchmark:
        paper.benchmark("shift")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("shift"),
        **paper.script("shift_families"),
        root_seed=paper.root_seed,


use rule stage as pac_invariance_check_stability with:
    """Compare violations with their certificates."""
    output:
        store=paper.store("stability"),
    log:
        paper.log("stability"),
    benchmark:
        paper.benchmark("stability")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("stability"),
        **paper.script("check_stability"),
        root_seed=paper.root_seed,


use rule stage as pac_invariance_find_invariant with:
    """Find invariant subsets of a table of your own."""
    input:
        rows=paper.data("environment_table"),
    output:
        store=paper.store("own"),
    log:
        paper.log("own"),
    benchmark:
        paper.benchmark("own")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("find"),
        **paper.script("find_invariant"),


use rule figure as pac_invariance_rank with:
    """Figure: dimension of the span of covariances."""
    input:
        **paper.stores("spans"),
    output:
        figure=paper.figure("rank"),
    log:
        paper.log("figure_rank"),
    benchmark:
        paper.benchmark("figure_rank")
    params:
        **paper.script("figure_rank"),


use rule figure as pac_invariance_transition with:
    """Figure: exact invariance against the number of interventions."""
    input:
        **paper.stores("transitions"),
    output:
        figure=paper.figure("transition"),
    log:
        paper.log("figure_transition"),
    benchmark:
        paper.benchmark("figure_transition")
    params:
        **paper.script("figure_transition"),


use rule figure as pac_invariance_uniform with:
    """Figure: the worst invariant head."""
    input:
        **paper.stores("uniform", "uniform_wide"),
    output:
        figure=paper.figure("uniform"),
    log:
        paper.log("figure_uniform"),
    benchmark:
        paper.benchmark("figure_uniform")
    params:
        **paper.script("figure_uniform"),


use rule figure as pac_invariance_samples with:
    """Figure: empirical against population gradients."""
    input:
        **paper.stores("gaps"),
    output:
        figure=paper.figure("samples"),
    log:
        paper.log("figure_samples"),
    benchmark:
        paper.benchmark("figure_samples")
    params:
        **paper.script("figure_samples"),


use rule figure as pac_invariance_latent with:
    """Figure: indirect observation."""
    input:
        **paper.stores("spans", "transitions"),
    output:
        figure=paper.figure("latent"),
    log:
        paper.log("figure_latent"),
    benchmark:
        paper.benchmark("figure_latent")
    params:
        **paper.script("figure_latent"),


use rule figure as pac_invariance_faithfulness with:
    """Figure: a child that its parent does not show."""
    input:
        **paper.stores("cancelled", "uniform_cancelling"),
    output:
        figure=paper.figure("faithfulness"),
    log:
        paper.log("figure_faithfulness"),
    benchmark:
        paper.benchmark("figure_faithfulness")
    params:
        **paper.script("figure_faithfulness"),


use rule figure as pac_invariance_finite_samples with:
    """Figure: finite samples, end to end."""
    input:
        **paper.stores("samples"),
    output:
        figure=paper.figure("finite_samples"),
    log:
        paper.log("figure_finite_samples"),
    benchmark:
        paper.benchmark("figure_finite_samples")
    params:
        **paper.script("figure_finite_samples"),


use rule figure as pac_invariance_scope with:
    """Figure: a fixed programme, and a wider family."""
    input:
        **paper.stores("heads", "shift"),
    output:
        figure=paper.figure("scope"),
    log:
        paper.log("figure_scope"),
    benchmark:
        paper.benchmark("figure_scope")
    params:
        **paper.script("figure_scope"),


use rule claims as pac_invariance_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores(
            "spans",
            "transitions",
            "uniform",
            "uniform_wide",
            "uniform_cancelling",
            "cancelled",
            "gaps",
            "heads",
            "samples",
            "shift",
            "stability",
        ),
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


rule pac_invariance:
    """The paper on generalisation of invariant representations: all its figures and claims."""
    input:
        paper.everything(),
