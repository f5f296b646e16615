# The paper of the tests: draws of a Gaussian, their means, a histogram.


use rule stage as toy_draw with:
    """Draw Gaussian numbers, one job per seed."""
    output:
        store=paper.store("draw_{seed}"),
    log:
        paper.log("draw_{seed}"),
    benchmark:
        paper.benchmark("draw_{seed}")
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        **paper.params("draw", "draws", "spread"),
        **paper.script("draw"),
        root_seed=paper.root_seed,


use rule stage as toy_gather_means with:
    """Average the draws of every seed."""
    input:
        draws=expand(paper.store("draw_{seed}"), seed=paper.value("draw", "seeds")),
    output:
        store=paper.store("means"),
    log:
        paper.log("gather_means"),
    benchmark:
        paper.benchmark("gather_means")
    resources:
        mem_mb=mem(500),
        runtime=minutes(5),
    params:
        **paper.script("gather_means"),


use rule figure as toy_histogram with:
    """Figure: histogram of the draws."""
    input:
        draws=expand(paper.store("draw_{seed}"), seed=paper.value("draw", "seeds")),
    output:
        figure=paper.figure("histogram"),
    log:
        paper.log("histogram"),
    benchmark:
        paper.benchmark("histogram")
    params:
        **paper.params("plot"),
        **paper.script("histogram"),


use rule table as toy_means with:
    """Table: mean of every seed."""
    input:
        means=paper.store("means"),
    output:
        table=paper.table("means"),
    log:
        paper.log("means"),
    benchmark:
        paper.benchmark("means")
    params:
        **paper.script("means"),


use rule claims as toy_measure_claims with:
    """Measure the claims."""
    input:
        means=paper.store("means"),
    output:
        claims=paper.claims(),
    log:
        paper.log("claims"),
    benchmark:
        paper.benchmark("claims")
    params:
        **paper.script("claims"),
        **paper.judging(),


rule toy:
    """The whole toy paper."""
    input:
        paper.everything(),
