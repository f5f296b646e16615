# Alignment maps of any complexity: small networks and language models, a table that explains anything, premises.

NONLINEAR_DILEMMA_STUDIES = {study["name"]: study["runs"] for study in paper.value("align", "studies")}
NONLINEAR_DILEMMA_CHECKPOINTS = [
    (entry["model"], revision) for entry in paper.value("checkpoints", "models") for revision in entry["revisions"]
]


use rule stage as nonlinear_dilemma_train_networks with:
    """Train networks on a task, or to implement one algorithm."""
    output:
        store=paper.store("networks"),
    log:
        paper.log("networks"),
    benchmark:
        paper.benchmark("networks")
    priority: 100
    resources:
        mem_mb=mem(6000 if config["scale"] == "paper" else 1500),
        runtime=minutes(600 if config["scale"] == "paper" else 120),
    params:
        **paper.params("networks"),
        **paper.script("train_networks"),
        root_seed=paper.root_seed,


use rule stage as nonlinear_dilemma_align_networks with:
    """Train the alignment maps of one study, and measure its baselines."""
    input:
        **paper.stores("networks"),
    output:
        store=paper.store("fits_{study}"),
    log:
        paper.log("fits_{study}"),
    benchmark:
        paper.benchmark("fits_{study}")
    wildcard_constraints:
        study="|".join(NONLINEAR_DILEMMA_STUDIES),
    priority: 80
    resources:
        mem_mb=mem(16000 if config["scale"] == "paper" else 2000, on_gpu=config["scale"] == "paper"),
        runtime=minutes(1400 if config["scale"] == "paper" else 240),
        gpu=gpus(1 if config["scale"] == "paper" else 0),
    params:
        **paper.params("align", "training", "tests", "searched"),
        **paper.script("align_networks"),
        runs=lambda wildcards, studies=NONLINEAR_DILEMMA_STUDIES: studies[wildcards.study],
        root_seed=paper.root_seed,


use rule stage as nonlinear_dilemma_build_lookup with:
    """Build the theorem's map as a table, and count every intervention."""
    input:
        **paper.stores("networks"),
    output:
        store=paper.store("lookup"),
    log:
        paper.log("lookup"),
    benchmark:
        paper.benchmark("lookup")
    priority: 60
    resources:
        mem_mb=mem(2000, laptop=900),
        runtime=minutes(60),
    params:
        **paper.params("lookup"),
        **paper.script("build_lookup"),
        root_seed=paper.root_seed,


use rule stage as nonlinear_dilemma_measure_distances with:
    """Measure whether hidden states keep inputs apart."""
    input:
        **paper.stores("networks"),
    output:
        store=paper.store("distances"),
    log:
        paper.log("distances"),
    benchmark:
        paper.benchmark("distances")
    priority: 60
    resources:
        mem_mb=mem(12000 if config["scale"] == "paper" else 2000),
        runtime=minutes(600 if config["scale"] == "paper" else 60),
    params:
        **paper.params("distances"),
        **paper.script("measure_distances"),
        root_seed=paper.root_seed,


use rule stage as nonlinear_dilemma_align_language with:
    """Align small language models, random and trained, with the order of two names."""
    output:
        store=paper.store("language"),
    log:
        paper.log("language"),
    benchmark:
        paper.benchmark("language")
    priority: 95
    resources:
        mem_mb=mem(1500),
        runtime=minutes(240),
    params:
        **paper.params("language"),
        **paper.script("align_language"),
        root_seed=paper.root_seed,


use rule stage as nonlinear_dilemma_align_checkpoint with:
    """Align one revision of a pretrained language model with the order of two names."""
    input:
        folder=paper.data("pythia"),
    output:
        store=paper.store("checkpoint_{model}_{revision}"),
    log:
        paper.log("checkpoint_{model}_{revision}"),
    benchmark:
        paper.benchmark("checkpoint_{model}_{revision}")
    wildcard_constraints:
        model="|".join(sorted({model for model, _ in NONLINEAR_DILEMMA_CHECKPOINTS})) or "none",
        revision="step[0-9]+",
    priority: 95
    resources:
        mem_mb=mem(16000, on_gpu=config["scale"] == "paper"),
        runtime=minutes(2800),
        gpu=gpus(1 if config["scale"] == "paper" else 0),
    params:
        **paper.params("checkpoints", "batch", "tests", "evaluation", "every", "names"),
        **paper.script("align_checkpoint"),
        entry=lambda wildcards, models=paper.value("checkpoints", "models"): next(
            entry for entry in models if entry["model"] == wildcards.model
        ),
        root_seed=paper.root_seed,


