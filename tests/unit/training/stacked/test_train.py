"""Cohorts as stacked models, here on the CPU: who trains when, what is kept, and what happens to failures."""

import logging
from functools import partial

import pandas as pd
import pytest
import torch

from fake_training import TRAINING as SHORT
from stampshift.config.experiment import Run
from stampshift.core.files import read_json
from stampshift.training.cohort import one_by_one
from stampshift.training.data import SurveyFiles
from stampshift.training.execute import Job, Plan, execute
from stampshift.training.model import Model
from stampshift.training.stacked.lane_weights import LaneWeights
from stampshift.training.stacked.stack import Stack
from stampshift.training.stacked.train import train_stacked
from stampshift.training.stopping import StoppedError

CPU = torch.device("cpu")
TRAINING = SHORT | {"learning_rate": 0.0003, "batch_size": 10, "epoch_size": 20, "patience_epochs": 9}


@pytest.fixture
def plans(survey_files):
    def make(count=3, survey="A", **changed):
        runs = [Run("baseline", survey, None, 0, seed) for seed in range(count)]
        training = {seed: TRAINING | changed.get(f"seed_{seed}", {}) for seed in range(count)}
        return [
            Plan(
                run=run,
                folder=run.folder,
                method="baseline",
                network="bolivar",
                files={
                    survey: SurveyFiles(survey_files["stamps"][survey], survey_files["splits"][survey], None)
                },
                baseline=None,
                options={},
                training=training[run.seed],
                validation_shots=0,
            )
            for run in runs
        ]

    return make


def job_in(folder):
    return Job(results=folder, device=CPU, threads=1, checkpoint_epochs=1, log_file=None)


def train(plans, job, *, lanes=40):
    alone = partial(one_by_one, partial(execute, job=job))
    outcomes = list(train_stacked(plans, job, alone=alone, lanes=lanes))
    assert sorted(plan.folder for plan, _ in outcomes) == sorted(plan.folder for plan in plans)
    return {plan.run.seed: error for plan, error in outcomes}


def assert_as_alone(plans, job, folder):
    """Records of runs are those of the same runs, one after the other, to their rounding."""
    alone = job_in(folder / "alone")
    for plan in plans:
        execute(plan, job=alone, bar_position=1)
        found, expected = (each.record(plan) for each in (job, alone))
        states = [Model.open(record / "model.pt").state for record in (found, expected)]
        torch.testing.assert_close(*states, rtol=0, atol=1e-4)
        for name in ("history", "predictions"):
            tables = [pd.read_parquet(record / f"{name}.parquet") for record in (found, expected)]
            tables = [table.drop(columns="seconds", errors="ignore") for table in tables]
            pd.testing.assert_frame_equal(*tables, rtol=0, atol=1e-3)
        metrics = [read_json(record / "metrics.json") for record in (found, expected)]
        for each in metrics:
            del each["seconds"]
            for kept in (each, *each["kept"].values()):
                del kept["validation_loss"]  # in the history, to its rounding
        assert metrics[0] == metrics[1]
        assert not job.store.load_checkpoint(plan.key(CPU))


@pytest.fixture
def widths(monkeypatch):
    """The lanes of every epoch; memory suffices for `enough_for` of them."""
    run_epoch, seen = Stack.run_epoch, []

    def watched(stack):
        seen.append([stack.lane(number).task.entropy for number in stack.places])
        if len(seen[-1]) > watched.enough_for:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return run_epoch(stack)

    watched.enough_for = 99
    monkeypatch.setattr(Stack, "run_epoch", watched)
    return seen, watched


def test_records_are_those_of_the_runs_alone(tmp_path, plans):
    runs, job = plans(), job_in(tmp_path / "stacked")
    assert set(train(runs, job).values()) == {None}
    assert_as_alone(runs, job, tmp_path)


def test_runs_of_different_surveys_share_a_stack(tmp_path, plans, widths):
    seen, _ = widths
    runs, job = [*plans(2), *plans(1, survey="B")], job_in(tmp_path / "stacked")
    assert set(train([runs[0], runs[2], runs[1]], job).values()) == {None}
    assert {len(lanes) for lanes in seen} == {3}
    assert_as_alone(runs, job, tmp_path)


