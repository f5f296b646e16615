# Misspecified linear bandits: nets and elimination, designs, hard families, the Lasso.


use rule stage as misspecified_bandits_count_nets with:
    """Count the points of sparse and dense nets."""
    output:
        store=paper.store("nets"),
    log:
        paper.log("nets"),
    benchmark:
        paper.benchmark("nets")
    priority: 40
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("nets"),
        **paper.script("count_nets"),


use rule stage as misspecified_bandits_run_guarantee with:
    """Eliminate on nets, on instances with three kinds of errors."""
    output:
        store=paper.store("guarantee"),
    log:
        paper.log("guarantee"),
    benchmark:
        paper.benchmark("guarantee")
    priority: 90
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("guarantee"),
        **paper.script("run_elimination"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_run_fitted_supports with:
    """Eliminate fitted supports."""
    output:
        store=paper.store("fitted"),
    log:
        paper.log("fitted"),
    benchmark:
        paper.benchmark("fitted")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("fitted"),
        **paper.script("run_elimination"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_count_queries with:
    """Count the queries of elimination as the dimension and the radius change."""
    output:
        store=paper.store("queries"),
    log:
        paper.log("queries"),
    benchmark:
        paper.benchmark("queries")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("queries"),
        **paper.script("run_elimination"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_count_queries_far with:
    """Count the queries of elimination in many dimensions."""
    output:
        store=paper.store("queries_far"),
    log:
        paper.log("queries_far"),
    benchmark:
        paper.benchmark("queries_far")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("queries_far"),
        **paper.script("run_elimination"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_run_large_pairs with:
    """Eliminate on one large instance of sparsity 2."""
    output:
        store=paper.store("large_pairs"),
    log:
        paper.log("large_pairs"),
    benchmark:
        paper.benchmark("large_pairs")
    priority: 95
    resources:
        mem_mb=mem(3000 if config["scale"] == "paper" else 1000),
        runtime=minutes(1500),
        gpu=gpus(config["scale"] == "paper"),
    params:
        **paper.params("large_pairs"),
        **paper.script("run_large"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_run_large_triples with:
    """Eliminate on one large instance of sparsity 3."""
    output:
        store=paper.store("large_triples"),
    log:
        paper.log("large_triples"),
    benchmark:
        paper.benchmark("large_triples")
    priority: 95
    resources:
        mem_mb=mem(16000 if config["scale"] == "paper" else 1000),
        runtime=minutes(1500),
        gpu=gpus(config["scale"] == "paper"),
    params:
        **paper.params("large_triples"),
        **paper.script("run_large"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_hide_in_packings_far with:
    """Pack nearly orthogonal sign vectors, and search for needles among them."""
    output:
        store=paper.store("packings_far"),
    log:
        paper.log("packings_far"),
    benchmark:
        paper.benchmark("packings_far")
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("packings_far"),
        **paper.script("hide_in_packings"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_hide_in_packings_near with:
    """Pack sign vectors in few dimensions, and search for needles among them."""
    output:
        store=paper.store("packings_near"),
    log:
        paper.log("packings_near"),
    benchmark:
        paper.benchmark("packings_near")
    priority: 70
    resources:
        mem_mb=mem(4000 if config["scale"] == "paper" else 1000),
        runtime=minutes(120),
    params:
        **paper.params("packings_near"),
        **paper.script("hide_in_packings"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_hide_in_signs with:
    """Hide needles among random sign vectors."""
    output:
        store=paper.store("signs"),
    log:
        paper.log("signs"),
    benchmark:
        paper.benchmark("signs")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("signs"),
        **paper.script("hide_in_signs"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_fit_decoys with:
    """Run the algorithms on decoys for least squares."""
    output:
        store=paper.store("decoys"),
    log:
        paper.log("decoys"),
    benchmark:
        paper.benchmark("decoys")
    priority: 40
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("decoys"),
        **paper.script("fit_decoys"),


use rule stage as misspecified_bandits_attain_errors with:
    """Give least squares on a design the errors that hurt it most."""
    output:
        store=paper.store("attained"),
    log:
        paper.log("attained"),
    benchmark:
        paper.benchmark("attained")
    priority: 40
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("attained"),
        **paper.script("attain_errors"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_face_adversary with:
    """Compare all algorithms where errors are aligned with the design."""
    output:
        store=paper.store("adversary"),
    log:
        paper.log("adversary"),
    benchmark:
        paper.benchmark("adversary")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("adversary"),
        **paper.script("compare_algorithms"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_compare_on_spheres with:
    """Compare all algorithms on random spheres."""
    output:
        store=paper.store("spheres"),
    log:
        paper.log("spheres"),
    benchmark:
        paper.benchmark("spheres")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("spheres"),
        **paper.script("compare_algorithms"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_hide_in_codes with:
    """Hide needles in codes of polynomials."""
    output:
        store=paper.store("codes"),
    log:
        paper.log("codes"),
    benchmark:
        paper.benchmark("codes")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("codes"),
        **paper.script("hide_in_codes"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_fit_lasso with:
    """Fit the Lasso to well-conditioned features."""
    output:
        store=paper.store("lasso"),
    log:
        paper.log("lasso"),
    benchmark:
        paper.benchmark("lasso")
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("lasso"),
        **paper.script("fit_lasso"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_fit_correlated with:
    """Fit the Lasso to correlated features."""
    output:
        store=paper.store("correlated"),
    log:
        paper.log("correlated"),
    benchmark:
        paper.benchmark("correlated")
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("correlated"),
        **paper.script("fit_correlated"),
        root_seed=paper.root_seed,


use rule stage as misspecified_bandits_choose_action with:
    """Say which action of a table of your own to try next, or which to keep."""
    input:
        rows=paper.data("action_table"),
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
        **paper.script("choose_action"),


use rule figure as misspecified_bandits_net with:
    """Figure: sizes of nets, and queries made."""
    input:
        **paper.stores("nets", "queries", "large_pairs", "large_triples"),
    output:
        figure=paper.figure("net"),
    log:
        paper.log("figure_net"),
    benchmark:
        paper.benchmark("figure_net")
    params:
        **paper.script("figure_net"),


use rule figure as misspecified_bandits_gap with:
    """Figure: gap of each algorithm against the dimension."""
    input:
        **paper.stores("decoys", "spheres"),
    output:
        figure=paper.figure("gap"),
    log:
        paper.log("figure_gap"),
    benchmark:
        paper.benchmark("figure_gap")
    params:
        **paper.script("figure_gap"),


use rule figure as misspecified_bandits_dense with:
    """Figure: queries in the dense and in the sparse class."""
    input:
        packings=paper.store("packings_far"),
        queries=paper.store("queries_far"),
        nets=paper.store("nets"),
    output:
        figure=paper.figure("dense"),
    log:
        paper.log("figure_dense"),
    benchmark:
        paper.benchmark("figure_dense")
    params:
        **paper.script("figure_dense"),


use rule figure as misspecified_bandits_needle with:
    """Figure: queries until the needle is played."""
    input:
        near=paper.store("packings_near"),
        far=paper.store("packings_far"),
    output:
        figure=paper.figure("needle"),
    log:
        paper.log("figure_needle"),
    benchmark:
        paper.benchmark("figure_needle")
    params:
        **paper.script("figure_needle"),


use rule figure as misspecified_bandits_delta with:
    """Figure: codes that hide s^delta eps, and the Lasso at delta = 1."""
    input:
        **paper.stores("codes", "lasso"),
    output:
        figure=paper.figure("delta"),
    log:
        paper.log("figure_delta"),
    benchmark:
        paper.benchmark("figure_delta")
    params:
        **paper.script("figure_delta"),


use rule figure as misspecified_bandits_tradeoff with:
    """Figure: gap against queries."""
    input:
        **paper.stores("adversary", "spheres"),
    output:
        figure=paper.figure("tradeoff"),
    log:
        paper.log("figure_tradeoff"),
    benchmark:
        paper.benchmark("figure_tradeoff")
    params:
        **paper.script("figure_tradeoff"),


use rule claims as misspecified_bandits_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores(
            "guarantee", "fitted", "queries", "queries_far", "packings_far", "packings_near", "signs", "decoys"
        ),
        **paper.stores("attained", "adversary", "spheres", "codes", "lasso", "correlated"),
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


rule misspecified_bandits:
    """The paper on misspecified linear bandits: all its figures and claims."""
    input:
        paper.everything(),
