"""Figure: spectra of noisy Wishart matrices on their density, and the error of denoising them."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels


def figure(spectra):
    """Return the figure: a histogram for each pair, then errors against the noise."""
    pairs = spectra.sizes["pair"]
    fig, axes = new_figure(ncols=pairs + 1, width=3.1 * (pairs + 1), height=3.3)
    for i in range(pairs):
        pair = spectra.isel(pair=i)
        axes[i].hist(pair.eigenvalue, bins=60, density=True, color="#bbbbbb", label=f"eigenvalues, d = {spectra.d}")
        axes[i].plot(pair.x, pair.density, color=COLOURS[1], label="density of $\\mu_t$")
        axes[i].set(
            xlabel="eigenvalue", title=f"$\\kappa$ = {float(pair.pair_kappa):g}, t = {float(pair.pair_noise):g}"
        )
        axes[i].legend()
    axes[0].set_ylabel("density")
    last = axes[-1]
    for i, kappa in enumerate(spectra.kappa.values):
        at = spectra.sel(kappa=kappa)
        last.loglog(at.noise, at.rie_theory, color=COLOURS[i], ls=LINESTYLES[i])
        last.loglog(at.noise, at.linear_theory, color=COLOURS[i], lw=0.6)
        last.loglog(at.noise, at.rie_error, MARKERS[i], color=COLOURS[i], mfc="white", label=f"$\\kappa$ = {kappa:g}")
    last.set(xlabel="noise variance t", ylabel="$|\\hat S - S|_F^2 / d$", title="optimal; linear: thin")
    last.legend()
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
