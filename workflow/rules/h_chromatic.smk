# H-chromatic symmetric functions: which graphs they tell apart, and which of them form bases.
HC = Paper("h_chromatic")


rule h_chromatic_separate_trees:
    """Enumerate trees and separate them by one-point values."""
    output:
        store=HC.store("separators"),
    log:
        HC.log("separators"),
    benchmark:
        HC.benchmark("separators")
    priority: 90
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(240),
    params:
        **HC.params("separators"),
        root_seed=HC.root_seed,
        code=HC.code("separate_trees"),
    script:
        "../scripts/h_chromatic/separate_trees.py"


rule h_chromatic_count_tree_types:
    """Compute the full self-functions of all small trees."""
    output:
        store=HC.store("tree_types"),
    log:
        HC.log("tree_types"),
    benchmark:
        HC.benchmark("tree_types")
    priority: 80
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(240),
    params:
        **HC.params("tree_types"),
        code=HC.code("count_tree_types"),
    script:
        "../scripts/h_chromatic/count_tree_types.py"


rule h_chromatic_count_graph_types:
    """Compute the self-functions of all small graphs."""
    output:
        store=HC.store("graph_types"),
    log:
        HC.log("graph_types"),
    benchmark:
        HC.benchmark("graph_types")
    priority: 70
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(240),
    params:
        **HC.params("graph_types"),
        code=HC.code("count_graph_types"),
    script:
        "../scripts/h_chromatic/count_graph_types.py"


rule h_chromatic_expand_power_sums:
    """Expand functions with bipartite targets in power sums."""
    output:
        store=HC.store("power_sums"),
    log:
        HC.log("power_sums"),
    benchmark:
        HC.benchmark("power_sums")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **HC.params("power_sums"),
        code=HC.code("expand_power_sums"),
    script:
        "../scripts/h_chromatic/expand_power_sums.py"


rule h_chromatic_rank_bases:
    """Rank multipartite self-functions and fixed targets."""
    output:
        store=HC.store("bases"),
    log:
        HC.log("bases"),
    benchmark:
        HC.benchmark("bases")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(240),
    params:
        **HC.params("bases"),
        code=HC.code("rank_bases"),
    script:
        "../scripts/h_chromatic/rank_bases.py"


rule h_chromatic_rank_fixed_source:
    """Rank the functions of each fixed source over all targets."""
    output:
        store=HC.store("sources"),
    log:
        HC.log("sources"),
    benchmark:
        HC.benchmark("sources")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(240),
    params:
        **HC.params("sources"),
        code=HC.code("rank_fixed_source"),
    script:
        "../scripts/h_chromatic/rank_fixed_source.py"


rule h_chromatic_decode_trees:
    """Decode spiders and caterpillars from the functions alone."""
    input:
        types=HC.store("tree_types"),
    output:
        store=HC.store("decoded"),
    log:
        HC.log("decoded"),
    benchmark:
        HC.benchmark("decoded")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **HC.params("decoders"),
        root_seed=HC.root_seed,
        code=HC.code("decode_trees"),
    script:
        "../scripts/h_chromatic/decode_trees.py"


rule h_chromatic_tie_polynomials:
    """Find classes and ties of H-chromatic polynomials."""
    input:
        types=HC.store("tree_types"),
    output:
        store=HC.store("polynomials"),
    log:
        HC.log("polynomials"),
    benchmark:
        HC.benchmark("polynomials")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **HC.params("polynomials"),
        code=HC.code("tie_polynomials"),
    script:
        "../scripts/h_chromatic/tie_polynomials.py"


rule h_chromatic_trees:
    """Table: classes of trees by size under each invariant."""
    input:
        types=HC.store("tree_types"),
        separators=HC.store("separators"),
        polynomials=HC.store("polynomials"),
    output:
        table=HC.table("trees"),
    log:
        HC.log("table_trees"),
    benchmark:
        HC.benchmark("table_trees")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        code=HC.code("table_trees"),
    script:
        "../scripts/h_chromatic/table_trees.py"


rule h_chromatic_exception:
    """Figure: the one exception, and the first collision of two other graphs."""
    input:
        graphs=HC.store("graph_types"),
    output:
        figure=HC.figure("exception"),
    log:
        HC.log("figure_exception"),
    benchmark:
        HC.benchmark("figure_exception")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=HC.code("figure_exception"),
    script:
        "../scripts/h_chromatic/figure_exception.py"


rule h_chromatic_collisions:
    """Figure: number of colliding groups over all graphs by size."""
    input:
        graphs=HC.store("graph_types"),
    output:
        figure=HC.figure("collisions"),
    log:
        HC.log("figure_collisions"),
    benchmark:
        HC.benchmark("figure_collisions")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=HC.code("figure_collisions"),
    script:
        "../scripts/h_chromatic/figure_collisions.py"


rule h_chromatic_star_signs:
    """Figure: signs of power-sum coefficients for stars, and the control."""
    input:
        power=HC.store("power_sums"),
    output:
        figure=HC.figure("star_signs"),
    log:
        HC.log("figure_star_signs"),
    benchmark:
        HC.benchmark("figure_star_signs")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=HC.code("figure_star_signs"),
    script:
        "../scripts/h_chromatic/figure_star_signs.py"


rule h_chromatic_ranks:
    """Figure: ranks of the three constructions against the number of partitions."""
    input:
        bases=HC.store("bases"),
        sources=HC.store("sources"),
    output:
        figure=HC.figure("ranks"),
    log:
        HC.log("figure_ranks"),
    benchmark:
        HC.benchmark("figure_ranks")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=HC.code("figure_ranks"),
    script:
        "../scripts/h_chromatic/figure_ranks.py"


rule h_chromatic_decoders:
    """Figure: decoded against true legs and degree moments."""
    input:
        decoded=HC.store("decoded"),
    output:
        figure=HC.figure("decoders"),
    log:
        HC.log("figure_decoders"),
    benchmark:
        HC.benchmark("figure_decoders")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=HC.code("figure_decoders"),
    script:
        "../scripts/h_chromatic/figure_decoders.py"


rule h_chromatic_measure_claims:
    """Measure every claim of the paper."""
    input:
        types=HC.store("tree_types"),
        separators=HC.store("separators"),
        polynomials=HC.store("polynomials"),
        graphs=HC.store("graph_types"),
        power=HC.store("power_sums"),
        bases=HC.store("bases"),
        sources=HC.store("sources"),
        decoded=HC.store("decoded"),
    output:
        claims=HC.claims(),
    log:
        HC.log("claims"),
    benchmark:
        HC.benchmark("claims")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        pass_rules=HC.pass_rules(),
        code=HC.code("claims"),
    script:
        "../scripts/h_chromatic/claims.py"


rule h_chromatic:
    """The paper on H-chromatic symmetric functions: all its figures, tables and claims."""
    input:
        HC.everything(),
