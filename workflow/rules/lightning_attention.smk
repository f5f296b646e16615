# Lightning Attention-2: equality, memory, times of kernels and models, language models, figures.
LA = Paper("lightning_attention")
ARCHITECTURES = ["tnl_chunked", "tnl_quadratic", "softmax"]

# tokens that the user supplies; without them the text is inside Python
SHARDS = {"shards": LA.data("lm_path")} if LA.value("corpus", "source") == "shards" else {}

LA_MEASURED = measured_elsewhere("linear_attention")


rule lightning_attention_check_equivalence:
    """Hold every form of linear attention against the recurrence."""
    output:
        store=LA.store("equivalence"),
    log:
        LA.log("equivalence"),
    benchmark:
        LA.benchmark("equivalence")
    priority: 60
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(30),
    params:
        **LA.params("equivalence"),
        root_seed=LA.root_seed,
        code=LA.code("check_equivalence"),
    script:
        "../scripts/lightning_attention/check_equivalence.py"


rule lightning_attention_measure_memory:
    """Count the bytes that each form keeps for its backward pass."""
    output:
        store=LA.store("memory"),
    log:
        LA.log("memory"),
    benchmark:
        LA.benchmark("memory")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(10),
        gpu=gpus(LA.value("kernels", "dtype") != "float32"),
    params:
        **LA.params("memory"),
        code=LA.code("measure_memory"),
    script:
        "../scripts/lightning_attention/measure_memory.py"


rule lightning_attention_time_kernels:
    """Time every form of attention, alone on the machine."""
    output:
        store=LA.store("kernels"),
    log:
        LA.log("kernels"),
    benchmark:
        LA.benchmark("kernels")
    priority: 100
    conda:
        "../envs/atlas.yaml"
    threads: whole_machine
    resources:
        mem_mb=mem(3000),
        runtime=minutes(60),
        gpu=gpus(LA.value("kernels", "dtype") != "float32"),
    params:
        **LA.params("kernels"),
        code=LA.code("time_kernels"),
    script:
        "../scripts/lightning_attention/time_kernels.py"


rule lightning_attention_time_models:
    """Time training steps and decoding of whole models, alone on the machine."""
    output:
        store=LA.store("models"),
    log:
        LA.log("models"),
    benchmark:
        LA.benchmark("models")
    priority: 100
    conda:
        "../envs/atlas.yaml"
    threads: whole_machine
    resources:
        mem_mb=mem(2000),
        runtime=minutes(60),
        gpu=gpus(LA.value("kernels", "dtype") != "float32"),
    params:
        **LA.params("models"),
        sizes=LA.value("language", "sizes"),
        code=LA.code("time_models"),
    script:
        "../scripts/lightning_attention/time_models.py"


rule lightning_attention_train_models:
    """Train the language models of one architecture."""
    input:
        **SHARDS,
    output:
        store=LA.store("language_{architecture}"),
    log:
        LA.log("language_{architecture}"),
    benchmark:
        LA.benchmark("language_{architecture}")
    wildcard_constraints:
        architecture="|".join(ARCHITECTURES),
    priority: 80
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(120),
        gpu=gpus(LA.value("kernels", "dtype") != "float32"),
    params:
        **LA.params("language"),
        root_seed=LA.root_seed,
        code=LA.code("train_models"),
    script:
        "../scripts/lightning_attention/train_models.py"


rule lightning_attention_speed_fwd:
    """Figure: forward time against sequence length."""
    input:
        kernels=LA.store("kernels"),
        measured=LA_MEASURED,
    output:
        figure=LA.figure("speed_fwd"),
    log:
        LA.log("figure_speed_fwd"),
    benchmark:
        LA.benchmark("figure_speed_fwd")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        direction="forward",
        code=LA.code("figure_speed"),
    script:
        "../scripts/lightning_attention/figure_speed.py"


rule lightning_attention_speed_bwd:
    """Figure: forward and backward time against sequence length."""
    input:
        kernels=LA.store("kernels"),
        measured=LA_MEASURED,
    output:
        figure=LA.figure("speed_bwd"),
    log:
        LA.log("figure_speed_bwd"),
    benchmark:
        LA.benchmark("figure_speed_bwd")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        direction="both",
        code=LA.code("figure_speed"),
    script:
        "../scripts/lightning_attention/figure_speed.py"


rule lightning_attention_memory:
    """Figure: bytes kept for the backward pass."""
    input:
        memory=LA.store("memory"),
    output:
        figure=LA.figure("memory"),
    log:
        LA.log("figure_memory"),
    benchmark:
        LA.benchmark("figure_memory")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=LA.code("figure_memory"),
    script:
        "../scripts/lightning_attention/figure_memory.py"


rule lightning_attention_tgs:
    """Figure: training tokens per second against sequence length."""
    input:
        models=LA.store("models"),
    output:
        figure=LA.figure("tgs"),
    log:
        LA.log("figure_tgs"),
    benchmark:
        LA.benchmark("figure_tgs")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=LA.code("figure_tgs"),
    script:
        "../scripts/lightning_attention/figure_tgs.py"


rule lightning_attention_loss:
    """Figure: losses of the architectures."""
    input:
        tnl_chunked=LA.store("language_tnl_chunked"),
        tnl_quadratic=LA.store("language_tnl_quadratic"),
        softmax=LA.store("language_softmax"),
    output:
        figure=LA.figure("loss"),
    log:
        LA.log("figure_loss"),
    benchmark:
        LA.benchmark("figure_loss")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=LA.code("figure_loss"),
    script:
        "../scripts/lightning_attention/figure_loss.py"


rule lightning_attention_blocksize:
    """Figure: time against block length."""
    input:
        kernels=LA.store("kernels"),
    output:
        figure=LA.figure("blocksize"),
    log:
        LA.log("figure_blocksize"),
    benchmark:
        LA.benchmark("figure_blocksize")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=LA.code("figure_blocksize"),
    script:
        "../scripts/lightning_attention/figure_blocksize.py"


rule lightning_attention_decode:
    """Figure: time and memory of decoding."""
    input:
        models=LA.store("models"),
    output:
        figure=LA.figure("decode"),
    log:
        LA.log("figure_decode"),
    benchmark:
        LA.benchmark("figure_decode")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=LA.code("figure_decode"),
    script:
        "../scripts/lightning_attention/figure_decode.py"


rule lightning_attention_measure_claims:
    """Measure every claim of the paper."""
    input:
        equivalence=LA.store("equivalence"),
        memory=LA.store("memory"),
        kernels=LA.store("kernels"),
        models=LA.store("models"),
        tnl_chunked=LA.store("language_tnl_chunked"),
        tnl_quadratic=LA.store("language_tnl_quadratic"),
        softmax=LA.store("language_softmax"),
    output:
        claims=LA.claims(),
    log:
        LA.log("claims"),
    benchmark:
        LA.benchmark("claims")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        pass_rules=LA.pass_rules(),
        code=LA.code("claims"),
    script:
        "../scripts/lightning_attention/claims.py"


rule lightning_attention:
    """The paper on Lightning Attention-2: all its figures and claims."""
    input:
        LA.everything(),
