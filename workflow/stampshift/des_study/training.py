"""The trainings of the second study: networks side by side on one survey (Ayyar et al. 2022)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stampshift.config.experiment import BASELINE, Run
from stampshift.training.cohort import train_and_publish
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
    """Train networks on the train part of a survey, each from random weights.

    Each training has a folder for its files, relative to the results, a network and a splits file. The labels
    file, if there is one, replaces the labels of the stamps file. All trainings share one seed.
    """
    plans = [
        _plan(
            Run(BASELINE, survey, None, 0, seed),
            folder=folder,
            network=network,
            stamps=stamps,
            splits=own_splits,
            labels=label_files[0] if label_files else None,
            model=None,
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
        folder=after,
        network=start.network,
        stamps=stamps,
        splits=splits,
        labels=labels,
        model=model,
        training=training,
    )
    predictions = score_test_parts(
        start, stamps=plan.stamps, splits=plan.splits, labels={survey: labels}, device=job.device
    )
    write_run(job.results / before, predictions=predictions)
    train_and_publish([plan], job)


def _plan(
    run: Run,
    *,
    folder: str,
    network: str,
    stamps: Path,
    splits: Path,
    labels: Path | None,
    model: Path | None,
    training: Mapping[str, Any],
) -> Plan:
    return Plan(
        run=run,
        folder=folder,
        method=run.method,
        network=network,
        stamps={run.source: stamps},
        splits={run.source: splits},
        labels=labels,
        baseline=model,
        options={},
        training=training,
        validation_shots=0,
    )
