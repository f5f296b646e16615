"""Which linear probe to use on labelled features of a user's own, by number of labelled samples."""

import xarray as xr

from lib.probing.choice import compare_probes, read_table


def choose_probe(
    rows, *, m: list[int], subsamples: int, test_share: float, strengths: list[float], epsilon: float, rng
) -> xr.Dataset:
    """Return errors (repeat, m, probe), and logistic regression less naive Bayes with its interval (m).

    Args:
        rows: .npy array whose last column is the label.
        m: numbers of labelled samples; powers of two where it is empty.
        subsamples: repeated splits.
        test_share: share of rows kept for the test.
        strengths: values of C of logistic regression.
        epsilon: of naive Bayes.
        rng: source of splits.
    """
    features, labels = read_table(rows)
    advice = compare_probes(
        features, labels, rng, sizes=m, repeats=subsamples, test_share=test_share, strengths=strengths, epsilon=epsilon
    )
    return xr.Dataset(
        {
            "error": (("repeat", "m", "probe"), advice.errors, {"long_name": "test error"}),
            "difference": ("m", advice.difference.value, {"long_name": "logistic regression less naive Bayes"}),
            "low": ("m", advice.difference.low, {"long_name": "lower end of the 95 % interval"}),
            "high": ("m", advice.difference.high, {"long_name": "upper end of the 95 % interval"}),
            "best": ("m", advice.best, {"long_name": "probe of the least mean error"}),
        },
        coords={"m": advice.sizes, "probe": advice.probes},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(choose_probe, snakemake)
