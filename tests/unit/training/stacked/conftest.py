from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from fake_training import TRAINING as SHORT
from stampshift.methods import METHODS
from stampshift.networks import build_classifier
from stampshift.training.data import TrainingData
from stampshift.training.progress import Task

TRAINING = SHORT | {
    "learning_rate": 0.003,
    "batch_size": 10,
    "epoch_size": 40,
    "patience_epochs": 9,
    "max_epochs": 3,
}
MME = {
    "labelled": ["source", "target"],
    "head": "random",
    "steps": "one",
    "epoch": "together",
    "temperature": 0.05,
}
KINDS = {
    "baseline": ("baseline", {}),
    "scratch": ("scratch", {}),
    "further": ("further", {}),
    "finetune": ("finetune", {}),
    "mme, one step": ("mme", {**MME, "entropy_weight": 0.1}),
    "mme, two steps": ("mme", {**MME, "steps": "two", "entropy_weight": 0.1}),
    "mme, epoch of each": ("mme", {**MME, "epoch": "each", "entropy_weight": 0.1}),
    "coral": ("coral", {"weight": 0.5}),
    "mmd": ("mmd", {"weight": 0.5}),
    "dann": ("dann", {"weight": 0.5}),
    "entropy": ("entropy", {"entropy_weight": 0.5}),
    "mme, copied head": ("mme", {**MME, "head": "copied", "labelled": ["source"], "entropy_weight": 0.1}),
}


@pytest.fixture(autouse=True)
def one_thread():
    """As in a job."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_tasks(surveys, splits) -> Callable[..., list[Task]]:
    """Three trainings of a kind that differ in seed and, where there is one, entropy weight."""

    def make(kind: str, *, count: int = 3, network: str = "bolivar", **training) -> list[Task]:
        name, options = KINDS[kind]
        source = TrainingData.of_source(surveys["A"], splits["A"])
        data = source.with_target(surveys["B"], splits["B"], shots=3, validation_shots=7)
        if torch.get_default_dtype() == torch.float64:
            data = _in_double(data)
        torch.manual_seed(0)
        start = build_classifier(network=network, head="linear", size_pixels=21, temperature=None)
        return [
            Task(
                name=f"{name}/seed-{seed}",
                method=METHODS[name](options),
                network=network,
                data=data,
                entropy=seed,
                options=options | ({"entropy_weight": 0.1 * (seed + 1)} if "steps" in options else {}),
                training={**TRAINING, **training},
                baseline=start.state_dict(),
                device=torch.device("cpu"),
            )
            for seed in range(count)
        ]

    return make


def _in_double(data: TrainingData) -> TrainingData:
    stamps = {origin: getattr(data, origin).stamps.astype(np.float64) for origin in ("source", "unlabelled")}
    origins = {"source": "source", "source_validation": "source"}
    origins |= dict.fromkeys(("target", "unlabelled", "target_validation"), "unlabelled")
    return replace(
        data,
        **{name: replace(getattr(data, name), stamps=stamps[origin]) for name, origin in origins.items()},
    )


@pytest.fixture
def double_precision():
    """Rounding is then far below whatever a mistake would change."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
