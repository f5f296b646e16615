# Causal structure from exchangeable data: identification by enumeration, directions, graphs, mechanisms, ablations.
CAUSAL_DE_FINETTI_SEEDS = paper.value("directions", "seeds")
CAUSAL_DE_FINETTI_FEWER = dict(paper.value("directions", "fewer"))  # seeds by number of environments


use rule stage as causal_de_finetti_enumerate_graphs with:
    """List all graphs of a few nodes: classes, theorem, oracle algorithm."""
    output:
        store=paper.store("enumeration"),
    log:
        paper.log("enumeration"),
    benchmark:
        paper.benchmark("enumeration")
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("enumeration"),
        **paper.script("enumerate_graphs"),


use rule stage as causal_de_finetti_tabulate_mixtures with:
    """Compute exact laws of two samples and their gaps."""
    output:
        store=paper.store("mixtures"),
    log:
        paper.log("mixtures"),
    benchmark:
        paper.benchmark("mixtures")
    params:
        **paper.params("mixtures"),
        **paper.script("tabulate_mixtures"),
        root_seed=paper.root_seed,


use rule stage as causal_de_finetti_estimate_mechanisms with:
    """Estimate mechanisms in many environments and test their independence."""
    output:
        store=paper.store("mechanisms"),
    log:
        paper.log("mechanisms"),
    benchmark:
        paper.benchmark("mechanisms")
    params:
        **paper.params("mechanisms"),
        **paper.script("estimate_mechanisms"),
        root_seed=paper.root_seed,


use rule stage as causal_de_finetti_find_directions with:
    """Find directions from two samples of each environment, one number of environments."""
    output:
        store=paper.store("directions_{size}"),
    log:
        paper.log("directions_{size}"),
    benchmark:
        paper.benchmark("directions_{size}")
    priority: 50
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(120),
    params:
        **paper.script("find_directions"),
        environments=lambda wildcards: int(wildcards.size),
        seeds=lambda wildcards, most=CAUSAL_DE_FINETTI_SEEDS, fewer=CAUSAL_DE_FINETTI_FEWER: fewer.get(
            int(wildcards.size), most
        ),
        permuted=lambda wildcards, at=paper.value("directions", "permuted_at"): int(wildcards.size) == at,
        root_seed=paper.root_seed,


use rule stage as causal_de_finetti_fit_baselines with:
    """Fit the baselines to the same data, one number of environments."""
    output:
        store=paper.store("baselines_{size}"),
    log:
        paper.log("baselines_{size}"),
    benchmark:
        paper.benchmark("baselines_{size}")
    priority: 40
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(240),
    params:
        **paper.params("baselines", "alpha"),
        **paper.script("fit_baselines"),
        environments=lambda wildcards: int(wildcards.size),
        seeds=lambda wildcards, most=CAUSAL_DE_FINETTI_SEEDS, fewer=CAUSAL_DE_FINETTI_FEWER: fewer.get(
            int(wildcards.size), most
        ),
        root_seed=paper.root_seed,


use rule stage as causal_de_finetti_find_graphs with:
    """Find graphs of binary variables, one number of environments."""
    output:
        store=paper.store("graphs_{size}"),
    log:
        paper.log("graphs_{size}"),
    benchmark:
        paper.benchmark("graphs_{size}")
    resources:
        mem_mb=mem(1000),
        runtime=minutes(60),
    params:
        **paper.params("graphs", "nodes", "seeds", "pc_alpha"),
        **paper.script("find_graphs"),
        environments=lambda wildcards: int(wildcards.size),
        root_seed=paper.root_seed,


use rule stage as causal_de_finetti_split_samples with:
    """Spread a fixed number of samples over few or many environments."""
    output:
        store=paper.store("split"),
    log:
        paper.log("split"),
    benchmark:
        paper.benchmark("split")
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(60),
    params:
        **paper.params("split"),
        **paper.script("split_samples"),
        root_seed=paper.root_seed,


use rule stage as causal_de_finetti_time_methods with:
    """Time each method on one data set, alone on the machine."""
    output:
        store=paper.store("times"),
    log:
        paper.log("times"),
    benchmark:
        paper.benchmark("times")
    threads: whole_machine
    params:
        **paper.params("times"),
        **paper.script("time_methods"),
        root_seed=paper.root_seed,


