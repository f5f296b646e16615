# Least squares on determinantal points: exact identities, errors of designs, points needed, conditioning, strong norms.


use rule stage as dpp_least_squares_find_sizes_bases with:
    """Find how many points each strategy needs, basis by basis."""
    output:
        store=paper.store("sizes_bases"),
    log:
        paper.log("sizes_bases"),
    benchmark:
        paper.benchmark("sizes_bases")
    priority: 90
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(600),
    params:
        **paper.params("sizes_bases"),
        **paper.script("find_sizes"),
        root_seed=paper.root_seed,


use rule stage as dpp_least_squares_fit_repeated_designs with:
    """Fit on repeated processes, conditioned ones among them."""
    output:
        store=paper.store("designs_repeated"),
    log:
        paper.log("designs_repeated"),
    benchmark:
        paper.benchmark("designs_repeated")
    priority: 80
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(600),
    params:
        **paper.params("designs_repeated"),
        **paper.script("fit_designs"),
        root_seed=paper.root_seed,


use rule stage as dpp_least_squares_check_identities_bases with:
    """Check the identities of the sampling laws on further bases."""
    output:
        store=paper.store("identities_bases"),
    log:
        paper.log("identities_bases"),
    benchmark:
        paper.benchmark("identities_bases")
    priority: 70
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(600),
    params:
        **paper.params("identities_bases"),
        **paper.script("check_identities"),
        root_seed=paper.root_seed,


use rule stage as dpp_least_squares_find_sizes_growth with:
    """Find how many points each strategy needs as the space grows."""
    output:
        store=paper.store("sizes_growth"),
    log:
        paper.log("sizes_growth"),
    benchmark:
        paper.benchmark("sizes_growth")
    priority: 60
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(600),
    params:
        **paper.params("sizes_growth"),
        **paper.script("find_sizes"),
        root_seed=paper.root_seed,


use rule stage as dpp_least_squares_fit_independent_designs with:
    """Fit on independent points, conditioned ones among them."""
    output:
        store=paper.store("designs_independent"),
    log:
        paper.log("designs_independent"),
    benchmark:
        paper.benchmark("designs_independent")
    priority: 50
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(600),
    params:
        **paper.params("designs_independent"),
        **paper.script("fit_designs"),
        root_seed=paper.root_seed,


use rule stage as dpp_least_squares_fit_volume_designs with:
    """Fit on volume samples."""
    output:
        store=paper.store("designs_volume"),
    log:
        paper.log("designs_volume"),
    benchmark:
        paper.benchmark("designs_volume")
    priority: 40
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(600),
    params:
        **paper.params("designs_volume"),
        **paper.script("fit_designs"),
        root_seed=paper.root_seed,


use rule stage as dpp_least_squares_check_identities with:
    """Check the identities of the sampling laws on the Legendre basis."""
    output:
        store=paper.store("identities"),
    log:
        paper.log("identities"),
    benchmark:
        paper.benchmark("identities")
    priority: 40
    resources:
        mem_mb=mem(1500, laptop=800),
        runtime=minutes(600),
    params:
        **paper.params("identities"),
        **paper.script("check_identities"),
        root_seed=paper.root_seed,


use rule stage as dpp_least_squares_condition_designs with:
    """Condition designs by rejection and hold failures and errors against their bounds."""
    output:
        store=paper.store("conditioning"),
    log:
        paper.log("conditioning"),
    benchmark:
        paper.benchmark("conditioning")
    priority: 40
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(600),
    params:
        **paper.params("conditioning"),
        **paper.script("condition_designs"),
        root_seed=paper.root_seed,


use rule stage as dpp_least_squares_grow_spaces with:
    """Fit while the space grows."""
    output:
        store=paper.store("growth"),
    log:
        paper.log("growth"),
    benchmark:
        paper.benchmark("growth")
    priority: 40
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(600),
    params:
        **paper.params("growth"),
        **paper.script("grow_spaces"),
        root_seed=paper.root_seed,


use rule stage as dpp_least_squares_bound_errors with:
    """Hold errors against almost-sure bounds in stronger norms."""
    output:
        store=paper.store("bounds"),
    log:
        paper.log("bounds"),
    benchmark:
        paper.benchmark("bounds")
    priority: 40
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(600),
    params:
        **paper.params("bounds"),
        **paper.script("bound_errors"),
        root_seed=paper.root_seed,


