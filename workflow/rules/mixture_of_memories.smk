# Mixture of memories: forms, capacity, recall and text by architecture, times.
MIXTURE_OF_MEMORIES_RECALL = paper.params("recall")
MIXTURE_OF_MEMORIES_TEXT = paper.params("text")
MIXTURE_OF_MEMORIES_LARGE = paper.params("large")


# of each architecture of this scale, the number of seeds
MIXTURE_OF_MEMORIES_RECALL_RUNS = dict(MIXTURE_OF_MEMORIES_RECALL.pop("runs"))
MIXTURE_OF_MEMORIES_TEXT_RUNS = dict(MIXTURE_OF_MEMORIES_TEXT.pop("runs"))
MIXTURE_OF_MEMORIES_RECALL_ARCHS = MIXTURE_OF_MEMORIES_RECALL.pop("archs")
MIXTURE_OF_MEMORIES_TEXT_ARCHS = MIXTURE_OF_MEMORIES_TEXT.pop("archs")
MIXTURE_OF_MEMORIES_LARGE_RUNS = dict(MIXTURE_OF_MEMORIES_LARGE.pop("runs"))
MIXTURE_OF_MEMORIES_LARGE_ARCHS = MIXTURE_OF_MEMORIES_LARGE.pop("archs")
MIXTURE_OF_MEMORIES_RECALL_STORES = [paper.store(f"recall_{arch}") for arch in MIXTURE_OF_MEMORIES_RECALL_RUNS]
MIXTURE_OF_MEMORIES_TEXT_STORES = [paper.store(f"text_{arch}") for arch in MIXTURE_OF_MEMORIES_TEXT_RUNS]
MIXTURE_OF_MEMORIES_LARGE_STORES = [paper.store(f"large_{arch}") for arch in MIXTURE_OF_MEMORIES_LARGE_RUNS]


use rule stage as mixture_of_memories_check_forms with:
    """Compare every form with its definition."""
    output:
        store=paper.store("forms"),
    log:
        paper.log("forms"),
    benchmark:
        paper.benchmark("forms")
    priority: 20
    resources:
        mem_mb=mem(1500),
        runtime=minutes(30),
    params:
        **paper.params("forms"),
        **paper.script("check_forms"),
        root_seed=paper.root_seed,


use rule stage as mixture_of_memories_simulate_capacity with:
    """Store random pairs in one memory and in several."""
    output:
        store=paper.store("capacity"),
    log:
        paper.log("capacity"),
    benchmark:
        paper.benchmark("capacity")
    priority: 20
    resources:
        mem_mb=mem(500),
        runtime=minutes(20),
    params:
        **paper.params("capacity"),
        **paper.script("simulate_capacity"),
        root_seed=paper.root_seed,


use rule stage as mixture_of_memories_train_mqar with:
    """Train one architecture on associative recall, all seeds at once."""
    output:
        store=paper.store("recall_{arch}"),
    log:
        paper.log("recall_{arch}"),
    benchmark:
        paper.benchmark("recall_{arch}")
    wildcard_constraints:
        arch="[a-z0-9_]+",
    priority: 90
    resources:
        mem_mb=mem(2000, on_gpu=config["scale"] == "paper"),
        runtime=minutes(240),
        gpu=gpus(config["scale"] == "paper"),
    params:
        **MIXTURE_OF_MEMORIES_RECALL,
        **paper.script("train_mqar"),
        options=lambda wildcards, archs=MIXTURE_OF_MEMORIES_RECALL_ARCHS: archs[wildcards.arch],
        seeds=lambda wildcards, runs=MIXTURE_OF_MEMORIES_RECALL_RUNS: runs[wildcards.arch],
        root_seed=paper.root_seed,


use rule stage as mixture_of_memories_train_lm with:
    """Train one architecture on characters, all seeds at once."""
    output:
        store=paper.store("text_{arch}"),
    log:
        paper.log("text_{arch}"),
    benchmark:
        paper.benchmark("text_{arch}")
    wildcard_constraints:
        arch="[a-z0-9_]+",
    priority: 80
    resources:
        mem_mb=mem(2000),
        runtime=minutes(240),
    params:
        **MIXTURE_OF_MEMORIES_TEXT,
        **paper.script("train_lm"),
        options=lambda wildcards, archs=MIXTURE_OF_MEMORIES_TEXT_ARCHS: archs[wildcards.arch],
        seeds=lambda wildcards, runs=MIXTURE_OF_MEMORIES_TEXT_RUNS: runs[wildcards.arch],
        root_seed=paper.root_seed,


use rule stage as mixture_of_memories_train_large with:
    """Train one architecture at the paper's own size and answer multiple-choice items."""
    input:
        shards=paper.data("lm_path"),
        choices=paper.data("choices_path"),
    output:
        store=paper.store("large_{arch}"),
    log:
        paper.log("large_{arch}"),
    benchmark:
        paper.benchmark("large_{arch}")
    wildcard_constraints:
        arch="[a-z0-9_]+",
    resources:
        mem_mb=mem(60000, on_gpu=True),
        runtime=minutes(9000),  # 16 billion tokens; resumes from its checkpoint
        gpu=gpus(1),
    params:
        **MIXTURE_OF_MEMORIES_LARGE,
        **paper.script("train_lm"),
        options=lambda wildcards, archs=MIXTURE_OF_MEMORIES_LARGE_ARCHS: archs[wildcards.arch],
        seeds=lambda wildcards, runs=MIXTURE_OF_MEMORIES_LARGE_RUNS: runs[wildcards.arch],
        root_seed=paper.root_seed,


