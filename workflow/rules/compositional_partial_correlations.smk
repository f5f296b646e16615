# Partial correlations of compositions: estimates of every data set, identities, subcompositions, intervals, recovery.
CPC = Paper("compositional_partial_correlations")

CPC_STUDY = CPC.value("study", "dataset")
CPC_OTHERS = CPC.value("study", "others")
# Files behind data sets that have one.
CPC_SOURCES = {
    "cups_standin": lambda wildcards: {"variation": f"{ROOT_RELATIVE}resources/roman_cups_variation.csv"},
    "cups": lambda wildcards: {"table": CPC.data("roman_cups")(wildcards)},
}


rule compositional_partial_correlations_estimate:
    """Make a data set and estimate every measure of association on it."""
    input:
        unpack(lambda wildcards: CPC_SOURCES[wildcards.dataset](wildcards) if wildcards.dataset in CPC_SOURCES else {}),
    output:
        store=CPC.store("estimate_{dataset}"),
    log:
        CPC.log("estimate_{dataset}"),
    benchmark:
        CPC.benchmark("estimate_{dataset}")
    wildcard_constraints:
        dataset="cups_standin|cups|iris_shape|dirichlet|lognormal_graph",
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        **CPC.params("data"),
        root_seed=CPC.root_seed,
        code=CPC.code("estimate"),
    script:
        "../scripts/compositional_partial_correlations/estimate.py"


rule compositional_partial_correlations_check_identities:
    """Hold the paper's identities on random compositions and in exact arithmetic."""
    output:
        store=CPC.store("identities"),
    log:
        CPC.log("identities"),
    benchmark:
        CPC.benchmark("identities")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(10),
    params:
        **CPC.params("identities"),
        root_seed=CPC.root_seed,
        code=CPC.code("check_identities"),
    script:
        "../scripts/compositional_partial_correlations/check_identities.py"


rule compositional_partial_correlations_drop_parts:
    """Leave out each oxide in turn and estimate again."""
    input:
        study=CPC.store(f"estimate_{CPC_STUDY}"),
    output:
        store=CPC.store("subcomp"),
    log:
        CPC.log("subcomp"),
    benchmark:
        CPC.benchmark("subcomp")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        root_seed=CPC.root_seed,
        code=CPC.code("drop_parts"),
    script:
        "../scripts/compositional_partial_correlations/drop_parts.py"


rule compositional_partial_correlations_infer:
    """Intervals and p values of all pairs, and the levels that they keep."""
    input:
        study=CPC.store(f"estimate_{CPC_STUDY}"),
    output:
        store=CPC.store("intervals"),
    log:
        CPC.log("intervals"),
    benchmark:
        CPC.benchmark("intervals")
    priority: 50
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(30),
    params:
        **CPC.params("intervals"),
        root_seed=CPC.root_seed,
        code=CPC.code("infer"),
    script:
        "../scripts/compositional_partial_correlations/infer.py"


rule compositional_partial_correlations_recover_graph:
    """Find the edges of sparse basis graphs of one size by every measure."""
    output:
        store=CPC.store("recovery_{size}"),
    log:
        CPC.log("recovery_{size}"),
    benchmark:
        CPC.benchmark("recovery_{size}")
    priority: 60
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(60),
    params:
        **CPC.params("recovery"),
        root_seed=CPC.root_seed,
        code=CPC.code("recover_graph"),
    script:
        "../scripts/compositional_partial_correlations/recover_graph.py"


rule compositional_partial_correlations_estimate_counts:
    """Shrunk partial correlations of the user's table of counts (data.count_table); asked for by name only."""
    input:
        table=CPC.data("count_table"),
    output:
        store=CPC.store("counts"),
    log:
        CPC.log("counts"),
    benchmark:
        CPC.benchmark("counts")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(4000),
        runtime=minutes(30),
    params:
        **CPC.params("counts"),
        code=CPC.code("estimate_counts"),
    script:
        "../scripts/compositional_partial_correlations/estimate_counts.py"


CPC_STORES = {
    "study": CPC.store(f"estimate_{CPC_STUDY}"),
    "identities": CPC.store("identities"),
    "subcomp": CPC.store("subcomp"),
    "intervals": CPC.store("intervals"),
    "recovery": expand(CPC.store("recovery_{size}"), size=CPC.value("recovery_sizes", "sizes")),
}


