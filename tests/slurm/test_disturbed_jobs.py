"""Jobs that are preempted, lose their node, run out of memory or time go on and end with the same bytes.

Two trainings run side by side. Each start of one makes an epoch's progress, writes its checkpoint, and is
held there until the test has done to it what it has to bear.
"""

import re
import shutil
from collections.abc import Callable

import pytest

from slurm_cluster import ON_SLURM, SNAKEMAKE, Cluster, QueuedJob, wait_until
from tiny_project import TINY, Project, copy_of_the_project

# A preempted and later lost training, and one that runs out of memory and later of time
MOVED, STARVED = "HiTS", "DES"
TARGETS = tuple(f"results/baseline/{source}/seed-0/model.pt" for source in (MOVED, STARVED))
CONFIG = TINY | {
    "pairs": [f"{MOVED}-to-{STARVED}"],
    "splits": TINY["splits"] | {"seeds": [0]},
    "training": {"epoch_size": 100, "patience_epochs": 6, "max_epochs": 6},
    "diagnostics": {"enabled": False},
    "execution": TINY["execution"] | {"checkpoint_epochs": 1},
}
# A job that finds a file `hold` says so and waits for its removal or SIGTERM; told to, it fills its memory
HOLDING = """

def _save_and_hold(store, key, content, save=Store.save_checkpoint):
    import os, time
    from stampshift.training import stopping

    save(store, key, content)
    job, filled = os.environ.get("SLURM_JOB_ID"), b""
    if os.path.exists("hold") and not stopping._listening.signal_name:
        open(f"held-{job}-{os.getpid()}", "w").close()
    while os.path.exists("hold") and not stopping._listening.signal_name:
        if os.path.exists(f"fill-{job}") and not filled:
            filled = b"1" * 10**9
        time.sleep(0.1)


Store.save_checkpoint = _save_and_hold
"""
MEMORY = 900  # MB at first: enough without what fills it


class Disturbed:
    """A run of Snakemake on a cluster that does all this to its jobs; what it printed, and the jobs' logs."""

    def __init__(self, project: Project, cluster: Cluster) -> None:
        self.project, self.cluster = project, cluster
        # of every start, as its job's log says
        self.resumed_after: dict[str, list[int]] = {MOVED: [], STARVED: []}
        (project.folder / "hold").touch()
        with project.start(*ON_SLURM, *TARGETS, config=CONFIG, **SNAKEMAKE) as self.snakemake:
            try:
                self._disturb()
                (project.folder / "hold").unlink()
                _, self.printed = self.snakemake.communicate(timeout=300)
            finally:
                self.snakemake.kill()  # nothing where it has ended
        self.status = self.snakemake.returncode

    def jobs(self, source: str) -> list[QueuedJob]:
        return self.cluster.jobs(f"rule_baseline_wildcards_{source}")

    def _disturb(self) -> None:
        moved, starved = self._held(MOVED, jobs=1), self._held(STARVED, jobs=1)
        (self.project.folder / f"fill-{starved.number}").touch()
        self.cluster.preempt(moved)
        moved, starved = self._held(MOVED, jobs=1, starts=2), self._held(STARVED, jobs=2)

        self.cluster.command("scontrol", "update", f"jobid={starved.number}", "EndTime=now+1")
        self.cluster.lose(moved.node)
        self._wait_until(lambda: "has not ended yet" in self.log(MOVED), "the second start waits")
        self.told = self.log(MOVED)
        self.cluster.power_off(moved.node)
        self._held(MOVED, jobs=1, starts=3)
        self._held(STARVED, jobs=3)
        self.cluster.bring_back(moved.node)

    def _wait_until(self, condition: Callable[[], bool], what: str) -> None:
        def there() -> bool:
            assert self.snakemake.poll() is None, self.snakemake.communicate()
            return condition()

        wait_until(there, what)

    def log(self, source: str) -> str:
        path = self.project.folder / f"results/logs/baseline/{source}.log"
        return path.read_text() if path.exists() else ""

    def _held(self, source: str, *, jobs: int, starts: int = 1) -> QueuedJob:
        """Wait until the last of so many jobs is held in the last of so many starts."""

        def held() -> bool:
            known = self.jobs(source)
            return (
                len(known) == jobs
                and len(list(self.project.folder.glob(f"held-{known[-1].number}-*"))) == starts
            )

        self._wait_until(held, f"job {jobs} of {source} is held for the {starts}. time")
        self.resumed_after[source].append(resumed_after(self.log(source)))
        return self.jobs(source)[-1]


