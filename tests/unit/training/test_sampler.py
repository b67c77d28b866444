from itertools import count
from threading import Event, get_ident
from threading import enumerate as enumerate_threads

import numpy as np
import pytest
import torch

from stampshift.core.errors import ConfigError
from stampshift.methods import METHODS
from stampshift.training import sampler
from stampshift.training.data import TrainingData
from stampshift.training.progress import Task
from stampshift.training.sampler import DrawsAhead, balanced_draw, draw_epoch, epoch_batches, iterations_of

CPU = torch.device("cpu")


def adaptation_data(surveys, splits, shots=5):
    source = TrainingData.of_source(surveys["A"], splits["A"])
    return source.with_target(surveys["B"], splits["B"], shots=shots, validation_shots=10)


OPTIONS = {
    "labelled": ["source", "target"],
    "head": "random",
    "steps": "one",
    "epoch": "together",
    "entropy_weight": 0.1,
}


def task_of(method, data, epoch_size, seed=0, batch_size=50, **options):
    options = {**OPTIONS, **options}
    training = {"epoch_size": epoch_size, "batch_size": batch_size}
    return Task(method, METHODS[method](options), "bolivar", data, seed, options, training, None, CPU)


def batches(method, data, seed=0, epoch_size=200, batch_size=50, **options):
    return list(epoch_batches(task_of(method, data, epoch_size, seed, batch_size, **options), 1))


def rows_of(stamps, survey):
    """Row in the survey of each stamp, by its pixels; -1 where it is none of the survey's."""
    rows = {survey.stamps[row].tobytes(): row for row in range(len(survey))}
    return [rows.get(stamp.numpy().tobytes(), -1) for stamp in stamps.contiguous()]


def test_a_draw_is_balanced_whatever_the_classes_shares():
    labels = np.array([1] * 3 + [0] * 300, np.uint8)
    picks = balanced_draw(labels, 1000, np.random.default_rng(0))
    assert labels[picks].sum() == 500
    assert set(picks[labels[picks] == 1]) == {0, 1, 2}


def test_an_epoch_of_the_baseline_draws_from_the_sources_train_part(surveys, splits):
    data = TrainingData.of_source(surveys["A"], splits["A"])
    epoch = batches("baseline", data)
    assert [len(batch.stamps) for batch in epoch] == [50] * 4
    assert sum(int(batch.labels.sum()) for batch in epoch) == 100
    for batch in epoch:
        rows = rows_of(batch.stamps, surveys["A"])
        assert set(rows) <= set(splits["A"].train)
        assert batch.labels.tolist() == surveys["A"].labels[rows].tolist()
        assert batch.unlabelled is None


@pytest.mark.parametrize("method", ["finetune", "scratch"])
def test_fine_tuning_and_training_from_scratch_see_the_shots_alone(surveys, splits, method):
    for batch in batches(method, adaptation_data(surveys, splits)):
        assert batch.unlabelled is None
        assert set(rows_of(batch.stamps, surveys["B"])) <= set(splits["B"].shots(5))


def test_an_mme_batch_is_half_source_half_shots_and_as_many_unlabelled(surveys, splits):
    for batch in batches("mme", adaptation_data(surveys, splits)):
        source, target = rows_of(batch.stamps, surveys["A"]), rows_of(batch.stamps, surveys["B"])
        assert set(source[:25]) <= set(splits["A"].train)
        assert source[25:] == [-1] * 25
        assert target[:25] == [-1] * 25
        assert set(target[25:]) <= set(splits["B"].shots(5))
        assert batch.labels[25:].tolist() == surveys["B"].labels[target[25:]].tolist()
        unlabelled = rows_of(batch.unlabelled, surveys["B"])
        assert len(unlabelled) == 50
        assert set(unlabelled) <= set(splits["B"].unlabelled(5))


