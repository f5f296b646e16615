"""Bayes-optimal error of the quadratic network: curves, phase diagram, reference values, limits, state evolution.

All of it comes from one scalar equation (the paper's main result), solved for all points at once.
"""

import numpy as np
import xarray as xr

from lib.amp.matrix import state_evolution
from lib.linalg.random_matrix import exact_moments, mmse, mmse_narrow_limit, recovery_threshold, spectral_moments


def solve_theory(
    *,
    kappas: list[float],
    curve_points: int,
    phase_points: int,
    nodes: int,
    noise: float,
    noisy_kappa: float,
    reference: list[list[float]],
    thresholds: list[float],
    wide_kappa: float,
    narrow_kappa: float,
    narrow: list[list[float]],
    few: list[float],
    few_kappas: list[float],
    fixed_points: list[list[float]],
    iterations: int,
) -> xr.Dataset:
    """Return curves `(kappa, alpha)`, a phase diagram, and the theory that the claims are checked against.

    Args:
        kappas: widths of the curves.
        curve_points, phase_points: grid sizes.
        nodes: quadrature nodes for each panel.
        noise, noisy_kappa: reduced noise and width of the noisy curve.
        reference: rows (kappa, alpha, noise, published error).
        thresholds: widths at which the recovery line is checked.
        wide_kappa: width that stands for infinity.
        narrow_kappa, narrow: width that stands for zero, rows (alpha / kappa, published error).
        few, few_kappas: samples over d^2, and widths, that stand for n = O(d).
        fixed_points: rows (kappa, alpha, noise) at which state evolution is run.
        iterations: of state evolution.
    """
    fraction = np.linspace(0.01, 1.02, curve_points)
    kappa = np.array(kappas)
    alpha = fraction[None, :] * recovery_threshold(kappa)[:, None]
    error, q = mmse(alpha, kappa[:, None], 0.0, nodes)
    noisy_alpha = np.linspace(0.02, 0.6, curve_points)
    noisy_error, noisy_q = mmse(noisy_alpha, noisy_kappa, noise, nodes)
    phase_alpha, phase_kappa = np.linspace(0.01, 0.6, phase_points), np.linspace(0.02, 2.0, phase_points)
    phase, _ = mmse(phase_alpha[None, :], phase_kappa[:, None], 0.0, nodes)

    ref = np.array(reference)
    ref_error, ref_q = mmse(ref[:, 1], ref[:, 0], ref[:, 2], nodes)

    line = np.array(thresholds)
    wide_alpha = np.linspace(0.05, 0.45, 9)
    ratios = np.array(narrow)
    fixed = np.array(fixed_points)
    limits = np.array([state_evolution(a, k, n, iterations, nodes)[-1] for k, a, n in fixed])
    a, k = np.meshgrid(few, few_kappas)
    return xr.Dataset(
        {
            "error": (("kappa", "point"), error, {"long_name": "Bayes-optimal error"}),
            "q": (("kappa", "point"), q, {"long_name": "overlap parameter of the solution"}),
            "alpha": (("kappa", "point"), alpha, {"long_name": "samples over d squared"}),
            "noisy_error": ("noisy_alpha", noisy_error),
            "noisy_q": ("noisy_alpha", noisy_q),
            "phase": (("phase_kappa", "phase_alpha"), phase, {"long_name": "Bayes-optimal error without noise"}),
            "reference_published": ("reference", ref[:, 3]),
            "reference_error": ("reference", ref_error),
            "moments": (("moment", "reference"), spectral_moments(ref[:, 0], 1 / ref_q, nodes=nodes)),
            "moments_expected": (("moment", "reference"), exact_moments(ref[:, 0], 1 / ref_q)),
            "threshold_error": ("threshold", mmse(0.999 * recovery_threshold(line), line, 0.0, nodes)[0]),
            "wide_error": ("wide_alpha", mmse(wide_alpha, wide_kappa, 0.0, nodes)[0]),
            "narrow_error": ("narrow", mmse(ratios[:, 0] * narrow_kappa, narrow_kappa, 0.0, nodes)[0]),
            "narrow_published": ("narrow", ratios[:, 1]),
            "narrow_limit": ("narrow", mmse_narrow_limit(ratios[:, 0])),
            "few_error": (("few_kappa", "few_alpha"), mmse(a, k, 0.0, nodes)[0]),
            "fixed_point": ("point_of_evolution", limits),
            "fixed_point_error": ("point_of_evolution", mmse(fixed[:, 1], fixed[:, 0], fixed[:, 2], nodes)[0]),
        },
        coords={
            "kappa": kappa,
            "noisy_alpha": noisy_alpha,
            "phase_kappa": phase_kappa,
            "phase_alpha": phase_alpha,
            "threshold": line,
            "wide_alpha": wide_alpha,
            "narrow": ratios[:, 0],
            "few_alpha": np.array(few),
            "few_kappa": np.array(few_kappas),
            "reference_kappa": ("reference", ref[:, 0]),
            "reference_alpha": ("reference", ref[:, 1]),
            "reference_noise": ("reference", ref[:, 2]),
        },
        attrs={"noise": noise, "noisy_kappa": noisy_kappa},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(solve_theory, snakemake)
