# Diffusion models and the distributions that they can generate: training, samples, Jacobians, tails, linear classifiers.

DIFFUSION_CONCENTRATION_SEEDS = range(paper.value("runs", "seeds"))
DIFFUSION_CONCENTRATION_DDIM = next(
    one["steps"] for one in paper.value("generate", "samplers") if one["name"] == "ddim"
)


use rule stage as diffusion_concentration_train_students with:
    """Train denoisers of Student and Gaussian vectors."""
    output:
        store=paper.store("students"),
    log:
        paper.log("students"),
    benchmark:
        paper.benchmark("students")
    priority: 90
    resources:
        mem_mb=mem(1500),
        runtime=minutes(120),
    params:
        **paper.params("students"),
        **paper.script("train_students"),
        root_seed=paper.root_seed,


use rule stage as diffusion_concentration_measure_tails with:
    """Measure the tails of what they generate, and of the exact denoiser."""
    input:
        **paper.stores("students"),
    output:
        store=paper.store("tails"),
    log:
        paper.log("tails"),
    benchmark:
        paper.benchmark("tails")
    priority: 60
    resources:
        mem_mb=mem(1500),
        runtime=minutes(30),
    params:
        **paper.params("tails"),
        **paper.params("students", "dim", "freedom"),
        **paper.script("measure_tails"),
        root_seed=paper.root_seed,


use rule stage as diffusion_concentration_train_digits with:
    """Train a class-conditional U-Net on digits."""
    output:
        store=paper.store("model_{seed}"),
    log:
        paper.log("model_{seed}"),
    benchmark:
        paper.benchmark("model_{seed}")
    priority: 100
    resources:
        mem_mb=mem(1500),
        runtime=minutes(120),
    params:
        **paper.params("digits"),
        **paper.script("train_digits"),
        root_seed=paper.root_seed,


use rule stage as diffusion_concentration_generate_digits with:
    """Draw digits by each sampler."""
    input:
        model=paper.store("model_{seed}"),
    output:
        store=paper.store("digits_{seed}"),
    log:
        paper.log("digits_{seed}"),
    benchmark:
        paper.benchmark("digits_{seed}")
    priority: 95
    resources:
        mem_mb=mem(1500),
        runtime=minutes(60),
    params:
        **paper.params("generate"),
        **paper.script("generate_digits"),
        root_seed=paper.root_seed,


use rule stage as diffusion_concentration_measure_jacobians with:
    """Measure Jacobians of the whole sampler."""
    input:
        model=paper.store("model_0"),
        samples=paper.store("digits_0"),
    output:
        store=paper.store("jacobians"),
    log:
        paper.log("jacobians"),
    benchmark:
        paper.benchmark("jacobians")
    priority: 50
    resources:
        mem_mb=mem(2000),
        runtime=minutes(60),
    params:
        **paper.params("jacobians"),
        **paper.script("measure_jacobians"),
        steps=DIFFUSION_CONCENTRATION_DDIM,
        root_seed=paper.root_seed,


use rule stage as diffusion_concentration_measure_concentration with:
    """Measure how Lipschitz functionals of digits are spread."""
    input:
        samples=paper.store("digits_{seed}"),
    output:
        store=paper.store("concentration_{seed}"),
    log:
        paper.log("concentration_{seed}"),
    benchmark:
        paper.benchmark("concentration_{seed}")
    priority: 40
    resources:
        mem_mb=mem(1500),
        runtime=minutes(20),
    params:
        **paper.params("concentration"),
        **paper.script("measure_concentration"),
        root_seed=paper.root_seed,


use rule stage as diffusion_concentration_generate_manifold with:
    """Train a denoiser of a hidden manifold and draw from it."""
    output:
        store=paper.store("manifold"),
    log:
        paper.log("manifold"),
    benchmark:
        paper.benchmark("manifold")
    priority: 85
    resources:
        mem_mb=mem(1500),
        runtime=minutes(120),
    params:
        **paper.params("manifold"),
        **paper.script("generate_manifold"),
        root_seed=paper.root_seed,


use rule stage as diffusion_concentration_measure_spectra with:
    """Measure spectra of class covariances and Gram matrices."""
    input:
        samples=paper.store("digits_0"),
        manifold=paper.store("manifold"),
    output:
        store=paper.store("spectra"),
    log:
        paper.log("spectra"),
    benchmark:
        paper.benchmark("spectra")
    priority: 40
    resources:
        mem_mb=mem(1500, laptop=800),
        runtime=minutes(20),
    params:
        **paper.params("spectra"),
        **paper.script("measure_spectra"),
        root_seed=paper.root_seed,


use rule stage as diffusion_concentration_train_classifiers with:
    """Train linear classifiers on generated samples and on the matched mixture."""
    input:
        samples=paper.store("digits_0"),
        manifold=paper.store("manifold"),
    output:
        store=paper.store("classifiers"),
    log:
        paper.log("classifiers"),
    benchmark:
        paper.benchmark("classifiers")
    priority: 45
    resources:
        mem_mb=mem(2000),
        runtime=minutes(60),
    params:
        **paper.params("classifiers"),
        **paper.params("manifold", "dim", "classes"),
        **paper.script("train_classifiers"),
        root_seed=paper.root_seed,


