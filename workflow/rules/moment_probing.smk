# Moment probing: small backbones, heads on their tokens, tuning through the backbone, cost, parameters; at paper scale
# ViT-B/16 on folders of images.

MOMENT_PROBING_METHODS = paper.value("benchmark", "methods")
MOMENT_PROBING_SETS = paper.value("benchmark", "folders")


use rule stage as moment_probing_pretrain_backbones with:
    """Train small backbones on procedural textures."""
    output:
        store=paper.store("backbones"),
    log:
        paper.log("backbones"),
    benchmark:
        paper.benchmark("backbones")
    priority: 100
    resources:
        mem_mb=mem(1000),
        runtime=minutes(60),
    params:
        **paper.params("backbones"),
        **paper.script("pretrain_backbones"),
        root_seed=paper.root_seed,


use rule stage as moment_probing_measure_probes with:
    """Train heads on the tokens of frozen backbones."""
    input:
        **paper.stores("backbones"),
    output:
        store=paper.store("probes_{backbone}"),
    log:
        paper.log("probes_{backbone}"),
    benchmark:
        paper.benchmark("probes_{backbone}")
    priority: 90
    resources:
        mem_mb=mem(3000),
        runtime=minutes(120),
    params:
        **paper.params("images"),
        **paper.params("probes"),
        **paper.script("measure_probes"),
        root_seed=paper.root_seed,


use rule stage as moment_probing_ablate_heads with:
    """Train variants of the moment head."""
    input:
        backbones=paper.store("backbones"),
        probes=paper.store("probes_vit"),
    output:
        store=paper.store("ablation"),
    log:
        paper.log("ablation"),
    benchmark:
        paper.benchmark("ablation")
    priority: 80
    resources:
        mem_mb=mem(2000),
        runtime=minutes(120),
    params:
        **paper.params("images"),
        **paper.params("ablation"),
        **paper.script("ablate_heads"),
        root_seed=paper.root_seed,


use rule stage as moment_probing_tune_backbones with:
    """Tune backbones by methods that back-propagate through them."""
    input:
        **paper.stores("backbones"),
    output:
        store=paper.store("tuned"),
    log:
        paper.log("tuned"),
    benchmark:
        paper.benchmark("tuned")
    priority: 90
    resources:
        mem_mb=mem(2000, laptop=1000),
        runtime=minutes(240),
    params:
        **paper.params("images"),
        **paper.params("tuned"),
        **paper.script("tune_backbones"),
        root_seed=paper.root_seed,


use rule moment_probing_tune_backbones as moment_probing_tune_masked with:
    """Tune backbones that were trained as masked autoencoders."""
    output:
        store=paper.store("tuned_masked"),
    log:
        paper.log("tuned_masked"),
    benchmark:
        paper.benchmark("tuned_masked")
    params:
        **paper.params("images"),
        **paper.params("tuned_masked"),


use rule stage as moment_probing_learn_few_shots with:
    """Train heads on a few images of each class."""
    input:
        backbones=paper.store("backbones"),
        probes=paper.store("probes_vit"),
        tuned=paper.store("tuned"),
    output:
        store=paper.store("few_shots"),
    log:
        paper.log("few_shots"),
    benchmark:
        paper.benchmark("few_shots")
    priority: 80
    resources:
        mem_mb=mem(2000),
        runtime=minutes(120),
    params:
        **paper.params("images"),
        **paper.params("few_shots"),
        **paper.script("learn_few_shots"),
        root_seed=paper.root_seed,


use rule stage as moment_probing_tell_moments with:
    """Train heads on tokens whose classes differ in one moment."""
    output:
        store=paper.store("mechanism"),
    log:
        paper.log("mechanism"),
    benchmark:
        paper.benchmark("mechanism")
    priority: 80
    resources:
        mem_mb=mem(2000),
        runtime=minutes(60),
    params:
        **paper.params("mechanism"),
        **paper.script("tell_moments"),
        root_seed=paper.root_seed,


use rule stage as moment_probing_time_methods with:
    """Time training steps by each method, and measure their memory."""
    output:
        store=paper.store("cost"),
    log:
        paper.log("cost"),
    benchmark:
        paper.benchmark("cost")
    priority: 60
    threads: whole_machine
    resources:
        mem_mb=mem(4000, laptop=1800),
        runtime=minutes(30),
    params:
        **paper.params("cost"),
        **paper.script("time_methods"),