rule compositional_partial_correlations_reference:
    """Figure: deviations over references, and the multiple correlation that depends on it."""
    input:
        study=CPC_STORES["study"],
        identities=CPC_STORES["identities"],
    output:
        figure=CPC.figure("reference"),
    log:
        CPC.log("figure_reference"),
    benchmark:
        CPC.benchmark("figure_reference")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=CPC.code("figure_reference"),
    script:
        "../scripts/compositional_partial_correlations/figure_reference.py"


rule compositional_partial_correlations_cups_pvar:
    """Figure: clr variance and partial variance of each oxide."""
    input:
        study=CPC_STORES["study"],
    output:
        figure=CPC.figure("cups_pvar"),
    log:
        CPC.log("figure_cups_pvar"),
    benchmark:
        CPC.benchmark("figure_cups_pvar")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        published_variances=CPC.value("published", "variances"),
        code=CPC.code("figure_cups_pvar"),
    script:
        "../scripts/compositional_partial_correlations/figure_cups_pvar.py"


rule compositional_partial_correlations_cups_network:
    """Figure: significant partial correlations as a graph, beside both matrices."""
    input:
        study=CPC_STORES["study"],
    output:
        figure=CPC.figure("cups_network"),
    log:
        CPC.log("figure_cups_network"),
    benchmark:
        CPC.benchmark("figure_cups_network")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        level=CPC.value("study", "level"),
        code=CPC.code("figure_cups_network"),
    script:
        "../scripts/compositional_partial_correlations/figure_cups_network.py"


rule compositional_partial_correlations_cups_scatter:
    """Figure: partial correlation against proportionality."""
    input:
        intervals=CPC_STORES["intervals"],
    output:
        figure=CPC.figure("cups_scatter"),
    log:
        CPC.log("figure_cups_scatter"),
    benchmark:
        CPC.benchmark("figure_cups_scatter")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        published_pairs=CPC.value("published", "pairs"),
        code=CPC.code("figure_cups_scatter"),
    script:
        "../scripts/compositional_partial_correlations/figure_cups_scatter.py"


rule compositional_partial_correlations_subcomp:
    """Figure: largest change of each measure when an oxide is left out."""
    input:
        subcomp=CPC_STORES["subcomp"],
    output:
        figure=CPC.figure("subcomp"),
    log:
        CPC.log("figure_subcomp"),
    benchmark:
        CPC.benchmark("figure_subcomp")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=CPC.code("figure_subcomp"),
    script:
        "../scripts/compositional_partial_correlations/figure_subcomp.py"


rule compositional_partial_correlations_normalisation:
    """Figure: deviation of normalised data from the partial correlation."""
    input:
        identities=CPC_STORES["identities"],
    output:
        figure=CPC.figure("normalisation"),
    log:
        CPC.log("figure_normalisation"),
    benchmark:
        CPC.benchmark("figure_normalisation")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=CPC.code("figure_normalisation"),
    script:
        "../scripts/compositional_partial_correlations/figure_normalisation.py"


rule compositional_partial_correlations_recovery:
    """Figure: AUROC of true edges against the number of parts."""
    input:
        recovery=CPC_STORES["recovery"],
    output:
        figure=CPC.figure("recovery"),
    log:
        CPC.log("figure_recovery"),
    benchmark:
        CPC.benchmark("figure_recovery")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=CPC.code("figure_recovery"),
    script:
        "../scripts/compositional_partial_correlations/figure_recovery.py"


rule compositional_partial_correlations_inference:
    """Figure: intervals of all pairs, and the levels that test and interval keep."""
    input:
        intervals=CPC_STORES["intervals"],
    output:
        figure=CPC.figure("inference"),
    log:
        CPC.log("figure_inference"),
    benchmark:
        CPC.benchmark("figure_inference")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=CPC.code("figure_inference"),
    script:
        "../scripts/compositional_partial_correlations/figure_inference.py"


rule compositional_partial_correlations_measure_claims:
    """Measure every claim of the paper."""
    input:
        **CPC_STORES,
        others=expand(CPC.store("estimate_{dataset}"), dataset=CPC_OTHERS),
    output:
        claims=CPC.claims(),
    log:
        CPC.log("claims"),
    benchmark:
        CPC.benchmark("claims")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        pass_rules=CPC.pass_rules(),
        code=CPC.code("claims"),
    script:
        "../scripts/compositional_partial_correlations/claims.py"


rule compositional_partial_correlations:
    """The paper on partial correlations of compositions: all its figures and claims."""
    input:
        CPC.everything(),
