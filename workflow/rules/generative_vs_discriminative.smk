# Generative and discriminative linear classifiers: sample complexity on mixtures, the bound of risks, probes of features.

GENERATIVE_VS_DISCRIMINATIVE_GROUPS = {group["classes"]: group for group in paper.value("easy", "groups")}
GENERATIVE_VS_DISCRIMINATIVE_EASY = expand(paper.store("easy_{classes}"), classes=GENERATIVE_VS_DISCRIMINATIVE_GROUPS)
GENERATIVE_VS_DISCRIMINATIVE_PROBES = {
    "digits": expand(paper.store("probes_{seed}"), seed=range(paper.value("backbones", "seeds"))),
    "files": [
        file
        for dataset, sizes in paper.value("files", "m").items()
        for file in expand(
            paper.store("files_{backbone}_{dataset}_{size}"),
            backbone=paper.value("files", "backbones"),
            dataset=dataset,
            size=sizes,
        )
    ],
}


use rule stage as generative_vs_discriminative_search_easy with:
    """Find the number of samples at which rules learnt on the paper's mixture are good, for one number of classes."""
    output:
        store=paper.store("easy_{classes}"),
    log:
        paper.log("easy_{classes}"),
    benchmark:
        paper.benchmark("easy_{classes}")
    wildcard_constraints:
        classes=r"\d+",
    priority: 90
    resources:
        mem_mb=mem(8000, laptop=600),
        runtime=minutes(1400),
    params:
        **paper.params(
            "easy",
            "setting",
            "matrices",
            "estimators",
            "m_grid_ratio",
            "few",
            "draws",
            "margin",
            "replications",
            "single_dim",
            "test_size",
            "C",
            "epsilon",
        ),
        **paper.script("search_crossings"),
        dims=lambda wildcards, groups=GENERATIVE_VS_DISCRIMINATIVE_GROUPS: groups[int(wildcards.classes)]["dims"],
        largest_dim=lambda wildcards, groups=GENERATIVE_VS_DISCRIMINATIVE_GROUPS: groups[int(wildcards.classes)][
            "largest_dim"
        ],
        classes=lambda wildcards: int(wildcards.classes),
        root_seed=paper.root_seed,


use rule stage as generative_vs_discriminative_search_dilute with:
    """The same where every feature is weak."""
    output:
        store=paper.store("dilute"),
    log:
        paper.log("dilute"),
    benchmark:
        paper.benchmark("dilute")
    priority: 70
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(240),
    params:
        **paper.params("dilute"),
        **paper.script("search_crossings"),
        root_seed=paper.root_seed,


use rule generative_vs_discriminative_search_dilute as generative_vs_discriminative_search_hard with:
    """The same where features depend on each other."""
    output:
        store=paper.store("hard"),
    log:
        paper.log("hard"),
    benchmark:
        paper.benchmark("hard")
    params:
        **paper.params("hard"),


use rule stage as generative_vs_discriminative_check_means with:
    """Count the samples that make the means of all features accurate."""
    output:
        store=paper.store("means"),
    log:
        paper.log("means"),
    benchmark:
        paper.benchmark("means")
    priority: 50
    resources:
        mem_mb=mem(2500, laptop=700),
        runtime=minutes(60),
    params:
        **paper.params("means"),
        **paper.script("check_means"),
        root_seed=paper.root_seed,


use rule stage as generative_vs_discriminative_check_bound with:
    """Check the bound of the 0-1 excess risk by the logistic one."""
    output:
        store=paper.store("bound"),
    log:
        paper.log("bound"),
    benchmark:
        paper.benchmark("bound")
    priority: 50
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(60),
    params:
        **paper.params("bound"),
        **paper.script("check_bound"),
        root_seed=paper.root_seed,


use rule stage as generative_vs_discriminative_train_backbones with:
    """Train the networks whose hidden layers are probed."""
    output:
        store=paper.store("backbones"),
    log:
        paper.log("backbones"),
    benchmark:
        paper.benchmark("backbones")
    priority: 100
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(60),
    params:
        **paper.params("backbones"),
        **paper.script("train_backbones"),
        root_seed=paper.root_seed,


use rule stage as generative_vs_discriminative_probe_backbones with:
    """Measure the error of every probe on the features of one pre-training seed."""
    input:
        **paper.stores("backbones"),
    output:
        store=paper.store("probes_{seed}"),
    log:
        paper.log("probes_{seed}"),
    benchmark:
        paper.benchmark("probes_{seed}")
    wildcard_constraints:
        seed=r"\d+",
    priority: 80
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(60),
    params:
        **paper.params("probes", "m", "subsamples", "strengths", "epsilons", "gap_epsilon", "tol"),
        **paper.script("probe_backbones"),
        seed=lambda wildcards: int(wildcards.seed),
        root_seed=paper.root_seed,


