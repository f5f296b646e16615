# Sparse regression under local privacy: closed form, hard thresholding, lower bound, audits.


use rule stage as private_sparse_regression_sweep_users with:
    """Measure errors of the closed form against the number of users."""
    output:
        store=paper.store("by_n"),
    log:
        paper.log("by_n"),
    benchmark:
        paper.benchmark("by_n")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("by_n"),
        **paper.script("sweep_closed_form"),
        root_seed=paper.root_seed,


use rule private_sparse_regression_sweep_users as private_sparse_regression_sweep_users_exactly with:
    """The same, sums over users drawn exactly."""
    output:
        store=paper.store("by_n_exact"),
    log:
        paper.log("by_n_exact"),
    benchmark:
        paper.benchmark("by_n_exact")
    params:
        **paper.params("by_n_exact"),


use rule private_sparse_regression_sweep_users as private_sparse_regression_sweep_epsilon with:
    """Measure errors of the closed form against epsilon."""
    output:
        store=paper.store("by_eps"),
    log:
        paper.log("by_eps"),
    benchmark:
        paper.benchmark("by_eps")
    params:
        **paper.params("by_eps"),


use rule private_sparse_regression_sweep_users as private_sparse_regression_sweep_dimensions with:
    """Measure errors of the closed form against the dimension."""
    output:
        store=paper.store("by_d"),
    log:
        paper.log("by_d"),
    benchmark:
        paper.benchmark("by_d")
    params:
        **paper.params("by_d"),


use rule private_sparse_regression_sweep_users as private_sparse_regression_sweep_many_dimensions with:
    """Measure errors of the closed form in many dimensions."""
    output:
        store=paper.store("by_d_wide"),
    log:
        paper.log("by_d_wide"),
    benchmark:
        paper.benchmark("by_d_wide")
    params:
        **paper.params("by_d_wide"),


use rule private_sparse_regression_sweep_users as private_sparse_regression_sweep_public_features with:
    """Measure errors of the closed form beside public features."""
    output:
        store=paper.store("by_d_public"),
    log:
        paper.log("by_d_public"),
    benchmark:
        paper.benchmark("by_d_public")
    params:
        **paper.params("by_d_public"),


use rule private_sparse_regression_sweep_users as private_sparse_regression_sweep_sparsity with:
    """Measure errors of the closed form against the sparsity."""
    output:
        store=paper.store("by_k"),
    log:
        paper.log("by_k"),
    benchmark:
        paper.benchmark("by_k")
    params:
        **paper.params("by_k"),


use rule private_sparse_regression_sweep_users as private_sparse_regression_sweep_sparsity_spread with:
    """The same, with one large entry of theta."""
    output:
        store=paper.store("by_k_spread"),
    log:
        paper.log("by_k_spread"),
    benchmark:
        paper.benchmark("by_k_spread")
    params:
        **paper.params("by_k_spread"),


use rule private_sparse_regression_sweep_users as private_sparse_regression_compare_models with:
    """Measure errors without privacy, in the central and in the local model."""
    output:
        store=paper.store("models"),
    log:
        paper.log("models"),
    benchmark:
        paper.benchmark("models")
    params:
        **paper.params("models"),


use rule private_sparse_regression_sweep_users as private_sparse_regression_compare_models_few with:
    """The same, with fewer users."""
    output:
        store=paper.store("models_few"),
    log:
        paper.log("models_few"),
    benchmark:
        paper.benchmark("models_few")
    params:
        **paper.params("models_few"),


use rule stage as private_sparse_regression_sweep_rounds_users with:
    """Measure errors of private hard thresholding against the number of users."""
    output:
        store=paper.store("rounds_n"),
    log:
        paper.log("rounds_n"),
    benchmark:
        paper.benchmark("rounds_n")
    priority: 50
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("rounds_n"),
        **paper.script("sweep_thresholding"),
        root_seed=paper.root_seed,


use rule private_sparse_regression_sweep_rounds_users as private_sparse_regression_sweep_rounds_dimensions with:
    """Measure errors of private hard thresholding against the dimension."""
    output:
        store=paper.store("rounds_d"),
    log:
        paper.log("rounds_d"),
    benchmark:
        paper.benchmark("rounds_d")
    params:
        **paper.params("rounds_d"),


use rule private_sparse_regression_sweep_rounds_users as private_sparse_regression_sweep_rounds_dimensions_again with:
    """The same, with more seeds."""
    output:
        store=paper.store("rounds_far"),
    log:
        paper.log("rounds_far"),
    benchmark:
        paper.benchmark("rounds_far")
    params:
        **paper.params("rounds_far"),


