"""Snakemake killed while a training runs: its job lives on, a second one must not write beside it."""

import os
import shutil
import signal
import subprocess
import sys

import psutil
import yaml

from tiny_project import TINY

TARGETS = [f"results/baseline/HiTS/seed-{seed}/predictions.parquet" for seed in (0, 1)]
CONFIG = TINY | {"execution": TINY["execution"] | {"checkpoint_epochs": 1}}
# the job prints its number after its first checkpoint, and goes on when somebody opens `go` for writing
WAITING = """

def _save_and_wait(store, key, content, save=Store.save_checkpoint):
    import os

    save(store, key, content)
    if os.path.exists("go"):
        os.write(1, f"\\nat work: {os.getpid()}\\n".encode())
        open("go").close()


Store.save_checkpoint = _save_and_wait
"""


def start(project):
    (project.folder / "tiny.yaml").write_text(yaml.safe_dump(CONFIG))
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--scheduler", "greedy", *TARGETS]
    return subprocess.Popen(
        [*command, "--configfile", "tiny.yaml"],
        cwd=project.folder,
        env=os.environ | {"PYTHONPATH": str(project.folder / "workflow")},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def test_a_killed_snakemake_leaves_nothing_that_a_rerun_stumbles_over(fresh):
    store = fresh.folder / "workflow/stampshift/training/store.py"
    store.write_text(store.read_text() + WAITING)
    os.mkfifo(fresh.folder / "go")
    snakemake = start(fresh)
    printed = []
    for line in snakemake.stdout:
        printed.append(line)
        if line.startswith("at work: "):
            break
    assert printed[-1].startswith("at work: "), "".join(printed)
    job = psutil.Process(int(printed[-1].split()[-1]))
    snakemake.send_signal(signal.SIGKILL)
    snakemake.wait()
    assert job.is_running()

    fresh.run("--unlock", config=CONFIG)
    second = fresh.snakemake("--rerun-incomplete", *TARGETS, config=CONFIG)
    assert second.returncode != 0
    assert f"baseline/HiTS/seed-0 is being trained by process {job.pid} on " in second.stderr

    go = fresh.folder / "go"
    with go.open("w"):
        go.unlink()  # the job opens it no second time
    psutil.wait_procs([job])
    snakemake.stdout.close()  # not before: the job writes to it too
    fresh.run("--rerun-incomplete", *TARGETS, config=CONFIG)
    after = fresh.contents("results/baseline/HiTS/*/predictions.parquet")
    assert len(after) == 2
    shutil.rmtree(fresh.folder / "results/store")
    fresh.run(*TARGETS, "--forcerun", "baseline", config=CONFIG)
    assert fresh.contents("results/baseline/HiTS/*/predictions.parquet") == after
