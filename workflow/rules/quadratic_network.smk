# Bayes-optimal learning of an extensive-width quadratic network: theory, message passing, gradient descent, baselines.
QN = Paper("quadratic_network")


rule quadratic_network_solve_theory:
    """Solve for the Bayes-optimal error: curves, phase diagram, limits."""
    output:
        store=QN.store("theory"),
    log:
        QN.log("theory"),
    benchmark:
        QN.benchmark("theory")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(20),
    params:
        **QN.params("theory"),
        code=QN.code("solve_theory"),
    script:
        "../scripts/quadratic_network/solve_theory.py"


# One rule for each set of runs: the sets are the sections of the parameters. Long ones start first.
AMP_RUNS = {
    "amp_large": 90,
    "amp_clean": 70,
    "amp_small": 50,
    "amp_noisy": 60,
    "amp_threshold": 60,
    "amp_rank1": 40,
    "amp_goe": 40,
    "amp_plain": 40,
    "amp_onsager": 40,
}

for amp_run, amp_priority in AMP_RUNS.items():

    rule:
        """Run GAMP-RIE on a set of teachers and points."""
        name:
            f"quadratic_network_simulate_{amp_run}"
        output:
            store=QN.store(amp_run),
        log:
            QN.log(amp_run),
        benchmark:
            QN.benchmark(amp_run)
        priority: amp_priority
        conda:
            "../envs/atlas.yaml"
        threads: 1
        resources:
            mem_mb=mem(2000),
            runtime=minutes(120),
        params:
            **QN.params(amp_run),
            root_seed=QN.root_seed,
            code=QN.code("simulate_amp"),
        script:
            "../scripts/quadratic_network/simulate_amp.py"


rule quadratic_network_train_gd_clean:
    """Train networks without noise from many starts, one teacher."""
    output:
        store=QN.store("gd_clean_{teacher}"),
    log:
        QN.log("gd_clean_{teacher}"),
    benchmark:
        QN.benchmark("gd_clean_{teacher}")
    priority: 80
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(4000),
        runtime=minutes(600),
        gpu=gpus(QN.value("gd_clean", "size") >= 100),
    params:
        **QN.params("gd_clean"),
        root_seed=QN.root_seed,
        code=QN.code("simulate_gd"),
    script:
        "../scripts/quadratic_network/simulate_gd.py"


rule quadratic_network_train_gd_noisy:
    """Train networks on noisy labels at each weight decay, one teacher."""
    output:
        store=QN.store("gd_noisy_{teacher}"),
    log:
        QN.log("gd_noisy_{teacher}"),
    benchmark:
        QN.benchmark("gd_noisy_{teacher}")
    priority: 55
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(4000),
        runtime=minutes(600),
        gpu=gpus(QN.value("gd_noisy", "size") >= 100),
    params:
        **QN.params("gd_noisy"),
        root_seed=QN.root_seed,
        code=QN.code("simulate_gd"),
    script:
        "../scripts/quadratic_network/simulate_gd.py"


rule quadratic_network_fit_baselines:
    """Fit linear estimators along alpha."""
    output:
        store=QN.store("baselines"),
    log:
        QN.log("baselines"),
    benchmark:
        QN.benchmark("baselines")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(60),
    params:
        **QN.params("baselines"),
        root_seed=QN.root_seed,
        code=QN.code("fit_baselines"),
    script:
        "../scripts/quadratic_network/fit_baselines.py"


rule quadratic_network_fit_baselines_few:
    """Fit linear estimators to n = O(d) samples."""
    output:
        store=QN.store("baselines_few"),
    log:
        QN.log("baselines_few"),
    benchmark:
        QN.benchmark("baselines_few")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(60),
    params:
        **QN.params("baselines_few"),
        root_seed=QN.root_seed,
        code=QN.code("fit_baselines"),
    script:
        "../scripts/quadratic_network/fit_baselines.py"


rule quadratic_network_denoise_spectra:
    """Denoise Wishart matrices plus noise, optimally and linearly."""
    output:
        store=QN.store("spectra"),
    log:
        QN.log("spectra"),
    benchmark:
        QN.benchmark("spectra")
    priority: 30
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(20),
    params:
        **QN.params("spectra"),
        root_seed=QN.root_seed,
        code=QN.code("denoise_spectra"),
    script:
        "../scripts/quadratic_network/denoise_spectra.py"


rule quadratic_network_theory:
    """Figure: Bayes-optimal error against alpha and the phase diagram."""
    input:
        theory=QN.store("theory"),
    output:
        figure=QN.figure("theory"),
    log:
        QN.log("figure_theory"),
    benchmark:
        QN.benchmark("figure_theory")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=QN.code("figure_theory"),
    script:
        "../scripts/quadratic_network/figure_theory.py"


