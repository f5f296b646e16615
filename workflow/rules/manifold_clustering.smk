# Manifold linearising and clustering: features without labels, membership by projection, baselines, studies.
MANIFOLD_CLUSTERING_IMAGES = paper.params("images")

# one store for each data set and seed of this scale
MANIFOLD_CLUSTERING_RUNS = [
    paper.store(f"images_{dataset}_{seed}")
    for seeds in [MANIFOLD_CLUSTERING_IMAGES.pop("seeds")]
    for dataset in MANIFOLD_CLUSTERING_IMAGES.pop("datasets")
    for seed in seeds
]


use rule stage as manifold_clustering_train_starts with:
    """Train features of every seed without labels."""
    output:
        store=paper.store("starts"),
    log:
        paper.log("starts"),
    benchmark:
        paper.benchmark("starts")
    priority: 100
    resources:
        mem_mb=mem(1500),
        runtime=minutes(240),
    params:
        **paper.params("starts"),
        **paper.script("train_starts"),
        root_seed=paper.root_seed,


use rule stage as manifold_clustering_train_members with:
    """Train membership and features of every variant."""
    input:
        **paper.stores("starts"),
    output:
        store=paper.store("members"),
    log:
        paper.log("members"),
    benchmark:
        paper.benchmark("members")
    priority: 90
    resources:
        mem_mb=mem(1500),
        runtime=minutes(240),
    params:
        **paper.params("members"),
        **paper.script("train_members"),
        root_seed=paper.root_seed,


use rule stage as manifold_clustering_retrain_subsets with:
    """Train on fewer and on imbalanced images, and again and again from one start."""
    input:
        **paper.stores("starts", "members"),
    output:
        store=paper.store("subsets"),
    log:
        paper.log("subsets"),
    benchmark:
        paper.benchmark("subsets")
    priority: 85
    resources:
        mem_mb=mem(1500),
        runtime=minutes(600),
    params:
        **paper.params("subsets"),
        **paper.script("retrain_subsets"),
        root_seed=paper.root_seed,


use rule stage as manifold_clustering_sweep_training with:
    """Sweep the settings of stage 2."""
    input:
        **paper.stores("starts"),
    output:
        store=paper.store("sweep"),
    log:
        paper.log("sweep"),
    benchmark:
        paper.benchmark("sweep")
    priority: 80
    resources:
        mem_mb=mem(1500),
        runtime=minutes(240),
    params:
        **paper.params("sweep"),
        **paper.script("sweep_training"),
        root_seed=paper.root_seed,


use rule stage as manifold_clustering_train_toys with:
    """Train on lifted curves."""
    output:
        store=paper.store("toys"),
    log:
        paper.log("toys"),
    benchmark:
        paper.benchmark("toys")
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("toys"),
        **paper.script("train_toys"),
        root_seed=paper.root_seed,


use rule stage as manifold_clustering_time_labels with:
    """Time both methods from data to labels, alone on the machine."""
    output:
        store=paper.store("times"),
    log:
        paper.log("times"),
    benchmark:
        paper.benchmark("times")
    priority: 70
    threads: whole_machine
    resources:
        mem_mb=mem(1500),
        runtime=minutes(240),
    params:
        **paper.params("times"),
        **paper.script("time_labels"),
        root_seed=paper.root_seed,


use rule stage as manifold_clustering_measure_features with:
    """Cluster the features and measure their geometry."""
    input:
        **paper.stores("starts", "members"),
    output:
        store=paper.store("features"),
    log:
        paper.log("features"),
    benchmark:
        paper.benchmark("features")
    priority: 80
    resources:
        mem_mb=mem(1500),
        runtime=minutes(60),
    params:
        **paper.params("features"),
        **paper.script("measure_features"),


use rule stage as manifold_clustering_cluster_pixels with:
    """Cluster pixels, and features by self-expression."""
    input:
        **paper.stores("starts", "members"),
    output:
        store=paper.store("pixels"),
    log:
        paper.log("pixels"),
    benchmark:
        paper.benchmark("pixels")
    priority: 80
    resources:
        mem_mb=mem(1500),
        runtime=minutes(240),
    params:
        **paper.params("pixels"),
        **paper.script("cluster_pixels"),


use rule stage as manifold_clustering_check_theory with:
    """Check identities, projections and free representations."""
    input:
        **paper.stores("members"),
    output:
        store=paper.store("theory"),
    log:
        paper.log("theory"),
    benchmark:
        paper.benchmark("theory")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("theory"),
        **paper.script("check_theory"),
        root_seed=paper.root_seed,


use rule stage as manifold_clustering_train_images with:
    """Train on natural images at the paper's size."""
    input:
        images=paper.data("image_sets"),
    output:
        store=paper.store("images_{dataset}_{seed}"),
    log:
        paper.log("images_{dataset}_{seed}"),
    benchmark:
        paper.benchmark("images_{dataset}_{seed}")
    wildcard_constraints:
        dataset="[a-z0-9]+",
    priority: 100
    resources:
        mem_mb=mem(64000),  # 100000 images of 64 pixels a side are 5 GB, once while they are read and once on the GPU
        runtime=minutes(3000),
        gpu=gpus(1),
    params:
        **MANIFOLD_CLUSTERING_IMAGES,
        **paper.script("train_images"),
        root_seed=paper.root_seed,


