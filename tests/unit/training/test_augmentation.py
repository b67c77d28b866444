"""Rotations and flips: the eight symmetries, alike for three images, from a stream of their own."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fake_training import TRAINING as SHORT
from stampshift.methods import METHODS
from stampshift.networks import build_classifier
from stampshift.training.augmentation import SYMMETRIES, turned, turned_batches
from stampshift.training.data import TrainingData
from stampshift.training.progress import Task
from stampshift.training.sampler import epoch_batches
from stampshift.training.stacked.lane import why_alone

TRAINING = SHORT | {"halve_every_iterations": 1000, "epoch_size": 60, "patience_epochs": 3}


def task(surveys, splits, **training):
    source = TrainingData.of_source(surveys["A"], splits["A"])
    start = build_classifier(network="bolivar", head="linear", size_pixels=21, temperature=None)
    return Task(
        name="coral",
        method=METHODS["coral"]({"weight": 1.0}),
        network="bolivar",
        data=source.with_target(surveys["B"], splits["B"], shots=0, validation_shots=0),
        entropy=7,
        options={"weight": 1.0},
        training={**TRAINING, **training},
        baseline=start.state_dict(),
        device=torch.device("cpu"),
    )


def test_the_eight_symmetries_of_a_square_by_hand():
    square = np.array([[1, 2], [3, 4]])
    stamps = torch.from_numpy(np.tile(square, (SYMMETRIES, 3, 1, 1)))
    found = turned(stamps, torch.arange(SYMMETRIES))
    expected = [np.rot90(start, turns) for start in (square, np.fliplr(square)) for turns in range(4)]
    assert found[:, 0].numpy().tolist() == [each.tolist() for each in expected]
    assert len({str(each.tolist()) for each in expected}) == 8
    assert (found == found[:, :1]).all()  # the three images alike
    assert torch.equal(found[0], stamps[0])


def test_a_stamp_keeps_its_pixels_and_its_images_their_order():
    stamps = torch.arange(2 * 3 * 5 * 5).view(2, 3, 5, 5)
    found = turned(stamps, torch.tensor([3, 6]))
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(found.flatten(2).sort().values, stamps.flatten(2))
    assert torch.equal(found[:, :, 2, 2], stamps[:, :, 2, 2])  # the candidate stays in the centre


def test_every_symmetry_is_drawn_and_one_for_each_stamp():
    stamps = torch.arange(4).view(1, 1, 2, 2).expand(400, 3, 2, 2)
    generator = np.random.default_rng(0)
    (found,) = turned_batches(iter([stamps]), count=1, size=400, generator=generator)
    counts = torch.unique(found[:, 0].flatten(1), dim=0, return_counts=True)[1]
    assert len(counts) == SYMMETRIES
    assert counts.min() > 25


@pytest.mark.parametrize("epoch_size", [60, None])
def test_the_draws_stay_and_labelled_and_unlabelled_stamps_are_turned(surveys, splits, epoch_size):
    """The same stamps in the same order, each turned; validation is not."""
    given = {"augmentation": "rotations_and_flips", "epoch_size": epoch_size}
    plain, other = (
        task(surveys, splits, **{**given, "augmentation": name}) for name in ("none", given["augmentation"])
    )
    if epoch_size is None:
        plain, other = (replace(each, method=METHODS["baseline"]({})) for each in (plain, other))
    pairs = list(zip(epoch_batches(plain, 1), epoch_batches(other, 1), strict=True))
    assert pairs
    for before, after in pairs:
        assert torch.equal(before.labels, after.labels)
        for ours, theirs in ((before.stamps, after.stamps), (before.unlabelled, after.unlabelled)):
            if ours is None:
                assert theirs is None
                continue
            assert torch.equal(ours.flatten(2).sort().values, theirs.flatten(2).sort().values)
            assert (ours == theirs).flatten(1).all(1).sum() < len(ours)
    again = list(epoch_batches(other, 1))
    assert all(torch.equal(after.stamps, same.stamps) for (_, after), same in zip(pairs, again, strict=True))
    assert other.validation is other.data.source_validation


def test_off_by_default(surveys, splits):
    assert task(surveys, splits).augmentation(1) is None
    assert why_alone(task(surveys, splits)) is None


def test_augmented_runs_train_alone(surveys, splits):
    augmented = task(surveys, splits, augmentation="rotations_and_flips")
    assert why_alone(augmented) == "the augmentation of its stamps has no stacked form"