use rule stage as moment_probing_count_parameters with:
    """Count the parameters of heads and adapters at the paper's sizes."""
    output:
        store=paper.store("counts"),
    log:
        paper.log("counts"),
    benchmark:
        paper.benchmark("counts")
    priority: 60
    params:
        **paper.params("counts"),
        **paper.script("count_parameters"),


# Published weights on a user's folders of images. Only the paper scale asks for them.
use rule stage as moment_probing_train_imagenet with:
    """Train ViT-B/16 by one method on ImageNet-1k, and test on shifted images too."""
    input:
        weights=paper.data("vit_base"),
        folder=paper.data("imagenet"),
        shifted=[paper.data("imagenet_a"), paper.data("imagenet_r"), paper.data("imagenet_c")],
    output:
        store=paper.store("benchmark_{method}_imagenet"),
    log:
        paper.log("benchmark_{method}_imagenet"),
    benchmark:
        paper.benchmark("benchmark_{method}_imagenet")
    priority: 100
    resources:
        mem_mb=mem(32000, on_gpu=True),
        runtime=minutes(1400),
        gpu=gpus(1),
    params:
        **paper.params("training"),
        **paper.script("train_benchmark"),
        images="imagenet",
        root_seed=paper.root_seed,


use rule moment_probing_train_imagenet as moment_probing_train_cifar with:
    """Train ViT-B/16 by one method on CIFAR-100."""
    input:
        weights=paper.data("vit_base"),
        folder=paper.data("cifar"),
    output:
        store=paper.store("benchmark_{method}_cifar"),
    log:
        paper.log("benchmark_{method}_cifar"),
    benchmark:
        paper.benchmark("benchmark_{method}_cifar")
    resources:
        mem_mb=mem(16000, on_gpu=True),
        runtime=minutes(480),
        gpu=gpus(1),
    params:
        **paper.params("training"),
        **paper.script("train_benchmark"),
        images="cifar",
        root_seed=paper.root_seed,


use rule moment_probing_train_imagenet as moment_probing_train_cub with:
    """Train ViT-B/16 by one method on CUB."""
    input:
        weights=paper.data("vit_base"),
        folder=paper.data("cub"),
    output:
        store=paper.store("benchmark_{method}_cub"),
    log:
        paper.log("benchmark_{method}_cub"),
    benchmark:
        paper.benchmark("benchmark_{method}_cub")
    resources:
        mem_mb=mem(16000, on_gpu=True),
        runtime=minutes(480),
        gpu=gpus(1),
    params:
        **paper.params("training"),
        **paper.script("train_benchmark"),
        images="cub",
        root_seed=paper.root_seed,


use rule moment_probing_train_imagenet as moment_probing_train_nabirds with:
    """Train ViT-B/16 by one method on NABirds."""
    input:
        weights=paper.data("vit_base"),
        folder=paper.data("nabirds"),
    output:
        store=paper.store("benchmark_{method}_nabirds"),
    log:
        paper.log("benchmark_{method}_nabirds"),
    benchmark:
        paper.benchmark("benchmark_{method}_nabirds")
    resources:
        mem_mb=mem(16000, on_gpu=True),
        runtime=minutes(480),
        gpu=gpus(1),
    params:
        **paper.params("training"),
        **paper.script("train_benchmark"),
        images="nabirds",
        root_seed=paper.root_seed,


use rule moment_probing_train_imagenet as moment_probing_train_flowers with:
    """Train ViT-B/16 by one method on Oxford Flowers."""
    input:
        weights=paper.data("vit_base"),
        folder=paper.data("flowers"),
    output:
        store=paper.store("benchmark_{method}_flowers"),
    log:
        paper.log("benchmark_{method}_flowers"),
    benchmark:
        paper.benchmark("benchmark_{method}_flowers")
    resources:
        mem_mb=mem(16000, on_gpu=True),
        runtime=minutes(480),
        gpu=gpus(1),
    params:
        **paper.params("training"),
        **paper.script("train_benchmark"),
        images="flowers",
        root_seed=paper.root_seed,