def resumed_after(log: str) -> int:
    """Epoch after which a training went on, from its job's log; 0 where it began."""
    epochs = re.findall(r"continues after epoch (\d+)", log)
    return int(epochs[-1]) if epochs else 0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Project:
    """A checkout with little memory for a training, in which the trainings ran without SLURM."""
    project = copy_of_the_project(tmp_path_factory.mktemp("undisturbed"))
    rules = project.folder / "workflow/rules/train.smk"
    head, baseline, rest = rules.read_text().partition("growing(mem_mb=8000, runtime=480)")
    assert baseline
    rules.write_text(head + baseline.replace("8000", str(MEMORY)) + rest)
    store = project.folder / "workflow/stampshift/training/store.py"
    store.write_text(store.read_text() + HOLDING)
    project.run(*TARGETS, config=CONFIG)
    return project


@pytest.fixture(scope="module")
def disturbed(cluster, undisturbed, tmp_path_factory) -> Disturbed:
    folder = tmp_path_factory.mktemp("disturbed") / "project"
    shutil.copytree(undisturbed.folder, folder)
    for name in ("baseline", "store", "logs"):
        shutil.rmtree(folder / "results" / name)
    return Disturbed(Project(folder), cluster)


def test_disturbed_trainings_end_with_the_bytes_of_undisturbed_ones(disturbed, undisturbed):
    assert disturbed.status == 0, disturbed.printed[-5000:]
    for name in ("model.pt", "predictions.parquet"):
        after = disturbed.project.contents(f"results/baseline/*/seed-0/{name}")
        assert len(after) == 2
        assert after == undisturbed.contents(f"results/baseline/*/seed-0/{name}")


def test_every_start_continues_where_the_one_before_was_stopped(disturbed):
    assert disturbed.resumed_after == {MOVED: [0, 1, 2], STARVED: [0, 1, 2]}


def test_slurm_itself_starts_a_preempted_job_and_one_without_node_again(disturbed):
    (job,) = disturbed.jobs(MOVED)  # one number, no retry of Snakemake's
    assert job.state == "COMPLETED"
    assert f"SLURM-job '{job.number}' failed" not in disturbed.printed


def test_a_job_that_starts_again_waits_for_the_process_on_a_node_out_of_reach(disturbed):
    (job,) = disturbed.jobs(MOVED)
    assert re.search(
        rf"baseline/{MOVED}/seed-0: process \d+ on node\d since .*, SLURM job {job.number}, an earlier start "
        "of this job, has not ended yet. Waiting for it",
        disturbed.told,
    )


def test_a_job_out_of_memory_is_retried_with_twice_as_much(disturbed):
    first, retry, _ = disturbed.jobs(STARVED)
    assert [first.memory, retry.memory] == [f"{MEMORY}M", f"{2 * MEMORY}M"]
    assert f"SLURM-job '{first.number}' failed, SLURM status is: '{first.state}'" in disturbed.printed
    assert "Exceeded job memory limit" in disturbed.printed


def test_a_job_out_of_time_is_retried_with_twice_as_much(disturbed):
    _, retry, last = disturbed.jobs(STARVED)
    assert (retry.state, last.state) == ("TIMEOUT", "COMPLETED")
    assert last.minutes == "1-08:00:00"  # four times the first job's 480 minutes
    assert f"SLURM-job '{retry.number}' failed, SLURM status is: 'TIMEOUT'" in disturbed.printed
    assert "stopped by SIGTERM with 0 of 1 runs finished; the others are saved" in disturbed.printed
