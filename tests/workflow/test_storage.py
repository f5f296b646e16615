"""Results on an object store: the same bytes as on a local disk, whole or not there."""

import subprocess

import pytest

from lib.atlas.evidence import compare
from lib.atlas.job import store

boto3 = pytest.importorskip("boto3", reason="no object store here: requirements-storage.lock is not installed")
server = pytest.importorskip("moto.server", reason="no object store here: requirements-storage.lock is not installed")

pytestmark = [pytest.mark.workflow, pytest.mark.storage]

BUCKET = "atlas"


@pytest.fixture(scope="module")
def endpoint():
    """Address of an S3 server on this machine's loopback."""
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(endpoint):
    """An empty bucket."""
    resource = boto3.resource(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    bucket = resource.Bucket(BUCKET)
    if bucket.creation_date:
        bucket.objects.all().delete()
    return bucket


def run(copy, endpoint: str, *targets: str, extra: tuple[str, ...] = ()):
    """The command of docs/cluster.md."""
    environment = copy.environment()
    environment |= {"SNAKEMAKE_STORAGE_S3_ACCESS_KEY": "a", "SNAKEMAKE_STORAGE_S3_SECRET_KEY": "b"}
    return subprocess.run(
        copy.command(
            *targets, "--config", "scale=smoke", "--default-storage-provider", "s3",
            "--default-storage-prefix", f"s3://{BUCKET}/one", "--storage-s3-endpoint-url", endpoint, *extra,
        ),
        cwd=copy.root, env=environment, capture_output=True, text=True,
    )  # fmt: skip


def fetch(bucket, destination):
    for item in bucket.objects.all():
        path = destination / item.key
        path.parent.mkdir(parents=True, exist_ok=True)
        bucket.download_file(item.key, str(path))


def test_results_in_a_bucket_are_those_of_a_disk(toy, endpoint, bucket, tmp_path):
    done = run(toy, endpoint, "all")
    assert done.returncode == 0, done.stderr
    assert not (toy.root / "results").exists()
    fetch(bucket, tmp_path / "fetched")
    toy.snakemake("all")
    fetched, local = tmp_path / "fetched/one/results/smoke", toy.root / "results/smoke"
    table = compare.compare_runs(local, fetched, 0, 0)
    assert len(table) == 7
    assert [row for row in table if row[1] != compare.IDENTICAL] == []
    assert (fetched / "audit/index.html").exists()  # it shows wall times, so its bytes are its own
    for name in ("toy/means.zarr.zip", "toy/figures/histogram.svg", "toy/claims.json", "audit/claims.csv"):
        assert (local / name).read_bytes() == (fetched / name).read_bytes(), name

    # a second run finds everything; an edit of a function makes again what rests on it
    again = run(toy, endpoint, "all", extra=("--dry-run",))
    assert "Nothing to be done" in again.stderr + again.stdout
    toy.edit("src/lib/toy/averages.py", "values.mean()", "values.mean() + 0.001")
    planned = run(toy, endpoint, "all", extra=("--dry-run",))
    said = planned.stderr + planned.stdout
    assert "rule toy_gather_means:" in said
    assert "rule toy_draw:" not in said


def test_a_failed_stage_leaves_nothing_in_the_bucket_and_a_broken_object_is_named(toy, endpoint, bucket):
    toy.edit("src/lib/toy/averages.py", "values.mean()", "values.meen()")
    done = run(toy, endpoint, "all")
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("toy_gather_means:")]
    keys = {item.key for item in bucket.objects.all()}
    assert "one/results/smoke/toy/draw_0.zarr.zip" in keys
    assert "one/results/smoke/toy/means.zarr.zip" not in keys

    toy.edit("src/lib/toy/averages.py", "values.meen()", "values.mean()")
    item = bucket.Object("one/results/smoke/toy/draw_0.zarr.zip")
    item.put(Body=item.get()["Body"].read()[:-30])
    done = run(toy, endpoint, "all")
    assert done.returncode == 1
    assert "toy_gather_means:" in done.stderr
    assert "draw_0.zarr.zip: not a readable store" in done.stderr
    item.delete()
    done = run(toy, endpoint, "all")
    assert done.returncode == 0, done.stderr
    assert store.SUFFIX in " ".join(item.key for item in bucket.objects.all())
