# Least squares on determinantal points: exact identities, errors of designs, points needed, conditioning, strong norms.
DLS = Paper("dpp_least_squares")


rule dpp_least_squares_find_sizes_bases:
    """Find how many points each strategy needs, basis by basis."""
    output:
        store=DLS.store("sizes_bases"),
    log:
        DLS.log("sizes_bases"),
    benchmark:
        DLS.benchmark("sizes_bases")
    priority: 90
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(600),
    params:
        **DLS.params("sizes_bases"),
        root_seed=DLS.root_seed,
        code=DLS.code("find_sizes"),
    script:
        "../scripts/dpp_least_squares/find_sizes.py"


rule dpp_least_squares_fit_repeated_designs:
    """Fit on repeated processes, conditioned ones among them."""
    output:
        store=DLS.store("designs_repeated"),
    log:
        DLS.log("designs_repeated"),
    benchmark:
        DLS.benchmark("designs_repeated")
    priority: 80
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(600),
    params:
        **DLS.params("designs_repeated"),
        root_seed=DLS.root_seed,
        code=DLS.code("fit_designs"),
    script:
        "../scripts/dpp_least_squares/fit_designs.py"


rule dpp_least_squares_check_identities_bases:
    """Check the identities of the sampling laws on further bases."""
    output:
        store=DLS.store("identities_bases"),
    log:
        DLS.log("identities_bases"),
    benchmark:
        DLS.benchmark("identities_bases")
    priority: 70
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(600),
    params:
        **DLS.params("identities_bases"),
        root_seed=DLS.root_seed,
        code=DLS.code("check_identities"),
    script:
        "../scripts/dpp_least_squares/check_identities.py"


rule dpp_least_squares_find_sizes_growth:
    """Find how many points each strategy needs as the space grows."""
    output:
        store=DLS.store("sizes_growth"),
    log:
        DLS.log("sizes_growth"),
    benchmark:
        DLS.benchmark("sizes_growth")
    priority: 60
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(600),
    params:
        **DLS.params("sizes_growth"),
        root_seed=DLS.root_seed,
        code=DLS.code("find_sizes"),
    script:
        "../scripts/dpp_least_squares/find_sizes.py"


rule dpp_least_squares_fit_independent_designs:
    """Fit on independent points, conditioned ones among them."""
    output:
        store=DLS.store("designs_independent"),
    log:
        DLS.log("designs_independent"),
    benchmark:
        DLS.benchmark("designs_independent")
    priority: 50
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(600),
    params:
        **DLS.params("designs_independent"),
        root_seed=DLS.root_seed,
        code=DLS.code("fit_designs"),
    script:
        "../scripts/dpp_least_squares/fit_designs.py"


rule dpp_least_squares_fit_volume_designs:
    """Fit on volume samples."""
    output:
        store=DLS.store("designs_volume"),
    log:
        DLS.log("designs_volume"),
    benchmark:
        DLS.benchmark("designs_volume")
    priority: 40
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(600),
    params:
        **DLS.params("designs_volume"),
        root_seed=DLS.root_seed,
        code=DLS.code("fit_designs"),
    script:
        "../scripts/dpp_least_squares/fit_designs.py"


rule dpp_least_squares_check_identities:
    """Check the identities of the sampling laws on the Legendre basis."""
    output:
        store=DLS.store("identities"),
    log:
        DLS.log("identities"),
    benchmark:
        DLS.benchmark("identities")
    priority: 40
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(600),
    params:
        **DLS.params("identities"),
        root_seed=DLS.root_seed,
        code=DLS.code("check_identities"),
    script:
        "../scripts/dpp_least_squares/check_identities.py"


rule dpp_least_squares_condition_designs:
    """Condition designs by rejection and hold failures and errors against their bounds."""
    output:
        store=DLS.store("conditioning"),
    log:
        DLS.log("conditioning"),
    benchmark:
        DLS.benchmark("conditioning")
    priority: 40
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(600),
    params:
        **DLS.params("conditioning"),
        root_seed=DLS.root_seed,
        code=DLS.code("condition_designs"),
    script:
        "../scripts/dpp_least_squares/condition_designs.py"


rule dpp_least_squares_grow_spaces:
    """Fit while the space grows."""
    output:
        store=DLS.store("growth"),
    log:
        DLS.log("growth"),
    benchmark:
        DLS.benchmark("growth")
    priority: 40
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(600),
    params:
        **DLS.params("growth"),
        root_seed=DLS.root_seed,
        code=DLS.code("grow_spaces"),
    script:
        "../scripts/dpp_least_squares/grow_spaces.py"


rule dpp_least_squares_bound_errors:
    """Hold errors against almost-sure bounds in stronger norms."""
    output:
        store=DLS.store("bounds"),
    log:
        DLS.log("bounds"),
    benchmark:
        DLS.benchmark("bounds")
    priority: 40
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(600),
    params:
        **DLS.params("bounds"),
        root_seed=DLS.root_seed,
        code=DLS.code("bound_errors"),
    script:
        "../scripts/dpp_least_squares/bound_errors.py"