# Images of the paper's size: a file of the user's, or drawn from a model of the user's in shards.
DIFFUSION_CONCENTRATION_SHARDS = range(
    -(-len(paper.value("shards", "classes")) * paper.value("shards", "per_class") // paper.value("shards", "size"))
)


use rule stage as diffusion_concentration_generate_images with:
    """Draw one shard of images from a model of the user's."""
    input:
        folder=paper.data("class_conditional_model"),
    output:
        store=paper.store("shards/images_{n}"),
    log:
        paper.log("shards/images_{n}"),
    benchmark:
        paper.benchmark("shards/images_{n}")
    resources:
        mem_mb=mem(8000),
        runtime=minutes(120),
        gpu=gpus(1),
    params:
        **paper.params("shards"),
        **paper.script("generate_images"),
        root_seed=paper.root_seed,


use rule stage as diffusion_concentration_measure_images with:
    """Test universality and concentration on images of the paper's size."""
    input:
        archive=(
            paper.data("generated_images")
            if paper.value("images", "source") == "archive"
            else expand(paper.store("shards/images_{n}"), n=DIFFUSION_CONCENTRATION_SHARDS)
        ),
    output:
        store=paper.store("images"),
    log:
        paper.log("images"),
    benchmark:
        paper.benchmark("images")
    resources:
        mem_mb=mem(40000),
        runtime=minutes(2880),
        gpu=gpus(1),
    params:
        **paper.params(
            "images",
            "least",
            "sizes",
            "tests",
            "repeats",
            "loss",
            "learning_rate",
            "epochs",
            "batch",
            "projections",
        ),
        **paper.script("measure_images"),
        root_seed=paper.root_seed,


use rule diffusion_concentration_measure_images as diffusion_concentration_measure_own_images with:
    """The same for labelled images of one's own."""
    input:
        archive=paper.data("labelled_images"),
    output:
        store=paper.store("own_images"),
    log:
        paper.log("own_images"),
    benchmark:
        paper.benchmark("own_images")


use rule figure as diffusion_concentration_samples with:
    """Figure: generated digits and norms along the sampler."""
    input:
        samples=paper.store("digits_0"),
    output:
        figure=paper.figure("samples"),
    log:
        paper.log("figure_samples"),
    benchmark:
        paper.benchmark("figure_samples")
    params:
        **paper.script("figure_samples"),


use rule figure as diffusion_concentration_norms with:
    """Figure: norms of images by class."""
    input:
        concentration=paper.store("concentration_0"),
    output:
        figure=paper.figure("norms"),
    log:
        paper.log("figure_norms"),
    benchmark:
        paper.benchmark("figure_norms")
    params:
        **paper.script("figure_norms"),


use rule figure as diffusion_concentration_tails with:
    """Figure: tails of Lipschitz functionals."""
    input:
        **paper.stores("jacobians"),
        concentration=paper.store("concentration_0"),
    output:
        figure=paper.figure("tails"),
    log:
        paper.log("figure_tails"),
    benchmark:
        paper.benchmark("figure_tails")
    params:
        **paper.script("figure_tails"),


use rule figure as diffusion_concentration_lipschitz with:
    """Figure: Jacobians of the sampler."""
    input:
        **paper.stores("jacobians"),
    output:
        figure=paper.figure("lipschitz"),
    log:
        paper.log("figure_lipschitz"),
    benchmark:
        paper.benchmark("figure_lipschitz")
    params:
        **paper.script("figure_lipschitz"),


use rule figure as diffusion_concentration_spectrum with:
    """Figure: spectra of covariances and Gram matrices."""
    input:
        **paper.stores("spectra"),
    output:
        figure=paper.figure("spectrum"),
    log:
        paper.log("figure_spectrum"),
    benchmark:
        paper.benchmark("figure_spectrum")
    params:
        **paper.script("figure_spectrum"),


use rule figure as diffusion_concentration_heavy_tail with:
    """Figure: heavy tails, learnt and exact."""
    input:
        **paper.stores("tails"),
    output:
        figure=paper.figure("heavy_tail"),
    log:
        paper.log("figure_heavy_tail"),
    benchmark:
        paper.benchmark("figure_heavy_tail")
    params:
        **paper.script("figure_heavy_tail"),


use rule figure as diffusion_concentration_universality with:
    """Figure: errors on samples and on the matched mixture."""
    input:
        **paper.stores("classifiers"),
    output:
        figure=paper.figure("universality"),
    log:
        paper.log("figure_universality"),
    benchmark:
        paper.benchmark("figure_universality")
    params:
        **paper.script("figure_universality"),


use rule claims as diffusion_concentration_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.available(
            **paper.stores("jacobians", "tails", "spectra", "classifiers"),
            concentration=expand(paper.store("concentration_{seed}"), seed=DIFFUSION_CONCENTRATION_SEEDS),
            images=[paper.store("images")] if config["scale"] == "paper" else [],
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


rule diffusion_concentration_norm_evolution:
    """Figure: norms along the sampler, the right panel of `samples`."""
    input:
        rules.diffusion_concentration_samples.output,


rule diffusion_concentration_gram:
    """Figure: Gram spectra, the lower panels of `spectrum`."""
    input:
        rules.diffusion_concentration_spectrum.output,


rule diffusion_concentration:
    """The paper on what diffusion models can generate: all its figures and claims."""
    input:
        paper.everything(),
