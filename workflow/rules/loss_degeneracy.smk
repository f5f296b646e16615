# Degeneracy: free directions counted, volumes, learning coefficients by Langevin chains, interaction bases of planted and
# trained networks; at paper scale modular addition, images and language models.

LOSS_DEGENERACY_ADDITION = [paper.store(f"addition_{seed}") for seed in range(paper.value("addition", "seeds"))]
LOSS_DEGENERACY_LARGE = config["scale"] == "paper"


use rule stage as loss_degeneracy_count_directions with:
    """Count free directions of layers with planted degeneracies."""
    output:
        store=paper.store("directions"),
    log:
        paper.log("directions"),
    benchmark:
        paper.benchmark("directions")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        **paper.params("directions"),
        **paper.script("count_directions"),
        root_seed=paper.root_seed,


use rule stage as loss_degeneracy_measure_volumes with:
    """Measure volumes of low loss."""
    output:
        store=paper.store("volumes"),
    log:
        paper.log("volumes"),
    benchmark:
        paper.benchmark("volumes")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(20),
    params:
        **paper.params("volumes"),
        **paper.script("measure_volumes"),
        root_seed=paper.root_seed,


use rule stage as loss_degeneracy_sample_chains with:
    """Estimate known learning coefficients by Langevin chains."""
    output:
        store=paper.store("chains"),
    log:
        paper.log("chains"),
    benchmark:
        paper.benchmark("chains")
    priority: 90
    resources:
        mem_mb=mem(1500, laptop=700),
        runtime=minutes(60),
    params:
        **paper.params("chains"),
        **paper.script("sample_chains"),
        root_seed=paper.root_seed,


use rule stage as loss_degeneracy_compare_blocks with:
    """Estimate learning coefficients of modular and dense students."""
    output:
        store=paper.store("students"),
    log:
        paper.log("students"),
    benchmark:
        paper.benchmark("students")
    priority: 95
    resources:
        mem_mb=mem(1500, laptop=800),
        runtime=minutes(120),
    params:
        **paper.params("students"),
        **paper.script("compare_blocks"),
        root_seed=paper.root_seed,


use rule loss_degeneracy_compare_blocks as loss_degeneracy_hold_blocks with:
    """Estimate learning coefficients of the same students with chains that are held closer."""
    output:
        store=paper.store("held"),
    log:
        paper.log("held"),
    benchmark:
        paper.benchmark("held")
    params:
        **paper.params("held"),


use rule stage as loss_degeneracy_check_basis with:
    """Check the invariances of the interaction basis."""
    output:
        store=paper.store("invariance"),
    log:
        paper.log("invariance"),
    benchmark:
        paper.benchmark("invariance")
    priority: 60
    resources:
        mem_mb=mem(500),
        runtime=minutes(10),
    params:
        **paper.params("invariance"),
        **paper.script("check_basis"),
        root_seed=paper.root_seed,


use rule stage as loss_degeneracy_analyse_planted with:
    """Find edges, directions and communities of networks with planted modules."""
    output:
        store=paper.store("planted"),
    log:
        paper.log("planted"),
    benchmark:
        paper.benchmark("planted")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(20),
    params:
        **paper.params("planted"),
        **paper.script("analyse_planted"),
        root_seed=paper.root_seed,


use rule stage as loss_degeneracy_analyse_digits with:
    """Train classifiers of digits and ablate their directions and edges."""
    output:
        store=paper.store("digits"),
    log:
        paper.log("digits"),
    benchmark:
        paper.benchmark("digits")
    priority: 80
    resources:
        mem_mb=mem(1500),
        runtime=minutes(30),
    params:
        **paper.params("digits"),
        **paper.script("analyse_digits"),
        root_seed=paper.root_seed,


use rule stage as loss_degeneracy_time_basis with:
    """Time the interaction basis of one layer."""
    output:
        store=paper.store("times"),
    log:
        paper.log("times"),
    benchmark:
        paper.benchmark("times")
    priority: 60
    threads: whole_machine
    resources:
        mem_mb=mem(1500),
        runtime=minutes(20),
    params:
        **paper.params("times"),
        **paper.script("time_basis"),
        root_seed=paper.root_seed,


use rule stage as loss_degeneracy_train_addition with:
    """Train a transformer on modular addition until it has grokked."""
    output:
        store=paper.store("addition_weights"),
    log:
        paper.log("addition_weights"),
    benchmark:
        paper.benchmark("addition_weights")
    priority: 100
    resources:
        mem_mb=mem(4000),
        runtime=minutes(600),
        gpu=gpus(1),
    params:
        **paper.params("addition", "modulus", "seeds", "training_share", "epochs", "learning_rate", "weight_decay"),
        **paper.script("train_addition"),
        root_seed=paper.root_seed,


