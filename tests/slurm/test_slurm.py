"""The workflow on a real SLURM, with its profile: the results of one machine, whatever happens to jobs."""

import re
import shutil
from copy import deepcopy
from pathlib import Path

import pytest

from slurm_cluster import Cluster, wait_until
from tiny_project import TINY, Project, copy_of_the_project

ARGUMENTS = (
    "--workflow-profile",
    "workflow/profiles/slurm",
    "--slurm-status-command",  # there is no slurmdbd
    "squeue",
)
ON_THE_CLUSTER = {"program": str(Path(__file__).parents[1] / "slurm_snakemake.py"), "cores": 4}
PAIR, OTHER_PAIR = TINY["pairs"]
# what has no running time in it
SAME_EVERYWHERE = (
    "results/stamps/*.h5",
    "results/splits/*/*.npz",
    "results/**/model.pt",
    "results/**/predictions.parquet",
    "results/lambda/*.json",
    "results/tables/overview.*",
)


def results(project: Project, *patterns: str) -> dict[str, bytes]:
    """Bytes of the results under their final names, the store's keys left out."""
    found = {name: content for pattern in patterns for name, content in project.contents(pattern).items()}
    return {name: content for name, content in found.items() if "/store/" not in name}


def assert_equal(ours: dict[str, bytes], expected: dict[str, bytes]) -> None:
    assert ours, "no results"
    assert [name for name in ours if ours[name] != expected[name]] == []


# ---- the grid ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grid(cluster, tmp_path_factory) -> Project:
    """The tiny experiment's whole grid, every job but the tables' through SLURM."""
    project = copy_of_the_project(tmp_path_factory.mktemp("grid"))
    project.run(*ARGUMENTS, "results/tables/overview.md", **ON_THE_CLUSTER)
    return project


def test_a_cluster_leaves_the_bytes_of_one_machine(grid, finished):
    ours = results(grid, *SAME_EVERYWHERE)
    assert len([name for name in ours if name.endswith("model.pt")]) == 20  # 4 baselines, 16 adaptations
    assert_equal(ours, results(finished, *SAME_EVERYWHERE))


def test_trainings_ran_on_gpu_nodes_one_at_a_time_each(grid, cluster):
    used = {job.comment: job for job in cluster.jobs() if job.comment.startswith("rule_baseline_")}
    assert len(used) == 2
    assert {(job.partition, job.gpus) for job in used.values()} == {("gpu", "gres:gpu:1")}


def test_one_pair_runs_again_alone(grid, finished, cluster):
    before = {
        path: path.stat().st_mtime_ns for path in grid.folder.glob(f"results/*/{OTHER_PAIR}/**/model.pt")
    }
    assert before
    earlier = len(cluster.jobs())
    shutil.rmtree(grid.folder / "results/store")  # or its trainings would be taken from there
    again = (f"results/tables/runs/{PAIR}.csv", "--forcerun", "select_lambda", "transfer", "adapt")
    grid.run(*ARGUMENTS, *again, **ON_THE_CLUSTER)
    comments = [job.comment for job in cluster.jobs()[earlier:]]
    assert len(comments) == 6  # the search, the transfer, two methods with two numbers of shots
    source, target = PAIR.split("-to-")
    assert all(f"_{source}_{target}" in comment for comment in comments)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert_equal(results(grid, *SAME_EVERYWHERE), results(finished, *SAME_EVERYWHERE))


# ---- disturbed jobs ---------------------------------------------------------------------------------------

FIGURE = "results/figures/preprocessing/DES.png"
TARGETS = ("results/baseline/DES/seed-0/model.pt", FIGURE)
TRAINING, DRAWING = "rule_baseline_wildcards_DES", "rule_preprocessing_figure_wildcards_DES"


def long_training() -> dict:
    """One baseline that no perfect validation ends early: a fifth of the labels is wrong."""
    config = deepcopy(TINY)
    config["surveys"]["DES"]["simulate"]["flipped"] = 0.2
    config["pairs"] = ["DES-to-HiTS"]
    config["diagnostics"] = {"enabled": False}
    config["splits"]["seeds"] = [0]
    config["methods"]["mme"]["entropy_weight"]["seed"] = 0
    config["training"] = {"epoch_size": 300, "patience_epochs": 200, "max_epochs": 200}
    config["execution"]["checkpoint_epochs"] = 1
    return config