def test_an_epoch_of_each_survey_has_twice_the_iterations(surveys, splits):
    data = adaptation_data(surveys, splits)
    together, each = (batches("mme", data, epoch=epoch) for epoch in ("together", "each"))
    # 200 stamps in batches of 50, or 200 of each survey: as published 200 iterations, or 400
    assert (len(together), len(each)) == (4, 8)
    assert {batch.unlabelled.shape for batch in each} == {batch.stamps.shape for batch in together}
    assert (
        len(batches("mme", data, epoch="each", labelled=["source"])) == 4
    )  # of one survey, both are the same


def test_without_target_labels_the_whole_labelled_batch_is_of_the_source(surveys, splits):
    for batch in batches("mme", adaptation_data(surveys, splits), labelled=["source"]):
        rows = rows_of(batch.stamps, surveys["A"])
        assert len(rows) == 50
        assert set(rows) <= set(splits["A"].train)
        assert batch.labels.tolist() == surveys["A"].labels[rows].tolist()
        assert set(rows_of(batch.unlabelled, surveys["B"])) <= set(splits["B"].unlabelled(5))


def test_without_entropy_the_same_labelled_stamps_are_drawn_and_no_unlabelled_one(surveys, splits):
    data = adaptation_data(surveys, splits)
    for batch, without in zip(batches("mme", data), batches("mme", data, entropy_weight=0), strict=True):
        assert torch.equal(batch.stamps, without.stamps)
        assert torch.equal(batch.labels, without.labels)
        assert without.unlabelled is None


def test_the_shots_and_the_unlabelled_do_not_meet_validation_or_test(surveys, splits):
    data = adaptation_data(surveys, splits)
    held_out = set(splits["B"].test) | set(splits["B"].validation)
    assert not held_out & (set(data.target.rows) | set(data.unlabelled.rows))
    assert not set(splits["A"].test) & (set(data.source.rows) | set(data.source_validation.rows))


def test_the_unlabelled_set_has_no_labels(surveys, splits):
    assert sorted(vars(adaptation_data(surveys, splits).unlabelled)) == ["rows", "stamps"]


def test_stamps_are_laid_out_channels_last(surveys, splits):
    (batch, *_) = batches("mme", adaptation_data(surveys, splits))
    assert batch.stamps.is_contiguous(memory_format=torch.channels_last)
    assert batch.unlabelled.is_contiguous(memory_format=torch.channels_last)


def test_the_same_stream_gives_the_same_epoch(surveys, splits):
    data = adaptation_data(surveys, splits)
    first, again, other = (batches("mme", data, seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first.stamps, again.stamps)
    assert not torch.equal(first.stamps, other.stamps)


def test_a_method_that_needs_unlabelled_stamps_says_so(surveys, splits):
    data = adaptation_data(surveys, splits)
    without = TrainingData(data.source, data.target, None, data.source_validation, data.target_validation)
    with pytest.raises(ValueError, match="mme needs unlabelled stamps"):
        batches("mme", without)


# ---- the draws of the study, and gathering in parts -------------------------------------------------------


def test_the_draws_are_those_of_the_streams_definition(surveys, splits):
    """Labelled sets in turn, then the unlabelled, from one stream: finished studies' draws stay."""
    data = adaptation_data(surveys, splits)
    generator = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(1,)))
    source = balanced_draw(data.source.labels, 100, generator).reshape(4, 25)
    target = balanced_draw(data.target.labels, 100, generator).reshape(4, 25)
    unlabelled = generator.choice(data.unlabelled.rows, (4, 50))
    for n, batch in enumerate(batches("mme", data)):
        assert rows_of(batch.stamps[:25], surveys["A"]) == data.source.rows[source[n]].tolist()
        assert rows_of(batch.stamps[25:], surveys["B"]) == data.target.rows[target[n]].tolist()
        assert rows_of(batch.unlabelled, surveys["B"]) == unlabelled[n].tolist()


