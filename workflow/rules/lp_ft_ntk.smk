# Linear probing before fine-tuning: encoders of a small language, heads, runs, tangent kernels, feature motion.

LP_FT_NTK_TASKS = sorted(paper.value("texts", "recipes"))
LP_FT_NTK_PROCEDURES = paper.value("text_runs", "procedures")
LP_FT_NTK_REPEATS = range(paper.value("text_runs", "repeats"))


use rule stage as lp_ft_ntk_pretrain_encoders with:
    """Pre-train encoders on documents that mix domains."""
    output:
        store=paper.store("encoders"),
    log:
        paper.log("encoders"),
    benchmark:
        paper.benchmark("encoders")
    priority: 100
    resources:
        mem_mb=mem(1000),
        runtime=minutes(60),
    params:
        **paper.params("encoders"),
        **paper.script("pretrain_encoders"),
        root_seed=paper.root_seed,


use rule stage as lp_ft_ntk_fit_heads with:
    """Fit linear heads on frozen features."""
    input:
        **paper.stores("encoders"),
    output:
        store=paper.store("heads"),
    log:
        paper.log("heads"),
    benchmark:
        paper.benchmark("heads")
    priority: 90
    resources:
        mem_mb=mem(1000),
        runtime=minutes(60),
    params:
        **paper.params("task", "purity"),
        **paper.params("heads"),
        **paper.script("fit_heads"),
        root_seed=paper.root_seed,


use rule stage as lp_ft_ntk_tune_encoders with:
    """Fine-tune encoders from random and probed heads."""
    input:
        **paper.stores("encoders", "heads"),
    output:
        store=paper.store("tuned"),
    log:
        paper.log("tuned"),
    benchmark:
        paper.benchmark("tuned")
    priority: 80
    resources:
        mem_mb=mem(1500),
        runtime=minutes(120),
    params:
        **paper.params("task"),
        **paper.params("adapters", "adapters"),
        **paper.params("tuned"),
        **paper.script("tune_encoders"),
        root_seed=paper.root_seed,


use rule stage as lp_ft_ntk_measure_kernels with:
    """Split tangent kernels where fine-tuning starts."""
    input:
        **paper.stores("encoders", "heads"),
    output:
        store=paper.store("kernels"),
    log:
        paper.log("kernels"),
    benchmark:
        paper.benchmark("kernels")
    priority: 70
    resources:
        mem_mb=mem(2000),
        runtime=minutes(60),
    params:
        **paper.params("task", "purity"),
        **paper.params("adapters", "adapters"),
        **paper.params("kernels"),
        **paper.script("measure_kernels"),
        root_seed=paper.root_seed,


use rule stage as lp_ft_ntk_follow_dynamics with:
    """Follow features in gradient descent and in its linearised dynamics."""
    input:
        **paper.stores("encoders", "heads"),
    output:
        store=paper.store("dynamics"),
    log:
        paper.log("dynamics"),
    benchmark:
        paper.benchmark("dynamics")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(60),
    params:
        **paper.params("task", "purity"),
        **paper.params("dynamics"),
        **paper.script("follow_dynamics"),
        root_seed=paper.root_seed,


# An encoder of transformers on a user's sets of texts. Only the paper scale asks for them.
use rule stage as lp_ft_ntk_tune_texts with:
    """Tune an encoder on one set of texts by one procedure."""
    input:
        encoder=paper.data("text_encoder"),
        folder=paper.data("text_sets"),
    output:
        store=paper.store("texts_{task}_{procedure}_{repeat}"),
    log:
        paper.log("texts_{task}_{procedure}_{repeat}"),
    benchmark:
        paper.benchmark("texts_{task}_{procedure}_{repeat}")
    priority: 100
    resources:
        mem_mb=mem(24000, on_gpu=True),
        runtime=minutes(600),
        gpu=gpus(1),
    params:
        **paper.params("texts"),
        **paper.params("text_adapters"),
        **paper.script("tune_texts"),
        root_seed=paper.root_seed,


