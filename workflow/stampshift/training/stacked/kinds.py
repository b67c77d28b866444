"""Which runs may share a stack: those that differ in their data, random streams and numbers alone."""

import json
from collections.abc import Hashable

import torch

from stampshift.networks import build_classifier
from stampshift.training.progress import Task
from stampshift.training.stacked.extractor import unstackable


def is_number(option: object) -> bool:
    """Whether an option may differ between the lanes of a stack."""
    return isinstance(option, int | float) and not isinstance(option, bool)


def why_alone(task: Task) -> str | None:
    """Why a training has no place in a stack; None if it has one."""
    if task.training["optimiser"] != "sgd":
        return f"the optimiser {task.training['optimiser']} has no stacked form"
    if task.training["epoch_size"] is None:
        return "an epoch that is a pass over the train part is not the same number of batches for every run"
    with torch.random.fork_rng(devices=[]):
        classifier = build_classifier(
            network=task.network,
            head=task.method.head,
            size_pixels=task.data.source.stamps.shape[-1],
            temperature=task.options.get("temperature"),
        )
    missing = unstackable(classifier.extractor)
    return f"{missing} of network {task.network} has no stacked form" if missing else None


def kind(task: Task) -> Hashable:
    """Equal for trainings that may share a stack."""
    options = {name: None if is_number(value) else value for name, value in task.options.items()}
    data = task.data
    return (
        task.network,
        task.method,
        task.options.get("temperature"),
        json.dumps([options, dict(task.training)], sort_keys=True),
        id(data.source.stamps),
        id(data.unlabelled.stamps) if data.unlabelled is not None else None,
    )
