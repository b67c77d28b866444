"""The trainings of the second study: networks side by side on one survey (Ayyar et al. 2022)."""

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
    networks: Sequence[str],
    stamps: Path,
    splits: Sequence[Path],
    label_files: Sequence[Path],
    training: Mapping[str, Any],
    seed: int,
) -> None:
    """Train networks on the train part of a survey, each from random weights, all with one seed.

    Each has a folder for its files, relative to the results, and a splits file. The labels file, if there is
    one, replaces the labels of the stamps file.
    """
    plans = [
        _plan(
            Run(BASELINE, survey, None, 0, seed),
            files=SurveyFiles(stamps, own_splits, label_files[0] if label_files else None),
            folder=folder,
            network=network,
            baseline=None,
            training=training,
        )
        for folder, network, own_splits in zip(folders, networks, splits, strict=True)
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
