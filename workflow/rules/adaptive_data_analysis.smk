# Preserving statistical validity in adaptive data analysis: attacks, mechanisms, transfer, holdouts, screening.


use rule stage as adaptive_data_analysis_attack_signs with:
    """Run the sign attack against empirical means and noise."""
    output:
        store=paper.store("signs"),
    log:
        paper.log("signs"),
    benchmark:
        paper.benchmark("signs")
    params:
        **paper.params("signs"),
        **paper.script("attack_signs"),
        root_seed=paper.root_seed,


use rule stage as adaptive_data_analysis_count_queries with:
    """Count the adaptive queries that each mechanism supports, one number of samples."""
    output:
        store=paper.store("counts_{size}"),
    log:
        paper.log("counts_{size}"),
    benchmark:
        paper.benchmark("counts_{size}")
    priority: 50
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("counts", "tau", "noises", "laplace_noises", "growth", "success", "repetitions", "largest_ratio"),
        **paper.script("count_queries"),
        root_seed=paper.root_seed,


use rule stage as adaptive_data_analysis_reconstruct_small with:
    """Reconstruct a histogram from adaptive answers, one setting."""
    output:
        store=paper.store("reconstruct_small"),
    log:
        paper.log("reconstruct_small"),
    benchmark:
        paper.benchmark("reconstruct_small")
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(240),
    params:
        **paper.params("reconstruct_small"),
        **paper.script("reconstruct"),
        root_seed=paper.root_seed,


use rule adaptive_data_analysis_reconstruct_small as adaptive_data_analysis_reconstruct_large with:
    output:
        store=paper.store("reconstruct_large"),
    log:
        paper.log("reconstruct_large"),
    benchmark:
        paper.benchmark("reconstruct_large")
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(1800),  # at paper scale about an hour for each of twenty seeds
    params:
        **paper.params("reconstruct_large"),


use rule adaptive_data_analysis_reconstruct_small as adaptive_data_analysis_reconstruct_few with:
    output:
        store=paper.store("reconstruct_few"),
    log:
        paper.log("reconstruct_few"),
    benchmark:
        paper.benchmark("reconstruct_few")
    params:
        **paper.params("reconstruct_few"),


use rule adaptive_data_analysis_reconstruct_small as adaptive_data_analysis_reconstruct_certified with:
    output:
        store=paper.store("reconstruct_certified"),
    log:
        paper.log("reconstruct_certified"),
    benchmark:
        paper.benchmark("reconstruct_certified")
    params:
        **paper.params("reconstruct_certified"),


use rule stage as adaptive_data_analysis_select_privately with:
    """Choose queries by the exponential mechanism: bias against epsilon."""
    output:
        store=paper.store("transfer"),
    log:
        paper.log("transfer"),
    benchmark:
        paper.benchmark("transfer")
    params:
        **paper.params("transfer"),
        **paper.script("transfer"),
        root_seed=paper.root_seed,


use rule stage as adaptive_data_analysis_reuse_holdout with:
    """Select features with a plain and with a reusable holdout."""
    output:
        store=paper.store("holdout"),
    log:
        paper.log("holdout"),
    benchmark:
        paper.benchmark("holdout")
    resources:
        mem_mb=mem(2000, laptop=800),
        runtime=minutes(120),
    params:
        **paper.params("holdout"),
        **paper.script("reuse_holdout"),
        root_seed=paper.root_seed,


use rule stage as adaptive_data_analysis_reuse_holdout_on_table with:
    """The same on the user's table (data.labelled_table); asked for by name only."""
    input:
        table=paper.data("labelled_table"),
    output:
        store=paper.store("holdout_on_table"),
    log:
        paper.log("holdout_on_table"),
    benchmark:
        paper.benchmark("holdout_on_table")
    resources:
        mem_mb=mem(4000),
        runtime=minutes(120),
    params:
        **paper.params("holdout", "counts", "seeds"),
        **paper.script("reuse_holdout_on_table"),
        root_seed=paper.root_seed,


use rule stage as adaptive_data_analysis_validate with:
    """Verify streams of guesses, and answer in effective rounds."""
    output:
        store=paper.store("checks"),
    log:
        paper.log("checks"),
    benchmark:
        paper.benchmark("checks")
    params:
        **paper.params("checks"),
        **paper.script("validate"),
        root_seed=paper.root_seed,


use rule stage as adaptive_data_analysis_screen with:
    """Screen variables on the data that judge them."""
    output:
        store=paper.store("screen"),
    log:
        paper.log("screen"),
    benchmark:
        paper.benchmark("screen")
    params:
        **paper.params("screen"),
        **paper.script("screen"),
        root_seed=paper.root_seed,


use rule stage as adaptive_data_analysis_audit_privacy with:
    """Try to tell neighbouring data sets apart by each mechanism's outputs."""
    output:
        store=paper.store("audit"),
    log:
        paper.log("audit"),
    benchmark:
        paper.benchmark("audit")
    params:
        **paper.params("audit"),
        **paper.script("audit_privacy"),
        root_seed=paper.root_seed,


