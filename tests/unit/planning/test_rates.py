import pytest
import torch

from stampshift.planning import rates
from stampshift.planning.trainings import Recipe

TRAINING = {
    "optimiser": "sgd",
    "learning_rate": 0.01,
    "momentum": 0.9,
    "halve_every_iterations": 100_000,
    "batch_size": 10,
    "epoch_size": 40,
    "patience_epochs": 9,
    "max_epochs": 3,
}
RECIPE = Recipe("baseline", "baseline", "bolivar", 21, {}, TRAINING)


class PretendedGpu:
    """A CPU that is asked for as a GPU."""

    type = "cuda"


def test_on_a_cpu_an_epoch_is_one_runs_and_on_a_gpu_a_stacks(monkeypatch):
    stacked = []
    monkeypatch.setattr(rates, "_trainer", lambda recipe, data, device, batches: PretendedTrainer(recipe))
    monkeypatch.setattr(rates, "why_alone", lambda task: task["alone"])
    monkeypatch.setattr(rates, "stack_of", lambda tasks, device: stacked.append(tasks) or PretendedStack())
    for device, alone, lanes in (
        (torch.device("cpu"), None, 1),
        (PretendedGpu(), None, rates.LANES),
        (PretendedGpu(), "adam has no stacked form", 1),
    ):
        run_epoch, trained = rates._epoch_of({"alone": alone}, None, device, batches=2)
        assert trained == lanes
        assert run_epoch() == ("stack" if lanes > 1 else "alone")
    assert [len(tasks) for tasks in stacked] == [rates.LANES]


class PretendedTrainer:
    def __init__(self, task):
        self.task = task

    def run_epoch(self):
        return "alone"


class PretendedStack:
    def run_epoch(self):
        return "stack"


def test_the_stack_that_is_measured_trains(monkeypatch):
    cpu = torch.device("cpu")
    trainer = rates._trainer(RECIPE, rates.synthetic_data(21), cpu, batches=2)
    stack = rates.stack_of([trainer.task] * 2, device=cpu)
    assert stack.run_epoch() == {}
    losses = [lane.progress.history[0]["train_loss"] for lane in stack.lanes]
    with torch.random.fork_rng():
        alone = rates._trainer(RECIPE, rates.synthetic_data(21), cpu, batches=2)
        alone.run_epoch()
    assert losses == pytest.approx([alone.progress.history[0]["train_loss"]] * 2, abs=1e-4)
