# Almost-linear recurrent networks: reconstruct chaotic systems, read the symbolic code of the linear regions.
ALR = Paper("almost_linear_rnn")

EMPIRICAL = ALR.value("empirical", "systems")
RECORDINGS = [system for system in EMPIRICAL if system != "synthetic_ecg"]

# Each set of runs: the series it learns, and the priority of its jobs. Long ones start first.
ALR_SETS = {
    "lorenz": ("lorenz", 90),
    "rossler": ("rossler", 70),
    "rossler_gtf": ("rossler", 60),
    "synthetic_ecg": ("synthetic_ecg", 80),
    "ecg": ("ecg", 85),
    "fmri": ("fmri", 50),
}


# Stores of all jobs that train a set of runs.
ALR_TRAINED = {
    runs: expand(ALR.store("train_{runs}_{group}"), runs=runs, group=range(len(ALR.value(f"train_{runs}", "groups"))))
    for runs in ALR_SETS
}


for alr_system in ("lorenz", "rossler"):

    rule:
        """Sample a chaotic system."""
        name:
            f"almost_linear_rnn_simulate_{alr_system}"
        output:
            store=ALR.store(f"series_{alr_system}"),
        log:
            ALR.log(f"series_{alr_system}"),
        benchmark:
            ALR.benchmark(f"series_{alr_system}")
        priority: 100
        conda:
            "../envs/atlas.yaml"
        threads: 1
        resources:
            mem_mb=mem(1000),
            runtime=minutes(10),
        params:
            **ALR.params(alr_system),
            code=ALR.code("simulate"),
        script:
            "../scripts/almost_linear_rnn/simulate.py"


rule almost_linear_rnn_simulate_synthetic_ecg:
    """Make a synthetic electrocardiogram."""
    output:
        store=ALR.store("series_synthetic_ecg"),
    log:
        ALR.log("series_synthetic_ecg"),
    benchmark:
        ALR.benchmark("series_synthetic_ecg")
    priority: 95
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    params:
        **ALR.params("synthetic_ecg"),
        root_seed=ALR.root_seed,
        code=ALR.code("simulate_ecg"),
    script:
        "../scripts/almost_linear_rnn/simulate_ecg.py"


for alr_system in ("ecg", "fmri"):

    rule:
        """Read a recording that the user supplies."""
        name:
            f"almost_linear_rnn_load_{alr_system}"
        input:
            recording=ALR.data(alr_system),
        output:
            store=ALR.store(f"series_{alr_system}"),
        log:
            ALR.log(f"series_{alr_system}"),
        benchmark:
            ALR.benchmark(f"series_{alr_system}")
        conda:
            "../envs/atlas.yaml"
        threads: 1
        resources:
            mem_mb=mem(1000),
            runtime=minutes(10),
        params:
            **ALR.params(alr_system),
            code=ALR.code("load_recording"),
        script:
            "../scripts/almost_linear_rnn/load_recording.py"


for alr_set, (alr_series, alr_priority) in ALR_SETS.items():

    rule:
        """Train networks on a series, all numbers of rectified units of a group of seeds at once."""
        name:
            f"almost_linear_rnn_train_{alr_set}"
        input:
            series=ALR.store(f"series_{alr_series}"),
        output:
            store=ALR.store(f"train_{alr_set}_{{group}}"),
        log:
            ALR.log(f"train_{alr_set}_{{group}}"),
        benchmark:
            ALR.benchmark(f"train_{alr_set}_{{group}}")
        wildcard_constraints:
            group="[0-9]+",
        priority: alr_priority
        conda:
            "../envs/atlas.yaml"
        threads: 1
        resources:
            mem_mb=mem(1500),
            runtime=minutes(240),
        params:
            **ALR.params(f"train_{alr_set}"),
            root_seed=ALR.root_seed,
            code=ALR.code("train"),
        script:
            "../scripts/almost_linear_rnn/train.py"

    rule:
        """Analyse the trained networks of a series: symbols, fixed points, exponents, scores, baselines."""
        name:
            f"almost_linear_rnn_analyse_{alr_set}"
        input:
            series=ALR.store(f"series_{alr_series}"),
            trained=ALR_TRAINED[alr_set],
        output:
            store=ALR.store(f"analysis_{alr_set}"),
        log:
            ALR.log(f"analysis_{alr_set}"),
        benchmark:
            ALR.benchmark(f"analysis_{alr_set}")
        conda:
            "../envs/atlas.yaml"
        threads: 1
        resources:
            mem_mb=mem(2000),
            runtime=minutes(60),
        params:
            **ALR.params(f"analyse_{alr_set}"),
            root_seed=ALR.root_seed,
            code=ALR.code("analyse"),
        script:
            "../scripts/almost_linear_rnn/analyse.py"


