# Mamba-3: order of the step, forms of the scan, state tracking, language, recall, times.
M3 = Paper("mamba3")
M3_TASKS = {task: M3.params(task) for task in ("parity", "cyclic_sum", "arithmetic", "brackets")}
M3_LM = M3.params("lm")
M3_MQAR = M3.params("mqar")
M3_DOWNSTREAM = M3.params("downstream")


# one store for each variant of a task, and for each model of this scale
M3_TRACKING = {
    task: [M3.store(f"state_{task}_{variant}") for variant in values["variants"]] for task, values in M3_TASKS.items()
}
M3_LM_RUNS = [M3.store(f"lm_{arch}_{state}_{init}") for arch, state, init in M3_LM.pop("runs")]
M3_MQAR_RUNS = [M3.store(f"mqar_{arch}_{state}_{init}") for arch, state, init in M3_MQAR.pop("runs")]
M3_MEASURED = measured_elsewhere("mamba3")
M3_DOWNSTREAM_RUNS = [M3.store(f"downstream_{arch}") for arch in M3_DOWNSTREAM.pop("archs")]


rule mamba3_solve_order:
    """Integrate a scalar equation with ever more steps."""
    output:
        store=M3.store("order"),
    log:
        M3.log("order"),
    benchmark:
        M3.benchmark("order")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        **M3.params("order"),
        code=M3.code("solve_order"),
    script:
        "../scripts/mamba3/solve_order.py"


rule mamba3_check_equivalence:
    """Hold all forms of the scan against the recurrence."""
    output:
        store=M3.store("equivalence"),
    log:
        M3.log("equivalence"),
    benchmark:
        M3.benchmark("equivalence")
    priority: 20
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(20),
    params:
        **M3.params("equivalence"),
        root_seed=M3.root_seed,
        code=M3.code("check_equivalence"),
    script:
        "../scripts/mamba3/check_equivalence.py"


rule mamba3_train_state_tracking:
    """Train one variant on one task that needs a state, all seeds at once."""
    output:
        store=M3.store("state_{task}_{variant}"),
    log:
        M3.log("state_{task}_{variant}"),
    benchmark:
        M3.benchmark("state_{task}_{variant}")
    wildcard_constraints:
        task="parity|cyclic_sum|arithmetic|brackets",
        variant="[a-z0-9_]+",
    priority: 90
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(120),
        gpu=gpus(M3.value("state_tracking", "layers") > 1),
    params:
        **M3.params("state_tracking"),
        longest=lambda wildcards: M3_TASKS[wildcards.task]["longest"],
        lengths=lambda wildcards: M3_TASKS[wildcards.task]["lengths"],
        root_seed=M3.root_seed,
        code=M3.code("train_state_tracking"),
    script:
        "../scripts/mamba3/train_state_tracking.py"


rule mamba3_train_lm:
    """Train one character language model, all seeds at once."""
    output:
        store=M3.store("lm_{arch}_{state}_{init}"),
    log:
        M3.log("lm_{arch}_{state}_{init}"),
    benchmark:
        M3.benchmark("lm_{arch}_{state}_{init}")
    wildcard_constraints:
        arch="[a-z0-9_]+",
        state="[0-9]+",
        init="[a-z]+",
    priority: 70
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(120),
    params:
        **M3_LM,
        root_seed=M3.root_seed,
        code=M3.code("train_lm"),
    script:
        "../scripts/mamba3/train_lm.py"


rule mamba3_train_mqar:
    """Train one model on associative recall, all seeds at once."""
    output:
        store=M3.store("mqar_{arch}_{state}_{init}"),
    log:
        M3.log("mqar_{arch}_{state}_{init}"),
    benchmark:
        M3.benchmark("mqar_{arch}_{state}_{init}")
    wildcard_constraints:
        arch="[a-z0-9_]+",
        state="[0-9]+",
        init="[a-z]+",
    priority: 80
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(120),
    params:
        **M3_MQAR,
        root_seed=M3.root_seed,
        code=M3.code("train_mqar"),
    script:
        "../scripts/mamba3/train_mqar.py"


rule mamba3_time_operators:
    """Time decode steps and forward passes."""
    output:
        store=M3.store("times"),
    log:
        M3.log("times"),
    benchmark:
        M3.benchmark("times")
    conda:
        "../envs/atlas.yaml"
    threads: whole_machine
    resources:
        mem_mb=mem(2000),
        runtime=minutes(30),
        gpu=gpus(M3.value("bench", "heads") >= 64),
    params:
        **M3.params("bench"),
        code=M3.code("time_operators"),
    script:
        "../scripts/mamba3/time_operators.py"