def test_a_lane_that_ends_makes_room_for_a_run_that_waits(tmp_path, plans, widths, told):
    seen, _ = widths
    runs, job = plans(5), job_in(tmp_path / "stacked")
    train(runs, job, lanes=2)
    assert told()[2:5] == [  # as long as runs wait, it is not known how many epochs there will be
        "stacked: 3 epochs in 0:03:00",
        "stacked: 4 epochs in 0:04:00",
        "stacked: 5 of about 6 epochs in 0:05:00; about 0:01:00 remaining",
    ]
    numbers = {plan.entropy: plan.run.seed for plan in runs}
    assert [[numbers[entropy] for entropy in lanes] for lanes in seen] == [
        [0, 1],
        [0, 1],
        [2, 3],
        [2, 3],
        [4],
        [4],
    ]
    assert_as_alone(runs[3:], job, tmp_path)


def test_runs_join_lanes_that_are_at_work(tmp_path, plans, widths):
    """The first run goes on from its first epoch: the third joins the second in the middle of it."""
    seen, _ = widths
    runs, job = plans(3), job_in(tmp_path / "stacked")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("stampshift.training.loop.stop_if_asked", stopped_at(3))
        with pytest.raises(StoppedError):
            execute(runs[0], job=job, bar_position=1)
    train(runs, job, lanes=2)
    numbers = {plan.entropy: plan.run.seed for plan in runs}
    assert [[numbers[entropy] for entropy in lanes] for lanes in seen] == [[0, 1], [2, 1], [2]]
    assert_as_alone(runs, job, tmp_path)


def stopped_at(number):
    batches = iter(range(1, number + 1))

    def stop_if_asked():
        if next(batches) == number:
            raise StoppedError("stopped by SIGTERM")

    return stop_if_asked


def test_a_cohort_asked_to_end_keeps_every_lane_and_continues_run_by_run(tmp_path, plans, monkeypatch):
    runs, job = plans(3), job_in(tmp_path / "stacked")
    # two batches an epoch; asked in the second epoch of the first two, the third not begun
    monkeypatch.setattr("stampshift.training.stacked.stack.stop_if_asked", stopped_at(4))
    ended = train(runs, job, lanes=2)
    assert {type(error) for error in ended.values()} == {StoppedError}
    monkeypatch.undo()
    kept = [job.store.load_checkpoint(plan.key(CPU)) for plan in runs]
    assert [checkpoint and len(checkpoint["progress"]["history"]) for checkpoint in kept] == [1, 1, None]
    execute(runs[0], job=job, bar_position=1)
    assert set(train(runs, job, lanes=2).values()) == {None}
    assert_as_alone(runs, job, tmp_path)


def test_a_loss_that_is_nan_fails_by_name_and_the_others_finish(tmp_path, plans, monkeypatch):
    runs, job = plans(3), job_in(tmp_path / "stacked")
    run_epoch = Stack.run_epoch

    def broken(stack):
        for number in stack.places:
            if stack.lane(number).task.entropy == runs[1].entropy:
                stack.weights.lane(number).classifier["head.bias"].detach().fill_(float("nan"))
        return run_epoch(stack)

    monkeypatch.setattr(Stack, "run_epoch", broken)
    ended = train(runs, job)
    assert str(ended.pop(1)).startswith("baseline/A/seed-1: the training loss is nan in epoch 1; lower")
    assert set(ended.values()) == {None}
    assert not job.store.has(runs[1].key(CPU))
    assert_as_alone([runs[0], runs[2]], job, tmp_path)


@pytest.mark.parametrize("enough_for", [2, 1])
def test_if_memory_does_not_suffice_the_stack_is_halved_and_continues(
    tmp_path, plans, widths, caplog, enough_for
):
    caplog.set_level(logging.WARNING)
    seen, limit = widths
    limit.enough_for = enough_for
    runs, job = plans(4), job_in(tmp_path / "stacked")
    assert set(train(runs, job).values()) == {None}
    assert [len(lanes) for lanes in seen[:2]] == [4, 2]
    assert max(len(lanes) for lanes in seen[2:]) == enough_for
    assert "CUDA out of memory. Continuing with 2 lanes." in caplog.text
    assert_as_alone(runs[:2], job, tmp_path)


def train_short_of_memory_from_the_second_epoch(runs, job, limit, *, enough_for):
    run_epoch = Stack.run_epoch

    def later(stack):
        if stack.lane(0).epoch == 1:
            limit.enough_for = enough_for
        return run_epoch(stack)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Stack, "run_epoch", later)
        assert set(train(runs, job).values()) == {None}


