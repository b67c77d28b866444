"""The calibration: about a minute in which trainings and the start of jobs are tried on this machine.

Seconds are processor time, so that other programs on the machine do not count; trainings on a GPU are timed
by the clock. Memory is in MB of 10^6 bytes.
"""

import multiprocessing
import re
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from joblib import cpu_count

from stampshift.methods import METHODS
from stampshift.networks import build_classifier
from stampshift.planning.dry_run import PlannedWorkflow
from stampshift.planning.planned_trainings import Recipe
from stampshift.training.data import Labelled, TrainingData, Unlabelled
from stampshift.training.device import choose_device, set_up_process
from stampshift.training.loop import Trainer
from stampshift.training.model import predict
from stampshift.training.progress import Task
from stampshift.training.stacked.lane import Lane, why_alone
from stampshift.training.stacked.pools import Pools, free_bytes
from stampshift.training.stacked.stack import Stack
from stampshift.training.stacked.train import MOST_LANES

MOST_PROCESSES = 8
SECONDS_PER_RECIPE = 1.5
PIXELS = 2000 * 21 * 21  # of the synthetic stamps of a survey, in each of three images
FEW = 20
MOST_BATCHES = 200  # an epoch of the published experiment
Rates = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Calibration:
    """What a machine takes for the parts of an experiment."""

    start_seconds: float  # of a process of the calibration, before it trains
    trainings: Rates  # by recipe: see `measure_training`
    gpu: str | None  # name of the GPU that trains; None on a CPU
    free_share: float  # of a core for a process: less than 1 where other programs take cores
    seconds: float  # of the clock, for the calibration itself


def calibrate(workflow: PlannedWorkflow, recipes: Sequence[Recipe]) -> Calibration:
    """Measure the start of a process and a training of each recipe.

    On a CPU, as many processes train side by side as the workflow and this machine have cores: they share
    memory and caches as the jobs will.
    """
    begin, device = time.perf_counter(), choose_device(workflow.config["execution"]["device"])
    available = 1 if device.type == "cuda" else cpu_count()
    processes = min(workflow.cores, available, MOST_PROCESSES)
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        (start, trainings), *_ = pool.map(measure_trainings, [recipes] * processes, [device] * processes)
    return Calibration(
        start_seconds=start,
        trainings=trainings,
        gpu=torch.cuda.get_device_name() if device.type == "cuda" else None,
        free_share=min((rate["free_share"] for rate in trainings.values()), default=1.0),
        seconds=time.perf_counter() - begin,
    )


def measure_trainings(recipes: Sequence[Recipe], device: torch.device) -> tuple[float, Rates]:
    """Seconds that this new process took for its imports, and the rates of each recipe in it."""
    start = time.process_time()
    set_up_process()
    return start, {recipe.name: measure_training(recipe, device) for recipe in recipes}


def peak_megabytes() -> float:
    """Peak resident memory of this process from Linux' /proc; that of getrusage includes the parent's."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # in bytes there
    return int(re.findall(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[0]) * 1024 / 1e6


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
    # a network that trains by passes has a fold or two at once
    stacked = device.type == "cuda" and recipe.training["epoch_size"] is not None
    run_epoch, lanes = epoch_of(trainer, lanes=MOST_LANES if stacked else 1)
    task = trainer.task
    later = seconds_of(run_epoch) / (task.method.epoch_stamps(task.training["epoch_size"]) * lanes)
    source = task.data.source
    score = partial(predict, trainer.classifier, source.stamps, device=device)
    scored = source.rows[: max(FEW, min(1000, PIXELS // (4 * recipe.size_pixels**2)))]
    score(scored[:FEW])
    return {
        "first_step_seconds": max(0.0, first - later * batch),  # beyond a later step: once in a process
        "seconds_per_stamp": later,  # labelled and trained on; on a GPU a run's share of a stack's
        "seconds_per_scored": seconds_of(partial(score, scored)) / len(scored),
        "megabytes": peak_megabytes(),
        "model_bytes": sum(weights.nbytes for weights in trainer.classifier.state_dict().values()),
        "free_share": min(1.0, (clock() - used) / (time.perf_counter() - began)),  # processor over clock
    }


def trainer_of(recipe: Recipe, device: torch.device, *, batches: int) -> Trainer:
    """Trainer of a recipe on white noise, with that many batches per epoch."""
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
        precision=recipe.precision,
    )
    return Trainer(task)


def epoch_of(trainer: Trainer, *, lanes: int) -> tuple[Callable[[], object], int]:
    """What trains an epoch, and how many runs: those of a stack of so many lanes, if they have that form."""
    task = trainer.task
    if lanes == 1 or why_alone(task) is not None:
        return trainer.run_epoch, 1
    runs = [Lane.start(task, None) for _ in range(lanes)]
    stack = Stack(runs, pools=Pools([task] * lanes, free=free_bytes))
    stack.run_epoch()  # the first one warms up
    return stack.run_epoch, lanes
