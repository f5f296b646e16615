# Adversarial decision processes with linear Q: rates, ablations, lemmas, covariances, learning without a simulator.

ADVERSARIAL_MDP_LEARNERS = ["luo", "lb", "mr", "ewn", "mr0", "uniform"]


use rule stage as adversarial_mdp_run_rates with:
    """Play one learner, or uniform actions, against all adversaries for more and more episodes."""
    output:
        store=paper.store("rates_{learner}"),
    log:
        paper.log("rates_{learner}"),
    benchmark:
        paper.benchmark("rates_{learner}")
    wildcard_constraints:
        learner="|".join(ADVERSARIAL_MDP_LEARNERS),
    priority: 80
    resources:
        mem_mb=mem(1000),
        runtime=minutes(600),
    params:
        **paper.params("rates"),
        **paper.script("run_rates"),
        root_seed=paper.root_seed,


use rule stage as adversarial_mdp_run_tuned with:
    """Play the older learner and magnitude reduction, each with its best learning rate."""
    output:
        store=paper.store("tuned"),
    log:
        paper.log("tuned"),
    benchmark:
        paper.benchmark("tuned")
    priority: 90
    resources:
        mem_mb=mem(1000),
        runtime=minutes(240),
    params:
        **paper.params("tuned"),
        **paper.script("run_tuned"),
        root_seed=paper.root_seed,


use rule stage as adversarial_mdp_run_actions with:
    """Play learners with more and more actions."""
    output:
        store=paper.store("actions"),
    log:
        paper.log("actions"),
    benchmark:
        paper.benchmark("actions")
    priority: 60
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(30),
    params:
        **paper.params("actions"),
        **paper.script("run_cases"),
        root_seed=paper.root_seed,


use rule stage as adversarial_mdp_run_dims with:
    """Play learners with more and more features."""
    output:
        store=paper.store("dims"),
    log:
        paper.log("dims"),
    benchmark:
        paper.benchmark("dims")
    priority: 60
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(30),
    params:
        **paper.params("dims"),
        **paper.script("run_cases"),
        root_seed=paper.root_seed,


use rule stage as adversarial_mdp_run_states with:
    """Play learners with more and more states."""
    output:
        store=paper.store("states"),
    log:
        paper.log("states"),
    benchmark:
        paper.benchmark("states")
    priority: 85
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(30),
    params:
        **paper.params("states"),
        **paper.script("run_cases"),
        root_seed=paper.root_seed,


use rule stage as adversarial_mdp_run_simulators with:
    """Play learners with a simulator in place of the dynamics."""
    output:
        store=paper.store("simulators"),
    log:
        paper.log("simulators"),
    benchmark:
        paper.benchmark("simulators")
    priority: 60
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(30),
    params:
        **paper.params("simulators"),
        **paper.script("run_cases"),
        root_seed=paper.root_seed,


use rule stage as adversarial_mdp_run_simulator_free with:
    """Play without a simulator, with two estimates of the inverse covariance, and the controls."""
    output:
        store=paper.store("simulator_free"),
    log:
        paper.log("simulator_free"),
    benchmark:
        paper.benchmark("simulator_free")
    priority: 90
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("simulator_free"),
        **paper.script("run_simulator_free"),
        root_seed=paper.root_seed,


use rule stage as adversarial_mdp_check_lemmas with:
    """Check the inequalities of both algorithms on random instances."""
    output:
        store=paper.store("lemmas"),
    log:
        paper.log("lemmas"),
    benchmark:
        paper.benchmark("lemmas")
    priority: 40
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("lemmas"),
        **paper.script("check_lemmas"),
        root_seed=paper.root_seed,


use rule stage as adversarial_mdp_compare_inverses with:
    """Compare two estimates of an inverse covariance."""
    output:
        store=paper.store("inverses"),
    log:
        paper.log("inverses"),
    benchmark:
        paper.benchmark("inverses")
    priority: 40
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(30),
    params:
        **paper.params("inverses"),
        **paper.script("compare_inverses"),
        root_seed=paper.root_seed,