use rule figure as nonlinear_dilemma_layers with:
    """Figure: accuracy by layer, map and algorithm."""
    input:
        fits=expand(paper.store("fits_{study}"), study=NONLINEAR_DILEMMA_STUDIES),
    output:
        figure=paper.figure("layers"),
    log:
        paper.log("figure_layers"),
    benchmark:
        paper.benchmark("figure_layers")
    params:
        **paper.script("figure_layers"),


use rule figure as nonlinear_dilemma_progress with:
    """Figure: accuracy of maps while the network learns."""
    input:
        **paper.stores("networks"),
        fits=expand(paper.store("fits_{study}"), study=NONLINEAR_DILEMMA_STUDIES),
    output:
        figure=paper.figure("progress"),
    log:
        paper.log("figure_progress"),
    benchmark:
        paper.benchmark("figure_progress")
    params:
        **paper.script("figure_progress"),


use rule figure as nonlinear_dilemma_hidden_size with:
    """Figure: accuracy against the width of a map."""
    input:
        fits=expand(paper.store("fits_{study}"), study=NONLINEAR_DILEMMA_STUDIES),
    output:
        figure=paper.figure("hidden_size"),
    log:
        paper.log("figure_hidden_size"),
    benchmark:
        paper.benchmark("figure_hidden_size")
    params:
        **paper.script("figure_hidden_size"),


use rule figure as nonlinear_dilemma_fitted with:
    """Figure: networks that were trained to implement one algorithm."""
    input:
        fits=expand(paper.store("fits_{study}"), study=NONLINEAR_DILEMMA_STUDIES),
    output:
        figure=paper.figure("fitted"),
    log:
        paper.log("figure_fitted"),
    benchmark:
        paper.benchmark("figure_fitted")
    params:
        **paper.script("figure_fitted"),


use rule figure as nonlinear_dilemma_frontier with:
    """Figure: complexity of the map against accuracy."""
    input:
        fits=expand(paper.store("fits_{study}"), study=NONLINEAR_DILEMMA_STUDIES),
    output:
        figure=paper.figure("frontier"),
    log:
        paper.log("figure_frontier"),
    benchmark:
        paper.benchmark("figure_frontier")
    params:
        **paper.script("figure_frontier"),


use rule figure as nonlinear_dilemma_ioi with:
    """Figure: language models, by blocks of the map, split and size."""
    input:
        **paper.stores("language"),
        **paper.available(
            checkpoints=[
                paper.store(f"checkpoint_{model}_{revision}") for model, revision in NONLINEAR_DILEMMA_CHECKPOINTS
            ]
        ),
    output:
        figure=paper.figure("ioi"),
    log:
        paper.log("figure_ioi"),
    benchmark:
        paper.benchmark("figure_ioi")
    params:
        **paper.script("figure_ioi"),


use rule table as nonlinear_dilemma_theorem with:
    """Table: every intervention of finitely many inputs."""
    input:
        **paper.stores("lookup"),
    output:
        table=paper.table("theorem"),
    log:
        paper.log("table_theorem"),
    benchmark:
        paper.benchmark("table_theorem")
    params:
        **paper.script("table_theorem"),


use rule table as nonlinear_dilemma_injectivity with:
    """Table: repeated states and smallest distances."""
    input:
        **paper.stores("distances"),
    output:
        table=paper.table("injectivity"),
    log:
        paper.log("table_injectivity"),
    benchmark:
        paper.benchmark("table_injectivity")
    params:
        **paper.script("table_injectivity"),


use rule claims as nonlinear_dilemma_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores("networks", "lookup", "distances", "language"),
        **paper.available(
            checkpoints=[
                paper.store(f"checkpoint_{model}_{revision}") for model, revision in NONLINEAR_DILEMMA_CHECKPOINTS
            ]
        ),
        fits=expand(paper.store("fits_{study}"), study=NONLINEAR_DILEMMA_STUDIES),
    output:
        claims=paper.claims(),
    log:
        paper.log("claims"),
    benchmark:
        paper.benchmark("claims")
    params:
        **paper.script("claims"),
        **paper.judging(),


rule nonlinear_dilemma_ioi_blocks:
    """Figure: accuracy against reversible blocks, the left panel of `ioi`."""
    input:
        rules.nonlinear_dilemma_ioi.output,


rule nonlinear_dilemma_ioi_names:
    """Figure: sentences and names held out, the middle panel of `ioi`."""
    input:
        rules.nonlinear_dilemma_ioi.output,


rule nonlinear_dilemma_ioi_sizes:
    """Figure: accuracy by size of the model, the right panel of `ioi`."""
    input:
        rules.nonlinear_dilemma_ioi.output,


rule nonlinear_dilemma:
    """The paper on alignment maps of any complexity: all its figures and claims."""
    input:
        paper.everything(),