use rule stage as dpp_least_squares_map_stability with:
    """Map the share of stable designs over m and n."""
    output:
        store=paper.store("stability"),
    log:
        paper.log("stability"),
    benchmark:
        paper.benchmark("stability")
    priority: 70
    resources:
        mem_mb=mem(1500),
        runtime=minutes(600),
    params:
        **paper.params("stability"),
        **paper.script("map_stability"),
        root_seed=paper.root_seed,


use rule stage as dpp_least_squares_compare_errors with:
    """Compare relative errors as the paper's table does."""
    output:
        store=paper.store("errors"),
    log:
        paper.log("errors"),
    benchmark:
        paper.benchmark("errors")
    priority: 60
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(600),
    params:
        **paper.params("errors"),
        **paper.script("compare_errors"),
        root_seed=paper.root_seed,


use rule stage as dpp_least_squares_measure_rates with:
    """Measure rates of errors without conditioning, and tails of the smallest eigenvalue."""
    output:
        store=paper.store("rates"),
    log:
        paper.log("rates"),
    benchmark:
        paper.benchmark("rates")
    priority: 60
    resources:
        mem_mb=mem(1500, laptop=700),
        runtime=minutes(600),
    params:
        **paper.params("rates"),
        **paper.script("measure_rates"),
        root_seed=paper.root_seed,


use rule stage as dpp_least_squares_save_evaluations with:
    """Remove points from stable designs, and recycle points in nested spaces."""
    output:
        store=paper.store("evaluations"),
    log:
        paper.log("evaluations"),
    benchmark:
        paper.benchmark("evaluations")
    priority: 70
    resources:
        mem_mb=mem(1500),
        runtime=minutes(600),
    params:
        **paper.params("evaluations"),
        **paper.script("save_evaluations"),
        root_seed=paper.root_seed,


use rule figure as dpp_least_squares_points with:
    """Figure: points of each strategy below their densities."""
    input:
        independent=paper.store("designs_independent"),
        volume=paper.store("designs_volume"),
        repeated=paper.store("designs_repeated"),
    output:
        figure=paper.figure("points"),
    log:
        paper.log("figure_points"),
    benchmark:
        paper.benchmark("figure_points")
    params:
        **paper.script("figure_points"),


use rule figure as dpp_least_squares_lambda_min with:
    """Figure: smallest eigenvalue of the Gram matrix against n."""
    input:
        independent=paper.store("designs_independent"),
        volume=paper.store("designs_volume"),
        repeated=paper.store("designs_repeated"),
    output:
        figure=paper.figure("lambda_min"),
    log:
        paper.log("figure_lambda_min"),
    benchmark:
        paper.benchmark("figure_lambda_min")
    params:
        **paper.script("figure_lambda_min"),


use rule figure as dpp_least_squares_error_n with:
    """Figure: root mean square and median error against n."""
    input:
        independent=paper.store("designs_independent"),
        volume=paper.store("designs_volume"),
        repeated=paper.store("designs_repeated"),
    output:
        figure=paper.figure("error_n"),
    log:
        paper.log("figure_error_n"),
    benchmark:
        paper.benchmark("figure_error_n")
    params:
        **paper.script("figure_error_n"),


use rule figure as dpp_least_squares_min_n with:
    """Figure: points needed against m, and for each basis."""
    input:
        growth=paper.store("sizes_growth"),
        bases=paper.store("sizes_bases"),
    output:
        figure=paper.figure("min_n"),
    log:
        paper.log("figure_min_n"),
    benchmark:
        paper.benchmark("figure_min_n")
    params:
        **paper.script("figure_min_n"),


use rule figure as dpp_least_squares_error_m with:
    """Figure: error while the space grows."""
    input:
        growth=paper.store("growth"),
    output:
        figure=paper.figure("error_m"),
    log:
        paper.log("figure_error_m"),
    benchmark:
        paper.benchmark("figure_error_m")
    params:
        **paper.script("figure_error_m"),


