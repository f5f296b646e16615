# Bayes-optimal learning of an extensive-width quadratic network: theory, message passing, gradient descent, baselines.

QUADRATIC_NETWORK_TEACHERS = range(paper.value("gd_clean", "teachers"))


use rule stage as quadratic_network_solve_theory with:
    """Solve for the Bayes-optimal error: curves, phase diagram, limits."""
    output:
        store=paper.store("theory"),
    log:
        paper.log("theory"),
    benchmark:
        paper.benchmark("theory")
    resources:
        mem_mb=mem(1000),
        runtime=minutes(20),
    params:
        **paper.params("theory"),
        **paper.script("solve_theory"),


# One rule for each set of runs: the sets are the sections of the parameters. Long ones start first.
use rule stage as quadratic_network_simulate_amp_large with:
    """Run GAMP-RIE on a set of teachers and points."""
    output:
        store=paper.store("amp_large"),
    log:
        paper.log("amp_large"),
    benchmark:
        paper.benchmark("amp_large")
    priority: 90
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(120),
    params:
        **paper.params("amp_large"),
        **paper.script("simulate_amp"),
        root_seed=paper.root_seed,


use rule quadratic_network_simulate_amp_large as quadratic_network_simulate_amp_clean with:
    output:
        store=paper.store("amp_clean"),
    log:
        paper.log("amp_clean"),
    benchmark:
        paper.benchmark("amp_clean")
    priority: 70
    params:
        **paper.params("amp_clean"),


use rule quadratic_network_simulate_amp_large as quadratic_network_simulate_amp_small with:
    output:
        store=paper.store("amp_small"),
    log:
        paper.log("amp_small"),
    benchmark:
        paper.benchmark("amp_small")
    priority: 50
    params:
        **paper.params("amp_small"),


use rule quadratic_network_simulate_amp_large as quadratic_network_simulate_amp_noisy with:
    output:
        store=paper.store("amp_noisy"),
    log:
        paper.log("amp_noisy"),
    benchmark:
        paper.benchmark("amp_noisy")
    priority: 60
    params:
        **paper.params("amp_noisy"),


use rule quadratic_network_simulate_amp_large as quadratic_network_simulate_amp_threshold with:
    output:
        store=paper.store("amp_threshold"),
    log:
        paper.log("amp_threshold"),
    benchmark:
        paper.benchmark("amp_threshold")
    priority: 60
    params:
        **paper.params("amp_threshold"),


use rule quadratic_network_simulate_amp_large as quadratic_network_simulate_amp_rank1 with:
    output:
        store=paper.store("amp_rank1"),
    log:
        paper.log("amp_rank1"),
    benchmark:
        paper.benchmark("amp_rank1")
    priority: 40
    params:
        **paper.params("amp_rank1"),


use rule quadratic_network_simulate_amp_large as quadratic_network_simulate_amp_goe with:
    output:
        store=paper.store("amp_goe"),
    log:
        paper.log("amp_goe"),
    benchmark:
        paper.benchmark("amp_goe")
    priority: 40
    params:
        **paper.params("amp_goe"),


use rule quadratic_network_simulate_amp_large as quadratic_network_simulate_amp_plain with:
    output:
        store=paper.store("amp_plain"),
    log:
        paper.log("amp_plain"),
    benchmark:
        paper.benchmark("amp_plain")
    priority: 40
    params:
        **paper.params("amp_plain"),


use rule stage as quadratic_network_train_gd_clean with:
    """Train networks without noise from many starts, one teacher of each dimension."""
    output:
        store=paper.store("gd_clean_{teacher}"),
    log:
        paper.log("gd_clean_{teacher}"),
    benchmark:
        paper.benchmark("gd_clean_{teacher}")
    priority: 80
    resources:
        mem_mb=mem(4000, laptop=700),
        runtime=minutes(600),
        gpu=gpus(paper.value("gd_clean", "sizes")["main"] >= 100),
    params:
        **paper.params("gd_clean"),
        **paper.script("simulate_gd"),
        root_seed=paper.root_seed,


use rule stage as quadratic_network_train_gd_noisy with:
    """Train networks on noisy labels at each weight decay, one teacher."""
    output:
        store=paper.store("gd_noisy_{teacher}"),
    log:
        paper.log("gd_noisy_{teacher}"),
    benchmark:
        paper.benchmark("gd_noisy_{teacher}")
    priority: 55
    resources:
        mem_mb=mem(4000, laptop=700),
        runtime=minutes(600),
        gpu=gpus(paper.value("gd_noisy", "sizes")["main"] >= 100),
    params:
        **paper.params("gd_noisy"),
        **paper.script("simulate_gd"),
        root_seed=paper.root_seed,


use rule stage as quadratic_network_fit_baselines with:
    """Fit linear estimators along alpha."""
    output:
        store=paper.store("baselines"),
    log:
        paper.log("baselines"),
    benchmark:
        paper.benchmark("baselines")
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(60),
    params:
        **paper.params("baselines"),
        **paper.script("fit_baselines"),
        root_seed=paper.root_seed,


