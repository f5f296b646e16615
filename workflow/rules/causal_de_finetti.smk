# Causal structure from exchangeable data: identification by enumeration, directions, graphs, mechanisms, ablations.
CDF = Paper("causal_de_finetti")
DATA_SETS = CDF.value("directions", "seeds")  # by number of environments
PERMUTED_AT = CDF.value("directions", "permuted_at")


rule causal_de_finetti_enumerate_graphs:
    """List all graphs of a few nodes: classes, theorem, oracle algorithm."""
    output:
        store=CDF.store("enumeration"),
    log:
        CDF.log("enumeration"),
    benchmark:
        CDF.benchmark("enumeration")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **CDF.params("enumeration"),
        code=CDF.code("enumerate_graphs"),
    script:
        "../scripts/causal_de_finetti/enumerate_graphs.py"


rule causal_de_finetti_tabulate_mixtures:
    """Compute exact laws of two samples and their gaps."""
    output:
        store=CDF.store("mixtures"),
    log:
        CDF.log("mixtures"),
    benchmark:
        CDF.benchmark("mixtures")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **CDF.params("mixtures"),
        root_seed=CDF.root_seed,
        code=CDF.code("tabulate_mixtures"),
    script:
        "../scripts/causal_de_finetti/tabulate_mixtures.py"


rule causal_de_finetti_estimate_mechanisms:
    """Estimate mechanisms in many environments and test their independence."""
    output:
        store=CDF.store("mechanisms"),
    log:
        CDF.log("mechanisms"),
    benchmark:
        CDF.benchmark("mechanisms")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **CDF.params("mechanisms"),
        root_seed=CDF.root_seed,
        code=CDF.code("estimate_mechanisms"),
    script:
        "../scripts/causal_de_finetti/estimate_mechanisms.py"


rule causal_de_finetti_find_directions:
    """Find directions from two samples of each environment, one number of environments."""
    output:
        store=CDF.store("directions_{size}"),
    log:
        CDF.log("directions_{size}"),
    benchmark:
        CDF.benchmark("directions_{size}")
    priority: 50
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(120),
    params:
        environments=lambda wildcards: int(wildcards.size),
        seeds=lambda wildcards: DATA_SETS[int(wildcards.size)],
        permuted=lambda wildcards: int(wildcards.size) == PERMUTED_AT,
        root_seed=CDF.root_seed,
        code=CDF.code("find_directions"),
    script:
        "../scripts/causal_de_finetti/find_directions.py"


rule causal_de_finetti_fit_baselines:
    """Fit the baselines to the same data, one number of environments."""
    output:
        store=CDF.store("baselines_{size}"),
    log:
        CDF.log("baselines_{size}"),
    benchmark:
        CDF.benchmark("baselines_{size}")
    priority: 40
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(240),
    params:
        **CDF.params("baselines", "alpha"),
        environments=lambda wildcards: int(wildcards.size),
        seeds=lambda wildcards: DATA_SETS[int(wildcards.size)],
        root_seed=CDF.root_seed,
        code=CDF.code("fit_baselines"),
    script:
        "../scripts/causal_de_finetti/fit_baselines.py"


rule causal_de_finetti_find_graphs:
    """Find graphs of binary variables, one number of environments."""
    output:
        store=CDF.store("graphs_{size}"),
    log:
        CDF.log("graphs_{size}"),
    benchmark:
        CDF.benchmark("graphs_{size}")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(60),
    params:
        **CDF.params("graphs", "nodes", "seeds", "pc_alpha"),
        environments=lambda wildcards: int(wildcards.size),
        root_seed=CDF.root_seed,
        code=CDF.code("find_graphs"),
    script:
        "../scripts/causal_de_finetti/find_graphs.py"


rule causal_de_finetti_split_samples:
    """Spread a fixed number of samples over few or many environments."""
    output:
        store=CDF.store("split"),
    log:
        CDF.log("split"),
    benchmark:
        CDF.benchmark("split")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(60),
    params:
        **CDF.params("split"),
        root_seed=CDF.root_seed,
        code=CDF.code("split_samples"),
    script:
        "../scripts/causal_de_finetti/split_samples.py"


rule causal_de_finetti_time_methods:
    """Time each method on one data set, alone on the machine."""
    output:
        store=CDF.store("times"),
    log:
        CDF.log("times"),
    benchmark:
        CDF.benchmark("times")
    conda:
        "../envs/atlas.yaml"
    threads: whole_machine
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **CDF.params("times"),
        root_seed=CDF.root_seed,
        code=CDF.code("time_methods"),
    script:
        "../scripts/causal_de_finetti/time_methods.py"


