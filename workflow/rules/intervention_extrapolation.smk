# Intervention extrapolation: the linear invariance constraint, representations that it identifies, effects of unseen actions.


use rule stage as intervention_extrapolation_check_constraint with:
    """Test the linear invariance constraint on affine maps and on other bijections."""
    output:
        store=paper.store("constraint"),
    log:
        paper.log("constraint"),
    benchmark:
        paper.benchmark("constraint")
    priority: 60
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(30),
    params:
        **paper.params("constraint"),
        **paper.script("check_constraint"),
        root_seed=paper.root_seed,


use rule stage as intervention_extrapolation_train_representations with:
    """Train autoencoders with and without the constraint in many settings."""
    output:
        store=paper.store("identification"),
    log:
        paper.log("identification"),
    benchmark:
        paper.benchmark("identification")
    priority: 95
    resources:
        mem_mb=mem(2500, paper.value("identification", "epochs") >= 1000, laptop=800),
        runtime=minutes(240),
        gpu=gpus(paper.value("identification", "epochs") >= 1000),
    params:
        **paper.params("identification"),
        **paper.script("train_representations"),
        root_seed=paper.root_seed,


use rule intervention_extrapolation_train_representations as intervention_extrapolation_train_autoencoders with:
    """The same with other autoencoders and other scales of the representation."""
    output:
        store=paper.store("autoencoders"),
    log:
        paper.log("autoencoders"),
    benchmark:
        paper.benchmark("autoencoders")
    params:
        **paper.params("autoencoders"),


use rule stage as intervention_extrapolation_extrapolate with:
    """Predict effects of unseen interventions by control functions and directly."""
    output:
        store=paper.store("extrapolation"),
    log:
        paper.log("extrapolation"),
    benchmark:
        paper.benchmark("extrapolation")
    priority: 90
    resources:
        mem_mb=mem(2500, paper.value("extrapolation", "epochs") >= 1000, laptop=1000),
        runtime=minutes(240),
        gpu=gpus(paper.value("extrapolation", "epochs") >= 1000),
    params:
        **paper.params("extrapolation"),
        **paper.script("extrapolate"),
        root_seed=paper.root_seed,


use rule stage as intervention_extrapolation_break_assumptions with:
    """Extrapolate from true latent variables where an assumption fails."""
    output:
        store=paper.store("assumptions"),
    log:
        paper.log("assumptions"),
    benchmark:
        paper.benchmark("assumptions")
    priority: 85
    resources:
        mem_mb=mem(2000, laptop=700),
        runtime=minutes(120),
    params:
        **paper.params("assumptions"),
        **paper.script("break_assumptions"),
        root_seed=paper.root_seed,


use rule stage as intervention_extrapolation_draw_curve with:
    """Estimate the effect of one action on a line."""
    output:
        store=paper.store("curve"),
    log:
        paper.log("curve"),
    benchmark:
        paper.benchmark("curve")
    priority: 80
    resources:
        mem_mb=mem(2000),
        runtime=minutes(120),
    params:
        **paper.params("curve"),
        **paper.script("draw_curve"),
        root_seed=paper.root_seed,


use rule stage as intervention_extrapolation_extrapolate_own with:
    """Predict effects of interventions from a table of your own."""
    input:
        rows=paper.data("intervention_table"),
    output:
        store=paper.store("own"),
    log:
        paper.log("own"),
    benchmark:
        paper.benchmark("own")
    priority: 60
    resources:
        mem_mb=mem(2500),
        runtime=minutes(120),
    params:
        **paper.params("own"),
        **paper.script("extrapolate_own"),
        root_seed=paper.root_seed,


use rule figure as intervention_extrapolation_r2 with:
    """Figure: affine identification."""
    input:
        **paper.stores("identification"),
    output:
        figure=paper.figure("r2"),
    log:
        paper.log("figure_r2"),
    benchmark:
        paper.benchmark("figure_r2")
    params:
        **paper.script("figure_r2"),


use rule figure as intervention_extrapolation_curve with:
    """Figure: the effect of one action."""
    input:
        **paper.stores("curve"),
    output:
        figure=paper.figure("curve"),
    log:
        paper.log("figure_curve"),
    benchmark:
        paper.benchmark("figure_curve")
    params:
        **paper.script("figure_curve"),


use rule figure as intervention_extrapolation_mse with:
    """Figure: errors inside and outside the support."""
    input:
        **paper.stores("extrapolation"),
    output:
        figure=paper.figure("mse"),
    log:
        paper.log("figure_mse"),
    benchmark:
        paper.benchmark("figure_mse")
    params:
        **paper.script("figure_mse"),


use rule figure as intervention_extrapolation_lambda with:
    """Figure: the penalty."""
    input:
        **paper.stores("extrapolation"),
    output:
        figure=paper.figure("lambda"),
    log:
        paper.log("figure_lambda"),
    benchmark:
        paper.benchmark("figure_lambda")
    params:
        **paper.script("figure_lambda"),


use rule figure as intervention_extrapolation_violations with:
    """Figure: where assumptions fail."""
    input:
        **paper.stores("identification", "assumptions"),
    output:
        figure=paper.figure("violations"),
    log:
        paper.log("figure_violations"),
    benchmark:
        paper.benchmark("figure_violations")
    params:
        **paper.script("figure_violations"),


use rule figure as intervention_extrapolation_conditional with:
    """Figure: effects given the features."""
    input:
        **paper.stores("extrapolation"),
    output:
        figure=paper.figure("conditional"),
    log:
        paper.log("figure_conditional"),
    benchmark:
        paper.benchmark("figure_conditional")
    params:
        **paper.script("figure_conditional"),


use rule figure as intervention_extrapolation_autoencoders with:
    """Figure: other autoencoders."""
    input:
        **paper.stores("identification", "autoencoders"),
    output:
        figure=paper.figure("autoencoders"),
    log:
        paper.log("figure_autoencoders"),
    benchmark:
        paper.benchmark("figure_autoencoders")
    params:
        **paper.script("figure_autoencoders"),


use rule claims as intervention_extrapolation_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores("constraint", "identification", "autoencoders", "extrapolation", "assumptions"),
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


rule intervention_extrapolation:
    """The paper on intervention extrapolation: all its figures and claims."""
    input:
        paper.everything(),
