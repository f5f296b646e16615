# H-chromatic symmetric functions: which graphs they tell apart, and which of them form bases.


use rule stage as h_chromatic_separate_trees with:
    """Enumerate trees and separate them by one-point values."""
    output:
        store=paper.store("separators"),
    log:
        paper.log("separators"),
    benchmark:
        paper.benchmark("separators")
    priority: 90
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(240),
    params:
        **paper.params("separators"),
        **paper.script("separate_trees"),
        root_seed=paper.root_seed,


use rule stage as h_chromatic_count_tree_types with:
    """Compute the full self-functions of all small trees."""
    output:
        store=paper.store("tree_types"),
    log:
        paper.log("tree_types"),
    benchmark:
        paper.benchmark("tree_types")
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(240),
    params:
        **paper.params("tree_types"),
        **paper.script("count_tree_types"),


use rule stage as h_chromatic_count_graph_types with:
    """Compute the self-functions of all small graphs."""
    output:
        store=paper.store("graph_types"),
    log:
        paper.log("graph_types"),
    benchmark:
        paper.benchmark("graph_types")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(240),
    params:
        **paper.params("graph_types"),
        **paper.script("count_graph_types"),


use rule stage as h_chromatic_expand_power_sums with:
    """Expand functions with bipartite targets in power sums."""
    output:
        store=paper.store("power_sums"),
    log:
        paper.log("power_sums"),
    benchmark:
        paper.benchmark("power_sums")
    params:
        **paper.params("power_sums"),
        **paper.script("expand_power_sums"),


use rule stage as h_chromatic_rank_bases with:
    """Rank multipartite self-functions and fixed targets."""
    output:
        store=paper.store("bases"),
    log:
        paper.log("bases"),
    benchmark:
        paper.benchmark("bases")
    resources:
        mem_mb=mem(1000),
        runtime=minutes(240),
    params:
        **paper.params("bases"),
        **paper.script("rank_bases"),


use rule stage as h_chromatic_rank_fixed_source with:
    """Rank the functions of each fixed source over all targets."""
    output:
        store=paper.store("sources"),
    log:
        paper.log("sources"),
    benchmark:
        paper.benchmark("sources")
    resources:
        mem_mb=mem(1000),
        runtime=minutes(240),
    params:
        **paper.params("sources"),
        **paper.script("rank_fixed_source"),


use rule stage as h_chromatic_decode_trees with:
    """Decode spiders and caterpillars from the functions alone."""
    input:
        types=paper.store("tree_types"),
    output:
        store=paper.store("decoded"),
    log:
        paper.log("decoded"),
    benchmark:
        paper.benchmark("decoded")
    params:
        **paper.params("decoders"),
        **paper.script("decode_trees"),
        root_seed=paper.root_seed,


use rule stage as h_chromatic_tie_polynomials with:
    """Find classes and ties of H-chromatic polynomials."""
    input:
        types=paper.store("tree_types"),
    output:
        store=paper.store("polynomials"),
    log:
        paper.log("polynomials"),
    benchmark:
        paper.benchmark("polynomials")
    params:
        **paper.params("polynomials"),
        **paper.script("tie_polynomials"),


use rule table as h_chromatic_trees with:
    """Table: classes of trees by size under each invariant."""
    input:
        **paper.stores("separators", "polynomials"),
        types=paper.store("tree_types"),
    output:
        table=paper.table("trees"),
    log:
        paper.log("table_trees"),
    benchmark:
        paper.benchmark("table_trees")
    params:
        **paper.script("table_trees"),


use rule figure as h_chromatic_exception with:
    """Figure: the one exception, and the first collision of two other graphs."""
    input:
        graphs=paper.store("graph_types"),
    output:
        figure=paper.figure("exception"),
    log:
        paper.log("figure_exception"),
    benchmark:
        paper.benchmark("figure_exception")
    params:
        **paper.script("figure_exception"),


use rule figure as h_chromatic_collisions with:
    """Figure: number of colliding groups over all graphs by size."""
    input:
        graphs=paper.store("graph_types"),
    output:
        figure=paper.figure("collisions"),
    log:
        paper.log("figure_collisions"),
    benchmark:
        paper.benchmark("figure_collisions")
    params:
        **paper.script("figure_collisions"),


use rule figure as h_chromatic_star_signs with:
    """Figure: signs of power-sum coefficients for stars, and the control."""
    input:
        power=paper.store("power_sums"),
    output:
        figure=paper.figure("star_signs"),
    log:
        paper.log("figure_star_signs"),
    benchmark:
        paper.benchmark("figure_star_signs")
    params:
        **paper.script("figure_star_signs"),


use rule figure as h_chromatic_ranks with:
    """Figure: ranks of the three constructions against the number of partitions."""
    input:
        **paper.stores("bases", "sources"),
    output:
        figure=paper.figure("ranks"),
    log:
        paper.log("figure_ranks"),
    benchmark:
        paper.benchmark("figure_ranks")
    params:
        **paper.script("figure_ranks"),


use rule figure as h_chromatic_decoders with:
    """Figure: decoded against true legs and degree moments."""
    input:
        decoded=paper.store("decoded"),
    output:
        figure=paper.figure("decoders"),
    log:
        paper.log("figure_decoders"),
    benchmark:
        paper.benchmark("figure_decoders")
    params:
        **paper.script("figure_decoders"),


use rule claims as h_chromatic_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores("separators", "polynomials"),
        **paper.stores("bases", "sources", "decoded"),
        types=paper.store("tree_types"),
        graphs=paper.store("graph_types"),
        power=paper.store("power_sums"),
    output:
        claims=paper.claims(),
    log:
        paper.log("claims"),
    benchmark:
        paper.benchmark("claims")
    params:
        **paper.script("claims"),
        **paper.judging(),


rule h_chromatic:
    """The paper on H-chromatic symmetric functions: all its figures, tables and claims."""
    input:
        paper.everything(),
