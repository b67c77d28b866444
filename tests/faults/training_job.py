"""A training job, run as a script, that waits after an epoch until its test lets it go on.

    training_job.py FOLDER

`FOLDER/job.json` holds stamps and splits file, seeds, threads, epochs between checkpoints, and where to wait:
a run's folder and an epoch. There the process at work prints its number, and goes on when somebody opens
`FOLDER/go` for writing.
"""

import json
import os
import sys
from pathlib import Path

import pandas as pd
import torch

from stampshift.config.experiment import Run
from stampshift.core.joblog import job_log
from stampshift.training.cohort import train_cohort
from stampshift.training.data import SurveyFiles
from stampshift.training.execute import Job, Plan
from stampshift.training.loop import Trainer
from stampshift.training.store import Store

CPU = torch.device("cpu")
TRAINING = {
    "optimiser": "sgd",
    "learning_rate": 1e-4,
    "momentum": 0.9,
    "halve_every_iterations": 100_000,
    "batch_size": 20,
    "epoch_size": 100,
    "patience_epochs": 9,
    "max_epochs": 4,
    "keep": "first_best",
}


def plan(job, seed):
    return Plan(
        run=Run("baseline", "A", None, 0, seed),
        folder=f"baseline/A/seed-{seed}",
        method="baseline",
        network="bolivar",
        files={"A": SurveyFiles(Path(job["stamps"]), Path(job["splits"]), None)},
        baseline=None,
        options={},
        training=TRAINING,
        validation_shots=0,
    )


def train(job, folder, *, threads=None, log_file=None):
    execution = Job(
        results=folder,
        device=CPU,
        threads=threads or job["threads"],
        checkpoint_epochs=job["checkpoint_epochs"],
        log_file=log_file,
    )
    train_cohort([plan(job, seed) for seed in job["seeds"]], execution)


def results(job, folder) -> dict[str, list]:
    """Everything but the seconds of the runs that are finished."""
    store, found = Store(folder / "store"), {}
    for seed in job["seeds"]:
        record = store.record(plan(job, seed).key(CPU))
        if record.exists():
            history = pd.read_parquet(record / "history.parquet").drop(columns="seconds")
            files = [(record / name).read_bytes() for name in ("model.pt", "predictions.parquet")]
            found[f"seed-{seed}"] = [*files, history.to_csv()]
    return found


def wait_where_told(job, folder):
    run_epoch = Trainer.run_epoch

    def run_epoch_and_wait(trainer):
        run_epoch(trainer)
        if [trainer.task.name, trainer.progress.epoch] == job["wait"]:
            os.write(1, f"{os.getpid()}\n".encode())
            (folder / "go").read_text()

    Trainer.run_epoch = run_epoch_and_wait


if __name__ in ("__main__", "__mp_main__"):  # worker processes wait too
    FOLDER = Path(sys.argv[1])
    JOB = json.loads((FOLDER / "job.json").read_text())
    if JOB["wait"]:
        wait_where_told(JOB, FOLDER)

if __name__ == "__main__":
    with job_log(FOLDER / "log"):
        train(JOB, FOLDER, log_file=FOLDER / "log")
