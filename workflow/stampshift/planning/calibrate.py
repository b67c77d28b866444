"""The calibration: about a minute in which every part of the experiment is tried on this machine.

Seconds are of the processor, so that other programs on the machine do not count; those of trainings on a GPU
are of the clock. Memory is in MB of 10^6 bytes.
"""

import multiprocessing
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import yaml

from stampshift.core.errors import StampshiftError
from stampshift.methods import METHODS
from stampshift.networks import build_classifier
from stampshift.planning.dry_run import CONSTANTS, PlannedWorkflow
from stampshift.planning.planned_trainings import Recipe
from stampshift.simulation import simulate_survey
from stampshift.simulation.streams import SURVEY_KEYS
from stampshift.surveys.one_survey import SurveySettings, make_survey
from stampshift.training.data import Labelled, TrainingData, Unlabelled
from stampshift.training.device import choose_device, set_up_process
from stampshift.training.loop import Trainer
from stampshift.training.model import predict
from stampshift.training.progress import Task
from stampshift.training.stacked.lane import Lane, why_alone
from stampshift.training.stacked.pools import Pools, free_bytes
from stampshift.training.stacked.stack import Stack

MOST_PROCESSES = 8
SECONDS_PER_RECIPE = 1.5
PIXELS = 2000 * 21 * 21  # of the synthetic stamps of a survey, in each of three images
FEW = 20
MOST_BATCHES = 200  # an epoch of the published experiment
LANES = 10  # of a stack, the seeds of most cohorts
DRAWN = 200  # candidates of a small archive
STATUS = Path("/proc/self/status")
# what Snakemake puts before every script, what scripts of a kind import, what the process has used
PREAMBLE = "import pickle; from snakemake import script; "
USAGE = f"; import time; print(time.process_time(), open('{STATUS}').read())"
SCRIPTS: Mapping[str, str] = {
    "table": "import stampshift.tables.run_table, stampshift.tables.writing",
    "figure": "import io, stampshift.figures.training_figures; from matplotlib import pyplot; "
    "pyplot.plot([0, 1], label='a'); pyplot.legend(); "
    "[pyplot.savefig(io.BytesIO(), format=suffix) for suffix in ('pdf', 'png')]",
    "data": "import stampshift.surveys.making",
    "simulation": "from stampshift.simulation import des_archive, rubin_archive, ztf_archive",
    "training": "import stampshift.training.jobs",
}
Rates = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Calibration:
    """What a machine takes for the parts of an experiment."""

    processes: int  # trained side by side: they share memory and caches as the jobs will
    free_share: float  # of a core for a process: less than 1 where other programs take cores
    device: str  # ``"cpu"`` or ``"cuda"``
    device_name: str
    starts: Rates  # by kind of job, of its process before it does anything: seconds, megabytes
    trainings: Rates  # by recipe: see `measure_training`
    archives: Rates  # by survey: seconds_per_drawn, seconds_per_read, bytes_per_stamp (raw)
    dag_seconds: float  # of Snakemake before its first job
    seconds: float  # of the clock, that the calibration took


def calibrate(workflow: PlannedWorkflow, recipes: Sequence[Recipe], surveys: Iterable[str]) -> Calibration:
    """Measure the start of jobs, one training of each recipe, and a small archive of each of these surveys.

    On a CPU, as many processes train side by side as the workflow and this machine have cores.
    """
    begin, config = time.perf_counter(), workflow.config
    stamps = config["stamps"]
    device = choose_device(config["execution"]["device"])
    cores = min(workflow.cores, len(os.sched_getaffinity(0)), MOST_PROCESSES)
    processes = 1 if device.type == "cuda" else cores
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(measure_trainings, recipes, device) for _ in range(processes)]
        measured = [job.result() for job in jobs]
    trainings = {
        name: {key: mean(each[name][key] for each in measured) for key in rate}
        for name, rate in measured[0].items()
    }
    return Calibration(
        processes=processes,
        free_share=min((rate["free_share"] for rate in trainings.values()), default=1.0),
        device=device.type,
        device_name=torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        starts={kind: measure_start(script) for kind, script in SCRIPTS.items()},
        trainings=trainings,
        archives={name: measure_archive(config["surveys"][name]["reader"], stamps) for name in surveys},
        dag_seconds=workflow.seconds,
        seconds=time.perf_counter() - begin,
    )


def measure_start(script: str) -> dict[str, float]:
    """Seconds and megabytes of a process that runs a script as Snakemake runs those of jobs."""
    command = [sys.executable, "-c", PREAMBLE + script + USAGE]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        raise StampshiftError(f"plan: a job's process does not start here: {process.stderr.strip()}")
    seconds, status = process.stdout.split(maxsplit=1)
    return {"seconds": float(seconds), "megabytes": peak_megabytes(status)}


def peak_megabytes(status: str) -> float:
    """Peak resident memory by a process's status in Linux' /proc; getrusage's would begin at its parent's."""
    return int(re.findall(r"VmHWM:\s*(\d+)", status)[0]) * 1024 / 1e6


def measure_trainings(recipes: Sequence[Recipe], device: torch.device) -> Rates:
    """Rates of each recipe in this process: see `measure_training`."""
    set_up_process()
    return {recipe.name: measure_training(recipe, device) for recipe in recipes}