@pytest.mark.parametrize("epoch_size", [200, None])
def test_stamps_gathered_in_parts_are_those_gathered_at_once(surveys, splits, monkeypatch, epoch_size):
    method = "mme" if epoch_size else "baseline"
    data = adaptation_data(surveys, splits)
    at_once = batches(method, data, epoch_size=epoch_size)
    monkeypatch.setattr(sampler, "GATHERED_BYTES", 3 * 50 * surveys["A"].stamps[0].nbytes)  # three batches
    in_parts = batches(method, data, epoch_size=epoch_size)
    assert len(at_once) == len(in_parts)
    for one, other in zip(at_once, in_parts, strict=True):
        assert torch.equal(one.stamps, other.stamps)
        assert torch.equal(one.labels, other.labels)
        assert other.stamps.is_contiguous(memory_format=torch.channels_last)
        assert (one.unlabelled is None) == (other.unlabelled is None)
        assert one.unlabelled is None or torch.equal(one.unlabelled, other.unlabelled)


def test_no_more_than_a_part_of_the_epoch_is_gathered_at_once(surveys, splits, monkeypatch):
    monkeypatch.setattr(sampler, "GATHERED_BYTES", 2 * 50 * surveys["A"].stamps[0].nbytes)
    gathered, gather = [], sampler._gather_at_once

    def counted(sources, device):
        gathered.append(len(sources[0][1]))
        return gather(sources, device)

    monkeypatch.setattr(sampler, "_gather_at_once", counted)
    batches("baseline", TrainingData.of_source(surveys["A"], splits["A"]), epoch_size=250)
    assert gathered == [2, 2, 1]


def test_the_next_part_is_gathered_while_the_batches_of_one_are_trained_on(surveys, splits, monkeypatch):
    """In another thread: it is done before anybody asks for its batches."""
    monkeypatch.setattr(sampler, "GATHERED_BYTES", 2 * 50 * surveys["A"].stamps[0].nbytes)
    gathered, gather = [Event() for _ in range(3)], sampler._gather_at_once
    threads, numbers = [], count()

    def watched(sources, device):
        threads.append(get_ident())
        stamps = gather(sources, device)
        gathered[next(numbers)].set()
        return stamps

    monkeypatch.setattr(sampler, "_gather_at_once", watched)
    epoch = iter(
        epoch_batches(task_of("baseline", TrainingData.of_source(surveys["A"], splits["A"]), 300), 1)
    )
    next(epoch)
    assert gathered[1].wait(60)
    assert not gathered[2].is_set()  # two parts are in memory, no more
    assert len(list(epoch)) == 5
    assert get_ident() not in threads


def test_stamps_in_pinned_memory_are_the_same(surveys, monkeypatch):
    """Of two origins, as a GPU is given them; a CPU has no such memory."""
    empty, pinned = torch.empty, []

    def noted(shape, *, pin_memory):
        pinned.append(pin_memory)
        return empty(shape)

    monkeypatch.setattr(sampler.torch, "empty", noted)
    rows = np.random.default_rng(0).integers(0, 400, (2, 4, 5))
    sources = [(surveys[name].stamps, own) for name, own in zip("AB", rows, strict=True)]
    found = sampler._picked(sources, pinned=True)
    assert torch.equal(found, sampler._picked(sources, pinned=False))
    assert (found.shape, pinned) == ((4, 10, 3, 21, 21), [True])


def test_an_error_of_a_part_is_that_of_its_batch_and_an_epoch_may_be_left(surveys, splits, monkeypatch):
    monkeypatch.setattr(sampler, "GATHERED_BYTES", 50 * surveys["A"].stamps[0].nbytes)
    numbers, gather = count(), sampler._gather_at_once

    def broken(sources, device):
        if next(numbers) == 2:
            raise MemoryError
        return gather(sources, device)

    monkeypatch.setattr(sampler, "_gather_at_once", broken)
    given = task_of("baseline", TrainingData.of_source(surveys["A"], splits["A"]), 250)
    epoch = iter(epoch_batches(given, 1))
    next(epoch)
    next(epoch)
    with pytest.raises(MemoryError):
        next(epoch)
    left = iter(epoch_batches(given, 2))
    next(left)
    left.close()
    assert not [thread.name for thread in enumerate_threads() if thread.name.startswith("gather")]