use rule stage as adversarial_mdp_bound_relative with:
    """Compare the relative error of an inverse covariance with its bound."""
    output:
        store=paper.store("relative"),
    log:
        paper.log("relative"),
    benchmark:
        paper.benchmark("relative")
    priority: 40
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    params:
        **paper.params("relative"),
        **paper.script("bound_relative"),
        root_seed=paper.root_seed,


use rule figure as adversarial_mdp_regret with:
    """Figure: regret against the number of episodes."""
    input:
        **paper.stores(*[f"rates_{learner}" for learner in ADVERSARIAL_MDP_LEARNERS]),
    output:
        figure=paper.figure("regret"),
    log:
        paper.log("figure_regret"),
    benchmark:
        paper.benchmark("figure_regret")
    params:
        **paper.script("figure_regret"),


use rule figure as adversarial_mdp_stability with:
    """Figure: smallest estimates, and gains of single steps."""
    input:
        **paper.stores("lemmas", "rates_lb", "rates_mr", "rates_ewn"),
    output:
        figure=paper.figure("stability"),
    log:
        paper.log("figure_stability"),
    benchmark:
        paper.benchmark("figure_stability")
    params:
        **paper.script("figure_stability"),


use rule figure as adversarial_mdp_actions with:
    """Figure: regret against the number of actions."""
    input:
        **paper.stores("actions"),
    output:
        figure=paper.figure("actions"),
    log:
        paper.log("figure_actions"),
    benchmark:
        paper.benchmark("figure_actions")
    params:
        **paper.script("figure_actions"),


use rule figure as adversarial_mdp_covariance with:
    """Figure: errors of two inverse covariances."""
    input:
        **paper.stores("inverses"),
    output:
        figure=paper.figure("covariance"),
    log:
        paper.log("figure_covariance"),
    benchmark:
        paper.benchmark("figure_covariance")
    params:
        **paper.script("figure_covariance"),


use rule figure as adversarial_mdp_simfree with:
    """Figure: regret without a simulator."""
    input:
        **paper.stores("simulator_free"),
    output:
        figure=paper.figure("simfree"),
    log:
        paper.log("figure_simfree"),
    benchmark:
        paper.benchmark("figure_simfree")
    params:
        **paper.script("figure_simfree"),


use rule figure as adversarial_mdp_states with:
    """Figure: regret against the number of states, and with a simulator."""
    input:
        **paper.stores("states", "simulators"),
    output:
        figure=paper.figure("states"),
    log:
        paper.log("figure_states"),
    benchmark:
        paper.benchmark("figure_states")
    params:
        **paper.script("figure_states"),


use rule figure as adversarial_mdp_relative with:
    """Figure: relative error of an inverse covariance."""
    input:
        **paper.stores("relative"),
    output:
        figure=paper.figure("relative"),
    log:
        paper.log("figure_relative"),
    benchmark:
        paper.benchmark("figure_relative")
    params:
        **paper.script("figure_relative"),


use rule table as adversarial_mdp_rates with:
    """Table: rates and measured exponents."""
    input:
        **paper.stores(*[f"rates_{learner}" for learner in ADVERSARIAL_MDP_LEARNERS], "simulator_free"),
    output:
        table=paper.table("rates"),
    log:
        paper.log("table_rates"),
    benchmark:
        paper.benchmark("table_rates")
    params:
        **paper.script("table_rates"),
        root_seed=paper.root_seed,


use rule claims as adversarial_mdp_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores("rates_lb", "rates_mr", "rates_ewn", "rates_mr0", "rates_uniform", "tuned", "actions", "dims"),
        **paper.stores("states", "simulators", "simulator_free", "lemmas", "inverses", "relative"),
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


rule adversarial_mdp:
    """The paper on adversarial decision processes: all its figures and claims."""
    input:
        paper.everything(),
