"""What breaks is noticed, named and repaired by running again; nothing half-written looks whole."""

import json
import os
import resource
import signal
import subprocess
import time

import pytest

from lib.atlas.job import store
from tests.conftest import wait_for

pytestmark = pytest.mark.workflow


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_carries_on(toy, number):
    (toy.root / "wait").touch()
    run = toy.start()
    logs = toy.root / "results/smoke/toy/logs"
    wait_for(lambda: logs.is_dir() and any(logs.iterdir()))
    os.killpg(run.pid, number)
    run.wait()
    assert not list((toy.root / "results").rglob("*.zarr.zip"))
    (toy.root / "wait").unlink()
    toy.snakemake()
    assert toy.planned() == set()
    assert not list((toy.root / "results").rglob("*.tmp"))


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "text"])
def test_a_damaged_store_is_named_and_remade(made, damage):
    path = made.root / "results/smoke/toy/means.zarr.zip"
    whole = path.read_bytes()
    contents = bytearray(whole)
    contents[whole.index(b"mean/c/0") + 20] ^= 4
    broken = {"flip": bytes(contents), "truncate": whole[:-30], "empty": b"", "text": b"not a zip"}[damage]
    path.write_bytes(broken)
    figure = made.root / "results/smoke/toy/tables/means.csv"
    figure.unlink()
    done = made.snakemake("toy_means", check=False)
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if line.startswith("toy_means:")]
    assert len(said) == 1
    assert "means.zarr.zip" in said[0]
    assert "delete it and run again" in said[0]
    assert not figure.exists()
    path.unlink()
    made.snakemake()
    assert path.read_bytes() == whole


def test_a_full_disk_leaves_nothing_that_looks_whole(toy):
    """A limit on file size stands for the full disk: writing fails in the same place with an OSError."""
    path = toy.root / "results/smoke/toy/draw_0.zarr.zip"
    limited = subprocess.run(
        toy.command(str(path.relative_to(toy.root)), "--config", "scale=laptop"), cwd=toy.root, env=toy.environment(),
        capture_output=True, text=True,
    )  # fmt: skip
    assert limited.returncode != 0  # smoke's file is not made at laptop scale
    toy.edit("workflow/scripts/toy/draw.py", "import os\n", "import os\nimport resource\n")
    toy.edit(
        "workflow/scripts/toy/draw.py",
        '    while os.path.exists("wait")',
        '    if os.path.exists("full"):\n'
        "        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        '    while os.path.exists("wait")',
    )
    (toy.root / "full").touch()
    done = toy.snakemake(str(path.relative_to(toy.root)), check=False)
    assert done.returncode != 0
    assert "toy_draw: " in done.stderr
    assert "File too large" in done.stderr
    assert not list((toy.root / "results").rglob("*.zarr.zip*"))
    (toy.root / "full").unlink()
    toy.snakemake()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_file_system(toy):
    small = toy.root / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("this machine does not allow mounts")
    try:
        toy.edit("config/papers/toy.yaml", "draws: 200,", "draws: 20000,")
        done = toy.snakemake("--config", "scale=smoke", "results=small", check=False)
        assert done.returncode != 0
        assert "No space left on device" in done.stderr
        assert not list(small.rglob("*.zarr.zip*"))
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        toy.snakemake("--config", "scale=smoke", "results=small")
        assert store.read(small / "smoke/toy/means.zarr.zip").sizes["seed"] == 2
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_a_removed_store_is_made_again(made):
    (made.root / "results/smoke/toy/draw_1.zarr.zip").unlink()
    (made.root / "results/smoke/toy/claims.json").unlink()
    made.snakemake()
    assert (made.root / "results/smoke/toy/claims.json").exists()


def test_an_error_in_a_stage_is_one_line_and_a_traceback_in_the_log(toy):
    toy.edit("src/lib/toy/averages.py", "values.mean()", "values.meen()")
    done = toy.snakemake(check=False)
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if line.startswith("toy_gather_means:")]
    assert len(said) == 1
    assert "Traceback" in (toy.root / "results/smoke/toy/logs/gather_means.log").read_text()


def test_ctrl_c_is_interrupted_and_no_failure(toy):
    (toy.root / "wait").touch()
    run = subprocess.Popen(
        toy.command("--config", "scale=smoke"), cwd=toy.root, env=toy.environment(), text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # what a shell starts with `&` ignores it
    )  # fmt: skip
    logs = toy.root / "results/smoke/toy/logs"
    wait_for(lambda: logs.is_dir() and {file.name for file in logs.iterdir()} >= {"draw_0.log", "draw_1.log"})
    time.sleep(1)  # for both to have begun to wait
    os.killpg(run.pid, signal.SIGINT)
    text = run.communicate(timeout=60)[1]
    assert run.returncode != 0
    assert "Traceback" not in text
    assert (logs / "draw_0.log").read_text() == "interrupted\n"
    status = toy.python("lib.atlas", "status", "results/smoke").stdout.splitlines()
    row = dict(zip(status[0].split(), status[1].split()))
    assert (row["missing"], row["failed"]) == ("6", "0")
    (toy.root / "wait").unlink()
    toy.snakemake()


def test_a_symlink_as_results_folder(toy, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (toy.root / "results").symlink_to(tmp_path / "elsewhere")
    toy.snakemake()
    assert (tmp_path / "elsewhere/smoke/audit/index.html").exists()
    assert toy.planned() == set()
    assert toy.python("lib.atlas", "check", "results/smoke").returncode == 0
    assert toy.python("lib.atlas", "status", "results/smoke").returncode == 0


@pytest.mark.parametrize("record", ["[1, 2]", '"text"', "7", '{"inputs": [1]}'])
def test_a_record_of_the_wrong_type_is_named(made, record):
    table = made.root / "results/smoke/toy/tables/means.csv"
    body = table.read_text().partition("\n")[2]
    table.write_text(f"# {record}\n{body}")
    claims = made.root / "results/smoke/toy/claims.json"
    content = json.loads(claims.read_text())
    claims.write_text(json.dumps(content | {"provenance": json.loads(record)}))
    for verb, status in (("check", 1), ("status", 3)):
        done = made.python("lib.atlas", verb, "results/smoke")
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        assert "damaged" in done.stdout


def test_soft_limits_are_as_before():
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