use rule private_sparse_regression_sweep_rounds_users as private_sparse_regression_sweep_rounds_sparsity with:
    """Measure errors of private hard thresholding against the sparsity."""
    output:
        store=paper.store("rounds_k"),
    log:
        paper.log("rounds_k"),
    benchmark:
        paper.benchmark("rounds_k")
    params:
        **paper.params("rounds_k"),


use rule private_sparse_regression_sweep_rounds_users as private_sparse_regression_sweep_paper_users with:
    """The paper's constants, against the number of users."""
    output:
        store=paper.store("paper_n"),
    log:
        paper.log("paper_n"),
    benchmark:
        paper.benchmark("paper_n")
    params:
        **paper.params("paper_n"),


use rule private_sparse_regression_sweep_rounds_users as private_sparse_regression_sweep_paper_dimensions with:
    """The paper's constants, against the dimension."""
    output:
        store=paper.store("paper_d"),
    log:
        paper.log("paper_d"),
    benchmark:
        paper.benchmark("paper_d")
    params:
        **paper.params("paper_d"),


use rule private_sparse_regression_sweep_rounds_users as private_sparse_regression_sweep_paper_sparsity with:
    """The paper's constants, against the sparsity."""
    output:
        store=paper.store("paper_k"),
    log:
        paper.log("paper_k"),
    benchmark:
        paper.benchmark("paper_k")
    params:
        **paper.params("paper_k"),


use rule stage as private_sparse_regression_compare_interaction with:
    """Compare interaction with none at equal pure privacy."""
    output:
        store=paper.store("interaction"),
    log:
        paper.log("interaction"),
    benchmark:
        paper.benchmark("interaction")
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("interaction"),
        **paper.script("compare_interaction"),
        root_seed=paper.root_seed,


use rule stage as private_sparse_regression_simulate_users with:
    """Simulate every user, beside the noise of means."""
    output:
        store=paper.store("users"),
    log:
        paper.log("users"),
    benchmark:
        paper.benchmark("users")
    priority: 90
    resources:
        mem_mb=mem(6000, laptop=600),
        runtime=minutes(600),
    params:
        **paper.params("users"),
        **paper.script("simulate_users"),
        root_seed=paper.root_seed,


use rule stage as private_sparse_regression_fit_byproduct with:
    """Fit sparse models without privacy."""
    output:
        store=paper.store("byproduct"),
    log:
        paper.log("byproduct"),
    benchmark:
        paper.benchmark("byproduct")
    priority: 85
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("byproduct"),
        **paper.script("fit_byproduct"),
        root_seed=paper.root_seed,


use rule stage as private_sparse_regression_time_byproduct with:
    """Time fits without privacy, alone on the machine."""
    output:
        store=paper.store("times"),
    log:
        paper.log("times"),
    benchmark:
        paper.benchmark("times")
    priority: 100
    threads: whole_machine
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("times"),
        **paper.script("time_byproduct"),
        root_seed=paper.root_seed,


use rule stage as private_sparse_regression_peel_centrally with:
    """Choose coordinates under central privacy."""
    output:
        store=paper.store("peeling"),
    log:
        paper.log("peeling"),
    benchmark:
        paper.benchmark("peeling")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("peeling"),
        **paper.script("peel_centrally"),
        root_seed=paper.root_seed,


use rule stage as private_sparse_regression_audit_mechanisms with:
    """Attack the randomiser, and versions of it that are broken on purpose."""
    output:
        store=paper.store("audit"),
    log:
        paper.log("audit"),
    benchmark:
        paper.benchmark("audit")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("audit"),
        **paper.script("audit_mechanisms"),
        root_seed=paper.root_seed,


use rule stage as private_sparse_regression_check_bound with:
    """Check the steps of the lower bound, and run methods on its hard family."""
    output:
        store=paper.store("bound"),
    log:
        paper.log("bound"),
    benchmark:
        paper.benchmark("bound")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("bound"),
        **paper.script("check_bound"),
        root_seed=paper.root_seed,


use rule stage as private_sparse_regression_check_radius with:
    """Measure how long gradients are."""
    output:
        store=paper.store("radius"),
    log:
        paper.log("radius"),
    benchmark:
        paper.benchmark("radius")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("radius"),
        **paper.script("check_radius"),
        root_seed=paper.root_seed,


use rule stage as private_sparse_regression_estimate with:
    """Fit a private sparse model to a table of your own."""
    input:
        rows=paper.data("private_table"),
    output:
        store=paper.store("own"),
    log:
        paper.log("own"),
    benchmark:
        paper.benchmark("own")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("estimate"),
        **paper.script("estimate_privately"),
        root_seed=paper.root_seed,


