# Preserving statistical validity in adaptive data analysis: attacks, mechanisms, transfer, holdouts, screening.
ADA = Paper("adaptive_data_analysis")


rule adaptive_data_analysis_attack_signs:
    """Run the sign attack against empirical means and noise."""
    output:
        store=ADA.store("signs"),
    log:
        ADA.log("signs"),
    benchmark:
        ADA.benchmark("signs")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **ADA.params("signs"),
        root_seed=ADA.root_seed,
        code=ADA.code("attack_signs"),
    script:
        "../scripts/adaptive_data_analysis/attack_signs.py"


rule adaptive_data_analysis_count_queries:
    """Count the adaptive queries that each mechanism supports, one number of samples."""
    output:
        store=ADA.store("counts_{size}"),
    log:
        ADA.log("counts_{size}"),
    benchmark:
        ADA.benchmark("counts_{size}")
    priority: 50
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **ADA.params("counts", "tau", "noises", "laplace_noises", "growth", "success", "repetitions", "largest_ratio"),
        root_seed=ADA.root_seed,
        code=ADA.code("count_queries"),
    script:
        "../scripts/adaptive_data_analysis/count_queries.py"


for run in ("reconstruct_small", "reconstruct_large", "reconstruct_few", "reconstruct_certified"):

    rule:
        """Reconstruct a histogram from adaptive answers, one setting."""
        name:
            f"adaptive_data_analysis_{run}"
        output:
            store=ADA.store(run),
        log:
            ADA.log(run),
        benchmark:
            ADA.benchmark(run)
        conda:
            "../envs/atlas.yaml"
        threads: 1
        resources:
            mem_mb=mem(2000),
            runtime=minutes(240),
        params:
            **ADA.params(run),
            root_seed=ADA.root_seed,
            code=ADA.code("reconstruct"),
        script:
            "../scripts/adaptive_data_analysis/reconstruct.py"


rule adaptive_data_analysis_select_privately:
    """Choose queries by the exponential mechanism: bias against epsilon."""
    output:
        store=ADA.store("transfer"),
    log:
        ADA.log("transfer"),
    benchmark:
        ADA.benchmark("transfer")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **ADA.params("transfer"),
        root_seed=ADA.root_seed,
        code=ADA.code("transfer"),
    script:
        "../scripts/adaptive_data_analysis/transfer.py"


rule adaptive_data_analysis_reuse_holdout:
    """Select features with a plain and with a reusable holdout."""
    output:
        store=ADA.store("holdout"),
    log:
        ADA.log("holdout"),
    benchmark:
        ADA.benchmark("holdout")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(120),
    params:
        **ADA.params("holdout"),
        root_seed=ADA.root_seed,
        code=ADA.code("reuse_holdout"),
    script:
        "../scripts/adaptive_data_analysis/reuse_holdout.py"


rule adaptive_data_analysis_validate:
    """Verify streams of guesses, and answer in effective rounds."""
    output:
        store=ADA.store("checks"),
    log:
        ADA.log("checks"),
    benchmark:
        ADA.benchmark("checks")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **ADA.params("checks"),
        root_seed=ADA.root_seed,
        code=ADA.code("validate"),
    script:
        "../scripts/adaptive_data_analysis/validate.py"


rule adaptive_data_analysis_screen:
    """Screen variables on the data that judge them."""
    output:
        store=ADA.store("screen"),
    log:
        ADA.log("screen"),
    benchmark:
        ADA.benchmark("screen")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **ADA.params("screen"),
        root_seed=ADA.root_seed,
        code=ADA.code("screen"),
    script:
        "../scripts/adaptive_data_analysis/screen.py"


rule adaptive_data_analysis_audit_privacy:
    """Try to tell neighbouring data sets apart by each mechanism's outputs."""
    output:
        store=ADA.store("audit"),
    log:
        ADA.log("audit"),
    benchmark:
        ADA.benchmark("audit")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **ADA.params("audit"),
        root_seed=ADA.root_seed,
        code=ADA.code("audit_privacy"),
    script:
        "../scripts/adaptive_data_analysis/audit_privacy.py"


rule adaptive_data_analysis_error_vs_m:
    """Figure: largest error over all queries against their number."""
    input:
        small=ADA.store("reconstruct_small"),
        large=ADA.store("reconstruct_large"),
    output:
        figure=ADA.figure("error_vs_m"),
    log:
        ADA.log("figure_error_vs_m"),
    benchmark:
        ADA.benchmark("figure_error_vs_m")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ADA.code("figure_error_vs_m"),
    script:
        "../scripts/adaptive_data_analysis/figure_error_vs_m.py"


rule adaptive_data_analysis_max_queries:
    """Figure: queries tolerated against samples."""
    input:
        counts=expand(ADA.store("counts_{size}"), size=ADA.value("counts", "sizes")),
        small=ADA.store("reconstruct_small"),
    output:
        figure=ADA.figure("max_queries"),
    log:
        ADA.log("figure_max_queries"),
    benchmark:
        ADA.benchmark("figure_max_queries")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ADA.code("figure_max_queries"),
    script:
        "../scripts/adaptive_data_analysis/figure_max_queries.py"