use rule stage as generative_vs_discriminative_probe_files with:
    """Measure the error of every probe on features of your own, for one backbone, data set and number of samples."""
    input:
        features=paper.data("features"),
    output:
        store=paper.store("files_{backbone}_{dataset}_{size}"),
    log:
        paper.log("files_{backbone}_{dataset}_{size}"),
    benchmark:
        paper.benchmark("files_{backbone}_{dataset}_{size}")
    wildcard_constraints:
        backbone="[a-z0-9]+",
        dataset="[a-z0-9]+",
        size=r"\d+",
    priority: 80
    resources:
        mem_mb=mem(20000),
        runtime=minutes(240),
        gpu=gpus(1),
    params:
        **paper.params("files", "classes", "repeats", "diagnose", "strengths", "epsilons", "gap_epsilon", "tol"),
        **paper.script("probe_files"),
        backbone=lambda wildcards: wildcards.backbone,
        dataset=lambda wildcards: wildcards.dataset,
        size=lambda wildcards: int(wildcards.size),
        root_seed=paper.root_seed,


use rule stage as generative_vs_discriminative_join_probes with:
    """Put the errors of all probes into one store, with marks of what claims speak about."""
    input:
        probes=GENERATIVE_VS_DISCRIMINATIVE_PROBES[paper.value("probes", "source")],
    output:
        store=paper.store("features"),
    log:
        paper.log("features"),
    benchmark:
        paper.benchmark("features")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        **paper.params("joined"),
        **paper.script("join_probes"),


use rule stage as generative_vs_discriminative_choose_probe with:
    """Say which probe to use on labelled features of your own, by number of samples."""
    input:
        rows=paper.data("labelled_features"),
    output:
        store=paper.store("choice"),
    log:
        paper.log("choice"),
    benchmark:
        paper.benchmark("choice")
    resources:
        mem_mb=mem(4000),
        runtime=minutes(120),
    params:
        **paper.params("choice"),
        **paper.script("choose_probe"),
        root_seed=paper.root_seed,


use rule figure as generative_vs_discriminative_simulation with:
    """Figure: number of samples against number of features."""
    input:
        **paper.stores("hard"),
        easy=GENERATIVE_VS_DISCRIMINATIVE_EASY,
    output:
        figure=paper.figure("simulation"),
    log:
        paper.log("figure_simulation"),
    benchmark:
        paper.benchmark("figure_simulation")
    params:
        **paper.script("figure_simulation"),
        root_seed=paper.root_seed,


use rule figure as generative_vs_discriminative_curves with:
    """Figure: error against number of samples around the crossing."""
    input:
        easy=GENERATIVE_VS_DISCRIMINATIVE_EASY[0],
    output:
        figure=paper.figure("curves"),
    log:
        paper.log("figure_curves"),
    benchmark:
        paper.benchmark("figure_curves")
    params:
        **paper.script("figure_curves"),


use rule figure as generative_vs_discriminative_features with:
    """Figure: error of probes of features against number of samples."""
    input:
        **paper.stores("features"),
    output:
        figure=paper.figure("features"),
    log:
        paper.log("figure_features"),
    benchmark:
        paper.benchmark("figure_features")
    params:
        **paper.script("figure_features"),


use rule figure as generative_vs_discriminative_hbound with:
    """Figure: 0-1 excess against logistic excess."""
    input:
        **paper.stores("bound"),
    output:
        figure=paper.figure("hbound"),
    log:
        paper.log("figure_hbound"),
    benchmark:
        paper.benchmark("figure_hbound")
    params:
        **paper.script("figure_hbound"),


use rule figure as generative_vs_discriminative_dilute with:
    """Figure: number of samples where features are weak, and for accurate means."""
    input:
        **paper.stores("dilute", "means"),
    output:
        figure=paper.figure("dilute"),
    log:
        paper.log("figure_dilute"),
    benchmark:
        paper.benchmark("figure_dilute")
    params:
        **paper.script("figure_dilute"),
        root_seed=paper.root_seed,


use rule figure as generative_vs_discriminative_diagnostics with:
    """Figure: variances of features and gaps of likelihoods."""
    input:
        **paper.stores("features"),
    output:
        figure=paper.figure("diagnostics"),
    log:
        paper.log("figure_diagnostics"),
    benchmark:
        paper.benchmark("figure_diagnostics")
    params:
        **paper.script("figure_diagnostics"),


use rule claims as generative_vs_discriminative_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.available(**paper.stores("dilute", "hard", "means", "bound", "features")),
        easy=GENERATIVE_VS_DISCRIMINATIVE_EASY,
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


rule generative_vs_discriminative:
    """The paper on generative and discriminative linear classifiers: all its figures and claims."""
    input:
        paper.everything(),