use rule stage as loss_degeneracy_analyse_addition with:
    """Count the edges that a transformer needs to add."""
    input:
        weights=paper.store("addition_weights"),
    output:
        store=paper.store("addition_{seed}"),
    log:
        paper.log("addition_{seed}"),
    benchmark:
        paper.benchmark("addition_{seed}")
    wildcard_constraints:
        seed="[0-9]+",
    priority: 90
    resources:
        mem_mb=mem(16000),
        runtime=minutes(600),
        gpu=gpus(1),
    params:
        **paper.params("addition", "edge_drop", "batch"),
        **paper.script("analyse_addition"),


use rule stage as loss_degeneracy_analyse_images with:
    """Train classifiers of CIFAR-10 and ablate their directions and edges."""
    input:
        folder=paper.data("cifar10"),
    output:
        store=paper.store("images"),
    log:
        paper.log("images"),
    benchmark:
        paper.benchmark("images")
    priority: 80
    resources:
        mem_mb=mem(24000),
        runtime=minutes(600),
        gpu=gpus(1),
    params:
        **paper.params("images"),
        **paper.script("analyse_images"),
        root_seed=paper.root_seed,


use rule stage as loss_degeneracy_analyse_language with:
    """Count the edges that blocks of a language model need."""
    input:
        model=paper.data("language_model"),
        text=paper.data("language_tokens"),
    output:
        store=paper.store("language"),
    log:
        paper.log("language"),
    benchmark:
        paper.benchmark("language")
    priority: 100
    resources:
        mem_mb=mem(40000),
        runtime=minutes(1400),
        gpu=gpus(1),
    params:
        **paper.params("language"),
        **paper.script("analyse_language"),
        root_seed=paper.root_seed,


use rule figure as loss_degeneracy_freecount with:
    """Figure: free directions, predicted and counted."""
    input:
        **paper.stores("directions", "digits"),
    output:
        figure=paper.figure("freecount"),
    log:
        paper.log("figure_freecount"),
    benchmark:
        paper.benchmark("figure_freecount")
    params:
        **paper.script("figure_freecount"),


use rule figure as loss_degeneracy_cross with:
    """Figure: effective number of parameters where free directions interact."""
    input:
        **paper.stores("volumes"),
    output:
        figure=paper.figure("cross"),
    log:
        paper.log("figure_cross"),
    benchmark:
        paper.benchmark("figure_cross")
    params:
        **paper.script("figure_cross"),


use rule figure as loss_degeneracy_llc with:
    """Figure: estimated and known learning coefficients."""
    input:
        **paper.stores("chains"),
    output:
        figure=paper.figure("llc"),
    log:
        paper.log("figure_llc"),
    benchmark:
        paper.benchmark("figure_llc")
    params:
        **paper.script("figure_llc"),


use rule figure as loss_degeneracy_modules with:
    """Figure: interaction graphs of a network with planted modules."""
    input:
        **paper.stores("planted"),
    output:
        figure=paper.figure("modules"),
    log:
        paper.log("figure_modules"),
    benchmark:
        paper.benchmark("figure_modules")
    params:
        **paper.script("figure_modules"),


use rule figure as loss_degeneracy_ablation with:
    """Figure: accuracy against the number of directions that stay."""
    input:
        **paper.stores("digits"),
    output:
        figure=paper.figure("ablation"),
    log:
        paper.log("figure_ablation"),
    benchmark:
        paper.benchmark("figure_ablation")
    params:
        **paper.script("figure_ablation"),


use rule figure as loss_degeneracy_edges with:
    """Figure: edges that layers need."""
    input:
        **paper.stores("planted", "digits"),
        addition=LOSS_DEGENERACY_ADDITION if LOSS_DEGENERACY_LARGE else [],
    output:
        figure=paper.figure("edges"),
    log:
        paper.log("figure_edges"),
    benchmark:
        paper.benchmark("figure_edges")
    params:
        **paper.script("figure_edges"),


use rule figure as loss_degeneracy_modularity with:
    """Figure: purity and modularity of communities."""
    input:
        **paper.stores("planted"),
    output:
        figure=paper.figure("modularity"),
    log:
        paper.log("figure_modularity"),
    benchmark:
        paper.benchmark("figure_modularity")
    params:
        **paper.script("figure_modularity"),


use rule figure as loss_degeneracy_modular_llc with:
    """Figure: degeneracy of separate and coupled modules."""
    input:
        **paper.stores("volumes", "students", "held"),
    output:
        figure=paper.figure("modular_llc"),
    log:
        paper.log("figure_modular_llc"),
    benchmark:
        paper.benchmark("figure_modular_llc")
    params:
        **paper.script("figure_modular_llc"),


use rule claims as loss_degeneracy_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.available(
            **paper.stores(
                "directions", "volumes", "chains", "students", "held", "invariance", "planted", "digits", "times"
            ),
            addition=LOSS_DEGENERACY_ADDITION if LOSS_DEGENERACY_LARGE else [],
            images=[paper.store("images")] if LOSS_DEGENERACY_LARGE else [],
            language=[paper.store("language")] if LOSS_DEGENERACY_LARGE else [],
        ),
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


rule loss_degeneracy:
    """The paper on degeneracy in the loss landscape: all its figures and claims."""
    input:
        paper.everything(),