use rule stage as causal_de_finetti_repeat_first_version with:
    """Repeat the experiments of the paper's first version."""
    output:
        store=paper.store("first"),
    log:
        paper.log("first"),
    benchmark:
        paper.benchmark("first")
    params:
        **paper.params("first"),
        **paper.script("repeat_first_version"),
        published_directions=paper.value("reference", "first_directions"),
        published_graphs=paper.value("reference", "first_graphs"),
        root_seed=paper.root_seed,


use rule figure as causal_de_finetti_bivariate with:
    """Figure: accuracy of directions against environments."""
    input:
        directions=expand(paper.store("directions_{size}"), size=paper.value("directions", "environments")),
        baselines=expand(paper.store("baselines_{size}"), size=paper.value("baselines", "environments")),
    output:
        figure=paper.figure("bivariate"),
    log:
        paper.log("figure_bivariate"),
    benchmark:
        paper.benchmark("figure_bivariate")
    params:
        **paper.script("figure_bivariate"),
        paper=paper.value("reference", "bivariate"),
        paper_baselines=paper.value("reference", "baselines"),
        pass_bounds=paper.value("reference", "accuracy"),


use rule figure as causal_de_finetti_multivariate with:
    """Figure: distance to the true graph against environments."""
    input:
        graphs=expand(paper.store("graphs_{size}"), size=paper.value("graphs", "environments")),
    output:
        figure=paper.figure("multivariate"),
    log:
        paper.log("figure_multivariate"),
    benchmark:
        paper.benchmark("figure_multivariate")
    params:
        **paper.script("figure_multivariate"),
        paper=paper.value("reference", "multivariate"),


use rule figure as causal_de_finetti_time with:
    """Figure: seconds for one data set."""
    input:
        times=paper.store("times"),
    output:
        figure=paper.figure("time"),
    log:
        paper.log("figure_time"),
    benchmark:
        paper.benchmark("figure_time")
    params:
        **paper.script("figure_time"),
        paper=paper.value("reference", "seconds"),


use rule figure as causal_de_finetti_first_version with:
    """Figure: the experiments of the first version."""
    input:
        first=paper.store("first"),
    output:
        figure=paper.figure("first_version"),
    log:
        paper.log("figure_first_version"),
    benchmark:
        paper.benchmark("figure_first_version")
    params:
        **paper.script("figure_first_version"),


use rule figure as causal_de_finetti_calibration with:
    """Figure: size and power of the directional tests."""
    input:
        directions=expand(paper.store("directions_{size}"), size=paper.value("directions", "environments")),
    output:
        figure=paper.figure("calibration"),
    log:
        paper.log("figure_calibration"),
    benchmark:
        paper.benchmark("figure_calibration")
    params:
        **paper.script("figure_calibration"),


use rule figure as causal_de_finetti_mechanisms with:
    """Figure: estimated mechanisms across environments."""
    input:
        mechanisms=paper.store("mechanisms"),
    output:
        figure=paper.figure("mechanisms"),
    log:
        paper.log("figure_mechanisms"),
    benchmark:
        paper.benchmark("figure_mechanisms")
    params:
        **paper.script("figure_mechanisms"),


use rule figure as causal_de_finetti_samples_per_env with:
    """Figure: accuracy at a fixed total of samples."""
    input:
        split=paper.store("split"),
    output:
        figure=paper.figure("samples_per_env"),
    log:
        paper.log("figure_samples_per_env"),
    benchmark:
        paper.benchmark("figure_samples_per_env")
    params:
        **paper.script("figure_samples_per_env"),


use rule table as causal_de_finetti_classes with:
    """Table: what independent and exchangeable samples identify."""
    input:
        enumeration=paper.store("enumeration"),
    output:
        table=paper.table("classes"),
    log:
        paper.log("table_classes"),
    benchmark:
        paper.benchmark("table_classes")
    params:
        **paper.script("table_classes"),


use rule claims as causal_de_finetti_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores("enumeration", "mixtures", "mechanisms", "first"),
        directions=expand(paper.store("directions_{size}"), size=paper.value("directions", "environments")),
        baselines=expand(paper.store("baselines_{size}"), size=paper.value("baselines", "environments")),
        graphs=expand(paper.store("graphs_{size}"), size=paper.value("graphs", "environments")),
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


rule causal_de_finetti:
    """The paper on causal de Finetti theorems: all its figures and claims."""
    input:
        paper.everything(),
