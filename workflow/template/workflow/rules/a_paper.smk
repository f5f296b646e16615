# A PAPER: errors, a figure, claims.


use rule stage as a_paper_measure_errors with:
    """Measure the errors of means of standard normal numbers."""
    output:
        store=paper.store("errors"),
    log:
        paper.log("errors"),
    benchmark:
        paper.benchmark("errors")
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        **paper.params("errors"),
        **paper.script("measure_errors"),
        root_seed=paper.root_seed,


use rule figure as a_paper_error with:
    """Figure: root mean square error of a mean against the number of samples."""
    input:
        errors=paper.store("errors"),
    output:
        figure=paper.figure("error"),
    log:
        paper.log("figure_error"),
    benchmark:
        paper.benchmark("figure_error")
    params:
        **paper.script("figure_error"),


use rule claims as a_paper_measure_claims with:
    """Measure every claim of the paper."""
    input:
        errors=paper.store("errors"),
    output:
        claims=paper.claims(),
    log:
        paper.log("claims"),
    benchmark:
        paper.benchmark("claims")
    params:
        **paper.script("claims"),
        **paper.judging(),


rule a_paper:
    """All figures and claims of a_paper."""
    input:
        paper.everything(),
