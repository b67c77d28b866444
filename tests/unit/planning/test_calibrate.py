from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stampshift.core.errors import StampshiftError
from stampshift.planning import calibrate
from stampshift.planning.planned_trainings import Recipe
from tiny_project import ROOT

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
    monkeypatch.setattr(calibrate, "why_alone", lambda task: task.alone)
    monkeypatch.setattr(calibrate, "stack_of", lambda tasks: stacked.append(tasks) or PretendedStack())
    for device, alone, lanes in (
        (torch.device("cpu"), None, 1),
        (PretendedGpu(), None, calibrate.LANES),
        (PretendedGpu(), "adam has no stacked form", 1),
    ):
        task = SimpleNamespace(device=device, alone=alone)
        run_epoch, trained = calibrate.epoch_of(SimpleNamespace(task=task, run_epoch=lambda: "alone"))
        assert trained == lanes
        assert run_epoch() == ("stack" if lanes > 1 else "alone")
    assert [len(tasks) for tasks in stacked] == [calibrate.LANES]


class PretendedStack:
    def run_epoch(self):
        return "stack"


def test_the_stack_that_is_measured_trains():
    cpu = torch.device("cpu")
    trainer = calibrate.trainer_of(RECIPE, cpu, batches=2)
    stack = calibrate.stack_of([trainer.task] * 2)
    assert stack.run_epoch() == {}
    losses = [lane.progress.history[0]["train_loss"] for lane in stack.lanes]
    with torch.random.fork_rng():
        alone = calibrate.trainer_of(RECIPE, cpu, batches=2)
        alone.run_epoch()
    assert losses == pytest.approx([alone.progress.history[0]["train_loss"]] * 2, abs=1e-4)


def test_a_training_and_an_archive_are_measured(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(calibrate, "SECONDS_PER_RECIPE", 0.01)
    monkeypatch.setattr(calibrate, "DRAWN", 8)
    for name, value in calibrate.measure_training(RECIPE, torch.device("cpu")).items():
        assert np.isfinite(value) and (value > 0 or name == "first_step_seconds"), name
    for reader in ("hits", "table"):  # nothing simulated comes as a table
        rates = calibrate.measure_archive(reader, {"size_pixels": 21, "normalisation": "channel"})
        assert min(rates.values()) > 0


def test_the_start_of_a_process_and_its_peak_are_measured():
    start = calibrate.measure_start("held = bytearray(300_000_000); held[::4096] = held[::4096]")
    assert start["megabytes"] > 300
    assert start["seconds"] > 0
    with pytest.raises(StampshiftError, match="does not start here"):
        calibrate.measure_start("raise SystemExit('no')")


def test_the_peak_holds_what_was_held_at_once():
    held = np.ones(100_000_000, np.uint8)
    assert calibrate.peak_megabytes(calibrate.STATUS.read_text()) > held.nbytes / 1e6