use rule moment_probing_train_imagenet as moment_probing_train_dogs with:
    """Train ViT-B/16 by one method on Stanford Dogs."""
    input:
        weights=paper.data("vit_base"),
        folder=paper.data("dogs"),
    output:
        store=paper.store("benchmark_{method}_dogs"),
    log:
        paper.log("benchmark_{method}_dogs"),
    benchmark:
        paper.benchmark("benchmark_{method}_dogs")
    resources:
        mem_mb=mem(16000, on_gpu=True),
        runtime=minutes(480),
        gpu=gpus(1),
    params:
        **paper.params("training"),
        **paper.script("train_benchmark"),
        images="dogs",
        root_seed=paper.root_seed,


use rule moment_probing_train_imagenet as moment_probing_train_cars with:
    """Train ViT-B/16 by one method on Stanford Cars."""
    input:
        weights=paper.data("vit_base"),
        folder=paper.data("cars"),
    output:
        store=paper.store("benchmark_{method}_cars"),
    log:
        paper.log("benchmark_{method}_cars"),
    benchmark:
        paper.benchmark("benchmark_{method}_cars")
    resources:
        mem_mb=mem(16000, on_gpu=True),
        runtime=minutes(480),
        gpu=gpus(1),
    params:
        **paper.params("training"),
        **paper.script("train_benchmark"),
        images="cars",
        root_seed=paper.root_seed,


use rule table as moment_probing_main_table with:
    """Table: accuracy, parameters and cost of each method."""
    input:
        **paper.stores("tuned", "cost"),
        probes=paper.store("probes_vit"),
    output:
        table=paper.table("main_table"),
    log:
        paper.log("main_table"),
    benchmark:
        paper.benchmark("main_table")
    params:
        **paper.script("table_main"),


use rule figure as moment_probing_ablation with:
    """Figure: which moment, which operator, heads, pairs and centring."""
    input:
        **paper.stores("ablation"),
        probes=paper.store("probes_vit"),
    output:
        figure=paper.figure("ablation"),
    log:
        paper.log("figure_ablation"),
    benchmark:
        paper.benchmark("figure_ablation")
    params:
        **paper.script("figure_ablation"),


use rule figure as moment_probing_fewshot with:
    """Figure: accuracy against training images of each class."""
    input:
        **paper.stores("few_shots"),
    output:
        figure=paper.figure("fewshot"),
    log:
        paper.log("figure_fewshot"),
    benchmark:
        paper.benchmark("figure_fewshot")
    params:
        **paper.script("figure_fewshot"),


use rule figure as moment_probing_pretraining with:
    """Figure: the gain by backbone and training objective."""
    input:
        **paper.stores("probes_vit", "probes_cnn", "probes_mae", "tuned", "tuned_masked"),
    output:
        figure=paper.figure("pretraining"),
    log:
        paper.log("figure_pretraining"),
    benchmark:
        paper.benchmark("figure_pretraining")
    params:
        **paper.script("figure_pretraining"),


use rule figure as moment_probing_cost with:
    """Figure: time and memory of a training step."""
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


use rule figure as moment_probing_ood with:
    """Figure: accuracy under corruption."""
    input:
        probes=paper.store("probes_vit"),
    output:
        figure=paper.figure("ood"),
    log:
        paper.log("figure_ood"),
    benchmark:
        paper.benchmark("figure_ood")
    params:
        **paper.script("figure_ood"),


use rule figure as moment_probing_mechanism with:
    """Figure: which heads see which moments."""
    input:
        **paper.stores("mechanism"),
    output:
        figure=paper.figure("mechanism"),
    log:
        paper.log("figure_mechanism"),
    benchmark:
        paper.benchmark("figure_mechanism")
    params:
        **paper.script("figure_mechanism"),


use rule figure as moment_probing_psrp with:
    """Figure: accuracy against trainable parameters."""
    input:
        **paper.stores("tuned"),
        probes=paper.store("probes_vit"),
    output:
        figure=paper.figure("psrp"),
    log:
        paper.log("figure_psrp"),
    benchmark:
        paper.benchmark("figure_psrp")
    params:
        **paper.script("figure_psrp"),


use rule claims as moment_probing_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.available(
            **paper.stores(
                "probes_vit",
                "probes_cnn",
                "probes_mae",
                "few_shots",
                "tuned",
                "tuned_masked",
                "mechanism",
                "cost",
                "counts",
            ),
            benchmarks=expand(
                paper.store("benchmark_{method}_{images}"), method=MOMENT_PROBING_METHODS, images=MOMENT_PROBING_SETS
            ),
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


rule moment_probing:
    """The paper on moment probing: all its figures and claims."""
    input:
        paper.everything(),
