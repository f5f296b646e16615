# Liger: forms of the kernel, bases, linearized variants, decoding, and the paper's own models from checkpoints.
LIGER_WORLDS = {world: paper.params(world) for world in ("text", "recall")}
LIGER_VARIANTS = paper.params("variants")
LIGER_LARGE = paper.params("large")


# of each world, the groups of variants that are tuned in one job at this scale
LIGER_GROUPS = {world: dict(params.pop("groups")) for world, params in LIGER_WORLDS.items()}
LIGER_TUNED = {
    world: [paper.store(f"tuned_{world}_{group}") for group in groups] for world, groups in LIGER_GROUPS.items()
}
LIGER_BASES = {world: paper.store(f"bases_{world}") for world in LIGER_WORLDS}
LIGER_LARGE_RUNS = LIGER_LARGE.pop("runs")
LIGER_LARGE_STORES = [paper.store(f"large_{model}_{variant}") for model, variant in LIGER_LARGE_RUNS]


use rule stage as liger_check_forms with:
    """Compare every form of gated linear attention with its definition."""
    output:
        store=paper.store("forms"),
    log:
        paper.log("forms"),
    benchmark:
        paper.benchmark("forms")
    priority: 20
    resources:
        mem_mb=mem(1500),
        runtime=minutes(20),
    params:
        **paper.params("forms"),
        **paper.script("check_forms"),
        root_seed=paper.root_seed,


use rule stage as liger_train_bases with:
    """Train the softmax models of one world, all seeds."""
    output:
        store=paper.store("bases_{world}"),
    log:
        paper.log("bases_{world}"),
    benchmark:
        paper.benchmark("bases_{world}")
    wildcard_constraints:
        world="text|recall",
    priority: 100
    resources:
        mem_mb=mem(1500),
        runtime=minutes(60),
    params:
        **{
            name: lambda wildcards, name=name, worlds=LIGER_WORLDS: worlds[wildcards.world][name]
            for name in ("data", "model", "base", "seeds", "extra")
        },
        **paper.script("train_bases"),
        root_seed=paper.root_seed,


use rule stage as liger_tune_variants with:
    """Linearize the bases of one world in some ways and fine-tune them."""
    input:
        bases=paper.store("bases_{world}"),
    output:
        store=paper.store("tuned_{world}_{group}"),
    log:
        paper.log("tuned_{world}_{group}"),
    benchmark:
        paper.benchmark("tuned_{world}_{group}")
    wildcard_constraints:
        world="text|recall",
        group="[a-z_]+",
    priority: 80
    resources:
        mem_mb=mem(1500),
        runtime=minutes(120),
    params:
        **{
            name: lambda wildcards, name=name, worlds=LIGER_WORLDS: worlds[wildcards.world][name]
            for name in ("data", "model", "tune", "window", "adapters", "seeds")
        },
        **paper.script("tune_variants"),
        variants=lambda wildcards, groups=LIGER_GROUPS: groups[wildcards.world][wildcards.group],
        catalogue=lambda wildcards, groups=LIGER_GROUPS, catalogue=LIGER_VARIANTS: {
            name: catalogue[name] for name in groups[wildcards.world][wildcards.group]
        },
        root_seed=paper.root_seed,


use rule stage as liger_time_decoding with:
    """Time decoded tokens after contexts, alone on the machine."""
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
        runtime=minutes(30),
    params:
        **paper.params("times"),
        **paper.script("time_decoding"),


use rule stage as liger_tune_large with:
    """Linearize one of the paper's models from its checkpoint, fine-tune it on instructions, evaluate it."""
    input:
        checkpoints=paper.data("llama_checkpoints"),
        instructions=paper.data("instructions"),
        questions=paper.data("evaluation_items"),
    output:
        store=paper.store("large_{model}_{variant}"),
    log:
        paper.log("large_{model}_{variant}"),
    benchmark:
        paper.benchmark("large_{model}_{variant}")
    wildcard_constraints:
        model="[a-z0-9_]+?",
        variant="base|lora|liger|liger_h",
    resources:
        mem_mb=mem(24000, on_gpu=True),
        runtime=minutes(1500),  # 2400 steps of 8192 tokens and 30000 items at 8B; resumes from its checkpoint
        gpu=gpus(1),
    params:
        **LIGER_LARGE,
        **paper.script("tune_large"),


