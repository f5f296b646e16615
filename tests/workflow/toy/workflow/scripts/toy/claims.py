"""Measure the claims."""

from lib.atlas.claims import claim, measured


def claims(means) -> dict:
    """Return the measured claims."""
    mean = measured(means["mean"].values, labels=[f"seed {i}" for i in range(means.sizes["seed"])])
    return {key: claim(rests_on=["means"], mean=mean) for key in ("t1", "t2", "t3")}


if "snakemake" in globals():
    from lib.atlas.stage import run

    run(claims, snakemake)
