"""Jobs of a tiny experiment, and a machine of round numbers."""

import yaml
from snakemake.utils import update_config

from stampshift.config.model import read_experiment
from stampshift.planning.calibration import ArchiveRate, Calibration, Start, TrainingRate
from stampshift.planning.workflow import PlannedJob, PlannedWorkflow
from tiny_project import ROOT, TINY

STAMPS = {"HiTS": 150, "DES": 150, "ATLAS": 250, "ZTF": 150}
RATE = TrainingRate(
    first_step_seconds=1.0,
    seconds_per_stamp=0.01,
    seconds_per_scored=0.001,
    megabytes=500.0,
    model_bytes=100_000,
    free_share=1.0,
)
CALIBRATION = Calibration(
    processes=2,
    free_share=1.0,
    device="cpu",
    device_name="cpu",
    starts={
        "table": Start(1.0, 100.0),
        "figure": Start(2.0, 150.0),
        "data": Start(1.5, 120.0),
        "simulation": Start(2.5, 130.0),
        "training": Start(3.0, 300.0),
    },
    trainings={"baseline": RATE, "finetune": RATE, "mme": RATE},
    archives={"HiTS": ArchiveRate(0.002, 0.0004, 7000.0), "ATLAS": ArchiveRate(0.004, 0.001, 50_000.0)},
    dag_seconds=4.0,
    seconds=60.0,
)


def planned_job(rule, inputs=(), outputs=("made",), *, threads=1, gpus=0, **wildcards):
    return PlannedJob(rule, wildcards, threads, gpus, frozenset(inputs), frozenset(outputs))


def planned_workflow(*jobs, cores=2, gpus=None, **changes):
    """Jobs of the tiny experiment, with some of its configuration changed."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for overlay in (TINY, changes):
        update_config(config, overlay)
    experiment = read_experiment(config)
    return PlannedWorkflow(tuple(jobs), config, experiment, cores, gpus, {})


BASELINE_JOB = planned_job("baseline", outputs=["b/model.pt"], source="HiTS")
SEARCH_JOB = planned_job(
    "select_lambda", inputs=["b/model.pt"], outputs=["lambda.json"], source="HiTS", target="ATLAS"
)
MME_JOB = planned_job(
    "adapt",
    inputs=["b/model.pt", "lambda.json"],
    outputs=["m/model.pt"],
    method="mme",
    source="HiTS",
    target="ATLAS",
    shots="1",
)
FINETUNE_JOB = planned_job(
    "adapt",
    inputs=["b/model.pt"],
    outputs=["f/model.pt"],
    method="finetune",
    source="HiTS",
    target="ATLAS",
    shots="1",
)
