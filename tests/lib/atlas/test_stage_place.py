import pytest

from lib.atlas.job.stage import place


@pytest.mark.parametrize(
    ("output", "results", "expected"),
    [
        ("results/smoke/toy/a.zarr.zip", "results", ("results/smoke/", "toy")),
        ("results/smoke/audit/claims.json", "results/", ("results/smoke/", "audit")),
        ("/data/run/smoke/toy/figures/a.svg", "/data/run", ("/data/run/smoke/", "toy")),
        (".snakemake/s3/b/results/smoke/toy/a.zarr.zip", "results", (".snakemake/s3/b/results/smoke/", "toy")),
        ("results/smoke/results/smoke/toy/a.zarr.zip", "results", ("results/smoke/results/smoke/", "toy")),
        ("elsewhere/a.json", "results", ("elsewhere", "")),
    ],
)  # fmt: skip
def test_a_job_finds_its_results_folder_and_paper(output, results, expected):
    assert place(output, results, "smoke") == expected