rule adaptive_data_analysis_attack_prediction:
    """Figure: the sign attack measured and predicted."""
    input:
        signs=ADA.store("signs"),
    output:
        figure=ADA.figure("attack_prediction"),
    log:
        ADA.log("figure_attack_prediction"),
    benchmark:
        ADA.benchmark("figure_attack_prediction")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ADA.code("figure_attack_prediction"),
    script:
        "../scripts/adaptive_data_analysis/figure_attack_prediction.py"


rule adaptive_data_analysis_updates:
    """Figure: updates of private multiplicative weights."""
    input:
        small=ADA.store("reconstruct_small"),
        large=ADA.store("reconstruct_large"),
    output:
        figure=ADA.figure("updates"),
    log:
        ADA.log("figure_updates"),
    benchmark:
        ADA.benchmark("figure_updates")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ADA.code("figure_updates"),
    script:
        "../scripts/adaptive_data_analysis/figure_updates.py"


rule adaptive_data_analysis_transfer:
    """Figure: bias of private selection."""
    input:
        transfer=ADA.store("transfer"),
    output:
        figure=ADA.figure("transfer"),
    log:
        ADA.log("figure_transfer"),
    benchmark:
        ADA.benchmark("figure_transfer")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ADA.code("figure_transfer"),
    script:
        "../scripts/adaptive_data_analysis/figure_transfer.py"


rule adaptive_data_analysis_noise_tradeoff:
    """Figure: largest error against the noise."""
    input:
        signs=ADA.store("signs"),
    output:
        figure=ADA.figure("noise_tradeoff"),
    log:
        ADA.log("figure_noise_tradeoff"),
    benchmark:
        ADA.benchmark("figure_noise_tradeoff")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ADA.code("figure_noise_tradeoff"),
    script:
        "../scripts/adaptive_data_analysis/figure_noise_tradeoff.py"


rule adaptive_data_analysis_thresholdout:
    """Figure: accuracy told by holdouts and on fresh data."""
    input:
        holdout=ADA.store("holdout"),
    output:
        figure=ADA.figure("thresholdout"),
    log:
        ADA.log("figure_thresholdout"),
    benchmark:
        ADA.benchmark("figure_thresholdout")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ADA.code("figure_thresholdout"),
    script:
        "../scripts/adaptive_data_analysis/figure_thresholdout.py"


rule adaptive_data_analysis_freedman:
    """Figure: screened regressions on noise."""
    input:
        screen=ADA.store("screen"),
    output:
        figure=ADA.figure("freedman"),
    log:
        ADA.log("figure_freedman"),
    benchmark:
        ADA.benchmark("figure_freedman")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ADA.code("figure_freedman"),
    script:
        "../scripts/adaptive_data_analysis/figure_freedman.py"


rule adaptive_data_analysis_rounds:
    """Figure: effective rounds under the sign attack."""
    input:
        checks=ADA.store("checks"),
    output:
        figure=ADA.figure("rounds"),
    log:
        ADA.log("figure_rounds"),
    benchmark:
        ADA.benchmark("figure_rounds")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ADA.code("figure_rounds"),
    script:
        "../scripts/adaptive_data_analysis/figure_rounds.py"


rule adaptive_data_analysis_table:
    """Table: mechanisms and what they support."""
    input:
        counts=expand(ADA.store("counts_{size}"), size=ADA.value("counts", "sizes")),
        small=ADA.store("reconstruct_small"),
        audit=ADA.store("audit"),
    output:
        table=ADA.table("table"),
    log:
        ADA.log("table_mechanisms"),
    benchmark:
        ADA.benchmark("table_mechanisms")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ADA.code("table_mechanisms"),
    script:
        "../scripts/adaptive_data_analysis/table_mechanisms.py"


rule adaptive_data_analysis_measure_claims:
    """Measure every claim of the paper."""
    input:
        signs=ADA.store("signs"),
        counts=expand(ADA.store("counts_{size}"), size=ADA.value("counts", "sizes")),
        small=ADA.store("reconstruct_small"),
        large=ADA.store("reconstruct_large"),
        few=ADA.store("reconstruct_few"),
        certified=ADA.store("reconstruct_certified"),
        transfer=ADA.store("transfer"),
        holdout=ADA.store("holdout"),
        checks=ADA.store("checks"),
        screen=ADA.store("screen"),
        audit=ADA.store("audit"),
    output:
        claims=ADA.claims(),
    log:
        ADA.log("claims"),
    benchmark:
        ADA.benchmark("claims")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        pass_rules=ADA.pass_rules(),
        code=ADA.code("claims"),
    script:
        "../scripts/adaptive_data_analysis/claims.py"


rule adaptive_data_analysis:
    """The paper on adaptive data analysis: all its figures and claims."""
    input:
        ADA.everything(),
