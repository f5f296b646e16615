# Almost-linear recurrent networks: reconstruct chaotic systems, read the symbolic code of the linear regions.

ALMOST_LINEAR_RNN_EMPIRICAL = paper.value("empirical", "systems")

# stores of all jobs that train a set of runs
ALMOST_LINEAR_RNN_TRAINED = {
    runs: expand(
        paper.store("train_{runs}_{group}"), runs=runs, group=range(len(paper.value(f"train_{runs}", "groups")))
    )
    for runs in ("lorenz", "lorenz_full", "rossler", "rossler_gtf", "synthetic_ecg", "ecg", "fmri")
}

ALMOST_LINEAR_RNN_SIZES = paper.value("sizes", "units")


use rule stage as almost_linear_rnn_simulate_lorenz with:
    """Sample a chaotic system."""
    output:
        store=paper.store("series_lorenz"),
    log:
        paper.log("series_lorenz"),
    benchmark:
        paper.benchmark("series_lorenz")
    priority: 100
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        **paper.params("lorenz"),
        **paper.script("simulate"),


use rule almost_linear_rnn_simulate_lorenz as almost_linear_rnn_simulate_rossler with:
    output:
        store=paper.store("series_rossler"),
    log:
        paper.log("series_rossler"),
    benchmark:
        paper.benchmark("series_rossler")
    params:
        **paper.params("rossler"),


use rule stage as almost_linear_rnn_simulate_synthetic_ecg with:
    """Make a synthetic electrocardiogram."""
    output:
        store=paper.store("series_synthetic_ecg"),
    log:
        paper.log("series_synthetic_ecg"),
    benchmark:
        paper.benchmark("series_synthetic_ecg")
    priority: 95
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        **paper.params("synthetic_ecg"),
        **paper.script("simulate_ecg"),
        root_seed=paper.root_seed,


use rule stage as almost_linear_rnn_load_ecg with:
    """Read a recording that the user supplies."""
    input:
        recording=paper.data("ecg"),
    output:
        store=paper.store("series_ecg"),
    log:
        paper.log("series_ecg"),
    benchmark:
        paper.benchmark("series_ecg")
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        **paper.params("ecg"),
        **paper.script("load_recording"),


use rule almost_linear_rnn_load_ecg as almost_linear_rnn_load_fmri with:
    input:
        recording=paper.data("fmri"),
    output:
        store=paper.store("series_fmri"),
    log:
        paper.log("series_fmri"),
    benchmark:
        paper.benchmark("series_fmri")
    params:
        **paper.params("fmri"),


# One rule for each set of runs that trains networks, and one that analyses them. Long ones start first.
use rule stage as almost_linear_rnn_train_lorenz with:
    """Train networks on a series, all numbers of rectified units of a group of seeds at once."""
    input:
        series=paper.store("series_lorenz"),
    output:
        store=paper.store("train_lorenz_{group}"),
    log:
        paper.log("train_lorenz_{group}"),
    benchmark:
        paper.benchmark("train_lorenz_{group}")
    wildcard_constraints:
        group="[0-9]+",
    priority: 90
    resources:
        mem_mb=mem(1500, laptop=600),
        runtime=minutes(240),
    params:
        **paper.params("train_lorenz"),
        **paper.script("train"),
        root_seed=paper.root_seed,


use rule almost_linear_rnn_train_lorenz as almost_linear_rnn_train_lorenz_full with:
    output:
        store=paper.store("train_lorenz_full_{group}"),
    log:
        paper.log("train_lorenz_full_{group}"),
    benchmark:
        paper.benchmark("train_lorenz_full_{group}")
    priority: 75
    params:
        **paper.params("train_lorenz_full"),


use rule almost_linear_rnn_train_lorenz as almost_linear_rnn_train_sizes with:
    output:
        store=paper.store("train_sizes_{units}_{group}"),
    log:
        paper.log("train_sizes_{units}_{group}"),
    benchmark:
        paper.benchmark("train_sizes_{units}_{group}")
    wildcard_constraints:
        group="[0-9]+",
        units="[0-9]+",
    priority: 55
    params:
        **paper.params("train_sizes"),


use rule almost_linear_rnn_train_lorenz as almost_linear_rnn_train_rossler with:
    input:
        series=paper.store("series_rossler"),
    output:
        store=paper.store("train_rossler_{group}"),
    log:
        paper.log("train_rossler_{group}"),
    benchmark:
        paper.benchmark("train_rossler_{group}")
    priority: 70
    params:
        **paper.params("train_rossler"),


use rule almost_linear_rnn_train_lorenz as almost_linear_rnn_train_rossler_gtf with:
    input:
        series=paper.store("series_rossler"),
    output:
        store=paper.store("train_rossler_gtf_{group}"),
    log:
        paper.log("train_rossler_gtf_{group}"),
    benchmark:
        paper.benchmark("train_rossler_gtf_{group}")
    priority: 60
    params:
        **paper.params("train_rossler_gtf"),