use rule figure as adaptive_data_analysis_error_vs_m with:
    """Figure: largest error over all queries against their number."""
    input:
        small=paper.store("reconstruct_small"),
        large=paper.store("reconstruct_large"),
    output:
        figure=paper.figure("error_vs_m"),
    log:
        paper.log("figure_error_vs_m"),
    benchmark:
        paper.benchmark("figure_error_vs_m")
    params:
        **paper.script("figure_error_vs_m"),
        pass_bound=paper.value("reference", "largest_error"),


use rule figure as adaptive_data_analysis_max_queries with:
    """Figure: queries tolerated against samples."""
    input:
        counts=expand(paper.store("counts_{size}"), size=paper.value("counts", "sizes")),
        small=paper.store("reconstruct_small"),
    output:
        figure=paper.figure("max_queries"),
    log:
        paper.log("figure_max_queries"),
    benchmark:
        paper.benchmark("figure_max_queries")
    params:
        **paper.script("figure_max_queries"),


use rule figure as adaptive_data_analysis_attack_prediction with:
    """Figure: the sign attack measured and predicted."""
    input:
        signs=paper.store("signs"),
    output:
        figure=paper.figure("attack_prediction"),
    log:
        paper.log("figure_attack_prediction"),
    benchmark:
        paper.benchmark("figure_attack_prediction")
    params:
        **paper.script("figure_attack_prediction"),


use rule figure as adaptive_data_analysis_updates with:
    """Figure: updates of private multiplicative weights."""
    input:
        small=paper.store("reconstruct_small"),
        large=paper.store("reconstruct_large"),
    output:
        figure=paper.figure("updates"),
    log:
        paper.log("figure_updates"),
    benchmark:
        paper.benchmark("figure_updates")
    params:
        **paper.script("figure_updates"),


use rule figure as adaptive_data_analysis_transfer with:
    """Figure: bias of private selection."""
    input:
        transfer=paper.store("transfer"),
    output:
        figure=paper.figure("transfer"),
    log:
        paper.log("figure_transfer"),
    benchmark:
        paper.benchmark("figure_transfer")
    params:
        **paper.script("figure_transfer"),


use rule figure as adaptive_data_analysis_noise_tradeoff with:
    """Figure: largest error against the noise."""
    input:
        signs=paper.store("signs"),
    output:
        figure=paper.figure("noise_tradeoff"),
    log:
        paper.log("figure_noise_tradeoff"),
    benchmark:
        paper.benchmark("figure_noise_tradeoff")
    params:
        **paper.script("figure_noise_tradeoff"),


use rule figure as adaptive_data_analysis_thresholdout with:
    """Figure: accuracy told by holdouts and on fresh data."""
    input:
        holdout=paper.store("holdout"),
    output:
        figure=paper.figure("thresholdout"),
    log:
        paper.log("figure_thresholdout"),
    benchmark:
        paper.benchmark("figure_thresholdout")
    params:
        **paper.script("figure_thresholdout"),
        paper=paper.value("reference", "holdout"),


use rule figure as adaptive_data_analysis_certified with:
    """Figure: errors certified and realised."""
    input:
        certified=paper.store("reconstruct_certified"),
    output:
        figure=paper.figure("certified"),
    log:
        paper.log("figure_certified"),
    benchmark:
        paper.benchmark("figure_certified")
    params:
        **paper.script("figure_certified"),


use rule figure as adaptive_data_analysis_freedman with:
    """Figure: screened regressions on noise."""
    input:
        screen=paper.store("screen"),
    output:
        figure=paper.figure("freedman"),
    log:
        paper.log("figure_freedman"),
    benchmark:
        paper.benchmark("figure_freedman")
    params:
        **paper.script("figure_freedman"),


use rule figure as adaptive_data_analysis_rounds with:
    """Figure: effective rounds under the sign attack."""
    input:
        checks=paper.store("checks"),
    output:
        figure=paper.figure("rounds"),
    log:
        paper.log("figure_rounds"),
    benchmark:
        paper.benchmark("figure_rounds")
    params:
        **paper.script("figure_rounds"),


use rule table as adaptive_data_analysis_table with:
    """Table: mechanisms and what they support."""
    input:
        counts=expand(paper.store("counts_{size}"), size=paper.value("counts", "sizes")),
        small=paper.store("reconstruct_small"),
        audit=paper.store("audit"),
    output:
        table=paper.table("table"),
    log:
        paper.log("table_mechanisms"),
    benchmark:
        paper.benchmark("table_mechanisms")
    params:
        **paper.script("table_mechanisms"),


use rule claims as adaptive_data_analysis_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores("transfer", "holdout", "checks", "screen", "audit"),
        signs=paper.store("signs"),
        counts=expand(paper.store("counts_{size}"), size=paper.value("counts", "sizes")),
        small=paper.store("reconstruct_small"),
        large=paper.store("reconstruct_large"),
        few=paper.store("reconstruct_few"),
        certified=paper.store("reconstruct_certified"),
    output:
        claims=paper.claims(),
    log:
        paper.log("claims"),
    benchmark:
        paper.benchmark("claims")
    params:
        **paper.script("claims"),
        **paper.judging(),


rule adaptive_data_analysis:
    """The paper on adaptive data analysis: all its figures and claims."""
    input:
        paper.everything(),