use rule stage as manifold_clustering_cluster_own with:
    """Cluster images of your own, with a score of stability."""
    input:
        images=paper.data("image_archive"),
    output:
        store=paper.store("own"),
    log:
        paper.log("own"),
    benchmark:
        paper.benchmark("own")
    priority: 60
    resources:
        mem_mb=mem(4000),
        runtime=minutes(240),
    params:
        **paper.params("own"),
        **paper.script("cluster_own"),
        root_seed=paper.root_seed,


use rule figure as manifold_clustering_gram with:
    """Figure: similarity and membership, sorted by digit."""
    input:
        **paper.stores("starts", "members"),
    output:
        figure=paper.figure("gram"),
    log:
        paper.log("figure_gram"),
    benchmark:
        paper.benchmark("figure_gram")
    params:
        **paper.script("figure_gram"),


use rule figure as manifold_clustering_spectrum with:
    """Figure: spectra of the classes and cosines between them."""
    input:
        **paper.stores("features"),
    output:
        figure=paper.figure("spectrum"),
    log:
        paper.log("figure_spectrum"),
    benchmark:
        paper.benchmark("figure_spectrum")
    params:
        **paper.script("figure_spectrum"),


use rule figure as manifold_clustering_init with:
    """Figure: accuracy with a copied and with a fresh head."""
    input:
        **paper.stores("members", "subsets"),
    output:
        figure=paper.figure("init"),
    log:
        paper.log("figure_init"),
    benchmark:
        paper.benchmark("figure_init")
    params:
        **paper.script("figure_init"),


use rule figure as manifold_clustering_eta with:
    """Figure: labels over temperatures."""
    input:
        **paper.stores("features", "members"),
    output:
        figure=paper.figure("eta"),
    log:
        paper.log("figure_eta"),
    benchmark:
        paper.benchmark("figure_eta")
    params:
        **paper.script("figure_eta"),


use rule figure as manifold_clustering_scale with:
    """Figure: time from data to labels."""
    input:
        **paper.stores("times"),
    output:
        figure=paper.figure("scale"),
    log:
        paper.log("figure_scale"),
    benchmark:
        paper.benchmark("figure_scale")
    params:
        **paper.script("figure_scale"),


use rule figure as manifold_clustering_toy with:
    """Figure: lifted circles and spirals."""
    input:
        **paper.stores("toys"),
    output:
        figure=paper.figure("toy"),
    log:
        paper.log("figure_toy"),
    benchmark:
        paper.benchmark("figure_toy")
    params:
        **paper.script("figure_toy"),


use rule figure as manifold_clustering_sweep with:
    """Figure: accuracy over the settings of stage 2."""
    input:
        **paper.stores("sweep"),
    output:
        figure=paper.figure("sweep"),
    log:
        paper.log("figure_sweep"),
    benchmark:
        paper.benchmark("figure_sweep")
    params:
        **paper.script("figure_sweep"),


use rule figure as manifold_clustering_trivial with:
    """Figure: energy of free representations."""
    input:
        **paper.stores("theory"),
    output:
        figure=paper.figure("trivial"),
    log:
        paper.log("figure_trivial"),
    benchmark:
        paper.benchmark("figure_trivial")
    params:
        **paper.script("figure_trivial"),


use rule figure as manifold_clustering_subsets with:
    """Figure: fewer and imbalanced images."""
    input:
        **paper.stores("subsets"),
    output:
        figure=paper.figure("subsets"),
    log:
        paper.log("figure_subsets"),
    benchmark:
        paper.benchmark("figure_subsets")
    params:
        **paper.script("figure_subsets"),


use rule figure as manifold_clustering_rates with:
    """Figure: rates and ranks over stage 2."""
    input:
        **paper.stores("members"),
    output:
        figure=paper.figure("rates"),
    log:
        paper.log("figure_rates"),
    benchmark:
        paper.benchmark("figure_rates")
    params:
        **paper.script("figure_rates"),


use rule figure as manifold_clustering_clusters with:
    """Figure: images in each cluster."""
    input:
        **paper.stores("starts", "members"),
    output:
        figure=paper.figure("clusters"),
    log:
        paper.log("figure_clusters"),
    benchmark:
        paper.benchmark("figure_clusters")
    params:
        **paper.script("figure_clusters"),


use rule table as manifold_clustering_accuracy with:
    """Table: agreement of every method with the digits."""
    input:
        **paper.stores("members", "features", "pixels"),
    output:
        table=paper.table("accuracy"),
    log:
        paper.log("table_accuracy"),
    benchmark:
        paper.benchmark("table_accuracy")
    params:
        **paper.script("table_accuracy"),


use rule claims as manifold_clustering_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.available(
            **paper.stores("members", "features", "pixels", "subsets", "toys", "times", "theory"),
            images=MANIFOLD_CLUSTERING_RUNS,
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


rule manifold_clustering_table:
    """Table: agreement of every method, `accuracy`."""
    input:
        rules.manifold_clustering_accuracy.output,


rule manifold_clustering_density:
    """Figure: fewer images, in `subsets`."""
    input:
        rules.manifold_clustering_subsets.output,


rule manifold_clustering_imbalance:
    """Figure: imbalanced images, in `subsets`."""
    input:
        rules.manifold_clustering_subsets.output,


rule manifold_clustering:
    """The paper on manifold linearising and clustering: all its figures and claims."""
    input:
        paper.everything(),
