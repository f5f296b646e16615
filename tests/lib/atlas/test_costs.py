"""Costs of jobs from Snakemake's benchmark files."""

import pytest

from lib.atlas.evidence.costs import measured, totals

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


@pytest.mark.parametrize(
    ("wall", "looked"), [(4.0, 4.0), (15.5, 15.5), (31.0, 15.5), (45.5, 45.5), (74.0, 45.5), (470.0, 465.5)]
)
@pytest.mark.parametrize("load", [1.0, 1.8])
def test_cpu_time_is_counted_on_to_the_end_of_a_job(tmp_path, wall, looked, load):
    """Snakemake's own count ends at its last look, up to thirty seconds before the job."""
    (tmp_path / "benchmarks").mkdir()
    row = f"{wall}\t0:00:00\t300\t1\t1\t1\t0\t0\t100\t{load * looked}\n"
    (tmp_path / "benchmarks/stage.tsv").write_text(HEAD + row)
    jobs = measured(tmp_path)
    assert jobs == {"stage": {"wall": wall, "cpu": pytest.approx(load * wall), "memory": 300.0}}
    assert totals(jobs)["cpu"] == pytest.approx(load * wall)


def test_what_was_not_measured_counts_as_nothing(tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/short.tsv").write_text(HEAD + "0.2\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n")
    (tmp_path / "benchmarks/none.tsv").write_text(HEAD)
    assert measured(tmp_path) == {"short": {"wall": 0.2, "cpu": 0.0, "memory": 0.0}}