use rule stage as quadratic_network_fit_baselines_few with:
    """Fit linear estimators to n = O(d) samples."""
    output:
        store=paper.store("baselines_few"),
    log:
        paper.log("baselines_few"),
    benchmark:
        paper.benchmark("baselines_few")
    resources:
        mem_mb=mem(2000, laptop=600),
        runtime=minutes(60),
    params:
        **paper.params("baselines_few"),
        **paper.script("fit_baselines"),
        root_seed=paper.root_seed,


use rule stage as quadratic_network_denoise_spectra with:
    """Denoise Wishart matrices plus noise, optimally and linearly."""
    output:
        store=paper.store("spectra"),
    log:
        paper.log("spectra"),
    benchmark:
        paper.benchmark("spectra")
    priority: 30
    resources:
        mem_mb=mem(1000),
        runtime=minutes(20),
    params:
        **paper.params("spectra"),
        **paper.script("denoise_spectra"),
        root_seed=paper.root_seed,


use rule figure as quadratic_network_theory with:
    """Figure: Bayes-optimal error against alpha and the phase diagram."""
    input:
        theory=paper.store("theory"),
    output:
        figure=paper.figure("theory"),
    log:
        paper.log("figure_theory"),
    benchmark:
        paper.benchmark("figure_theory")
    params:
        **paper.script("figure_theory"),


use rule figure as quadratic_network_amp with:
    """Figure: theory in the narrow limit, and GAMP-RIE on the theory lines."""
    input:
        **paper.stores("theory", "amp_clean", "amp_large", "amp_noisy"),
    output:
        figure=paper.figure("amp"),
    log:
        paper.log("figure_amp"),
    benchmark:
        paper.benchmark("figure_amp")
    params:
        **paper.script("figure_amp"),


use rule figure as quadratic_network_gd with:
    """Figure: single and averaged gradient descent against the Bayes-optimal error."""
    input:
        theory=paper.store("theory"),
        gd=expand(paper.store("gd_clean_{teacher}"), teacher=QUADRATIC_NETWORK_TEACHERS),
    output:
        figure=paper.figure("gd"),
    log:
        paper.log("figure_gd"),
    benchmark:
        paper.benchmark("figure_gd")
    params:
        **paper.script("figure_gd"),


use rule figure as quadratic_network_regularisation with:
    """Figure: gradient descent under noise, by weight decay and averaged or not."""
    input:
        gd=expand(paper.store("gd_noisy_{teacher}"), teacher=range(paper.value("gd_noisy", "teachers"))),
    output:
        figure=paper.figure("regularisation"),
    log:
        paper.log("figure_regularisation"),
    benchmark:
        paper.benchmark("figure_regularisation")
    params:
        **paper.script("figure_regularisation"),


use rule figure as quadratic_network_spectrum with:
    """Figure: spectra before denoising, and the error of denoising."""
    input:
        spectra=paper.store("spectra"),
    output:
        figure=paper.figure("spectrum"),
    log:
        paper.log("figure_spectrum"),
    benchmark:
        paper.benchmark("figure_spectrum")
    params:
        **paper.script("figure_spectrum"),


use rule figure as quadratic_network_finite_size with:
    """Figure: relative excess of the errors against the dimension."""
    input:
        **paper.stores("amp_small", "amp_clean", "amp_large"),
        gd=expand(paper.store("gd_clean_{teacher}"), teacher=QUADRATIC_NETWORK_TEACHERS),
    output:
        figure=paper.figure("finite_size"),
    log:
        paper.log("figure_finite_size"),
    benchmark:
        paper.benchmark("figure_finite_size")
    params:
        **paper.script("figure_finite_size"),


use rule figure as quadratic_network_baselines with:
    """Figure: all estimators against alpha, from 1/d to the recovery threshold."""
    input:
        baselines=paper.store("baselines"),
        amp=paper.store("amp_clean"),
        gd=expand(paper.store("gd_clean_{teacher}"), teacher=QUADRATIC_NETWORK_TEACHERS),
        theory=paper.store("theory"),
    output:
        figure=paper.figure("baselines"),
    log:
        paper.log("figure_baselines"),
    benchmark:
        paper.benchmark("figure_baselines")
    params:
        **paper.script("figure_baselines"),


use rule claims as quadratic_network_measure_claims with:
    """Measure every claim of the paper."""
    input:
        **paper.stores(
            "theory",
            "amp_large",
            "amp_clean",
            "amp_small",
            "amp_noisy",
            "amp_threshold",
            "amp_rank1",
            "amp_goe",
            "amp_plain",
        ),
        **paper.stores("baselines", "baselines_few", "spectra"),
        gd_clean=expand(paper.store("gd_clean_{teacher}"), teacher=QUADRATIC_NETWORK_TEACHERS),
        gd_noisy=expand(paper.store("gd_noisy_{teacher}"), teacher=range(paper.value("gd_noisy", "teachers"))),
    output:
        claims=paper.claims(),
    log:
        paper.log("claims"),
    benchmark:
        paper.benchmark("claims")
    params:
        **paper.script("claims"),
        **paper.judging(),


rule quadratic_network:
    """The paper on quadratic networks: all its figures and claims."""
    input:
        paper.everything(),
