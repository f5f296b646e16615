# Mamba-3: order of the step, forms of the scan, state tracking, language, recall, times.
MAMBA3_TASKS = {task: paper.params(task) for task in ("parity", "cyclic_sum", "arithmetic", "brackets")}
MAMBA3_LM = paper.params("lm")
MAMBA3_MQAR = paper.params("mqar")
MAMBA3_DOWNSTREAM = paper.params("downstream")


# one store for each variant of a task, and for each model of this scale
MAMBA3_TRACKING = {
    task: [paper.store(f"state_{task}_{variant}") for variant in values["variants"]]
    for task, values in MAMBA3_TASKS.items()
}
MAMBA3_LM_RUNS = [paper.store(f"lm_{arch}_{state}_{init}") for arch, state, init in MAMBA3_LM.pop("runs")]
MAMBA3_MQAR_RUNS = [paper.store(f"mqar_{arch}_{state}_{init}") for arch, state, init in MAMBA3_MQAR.pop("runs")]
MAMBA3_DOWNSTREAM_RUNS = [paper.store(f"downstream_{arch}") for arch in MAMBA3_DOWNSTREAM.pop("archs")]


use rule stage as mamba3_solve_order with:
    """Integrate a scalar equation with ever more steps."""
    output:
        store=paper.store("order"),
    log:
        paper.log("order"),
    benchmark:
        paper.benchmark("order")
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        **paper.params("order"),
        **paper.script("solve_order"),


use rule stage as mamba3_check_equivalence with:
    """Hold all forms of the scan against the recurrence."""
    output:
        store=paper.store("equivalence"),
    log:
        paper.log("equivalence"),
    benchmark:
        paper.benchmark("equivalence")
    priority: 20
    resources:
        mem_mb=mem(1500),
        runtime=minutes(20),
    params:
        **paper.params("equivalence"),
        **paper.script("check_equivalence"),
        root_seed=paper.root_seed,


# what of a task's own parameters its training takes
MAMBA3_TASK_KEYS = [
    "longest",
    "lengths",
    "sequences",
    "layers",
    "steps",
    "batch",
    "first",
    "growth",
    "warmup",
    "learning_rates",
]


use rule stage as mamba3_train_state_tracking with:
    """Train one variant on one task that needs a state, all seeds and learning rates at once."""
    output:
        store=paper.store("state_{task}_{variant}"),
    log:
        paper.log("state_{task}_{variant}"),
    benchmark:
        paper.benchmark("state_{task}_{variant}")
    wildcard_constraints:
        task="parity|cyclic_sum|arithmetic|brackets",
        variant="[a-z0-9_]+",
    priority: 90
    resources:
        mem_mb=mem(2000, on_gpu=paper.value("parity", "batch") > 32),
        runtime=minutes(1500),  # 2 widths x 10,000 steps of 256 sequences x 8 learning rates; resumes from its checkpoint
        gpu=gpus(paper.value("parity", "batch") > 32),
    params:
        **paper.params("state_tracking"),
        **{key: lambda wildcards, key=key, tasks=MAMBA3_TASKS: tasks[wildcards.task][key] for key in MAMBA3_TASK_KEYS},
        **paper.script("train_state_tracking"),
        root_seed=paper.root_seed,


use rule stage as mamba3_train_lm with:
    """Train one character language model, all seeds at once."""
    output:
        store=paper.store("lm_{arch}_{state}_{init}"),
    log:
        paper.log("lm_{arch}_{state}_{init}"),
    benchmark:
        paper.benchmark("lm_{arch}_{state}_{init}")
    wildcard_constraints:
        arch="[a-z0-9_]+",
        state="[0-9]+",
        init="[a-z]+",
    priority: 70
    resources:
        mem_mb=mem(2000, laptop=1000),
        runtime=minutes(120),
    params:
        **MAMBA3_LM,
        **paper.script("train_lm"),
        root_seed=paper.root_seed,


use rule stage as mamba3_train_mqar with:
    """Train one model on associative recall, all seeds at once."""
    output:
        store=paper.store("mqar_{arch}_{state}_{init}"),
    log:
        paper.log("mqar_{arch}_{state}_{init}"),
    benchmark:
        paper.benchmark("mqar_{arch}_{state}_{init}")
    wildcard_constraints:
        arch="[a-z0-9_]+",
        state="[0-9]+",
        init="[a-z]+",
    priority: 80
    resources:
        mem_mb=mem(2000),
        runtime=minutes(120),
    params:
        **MAMBA3_MQAR,
        **paper.script("train_mqar"),
        root_seed=paper.root_seed,


