from dataclasses import replace

import numpy as np
import pytest
import torch

from fake_plan import planned_workflow
from fake_training import TRAINING as SHORT
from stampshift.planning import calibrate
from stampshift.planning.planned_trainings import Recipe
from tiny_project import ROOT

TRAINING = SHORT | {"batch_size": 10, "epoch_size": 40, "patience_epochs": 9, "max_epochs": 3}
RECIPE = Recipe("baseline", "baseline", "bolivar", 21, {}, TRAINING)


def test_an_epoch_of_a_stack_trains_all_its_lanes_as_one_run_alone():
    cpu = torch.device("cpu")
    trainer = calibrate.trainer_of(RECIPE, cpu, batches=2)
    assert calibrate.epoch_of(trainer, lanes=1) == (trainer.run_epoch, 1)
    run_epoch, trained = calibrate.epoch_of(trainer, lanes=2)
    assert (run_epoch(), trained) == ({}, 2)
    losses = [lane.progress.history[0]["train_loss"] for lane in run_epoch.__self__.lanes]
    with torch.random.fork_rng():
        alone = calibrate.trainer_of(RECIPE, cpu, batches=2)
        alone.run_epoch()
    assert losses == pytest.approx([alone.progress.history[0]["train_loss"]] * 2, abs=1e-4)


def test_a_training_without_a_stacked_form_is_measured_alone():
    turned = replace(RECIPE, training={**TRAINING, "augmentation": "rotations_and_flips"})
    trainer = calibrate.trainer_of(turned, torch.device("cpu"), batches=1)
    assert calibrate.epoch_of(trainer, lanes=2) == (trainer.run_epoch, 1)


def test_a_training_is_measured(monkeypatch):
    monkeypatch.setattr(calibrate, "SECONDS_PER_RECIPE", 0.01)
    for name, value in calibrate.measure_training(RECIPE, torch.device("cpu")).items():
        assert np.isfinite(value) and (value > 0 or name == "first_step_seconds"), name


def test_a_new_process_measures_its_start_and_every_recipe(monkeypatch):
    monkeypatch.chdir(ROOT)
    workflow = planned_workflow(execution={"device": "cpu"})
    measured = calibrate.calibrate(workflow, [RECIPE])
    assert 0 < measured.start_seconds < 60
    assert set(measured.trainings) == {"baseline"}
    assert measured.gpu is None
    assert 0 < measured.free_share <= 1


def test_the_peak_holds_what_was_held_at_once():
    held = np.ones(100_000_000, np.uint8)
    assert calibrate.peak_megabytes() > held.nbytes / 1e6
