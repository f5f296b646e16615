# Offline data in online reinforcement learning: designs, elimination, lower bounds, verification.


use rule stage as offline_to_online_rl_measure_requirements with:
    """Solve for the online episodes that the design asks for on the rare branch."""
    output:
        store=paper.store("requirements"),
    log:
        paper.log("requirements"),
    benchmark:
        paper.benchmark("requirements")
    priority: 40
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("requirements"),
        **paper.script("measure_requirements"),


use rule stage as offline_to_online_rl_track_requirements with:
    """Eliminate policies on the rare branch, with offline data and without."""
    output:
        store=paper.store("tracking"),
    log:
        paper.log("tracking"),
    benchmark:
        paper.benchmark("tracking")
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("tracking"),
        **paper.script("run_rare_branch"),
        root_seed=paper.root_seed,


use rule stage as offline_to_online_rl_eliminate_far with:
    """Eliminate policies on the rare branch at the smallest accuracy."""
    output:
        store=paper.store("far"),
    log:
        paper.log("far"),
    benchmark:
        paper.benchmark("far")
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("far"),
        **paper.script("run_rare_branch"),
        root_seed=paper.root_seed,


use rule stage as offline_to_online_rl_divide_beta with:
    """Eliminate policies with a beta that is divided until they fail."""
    output:
        store=paper.store("failures"),
    log:
        paper.log("failures"),
    benchmark:
        paper.benchmark("failures")
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("failures"),
        **paper.script("run_rare_branch"),
        root_seed=paper.root_seed,


use rule stage as offline_to_online_rl_lengthen_horizon with:
    """Eliminate policies behind warm-up layers."""
    output:
        store=paper.store("horizons"),
    log:
        paper.log("horizons"),
    benchmark:
        paper.benchmark("horizons")
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("horizons"),
        **paper.script("run_rare_branch"),
        root_seed=paper.root_seed,


use rule stage as offline_to_online_rl_run_random with:
    """Eliminate policies on random linear processes."""
    output:
        store=paper.store("random"),
    log:
        paper.log("random"),
    benchmark:
        paper.benchmark("random")
    priority: 90
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("random"),
        **paper.script("run_random"),
        root_seed=paper.root_seed,


use rule stage as offline_to_online_rl_find_budgets with:
    """Find the least online budgets of learners without a certificate."""
    output:
        store=paper.store("budgets"),
    log:
        paper.log("budgets"),
    benchmark:
        paper.benchmark("budgets")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("budgets"),
        **paper.script("find_budgets"),
        root_seed=paper.root_seed,


use rule stage as offline_to_online_rl_spend_budgets with:
    """Give every learner the online budget of elimination."""
    input:
        **paper.stores("tracking", "far"),
    output:
        store=paper.store("spent"),
    log:
        paper.log("spent"),
    benchmark:
        paper.benchmark("spent")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("spent"),
        **paper.script("spend_budgets"),
        root_seed=paper.root_seed,


use rule stage as offline_to_online_rl_measure_coverage with:
    """Solve designs on random processes with several kinds of offline data."""
    output:
        store=paper.store("coverage"),
    log:
        paper.log("coverage"),
    benchmark:
        paper.benchmark("coverage")
    priority: 70
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("coverage"),
        **paper.script("measure_coverage"),
        root_seed=paper.root_seed,


use rule stage as offline_to_online_rl_estimate_values with:
    """Compare errors of values with their widths."""
    output:
        store=paper.store("values"),
    log:
        paper.log("values"),
    benchmark:
        paper.benchmark("values")
    priority: 40
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("values"),
        **paper.script("estimate_values"),
        root_seed=paper.root_seed,


use rule stage as offline_to_online_rl_verify_arms with:
    """Verify an arm that offline data know."""
    output:
        store=paper.store("verified"),
    log:
        paper.log("verified"),
    benchmark:
        paper.benchmark("verified")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("verified"),
        **paper.script("verify_arms"),
        root_seed=paper.root_seed,


use rule stage as offline_to_online_rl_compare_mixtures with:
    """Compare the designed mixture with uniform mixing."""
    output:
        store=paper.store("mixtures"),
    log:
        paper.log("mixtures"),
    benchmark:
        paper.benchmark("mixtures")
    priority: 60
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("mixtures"),
        **paper.script("compare_mixtures"),
        root_seed=paper.root_seed,