use rule figure as liger_recovery with:
    """Figure: what each linearization recovers."""
    input:
        bases_text=LIGER_BASES["text"],
        text=LIGER_TUNED["text"],
    output:
        figure=paper.figure("recovery"),
    log:
        paper.log("figure_recovery"),
    benchmark:
        paper.benchmark("figure_recovery")
    params:
        **paper.script("figure_recovery"),


use rule figure as liger_curves with:
    """Figure: losses of the fine-tuning."""
    input:
        text=LIGER_TUNED["text"],
    output:
        figure=paper.figure("curves"),
    log:
        paper.log("figure_curves"),
    benchmark:
        paper.benchmark("figure_curves")
    params:
        **paper.script("figure_curves"),


use rule figure as liger_ablation with:
    """Figure: one part at a time."""
    input:
        text=LIGER_TUNED["text"],
    output:
        figure=paper.figure("ablation"),
    log:
        paper.log("figure_ablation"),
    benchmark:
        paper.benchmark("figure_ablation")
    params:
        **paper.script("figure_ablation"),


use rule figure as liger_gates with:
    """Figure: three gates."""
    input:
        bases_text=LIGER_BASES["text"],
        text=LIGER_TUNED["text"],
    output:
        figure=paper.figure("gates"),
    log:
        paper.log("figure_gates"),
    benchmark:
        paper.benchmark("figure_gates")
    params:
        **paper.script("figure_gates"),


use rule figure as liger_window with:
    """Figure: what the window carries."""
    input:
        text=LIGER_TUNED["text"],
        bases_recall=LIGER_BASES["recall"],
        recall=LIGER_TUNED["recall"],
    output:
        figure=paper.figure("window"),
    log:
        paper.log("figure_window"),
    benchmark:
        paper.benchmark("figure_window")
    params:
        **paper.script("figure_window"),


use rule figure as liger_decode with:
    """Figure: decoding after a context."""
    input:
        times=paper.store("times"),
    output:
        figure=paper.figure("decode"),
    log:
        paper.log("figure_decode"),
    benchmark:
        paper.benchmark("figure_decode")
    params:
        **paper.script("figure_decode"),


use rule figure as liger_gate_hist with:
    """Figure: how long the gates remember."""
    input:
        bases_text=LIGER_BASES["text"],
        text=LIGER_TUNED["text"],
    output:
        figure=paper.figure("gate_hist"),
    log:
        paper.log("figure_gate_hist"),
    benchmark:
        paper.benchmark("figure_gate_hist")
    params:
        **paper.script("figure_gate_hist"),


use rule figure as liger_gate_source with:
    """Figure: where the gate comes from."""
    input:
        text=LIGER_TUNED["text"],
    output:
        figure=paper.figure("gate_source"),
    log:
        paper.log("figure_gate_source"),
    benchmark:
        paper.benchmark("figure_gate_source")
    params:
        **paper.script("figure_gate_source"),


use rule figure as liger_weight_change with:
    """Figure: how far the weights move."""
    input:
        text=LIGER_TUNED["text"],
    output:
        figure=paper.figure("weight_change"),
    log:
        paper.log("figure_weight_change"),
    benchmark:
        paper.benchmark("figure_weight_change")
    params:
        **paper.script("figure_weight_change"),


use rule claims as liger_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.available(
            **paper.stores("forms", "times"),
            bases_text=LIGER_BASES["text"],
            text=LIGER_TUNED["text"],
            bases_recall=LIGER_BASES["recall"],
            recall=LIGER_TUNED["recall"],
            large=LIGER_LARGE_STORES,
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


rule liger:
    """The paper on linearized language models: all its figures and claims."""
    input:
        paper.everything(),