use rule figure as dpp_least_squares_conditioning with:
    """Figure: tries and errors of conditioned designs, failures of independent points."""
    input:
        conditioning=paper.store("conditioning"),
    output:
        figure=paper.figure("conditioning"),
    log:
        paper.log("figure_conditioning"),
    benchmark:
        paper.benchmark("figure_conditioning")
    params:
        **paper.script("figure_conditioning"),


use rule figure as dpp_least_squares_h_norm with:
    """Figure: errors over their bounds in stronger norms."""
    input:
        bounds=paper.store("bounds"),
    output:
        figure=paper.figure("h_norm"),
    log:
        paper.log("figure_h_norm"),
    benchmark:
        paper.benchmark("figure_h_norm")
    params:
        **paper.script("figure_h_norm"),


use rule figure as dpp_least_squares_heatmap_uniform with:
    """Figure: stable designs, uniform measure."""
    input:
        stability=paper.store("stability"),
    output:
        figure=paper.figure("heatmap_uniform"),
    log:
        paper.log("figure_heatmap_uniform"),
    benchmark:
        paper.benchmark("figure_heatmap_uniform")
    params:
        **paper.script("figure_heatmap"),
        family="legendre",


use rule figure as dpp_least_squares_heatmap_gaussian with:
    """Figure: stable designs, normal law."""
    input:
        stability=paper.store("stability"),
    output:
        figure=paper.figure("heatmap_gaussian"),
    log:
        paper.log("figure_heatmap_gaussian"),
    benchmark:
        paper.benchmark("figure_heatmap_gaussian")
    params:
        **paper.script("figure_heatmap"),
        family="hermite",


use rule figure as dpp_least_squares_histograms with:
    """Figure: distributions of the relative error."""
    input:
        errors=paper.store("errors"),
    output:
        figure=paper.figure("histograms"),
    log:
        paper.log("figure_histograms"),
    benchmark:
        paper.benchmark("figure_histograms")
    params:
        **paper.script("figure_histograms"),


use rule figure as dpp_least_squares_rates with:
    """Figure: rates of errors without conditioning, and tails of the smallest eigenvalue."""
    input:
        rates=paper.store("rates"),
    output:
        figure=paper.figure("rates"),
    log:
        paper.log("figure_rates"),
    benchmark:
        paper.benchmark("figure_rates")
    params:
        **paper.script("figure_rates"),


use rule figure as dpp_least_squares_evaluations with:
    """Figure: greedy removal of points, and recycled points."""
    input:
        evaluations=paper.store("evaluations"),
    output:
        figure=paper.figure("evaluations"),
    log:
        paper.log("figure_evaluations"),
    benchmark:
        paper.benchmark("figure_evaluations")
    params:
        **paper.script("figure_evaluations"),


use rule table as dpp_least_squares_table1 with:
    """Table: relative errors beside the paper's table."""
    input:
        errors=paper.store("errors"),
    output:
        table=paper.table("table1"),
    log:
        paper.log("table_table1"),
    benchmark:
        paper.benchmark("table_table1")
    params:
        **paper.script("table_table1"),


use rule table as dpp_least_squares_quantiles with:
    """Table: mean and quantiles of the error by strategy, function and n."""
    input:
        independent=paper.store("designs_independent"),
        volume=paper.store("designs_volume"),
        repeated=paper.store("designs_repeated"),
    output:
        table=paper.table("quantiles"),
    log:
        paper.log("table_quantiles"),
    benchmark:
        paper.benchmark("table_quantiles")
    params:
        **paper.script("table_quantiles"),


use rule claims as dpp_least_squares_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores("identities", "identities_bases"),
        **paper.stores("conditioning", "sizes_growth", "sizes_bases", "growth", "bounds", "errors", "rates"),
        independent=paper.store("designs_independent"),
        volume=paper.store("designs_volume"),
        repeated=paper.store("designs_repeated"),
    output:
        claims=paper.claims(),
    log:
        paper.log("claims"),
    benchmark:
        paper.benchmark("claims")
    params:
        **paper.script("claims"),
        **paper.judging(),


rule dpp_least_squares:
    """The paper on least squares with determinantal points: all its figures and claims."""
    input:
        paper.everything(),