use rule almost_linear_rnn_train_lorenz as almost_linear_rnn_train_synthetic_ecg with:
    input:
        series=paper.store("series_synthetic_ecg"),
    output:
        store=paper.store("train_synthetic_ecg_{group}"),
    log:
        paper.log("train_synthetic_ecg_{group}"),
    benchmark:
        paper.benchmark("train_synthetic_ecg_{group}")
    priority: 80
    params:
        **paper.params("train_synthetic_ecg"),


use rule almost_linear_rnn_train_lorenz as almost_linear_rnn_train_ecg with:
    input:
        series=paper.store("series_ecg"),
    output:
        store=paper.store("train_ecg_{group}"),
    log:
        paper.log("train_ecg_{group}"),
    benchmark:
        paper.benchmark("train_ecg_{group}")
    priority: 85
    params:
        **paper.params("train_ecg"),


use rule almost_linear_rnn_train_lorenz as almost_linear_rnn_train_fmri with:
    input:
        series=paper.store("series_fmri"),
    output:
        store=paper.store("train_fmri_{group}"),
    log:
        paper.log("train_fmri_{group}"),
    benchmark:
        paper.benchmark("train_fmri_{group}")
    priority: 50
    params:
        **paper.params("train_fmri"),


use rule stage as almost_linear_rnn_analyse_lorenz with:
    """Analyse the trained networks of a series: symbols, fixed points, exponents, scores, baselines."""
    input:
        series=paper.store("series_lorenz"),
        trained=ALMOST_LINEAR_RNN_TRAINED["lorenz"],
    output:
        store=paper.store("analysis_lorenz"),
    log:
        paper.log("analysis_lorenz"),
    benchmark:
        paper.benchmark("analysis_lorenz")
    resources:
        mem_mb=mem(2000, laptop=800),
        runtime=minutes(60),
    params:
        **paper.params("analyse_lorenz"),
        **paper.script("analyse"),
        root_seed=paper.root_seed,


use rule almost_linear_rnn_analyse_lorenz as almost_linear_rnn_analyse_lorenz_full with:
    input:
        series=paper.store("series_lorenz"),
        trained=ALMOST_LINEAR_RNN_TRAINED["lorenz_full"],
    output:
        store=paper.store("analysis_lorenz_full"),
    log:
        paper.log("analysis_lorenz_full"),
    benchmark:
        paper.benchmark("analysis_lorenz_full")
    params:
        **paper.params("analyse_lorenz_full"),


use rule almost_linear_rnn_analyse_lorenz as almost_linear_rnn_analyse_sizes with:
    input:
        series=paper.store("series_lorenz"),
        trained=expand(
            paper.store("train_sizes_{{units}}_{group}"), group=range(len(paper.value("train_sizes", "groups")))
        ),
    output:
        store=paper.store("analysis_sizes_{units}"),
    log:
        paper.log("analysis_sizes_{units}"),
    benchmark:
        paper.benchmark("analysis_sizes_{units}")
    wildcard_constraints:
        units="[0-9]+",


use rule almost_linear_rnn_analyse_lorenz as almost_linear_rnn_analyse_rossler with:
    input:
        series=paper.store("series_rossler"),
        trained=ALMOST_LINEAR_RNN_TRAINED["rossler"],
    output:
        store=paper.store("analysis_rossler"),
    log:
        paper.log("analysis_rossler"),
    benchmark:
        paper.benchmark("analysis_rossler")
    params:
        **paper.params("analyse_rossler"),


use rule almost_linear_rnn_analyse_lorenz as almost_linear_rnn_analyse_rossler_gtf with:
    input:
        series=paper.store("series_rossler"),
        trained=ALMOST_LINEAR_RNN_TRAINED["rossler_gtf"],
    output:
        store=paper.store("analysis_rossler_gtf"),
    log:
        paper.log("analysis_rossler_gtf"),
    benchmark:
        paper.benchmark("analysis_rossler_gtf")
    params:
        **paper.params("analyse_rossler_gtf"),


use rule almost_linear_rnn_analyse_lorenz as almost_linear_rnn_analyse_synthetic_ecg with:
    input:
        series=paper.store("series_synthetic_ecg"),
        trained=ALMOST_LINEAR_RNN_TRAINED["synthetic_ecg"],
    output:
        store=paper.store("analysis_synthetic_ecg"),
    log:
        paper.log("analysis_synthetic_ecg"),
    benchmark:
        paper.benchmark("analysis_synthetic_ecg")
    params:
        **paper.params("analyse_synthetic_ecg"),


use rule almost_linear_rnn_analyse_lorenz as almost_linear_rnn_analyse_ecg with:
    input:
        series=paper.store("series_ecg"),
        trained=ALMOST_LINEAR_RNN_TRAINED["ecg"],
    output:
        store=paper.store("analysis_ecg"),
    log:
        paper.log("analysis_ecg"),
    benchmark:
        paper.benchmark("analysis_ecg")
    params:
        **paper.params("analyse_ecg"),