class Disturbed:
    """A training that was preempted, lost its node, ran out of time; a figure that ran out of memory."""

    def __init__(self, project: Project, cluster: Cluster) -> None:
        self.project, self.cluster = project, cluster
        self.resumed_after: list[int] = []
        with project.start(*ARGUMENTS, *TARGETS, config=long_training(), **ON_THE_CLUSTER) as snakemake:
            try:
                self._disturb()
                _, self.log = snakemake.communicate(timeout=600)
            finally:
                snakemake.terminate()  # nothing where it has ended
        self.status = snakemake.returncode

    def _disturb(self) -> None:
        wait_until(lambda: any(self.project.folder.glob("results/store/*/*.checkpoint")), "a checkpoint")
        job = self.cluster.jobs(TRAINING)[0]
        self.cluster.command("scontrol", "requeue", job.number)
        self._wait_until_resumed()
        node = self.cluster.jobs(TRAINING)[0].node
        self.cluster.command("scontrol", "update", f"nodename={node}", "state=down", "reason=lost")
        self._wait_until_resumed()
        self.cluster.command("scancel", "--signal=STOP", job.number)  # it hangs
        self.cluster.command("scontrol", "update", f"jobid={job.number}", "EndTime=now+5")

    def _wait_until_resumed(self) -> None:
        """Until the training goes on after a later epoch than when it did so before."""
        log = self.project.folder / "results/logs/baseline/DES.log"
        last = max(self.resumed_after, default=0)

        def resumed() -> bool:
            epochs = resumptions(log)
            return bool(epochs) and epochs[-1] > last

        wait_until(resumed, "the training goes on")
        self.resumed_after.append(resumptions(log)[-1])
        # the next disturbance is to find a later epoch
        (checkpoint,) = self.project.folder.glob("results/store/*/*.checkpoint")
        resumed_from = checkpoint.stat().st_mtime_ns
        wait_until(lambda: checkpoint.stat().st_mtime_ns > resumed_from, "a later checkpoint")


def resumptions(log: Path) -> list[int]:
    """Epochs after which a training went on, from its job's log."""
    return (
        [int(epoch) for epoch in re.findall(r"goes on after epoch (\d+)", log.read_text())]
        if log.exists()
        else []
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Project:
    project = copy_of_the_project(tmp_path_factory.mktemp("undisturbed"))
    # memory for the figure that its first attempt exceeds
    rules = project.folder / "workflow/rules/figures.smk"
    text = rules.read_text()
    assert text.count("mem_mb=growing(4000)") == 1
    rules.write_text(text.replace("mem_mb=growing(4000)", "mem_mb=growing(300)"))
    project.run("results/splits/DES/seed-0.npz", config=long_training())
    return project


@pytest.fixture(scope="module")
def disturbed(cluster, undisturbed, tmp_path_factory) -> Disturbed:
    folder = tmp_path_factory.mktemp("disturbed") / "project"
    shutil.copytree(undisturbed.folder, folder)
    return Disturbed(Project(folder), cluster)


def test_a_training_that_is_stopped_three_times_ends_with_the_bytes_of_an_undisturbed_one(
    disturbed, undisturbed
):
    assert disturbed.status == 0, disturbed.log[-5000:]
    undisturbed.run(*TARGETS, config=long_training())
    patterns = ("results/baseline/DES/**/model.pt", "results/baseline/DES/**/predictions.parquet", FIGURE)
    assert_equal(results(disturbed.project, *patterns), results(undisturbed, *patterns))


def test_slurm_itself_puts_a_preempted_training_and_one_without_node_back_and_it_goes_on(disturbed):
    preempted, lost = disturbed.resumed_after
    assert 1 <= preempted < lost < 200
    assert len(disturbed.cluster.jobs(TRAINING)) == 2  # the second is the retry after its time was over


def test_a_training_that_runs_out_of_time_is_retried_with_twice_the_time_and_goes_on(disturbed):
    first, retry = disturbed.cluster.jobs(TRAINING)
    assert (first.state, retry.state) == ("TIMEOUT", "COMPLETED")
    assert retry.minutes == "16:00:00"  # 480 minutes at first
    assert f"SLURM-job '{first.number}' failed, SLURM status is: 'TIMEOUT'" in disturbed.log
    log = disturbed.project.folder / "results/logs/baseline/DES.log"
    assert resumptions(log)[-1] >= disturbed.resumed_after[-1]


def test_a_job_that_runs_out_of_memory_is_retried_with_twice_as_much_until_it_has_enough(disturbed):
    *failed, last = disturbed.cluster.jobs(DRAWING)
    assert failed
    assert last.state == "COMPLETED"
    assert [job.memory for job in (*failed, last)] == ["300M", "600M", "1200M"][: len(failed) + 1]
    for job in failed:
        assert f"SLURM-job '{job.number}' failed, SLURM status is: '{job.state}'" in disturbed.log