rule mamba3_train_downstream:
    """Train a large language model and let it answer multiple-choice items."""
    input:
        lm_path=M3.data("lm_path"),
        choices_path=M3.data("choices_path"),
    output:
        store=M3.store("downstream_{arch}"),
    log:
        M3.log("downstream_{arch}"),
    benchmark:
        M3.benchmark("downstream_{arch}")
    wildcard_constraints:
        arch="[a-z0-9_]+",
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(64000),
        runtime=minutes(30000),
        gpu=gpus(1),
    params:
        **M3_DOWNSTREAM,
        root_seed=M3.root_seed,
        code=M3.code("train_downstream"),
    script:
        "../scripts/mamba3/train_downstream.py"


rule mamba3_order:
    """Figure: error of a scalar equation against the step."""
    input:
        order=M3.store("order"),
    output:
        figure=M3.figure("order"),
    log:
        M3.log("figure_order"),
    benchmark:
        M3.benchmark("figure_order")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=M3.code("figure_order"),
    script:
        "../scripts/mamba3/figure_order.py"


rule mamba3_state_tracking:
    """Table: scaled accuracy of each variant on each task."""
    input:
        parity=M3_TRACKING["parity"],
        cyclic_sum=M3_TRACKING["cyclic_sum"],
        arithmetic=M3_TRACKING["arithmetic"],
        brackets=M3_TRACKING["brackets"],
    output:
        table=M3.table("state_tracking"),
    log:
        M3.log("table_state_tracking"),
    benchmark:
        M3.benchmark("table_state_tracking")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=M3.code("table_state_tracking"),
    script:
        "../scripts/mamba3/table_state_tracking.py"


rule mamba3_length:
    """Figure: parity against length, and what bounds it."""
    input:
        parity=M3_TRACKING["parity"],
    output:
        figure=M3.figure("length"),
    log:
        M3.log("figure_length"),
    benchmark:
        M3.benchmark("figure_length")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=M3.code("figure_length"),
    script:
        "../scripts/mamba3/figure_length.py"


rule mamba3_ablation:
    """Figure: loss without trapezoid and bias, and with a convolution."""
    input:
        lm=M3_LM_RUNS,
    output:
        figure=M3.figure("ablation"),
    log:
        M3.log("figure_ablation"),
    benchmark:
        M3.benchmark("figure_ablation")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=M3.code("figure_ablation"),
    script:
        "../scripts/mamba3/figure_ablation.py"


rule mamba3_state_size:
    """Figure: loss against state size."""
    input:
        lm=M3_LM_RUNS,
    output:
        figure=M3.figure("state_size"),
    log:
        M3.log("figure_state_size"),
    benchmark:
        M3.benchmark("figure_state_size")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=M3.code("figure_state_size"),
    script:
        "../scripts/mamba3/figure_state_size.py"


rule mamba3_retrieval:
    """Figure: recall against the number of pairs."""
    input:
        mqar=M3_MQAR_RUNS,
    output:
        figure=M3.figure("retrieval"),
    log:
        M3.log("figure_retrieval"),
    benchmark:
        M3.benchmark("figure_retrieval")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        trained_pairs=M3_MQAR["pairs"],
        code=M3.code("figure_retrieval"),
    script:
        "../scripts/mamba3/figure_retrieval.py"


rule mamba3_decode:
    """Figure: work and time of a decode step."""
    input:
        times=M3.store("times"),
        measured=M3_MEASURED,
    output:
        figure=M3.figure("decode"),
    log:
        M3.log("figure_decode"),
    benchmark:
        M3.benchmark("figure_decode")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=M3.code("figure_decode"),
    script:
        "../scripts/mamba3/figure_decode.py"


rule mamba3_prefill:
    """Figure: time of a forward pass."""
    input:
        times=M3.store("times"),
        measured=M3_MEASURED,
    output:
        figure=M3.figure("prefill"),
    log:
        M3.log("figure_prefill"),
    benchmark:
        M3.benchmark("figure_prefill")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=M3.code("figure_prefill"),
    script:
        "../scripts/mamba3/figure_prefill.py"


rule mamba3_measure_claims:
    """Measure every claim of the paper."""
    input:
        order=M3.store("order"),
        equivalence=M3.store("equivalence"),
        parity=M3_TRACKING["parity"],
        cyclic_sum=M3_TRACKING["cyclic_sum"],
        arithmetic=M3_TRACKING["arithmetic"],
        brackets=M3_TRACKING["brackets"],
        lm=M3_LM_RUNS,
        mqar=M3_MQAR_RUNS,
        times=M3.store("times"),
        downstream=M3_DOWNSTREAM_RUNS,
    output:
        claims=M3.claims(),
    log:
        M3.log("claims"),
    benchmark:
        M3.benchmark("claims")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        pass_rules=M3.pass_rules(),
        code=M3.code("claims"),
    script:
        "../scripts/mamba3/claims.py"


rule mamba3:
    """The paper on Mamba-3: all its figures, tables and claims."""
    input:
        M3.everything(),