rule almost_linear_rnn_follow_orbits:
    """Follow small maps to fixed points, cycles and chaos, and compare the periods of orbit and code."""
    output:
        store=ALR.store("orbits"),
    log:
        ALR.log("orbits"),
    benchmark:
        ALR.benchmark("orbits")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(20),
    params:
        **ALR.params("orbits"),
        root_seed=ALR.root_seed,
        code=ALR.code("follow_orbits"),
    script:
        "../scripts/almost_linear_rnn/follow_orbits.py"


rule almost_linear_rnn_attractors:
    """Figure: true and generated attractors, coloured by symbol."""
    input:
        lorenz_series=ALR.store("series_lorenz"),
        lorenz=ALR.store("analysis_lorenz"),
        rossler_series=ALR.store("series_rossler"),
        rossler=ALR.store("analysis_rossler"),
    output:
        figure=ALR.figure("attractors"),
    log:
        ALR.log("figure_attractors"),
    benchmark:
        ALR.benchmark("figure_attractors")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ALR.code("figure_attractors"),
    script:
        "../scripts/almost_linear_rnn/figure_attractors.py"


rule almost_linear_rnn_graphs:
    """Figure: transition graphs between linear regions."""
    input:
        lorenz=ALR.store("analysis_lorenz"),
        rossler=ALR.store("analysis_rossler"),
    output:
        figure=ALR.figure("graphs"),
    log:
        ALR.log("figure_graphs"),
    benchmark:
        ALR.benchmark("figure_graphs")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ALR.code("figure_graphs"),
    script:
        "../scripts/almost_linear_rnn/figure_graphs.py"


rule almost_linear_rnn_sweep:
    """Figure: quality and number of regions against the number of rectified units."""
    input:
        lorenz=ALR.store("analysis_lorenz"),
    output:
        figure=ALR.figure("sweep"),
    log:
        ALR.log("figure_sweep"),
    benchmark:
        ALR.benchmark("figure_sweep")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ALR.code("figure_sweep"),
    script:
        "../scripts/almost_linear_rnn/figure_sweep.py"


rule almost_linear_rnn_training:
    """Figure: loss and score along training."""
    input:
        lorenz=ALR_TRAINED["lorenz"],
        rossler=ALR_TRAINED["rossler"],
        rossler_gtf=ALR_TRAINED["rossler_gtf"],
    output:
        figure=ALR.figure("training"),
    log:
        ALR.log("figure_training"),
    benchmark:
        ALR.benchmark("figure_training")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ALR.code("figure_training"),
    script:
        "../scripts/almost_linear_rnn/figure_training.py"


rule almost_linear_rnn_symbols:
    """Figure: traces by symbol, growth of words, block entropies."""
    input:
        lorenz=ALR.store("analysis_lorenz"),
        rossler=ALR.store("analysis_rossler"),
    output:
        figure=ALR.figure("symbols"),
    log:
        ALR.log("figure_symbols"),
    benchmark:
        ALR.benchmark("figure_symbols")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ALR.code("figure_symbols"),
    script:
        "../scripts/almost_linear_rnn/figure_symbols.py"


rule almost_linear_rnn_empirical:
    """Figure: empirical series and free runs of their models."""
    input:
        series=expand(ALR.store("series_{system}"), system=EMPIRICAL),
        analysed=expand(ALR.store("analysis_{system}"), system=EMPIRICAL),
    output:
        figure=ALR.figure("empirical"),
    log:
        ALR.log("figure_empirical"),
    benchmark:
        ALR.benchmark("figure_empirical")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=ALR.code("figure_empirical"),
    script:
        "../scripts/almost_linear_rnn/figure_empirical.py"


rule almost_linear_rnn_measure_claims:
    """Measure every claim of the paper."""
    input:
        lorenz_series=ALR.store("series_lorenz"),
        lorenz=ALR.store("analysis_lorenz"),
        rossler=ALR.store("analysis_rossler"),
        rossler_gtf=ALR.store("analysis_rossler_gtf"),
        synthetic_ecg=ALR.store("analysis_synthetic_ecg"),
        orbits=ALR.store("orbits"),
        recordings=expand(ALR.store("analysis_{system}"), system=RECORDINGS),
    output:
        claims=ALR.claims(),
    log:
        ALR.log("claims"),
    benchmark:
        ALR.benchmark("claims")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        pass_rules=ALR.pass_rules(),
        code=ALR.code("claims"),
    script:
        "../scripts/almost_linear_rnn/claims.py"


rule almost_linear_rnn:
    """The paper on almost-linear recurrent networks: all its figures and claims."""
    input:
        ALR.everything(),