rule quadratic_network_amp:
    """Figure: theory in the narrow limit, and GAMP-RIE on the theory lines."""
    input:
        theory=QN.store("theory"),
        amp_clean=QN.store("amp_clean"),
        amp_large=QN.store("amp_large"),
        amp_noisy=QN.store("amp_noisy"),
    output:
        figure=QN.figure("amp"),
    log:
        QN.log("figure_amp"),
    benchmark:
        QN.benchmark("figure_amp")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=QN.code("figure_amp"),
    script:
        "../scripts/quadratic_network/figure_amp.py"


rule quadratic_network_gd:
    """Figure: single and averaged gradient descent against the Bayes-optimal error."""
    input:
        theory=QN.store("theory"),
        gd=expand(QN.store("gd_clean_{teacher}"), teacher=range(QN.value("gd_clean", "teachers"))),
    output:
        figure=QN.figure("gd"),
    log:
        QN.log("figure_gd"),
    benchmark:
        QN.benchmark("figure_gd")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=QN.code("figure_gd"),
    script:
        "../scripts/quadratic_network/figure_gd.py"


rule quadratic_network_regularisation:
    """Figure: noisy gradient descent for each weight decay."""
    input:
        theory=QN.store("theory"),
        gd=expand(QN.store("gd_noisy_{teacher}"), teacher=range(QN.value("gd_noisy", "teachers"))),
    output:
        figure=QN.figure("regularisation"),
    log:
        QN.log("figure_regularisation"),
    benchmark:
        QN.benchmark("figure_regularisation")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=QN.code("figure_regularisation"),
    script:
        "../scripts/quadratic_network/figure_regularisation.py"


rule quadratic_network_spectrum:
    """Figure: spectra before denoising, and the error of denoising."""
    input:
        spectra=QN.store("spectra"),
    output:
        figure=QN.figure("spectrum"),
    log:
        QN.log("figure_spectrum"),
    benchmark:
        QN.benchmark("figure_spectrum")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=QN.code("figure_spectrum"),
    script:
        "../scripts/quadratic_network/figure_spectrum.py"


rule quadratic_network_finite_size:
    """Figure: relative excess of the errors against the dimension."""
    input:
        amp_small=QN.store("amp_small"),
        amp_clean=QN.store("amp_clean"),
        amp_large=QN.store("amp_large"),
        gd=expand(QN.store("gd_clean_{teacher}"), teacher=range(QN.value("gd_clean", "teachers"))),
    output:
        figure=QN.figure("finite_size"),
    log:
        QN.log("figure_finite_size"),
    benchmark:
        QN.benchmark("figure_finite_size")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=QN.code("figure_finite_size"),
    script:
        "../scripts/quadratic_network/figure_finite_size.py"


rule quadratic_network_baselines:
    """Figure: all estimators against alpha, from 1/d to the recovery threshold."""
    input:
        baselines=QN.store("baselines"),
        amp=QN.store("amp_clean"),
        gd=expand(QN.store("gd_clean_{teacher}"), teacher=range(QN.value("gd_clean", "teachers"))),
        theory=QN.store("theory"),
    output:
        figure=QN.figure("baselines"),
    log:
        QN.log("figure_baselines"),
    benchmark:
        QN.benchmark("figure_baselines")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        code=QN.code("figure_baselines"),
    script:
        "../scripts/quadratic_network/figure_baselines.py"


rule quadratic_network_measure_claims:
    """Measure every claim of the paper."""
    input:
        theory=QN.store("theory"),
        amp_large=QN.store("amp_large"),
        amp_clean=QN.store("amp_clean"),
        amp_small=QN.store("amp_small"),
        amp_noisy=QN.store("amp_noisy"),
        amp_threshold=QN.store("amp_threshold"),
        amp_rank1=QN.store("amp_rank1"),
        amp_goe=QN.store("amp_goe"),
        amp_plain=QN.store("amp_plain"),
        amp_onsager=QN.store("amp_onsager"),
        gd_clean=expand(QN.store("gd_clean_{teacher}"), teacher=range(QN.value("gd_clean", "teachers"))),
        gd_noisy=expand(QN.store("gd_noisy_{teacher}"), teacher=range(QN.value("gd_noisy", "teachers"))),
        baselines=QN.store("baselines"),
        baselines_few=QN.store("baselines_few"),
        spectra=QN.store("spectra"),
    output:
        claims=QN.claims(),
    log:
        QN.log("claims"),
    benchmark:
        QN.benchmark("claims")
    conda:
        "../envs/atlas.yaml"
    threads: 1
    resources:
        mem_mb=mem(800),
        runtime=minutes(10),
    params:
        pass_rules=QN.pass_rules(),
        code=QN.code("claims"),
    script:
        "../scripts/quadratic_network/claims.py"


rule quadratic_network:
    """The paper on quadratic networks: all its figures and claims."""
    input:
        QN.everything(),
