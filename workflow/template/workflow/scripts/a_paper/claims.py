"""Claims of the paper, each measured from the stores that it rests on."""

from lib.atlas.job.quantities import mean_over


def c1(errors) -> dict:
    """The mean square error of a mean is 1 / n."""
    scaled = (errors.error**2 * errors.samples).transpose("repetition", "samples")
    labels = [f"n = {n}" for n in errors.samples.values]
    return {"scaled_square": mean_over("repetitions", scaled.values, labels=labels)}


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