use rule stage as lp_ft_ntk_measure_text_kernels with:
    """Split tangent kernels of an encoder on one set of texts."""
    input:
        encoder=paper.data("text_encoder"),
        folder=paper.data("text_sets"),
    output:
        store=paper.store("text_kernels_{task}"),
    log:
        paper.log("text_kernels_{task}"),
    benchmark:
        paper.benchmark("text_kernels_{task}")
    priority: 90
    resources:
        mem_mb=mem(48000, on_gpu=True),
        runtime=minutes(600),
        gpu=gpus(1),
    params:
        **paper.params("text_kernels"),
        **paper.params("text_adapters"),
        **paper.script("measure_text_kernels"),
        root_seed=paper.root_seed,


use rule table as lp_ft_ntk_accuracy with:
    """Table: accuracy on the training domain and on others."""
    input:
        **paper.stores("tuned"),
    output:
        table=paper.table("accuracy"),
    log:
        paper.log("table_accuracy"),
    benchmark:
        paper.benchmark("table_accuracy")
    params:
        **paper.script("table_accuracy"),


use rule table as lp_ft_ntk_kernels with:
    """Table: ranks, norms and regression of kernels."""
    input:
        **paper.stores("kernels"),
    output:
        table=paper.table("kernels"),
    log:
        paper.log("table_kernels"),
    benchmark:
        paper.benchmark("table_kernels")
    params:
        **paper.script("table_kernels"),


use rule figure as lp_ft_ntk_features with:
    """Figure: how far features move, and where to."""
    input:
        **paper.stores("tuned"),
    output:
        figure=paper.figure("features"),
    log:
        paper.log("figure_features"),
    benchmark:
        paper.benchmark("figure_features")
    params:
        **paper.script("figure_features"),


use rule figure as lp_ft_ntk_norm with:
    """Figure: norm of the head in probing, and what norm and accuracy of a head do to features."""
    input:
        **paper.stores("heads", "tuned"),
    output:
        figure=paper.figure("norm"),
    log:
        paper.log("figure_norm"),
    benchmark:
        paper.benchmark("figure_norm")
    params:
        **paper.script("figure_norm"),


use rule figure as lp_ft_ntk_dynamics with:
    """Figure: feature change predicted and measured, by step."""
    input:
        **paper.stores("dynamics"),
    output:
        figure=paper.figure("dynamics"),
    log:
        paper.log("figure_dynamics"),
    benchmark:
        paper.benchmark("figure_dynamics")
    params:
        **paper.script("figure_dynamics"),


use rule figure as lp_ft_ntk_calibration with:
    """Figure: calibration before and after temperature scaling."""
    input:
        **paper.stores("tuned"),
    output:
        figure=paper.figure("calibration"),
    log:
        paper.log("figure_calibration"),
    benchmark:
        paper.benchmark("figure_calibration")
    params:
        **paper.script("figure_calibration"),


use rule figure as lp_ft_ntk_spectrum with:
    """Figure: spectra of kernels, error of adapters, blocks of kernels."""
    input:
        **paper.stores("kernels"),
    output:
        figure=paper.figure("spectrum"),
    log:
        paper.log("figure_spectrum"),
    benchmark:
        paper.benchmark("figure_spectrum")
    params:
        **paper.script("figure_spectrum"),


use rule claims as lp_ft_ntk_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.available(
            **paper.stores("heads", "tuned", "kernels"),
            texts=expand(
                paper.store("texts_{task}_{procedure}_{repeat}"),
                task=LP_FT_NTK_TASKS,
                procedure=LP_FT_NTK_PROCEDURES,
                repeat=LP_FT_NTK_REPEATS,
            ),
            text_kernels=expand(paper.store("text_kernels_{task}"), task=LP_FT_NTK_TASKS if LP_FT_NTK_REPEATS else []),
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


rule lp_ft_ntk_accuracy_effect:
    """Figure: feature change against the accuracy of the head, the last panel of `norm`."""
    input:
        rules.lp_ft_ntk_norm.output,


rule lp_ft_ntk_lora:
    """Figure: error of the adapters' kernel, the second panel of `spectrum`."""
    input:
        rules.lp_ft_ntk_spectrum.output,


rule lp_ft_ntk_heatmap:
    """Figure: blocks of the kernel, the last panels of `spectrum`."""
    input:
        rules.lp_ft_ntk_spectrum.output,


rule lp_ft_ntk:
    """The paper on linear probing before fine-tuning: all its figures and claims."""
    input:
        paper.everything(),
