# Linear interpreters: identities, classifiers, super-resolution, image to image, cost.


LINEAR_INTERPRETERS_SEEDS = range(paper.value("upscaler_filters", "trainings"))
LINEAR_INTERPRETERS_TASKS = ("recolor", "move", "template")


use rule stage as linear_interpreters_check_identity with:
    """Check interpreters of random networks against independent truths."""
    output:
        store=paper.store("identity"),
    log:
        paper.log("identity"),
    benchmark:
        paper.benchmark("identity")
    priority: 60
    resources:
        mem_mb=mem(1500),
        runtime=minutes(30),
    params:
        **paper.params("identity"),
        **paper.script("check_identity"),
        root_seed=paper.root_seed,


use rule stage as linear_interpreters_measure_classifiers with:
    """Train classifiers of digits, and measure residuals and votes."""
    output:
        store=paper.store("classifiers"),
    log:
        paper.log("classifiers"),
    benchmark:
        paper.benchmark("classifiers")
    priority: 90
    resources:
        mem_mb=mem(1500),
        runtime=minutes(120),
    params:
        **paper.params("classifiers"),
        **paper.script("measure_classifiers"),
        root_seed=paper.root_seed,


use rule stage as linear_interpreters_train_upscaler with:
    """Train one super-resolution network."""
    output:
        store=paper.store("upscaler_{seed}"),
    log:
        paper.log("upscaler_{seed}"),
    benchmark:
        paper.benchmark("upscaler_{seed}")
    priority: 90
    resources:
        mem_mb=mem(2000, on_gpu=config["scale"] == "paper", laptop=1000),
        runtime=minutes(2800),
        gpu=gpus(config["scale"] == "paper"),
    params:
        **paper.params("upscaler"),
        **paper.script("train_upscaler"),
        root_seed=paper.root_seed,


use rule stage as linear_interpreters_measure_upscaler with:
    """Measure rows and singular vectors of one super-resolution network."""
    input:
        weights=paper.store("upscaler_{seed}"),
    output:
        store=paper.store("filters_{seed}"),
    log:
        paper.log("filters_{seed}"),
    benchmark:
        paper.benchmark("filters_{seed}")
    priority: 80
    resources:
        mem_mb=mem(8000 if config["scale"] == "paper" else 2000),
        runtime=minutes(1400),
    params:
        **paper.params("upscaler_filters", "side", "vectors", "images", "pixels", "tolerance"),
        **paper.script("measure_upscaler"),
        root_seed=paper.root_seed,


use rule stage as linear_interpreters_train_translators with:
    """Train image-to-image networks of one planted task."""
    output:
        store=paper.store("translators_{task}"),
    log:
        paper.log("translators_{task}"),
    benchmark:
        paper.benchmark("translators_{task}")
    wildcard_constraints:
        task="|".join(LINEAR_INTERPRETERS_TASKS),
    priority: 90
    resources:
        mem_mb=mem(2000, on_gpu=config["scale"] == "paper", laptop=1000),
        runtime=minutes(2800),
        gpu=gpus(config["scale"] == "paper"),
    params:
        **paper.params("translators"),
        **paper.script("train_translators"),
        root_seed=paper.root_seed,


use rule stage as linear_interpreters_measure_translators with:
    """Measure displacements, templates and singular vectors of image-to-image networks."""
    input:
        **{task: paper.store(f"translators_{task}") for task in LINEAR_INTERPRETERS_TASKS},
    output:
        store=paper.store("translators"),
    log:
        paper.log("translators"),
    benchmark:
        paper.benchmark("translators")
    priority: 80
    resources:
        mem_mb=mem(8000 if config["scale"] == "paper" else 2000),
        runtime=minutes(1400),
    params:
        **paper.params("translator_filters"),
        **paper.script("measure_translators"),
        root_seed=paper.root_seed,


use rule stage as linear_interpreters_measure_cost with:
    """Measure time and memory of the scope."""
    output:
        store=paper.store("cost"),
    log:
        paper.log("cost"),
    benchmark:
        paper.benchmark("cost")
    priority: 100
    threads: whole_machine
    resources:
        mem_mb=mem(1500),
        runtime=minutes(30),
    params:
        **paper.params("cost"),
        **paper.script("measure_cost"),
        root_seed=paper.root_seed,


use rule stage as linear_interpreters_explain_photographs with:
    """Explain what a pretrained classifier sees in photographs of your own."""
    input:
        checkpoint=paper.data("pretrained_classifier"),
        folder=paper.data("photographs"),
    output:
        store=paper.store("own"),
    log:
        paper.log("own"),
    benchmark:
        paper.benchmark("own")
    priority: 60
    resources:
        mem_mb=mem(8000),
        runtime=minutes(240),
    params:
        **paper.params("explain"),
        **paper.script("explain_photographs"),


use rule table as linear_interpreters_identity with:
    """Table: errors of every identity by network."""
    input:
        **paper.stores("identity"),
    output:
        table=paper.table("identity"),
    log:
        paper.log("table_identity"),
    benchmark:
        paper.benchmark("table_identity")
    params:
        **paper.script("table_identity"),


use rule figure as linear_interpreters_votes with:
    """Figure: votes of pixels and residuals."""
    input:
        **paper.stores("classifiers"),
    output:
        figure=paper.figure("votes"),
    log:
        paper.log("figure_votes"),
    benchmark:
        paper.benchmark("figure_votes")
    params:
        **paper.script("figure_votes"),


use rule figure as linear_interpreters_bias with:
    """Figure: what the residual decides."""
    input:
        **paper.stores("classifiers"),
    output:
        figure=paper.figure("bias"),
    log:
        paper.log("figure_bias"),
    benchmark:
        paper.benchmark("figure_bias")
    params:
        **paper.script("figure_bias"),


use rule figure as linear_interpreters_filters with:
    """Figure: rows and columns in super-resolution."""
    input:
        filters=paper.store("filters_0"),
    output:
        figure=paper.figure("filters"),
    log:
        paper.log("figure_filters"),
    benchmark:
        paper.benchmark("figure_filters")
    params:
        **paper.script("figure_filters"),


use rule figure as linear_interpreters_svd with:
    """Figure: singular vectors in super-resolution."""
    input:
        filters=paper.store("filters_0"),
    output:
        figure=paper.figure("svd"),
    log:
        paper.log("figure_svd"),
    benchmark:
        paper.benchmark("figure_svd")
    params:
        **paper.script("figure_svd"),


use rule figure as linear_interpreters_i2i with:
    """Figure: copy and move, and templates."""
    input:
        **paper.stores("translators"),
    output:
        figure=paper.figure("i2i"),
    log:
        paper.log("figure_i2i"),
    benchmark:
        paper.benchmark("figure_i2i")
    params:
        **paper.script("figure_i2i"),


use rule figure as linear_interpreters_cost with:
    """Figure: time and memory of the scope."""
    input:
        **paper.stores("cost"),
    output:
        figure=paper.figure("cost"),
    log:
        paper.log("figure_cost"),
    benchmark:
        paper.benchmark("figure_cost")
    params:
        **paper.script("figure_cost"),


use rule claims as linear_interpreters_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores("identity", "classifiers", "translators", "cost"),
        upscalers=expand(paper.store("filters_{seed}"), seed=LINEAR_INTERPRETERS_SEEDS),
    output:
        claims=paper.claims(),
    log:
        paper.log("claims"),
    benchmark:
        paper.benchmark("claims")
    params:
        **paper.script("claims"),
        **paper.judging(),


rule linear_interpreters:
    """The paper on linear interpreters: all its figures and claims."""
    input:
        paper.everything(),
