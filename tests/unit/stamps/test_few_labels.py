import re

import numpy as np
import pytest

from adaptation import some_labels, write_some
from stampshift.core.errors import ContractError
from stampshift.stamps.few_labels import FewLabels
from stampshift.stamps.file import UNLABELLED, Stamps


def labels(real, bogus, unlabelled=5):
    rows = np.random.default_rng(3).permutation(real + bogus + unlabelled)
    parts = np.split(rows, [real, real + bogus])
    return FewLabels(*(np.sort(part) for part in parts), np.array([], np.int64), None)


def open_few(surveys, folder, **counts):
    path = write_some(folder / "B.h5", surveys["B"], *some_labels(surveys["B"], **counts))
    return Stamps.open(path, unlabelled=True)


def test_labelled_and_unlabelled_stamps_are_distinguished(surveys, tmp_path):
    stamps = open_few(surveys, tmp_path, real=2, bogus=4, unlabelled=25)
    found = FewLabels.of(stamps)
    assert [len(rows) for rows in (found.real, found.bogus, found.pile, found.held_back)] == [2, 4, 23, 2]
    assert set(stamps.classes[found.real]) == {"star"}
    assert set(stamps.classes[[*found.pile, *found.held_back]]) == {"unlabelled"}
    assert not np.intersect1d(found.pile, found.held_back).size


@pytest.mark.parametrize(("real", "bogus"), [(0, 3), (3, 0)])
def test_a_class_without_a_label_is_refused_with_what_to_do(surveys, tmp_path, real, bogus):
    stamps = open_few(surveys, tmp_path, real=real, bogus=bogus, unlabelled=100)
    with pytest.raises(ContractError, match=rf"B: expected at least .* found {real} and {bogus}\. Label one"):
        FewLabels.of(stamps)


@pytest.mark.parametrize(
    ("real", "bogus", "folds"), [(2, 2, 2), (3, 9, 3), (10, 10, 10), (40, 25, 10), (1, 40, 0)]
)
def test_every_labelled_stamp_is_held_out_once_with_both_classes_on_either_side(real, bogus, folds):
    few = labels(real, bogus)
    found = few.folds(seed=0)
    assert len(found) == folds
    if folds:
        assert np.sort(np.concatenate([fold.held_out for fold in found])).tolist() == few.labelled.tolist()
    for fold in found:
        assert np.sort(np.concatenate([fold.shots, fold.held_out])).tolist() == few.labelled.tolist()
        for side in (fold.shots, fold.held_out):
            assert np.intersect1d(side, few.real).size and np.intersect1d(side, few.bogus).size


def test_with_equal_numbers_up_to_ten_one_of_each_class_is_held_out():
    assert [len(fold.held_out) for fold in labels(7, 7).folds(seed=0)] == [2] * 7


@pytest.mark.parametrize(
    ("real", "bogus", "said"),
    [
        (
            1,
            5,
            r"^1 real and 5 bogus labels, 5 unlabelled stamps, 0 more held back\. With one label .* takes 4",
        ),
        (
            3,
            5,
            r"Too few to set some aside for validation: 3 trainings each leave one of the rarer class out",
        ),
        (10, 12, r"10 trainings each hold a tenth of them out"),
        (30, 41, r"More than 40 per class have not been studied; all are used\.$"),
    ],
)
def test_what_the_labels_are_good_for_is_said(real, bogus, said):
    assert re.search(said, labels(real, bogus).how_judged(seed=0, epochs_unjudged=4))


def of_objects(*objects, unlabelled=()):
    """Labels of objects, each (label, number of alerts), and unlabelled alerts of some of them by number."""
    names = [name for name, (_, alerts) in enumerate(objects) for _ in range(alerts)]
    codes = [label for label, alerts in objects for _ in range(alerts)] + [UNLABELLED] * len(unlabelled)
    count = len(codes)
    stamps = Stamps(
        survey="X",
        stamps=np.zeros((count, 3, 1, 1), np.float32),
        labels=np.array(codes, np.uint8),
        classes=np.full(count, "any"),
        ids=np.arange(count).astype(str),
        groups=np.array([f"object {name}" for name in [*names, *unlabelled]]),
        fingerprints=np.arange(count, dtype=np.uint64),
        attributes={},
    )
    return FewLabels.of(stamps)


def test_no_object_is_on_both_sides_of_a_fold_nor_among_its_unlabelled_stamps():
    few = of_objects(*[(1, 4), (0, 4)] * 6, unlabelled=[*range(12), *range(100, 130)] * 2)
    folds = few.folds(seed=0)
    assert len(folds) == 6
    held_out = np.concatenate([fold.held_out for fold in folds])
    assert np.sort(held_out).tolist() == few.labelled.tolist()
    for fold in folds:
        judges = few.groups[fold.held_out]
        assert not np.isin(few.groups[fold.shots], judges).any()
        assert not np.isin(few.groups[fold.pile], judges).any()
        assert len(fold.pile) > 40  # those of other objects stay


def test_what_is_held_back_is_of_objects_that_no_training_sees():
    few = of_objects((1, 3), (0, 3), unlabelled=[0, 1, 0, 1] * 10 + [*range(100, 160)] * 2)
    assert len(few.held_back) >= 10
    seen = few.groups[np.concatenate([few.labelled, few.pile])]
    assert not np.isin(few.groups[few.held_back], seen).any()


@pytest.mark.parametrize(
    ("objects", "folds", "said"),
    [
        ([(1, 9), (1, 8), (1, 1), (0, 5), (0, 5)], 2, r"of 3 real and 2 bogus objects; .* held out together"),
        ([(1, 20), (0, 5), (0, 5)], 0, r"With one object of a class none can be held out .* second object"),
        ([(1, 2)] * 3 + [(0, 2)] * 4, 3, r"3 trainings each leave one object of the rarer class out"),
    ],
)
def test_fewer_objects_give_fewer_folds_and_it_is_said(objects, folds, said):
    few = of_objects(*objects)
    assert len(few.folds(seed=0)) == folds
    assert re.search(said, few.how_judged(seed=0, epochs_unjudged=4))
