TOY = Paper("toy")


rule toy_draw:
    """Draw Gaussian numbers, one job per seed."""
    output:
        store=TOY.store("draw_{seed}"),
    log:
        TOY.log("draw_{seed}"),
    benchmark:
        TOY.benchmark("draw_{seed}")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        **TOY.params("draw", "draws", "spread"),
        root_seed=TOY.root_seed,
        code=TOY.code("draw"),
    script:
        "../scripts/toy/draw.py"


rule toy_gather_means:
    """Average the draws of every seed."""
    input:
        draws=expand(TOY.store("draw_{seed}"), seed=TOY.value("draw", "seeds")),
    output:
        store=TOY.store("means"),
    log:
        TOY.log("gather_means"),
    benchmark:
        TOY.benchmark("gather_means")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        code=TOY.code("gather_means"),
    script:
        "../scripts/toy/gather_means.py"


rule toy_histogram:
    """Figure: histogram of the draws."""
    input:
        draws=expand(TOY.store("draw_{seed}"), seed=TOY.value("draw", "seeds")),
    output:
        figure=TOY.figure("histogram"),
    log:
        TOY.log("histogram"),
    benchmark:
        TOY.benchmark("histogram")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        **TOY.params("plot"),
        code=TOY.code("histogram"),
    script:
        "../scripts/toy/histogram.py"


rule toy_means:
    """Table: mean of every seed."""
    input:
        means=TOY.store("means"),
    output:
        table=TOY.table("means"),
    log:
        TOY.log("means"),
    benchmark:
        TOY.benchmark("means")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        code=TOY.code("means"),
    script:
        "../scripts/toy/means.py"


rule toy_measure_claims:
    """Measure the claims."""
    input:
        means=TOY.store("means"),
    output:
        claims=TOY.claims(),
    log:
        TOY.log("claims"),
    benchmark:
        TOY.benchmark("claims")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        pass_rules=TOY.pass_rules(),
        code=TOY.code("claims"),
    script:
        "../scripts/toy/claims.py"


rule toy:
    """The whole toy paper."""
    input:
        TOY.everything(),
