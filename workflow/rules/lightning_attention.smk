# Lightning Attention-2: equality, memory, times of kernels and models, language models, figures.


use rule stage as lightning_attention_check_equivalence with:
    """Hold every form of linear attention against the recurrence."""
    output:
        store=paper.store("equivalence"),
    log:
        paper.log("equivalence"),
    benchmark:
        paper.benchmark("equivalence")
    priority: 60
    resources:
        mem_mb=mem(1500),
        runtime=minutes(30),
    params:
        **paper.params("equivalence"),
        **paper.script("check_equivalence"),
        root_seed=paper.root_seed,


use rule stage as lightning_attention_measure_memory with:
    """Count the bytes that each form keeps for its backward pass."""
    output:
        store=paper.store("memory"),
    log:
        paper.log("memory"),
    benchmark:
        paper.benchmark("memory")
    resources:
        mem_mb=mem(2000, on_gpu=paper.value("kernels", "dtype") != "float32"),
        runtime=minutes(10),
        gpu=gpus(paper.value("kernels", "dtype") != "float32"),
    params:
        **paper.params("memory"),
        **paper.script("measure_memory"),


use rule stage as lightning_attention_time_kernels with:
    """Time every form of attention, alone on the machine."""
    output:
        store=paper.store("kernels"),
    log:
        paper.log("kernels"),
    benchmark:
        paper.benchmark("kernels")
    priority: 100
    threads: whole_machine
    resources:
        mem_mb=mem(3000, on_gpu=paper.value("kernels", "dtype") != "float32"),
        runtime=minutes(60),
        gpu=gpus(paper.value("kernels", "dtype") != "float32"),
    params:
        **paper.params("kernels"),
        **paper.script("time_kernels"),


use rule stage as lightning_attention_time_models with:
    """Time training steps and decoding of whole models, alone on the machine."""
    output:
        store=paper.store("models"),
    log:
        paper.log("models"),
    benchmark:
        paper.benchmark("models")
    priority: 100
    threads: whole_machine
    resources:
        mem_mb=mem(2000, on_gpu=paper.value("kernels", "dtype") != "float32"),
        runtime=minutes(60),
        gpu=gpus(paper.value("kernels", "dtype") != "float32"),
    params:
        **paper.params("models"),
        **paper.script("time_models"),
        sizes=paper.value("language", "sizes"),


use rule stage as lightning_attention_train_models with:
    """Train the language models of one architecture."""
    input:
        # tokens that the user supplies; without them the text is inside Python
        **({"shards": paper.data("lm_path")} if paper.value("corpus", "source") == "shards" else {}),
    output:
        store=paper.store("language_{architecture}"),
    log:
        paper.log("language_{architecture}"),
    benchmark:
        paper.benchmark("language_{architecture}")
    wildcard_constraints:
        architecture="tnl_chunked|tnl_quadratic|softmax",
    priority: 80
    resources:
        # a checkpoint of the 0.4B model is 5 GB, held twice while it is written
        mem_mb=mem(12000 if paper.value("language", "steps") > 10000 else 2000),
        runtime=minutes(6000),  # 6.6e9 tokens at about 38,000 a second and GPU, and the smaller model
        gpu=gpus(paper.value("kernels", "dtype") != "float32"),
    params:
        **paper.params("language"),
        **paper.script("train_models"),
        root_seed=paper.root_seed,


use rule figure as lightning_attention_speed_fwd with:
    """Figure: forward time against sequence length."""
    input:
        kernels=paper.store("kernels"),
        measured=measured_elsewhere("linear_attention"),
    output:
        figure=paper.figure("speed_fwd"),
    log:
        paper.log("figure_speed_fwd"),
    benchmark:
        paper.benchmark("figure_speed_fwd")
    params:
        **paper.script("figure_speed"),
        direction="forward",


use rule figure as lightning_attention_speed_bwd with:
    """Figure: forward and backward time against sequence length."""
    input:
        kernels=paper.store("kernels"),
        measured=measured_elsewhere("linear_attention"),
    output:
        figure=paper.figure("speed_bwd"),
    log:
        paper.log("figure_speed_bwd"),
    benchmark:
        paper.benchmark("figure_speed_bwd")
    params:
        **paper.script("figure_speed"),
        direction="both",


use rule figure as lightning_attention_memory with:
    """Figure: bytes kept for the backward pass."""
    input:
        memory=paper.store("memory"),
    output:
        figure=paper.figure("memory"),
    log:
        paper.log("figure_memory"),
    benchmark:
        paper.benchmark("figure_memory")
    params:
        **paper.script("figure_memory"),


use rule figure as lightning_attention_tgs with:
    """Figure: training tokens per second against sequence length."""
    input:
        models=paper.store("models"),
    output:
        figure=paper.figure("tgs"),
    log:
        paper.log("figure_tgs"),
    benchmark:
        paper.benchmark("figure_tgs")
    params:
        **paper.script("figure_tgs"),


use rule figure as lightning_attention_loss with:
    """Figure: losses of the architectures."""
    input:
        tnl_chunked=paper.store("language_tnl_chunked"),
        tnl_quadratic=paper.store("language_tnl_quadratic"),
        softmax=paper.store("language_softmax"),
    output:
        figure=paper.figure("loss"),
    log:
        paper.log("figure_loss"),
    benchmark:
        paper.benchmark("figure_loss")
    params:
        **paper.script("figure_loss"),


use rule figure as lightning_attention_blocksize with:
    """Figure: time against block length."""
    input:
        kernels=paper.store("kernels"),
    output:
        figure=paper.figure("blocksize"),
    log:
        paper.log("figure_blocksize"),
    benchmark:
        paper.benchmark("figure_blocksize")
    params:
        **paper.script("figure_blocksize"),


use rule figure as lightning_attention_decode with:
    """Figure: time and memory of decoding."""
    input:
        models=paper.store("models"),
    output:
        figure=paper.figure("decode"),
    log:
        paper.log("figure_decode"),
    benchmark:
        paper.benchmark("figure_decode")
    params:
        **paper.script("figure_decode"),


use rule claims as lightning_attention_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.available(
            **paper.stores("equivalence", "memory", "kernels", "models"),
            tnl_chunked=paper.store("language_tnl_chunked"),
            tnl_quadratic=paper.store("language_tnl_quadratic"),
            softmax=paper.store("language_softmax"),
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


rule lightning_attention:
    """The paper on Lightning Attention-2: all its figures and claims."""
    input:
        paper.everything(),