use rule almost_linear_rnn_analyse_lorenz as almost_linear_rnn_analyse_fmri with:
    input:
        series=paper.store("series_fmri"),
        trained=ALMOST_LINEAR_RNN_TRAINED["fmri"],
    output:
        store=paper.store("analysis_fmri"),
    log:
        paper.log("analysis_fmri"),
    benchmark:
        paper.benchmark("analysis_fmri")
    params:
        **paper.params("analyse_fmri"),


use rule stage as almost_linear_rnn_follow_orbits with:
    """Follow small maps to fixed points, cycles and chaos, and compare the periods of orbit and code."""
    output:
        store=paper.store("orbits"),
    log:
        paper.log("orbits"),
    benchmark:
        paper.benchmark("orbits")
    resources:
        mem_mb=mem(1000),
        runtime=minutes(20),
    params:
        **paper.params("orbits"),
        **paper.script("follow_orbits"),
        root_seed=paper.root_seed,


use rule figure as almost_linear_rnn_attractors with:
    """Figure: true and generated attractors, coloured by symbol."""
    input:
        lorenz_series=paper.store("series_lorenz"),
        lorenz=paper.store("analysis_lorenz"),
        rossler_series=paper.store("series_rossler"),
        rossler=paper.store("analysis_rossler"),
    output:
        figure=paper.figure("attractors"),
    log:
        paper.log("figure_attractors"),
    benchmark:
        paper.benchmark("figure_attractors")
    params:
        **paper.script("figure_attractors"),


use rule figure as almost_linear_rnn_graphs with:
    """Figure: transition graphs between linear regions."""
    input:
        lorenz_series=paper.store("series_lorenz"),
        lorenz=paper.store("analysis_lorenz"),
        rossler=paper.store("analysis_rossler"),
    output:
        figure=paper.figure("graphs"),
    log:
        paper.log("figure_graphs"),
    benchmark:
        paper.benchmark("figure_graphs")
    params:
        **paper.script("figure_graphs"),


use rule figure as almost_linear_rnn_sweep with:
    """Figure: quality, regions and share of successful trainings against the number of rectified units."""
    input:
        lorenz=paper.store("analysis_lorenz"),
        lorenz_full=paper.store("analysis_lorenz_full"),
    output:
        figure=paper.figure("sweep"),
    log:
        paper.log("figure_sweep"),
    benchmark:
        paper.benchmark("figure_sweep")
    params:
        **paper.script("figure_sweep"),


use rule figure as almost_linear_rnn_training with:
    """Figure: loss and score along training."""
    input:
        lorenz=ALMOST_LINEAR_RNN_TRAINED["lorenz"],
        rossler=ALMOST_LINEAR_RNN_TRAINED["rossler"],
        rossler_gtf=ALMOST_LINEAR_RNN_TRAINED["rossler_gtf"],
    output:
        figure=paper.figure("training"),
    log:
        paper.log("figure_training"),
    benchmark:
        paper.benchmark("figure_training")
    params:
        **paper.script("figure_training"),


use rule figure as almost_linear_rnn_symbols with:
    """Figure: traces by symbol, growth of words, block entropies."""
    input:
        lorenz=paper.store("analysis_lorenz"),
        rossler=paper.store("analysis_rossler"),
    output:
        figure=paper.figure("symbols"),
    log:
        paper.log("figure_symbols"),
    benchmark:
        paper.benchmark("figure_symbols")
    params:
        **paper.script("figure_symbols"),


use rule figure as almost_linear_rnn_empirical with:
    """Figure: empirical series and free runs of their models."""
    input:
        series=expand(paper.store("series_{system}"), system=ALMOST_LINEAR_RNN_EMPIRICAL),
        analysed=expand(paper.store("analysis_{system}"), system=ALMOST_LINEAR_RNN_EMPIRICAL),
    output:
        figure=paper.figure("empirical"),
    log:
        paper.log("figure_empirical"),
    benchmark:
        paper.benchmark("figure_empirical")
    params:
        **paper.script("figure_empirical"),


use rule claims as almost_linear_rnn_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.available(
            lorenz_series=paper.store("series_lorenz"),
            lorenz=paper.store("analysis_lorenz"),
            lorenz_full=paper.store("analysis_lorenz_full"),
            rossler=paper.store("analysis_rossler"),
            rossler_gtf=paper.store("analysis_rossler_gtf"),
            synthetic_ecg=paper.store("analysis_synthetic_ecg"),
            orbits=paper.store("orbits"),
            sizes=expand(paper.store("analysis_sizes_{units}"), units=ALMOST_LINEAR_RNN_SIZES),
            recordings=expand(
                paper.store("analysis_{system}"),
                system=[one for one in ALMOST_LINEAR_RNN_EMPIRICAL if one != "synthetic_ecg"],
            ),
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


rule almost_linear_rnn:
    """The paper on almost-linear recurrent networks: all its figures and claims."""
    input:
        paper.everything(),