use rule stage as mixture_of_memories_time_layers with:
    """Time training and decoding, alone on the machine."""
    output:
        store=paper.store("times"),
    log:
        paper.log("times"),
    benchmark:
        paper.benchmark("times")
    priority: 100
    threads: whole_machine
    resources:
        mem_mb=mem(3000),
        runtime=minutes(60),
    params:
        **paper.params("times"),
        **paper.script("time_layers"),


use rule figure as mixture_of_memories_mqar with:
    """Figure: associative recall."""
    input:
        recall=MIXTURE_OF_MEMORIES_RECALL_STORES,
    output:
        figure=paper.figure("mqar"),
    log:
        paper.log("figure_mqar"),
    benchmark:
        paper.benchmark("figure_mqar")
    params:
        **paper.script("figure_mqar"),


use rule figure as mixture_of_memories_capacity with:
    """Figure: recall of random pairs."""
    input:
        capacity=paper.store("capacity"),
    output:
        figure=paper.figure("capacity"),
    log:
        paper.log("figure_capacity"),
    benchmark:
        paper.benchmark("figure_capacity")
    params:
        **paper.script("figure_capacity"),


use rule figure as mixture_of_memories_ablation with:
    """Figure: one factor at a time."""
    input:
        recall=MIXTURE_OF_MEMORIES_RECALL_STORES,
    output:
        figure=paper.figure("ablation"),
    log:
        paper.log("figure_ablation"),
    benchmark:
        paper.benchmark("figure_ablation")
    params:
        **paper.script("figure_ablation"),


use rule figure as mixture_of_memories_rules with:
    """Figure: update rules with and without several memories."""
    input:
        recall=MIXTURE_OF_MEMORIES_RECALL_STORES,
    output:
        figure=paper.figure("rules"),
    log:
        paper.log("figure_rules"),
    benchmark:
        paper.benchmark("figure_rules")
    params:
        **paper.script("figure_rules"),


use rule figure as mixture_of_memories_load with:
    """Figure: load of the memories."""
    input:
        recall=MIXTURE_OF_MEMORIES_RECALL_STORES,
    output:
        figure=paper.figure("load"),
    log:
        paper.log("figure_load"),
    benchmark:
        paper.benchmark("figure_load")
    params:
        **paper.script("figure_load"),


use rule figure as mixture_of_memories_specialisation with:
    """Figure: which tokens go to which memory."""
    input:
        text=MIXTURE_OF_MEMORIES_TEXT_STORES,
    output:
        figure=paper.figure("specialisation"),
    log:
        paper.log("figure_specialisation"),
    benchmark:
        paper.benchmark("figure_specialisation")
    params:
        **paper.script("figure_specialisation"),


use rule figure as mixture_of_memories_efficiency with:
    """Figure: time and memory against the length."""
    input:
        times=paper.store("times"),
    output:
        figure=paper.figure("efficiency"),
    log:
        paper.log("figure_efficiency"),
    benchmark:
        paper.benchmark("figure_efficiency")
    params:
        **paper.script("figure_efficiency"),


use rule figure as mixture_of_memories_lm with:
    """Figure: losses on text."""
    input:
        text=MIXTURE_OF_MEMORIES_TEXT_STORES,
    output:
        figure=paper.figure("lm"),
    log:
        paper.log("figure_lm"),
    benchmark:
        paper.benchmark("figure_lm")
    params:
        **paper.script("figure_lm"),


use rule figure as mixture_of_memories_extrapolation with:
    """Figure: loss beyond the length of the training."""
    input:
        text=MIXTURE_OF_MEMORIES_TEXT_STORES,
    output:
        figure=paper.figure("extrapolation"),
    log:
        paper.log("figure_extrapolation"),
    benchmark:
        paper.benchmark("figure_extrapolation")
    params:
        **paper.script("figure_extrapolation"),


use rule figure as mixture_of_memories_scaling with:
    """Figure: recall against the number of memories."""
    input:
        recall=MIXTURE_OF_MEMORIES_RECALL_STORES,
    output:
        figure=paper.figure("scaling"),
    log:
        paper.log("figure_scaling"),
    benchmark:
        paper.benchmark("figure_scaling")
    params:
        **paper.script("figure_scaling"),


use rule claims as mixture_of_memories_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.available(
            **paper.stores("forms", "capacity", "times"),
            recall=MIXTURE_OF_MEMORIES_RECALL_STORES,
            text=MIXTURE_OF_MEMORIES_TEXT_STORES,
            large=MIXTURE_OF_MEMORIES_LARGE_STORES,
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


rule mixture_of_memories:
    """The paper on mixtures of memories: all its figures and claims."""
    input:
        paper.everything(),
