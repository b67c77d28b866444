"""The trainings of the second study, each of one network on one survey (Ayyar et al. 2022)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stampshift.config.experiment import BASELINE, Run
from stampshift.training.cohort import train_and_publish
from stampshift.training.data import SurveyFiles
from stampshift.training.execute import Job, Plan, score_test_parts
from stampshift.training.model import Model
from stampshift.training.run_folder import write_run

FURTHER = "further"


def train_networks(
    job: Job,
    *,
    survey: str,
    folders: Sequence[str],
    network: str,
    stamps: Path,
    splits: Sequence[Path],
    labels: Path | None,
    training: Mapping[str, Any],
    precision: str,
    seed: int,
) -> None:
    """Train a network from random weights on the train part of each split of a survey, together.

    Their files go to the `folders`, relative to the results, which go with the `splits`. A labels file
    replaces the labels of the stamps file.
    """
    plans = [
        _plan(
            Run(BASELINE, survey, None, 0, seed),
            files=SurveyFiles(stamps, own, labels),
            folder=folder,
            network=network,
            baseline=None,
            training=training,
            precision=precision,
        )
        for folder, own in zip(folders, splits, strict=True)
    ]
    train_and_publish(plans, job)


def train_further(
    job: Job,
    *,
    survey: str,
    before: str,
    after: str,
    stamps: Path,
    splits: Path,
    labels: Path,
    model: Path,
    training: Mapping[str, Any],
    precision: str,
    seed: int,
) -> None:
    """Train a finished network further on a new survey's labels, and score the test part before and after.

    `before` and `after` are folders of the scores and of the training's files, relative to the results.
    """
    start = Model.open(model)
    plan = _plan(
        Run(FURTHER, survey, None, 0, seed),
        files=SurveyFiles(stamps, splits, labels),
        folder=after,
        network=start.network,
        baseline=model,
        training=training,
        precision=precision,
    )
    predictions = score_test_parts(start, plan.files, device=job.device)
    write_run(job.results / before, predictions=predictions)
    train_and_publish([plan], job)


def _plan(run: Run, *, files: SurveyFiles, **decisions: Any) -> Plan:
    """Plan of a training on one survey."""
    return Plan(
        run=run,
        method=run.method,
        files={run.source: files},
        options={},
        validation_shots=0,
        **decisions,
    )