use rule stage as offline_to_online_rl_collect_data with:
    """Collect data by OptCov until all policies are known."""
    output:
        store=paper.store("collected"),
    log:
        paper.log("collected"),
    benchmark:
        paper.benchmark("collected")
    priority: 50
    resources:
        mem_mb=mem(1000),
        runtime=minutes(120),
    params:
        **paper.params("collected"),
        **paper.script("collect_data"),
        root_seed=paper.root_seed,


use rule stage as offline_to_online_rl_run_large with:
    """Eliminate policies on a large random process."""
    output:
        store=paper.store("large_{seed}"),
    log:
        paper.log("large_{seed}"),
    benchmark:
        paper.benchmark("large_{seed}")
    priority: 95
    resources:
        mem_mb=mem(4000 if config["scale"] == "paper" else 1000),
        runtime=minutes(600),
    params:
        **paper.params("large"),
        **paper.script("run_large"),
        root_seed=paper.root_seed,


use rule stage as offline_to_online_rl_plan_exploration with:
    """Say which policy an offline data set of your own favours, and how many online episodes it takes."""
    input:
        rows=paper.data("offline_data"),
        table=paper.data("feature_table"),
    output:
        store=paper.store("plan"),
    log:
        paper.log("plan"),
    benchmark:
        paper.benchmark("plan")
    priority: 0
    resources:
        mem_mb=mem(2000),
        runtime=minutes(60),
    params:
        **paper.params("plan"),
        **paper.script("plan_exploration"),


use rule figure as offline_to_online_rl_scaling with:
    """Figure: online episodes against 1 / eps."""
    input:
        **paper.stores("requirements", "tracking"),
    output:
        figure=paper.figure("scaling"),
    log:
        paper.log("figure_scaling"),
    benchmark:
        paper.benchmark("figure_scaling")
    params:
        **paper.script("figure_scaling"),


use rule figure as offline_to_online_rl_tradeoff with:
    """Figure: online episodes against the size of the offline data."""
    input:
        **paper.stores("requirements"),
    output:
        figure=paper.figure("tradeoff"),
    log:
        paper.log("figure_tradeoff"),
    benchmark:
        paper.benchmark("figure_tradeoff")
    params:
        **paper.script("figure_tradeoff"),


use rule figure as offline_to_online_rl_design with:
    """Figure: design value on random processes."""
    input:
        **paper.stores("coverage", "mixtures"),
    output:
        figure=paper.figure("design"),
    log:
        paper.log("figure_design"),
    benchmark:
        paper.benchmark("figure_design")
    params:
        **paper.script("figure_design"),


use rule figure as offline_to_online_rl_regimes with:
    """Figure: what each learner makes of the same budget."""
    input:
        **paper.stores("tracking", "far", "spent", "failures", "random"),
    output:
        figure=paper.figure("regimes"),
    log:
        paper.log("figure_regimes"),
    benchmark:
        paper.benchmark("figure_regimes")
    params:
        **paper.script("figure_regimes"),


use rule figure as offline_to_online_rl_necessary with:
    """Figure: episodes that are necessary."""
    input:
        **paper.stores("budgets", "tracking"),
    output:
        figure=paper.figure("necessary"),
    log:
        paper.log("figure_necessary"),
    benchmark:
        paper.benchmark("figure_necessary")
    params:
        **paper.script("figure_necessary"),


use rule figure as offline_to_online_rl_optcov with:
    """Figure: collecting data to a tolerance."""
    input:
        **paper.stores("collected"),
    output:
        figure=paper.figure("optcov"),
    log:
        paper.log("figure_optcov"),
    benchmark:
        paper.benchmark("figure_optcov")
    params:
        **paper.script("figure_optcov"),


use rule figure as offline_to_online_rl_verifiable with:
    """Figure: pulls to verify an arm."""
    input:
        **paper.stores("verified"),
    output:
        figure=paper.figure("verifiable"),
    log:
        paper.log("figure_verifiable"),
    benchmark:
        paper.benchmark("figure_verifiable")
    params:
        **paper.script("figure_verifiable"),


use rule claims as offline_to_online_rl_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores("requirements", "tracking", "far", "failures", "horizons", "random", "budgets", "spent"),
        **paper.stores("coverage", "values", "verified", "mixtures", "collected"),
        large=expand(paper.store("large_{seed}"), seed=paper.value("large_seeds", "seeds")),
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


rule offline_to_online_rl:
    """The paper on offline data in online reinforcement learning: all its figures and claims."""
    input:
        paper.everything(),
