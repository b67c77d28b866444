"""Jobs of a tiny experiment, and a machine of round numbers."""

from pathlib import Path

import yaml
from snakemake.utils import update_config

from stampshift.config.configuration import read_experiment
from stampshift.planning.calibrate import Calibration
from stampshift.planning.dry_run import PlannedJob, PlannedWorkflow
from tiny_project import ROOT, TINY

STAMPS = {"HiTS": 150, "DES": 150, "ATLAS": 250, "ZTF": 150}
RATE = {
    "first_step_seconds": 1.0,
    "seconds_per_stamp": 0.01,
    "seconds_per_scored": 0.001,
    "megabytes": 500.0,
    "model_bytes": 100_000,
    "free_share": 1.0,
}
CALIBRATION = Calibration(
    start_seconds=4.0,
    trainings={"baseline": RATE, "finetune": RATE, "mme": RATE},
    gpu=None,
    free_share=1.0,
    seconds=60.0,
)


def planned_job(rule, inputs=(), outputs=("results/made.csv",), *, threads=1, gpus=0, **wildcards):
    return PlannedJob(rule, wildcards, threads, gpus, frozenset(inputs), frozenset(outputs))


def planned_workflow(*jobs, cores=2, gpus=None, absent=None, stamps=STAMPS, **changes):
    """Jobs of the tiny experiment, with some of its configuration changed."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for overlay in (TINY, changes):
        update_config(config, overlay)
    experiment = read_experiment(config)
    return PlannedWorkflow(
        tuple(jobs), config, Path("results"), experiment, cores, gpus, absent or {}, stamps
    )


def models(folder, count=2):
    return [f"results/{folder}/seed-{seed}/model.pt" for seed in range(count)]


BASELINE_JOB = planned_job("baseline", outputs=models("baseline/HiTS"), source="HiTS")
SEARCH_JOB = planned_job(
    "select_lambda",
    inputs=models("baseline/HiTS", 1),
    outputs=["results/lambda/HiTS-to-ATLAS.json"],
    source="HiTS",
    target="ATLAS",
)
MME_JOB = planned_job(
    "adapt",
    inputs=[*models("baseline/HiTS"), "results/lambda/HiTS-to-ATLAS.json"],
    outputs=models("mme/HiTS-to-ATLAS/shots-1"),
    method="mme",
    source="HiTS",
    target="ATLAS",
)
FINETUNE_JOB = planned_job(
    "adapt",
    inputs=models("baseline/HiTS"),
    outputs=models("finetune/HiTS-to-ATLAS/shots-1"),
    method="finetune",
    source="HiTS",
    target="ATLAS",
)
DRAW_JOB = planned_job(
    "simulate",
    outputs=["resources/raw/simulated/HiTS-150-seed-0"],
    threads=2,
    survey="HiTS",
    size="150",
    seed="0",
)


def stamps_job(survey, **options):
    return planned_job("stamps", outputs=[f"results/stamps/{survey}.h5"], survey=survey, **options)


def download_job(survey, archive):
    return planned_job(
        "download", outputs=[f"resources/raw/{survey}/{archive}"], survey=survey, archive=archive
    )
