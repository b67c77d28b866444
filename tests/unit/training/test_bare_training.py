"""Trainings where little more is installed than torch and what reads and writes the files."""

import json

import pytest
import torch

from bare_packages import run_bare
from fake_training import TRAINING as SHORT
from stampshift.core.files import read_json
from stampshift.core.provenance import ABSENT
from stampshift.training.execute import Job
from stampshift.training.jobs import train_baselines

TRAINING = SHORT | {"epoch_size": 40, "max_epochs": 1}
MME = {
    "labelled": ["source", "target"],
    "head": "random",
    "steps": "one",
    "epoch": "together",
    "temperature": 0.05,
}
JOBS = """
import json, sys
from pathlib import Path
import torch
from stampshift.training.execute import Job
from stampshift.training.jobs import Cohort, adapt, search_entropy_weight, train_baselines, transfer_baselines

given = json.loads(sys.argv[1])
stamps, splits = ({name: Path(path) for name, path in given[kind].items()} for kind in ("stamps", "splits"))
training, options = given["training"], given["options"]
if __name__ == "__main__":
    for threads in (1, 2):  # in this process, and in others
        results = Path(given["results"], str(threads))
        job = Job(results, torch.device("cpu"), threads, 1, None)
        baseline = results / "baseline/A/seed-0/model.pt"
        shared = {"training": training, "precision": "float32"}
        train_baselines(
            job, network="bolivar", source="A", seeds=[0, 1], stamps={"A": stamps["A"]},
            splits=[splits] * 2, **shared,
        )
        cohort = Cohort(
            "mme", "mme", "bolivar", "A", "B", ["A"], stamps, options, training, 5, "float32"
        )
        search = {"choice": "search", "grid": [0.1, 1], "seed": 0}
        weights = results / "weights.json"
        search_entropy_weight(
            job, cohort, shots=[1], splits=splits, baseline=baseline, search=search, output=weights
        )
        adapt(
            job, cohort, shots=[1, 2], seeds=[0], splits=[splits], baselines=[baseline],
            entropy_weight_files=[weights], weight_without_labels=None,
        )
        transfer_baselines(
            job, source="A", target="B", seeds=[0], stamps=stamps["B"], splits=[splits["B"]],
            models=[baseline], metrics=[baseline.with_name("metrics.json")],
        )
    print(*sorted(sys.modules))
"""


@pytest.fixture(scope="module")
def bare_jobs(tmp_path_factory, survey_files):
    """Results of tiny jobs in Python processes that have the needed packages alone, and their modules."""
    folder = tmp_path_factory.mktemp("bare")
    script = folder / "jobs.py"
    script.write_text(JOBS)
    given = {"training": TRAINING, "options": MME, "results": folder} | survey_files
    done = run_bare(script, json.dumps(given, default=str), packages=folder / "packages")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout.split()


def test_trainings_need_only_torch_and_the_packages_of_the_files(bare_jobs):
    folder, modules = bare_jobs
    assert not (folder / "packages" / "snakemake").exists()
    for threads in "12":
        for run in ("baseline/A/seed-1", "mme/A-to-B/shots-2/seed-0", "baseline/A-to-B/shots-0/seed-0"):
            versions = read_json(folder / threads / run / "metrics.json")["versions"]
            assert versions["snakemake"] == ABSENT
            assert versions["torch"].startswith("2.")
    others = {name.partition(".")[0] for name in modules} & {"tqdm", "matplotlib", "sklearn", "snakemake"}
    assert not others


def test_a_training_job_on_a_cpu_imports_no_compiler(bare_jobs):
    _, modules = bare_jobs
    assert not [name for name in modules if name.startswith(("torch._dynamo", "torch._inductor", "triton"))]


def test_the_same_bytes_come_out_with_every_package_installed(bare_jobs, survey_files, tmp_path):
    folder, _ = bare_jobs
    train_baselines(
        Job(tmp_path, torch.device("cpu"), 1, 1, None),
        network="bolivar",
        source="A",
        seeds=[0],
        stamps={"A": survey_files["stamps"]["A"]},
        splits=[survey_files["splits"]],
        training=TRAINING,
        precision="float32",
    )
    for name in ("model.pt", "predictions.parquet"):
        bare = folder / "1/baseline/A/seed-0" / name
        assert (tmp_path / "baseline/A/seed-0" / name).read_bytes() == bare.read_bytes()