rule causal_de_finetti_bivariate:
    """Figure: accuracy of directions against environments."""
    input:
        directions=expand(CDF.store("directions_{size}"), size=CDF.value("directions", "environments")),
        baselines=expand(CDF.store("baselines_{size}"), size=CDF.value("baselines", "environments")),
    output:
        figure=CDF.figure("bivariate"),
    log:
        CDF.log("figure_bivariate"),
    benchmark:
        CDF.benchmark("figure_bivariate")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        paper=CDF.value("reference", "bivariate"),
        code=CDF.code("figure_bivariate"),
    script:
        "../scripts/causal_de_finetti/figure_bivariate.py"


rule causal_de_finetti_multivariate:
    """Figure: distance to the true graph against environments."""
    input:
        graphs=expand(CDF.store("graphs_{size}"), size=CDF.value("graphs", "environments")),
    output:
        figure=CDF.figure("multivariate"),
    log:
        CDF.log("figure_multivariate"),
    benchmark:
        CDF.benchmark("figure_multivariate")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        paper=CDF.value("reference", "multivariate"),
        code=CDF.code("figure_multivariate"),
    script:
        "../scripts/causal_de_finetti/figure_multivariate.py"


rule causal_de_finetti_time:
    """Figure: seconds for one data set."""
    input:
        times=CDF.store("times"),
    output:
        figure=CDF.figure("time"),
    log:
        CDF.log("figure_time"),
    benchmark:
        CDF.benchmark("figure_time")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=CDF.code("figure_time"),
    script:
        "../scripts/causal_de_finetti/figure_time.py"


rule causal_de_finetti_calibration:
    """Figure: size and power of the directional tests."""
    input:
        directions=expand(CDF.store("directions_{size}"), size=CDF.value("directions", "environments")),
    output:
        figure=CDF.figure("calibration"),
    log:
        CDF.log("figure_calibration"),
    benchmark:
        CDF.benchmark("figure_calibration")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=CDF.code("figure_calibration"),
    script:
        "../scripts/causal_de_finetti/figure_calibration.py"


rule causal_de_finetti_mechanisms:
    """Figure: estimated mechanisms across environments."""
    input:
        mechanisms=CDF.store("mechanisms"),
    output:
        figure=CDF.figure("mechanisms"),
    log:
        CDF.log("figure_mechanisms"),
    benchmark:
        CDF.benchmark("figure_mechanisms")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=CDF.code("figure_mechanisms"),
    script:
        "../scripts/causal_de_finetti/figure_mechanisms.py"


rule causal_de_finetti_samples_per_env:
    """Figure: accuracy at a fixed total of samples."""
    input:
        split=CDF.store("split"),
    output:
        figure=CDF.figure("samples_per_env"),
    log:
        CDF.log("figure_samples_per_env"),
    benchmark:
        CDF.benchmark("figure_samples_per_env")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=CDF.code("figure_samples_per_env"),
    script:
        "../scripts/causal_de_finetti/figure_samples_per_env.py"


rule causal_de_finetti_classes:
    """Table: what independent and exchangeable samples identify."""
    input:
        enumeration=CDF.store("enumeration"),
    output:
        table=CDF.table("classes"),
    log:
        CDF.log("table_classes"),
    benchmark:
        CDF.benchmark("table_classes")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=CDF.code("table_classes"),
    script:
        "../scripts/causal_de_finetti/table_classes.py"


rule causal_de_finetti_measure_claims:
    """Measure every claim of the paper."""
    input:
        enumeration=CDF.store("enumeration"),
        mixtures=CDF.store("mixtures"),
        mechanisms=CDF.store("mechanisms"),
        directions=expand(CDF.store("directions_{size}"), size=CDF.value("directions", "environments")),
        baselines=expand(CDF.store("baselines_{size}"), size=CDF.value("baselines", "environments")),
        graphs=expand(CDF.store("graphs_{size}"), size=CDF.value("graphs", "environments")),
    output:
        claims=CDF.claims(),
    log:
        CDF.log("claims"),
    benchmark:
        CDF.benchmark("claims")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        pass_rules=CDF.pass_rules(),
        root_seed=CDF.root_seed,
        code=CDF.code("claims"),
    script:
        "../scripts/causal_de_finetti/claims.py"


rule causal_de_finetti:
    """The paper on causal de Finetti theorems: all its figures and claims."""
    input:
        CDF.everything(),