use rule stage as mamba3_time_operators with:
    """Time decode steps and forward passes."""
    output:
        store=paper.store("times"),
    log:
        paper.log("times"),
    benchmark:
        paper.benchmark("times")
    threads: whole_machine
    resources:
        mem_mb=mem(2000, on_gpu=paper.value("bench", "heads") >= 64),
        runtime=minutes(30),
        gpu=gpus(paper.value("bench", "heads") >= 64),
    params:
        **paper.params("bench"),
        **paper.script("time_operators"),


use rule stage as mamba3_train_downstream with:
    """Train a large language model and let it answer multiple-choice items."""
    input:
        lm_path=paper.data("lm_path"),
        choices_path=paper.data("choices_path"),
    output:
        store=paper.store("downstream_{arch}"),
    log:
        paper.log("downstream_{arch}"),
    benchmark:
        paper.benchmark("downstream_{arch}")
    wildcard_constraints:
        arch="[a-z0-9_]+",
    resources:
        # weights and moments of 1.5B parameters are 18 GB, held twice while a checkpoint is written
        mem_mb=mem(64000),
        runtime=minutes(40000),  # 9e20 operations at 400 TFLOP/s; about 60 GB of the GPU's memory
        gpu=gpus(1),
    params:
        **MAMBA3_DOWNSTREAM,
        **paper.script("train_downstream"),
        root_seed=paper.root_seed,


use rule figure as mamba3_order with:
    """Figure: error of a scalar equation against the step."""
    input:
        order=paper.store("order"),
    output:
        figure=paper.figure("order"),
    log:
        paper.log("figure_order"),
    benchmark:
        paper.benchmark("figure_order")
    params:
        **paper.script("figure_order"),


use rule table as mamba3_state_tracking with:
    """Table: scaled accuracy of each variant on each task."""
    input:
        **MAMBA3_TRACKING,
    output:
        table=paper.table("state_tracking"),
    log:
        paper.log("table_state_tracking"),
    benchmark:
        paper.benchmark("table_state_tracking")
    params:
        **paper.script("table_state_tracking"),


use rule figure as mamba3_length with:
    """Figure: parity against length, and what bounds it."""
    input:
        parity=MAMBA3_TRACKING["parity"],
    output:
        figure=paper.figure("length"),
    log:
        paper.log("figure_length"),
    benchmark:
        paper.benchmark("figure_length")
    params:
        **paper.script("figure_length"),


use rule figure as mamba3_ablation with:
    """Figure: loss without trapezoid and bias, and with a convolution."""
    input:
        lm=MAMBA3_LM_RUNS,
    output:
        figure=paper.figure("ablation"),
    log:
        paper.log("figure_ablation"),
    benchmark:
        paper.benchmark("figure_ablation")
    params:
        **paper.script("figure_ablation"),


use rule figure as mamba3_state_size with:
    """Figure: loss against state size."""
    input:
        lm=MAMBA3_LM_RUNS,
    output:
        figure=paper.figure("state_size"),
    log:
        paper.log("figure_state_size"),
    benchmark:
        paper.benchmark("figure_state_size")
    params:
        **paper.script("figure_state_size"),


use rule figure as mamba3_retrieval with:
    """Figure: recall against the number of pairs."""
    input:
        mqar=MAMBA3_MQAR_RUNS,
    output:
        figure=paper.figure("retrieval"),
    log:
        paper.log("figure_retrieval"),
    benchmark:
        paper.benchmark("figure_retrieval")
    params:
        **paper.script("figure_retrieval"),
        trained_pairs=MAMBA3_MQAR["pairs"],


use rule figure as mamba3_decode with:
    """Figure: work and time of a decode step."""
    input:
        times=paper.store("times"),
        measured=measured_elsewhere("mamba3"),
    output:
        figure=paper.figure("decode"),
    log:
        paper.log("figure_decode"),
    benchmark:
        paper.benchmark("figure_decode")
    params:
        **paper.script("figure_decode"),


use rule figure as mamba3_prefill with:
    """Figure: time of a forward pass."""
    input:
        times=paper.store("times"),
        measured=measured_elsewhere("mamba3"),
    output:
        figure=paper.figure("prefill"),
    log:
        paper.log("figure_prefill"),
    benchmark:
        paper.benchmark("figure_prefill")
    params:
        **paper.script("figure_prefill"),


use rule claims as mamba3_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.available(
            **paper.stores("order", "equivalence"),
            **MAMBA3_TRACKING,
            lm=MAMBA3_LM_RUNS,
            mqar=MAMBA3_MQAR_RUNS,
            times=paper.store("times"),
            downstream=MAMBA3_DOWNSTREAM_RUNS,
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


rule mamba3:
    """The paper on Mamba-3: all its figures, tables and claims."""
    input:
        paper.everything(),
