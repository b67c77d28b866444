"""The calibration: about a minute in which every part of the experiment is tried on this machine."""

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch

from stampshift.config.surveys import ANY_SURVEY
from stampshift.planning.calibration import ArchiveRate, Calibration, TrainingRate
from stampshift.planning.rates import mean_rate, measure_archives, measure_trainings
from stampshift.planning.starts import measure_starts
from stampshift.planning.trainings import Recipe, trainings_of
from stampshift.planning.workflow import CONSTANTS, PlannedWorkflow
from stampshift.simulation.streams import SURVEY_KEYS
from stampshift.training.device import choose_device

MOST_PROCESSES = 8
SECONDS_PER_RECIPE = 1.5
READING = ("stamps", "simulate", "des_study_stamps", "des_study_new_stamps")


def calibrate(
    workflow: PlannedWorkflow, *, stamps: Mapping[str, int], dag_seconds: float, say: Callable[[str], None]
) -> Calibration:
    """Measure here what the workflow's jobs are made of.

    As many processes as the workflow has cores, and as this machine has, are measured side by side: they
    share its memory and caches as the jobs will.

    Parameters
    ----------
    workflow
        Its jobs decide what is measured.
    stamps
        Number of stamps by survey.
    dag_seconds
        Of the processor, that the dry run took.
    say
        Told what is being measured.
    """
    begin = time.perf_counter()
    device = choose_device(workflow.config["execution"]["device"])
    processes = min(workflow.cores, len(os.sched_getaffinity(0)), MOST_PROCESSES)
    say(f"calibrating, about a minute: start of jobs, {processes} at a time")
    starts = measure_starts(processes)
    say("calibrating: archives")
    archives = _archives(workflow)
    recipes = _recipes(workflow, stamps)
    say(f"calibrating: trainings ({', '.join(recipe.name for recipe in recipes) or 'none'}) on {device.type}")
    trainings = _trainings(recipes, device, 1 if device.type == "cuda" else processes)
    return Calibration(
        processes=processes,
        free_share=min((rate.free_share for rate in trainings.values()), default=1.0),
        device=device.type,
        device_name=torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        starts=starts,
        trainings=trainings,
        archives=archives,
        dag_seconds=dag_seconds,
        seconds=time.perf_counter() - begin,
    )


def _recipes(workflow: PlannedWorkflow, stamps: Mapping[str, int]) -> list[Recipe]:
    found = [each.recipe for job in workflow.jobs for each in trainings_of(job, workflow, stamps=stamps)]
    return list({recipe.name: recipe for recipe in found}.values())


def _trainings(recipes: list[Recipe], device: torch.device, processes: int) -> dict[str, TrainingRate]:
    if not recipes:
        return {}
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        futures = [
            pool.submit(measure_trainings, recipes, device, SECONDS_PER_RECIPE) for _ in range(processes)
        ]
        measured = [future.result() for future in futures]
    return {recipe.name: mean_rate([rates[recipe.name] for rates in measured]) for recipe in recipes}


def _archives(workflow: PlannedWorkflow) -> dict[str, ArchiveRate]:
    config = workflow.config
    second = any(job.rule.startswith("des_study") for job in workflow.jobs)
    settings = config["des_study"] if second else config["stamps"]
    surveys = {name: _drawn(name, config["surveys"][name]) for name in read_surveys(workflow)}
    if not surveys:
        return {}
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(
            measure_archives, surveys, settings["size_pixels"], settings["normalisation"]
        ).result()


def read_surveys(workflow: PlannedWorkflow) -> list[str]:
    """Surveys that jobs of the workflow draw or read, in the order of the configuration."""
    study = workflow.config["des_study"]
    read = {
        job.wildcards["survey"]
        for job in workflow.jobs
        if job.rule in READING and job.wildcards.get("survey")
    }
    rules = {job.rule for job in workflow.jobs}
    if "des_study_stamps" in rules:
        read.add(study["survey"])
    if "des_study_new_stamps" in rules:
        read.add(study["new_survey"]["survey"])
    return [name for name in workflow.config["surveys"] if name in read]


def _drawn(name: str, section: Mapping[str, Any]) -> tuple[str, Mapping[str, Any], Path]:
    """Survey to simulate for one of the configuration: itself, or the one of its archive's format.

    No survey is simulated as a table, packets or a folder: DES, of which three FITS are opened for every
    candidate, stands for them.
    """
    if section["reader"] in ANY_SURVEY:
        name, section = "DES", {**section, "reader": "des"}
    by_reader = {survey.lower(): survey for survey in SURVEY_KEYS}
    drawn = name if name in SURVEY_KEYS else by_reader[section["reader"]]
    return drawn, section, Path(CONSTANTS.format(survey=drawn))