use rule figure as private_sparse_regression_error_n with:
    """Figure: error against the number of users."""
    input:
        **paper.stores("by_n", "rounds_n"),
    output:
        figure=paper.figure("error_n"),
    log:
        paper.log("figure_error_n"),
    benchmark:
        paper.benchmark("figure_error_n")
    params:
        **paper.script("figure_error_n"),


use rule figure as private_sparse_regression_error_d with:
    """Figure: error against the dimension."""
    input:
        **paper.stores("by_d", "by_d_wide", "by_d_public", "rounds_d"),
    output:
        figure=paper.figure("error_d"),
    log:
        paper.log("figure_error_d"),
    benchmark:
        paper.benchmark("figure_error_d")
    params:
        **paper.script("figure_error_d"),


use rule figure as private_sparse_regression_error_k with:
    """Figure: error against the sparsity."""
    input:
        **paper.stores("by_k", "by_k_spread", "rounds_k", "paper_k"),
    output:
        figure=paper.figure("error_k"),
    log:
        paper.log("figure_error_k"),
    benchmark:
        paper.benchmark("figure_error_k")
    params:
        **paper.script("figure_error_k"),


use rule figure as private_sparse_regression_error_eps with:
    """Figure: error against epsilon."""
    input:
        **paper.stores("by_eps"),
    output:
        figure=paper.figure("error_eps"),
    log:
        paper.log("figure_error_eps"),
    benchmark:
        paper.benchmark("figure_error_eps")
    params:
        **paper.script("figure_error_eps"),


use rule figure as private_sparse_regression_byproduct with:
    """Figure: sparse regression without privacy."""
    input:
        **paper.stores("byproduct", "times"),
    output:
        figure=paper.figure("byproduct"),
    log:
        paper.log("figure_byproduct"),
    benchmark:
        paper.benchmark("figure_byproduct")
    params:
        **paper.script("figure_byproduct"),


use rule figure as private_sparse_regression_models with:
    """Figure: the price of privacy in three models."""
    input:
        **paper.stores("models", "peeling"),
    output:
        figure=paper.figure("models"),
    log:
        paper.log("figure_models"),
    benchmark:
        paper.benchmark("figure_models")
    params:
        **paper.script("figure_models"),


use rule figure as private_sparse_regression_lower_bound with:
    """Figure: errors without interaction and the lower bound."""
    input:
        **paper.stores("by_n", "by_d", "by_d_wide", "bound"),
    output:
        figure=paper.figure("lower_bound"),
    log:
        paper.log("figure_lower_bound"),
    benchmark:
        paper.benchmark("figure_lower_bound")
    params:
        **paper.script("figure_lower_bound"),


use rule figure as private_sparse_regression_iht_constants with:
    """Figure: constants of private hard thresholding."""
    input:
        **paper.stores("rounds_n", "paper_n", "radius"),
    output:
        figure=paper.figure("iht_constants"),
    log:
        paper.log("figure_iht_constants"),
    benchmark:
        paper.benchmark("figure_iht_constants")
    params:
        **paper.script("figure_iht_constants"),


use rule figure as private_sparse_regression_audit with:
    """Figure: nominal and audited epsilon."""
    input:
        **paper.stores("audit"),
    output:
        figure=paper.figure("audit"),
    log:
        paper.log("figure_audit"),
    benchmark:
        paper.benchmark("figure_audit")
    params:
        **paper.script("figure_audit"),


use rule figure as private_sparse_regression_interaction with:
    """Figure: interaction against none."""
    input:
        **paper.stores("interaction"),
    output:
        figure=paper.figure("interaction"),
    log:
        paper.log("figure_interaction"),
    benchmark:
        paper.benchmark("figure_interaction")
    params:
        **paper.script("figure_interaction"),


use rule table as private_sparse_regression_table1 with:
    """Table: rates and measured exponents."""
    input:
        **paper.stores("by_n", "by_eps", "by_d_wide", "by_d_public", "by_k", "rounds_n", "rounds_d", "rounds_k"),
    output:
        table=paper.table("table1"),
    log:
        paper.log("table_rates"),
    benchmark:
        paper.benchmark("table_rates")
    params:
        **paper.script("table_rates"),
        root_seed=paper.root_seed,


use rule claims as private_sparse_regression_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores(
            "by_n",
            "by_n_exact",
            "by_eps",
            "by_d",
            "by_d_wide",
            "by_d_public",
            "by_k",
            "by_k_spread",
            "models",
            "models_few",
            "rounds_n",
            "rounds_d",
            "rounds_far",
            "rounds_k",
            "paper_n",
            "paper_d",
            "paper_k",
            "interaction",
            "users",
            "byproduct",
            "times",
            "peeling",
            "audit",
            "bound",
            "radius",
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


rule private_sparse_regression:
    """The paper on sparse regression under local privacy: all its figures and claims."""
    input:
        paper.everything(),