def measure_training(recipe: Recipe, device: torch.device) -> dict[str, float]:
    """Speed of a recipe, by batches of the real loop on white noise, which costs the same as stamps."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time

    def seconds_of(work: Callable[[], object]) -> float:
        begin = clock()
        work()
        return clock() - begin

    used, began, batch = clock(), time.perf_counter(), recipe.training["batch_size"]
    first = seconds_of(lambda: trainer_of(recipe, device, batches=1).run_epoch())
    batches = int(np.clip(SECONDS_PER_RECIPE / first, 1, MOST_BATCHES))
    trainer = trainer_of(recipe, device, batches=batches)
    run_epoch, lanes = epoch_of(trainer)
    later = seconds_of(run_epoch) / (batches * batch * lanes)
    source = trainer.task.data.source
    score = partial(predict, trainer.classifier, source.stamps, device=device)
    scored = source.rows[: max(FEW, min(1000, PIXELS // (4 * recipe.size_pixels**2)))]
    score(scored[:FEW])
    return {
        "first_step_seconds": max(0.0, first - later * batch),  # beyond a later step: once in a process
        "seconds_per_stamp": later,  # labelled and trained on; on a GPU a run's share of a stack's
        "seconds_per_scored": seconds_of(partial(score, scored)) / len(scored),
        "megabytes": peak_megabytes(STATUS.read_text()),
        "model_bytes": sum(weights.nbytes for weights in trainer.classifier.state_dict().values()),
        "free_share": min(1.0, (clock() - used) / (time.perf_counter() - began)),  # processor over clock
    }


def trainer_of(recipe: Recipe, device: torch.device, *, batches: int) -> Trainer:
    """Trainer of a recipe on white noise, with so many batches per epoch."""
    size, count = recipe.size_pixels, max(2 * FEW, PIXELS // recipe.size_pixels**2)
    stamps = np.random.default_rng(0).standard_normal((2, count, 3, size, size), np.float32)
    labels, rows = (np.arange(count) % 2).astype(np.uint8), np.arange(count)
    few = [Labelled(each, rows[:FEW], labels[:FEW]) for each in stamps]
    every, unlabelled = Labelled(stamps[0], rows, labels), Unlabelled(stamps[1], rows[FEW:])
    baseline = build_classifier(network=recipe.network, head="linear", size_pixels=size, temperature=None)
    task = Task(
        name=f"calibration of {recipe.name}",
        method=METHODS[recipe.method](recipe.options),
        network=recipe.network,
        data=TrainingData(every, few[1], unlabelled, *few),
        entropy=1,
        options=recipe.options,
        training={**recipe.training, "epoch_size": batches * recipe.training["batch_size"]},
        baseline=baseline.state_dict(),
        device=device,
    )
    return Trainer(task)


def epoch_of(trainer: Trainer) -> tuple[Callable[[], object], int]:
    """What trains an epoch there, and how many runs it trains: on a GPU a stack, if they have that form."""
    if trainer.task.device.type != "cuda" or why_alone(trainer.task) is not None:
        return trainer.run_epoch, 1
    stack = stack_of([trainer.task] * LANES)
    stack.run_epoch()  # the first one warms up
    return stack.run_epoch, LANES


def stack_of(tasks: list[Task]) -> Stack:
    """Stack of trainings of one kind, as a cohort has it."""
    lanes, device = [Lane.start(task, None) for task in tasks], tasks[0].device
    pools = Pools(tasks, device=device, free=free_bytes)
    return Stack(lanes, pools=pools, device=device, precision="float32", compiled=False)


def measure_archive(reader: str, stamps: Mapping[str, Any]) -> dict[str, float]:
    """Speed of the simulator and of a reader in this process, and the size of its raw archive.

    DES, of which three FITS are opened for every candidate, stands for tables, packets and folders.
    """
    survey = {name.lower(): name for name in SURVEY_KEYS}.get(reader, "DES")
    constants = yaml.safe_load(Path(CONSTANTS.format(survey=survey)).read_text())
    classes = dict.fromkeys(constants["archive_counts"], "bogus")
    with TemporaryDirectory() as folder:
        archive, output = Path(folder) / "archive", Path(folder) / "stamps.h5"
        own = {
            "origin": "path",
            "path": str(archive),
            "reader": survey.lower(),
            "classes": classes,
            "invalid": {},
        }
        draw = partial(simulate_survey, survey, seed=0, constants=constants, processes=1)
        draw(stamps=1, folder=Path(folder) / "first")  # a process draws its first candidate later than others
        begin = time.process_time()
        draw(stamps=DRAWN, folder=archive)
        drawn = time.process_time()
        make_survey(SurveySettings(survey, own, stamps), output=output, processes=1, unlabelled="drop")
        read = time.process_time()
        size = sum(path.stat().st_size for path in archive.rglob("*") if path.is_file())
    seconds = {"seconds_per_drawn": (drawn - begin) / DRAWN, "seconds_per_read": (read - drawn) / DRAWN}
    return seconds | {"bytes_per_stamp": size / DRAWN}