def test_a_run_for_which_memory_does_not_suffice_in_a_stack_of_one_goes_on_alone(
    tmp_path, plans, widths, caplog
):
    """With torch's own layers, from its last complete epoch."""
    _, limit = widths
    runs, job = plans(2), job_in(tmp_path / "stacked")
    train_short_of_memory_from_the_second_epoch(runs, job, limit, enough_for=0)
    assert "Not enough for a stack of one lane: baseline/A/seed-1 trains alone." in caplog.text
    assert_as_alone(runs, job, tmp_path)


def test_a_run_for_which_memory_does_not_suffice_alone_fails_by_name(tmp_path, plans, widths, monkeypatch):
    def short(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    _, limit = widths
    limit.enough_for = 0
    monkeypatch.setattr("stampshift.training.execute.fit", short)
    ended = train(plans(2), job_in(tmp_path))
    assert [type(error) for error in ended.values()] == [torch.OutOfMemoryError] * 2


def test_if_memory_does_not_suffice_for_putting_lanes_side_by_side(tmp_path, plans, monkeypatch):
    runs, job = plans(4), job_in(tmp_path / "stacked")
    of, asked = LaneWeights.of, []

    def short(states, *, device):
        asked.append(len(states))
        if len(states) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return of(states, device=device)

    monkeypatch.setattr(LaneWeights, "of", short)
    assert set(train(runs, job).values()) == {None}
    assert asked == [4, 2, 1]  # the others take the place of the first
    assert_as_alone(runs[:1], job, tmp_path)


def test_if_memory_does_not_suffice_when_lanes_leave(tmp_path, plans, monkeypatch):
    """The first run ends after an epoch; the others go on from their own checkpoints."""
    runs, job = plans(3, seed_0={"max_epochs": 1}), job_in(tmp_path / "stacked")
    change = Stack.change

    def short(stack, *, leaving, joining):
        if len(stack.lanes) == 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        change(stack, leaving=leaving, joining=joining)

    monkeypatch.setattr(Stack, "change", short)
    monkeypatch.setattr("stampshift.training.stacked.train.kind", lambda task: "all")
    assert set(train(runs, job).values()) == {None}
    assert_as_alone(runs, job, tmp_path)


def test_if_memory_does_not_suffice_for_the_stamps_they_are_streamed(tmp_path, plans, monkeypatch, caplog):
    def short(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr("stampshift.training.stacked.pools.ResidentPool.__init__", short)
    monkeypatch.setattr("stampshift.training.stacked.train.free_bytes", lambda device: 10**9)
    runs, job = plans(2), job_in(tmp_path / "stacked")
    assert set(train(runs, job).values()) == {None}
    assert "The stamps are streamed to the GPU." in caplog.text
    assert_as_alone(runs[:1], job, tmp_path)


def test_memory_that_runs_out_within_a_training_costs_the_epoch(tmp_path, plans, widths):
    _, limit = widths
    runs, job = plans(2), job_in(tmp_path / "stacked")
    train_short_of_memory_from_the_second_epoch(runs, job, limit, enough_for=1)
    assert_as_alone(runs, job, tmp_path)


def test_a_run_that_has_no_stacked_form_trains_alone_and_the_log_says_so(tmp_path, plans, caplog):
    caplog.set_level(logging.INFO)
    runs, job = plans(2, seed_1={"augmentation": "rotations_and_flips"}), job_in(tmp_path / "stacked")
    assert set(train(runs, job).values()) == {None}
    assert "baseline/A/seed-1 trains alone: the augmentation of its stamps has no stacked form" in caplog.text
    assert_as_alone(runs, job, tmp_path)


def test_finished_runs_are_kept(tmp_path, plans, caplog):
    caplog.set_level(logging.INFO)
    runs, job = plans(2), job_in(tmp_path / "stacked")
    train(runs[:1], job)
    before = (job.record(runs[0]) / "metrics.json").stat().st_mtime_ns
    caplog.clear()
    ended = train(runs, job)
    assert set(ended.values()) == {None}
    assert (job.record(runs[0]) / "metrics.json").stat().st_mtime_ns == before
    assert "baseline/A/seed-0: already finished, kept" in caplog.text


def test_on_a_gpu_the_stacks_code_is_part_of_a_runs_key_and_on_a_cpu_it_is_not(plans, monkeypatch):
    (plan,) = plans(1)
    digests = []
    monkeypatch.setattr(
        "stampshift.training.execute.code_digest", lambda *modules: digests.append(modules) or "digest"
    )
    plan.key(CPU)
    assert ("training.stacked.train",) not in digests
    plan.key(torch.device("cuda"))
    assert ("training.stacked.train",) in digests
