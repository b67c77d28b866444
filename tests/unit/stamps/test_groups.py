"""Stamps that belong together: by object, by identical pixels, and by both in a chain."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_surveys import FRACTIONS, survey_of
from stampshift.core.errors import ConfigError
from stampshift.stamps.file import Stamps
from stampshift.stamps.groups import groups_of, identical, remarks_on
from stampshift.stamps.raw_triplets import object_of
from stampshift.stamps.splits import make_folds, make_splits
from stampshift.stamps.writer import stamps_writer


def test_stamps_without_object_and_twin_are_each_their_own():
    assert groups_of(survey_of([0, 1, 0])) is None


def test_objects_and_identical_pixels_are_joined_in_a_chain():
    survey = survey_of([0] * 7, objects=["b", "a", "", "", "c", "", "a"], looks=[1, 2, 2, 3, 4, 1, 5])
    # 0 and 5 look the same; 1 and 6 are object a, and 2 looks like 1
    assert groups_of(survey).tolist() == ["b", "a", "a", "row 3", "c", "b", "a"]
    assert groups_of(survey, np.array([3, 5, 2])) is None  # of these alone none has a partner
    assert identical(survey) == (4, 2)


@pytest.mark.parametrize(
    "value",
    ["", " ", "0", "-1", "0.0", "-1.0", "-999", "null", "NULL", "None", "nan", "NaN", "NaT", "<NA>", "N/A",
     "-", None, 0, -1, float("nan"), np.nan, np.float64("nan"), "unknown"],
)  # fmt: skip
def test_a_placeholder_is_no_object(value):
    assert object_of(value) == ""


@pytest.mark.parametrize("value", ["1", "17", "-2", "ZTF18aaa", "nano", "0a", "00x", "1e3"])
def test_what_is_no_placeholder_is_an_object(value):
    assert object_of(value) == value


@settings(max_examples=30, deadline=None)
@given(
    copies=st.integers(1, 4),
    per_object=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_no_part_of_a_split_holds_a_stamp_that_another_part_has_too(copies, per_object, seed):
    distinct = 120
    looks = np.repeat(np.arange(distinct), copies)
    objects = [f"o{look // per_object}" if look % 7 else "" for look in looks]
    survey = survey_of((looks // per_object) % 2, objects=objects, looks=looks)
    order = np.random.default_rng(seed).permutation(len(looks))
    survey = survey_of(survey.labels[order], objects=survey.groups[order], looks=survey.fingerprints[order])
    splits = make_splits(survey, fractions=FRACTIONS, seed=seed)
    parts = [splits.train, splits.validation, splits.test]
    parts += [fold.test for fold in make_folds(survey, folds=3, validation=0.1, seed=seed)][:1]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        for what in (survey.fingerprints, survey.groups):
            shared = np.intersect1d(what[parts[first]], what[parts[second]])
            assert set(shared.tolist()) <= {""}


def test_two_hundred_stamps_each_twice_are_never_in_train_and_test():
    looks = np.concatenate([np.arange(200), np.arange(200)])
    splits = make_splits(survey_of(looks % 2, looks=looks), fractions=FRACTIONS, seed=0)
    assert len(splits.test) == 40
    assert not np.isin(looks[splits.test], looks[splits.train]).any()


def test_without_groups_the_copies_of_a_stamp_are_in_several_parts_and_a_warning_says_so(caplog):
    looks = np.concatenate([np.arange(200), np.arange(200)])
    survey = survey_of(looks % 2, looks=looks)
    splits = make_splits(survey, fractions=FRACTIONS, seed=0, grouped=False)
    assert np.isin(looks[splits.test], looks[splits.train]).any()
    assert "`splits.grouped` is false" in caplog.text
    # as if every stamp were its own
    alone = make_splits(survey_of(looks % 2), fractions=FRACTIONS, seed=0)
    np.testing.assert_array_equal(splits.test, alone.test)


@pytest.mark.parametrize("grouped", [True, False])
def test_without_strata_the_shares_of_the_classes_vary(grouped):
    labels = np.arange(400) % 4 == 0
    objects = [f"o{row // 2}" for row in range(400)]
    survey = survey_of(labels, objects=objects)
    found = [
        make_splits(survey, fractions=FRACTIONS, seed=seed, grouped=grouped, stratified=False)
        for seed in range(10)
    ]
    assert {len(splits.test) for splits in found} == {40}
    assert len({int(labels[splits.test].sum()) for splits in found}) > 1
    for splits in found if grouped else []:
        assert not np.isin(survey.groups[splits.test], survey.groups[splits.train]).any()


def test_a_part_without_a_class_stops_with_a_sentence():
    objects = ["one"] * 60 + [f"o{number}" for number in range(60)]
    survey = survey_of([0] * 60 + [1] * 60, objects=objects)
    with pytest.raises(
        ConfigError,
        match=r"X: expected stamps of both classes in every part of split 0, found \d+ real",
    ):
        make_splits(survey, fractions=FRACTIONS, seed=0)


def test_a_large_group_and_identical_stamps_are_named():
    survey = survey_of([0, 1] * 20, objects=["field"] * 6 + [""] * 34, looks=[*range(38), 37, 37])
    copies, large = remarks_on(survey)
    assert copies.startswith("3 stamps have the pixels of another (1 different ones among them)")
    assert large.startswith("6 of 40 stamps are of one group, 'field',")
    assert remarks_on(survey_of([0, 1] * 20, objects=["a"] * 4 + [""] * 36)) == []


def test_a_fingerprint_is_that_of_all_pixels(tmp_path):
    pixels = np.random.default_rng(0).normal(size=(3, 3, 21, 21)).astype(np.float32)
    pixels[2] = pixels[0]
    pixels[1] = pixels[0]
    pixels[1, 2, 20, 20] += 1
    with stamps_writer(tmp_path / "X.h5", survey="X", size_pixels=21) as writer:
        for row in range(3):
            writer.append(pixels[row : row + 1], labels=[row % 2], classes=["a"], ids=[str(row)], groups=[""])
    found = Stamps.open(tmp_path / "X.h5").fingerprints
    assert found[0] == found[2] != found[1]
