# Partial correlations of compositions: estimates of every data set, identities, subcompositions, intervals, recovery.

COMPOSITIONAL_PARTIAL_CORRELATIONS_STUDY = paper.store(f"estimate_{paper.value('study', 'dataset')}")


use rule stage as compositional_partial_correlations_estimate with:
    """Make a data set and estimate every measure of association on it."""
    input:
        unpack(
            lambda wildcards, file=f"{ROOT_RELATIVE}resources/roman_cups_variation.csv": (
                {"variation": file} if wildcards.dataset == "cups_standin" else {}
            )
        ),
    output:
        store=paper.store("estimate_{dataset}"),
    log:
        paper.log("estimate_{dataset}"),
    benchmark:
        paper.benchmark("estimate_{dataset}")
    wildcard_constraints:
        dataset="cups_standin|iris_shape|dirichlet|lognormal_graph",
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        **paper.params("data"),
        **paper.script("estimate"),
        root_seed=paper.root_seed,


use rule compositional_partial_correlations_estimate as compositional_partial_correlations_estimate_cups with:
    """Estimate every measure of association on the published table of the cups."""
    input:
        table=paper.data("roman_cups"),
    output:
        store=paper.store("estimate_cups"),
    log:
        paper.log("estimate_cups"),
    benchmark:
        paper.benchmark("estimate_cups")
    params:
        dataset="cups",


use rule stage as compositional_partial_correlations_check_identities with:
    """Hold the paper's identities on random compositions and in exact arithmetic."""
    output:
        store=paper.store("identities"),
    log:
        paper.log("identities"),
    benchmark:
        paper.benchmark("identities")
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(10),
    params:
        **paper.params("identities"),
        **paper.script("check_identities"),
        root_seed=paper.root_seed,


use rule stage as compositional_partial_correlations_drop_parts with:
    """Leave out each oxide in turn and estimate again."""
    input:
        study=COMPOSITIONAL_PARTIAL_CORRELATIONS_STUDY,
    output:
        store=paper.store("subcomp"),
    log:
        paper.log("subcomp"),
    benchmark:
        paper.benchmark("subcomp")
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        **paper.script("drop_parts"),
        root_seed=paper.root_seed,


use rule stage as compositional_partial_correlations_infer with:
    """Intervals and p values of all pairs, and the levels that they keep."""
    input:
        study=COMPOSITIONAL_PARTIAL_CORRELATIONS_STUDY,
    output:
        store=paper.store("intervals"),
    log:
        paper.log("intervals"),
    benchmark:
        paper.benchmark("intervals")
    priority: 50
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(30),
    params:
        **paper.params("intervals"),
        **paper.script("infer"),
        root_seed=paper.root_seed,


use rule stage as compositional_partial_correlations_recover_graph with:
    """Find the edges of sparse basis graphs of one size by every measure."""
    output:
        store=paper.store("recovery_{size}"),
    log:
        paper.log("recovery_{size}"),
    benchmark:
        paper.benchmark("recovery_{size}")
    priority: 60
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(60),
    params:
        **paper.params("recovery"),
        **paper.script("recover_graph"),
        root_seed=paper.root_seed,


use rule stage as compositional_partial_correlations_estimate_counts with:
    """Shrunk partial correlations of the user's table of counts (data.count_table); asked for by name only."""
    input:
        table=paper.data("count_table"),
    output:
        store=paper.store("counts"),
    log:
        paper.log("counts"),
    benchmark:
        paper.benchmark("counts")
    resources:
        mem_mb=mem(4000),
        runtime=minutes(30),
    params:
        **paper.params("counts"),
        **paper.script("estimate_counts"),


use rule figure as compositional_partial_correlations_reference with:
    """Figure: deviations over references, and the multiple correlation that depends on it."""
    input:
        study=COMPOSITIONAL_PARTIAL_CORRELATIONS_STUDY,
        identities=paper.store("identities"),
    output:
        figure=paper.figure("reference"),
    log:
        paper.log("figure_reference"),
    benchmark:
        paper.benchmark("figure_reference")
    params:
        **paper.script("figure_reference"),


use rule figure as compositional_partial_correlations_cups_pvar with:
    """Figure: clr variance and partial variance of each oxide."""
    input:
        study=COMPOSITIONAL_PARTIAL_CORRELATIONS_STUDY,
    output:
        figure=paper.figure("cups_pvar"),
    log:
        paper.log("figure_cups_pvar"),
    benchmark:
        paper.benchmark("figure_cups_pvar")
    params:
        **paper.script("figure_cups_pvar"),
        published_variances=paper.value("published", "variances"),


use rule figure as compositional_partial_correlations_cups_network with:
    """Figure: significant partial correlations as a graph, beside both matrices."""
    input:
        study=COMPOSITIONAL_PARTIAL_CORRELATIONS_STUDY,
    output:
        figure=paper.figure("cups_network"),
    log:
        paper.log("figure_cups_network"),
    benchmark:
        paper.benchmark("figure_cups_network")
    params:
        **paper.script("figure_cups_network"),
        level=paper.value("study", "level"),


use rule figure as compositional_partial_correlations_cups_scatter with:
    """Figure: partial correlation against proportionality."""
    input:
        intervals=paper.store("intervals"),
    output:
        figure=paper.figure("cups_scatter"),
    log:
        paper.log("figure_cups_scatter"),
    benchmark:
        paper.benchmark("figure_cups_scatter")
    params:
        **paper.script("figure_cups_scatter"),
        published_pairs=paper.value("published", "pairs"),


use rule figure as compositional_partial_correlations_subcomp with:
    """Figure: largest change of each measure when an oxide is left out."""
    input:
        subcomp=paper.store("subcomp"),
    output:
        figure=paper.figure("subcomp"),
    log:
        paper.log("figure_subcomp"),
    benchmark:
        paper.benchmark("figure_subcomp")
    params:
        **paper.script("figure_subcomp"),


use rule figure as compositional_partial_correlations_normalisation with:
    """Figure: deviation of normalised data from the partial correlation."""
    input:
        identities=paper.store("identities"),
    output:
        figure=paper.figure("normalisation"),
    log:
        paper.log("figure_normalisation"),
    benchmark:
        paper.benchmark("figure_normalisation")
    params:
        **paper.script("figure_normalisation"),


use rule figure as compositional_partial_correlations_recovery with:
    """Figure: AUROC of true edges against the number of parts."""
    input:
        recovery=expand(paper.store("recovery_{size}"), size=paper.value("recovery_sizes", "sizes")),
    output:
        figure=paper.figure("recovery"),
    log:
        paper.log("figure_recovery"),
    benchmark:
        paper.benchmark("figure_recovery")
    params:
        **paper.script("figure_recovery"),


use rule figure as compositional_partial_correlations_inference with:
    """Figure: intervals of all pairs, and the levels that test and interval keep."""
    input:
        intervals=paper.store("intervals"),
    output:
        figure=paper.figure("inference"),
    log:
        paper.log("figure_inference"),
    benchmark:
        paper.benchmark("figure_inference")
    params:
        **paper.script("figure_inference"),


use rule claims as compositional_partial_correlations_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.available(
            **paper.stores("identities", "subcomp", "intervals"),
            study=COMPOSITIONAL_PARTIAL_CORRELATIONS_STUDY,
            recovery=expand(paper.store("recovery_{size}"), size=paper.value("recovery_sizes", "sizes")),
            others=expand(paper.store("estimate_{dataset}"), dataset=paper.value("study", "others")),
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


rule compositional_partial_correlations:
    """The paper on partial correlations of compositions: all its figures and claims."""
    input:
        paper.everything(),