rule dpp_least_squares_points:
    """Figure: points of each strategy below their densities."""
    input:
        independent=DLS.store("designs_independent"),
        volume=DLS.store("designs_volume"),
        repeated=DLS.store("designs_repeated"),
    output:
        figure=DLS.figure("points"),
    log:
        DLS.log("figure_points"),
    benchmark:
        DLS.benchmark("figure_points")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        code=DLS.code("figure_points"),
    script:
        "../scripts/dpp_least_squares/figure_points.py"


rule dpp_least_squares_lambda_min:
    """Figure: smallest eigenvalue of the Gram matrix against n."""
    input:
        independent=DLS.store("designs_independent"),
        volume=DLS.store("designs_volume"),
        repeated=DLS.store("designs_repeated"),
    output:
        figure=DLS.figure("lambda_min"),
    log:
        DLS.log("figure_lambda_min"),
    benchmark:
        DLS.benchmark("figure_lambda_min")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        code=DLS.code("figure_lambda_min"),
    script:
        "../scripts/dpp_least_squares/figure_lambda_min.py"


rule dpp_least_squares_error_n:
    """Figure: root mean square and median error against n."""
    input:
        independent=DLS.store("designs_independent"),
        volume=DLS.store("designs_volume"),
        repeated=DLS.store("designs_repeated"),
    output:
        figure=DLS.figure("error_n"),
    log:
        DLS.log("figure_error_n"),
    benchmark:
        DLS.benchmark("figure_error_n")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        code=DLS.code("figure_error_n"),
    script:
        "../scripts/dpp_least_squares/figure_error_n.py"


rule dpp_least_squares_min_n:
    """Figure: points needed against m, and for each basis."""
    input:
        growth=DLS.store("sizes_growth"),
        bases=DLS.store("sizes_bases"),
    output:
        figure=DLS.figure("min_n"),
    log:
        DLS.log("figure_min_n"),
    benchmark:
        DLS.benchmark("figure_min_n")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        code=DLS.code("figure_min_n"),
    script:
        "../scripts/dpp_least_squares/figure_min_n.py"


rule dpp_least_squares_error_m:
    """Figure: error while the space grows."""
    input:
        growth=DLS.store("growth"),
    output:
        figure=DLS.figure("error_m"),
    log:
        DLS.log("figure_error_m"),
    benchmark:
        DLS.benchmark("figure_error_m")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        code=DLS.code("figure_error_m"),
    script:
        "../scripts/dpp_least_squares/figure_error_m.py"


rule dpp_least_squares_conditioning:
    """Figure: tries and errors of conditioned designs, failures of independent points."""
    input:
        conditioning=DLS.store("conditioning"),
    output:
        figure=DLS.figure("conditioning"),
    log:
        DLS.log("figure_conditioning"),
    benchmark:
        DLS.benchmark("figure_conditioning")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        code=DLS.code("figure_conditioning"),
    script:
        "../scripts/dpp_least_squares/figure_conditioning.py"


rule dpp_least_squares_h_norm:
    """Figure: errors over their bounds in stronger norms."""
    input:
        bounds=DLS.store("bounds"),
    output:
        figure=DLS.figure("h_norm"),
    log:
        DLS.log("figure_h_norm"),
    benchmark:
        DLS.benchmark("figure_h_norm")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        code=DLS.code("figure_h_norm"),
    script:
        "../scripts/dpp_least_squares/figure_h_norm.py"


rule dpp_least_squares_quantiles:
    """Table: mean and quantiles of the error by strategy, function and n."""
    input:
        independent=DLS.store("designs_independent"),
        volume=DLS.store("designs_volume"),
        repeated=DLS.store("designs_repeated"),
    output:
        table=DLS.table("quantiles"),
    log:
        DLS.log("table_quantiles"),
    benchmark:
        DLS.benchmark("table_quantiles")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        code=DLS.code("table_quantiles"),
    script:
        "../scripts/dpp_least_squares/table_quantiles.py"


rule dpp_least_squares_measure_claims:
    """Measure every claim of the paper."""
    input:
        identities=DLS.store("identities"),
        identities_bases=DLS.store("identities_bases"),
        independent=DLS.store("designs_independent"),
        volume=DLS.store("designs_volume"),
        repeated=DLS.store("designs_repeated"),
        conditioning=DLS.store("conditioning"),
        sizes_growth=DLS.store("sizes_growth"),
        sizes_bases=DLS.store("sizes_bases"),
        growth=DLS.store("growth"),
        bounds=DLS.store("bounds"),
    output:
        claims=DLS.claims(),
    log:
        DLS.log("claims"),
    benchmark:
        DLS.benchmark("claims")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        pass_rules=DLS.pass_rules(),
        code=DLS.code("claims"),
    script:
        "../scripts/dpp_least_squares/claims.py"


rule dpp_least_squares:
    """The paper on least squares with determinantal points: all its figures and claims."""
    input:
        DLS.everything(),