# ---- a pass over the train part ---------------------------------------------------------------------------


def test_a_pass_takes_every_stamp_of_the_train_part_once_in_random_order(surveys, splits):
    data = TrainingData.of_source(surveys["A"], splits["A"])
    epoch = batches("baseline", data, epoch_size=None, batch_size=60)
    assert [len(batch.stamps) for batch in epoch] == [60] * 5 + [20]  # 320 stamps
    rows = [row for batch in epoch for row in rows_of(batch.stamps, surveys["A"])]
    assert sorted(rows) == splits["A"].train.tolist()
    assert rows != sorted(rows)
    labels = [label for batch in epoch for label in batch.labels.tolist()]
    assert labels == surveys["A"].labels[rows].tolist()


def test_a_last_batch_of_one_stamp_is_left_out(surveys, splits):
    data = TrainingData.of_source(surveys["A"], splits["A"])
    epoch = batches("baseline", data, epoch_size=None, batch_size=29)  # 320 = 11 x 29 + 1
    assert [len(batch.stamps) for batch in epoch] == [29] * 11


def test_a_train_part_smaller_than_a_batch_is_one_batch(surveys, splits):
    epoch = batches("finetune", adaptation_data(surveys, splits, shots=3), epoch_size=None)
    assert [len(batch.stamps) for batch in epoch] == [6]


def test_another_epoch_has_another_order(surveys, splits):
    data = TrainingData.of_source(surveys["A"], splits["A"])
    first, again, other = (batches("baseline", data, seed=s, epoch_size=None)[0].stamps for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("options", [{}, {"labelled": ["source"]}, {"entropy_weight": 0}])
def test_a_pass_needs_a_method_of_one_set_of_stamps(surveys, splits, options):
    with pytest.raises(
        ConfigError, match="epoch_size is null, a pass over the train part, but mme trains on"
    ):
        batches("mme", adaptation_data(surveys, splits), epoch_size=None, **options)


@pytest.mark.parametrize(("epoch_size", "batch_size"), [(200, 50), (None, 60), (None, 29), (None, 400)])
def test_the_number_of_batches_is_known_before_an_epoch(surveys, splits, epoch_size, batch_size):
    data = TrainingData.of_source(surveys["A"], splits["A"])
    given = task_of("baseline", data, epoch_size, batch_size=batch_size)
    assert iterations_of(given) == len(list(epoch_batches(given, 1)))


def test_a_thread_draws_the_next_epoch_of_every_training_and_draws_the_same(monkeypatch, surveys, splits):
    tasks = [task_of("mme", adaptation_data(surveys, splits), 200, seed=seed) for seed in (0, 1)]
    drawn_by = {}

    def watched(task, epoch):
        drawn_by[task.entropy, epoch] = get_ident()
        return draw_epoch(task, epoch)

    monkeypatch.setattr(sampler, "draw_epoch", watched)
    draws = DrawsAhead()
    for epoch in (1, 2, 3):
        lanes = [tasks[0], tasks[1], tasks[0]]  # the last one stands in for a lane that has ended
        found = draws.take([(task, epoch) for task in lanes])
        assert found[0] is found[2]
        for task, (own,) in zip(tasks, found, strict=False):
            (expected,) = draw_epoch(task, epoch)
            assert own.labels.tolist() == expected.labels.tolist()
            for (_, rows), (_, others) in zip(
                [*own.labelled, own.unlabelled], [*expected.labelled, expected.unlabelled], strict=True
            ):
                assert rows.tolist() == others.tolist()
    assert {drawn_by[entropy, 1] for entropy in (0, 1)} == {get_ident()}
    assert get_ident() not in {drawn_by[entropy, epoch] for entropy in (0, 1) for epoch in (2, 3)}
