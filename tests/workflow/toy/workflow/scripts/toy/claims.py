"""Claims of the toy paper, each measured from the stores that it rests on."""

from lib.atlas.job.quantities import exact


def _means(means) -> dict:
    return {"mean": exact(means["mean"].values, labels=[f"seed {i}" for i in range(means.sizes["seed"])])}


def t1(means) -> dict:
    """Means near zero."""
    return _means(means)


def t2(means) -> dict:
    """Means far below zero, which they are not."""
    return _means(means)


def t3(means) -> dict:
    """Means at a scale that no test reaches."""
    return _means(means)


if "snakemake" in globals():
    from lib.atlas.job.stage import run_claims

    run_claims(globals(), snakemake)
